//! `highway`: the operator's command.
//!
//! | command | what it does |
//! |---|---|
//! | `key new`, `key show` | makes a key of a gateway or hub, shows the public half of one |
//! | `check` | says whether a configuration is good, by asking the program that it is for |
//! | `doctor` | what the way to the hub lets through and what is wrong with this machine, what that means, and what to ask for |
//! | `explain` | where a call would go and why, as an egress gateway decides it |
//! | `island new`, `island keys` | makes the files and keys of a new island, prints what the hub has to know of it |
//! | `lab` | islands on this machine, to try things in: becomes `highway-lab` |
//! | `leave` | takes what an egress gateway ever wrote out of its island's registries |
//! | `ready` | whether a running program is ready, for health checks |
//! | `rules` | shows, checks and changes the rule documents of a registry's config center |
//! | `sdk generate` | prints the Rust trait and types of a service that a provider published |
//! | `status` | islands, links, services and calls as running programs say, and what to do where something is not well |
//! | `top` | the same again and again |
//!
//! Words for people and scripts go to stdout, all else to stderr. Exit codes: 0 good, 1 failed, 2 bad configuration or bad
//! arguments; `rules`, `explain`, `doctor` and `ready` have a 3 for no, `doctor` a 4
//! for yes, but. Secrets are never arguments.
#![warn(clippy::print_stderr, reason = "what is said goes through `output`, as nobody may read it")]

mod admin;
mod check;
mod doctor;
mod explain;
mod island;
mod key;
mod lab;
mod leave;
mod output;
mod reach;
mod ready;
mod rules;
mod sdk;
mod status;
mod terminal;
mod top;
mod watch;
mod wrong;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use check::Kind;

/// The operator's command of Highway.
#[derive(Debug, Parser)]
#[command(name = "highway", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keys of gateways and hubs.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Says whether a configuration is good: exit code 0, or 2 with every mistake.
    Check {
        /// The configuration.
        file: PathBuf,
        /// The program it is for [default: as its file name says].
        #[arg(long)]
        kind: Option<Kind>,
    },
    /// Tries the way from here to the hub step by step, looks at this machine, and says what each finding means and what to ask for: exit code 0 where all is
    /// well, 4 where a link can be made and there is something to ask for, 3 where none can.
    Doctor(doctor::Arguments),
    /// Says where a call would go and why, by the code of an egress gateway that decides it, and what the hubs say of it: exit code 0, or
    /// 3 where it is refused, by the gateway or by its hubs, or a probe was not answered.
    Explain(explain::Arguments),
    /// A new island: the files and keys of its gateways, and what the hub has to know of it.
    #[command(subcommand)]
    Island(island::Command),
    /// A hub and three islands on this machine, kept apart, with real ZooKeeper and Java in them, to try things in: `highway lab up`.
    #[command(disable_help_flag = true)]
    Lab {
        /// What to do there: `highway lab help` lists it.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Takes everything that an egress gateway ever wrote out of its island's registries, for one that is stopped and will not be
    /// back.
    Leave {
        /// The gateway's configuration.
        file: PathBuf,
    },
    /// Whether a running program is ready, with what it waits for: exit code 0, or 3 where it is not, or 1 where nobody answers.
    Ready(ready::Arguments),
    /// Rule documents in the config center of a registry: which island a call goes to.
    Rules(rules::Arguments),
    /// For Rust services that call Dubbo's: `highway-sdk`.
    Sdk(sdk::Arguments),
    /// Shows islands, links, services and calls as running programs say, and what to do where something is not well.
    Status(status::Arguments),
    /// The same again and again: on a terminal a screen that renews itself, else tables one after the other.
    Top(top::Arguments),
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Makes a key: the private half goes to a new file that only its owner can read, the public half is printed.
    New {
        /// The new file; one that is there is never overwritten.
        #[arg(long)]
        out: PathBuf,
        /// The gateway that the key is for: then the entry for the hub's policy is printed.
        #[command(flatten)]
        gateway: key::Gateway,
        /// If it is there, only print its public half.
        #[arg(long)]
        keep: bool,
    },
    /// Prints the public half of a key file.
    Show {
        /// The file with the private half.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Key(KeyCommand::New { out, gateway, keep }) => key::new(&out, &gateway, keep).map(|made| {
            let ended = done(made.print, "the key is made; `highway key show` prints its public half");
            output::say(made.next);
            ended
        }),
        Command::Key(KeyCommand::Show { file }) => key::show(&file).and_then(printed),
        Command::Check { file, kind } => check::run(&file, kind),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Island(command) => island::run(&command).map(|(lines, next)| {
            let ended = done(lines, "the files are made; the same command prints the lines again");
            output::say(next);
            ended
        }),
        Command::Lab { words } => lab::run(&words),
        Command::Leave { file } => leave::run(&file).map(|left| done(left, "all that it wrote is taken out")),
        Command::Ready(arguments) => ready::run(&arguments),
        Command::Rules(arguments) => rules::run(arguments),
        Command::Sdk(arguments) => sdk::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
    };
    ended.unwrap_or_else(|error| {
        output::say(terminal::lines(&format!("highway: {error:#}")));
        wrong::code_of(&error)
    })
}

/// Prints what was done, which a failure to do so does not undo: `else_say` is told beside it then.
fn done(text: String, else_say: &str) -> ExitCode {
    if let Err(error) = output::line(text) {
        output::say(format_args!("highway: {else_say}, but {error:#}"));
    }
    ExitCode::SUCCESS
}

fn printed(text: String) -> anyhow::Result<ExitCode> {
    output::line(text)?;
    Ok(ExitCode::SUCCESS)
}
