//! The tutorial from its first command to its last: the guided run, the page of the lab, the walk of the README to two networks with what an
//! operator looks at there, and an island that comes to them.
//!
//! ```text
//!   docs/lab.md                            README.md, docs/operations.md …    docs/islands.md
//!   demo ─▶ highway lab up … lab down ──▶ two networks, file by file ─────▶ a third one comes, changes, goes
//! ```
//!
//! What is typed and seen is held against the texts by tests that every run of the tests has too. Here they are one walk, on the very
//! programs that the first command of the texts has built, and each part says how long it took.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::count::Count;
use crate::step::{self, cargo};

/// The page with the first commands.
const BEGINNING: &str = "docs/lab.md";
/// Pages, and for each the file of tests and the test that types what it shows.
const WALKS: [(&str, &str, &str); 3] = [
    (BEGINNING, "lab_command", "the_page_shows_what_one_sees"),
    ("README.md and what operators look at", "readme", "the_commands_of_the_readme_connect_two_networks"),
    ("docs/islands.md", "islands", "an_island_comes_changes_and_goes_by_the_commands_of_its_page"),
];

pub(super) fn run() -> Result<()> {
    let page = fs::read_to_string(step::root().join(BEGINNING)).with_context(|| BEGINNING.to_owned())?;
    let first = first_commands(&page).with_context(|| format!("{BEGINNING} begins with no block of commands"))?;
    let mut clock = Clock::new();
    clock.times("the first commands of docs/lab.md", || step::run(step::command("sh", &["-e", "-c", first])))?;
    let mut build = typing();
    build.arg("--no-run").args(WALKS.iter().flat_map(|(_, file, _)| ["--test", file]));
    clock.times("the build of what types the rest", || step::run(build))?;
    for (page, file, test) in WALKS {
        clock.times(page, || walk(file, test))?;
    }
    println!("\nxtask: ── the tutorial was typed, and what was seen is what its pages say ──\n{}", clock.table());
    Ok(())
}

fn typing() -> Command {
    cargo(&["test", "-p", "highway-tests"])
}

/// One test; that it was not there, or could show nothing here, is no walk.
fn walk(file: &str, test: &str) -> Result<()> {
    let (mut ran, mut not_shown) = (Count::default(), None);
    let mut walk = typing();
    walk.args(["--test", file, "--", "--exact", "--nocapture", test]);
    step::run_reading(walk, |line| {
        ran.add(line);
        not_shown = line.strip_prefix("not shown on this machine: ").map(str::to_owned).or(not_shown.take());
    })?;
    if let Some(reason) = not_shown {
        bail!(
            "found a machine on which it cannot be shown ({reason}), wanted root on a Debian with network namespaces"
        );
    }
    if ran.ran() != 1 {
        bail!("found {} tests `{test}` in {file}, wanted one", ran.ran());
    }
    Ok(())
}

/// What stands in the first block of commands.
fn first_commands(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("```sh\n")?;
    rest.split_once("```").map(|(commands, _)| commands)
}

struct Clock {
    begun: Instant,
    parts: Vec<(&'static str, Duration)>,
}

impl Clock {
    fn new() -> Self {
        Self { begun: Instant::now(), parts: Vec::new() }
    }

    fn times(&mut self, name: &'static str, part: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\nxtask: ── {name} ──");
        let begun = Instant::now();
        part().with_context(|| format!("the tutorial ends at: {name}"))?;
        self.parts.push((name, begun.elapsed()));
        Ok(())
    }

    fn table(&self) -> String {
        let line = |(name, lasted): (&str, Duration)| {
            format!("  {:>3} min {:>2} s  {name}\n", lasted.as_secs() / 60, lasted.as_secs() % 60)
        };
        let parts = self.parts.iter().copied();
        parts.chain([("in all", self.begun.elapsed())]).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_commands_are_those_of_the_first_block() {
        let page = "# A\n```text\nno\n```\n```sh\ncargo a\ncargo b\n```\n```sh\nlater\n```\n";
        assert_eq!(first_commands(page), Some("cargo a\ncargo b\n"));
        assert_eq!(first_commands("no block"), None);
    }
}
