//! dubbo-go through the line, both ways with Java: what its consumers and providers make of what crosses.
//!
//! Where no Go toolchain is, the tests say so and show nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::OnceLock;

use highway_tests::install::{self, Release};
use highway_tests::line::{Line, Plan, Watched};
use highway_tests::peer::{Application, Call, DUBBO_PORT, GREETING, INTEROP, JavaPeer, Refer, Runtime, Service};
use serde_json::{Value, json};

struct Everything {
    /// In island a, each reaching the provider of island b that runs on the other one.
    go: JavaPeer,
    java: JavaPeer,
    _providers: [JavaPeer; 2],
    line: Line,
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
    let provider = |name: &str, runtime: Runtime, port| {
        let application = Application::new(name, runtime)
            .port(line.island("b").place().listen(port)?.port())
            .service(Service::new(GREETING, name).group(name))
            .service(Service::new(INTEROP, name).group(name).version("1.2.0"));
        line.application("b", application)
    };
    let providers =
        [provider("go", Runtime::Go, DUBBO_PORT)?, provider("java", Runtime::Java(Release::V3_3_6), DUBBO_PORT + 1)?];
    line.island("a").finds(GREETING)?;
    line.island("a").finds(INTEROP)?;
    let consumer = |name: &str, runtime: Runtime, other: &str| -> anyhow::Result<JavaPeer> {
        let peer = line.application("a", Application::new(name, runtime))?;
        peer.refer(&Refer::new("greeting", GREETING).group(other).unchecked())?;
        peer.refer(&Refer::new("interop", INTEROP).group(other).version("1.2.0").retries(0).unchecked())?;
        Ok(peer)
    };
    Ok(Everything {
        go: consumer("go-consumer", Runtime::Go, "java")?,
        java: consumer("java-consumer", Runtime::Java(Release::V3_3_6), "go")?,
        _providers: providers,
        line,
    })
}

/// Both directions, with the name of the provider that each reaches.
fn both(all: &Everything) -> [(&JavaPeer, &str); 2] {
    [(&all.go, "java"), (&all.java, "go")]
}

fn returned(peer: &JavaPeer, method: &str, arguments: impl Into<Vec<Value>>) -> Value {
    peer.call(&Call::new("interop", method, arguments)).unwrap().returned()
}

#[test]
fn each_is_answered_by_the_other() {
    let Some((all, _line)) = everything() else { return };
    for (peer, reaches) in both(all) {
        let hello = peer.call(&Call::new("greeting", "sayHello", [json!("世界 🚀")])).unwrap().returned();
        assert_eq!(hello, json!(format!("Hello 世界 🚀, this is {reaches}")));
    }
}

#[test]
fn values_come_back_as_they_went() {
    let Some((all, _line)) = everything() else { return };
    let item = |name: &str, count: i32| json!({ "name": name, "count": count, "price": 1.25 });
    let order = json!({
        "id": 1_u64 << 40, "state": "PAID", "placed": 1_700_000_000_123_u64, "total": 12.5, "discount": 0.5, "gift": true,
        "customer": { "name": "Zoë", "address": { "street": "Long Road 1", "city": "B" } },
        "items": [item("pear", 1), item("fig", -2)], "favourites": { "first": item("fig", 3) }, "note": "n",
    });
    for (peer, reaches) in both(all) {
        assert_eq!(returned(peer, "order", [order.clone()]), order, "reaching {reaches}");
        assert_eq!(returned(peer, "byName", [order["items"].clone()])["fig"], json!([item("fig", -2)]), "{reaches}");
        assert_eq!(returned(peer, "nothing", [json!("x")]), Value::Null, "{reaches}");
        assert_eq!(returned(peer, "silent", [json!("x")]), Value::Null, "{reaches}");
        let bytes = returned(peer, "bytes", [json!({ "length": 100_000, "seed": 7 })]);
        assert_eq!(bytes["length"], json!(100_000), "{reaches}");
    }
}

#[test]
fn attachments_arrive_with_who_called() {
    let Some((all, _line)) = everything() else { return };
    for (peer, reaches) in both(all) {
        let call = Call::new("interop", "attachments", [json!("x")]).attachment("mine", "there 🚀");
        let seen = peer.call(&call).unwrap().returned();
        assert_eq!(seen["mine"], json!("there 🚀"), "{reaches}: {seen}");
        assert_eq!(seen["highway.source.island"], json!("a"), "{reaches}: {seen}");
    }
}

#[test]
fn a_failure_arrives_in_words() {
    let Some((all, _line)) = everything() else { return };
    for (peer, reaches) in both(all) {
        let thrown = peer.call(&Call::new("interop", "undeclared", [json!("broken")])).unwrap().threw();
        assert!(thrown.text().contains("broken"), "{reaches}: {thrown:?}");
    }
}

#[test]
fn fifty_callers_at_once_are_each_given_their_own_answer() {
    let Some((all, _line)) = everything() else { return };
    for (peer, reaches) in both(all) {
        let tally = peer.many(&Call::new("interop", "text", [json!(reaches)]).threads(50, 20)).unwrap();
        assert_eq!((tally.ok, tally.failed), (1_000, 0), "{reaches}: {:?}", tally.errors);
        assert_eq!(tally.results.keys().collect::<Vec<_>>(), [&json!(reaches).to_string()], "{reaches}");
    }
}
