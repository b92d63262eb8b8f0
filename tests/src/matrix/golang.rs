//! dubbo-go in the matrix: as consumer of every release for Java and as provider for every one, in the cases that it has.
//!
//! Never a reason for a run to fail by being away: without a Go toolchain it is left out, and said.

use std::slice::from_ref;
use std::time::Duration;

use anyhow::Result;

use super::differences::{BOTH_LEVELS, Difference, FOUND, KNOWN, LeftOut, Shown, Who, gaps, shown};
use super::run::{Ways, run};
use super::{Member, Stage, Table};
use lab::install;
use lab::peer::{Application, GREETING, Runtime};
use lab::process::until;

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
        /// What it leaves out without a reason on the lists, and what they say and it does.
        gaps: Vec<String>,
    },
    /// Not here, and why.
    LeftOut(String),
}

/// What dubbo-go registers, and looks for, as instances alone, these do not find, and it does not find theirs.
const OLD: Who = Who::Only(&["2.6.12", "2.7.23"]);
const GO: Who = Who::Only(&[NAME]);

/// What it sees of its cases when it has found a provider that is `OLD`. A group or a version `*` it never finds: those are the same.
const CALLED: &Shown = &[
    ("arrived", &["one-way"]),
    ("no pears", &["thrown.declared", "generic.thrown"]),
    ("broken", &["thrown.runtime"]),
    ("java exception:highway: ", &["timeout"]),
    ("nowhere", &["generic.unknown-method"]),
    ("\"1000\"", &["callers"]),
    ("max payload 1024000", &["payload.request", "payload.request-over"]),
    (
        "returned",
        &[
            "text",
            "text.four-byte",
            "text.long",
            "numbers",
            "date",
            "bytes",
            "object",
            "void",
            "null-result",
            "generic",
            "generic.objects",
            "attachments.request",
            "attachments.of-the-line",
            "group-and-version",
            "payload.reply",
            "payload.reply-over",
        ],
    ),
];

/// What those that are `OLD` see of it, where that is not what they see of Java.
const SERVED: &Shown = &[
    ("no pears", &["thrown.declared", "generic.thrown"]),
    ("broken", &["thrown.runtime"]),
    ("timeout", &["payload.reply", "payload.reply-over"]),
];

const OWN: [Difference; 4] = [
    Difference {
        cases: &["attachments.reply"],
        consumers: Who::Not(&["2.6.12", "2.7.23"]),
        providers: GO,
        through: "the consumer saw",
        reason: "dubbo-go adds the addresses of both ends to its answers (`local-addr`, `remote-addr`); those of another island stay there",
    },
    Difference {
        cases: &["timeout"],
        consumers: GO,
        providers: Who::Not(&["2.6.12", "2.7.23"]),
        through: "java exception:highway: ",
        reason: "Highway says in words that there was no answer, shortly before dubbo-go would at its own clock",
    },
    Difference {
        cases: &["echo", "generic.unknown-method", "payload.reply", "payload.reply-over"],
        consumers: GO,
        providers: Who::Only(&["3.2.16"]),
        through: "java exception:",
        reason: "a 3.2 provider tells its errors in fastjson2 even to consumers that do not have it, and dubbo-go reads no word of them; \
                 Highway writes them again as hessian2, so that it reads what was wrong",
    },
    Difference {
        cases: &["payload.request"],
        consumers: Who::Not(&["2.6.12", "2.7.23"]),
        providers: GO,
        through: "is over Dubbo's limit",
        reason: "dubbo-go takes no body over 1 024 000 bytes and ends the connection at one; through Highway this body, which leaves no \
                 room for the calling island, does not get that far",
    },
];

/// What differs with it, and why.
#[must_use]
pub fn differences() -> Vec<Difference> {
    let mut all = shown(CALLED, GO, OLD, BOTH_LEVELS);
    all.extend(shown(&[("returned", &["echo"])], GO, Who::Only(&["2.6.12"]), BOTH_LEVELS));
    all.extend(shown(&[("Service not found", &["echo"])], GO, Who::Only(&["2.7.23"]), BOTH_LEVELS));
    // What dubbo-go adds to an answer is not all text, which 2.6 takes it for.
    all.extend(shown(&[("ClassCastException", &["attachments.reply"])], Who::Only(&["2.6.12"]), GO, BOTH_LEVELS));
    all.extend(shown(SERVED, OLD, GO, BOTH_LEVELS));
    all.extend(shown(FOUND, OLD, GO, BOTH_LEVELS));
    all.extend(OWN);
    all.extend(KNOWN);
    all
}

/// What its peer does not call, and why.
pub const UNCALLED: [LeftOut; 7] = [
    LeftOut { members: GO, cases: TYPES, reason: TYPES_OF_JAVA },
    LeftOut { members: GO, cases: THROWN, reason: ONLY_WORDS },
    LeftOut { members: GO, cases: &["overloads"], reason: "Go has none" },
    LeftOut {
        members: GO,
        cases: &["one-way.unsent", "async.reference", "async.signature", "generic.async"],
        reason: "dubbo-go's calls wait for the answer or are one-way; it has no futures",
    },
    LeftOut { members: GO, cases: GENERIC, reason: ONE_KIND },
    LeftOut { members: GO, cases: &["attachments.reply"], reason: "dubbo-go shows no attachments of answers" },
    LeftOut { members: GO, cases: &["attachments.object"], reason: ONLY_TEXT },
];

/// What its peer does not answer, and why.
pub const UNSERVED: [LeftOut; 7] = [
    LeftOut { members: GO, cases: TYPES, reason: TYPES_OF_JAVA },
    LeftOut {
        members: GO,
        cases: &["numbers", "date", "bytes", "object", "generic.objects"],
        reason: "what Java calls there is declared in types that Go does not have; dubbo-go's own calls show these values",
    },
    LeftOut { members: GO, cases: THROWN, reason: ONLY_WORDS },
    LeftOut { members: GO, cases: &["overloads"], reason: "Go has none" },
    LeftOut { members: GO, cases: &["async.signature"], reason: "its methods return Java's futures" },
    LeftOut { members: GO, cases: GENERIC, reason: ONE_KIND },
    LeftOut { members: GO, cases: &["attachments.object"], reason: ONLY_TEXT },
];

const TYPES: &[&str] = &[
    "text.half-a-pair",
    "numbers.boxed",
    "numbers.as-number",
    "numbers.as-object",
    "letters",
    "decimals",
    "uuid",
    "locale",
    "optional",
    "date.sql",
    "date.java-time",
    "date.zoned",
    "enum",
    "enum.with-bodies",
    "enum.in-map",
    "array.primitive",
    "array.object",
    "array.deep",
    "list",
    "list.of-jdk",
    "list.nested",
    "set",
    "queue",
    "map",
    "map.object-keys",
    "empty",
    "null",
    "object.inherited",
    "object.shadowed-field",
    "object.generic",
    "object.untyped-fields",
    "object.transient-field",
    "object.cycle",
    "object.shared",
    "mixed",
];
const TYPES_OF_JAVA: &str = "types of Java's own; a date, a decimal, an enum, a list and a map are in `object`";
const THROWN: &[&str] = &["thrown.caused", "thrown.no-message", "thrown.foreign", "thrown.unknown-class"];
const ONLY_WORDS: &str =
    "of an exception the other language keeps the words alone, which `thrown.declared` and `thrown.runtime` show";
const GENERIC: &[&str] = &["generic.nativejava", "generic.bean", "generic.raw.return", "generic.protobuf-json"];
const ONE_KIND: &str = "kinds of generic call that only Java has";
const ONLY_TEXT: &str = "dubbo-go's attachments are texts";

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
    let mut unsaid = gaps(NAME, &UNCALLED, |case| consumer.calls.contains(case.name));
    unsaid.extend(gaps(NAME, &UNSERVED, |case| provider.serves.contains(case.name)));
    Ok(Golang::Seen {
        calls: run(calls, |_, _, _| true, &progress)?,
        serves: run(serves, |_, _, _| true, &progress)?,
        gaps: unsaid,
    })
}
