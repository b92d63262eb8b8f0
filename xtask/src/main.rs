//! Chores of the workspace: `cargo xtask demo | tutorial | test | tidy | book | ci | matrix | faults | middleboxes | bench | semver | dist | sbom`.
//!
//! Each chore does its own set-up, says what it is doing, and ends with the exit code of what it ran. Knows the crates of
//! the workspace by their folders and binaries alone; imports none of them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the command line")]

mod book;
mod chores;
mod step;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask CHORE [ARGUMENTS]

  demo [ARGUMENTS]    a guided run of the lab: three islands and a hub on this machine, unmodified Java (--keep leaves it running)
  tutorial            what docs/lab.md and README.md have a newcomer type, from the first command to the last, held against what
                      they say one sees, with a clock
  test [ARGUMENTS]    installs what is missing, builds the programs, runs every test; ARGUMENTS go to `cargo test`
                      in place of `--workspace` (cargo xtask test -p highway-wire)
  tidy                the rules that no compiler holds: imports, file headers, file lengths, lints, banned crates
  book [--write]      docs/ as a book, in target/book (--write first renews docs/configuration.md from the documented TOML files)
  ci [STEP...]        test, tidy, fmt, clippy, doc, semver, package (what is published can be), deny (cargo deny) and fuzz (the
                      fuzz targets, where a nightly toolchain is there), or only the steps that are named
  matrix [ARGUMENTS]  every released Dubbo as consumer and provider, each case directly and through Highway
                      (--quick, --settings, --json; --write renews docs/compatibility.md)
  bench [ARGUMENTS]   Highway beside three plain TCP relays in one run (bench/README.md), what choosing an island costs, and the
                      SDK beside others; `bench choose`, `bench sdk`, `bench codec` only one of these;
                      `bench thin-link` what crosses a link of 30 Mbit/s (root)
  fuzz [--minutes N] [TARGET...]
                      runs each fuzz target, or those that are named, for N minutes (1), and prints what it did and found;
                      wants a nightly toolchain. Target `differential` compares us with released Dubbo and wants Java alone
  semver [--write]    what the SDK offers to those who link it, held against sdk/api.txt (--write renews that)
  dist [--out FOLDER] [--programs FOLDER]
                      a Debian package, an archive, what is in them and their checksums, in target/dist
  sbom FILE           what the programs are made of, as CycloneDX
  faults [ARGUMENTS]  breaks each part of the line under load of every line of Dubbo and prints what it cost
                      (docs/faults.md; --write puts the figures there)
  middleboxes [ARGUMENTS]
                      the line through every proxy, balancer, firewall and device that may stand between an island and the hub,
                      100 000 calls each (docs/middleboxes.md; --only NAME, --short; --write puts the figures there)
  help                this

Each ends with the exit code of what it ran: 0 is good.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let chore = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match (chore.as_str(), rest.as_slice()) {
        ("demo", _) => chores::demo(&rest),
        ("tutorial", []) => chores::tutorial(),
        ("test", _) => chores::test(&rest).map(|_| ()),
        ("matrix", _) => chores::matrix(&rest),
        ("bench", _) => chores::bench(&rest),
        ("fuzz", _) => chores::fuzz(&rest),
        ("dist", _) => chores::dist(&rest),
        ("sbom", [file]) => chores::sbom(file),
        ("semver", _) => chores::semver(&rest),
        ("faults", _) => chores::faults(&rest),
        ("middleboxes", _) => chores::middleboxes(&rest),
        ("tidy", []) => tidy::run(),
        ("book", _) => chores::book(&rest),
        ("ci", _) => chores::ci(&rest),
        ("help" | "--help" | "-h", _) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {chore}: {error:#}");
            ExitCode::from(step::code_of(&error))
        }
    }
}
