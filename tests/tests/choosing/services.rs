//! Which calls a rule is about: by their method, and by the version and the group of their service.

use lab::install::Release;
use lab::line::Line;
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, INTEROP, Peer, Refer, Service};
use lab::process::{together, until};
use serde_json::json;

use super::documents::Documents;
use super::stage::{FOLLOWED, OFFERERS, Stage, hello, refer, stage, until_answered_by};
use super::whom::canary;

/// The group of these services, and another one.
const KINDS: &str = "kinds";
const GRAY: &str = "kinds-gray";
/// Calls in a row, all of which have to run in one island.
const CALLS: u32 = 10;
const PORT: u16 = DUBBO_PORT + 50;

/// A provider in b and one in c of the same: two versions, two groups, and an interface with several methods.
struct Offered(Vec<(&'static str, Peer)>);

impl Offered {
    fn by(line: &Line) -> Self {
        let offer = |island: &'static str| {
            let greeting = |group, version: &str| {
                Service::new(GREETING, &format!("{island}/{group}:{version}")).group(group).version(version)
            };
            let application = Application::new(&format!("kinds-in-{island}"), Release::V2_7_23)
                .port(line.island(island).place().listen(PORT)?.port())
                .service(greeting(KINDS, "1.0.0"))
                .service(greeting(KINDS, "2.0.0"))
                .service(greeting(GRAY, "2.0.0"))
                .service(Service::new(INTEROP, island).group(KINDS));
            Ok((island, line.application(island, application)?))
        };
        Self(together(OFFERERS.to_vec(), offer).unwrap())
    }

    /// How many calls each has run.
    fn runs(&self) -> Vec<u64> {
        self.0.iter().map(|(_, provider)| provider.counts().unwrap().values().sum()).collect()
    }

    /// The islands where such calls ran; none calls beside them.
    fn ran(&self, consumer: &Peer, call: &Call) -> Vec<&'static str> {
        let before = self.runs();
        consumer.many(&call.clone().threads(1, CALLS)).unwrap();
        let grown = self.runs().into_iter().zip(before).zip(&self.0);
        grown.filter(|((after, before), _)| after > before).map(|(_, (island, _))| *island).collect()
    }
}

/// Every consumer refers to all of it and has found both islands.
fn refer_to_all(stage: &Stage) {
    let greeting = |name, group, version| refer(name).group(group).version(version);
    stage.each(|name, consumer| {
        let interop = Refer::new("several", INTEROP).group(KINDS).unchecked().patient().retries(0);
        let greetings =
            [greeting("one", KINDS, "1.0.0"), greeting("two", KINDS, "2.0.0"), greeting("gray", GRAY, "2.0.0")];
        for reference in greetings {
            consumer.refer(&reference).unwrap();
        }
        consumer.refer(&interop).unwrap();
        if !name.starts_with("go-") {
            let generic = Refer::new("generic", INTEROP).group(KINDS).unchecked().patient().retries(0).generic();
            consumer.refer(&generic).unwrap();
        }
        for reference in ["one", "two", "gray"] {
            for island in OFFERERS {
                until_answered_by(name, consumer, &hello(reference).attachment("highway.target", island), island);
            }
        }
        let there = || consumer.call(&method("text").attachment("highway.target", "b")).unwrap().result;
        until(&format!("{name} finds the methods"), FOLLOWED, || (there() == json!("x")).then_some(())).unwrap();
    });
}

fn method(name: &str) -> Call {
    Call::new("several", name, [json!("x")])
}

#[test]
fn a_canary_rule_is_about_the_methods_the_version_or_the_group_that_it_names() {
    let (stage, line, _mine) = stage();
    let offered = Offered::by(&line);
    refer_to_all(stage);
    let documents = Documents::serving(&line, KINDS, "kinds*/com.example.*");
    let calls = [
        ("sayHello of kinds 1.0.0", hello("one")),
        ("sayHello of kinds 2.0.0", hello("two")),
        ("sayHello of kinds-gray 2.0.0", hello("gray")),
        ("text", method("text")),
        ("text, generic", Call::new("generic", "text", [json!("x")]).types(&["java.lang.String"])),
        ("nothing", method("nothing")),
        ("undeclared", method("undeclared")),
    ];
    for (when, meant) in [
        ("methods: [text, \"undecl*\"]", &["text", "text, generic", "undeclared"][..]),
        (
            "methods: [\"say*\"]",
            &["sayHello of kinds 1.0.0", "sayHello of kinds 2.0.0", "sayHello of kinds-gray 2.0.0"],
        ),
        ("service: \"com.example.GreetingService:2.*\"", &["sayHello of kinds 2.0.0", "sayHello of kinds-gray 2.0.0"]),
        ("service: \"*-gray/*\"", &["sayHello of kinds-gray 2.0.0"]),
        ("service: \"kinds/*:1.0.0\"", &["sayHello of kinds 1.0.0"]),
    ] {
        documents.say(&canary(when));
        for (name, consumer) in &stage.consumers {
            let can = |what: &str| !(name.starts_with("go-") && what.ends_with("generic"));
            for (what, call) in calls.iter().filter(|(what, _)| can(what)) {
                let island = if meant.contains(what) { "c" } else { "b" };
                let mut last = Vec::new();
                let there = until(&format!("{name}: {what} runs in {island} alone, by {when}"), FOLLOWED, || {
                    last = offered.ran(consumer, call);
                    (last == [island]).then_some(())
                });
                there.unwrap_or_else(|error| panic!("{error}; the last ran in {last:?}"));
            }
        }
        println!("{when}: {meant:?} to c, all others to b");
    }
}
