//! One program as it answered: who it is, and what it counted by island and service.
//!
//! Pure and total: an answer of another release, or of something else, has fewer facts and is no failure.

use std::collections::BTreeMap;

use chassis::metrics::tally::Tallied;
use serde::Serialize;
use serde_json::Value;

use super::flow::{Before, Flow, p99_us};
use super::page::{self, Counts};

/// An island and a service of it; either may be empty, which means all.
pub type Kind = (String, String);

/// What one program said at one moment.
#[derive(Debug, Clone)]
pub struct Program {
    /// The listener that was asked.
    pub admin: String,
    /// The program's name.
    pub name: String,
    /// The hub's or gateway's id.
    pub id: String,
    /// Its island; empty for a hub.
    pub island: String,
    /// Tells a process from the one before it.
    pub process: (u64, u64),
    /// Its `/status`.
    pub status: Value,
    /// All its calls.
    pub counts: Counts,
    /// Calls by island and service.
    pub tallies: BTreeMap<Kind, Tallied>,
}

/// A line of the table of programs.
#[derive(Debug, Clone, Serialize)]
pub struct ProgramRow {
    pub program: String,
    pub id: String,
    pub island: String,
    pub admin: String,
    /// `ready`, `not ready`, `draining` or `away`.
    pub state: &'static str,
    pub uptime_s: u64,
    /// Calls that wait for an answer.
    pub open: u64,
    #[serde(flatten)]
    pub flow: Flow,
    /// What 99 of 100 answers since the look before did not exceed, in microseconds.
    pub p99_us: Option<u64>,
}

impl Program {
    /// Reads both pages.
    #[must_use]
    pub fn read(admin: &str, status: Value, metrics: &str) -> Self {
        let process = &status["process"];
        let gateway = if status["egress"].is_object() { &status["egress"] } else { &status["ingress"] };
        let id = if status["hub"].is_object() { &status["hub"]["id"] } else { &gateway["gateway"] };
        let started = process["started_at"].as_f64().unwrap_or_default();
        Self {
            admin: admin.to_owned(),
            name: text(&process["program"]),
            id: Some(text(id)).filter(|id| !id.is_empty()).unwrap_or_else(|| admin.to_owned()),
            island: text(&gateway["island"]),
            process: (process["pid"].as_u64().unwrap_or_default(), started.to_bits()),
            counts: page::counts(metrics),
            tallies: tallies(&status),
            status,
        }
    }

    /// What it counted of a kind at the look before.
    #[must_use]
    pub fn flow(&self, kind: &Kind, before: Option<(&Self, std::time::Duration)>) -> Flow {
        let now = self.tallies.get(kind).copied().unwrap_or_default();
        let before = before.map_or(Before::Unknown, |(before, since)| {
            let counted = before.counted(self, |program| program.tallies.get(kind).copied());
            // Of what it did not name it is not known what it had counted, nor of a sum in which that is missing.
            let is_sum = kind.1.is_empty() && self.status["hub"].is_null();
            let is_open = if is_sum {
                before.leaves_out() || self.leaves_out()
            } else {
                counted.is_none() && before.leaves_out()
            };
            if is_open && before.process == self.process {
                return Before::Unknown;
            }
            Before::At(counted.unwrap_or_default(), since)
        });
        Flow::between(before, now)
    }

    /// Whether it has more services than it names.
    fn leaves_out(&self) -> bool {
        ["calls", "hub"].iter().any(|part| self.status[part]["services_not_shown"].as_u64() > Some(0))
    }

    /// Its line.
    #[must_use]
    pub fn row(&self, before: Option<(&Self, std::time::Duration)>) -> ProgramRow {
        let process = &self.status["process"];
        let state = match (process["draining"].as_bool(), process["ready"].as_bool()) {
            (Some(true), _) => "draining",
            (_, Some(false)) => "not ready",
            _ => "ready",
        };
        let shards = self.status["shards"].as_array().map_or(&[][..], Vec::as_slice);
        let open = self.status["hub"]["calls_open"].as_u64();
        let open = open.unwrap_or_else(|| shards.iter().filter_map(|shard| shard["in_flight"].as_u64()).sum());
        let earlier = before.map_or(Before::Unknown, |(before, since)| {
            Before::At(before.counted(self, |program| Some(program.counts.calls)).unwrap_or_default(), since)
        });
        let buckets = before.and_then(|(before, _)| before.counted(self, |program| Some(&*program.counts.buckets)));
        ProgramRow {
            program: self.name.clone(),
            id: self.id.clone(),
            island: self.island.clone(),
            admin: self.admin.clone(),
            state,
            uptime_s: process["uptime_seconds"].as_u64().unwrap_or_default(),
            open,
            flow: Flow::between(earlier, self.counts.calls),
            p99_us: before.and_then(|_| p99_us(buckets.unwrap_or_default(), &self.counts.buckets)),
        }
    }

    /// What `self`, asked earlier, had counted; nothing where `now` is another process.
    fn counted<'a, T>(&'a self, now: &Self, of: impl FnOnce(&'a Self) -> Option<T>) -> Option<T> {
        (self.process == now.process).then(|| of(self)).flatten()
    }
}

impl ProgramRow {
    /// The line of one that does not answer any more.
    #[must_use]
    pub fn away(program: &Program) -> Self {
        Self {
            state: "away",
            uptime_s: 0,
            open: 0,
            flow: Flow { calls_per_s: None, failed_per_s: None, mean_us: None, ..program.row(None).flow },
            p99_us: None,
            ..program.row(None)
        }
    }
}

fn tallies(status: &Value) -> BTreeMap<Kind, Tallied> {
    let mut all: BTreeMap<Kind, Tallied> = BTreeMap::new();
    let hub = &status["hub"];
    for sent in items(&hub["sent"]) {
        *all.entry((text(&sent["island"]), String::new())).or_default() += tallied(&sent["calls"]);
    }
    for service in items(&hub["services"]) {
        *all.entry((text(&service["island"]), text(&service["service"]))).or_default() += tallied(&service["calls"]);
    }
    for service in items(&status["calls"]["services"]) {
        let (target, calls) = (text(&service["target"]), tallied(&service["calls"]));
        *all.entry((target.clone(), text(&service["service"]))).or_default() += calls;
        *all.entry((target, String::new())).or_default() += calls;
    }
    all
}

fn tallied(value: &Value) -> Tallied {
    let field = |name: &str| value[name].as_u64().unwrap_or_default();
    Tallied { calls: field("calls"), failed: field("failed"), answered: field("answered"), took_us: field("took_us") }
}

/// The text of a field; empty where it has none.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The items of a list; none where it is none.
#[must_use]
pub fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[][..], Vec::as_slice)
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    /// An egress gateway of shanghai, started at `started`, that has made so many calls to beijing.
    pub fn egress(started: u32, calls: u64, failed: u64) -> Program {
        let shard = json!({
            "in_flight": 2,
            "hubs": [{ "url": "http://hub:8443", "last_error": null, "links": [
                { "role": "hub", "island": "", "name": "hub-1", "transport": "ws", "connected": true, "sealed": true, "tls": false, "rtt_us": 1500 },
            ] }],
        });
        let status = json!({
            "process": { "program": "egress-gw", "pid": 7, "started_at": started, "uptime_seconds": 60, "ready": true, "draining": false,
                         "config": "egress-gw.toml", "conditions": [] },
            "egress": { "island": "shanghai", "gateway": "shanghai-egress-1", "islands": ["beijing"], "catalogue_complete": true,
                        "services": [
                            { "service": "com.example.Greeting", "islands": [["beijing", true, true]], "local": false },
                            { "service": "com.example.Stock", "islands": [["beijing", false, true], ["urumqi", true, false]], "local": false },
                        ],
                        "services_not_shown": 0, "round_trips_us": { "beijing": 30_000 }, "registries": [] },
            "calls": { "services": [{ "service": "com.example.Greeting", "target": "beijing",
                                      "calls": { "calls": calls, "failed": failed, "answered": calls - failed, "took_us": calls * 100 } }],
                       "services_not_shown": 0 },
            "shards": [shard],
        });
        let metrics = format!(
            "highway_egress_calls_total{{outcome=\"answered\",kind=\"\"}} {}\nhighway_egress_calls_total{{outcome=\"unknown\",kind=\"gone\"}} {failed}\n",
            calls - failed
        );
        Program::read("http://127.0.0.1:20901", status, &metrics)
    }

    #[test]
    fn a_process_that_began_anew_is_counted_from_nothing() {
        let (old, new) = (egress(1, 5_000, 10), egress(2, 6_000, 12));
        let kind = ("beijing".to_owned(), "com.example.Greeting".to_owned());
        let second = Duration::from_secs(1);
        assert_eq!(new.flow(&kind, Some((&egress(2, 5_900, 12), second))).calls_per_s, Some(100.0));
        let flow = new.flow(&kind, Some((&old, second)));
        assert_eq!(
            (flow.calls_per_s, flow.failed_per_s),
            (Some(6_000.0), Some(12.0)),
            "though its counters are higher"
        );
        assert_eq!(new.row(Some((&old, second))).flow.calls_per_s, Some(6_000.0));
    }

    #[test]
    fn what_was_not_named_before_has_no_rate_and_neither_has_a_sum_without_it() {
        let second = Duration::from_secs(1);
        let leaving_out = |calls| {
            let mut program = egress(1, calls, 0);
            program.status["calls"]["services_not_shown"] = json!(1);
            program
        };
        let (greeting, all) =
            (("beijing".to_owned(), "com.example.Greeting".to_owned()), ("beijing".to_owned(), String::new()));
        let mut before = leaving_out(5_000);
        let rate = |before: &Program, kind| leaving_out(5_100).flow(kind, Some((before, second))).calls_per_s;
        assert_eq!((rate(&before, &greeting), rate(&before, &all)), (Some(100.0), None));
        before.tallies.clear();
        assert_eq!(rate(&before, &greeting), None, "it had 5 000 of them or none");
    }

    #[test]
    fn an_answer_of_something_else_has_no_facts_and_is_no_failure() {
        for status in [json!(null), json!([1]), json!({ "process": 3, "egress": { "services": "x" } })] {
            let program = Program::read("http://x:1", status, "no page");
            assert_eq!((program.id.as_str(), program.tallies.len()), ("http://x:1", 0));
            assert_eq!(program.row(None).open, 0);
        }
    }
}
