//! An egress gateway with a handler of its own in front of routing, as `examples/answers-from-file` makes one, called by
//! released Dubbo of both lines: what stands in the file is answered from it, all else crosses the line as always.
//!
//! ```text
//!   island a: consumers on 2.7, 3.3 and dubbo-go, egress = answers-from-file    ⇒   island b: a provider on 3.3
//! ```
//! The provider prefers fastjson2, so that a 3.3 consumer speaks that and the others hessian2.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lab::install::{self, Release};
use lab::line::{Line, Plan, Role};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, INTEROP, LEDGER, Peer, Refer, Runtime, Service};
use lab::process::until;
use lab::program::folder;
use serde_json::{Value, json};

/// A change of the file is noticed within a second, and a machine may be busy.
const NOTICED: Duration = Duration::from_secs(20);

/// Three changes take about a second each.
const MEANWHILE: Duration = Duration::from_secs(6);

const GO: &str = "consumer-go";

const ANSWERS: &str = r#"
[[answer]]
service = "com.example.InteropService"
method = "text"
text = "from the file 🚀"

[[answer]]
service = "com.example.InteropService"
method = "nothing"
null = true

[[answer]]
service = "com.example.InteropService"
method = "undeclared"
exception = "closed until Monday"

# Nobody offers this one.
[[answer]]
service = "night/com.example.LedgerService:2.0.0"
method = "record"
text = "written down later"
"#;

/// The file of answers, in a folder that goes with it.
struct Answers(tempfile::TempDir);

impl Answers {
    fn new(text: &str) -> Self {
        let answers = Self(tempfile::tempdir().unwrap());
        answers.say(text);
        answers
    }

    fn say(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("answers.toml")
    }

    fn plan(&self) -> Plan {
        let section = format!("[answers]\nfile = {:?}\n", self.path());
        Plan::new("a", "b").egress_program("a", "answers-from-file").also(Role::Egress, "a", &section)
    }
}

fn provider(line: &Line) -> Peer {
    let place = line.island("b").place();
    let application = Application::new("provider", Release::V3_3_6)
        .port(place.listen(DUBBO_PORT).unwrap().port())
        .flag("-Ddubbo.protocol.prefer-serialization=fastjson2,hessian2")
        .service(Service::new(INTEROP, "provider"))
        .service(Service::new(GREETING, "provider"));
    let provider = line.application("b", application).unwrap();
    line.island("a").finds(INTEROP).unwrap();
    line.island("a").finds(GREETING).unwrap();
    provider
}

/// A consumer of each runtime, by its name.
fn consumers(line: &Line, runtimes: &[Runtime]) -> Vec<(String, Peer)> {
    let consumer = |runtime: &Runtime| {
        let name = match runtime {
            Runtime::Java(release) => format!("consumer-{}", release.version()),
            Runtime::Go => GO.to_owned(),
        };
        let peer = line.application("a", Application::new(&name, *runtime)).unwrap();
        peer.refer(&Refer::new("interop", INTEROP).patient().retries(0)).unwrap();
        peer.refer(&Refer::new("greeting", GREETING).patient().retries(0)).unwrap();
        (name, peer)
    };
    runtimes.iter().map(consumer).collect()
}

/// The serialization of a consumer's last call of this method that crossed the hub.
fn crossed_in(line: &Line, application: &str, method: &str) -> Value {
    let audited = || {
        let lines = line.audit().ok()?;
        lines.into_iter().rfind(|line| line["method"] == method && line["application"] == application)
    };
    until("the hub's line on this call", NOTICED, audited).unwrap()["serialization"].clone()
}

#[test]
fn what_stands_in_the_file_is_answered_and_all_else_crosses_the_line() {
    let answers = Answers::new(ANSWERS);
    let line = Line::start(answers.plan()).unwrap();
    let watched = line.watched();
    let provider = provider(&watched);
    let ran = |method: &str| provider.counts().unwrap().get(&format!("provider.{method}")).copied().unwrap_or(0);
    let mut runtimes = Release::OLD_AND_NEW.map(Runtime::Java).to_vec();
    match install::no_go() {
        Some(reason) => println!("LEFT OUT: dubbo-go: {reason}"),
        None => runtimes.push(Runtime::Go),
    }
    for (name, peer) in &consumers(&watched, &runtimes) {
        let call = |method, argument: &str| peer.call(&Call::new("interop", method, [json!(argument)])).unwrap();
        assert_eq!(call("text", "x").returned(), json!("from the file 🚀"), "{name}");
        assert_eq!(call("nothing", "x").returned(), json!(null), "{name}");
        let thrown = call("undeclared", "x").threw();
        assert!(thrown.text().contains("closed until Monday"), "{name}: {thrown:?}");
        // A method of the same service that is not in the file, and another service.
        let before = ran("attachments");
        call("attachments", "back").returned();
        assert_eq!(ran("attachments"), before + 1, "{name}");
        // dubbo-go says neither its name nor, in what it makes of an exception, the class.
        if name != GO {
            let wanted = if name.ends_with("3.3.6") { 23 } else { 2 };
            assert_eq!(crossed_in(&watched, name, "attachments"), json!(wanted), "{name}");
            assert_eq!(
                (&*thrown.class, thrown.text()),
                ("java.lang.RuntimeException", "closed until Monday"),
                "{name}"
            );
        }
        let hello = peer.call(&Call::new("greeting", "sayHello", [json!(name)])).unwrap().returned();
        assert_eq!(hello, json!(format!("Hello {name}, this is provider")));
    }
    assert_eq!(["text", "nothing", "undeclared"].map(ran), [0, 0, 0], "the provider saw none of them");

    let status = watched.island("a").egress().status().unwrap();
    assert_eq!(status["answers"], json!(4), "{status}");
    assert_eq!(status["shards"][0]["handlers"], json!(["answers from a file", "routing"]), "{status}");
}

/// So nothing of it stands in the registry: an address does.
#[test]
fn a_service_that_nobody_offers_is_answered_at_the_gateways_address() {
    let answers = Answers::new(ANSWERS);
    let line = Line::start(answers.plan()).unwrap();
    let watched = line.watched();
    let url = watched.island("a").egress_url();
    for release in Release::OLD_AND_NEW {
        let name = format!("consumer-{}", release.version());
        let peer = watched.application("a", Application::new(&name, release)).unwrap();
        peer.refer(&Refer::new("ledger", LEDGER).group("night").version("2.0.0").patient().url(&url)).unwrap();
        peer.refer(&Refer::new("by day", LEDGER).group("day").version("2.0.0").patient().url(&url)).unwrap();
        let record = |reference| peer.call(&Call::new(reference, "record", [json!("x")])).unwrap();
        assert_eq!(record("ledger").returned(), json!("written down later"), "{name}");
        let thrown = record("by day").threw();
        assert!(thrown.text().contains("no island offers `day/com.example.LedgerService:2.0.0`"), "{name}: {thrown:?}");
    }
}

/// Callers go on meanwhile: none fails, and a file with a mistake in it changes nothing.
#[test]
fn a_changed_file_is_in_force_without_a_restart_and_a_broken_one_is_not() {
    let answers = Answers::new(ANSWERS);
    let line = Line::start(answers.plan()).unwrap();
    let watched = line.watched();
    let _provider = provider(&watched);
    let (_, caller) = consumers(&watched, &[Runtime::Java(Release::V2_7_23)]).remove(0);
    let text = |peer: &Peer| peer.call(&Call::new("interop", "text", [json!("x")])).unwrap().returned();
    std::thread::scope(|scope| {
        let many =
            Call::new("greeting", "sayHello", [json!("meanwhile")]).lasting(2, MEANWHILE, Duration::from_millis(2));
        let meanwhile = scope.spawn(move || caller.many(&many).unwrap());
        let other = watched.application("a", Application::new("watcher", Release::V3_3_6)).unwrap();
        other.refer(&Refer::new("interop", INTEROP).patient()).unwrap();
        assert_eq!(text(&other), json!("from the file 🚀"));

        answers.say(&ANSWERS.replace("from the file 🚀", "changed"));
        until("the changed answer", NOTICED, || (text(&other) == json!("changed")).then_some(())).unwrap();

        answers.say("[[answer]]\nservice = \"com.example.InteropService\"\nmethod = \"text\"\n");
        let egress = watched.island("a").egress();
        let said = || egress.metrics().ok()?.contains("highway_config_last_reload_good 0").then_some(());
        until("the mistake is noticed", NOTICED, said).unwrap();
        assert_eq!(text(&other), json!("changed"));
        let program = folder().unwrap().join("answers-from-file");
        let check = Command::new(program).arg("--check").arg(egress.configuration()).output().unwrap();
        let told = String::from_utf8(check.stderr).unwrap();
        assert_eq!(check.status.code(), Some(2), "{told}");
        assert!(told.contains("answers.toml:1: answer[0]: wanted one of `text`"), "{told}");

        answers.say("");
        until("a file without answers", NOTICED, || (text(&other) == json!("x")).then_some(())).unwrap();
        let tally = meanwhile.join().unwrap();
        assert_eq!(tally.failed, 0, "{:?}", tally.errors);
        assert!(tally.ok > 100, "{}", tally.ok);
    });
}
