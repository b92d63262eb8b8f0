//! `highway explain`: what it says is what calls do.

use highway_tests::peer::GREETING;

use super::documents::Documents;
use super::stage::{BOTH, hello, stage, until_answered_by, who};

#[test]
fn an_explanation_names_the_place_the_reason_and_whether_a_provider_answers_there() {
    let (stage, line, _mine) = stage();
    let island = line.island("a");
    let (service, admin) = (format!("{BOTH}/{GREETING}"), format!("http://{}", island.egress().admin()));
    let explain = |more: &[&str]| {
        let words = [&["explain", &service, "sayHello", "--admin", &admin], more].concat();
        island.place().highway(&words)
    };
    let silent = explain(&["--json"]).unwrap_err().to_string();
    assert!(silent.contains("exit status: 3"), "{silent}");

    let said = explain(&["--target", "c", "--live"]).unwrap();
    println!("{said}");
    for part in
        ["goes to `c`", "attachment highway.target", "c: a provider is up, by hub-1", "live: a provider answered"]
    {
        assert!(said.contains(part), "no {part:?} in {said}");
    }

    let documents = Documents::of(&line);
    documents.say("rules:\n  - name: gray\n    match: { attachments: { env: \"gray*\" } }\n    act: { island: b }\n");
    for (name, consumer) in &stage.consumers {
        let address = island.place().address().to_string();
        until_answered_by(name, consumer, &hello("plain").attachment("env", "gray-1"), "b");
        let caller = ["--application", &format!("caller-{name}"), "--source", &address, "--attachment", "env=gray-1"];
        let ruled = explain(&[&caller[..], &["--why-not", "c"]].concat()).unwrap();
        for part in ["goes to `b`", "gray", "why not: it could go to `c`"] {
            assert!(ruled.contains(part), "{name}: no {part:?} in {ruled}");
        }
        let other = who(consumer, &hello("plain").attachment("env", "blue"));
        assert!(other.contains("names none of them"), "{name}: {other}");
    }
    let wrong = explain(&["--attachment", "nothing"]).unwrap_err().to_string();
    assert!(wrong.contains("wanted KEY=VALUE"), "{wrong}");
}
