//! An egress gateway with a handler of its own in front of routing, as `examples/answers-from-file` makes one, called by
//! released Dubbo of both lines: what stands in the file is answered from it, all else crosses the line as always.
//!
//! ```text
//!   island a: consumers on 2.7 and 3.3, egress = answers-from-file    ⇒   island b: a provider on 3.3
//! ```
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use highway_tests::install::Release;
use highway_tests::line::{Line, Plan, Role};
use highway_tests::peer::{Application, Call, DUBBO_PORT, GREETING, INTEROP, LEDGER, Peer, Refer, Service};
use highway_tests::process::until;
use serde_json::json;

/// A change of the file is noticed within a second, and a machine may be busy.
const NOTICED: Duration = Duration::from_secs(20);

/// Three changes take about a second each.
const MEANWHILE: Duration = Duration::from_secs(6);

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
        .service(Service::new(INTEROP, "provider"))
        .service(Service::new(GREETING, "provider"));
    let provider = line.application("b", application).unwrap();
    line.island("a").finds(INTEROP).unwrap();
    line.island("a").finds(GREETING).unwrap();
    provider
}

fn consumers(line: &Line) -> Vec<Peer> {
    let consumer = |release: Release| {
        let peer =
            line.application("a", Application::new(&format!("consumer-{}", release.version()), release)).unwrap();
        peer.refer(&Refer::new("interop", INTEROP).timeout(Duration::from_secs(20)).one_way("note")).unwrap();
        peer.refer(&Refer::new("greeting", GREETING).timeout(Duration::from_secs(20))).unwrap();
        peer
    };
    Release::OLD_AND_NEW.map(consumer).into()
}

#[test]
fn what_stands_in_the_file_is_answered_and_all_else_crosses_the_line() {
    let answers = Answers::new(ANSWERS);
    let line = Line::start(answers.plan()).unwrap();
    let watched = line.watched();
    let provider = provider(&watched);
    let ran = |method: &str| provider.counts().unwrap().get(&format!("provider.{method}")).copied().unwrap_or(0);
    let consumers = consumers(&watched);
    for (peer, release) in consumers.iter().zip(Release::OLD_AND_NEW) {
        let call = |method, argument: &str| peer.call(&Call::new("interop", method, [json!(argument)])).unwrap();
        let version = release.version();

        assert_eq!(call("text", "x").returned(), json!("from the file 🚀"), "{version}");
        assert_eq!(call("nothing", "x").returned(), json!(null), "{version}");
        let thrown = call("undeclared", "x").threw();
        assert_eq!(
            (&*thrown.class, thrown.message.as_deref()),
            ("java.lang.RuntimeException", Some("closed until Monday")),
            "{version}"
        );

        // A method of the same service that is not in the file, and another service.
        let before = ran("attachments");
        call("attachments", "back").returned();
        assert_eq!(ran("attachments"), before + 1, "{version}");
        let hello = peer.call(&Call::new("greeting", "sayHello", [json!(version)])).unwrap().returned();
        assert_eq!(hello, json!(format!("Hello {version}, this is provider")));

        // Nobody offers it, so nothing stands in the registry: an address does.
        let url = watched.island("a").egress_url();
        peer.refer(&Refer::new("ledger", LEDGER).group("night").version("2.0.0").url(&url)).unwrap();
        let recorded = peer.call(&Call::new("ledger", "record", [json!("x")])).unwrap().returned();
        assert_eq!(recorded, json!("written down later"), "{version}");
    }
    assert_eq!(["text", "nothing", "undeclared"].map(ran), [0, 0, 0], "the provider saw none of them");

    let status = watched.island("a").egress().status().unwrap();
    assert_eq!(status["answers"], json!(4), "{status}");
    assert_eq!(status["shards"][0]["handlers"], json!(["answers from a file", "routing"]), "{status}");
}

/// Callers go on meanwhile: none fails, and a file with a mistake in it changes nothing.
#[test]
fn a_changed_file_is_in_force_without_a_restart_and_a_broken_one_is_not() {
    let answers = Answers::new(ANSWERS);
    let line = Line::start(answers.plan()).unwrap();
    let watched = line.watched();
    let _provider = provider(&watched);
    let consumers = consumers(&watched);
    let text = |peer: &Peer| peer.call(&Call::new("interop", "text", [json!("x")])).unwrap().returned();
    std::thread::scope(|scope| {
        let many =
            Call::new("greeting", "sayHello", [json!("meanwhile")]).lasting(2, MEANWHILE, Duration::from_millis(2));
        let meanwhile = scope.spawn(move || consumers[0].many(&many).map(|tally| (tally, consumers)));
        let other = watched.application("a", Application::new("watcher", Release::V3_3_6)).unwrap();
        other.refer(&Refer::new("interop", INTEROP).timeout(Duration::from_secs(20))).unwrap();
        assert_eq!(text(&other), json!("from the file 🚀"));

        answers.say(&ANSWERS.replace("from the file 🚀", "changed"));
        until("the changed answer", NOTICED, || (text(&other) == json!("changed")).then_some(())).unwrap();

        answers.say("[[answer]]\nservice = \"com.example.InteropService\"\nmethod = \"text\"\n");
        let egress = watched.island("a").egress();
        let said = || egress.metrics().ok()?.contains("highway_config_last_reload_good 0").then_some(());
        until("the mistake is noticed", NOTICED, said).unwrap();
        assert_eq!(text(&other), json!("changed"));

        answers.say("");
        until("a file without answers", NOTICED, || (text(&other) == json!("x")).then_some(())).unwrap();
        let (tally, _consumers) = meanwhile.join().unwrap().unwrap();
        assert_eq!(tally.failed, 0, "{:?}", tally.errors);
        assert!(tally.ok > 100, "{}", tally.ok);
    });
}
