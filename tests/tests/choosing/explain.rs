//! `highway explain`: what it says is what calls do.

use lab::peer::GREETING;
use lab::process::until;

use super::documents::Documents;
use super::grants::Grants;
use super::stage::{BOTH, FOLLOWED, hello, stage, until_answered_by, who};

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
    let behind = "c at hub hub-1: granted by `a-to-c`; c-ingress-1 has 1 of 1 providers up";
    for part in [
        "goes to `c`",
        "attachment highway.target",
        "c: a provider is up, by hub-1",
        behind,
        "live: a provider answered",
    ] {
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
    assert!(wrong.contains("exit status: 2") && wrong.contains("wanted KEY=VALUE"), "{wrong}");
    let port = explain(&["--port", "atlantis"]).unwrap_err().to_string();
    assert!(port.contains("exit status: 2") && port.contains("a port of its own here: b, c"), "{port}");
}

#[test]
fn the_hub_says_who_has_no_grant_what_nobody_provides_and_nothing_while_it_is_away() {
    let (stage, line, _mine) = stage();
    let island = line.island("a");
    let admin = format!("http://{}", island.egress().admin());
    let explain = |service: &str, more: &[&str]| {
        let words = [&["explain", service, "sayHello", "--admin", &admin], more].concat();
        island.place().highway(&words).map_err(|error| error.to_string())
    };
    let both = format!("{BOTH}/{GREETING}");
    let nobody = explain("com.example.Nobody", &["--target", "b"]).unwrap_err();
    assert!(nobody.contains("exit status: 3"), "{nobody}");
    assert!(nobody.contains("b at hub hub-1: refused: island `b` does not offer com.example.Nobody"), "{nobody}");

    // An island without a grant reads the same of one that is there and of one that is not.
    let grants = Grants::only(&line, &[("a", "c"), ("d", "c")]);
    let refused = |target: &str| {
        let told = explain(&both, &["--target", "c", "--why-not", target]).unwrap();
        let (_, said) = told.split_once(&format!("{target} at hub hub-1: "))?;
        let said = said.lines().next().unwrap_or_default().replace(&format!("`{target}`"), "`X`");
        said.starts_with("refused").then_some(said)
    };
    let there = until("the grant is gone", FOLLOWED, || refused("b")).unwrap();
    assert!(there.contains("no grant lets application `unknown` of island `a` call"), "{there}");
    assert_eq!(Some(there), refused("q"));
    let named = explain(&both, &["--target", "b"]).unwrap_err();
    assert!(named.contains("exit status: 3") && named.contains("b at hub hub-1: refused: no grant"), "{named}");
    drop(grants);

    line.hub.kill();
    // Over some transports it is not known at once.
    let mut said = Ok(String::new());
    let away = until("the link is known to have no connection", FOLLOWED, || {
        said = explain(&both, &["--target", "c"]);
        let is_away =
            |told: &&String| told.contains("c at hub") && told.contains("no answer: its link has no connection");
        said.as_ref().ok().filter(is_away).map(drop)
    });
    // The others of this file go on with it, whatever came of this.
    line.hub.start().unwrap();
    away.unwrap_or_else(|error| panic!("{error}; said last: {said:?}"));
    let back = || explain(&both, &["--target", "b"]).ok().filter(|told| told.contains("granted by `a-to-b`"));
    until("the hub answers again", FOLLOWED, back).unwrap();
    for (name, consumer) in &stage.consumers {
        for target in ["b", "c"] {
            until_answered_by(name, consumer, &hello("plain").attachment("highway.target", target), target);
        }
    }
}
