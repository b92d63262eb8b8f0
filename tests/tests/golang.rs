//! dubbo-go through the line, both ways with Java: each consumer sees what a twin beside the provider sees, good or bad.
//!
//! Not everything works between the two (dubbo-go sends its errors in a form that Java 3.3 does not read, and has no overloads); the line
//! neither adds to that nor hides it. Where no Go toolchain is, the tests say so and show nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::OnceLock;

use lab::install::{self, Release};
use lab::line::{Line, Plan, Watched};
use lab::peer::{Answer, Application, Call, DUBBO_PORT, GREETING, INTEROP, Peer, Refer, Runtime, Service};
use serde_json::{Value, json};

struct Everything {
    pairs: [Pair; 2],
    _providers: [Peer; 2],
    line: Line,
}

/// A consumer in the other island and its twin beside the provider.
struct Pair {
    reaches: &'static str,
    through: Peer,
    directly: Peer,
}

impl Pair {
    /// What both see of a call, which has to be the same.
    fn both_see(&self, call: &Call) -> Seen {
        let (through, directly) = (seen(self.through.call(call).unwrap()), seen(self.directly.call(call).unwrap()));
        assert_eq!(through, directly, "reaching {}", self.reaches);
        through
    }
}

/// The result, or class and cause of what was thrown: the rest of Dubbo's message names addresses.
type Seen = Result<Value, (String, String)>;

fn seen(answer: Answer) -> Seen {
    let Some(thrown) = answer.thrown else { return Ok(answer.result) };
    let text = thrown.text();
    let cause = text.split_once("cause: ").map_or(text, |(_, cause)| cause);
    Err((thrown.class.clone(), cause.lines().next().unwrap_or_default().to_owned()))
}

/// None without a toolchain.
fn everything() -> Option<(&'static Everything, Watched<'static>)> {
    static ALL: OnceLock<Option<Everything>> = OnceLock::new();
    let all = ALL.get_or_init(|| match install::no_go() {
        Some(reason) => {
            println!("LEFT OUT: dubbo-go: {reason}");
            None
        }
        None => Some(start().unwrap()),
    });
    all.as_ref().map(|all| (all, all.line.watched()))
}

fn start() -> anyhow::Result<Everything> {
    let line = Line::start(Plan::new("a", "b"))?;
    let java = Runtime::Java(Release::V3_3_6);
    let provider = |name: &str, runtime: Runtime, port| {
        let application = Application::new(name, runtime)
            .port(line.island("b").place().listen(port)?.port())
            .service(Service::new(GREETING, name).group(name))
            .service(Service::new(INTEROP, name).group(name).version("1.2.0"));
        line.application("b", application)
    };
    let providers = [provider("go", Runtime::Go, DUBBO_PORT)?, provider("java", java, DUBBO_PORT + 1)?];
    line.island("a").finds(GREETING)?;
    line.island("a").finds(INTEROP)?;
    let consumer = |island: &str, name: &str, runtime: Runtime, other: &str| -> anyhow::Result<Peer> {
        let peer = line.application(island, Application::new(&format!("{name}-in-{island}"), runtime))?;
        peer.refer(&Refer::new("greeting", GREETING).group(other).patient().retries(0).unchecked())?;
        peer.refer(&Refer::new("interop", INTEROP).group(other).version("1.2.0").patient().retries(0).unchecked())?;
        Ok(peer)
    };
    let pair = |name, runtime, reaches| -> anyhow::Result<Pair> {
        let (through, directly) = (consumer("a", name, runtime, reaches)?, consumer("b", name, runtime, reaches)?);
        Ok(Pair { reaches, through, directly })
    };
    Ok(Everything {
        pairs: [pair("go-consumer", Runtime::Go, "java")?, pair("java-consumer", java, "go")?],
        _providers: providers,
        line,
    })
}

fn item(name: &str, count: i32) -> Value {
    json!({ "name": name, "count": count, "price": 1.25 })
}

#[test]
fn each_is_answered_by_the_other() {
    let Some((all, _line)) = everything() else { return };
    for pair in &all.pairs {
        let hello = pair.both_see(&Call::new("greeting", "sayHello", [json!("世界 🚀")])).unwrap();
        assert_eq!(hello, json!(format!("Hello 世界 🚀, this is {}", pair.reaches)));
    }
}

#[test]
fn values_come_back_as_they_went() {
    let Some((all, _line)) = everything() else { return };
    let order = json!({
        "id": 1_u64 << 40, "state": "PAID", "placed": 1_700_000_000_123_u64, "total": 12.5, "discount": 0.5, "gift": true,
        "customer": { "name": "Zoë", "address": { "street": "Long Road 1", "city": "B" } },
        "items": [item("pear", 1), item("fig", -2)], "favourites": { "first": item("fig", 3) }, "note": "n",
    });
    for pair in &all.pairs {
        let returned = |method, arguments: Value| pair.both_see(&Call::new("interop", method, [arguments])).unwrap();
        assert_eq!(returned("text", json!("漢字")), json!("漢字"), "{}", pair.reaches);
        assert_eq!(returned("order", order.clone()), order, "{}", pair.reaches);
        assert_eq!(returned("nothing", json!("x")), Value::Null, "{}", pair.reaches);
        assert_eq!(returned("silent", json!("x")), Value::Null, "{}", pair.reaches);
        let bytes = returned("bytes", json!({ "length": 100_000, "seed": 7 }));
        assert_eq!(bytes["length"], json!(100_000), "{}", pair.reaches);
        let sum = Call::new("interop", "add", [json!(2), json!(1_u64 << 40)]).types(&["int", "long"]);
        assert_eq!(pair.both_see(&sum).unwrap(), json!((1_u64 << 40) + 2), "{}", pair.reaches);
    }
}

#[test]
fn failures_arrive_as_they_do_without_the_line() {
    let Some((all, _line)) = everything() else { return };
    for pair in &all.pairs {
        for method in ["declared", "undeclared"] {
            pair.both_see(&Call::new("interop", method, [json!("broken")])).unwrap_err();
        }
        // A list of objects in a list is one that a dubbo-go provider does not take from Java.
        let grouped = pair.both_see(&Call::new("interop", "byName", [json!([item("fig", 1)])]));
        assert_eq!(grouped.is_ok(), pair.reaches == "java", "{grouped:?}");
    }
}

#[test]
fn attachments_arrive_with_who_called() {
    let Some((all, _line)) = everything() else { return };
    for pair in &all.pairs {
        let call = Call::new("interop", "attachments", [json!("x")]).attachment("mine", "there 🚀");
        let seen = pair.through.call(&call).unwrap().returned();
        assert_eq!(seen["mine"], json!("there 🚀"), "{}: {seen}", pair.reaches);
        assert_eq!(seen["highway.source.island"], json!("a"), "{}: {seen}", pair.reaches);
    }
}

#[test]
fn fifty_callers_at_once_are_each_given_their_own_answer() {
    let Some((all, _line)) = everything() else { return };
    for pair in &all.pairs {
        let call = Call::new("interop", "text", [json!(pair.reaches)]).threads(50, 20);
        let tally = pair.through.many(&call).unwrap();
        assert_eq!((tally.ok, tally.failed), (1_000, 0), "{}: {:?}", pair.reaches, tally.errors);
        assert_eq!(tally.results.keys().collect::<Vec<_>>(), [&json!(pair.reaches).to_string()]);
    }
}
