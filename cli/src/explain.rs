//! `highway explain`: where a call would go, and why, as an egress gateway decides it, and what its hubs say.
//!
//! The gateway is asked on its admin listener and answers by the code that routes calls. Exit codes: 0 the call gets through by all that
//! is known, 1 nobody could be asked, 2 no such question, 3 the call is refused, here or by the hubs, or the probe got no answer. Sends no
//! call unless told to.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::admin::{self, Page};
use crate::check::Kind;
use crate::output;
use crate::terminal::{self, shown};
use crate::wrong::wrong;

/// The call does not get through.
const REFUSED: u8 = 3;

#[derive(Debug, Args)]
pub struct Arguments {
    /// What is called: [group/]interface[:version].
    service: String,
    /// The method.
    method: String,
    /// The caller's application.
    #[arg(long)]
    application: Option<String>,
    /// The caller's address: its node in the registry and rules on addresses count with it.
    #[arg(long, value_name = "ADDRESS")]
    source: Option<IpAddr>,
    /// An attachment of the call; may be given several times.
    #[arg(long = "attachment", value_name = "KEY=VALUE")]
    attachments: Vec<String>,
    /// Attachment highway.target.
    #[arg(long, value_name = "ISLAND")]
    target: Option<String>,
    /// Attachment dubbo.tag.
    #[arg(long)]
    tag: Option<String>,
    /// The island on whose port the call comes in [default: the port of all islands].
    #[arg(long, value_name = "ISLAND")]
    port: Option<String>,
    /// Why does it not go to this island, or to `local`?
    #[arg(long, value_name = "ISLAND")]
    why_not: Option<String>,
    /// Sends a real call of Dubbo's own `$echo` the same way, and says what came back. It runs no code of the provider's.
    #[arg(long)]
    live: bool,
    /// The egress gateway's admin listener.
    #[arg(long, default_value = Kind::EgressGw.default_admin(), value_name = "URL")]
    admin: String,
    /// File with the admin listener's token, readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// As JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Asks and shows.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let question = question(arguments)?;
    let token = admin::token(arguments.token_file.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(admin::ask(&arguments.admin, token.as_ref(), Page::Ask("/explain", question)))?;
    if arguments.json {
        output::line(terminal::json(&answer)?)?;
    } else {
        output::text(text(&answer))?;
    }
    Ok(if gets_through(&answer) { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

/// Whether such a call would be answered, as far as anybody knows. A gateway of an earlier release says only whether it goes.
fn gets_through(answer: &Value) -> bool {
    let passes = answer["passes"].as_bool().unwrap_or(!answer["goes"].is_null());
    passes && answer["live"]["answered"] != false
}

fn question(arguments: &Arguments) -> Result<Value> {
    let mut attachments = Map::new();
    for attachment in &arguments.attachments {
        let Some((key, value)) = attachment.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(wrong(format!("--attachment: found {attachment:?}, wanted KEY=VALUE")));
        };
        attachments.insert(key.to_owned(), value.into());
    }
    for (key, value) in [("highway.target", &arguments.target), ("dubbo.tag", &arguments.tag)] {
        if let Some(value) = value
            && let Some(twice) = attachments.insert(key.to_owned(), value.as_str().into())
        {
            let what = format!("attachment {key} is given twice, as {twice} and as {value:?}; give it once");
            return Err(wrong(what));
        }
    }
    let mut question = json!({
        "service": arguments.service, "method": arguments.method, "attachments": attachments, "live": arguments.live,
    });
    let source = arguments.source.map(|source| source.to_string());
    for (key, value) in [
        ("application", arguments.application.as_ref()),
        ("source", source.as_ref()),
        ("port", arguments.port.as_ref()),
        ("why_not", arguments.why_not.as_ref()),
    ] {
        if let Some(value) = value {
            question[key] = value.as_str().into();
        }
    }
    Ok(question)
}

/// For people: what came of it, then how.
fn text(answer: &Value) -> String {
    let said = |key: &str| answer[key].as_str().map(shown);
    let mut text = String::new();
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    let call = said("call").unwrap_or_default();
    let caller =
        said("application").map_or_else(|| "somebody unknown".to_owned(), |name| format!("application `{name}`"));
    match (said("goes"), said("refused")) {
        (Some(goes), _) => {
            line(format!("{call} of {caller} goes to {goes}"));
            line(format!("  because of {}", said("reason").unwrap_or_default()));
        }
        (None, refused) => {
            line(format!("{call} of {caller} is refused"));
            line(format!("  {}", refused.unwrap_or_default()));
        }
    }
    for target in answer["targets"].as_array().into_iter().flatten() {
        let list = |key: &str| {
            let all = target[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(shown);
            all.collect::<Vec<_>>().join(", ")
        };
        let mut about =
            vec![if target["up"] == true { "a provider is up".to_owned() } else { "no provider is up".to_owned() }];
        about.extend(Some(list("hubs")).filter(|hubs| !hubs.is_empty()).map(|hubs| format!("by {hubs}")));
        about.extend(Some(list("providers")).filter(|all| !all.is_empty()));
        line(format!("  {}: {}", target["target"].as_str().map(shown).unwrap_or_default(), about.join(", ")));
    }
    for policy in answer["policy"].as_array().into_iter().flatten() {
        let island = policy["target"].as_str().map(shown).unwrap_or_default();
        for hub in policy["hubs"].as_array().into_iter().flatten() {
            line(format!("  {island} at hub {}", hub_says(hub)));
        }
    }
    if let Some(why_not) = said("why_not") {
        line(format!("why not: {why_not}"));
    }
    if let Some(live) = answer["live"].as_object() {
        let told = live.get("told").and_then(Value::as_str).map(shown).unwrap_or_default();
        line(format!("live: {told}, after {} ms", live.get("took_ms").unwrap_or(&Value::Null)));
    }
    line("steps:".to_owned());
    for step in answer["steps"].as_array().into_iter().flatten() {
        let part = |key: &str| step[key].as_str().map(shown).unwrap_or_default();
        line(format!("  {:<10} {}", part("stage"), part("found")));
    }
    text
}

/// What one hub says: its verdict, the limits of this island, and who stands behind it.
fn hub_says(hub: &Value) -> String {
    let said = |key: &str| hub[key].as_str().map(shown).unwrap_or_default();
    let mut text = format!("{}: ", said("hub"));
    let _ = match hub["verdict"].as_str() {
        Some("granted") => write!(text, "granted by `{}`", said("grant")),
        Some("refused") => write!(text, "refused: {}", said("why")),
        _ => write!(text, "no answer: {}", said("why")),
    };
    if hub["verdict"] == "refused" && hub["grant"].is_string() {
        let _ = write!(text, " (grant `{}` would allow it)", said("grant"));
    }
    let limits = [("calls_per_second", "calls a second"), ("concurrent_calls", "calls at once")];
    for (key, what) in limits {
        if let Some(limit) = hub[key].as_u64() {
            let _ = write!(text, ", at most {limit} {what}");
        }
    }
    if hub["concurrent_calls"].is_u64() {
        let _ = write!(text, " ({} open now)", hub["open_calls"]);
    }
    for gateway in hub["gateways"].as_array().into_iter().flatten() {
        let name = gateway["gateway"].as_str().map(shown).unwrap_or_default();
        let providers = &gateway["providers"];
        if providers.is_null() {
            let _ = write!(text, "; {name} does not say who stands behind it");
            continue;
        }
        let _ = write!(text, "; {name} has {} of {} providers up", providers["up"], providers["listed"]);
        if providers["ejected"].as_u64().is_some_and(|count| count > 0) {
            let _ = write!(text, ", {} ejected", providers["ejected"]);
        }
        let addresses = providers["addresses"].as_array().into_iter().flatten().filter_map(Value::as_str).map(shown);
        let addresses = addresses.collect::<Vec<_>>().join(", ");
        if !addresses.is_empty() {
            let _ = write!(text, " ({addresses})");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_with_its_reason_its_places_and_every_step() {
        let answer = json!({
            "call": "com.acme.Greeter#greet", "application": "shop", "goes": "`shanghai`", "reason": "rule shop/gray",
            "targets": [{ "target": "shanghai", "up": true, "hubs": ["hub-1"] }],
            "steps": [{ "stage": "rules", "found": "rule \u{1b}[2J matches" }], "why_not": "it is down",
            "policy": [{ "target": "shanghai", "hubs": [
                { "hub": "hub-1", "verdict": "granted", "grant": "greetings", "concurrent_calls": 9, "open_calls": 1, "gateways": [
                    { "gateway": "in-1", "providers": { "listed": 3, "up": 1, "ejected": 2, "addresses": ["10.0.0.1:20880"] } },
                    { "gateway": "in-2", "providers": null },
                ] },
                { "hub": "hub-2", "verdict": "refused", "why": "no grant\u{1b} lets", "gateways": [] },
                { "hub": "http://h", "verdict": "nothing", "why": "it is not linked", "gateways": [] },
            ] }],
        });
        assert_eq!(
            text(&answer),
            "com.acme.Greeter#greet of application `shop` goes to `shanghai`\n  because of rule shop/gray\n  \
             shanghai: a provider is up, by hub-1\n  \
             shanghai at hub hub-1: granted by `greetings`, at most 9 calls at once (1 open now); in-1 has 1 of 3 providers up, 2 ejected \
             (10.0.0.1:20880); in-2 does not say who stands behind it\n  \
             shanghai at hub hub-2: refused: no grant\\u{1b} lets\n  \
             shanghai at hub http://h: no answer: it is not linked\nwhy not: it is down\nsteps:\n  rules      rule \\u{1b}[2J matches\n"
        );
        assert!(gets_through(&answer));
        for (key, value) in [("passes", json!(false)), ("live", json!({ "answered": false })), ("goes", Value::Null)] {
            let mut other = answer.clone();
            other[key] = value;
            assert!(!gets_through(&other), "{key}");
        }
        let refused = json!({ "call": "a.B#m", "refused": "nobody offers it", "steps": [] });
        assert_eq!(text(&refused), "a.B#m of somebody unknown is refused\n  nobody offers it\nsteps:\n");
    }
}
