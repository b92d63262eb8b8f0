//! dubbo-go in the matrix: as consumer of every release for Java and as provider for every one, in the cases that it has.
//!
//! Never a reason for a run to fail by being away: without a Go toolchain it is left out, and said.

use std::slice::from_ref;
use std::time::Duration;

use anyhow::Result;

use super::differences::{BOTH_LEVELS, Difference, Who};
use super::run::{Ways, run};
use super::{Member, Stage, Table};
use crate::install;
use crate::peer::{Application, GREETING, Runtime};
use crate::process::until;

/// As a row and as a column.
const NAME: &str = "go-3.3.2";
/// Beside those of the releases and of the settings.
const PORT: u16 = 20_980;
/// From the start of the provider until the other island sees it.
const PUBLISHED: Duration = Duration::from_secs(45);

/// What both sides of it came to.
#[derive(Debug)]
pub enum Golang {
    /// It calls, and it is called.
    Seen {
        /// As consumer.
        calls: Table,
        /// As provider.
        serves: Table,
    },
    /// Not here, and why.
    LeftOut(String),
}

/// What differs with it, and why.
pub const KNOWN: [Difference; 3] = [
    Difference {
        cases: CALLED,
        consumers: Who::Only(&[NAME]),
        providers: Who::Only(OLD),
        through: "",
        reason: BOTH_LEVELS,
    },
    Difference {
        cases: CALLED,
        consumers: Who::Only(OLD),
        providers: Who::Only(&[NAME]),
        through: "",
        reason: BOTH_LEVELS,
    },
    Difference {
        cases: &["timeout"],
        consumers: Who::Only(&[NAME]),
        providers: Who::Not(OLD),
        through: "java exception:highway: ",
        reason: "Highway says in words that there was no answer, shortly before dubbo-go would at its own clock",
    },
];

/// What dubbo-go registers, and looks for, as instances alone, these do not find, and it does not find theirs.
const OLD: &[&str] = &["2.6.12", "2.7.23"];

/// Every case of its peer.
const CALLED: &[&str] = &[
    "text",
    "text.four-byte",
    "text.long",
    "numbers",
    "date",
    "bytes",
    "object",
    "thrown.declared",
    "thrown.runtime",
    "void",
    "null-result",
    "timeout",
    "generic",
    "attachments.request",
    "group-and-version",
];

/// Starts it in both islands beside the stage and runs its cases.
///
/// # Errors
/// As [`run`], or it does not start.
pub fn golang(stage: &Stage, progress: impl Fn(&str) + Sync) -> Result<Golang> {
    if let Some(reason) = install::no_go() {
        progress(&format!("LEFT OUT: dubbo-go: {reason}"));
        return Ok(Golang::LeftOut(reason));
    }
    let member = Member::new(NAME, Application::new(&format!("app-{NAME}"), Runtime::Go));
    let provider = member.provider(&stage.line, "b", PORT)?;
    let consumer = member.consumer(&stage.line, "a")?;
    until("the dubbo-go provider is published", PUBLISHED, || {
        let nodes = stage.line.island("a").virtual_nodes(GREETING);
        nodes.iter().any(|node| node.contains(&format!("group%3D{NAME}%26"))).then_some(())
    })?;
    progress("dubbo-go is up");
    let calls = Ways { directly: from_ref(&provider), through: from_ref(&consumer), providers: &stage.providers };
    let serves = Ways { directly: &stage.providers, through: &stage.consumers, providers: from_ref(&provider) };
    Ok(Golang::Seen { calls: run(calls, |_, _, _| true, &progress)?, serves: run(serves, |_, _, _| true, &progress)? })
}
