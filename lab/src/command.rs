//! What somebody types: `highway lab up | status | call | break | heal | load | down | demo`.
//!
//! What came of it goes to standard output, news on the way to standard error. Exit codes: 0 good, 1 failed, 2 wrong words, 3 no
//! (there is no lab, a call was not answered, calls of a load failed), 130 for Ctrl-C.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::control::{Outcome, Request, Speaker, ask};
use crate::seat::Seat;
use crate::world::{Called, Fault, Loaded, Part, Status, Watched, Wish};
use crate::{demo, keeper, up};

/// A hub and three islands on this machine, kept apart, with real ZooKeeper, Java and Rust in them, to try Highway in.
#[derive(Debug, Parser)]
#[command(name = "highway lab", version)]
struct Words {
    /// What came of it as one JSON object.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts it, and leaves it in the background.
    Up(UpWords),
    /// Shows places, addresses, processes and links: exit code 3 where there is no lab.
    Status,
    /// Makes one real call and shows its answer, and where its time went: exit code 3 where it was not answered.
    Call {
        /// The island of the consumer.
        from: String,
        /// The island of the provider.
        to: String,
        /// A method of com.example.GreetingService or com.example.InteropService.
        #[arg(default_value = "sayHello")]
        method: String,
        /// What it gets, each as JSON or as plain text [default: the consumer's island].
        arguments: Vec<String>,
        /// The Rust consumer calls the Rust provider.
        #[arg(long)]
        rust: bool,
    },
    /// Breaks something while every consumer calls every other island, and shows what became of the calls.
    Break {
        /// What.
        part: What,
        /// Where; a hub is in no island.
        #[arg(default_value = "beijing")]
        island: String,
    },
    /// Mends what is broken, under the same calls.
    Heal,
    /// Every consumer calls every other island as fast as it can: exit code 3 where a call failed.
    Load {
        /// For so many seconds, 1 to 60.
        #[arg(long = "for", default_value_t = 10)]
        seconds: u64,
        /// Threads of each consumer towards each island, 1 to 16.
        #[arg(long, default_value_t = 2)]
        threads: u32,
    },
    /// Ends it, and leaves nothing behind.
    Down,
    /// All of that in one guided run, which ends the lab it has started.
    Demo {
        /// Leaves it running.
        #[arg(long)]
        keep: bool,
    },
    /// The process behind it.
    #[command(hide = true)]
    Keep {
        /// As JSON.
        wish: String,
    },
}

#[derive(Debug, Args)]
struct UpWords {
    /// Puts a real box between the islands and the hub: nginx, haproxy, envoy, modsecurity, squid, mitm, apache, varnish, or a whole
    /// name of docs/middleboxes.md.
    #[arg(long = "box", value_name = "BOX")]
    r#box: Option<String>,
    /// Lets no more through each way of each island, such as 30mbit.
    #[arg(long, value_name = "RATE")]
    thin: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Hub,
    Link,
    Zookeeper,
    Provider,
    Gateway,
}

/// How a command ends where the answer is no.
const NO: u8 = 3;

/// Does what the words say.
#[must_use]
pub fn run(words: &[String]) -> ExitCode {
    let named = std::iter::once("highway lab".to_owned()).chain(words.iter().cloned());
    let words = match Words::try_parse_from(named) {
        Ok(words) => words,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    done(words).unwrap_or_else(|error| {
        say(&format!("highway lab: {error:#}"));
        ExitCode::FAILURE
    })
}

fn done(words: Words) -> Result<ExitCode> {
    let form = if words.json { Form::Json } else { Form::Text };
    let seat = |words: Command| -> Result<ExitCode> { with(&Seat::of_this_user()?, words, form) };
    match words.command {
        Command::Keep { wish } => keeper::keep(serde_json::from_str(&wish)?),
        Command::Demo { keep } => demo::run(keep),
        other => seat(other),
    }
}

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
}

fn with(seat: &Seat, command: Command, form: Form) -> Result<ExitCode> {
    let request = match command {
        Command::Up(UpWords { r#box, thin }) => return up::up(seat, &Wish { r#box, thin }, form),
        Command::Down => return up::down(seat, form),
        Command::Status | Command::Keep { .. } | Command::Demo { .. } => Request::Status,
        Command::Call { from, to, method, arguments, rust } => {
            let by = if rust { Speaker::Rust } else { Speaker::Java };
            let arguments = if arguments.is_empty() { vec![from.clone()] } else { arguments };
            let arguments = arguments.into_iter().map(|text| value(text, by)).collect();
            Request::Call { from, to, method, arguments, by }
        }
        Command::Break { part, island } => Request::Break(Fault { part: part.into(), island }),
        Command::Heal => Request::Heal,
        Command::Load { seconds, threads } => Request::Load { for_ms: seconds.saturating_mul(1000), threads },
    };
    if !seat.is_kept()? {
        say("highway lab: there is no lab; `highway lab up` starts one");
        return Ok(ExitCode::from(NO));
    }
    match ask(seat, &request, say)? {
        Outcome::No(words) => {
            say(&format!("highway lab: {words}"));
            Ok(ExitCode::from(NO))
        }
        Outcome::Done(value) => show(&request, value, form),
    }
}

/// Prints what came of it, and says whether it is what one hopes for.
fn show(request: &Request, value: Value, form: Form) -> Result<ExitCode> {
    let (text, is_good) = match request {
        Request::Call { .. } => {
            let called: Called = read(&value)?;
            (called.text(), called.thrown.is_none())
        }
        Request::Break(_) => (read::<Watched>(&value)?.text(), true),
        Request::Heal => {
            let watched: Watched = read(&value)?;
            (watched.text(), watched.healed_ms.is_some())
        }
        Request::Load { .. } => {
            let loaded: Loaded = read(&value)?;
            (loaded.text(), loaded.failed() == 0)
        }
        Request::Status | Request::Start | Request::Down => (read::<Status>(&value)?.text(), true),
    };
    print(&if form == Form::Json { serde_json::to_string_pretty(&value)? } else { text })?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T> {
    serde_json::from_value(value.clone()).context("the lab's keeper is of another release; `highway lab down` ends it")
}

/// JSON where it is some, else the text itself. A greeting is for a name, whatever it looks like.
fn value(text: String, by: Speaker) -> Value {
    let parsed = if by == Speaker::Rust { None } else { serde_json::from_str(&text).ok() };
    parsed.unwrap_or(Value::String(text))
}

/// Where nobody reads any more, nobody misses it.
pub(crate) fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write standard output")
        }
        _ => Ok(()),
    }
}

/// News.
pub(crate) fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

impl From<What> for Part {
    fn from(what: What) -> Self {
        match what {
            What::Hub => Part::Hub,
            What::Link => Part::Link,
            What::Zookeeper => Part::Zookeeper,
            What::Provider => Part::Provider,
            What::Gateway => Part::Gateway,
        }
    }
}

/// A keeper that was asked to start something has this long to be there at all.
pub(crate) const THERE: Duration = Duration::from_secs(10);
