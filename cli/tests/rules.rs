//! What `highway rules …` says without a registry. What it does with one is tested where there is a ZooKeeper: `tests/tests/rules`.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands, in its helpers too")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const SHOP: &str = r#"
application: shop
rules:
  - name: canary
    match: { attachments: { env: "gray*" } }
    act: { island: shanghai }
expect:
  - call: { service: com.acme.Greeter, method: sayHello, application: shop, attachments: { env: gray1 } }
    offered: [shanghai, beijing]
    goes: shanghai
"#;

fn rules(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_highway")).arg("rules").args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap().trim_end().to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap().trim_end().to_owned()
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_good_document_that_does_what_it_expects_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let shop = file(folder.path(), "shop.yaml", SHOP);
    let checked = rules(&["check", &shop]);
    assert_eq!(checked.status.code(), Some(0), "{}{}", out(&checked), err(&checked));
    assert_eq!(out(&checked), format!("{shop}: good, 1 rules and switches"));
}

#[test]
fn every_mistake_is_told_with_its_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let broken =
        SHOP.replace("island: shanghai", "islnd: shanghai").replace("application: shop\nrules", "aplication: 5\nrules");
    let shop = file(folder.path(), "shop.yaml", &broken);
    let checked = rules(&["check", &shop]);
    assert_eq!(checked.status.code(), Some(2));
    let said = out(&checked);
    assert!(said.contains(&format!("{shop}:2:1: found")), "{said}");
    assert!(said.contains(&format!("{shop}:6:12: found")), "{said}");
    let json: Value = serde_json::from_str(&out(&rules(&["check", "--json", &shop]))).unwrap();
    assert_eq!((&json[0]["good"], &json[0]["mistakes"][1]["line"]), (&json!(false), &json!(6)));
}

#[test]
fn a_call_that_goes_elsewhere_is_told_and_beside_a_broken_document_the_broken_one_counts() {
    let folder = tempfile::tempdir().unwrap();
    let unmet = file(folder.path(), "shop.yml", &SHOP.replace("goes: shanghai", "goes: beijing"));
    let checked = rules(&["check", &unmet]);
    assert_eq!(checked.status.code(), Some(3));
    assert!(out(&checked).starts_with(&format!("{unmet}:8: not as expected: found the call")), "{}", out(&checked));
    let broken = file(folder.path(), "stock.yaml", "rules: 5");
    assert_eq!(rules(&["check", &unmet, &broken]).status.code(), Some(2));
}

/// Two documents of the same rank that say different things: neither alone is wrong.
#[test]
fn documents_are_judged_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let shop = file(folder.path(), "shop.yaml", SHOP);
    let other =
        file(folder.path(), "other.yaml", "application: shop\nrules:\n- name: all\n  act: { island: beijing }\n");
    for file in [&shop, &other] {
        assert_eq!(rules(&["check", file]).status.code(), Some(0));
    }
    let checked = rules(&["check", &shop, &other]);
    assert_eq!(checked.status.code(), Some(3), "{}", out(&checked));
    assert!(out(&checked).contains("other/all"), "{}", out(&checked));
}

#[test]
fn what_is_no_document_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let long = file(folder.path(), "long.yaml", &"#".repeat(5 << 20));
    let bytes = folder.path().join("bytes.yaml");
    std::fs::write(&bytes, b"\xff").unwrap();
    let named = file(folder.path(), "a b.yaml", SHOP);
    let twice = file(folder.path(), "twice.yml", SHOP);
    let other = file(folder.path(), "twice.yaml", SHOP);
    for (files, wanted) in [
        (vec![long.as_str()], "has more than 262144 bytes, wanted a rule document"),
        (vec![bytes.to_str().unwrap()], "is no text in UTF-8"),
        (vec![&named], "found \"a b\" for a name, wanted 1 to 128 of"),
        (vec![&twice, &other], "found two files for document twice"),
        (vec!["-"], "found no name for what comes from standard input, wanted one after the -"),
    ] {
        let checked = rules(&[&["check"], &files[..]].concat());
        assert_eq!(checked.status.code(), Some(2), "{wanted}");
        assert!(err(&checked).contains(wanted), "{}", err(&checked));
    }
    let missing = rules(&["check", "nowhere.yaml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(err(&missing).contains("cannot read nowhere.yaml: No such file"), "{}", err(&missing));
}

/// Nothing of it makes the tool large, slow or silent.
#[test]
fn bombs_and_escapes_are_told_by_their_places() {
    let folder = tempfile::tempdir().unwrap();
    for (text, wanted) in [
        ("a: &a [x,x,x]\nrules: [*a,*a,*a]\n".to_owned(), ":1:7: found an anchor or an alias"),
        ("[".repeat(200_000), ":1:"),
        ("a: ".repeat(80_000), ":1:"),
        ("- x\n".repeat(60_000), ":1:1: found"),
        ("rules: []\n# \u{1b}[2J\n".to_owned(), ":2:"),
        ("rules: []\n\"\\e[2J\u{85}\": 1\n".to_owned(), ":2:"),
        ("rules: []\n\u{202e}: 1\n".to_owned(), ":2:1: found"),
    ] {
        let checked = rules(&["check", &file(folder.path(), "shop.yaml", &text)]);
        let said = out(&checked);
        assert_eq!(checked.status.code(), Some(2), "{wanted}: {said}{}", err(&checked));
        assert!(said.contains(wanted) && said.len() < 100_000, "{wanted}: {said}");
        assert!(!said.contains(['\u{1b}', '\u{85}', '\u{202e}']), "{said:?}");
    }
}

/// Too many rules in all files is a mistake of what was given.
#[test]
fn more_rules_than_gateways_take_are_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |at: usize| format!("- {{ name: r{at}, act: {{ island: a }} }}\n");
    let text = format!("rules:\n{}", (0..5001).map(rule).collect::<String>());
    let [one, other] = ["one.yaml", "other.yaml"].map(|name| file(folder.path(), name, &text));
    let checked = rules(&["check", &one, &other]);
    assert_eq!(checked.status.code(), Some(2));
    assert!(err(&checked).contains("found 10002 rules and switches in all documents, wanted at most 10000"));
}

#[test]
fn a_rule_that_never_acts_is_warned_of_and_taken() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("# highway: version 0x2a of shop\n{SHOP}").replace(
        "expect:",
        "  - name: late\n    match: { methods: [pay], attachments: { env: \"gray*\" } }\n    act: { island: beijing }\nexpect:",
    );
    let shop = file(folder.path(), "shop.yaml", &text);
    let checked = rules(&["check", &shop]);
    assert_eq!(checked.status.code(), Some(0), "{}{}", out(&checked), err(&checked));
    let warning = "rule `shop/late` never acts: `shop/canary` is asked before it, and is about all its calls";
    assert_eq!(out(&checked), format!("{shop}:8: warning: {warning}\n{shop}: good, 2 rules and switches"));
    let json: Value = serde_json::from_str(&out(&rules(&["check", "--json", &shop]))).unwrap();
    assert_eq!(json[0]["warnings"], json!([{ "line": 8, "what": warning }]));
}

/// A stand-in for the gateway: what it knows is tested where it is.
#[test]
fn what_a_gateway_finds_odd_is_told_by_the_lines_of_the_file() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"}") {
            let mut some = [0; 4096];
            let count = socket.read(&mut some).unwrap();
            asked.extend(&some[..count]);
        }
        let answer = r#"[{"line":5,"what":"rule `shop/canary` is about nothing\u001b[2J"}]"#;
        write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    let folder = tempfile::tempdir().unwrap();
    let shop = file(folder.path(), "shop.yaml", &format!("# highway: version 0x2a of shop\n{SHOP}"));
    let checked = rules(&["check", &shop, "--live", &format!("http://{address}")]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    let asked = gateway.join().unwrap();
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /rules HTTP/1.1"), "{head}");
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({ "name": "shop", "text": SHOP }));
    assert!(
        out(&checked).starts_with(&format!("{shop}:6: warning: rule `shop/canary` is about nothing\\u{{1b}}[2J\n")),
        "{}",
        out(&checked)
    );
    let nobody = rules(&["check", &shop, "--live", "http://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(1), "{}", out(&nobody));
    assert!(out(&nobody).contains(": good, "), "the texts are judged all the same: {}", out(&nobody));
    let broken = file(folder.path(), "broken.yaml", "rules: 7\n");
    let both = rules(&["check", &broken, &shop, "--live", "http://127.0.0.1:1"]);
    assert_eq!(both.status.code(), Some(2), "{}", err(&both));
    assert!(out(&both).contains(&format!("{broken}:1:")) && err(&both).contains("127.0.0.1:1"), "{}", out(&both));
}

#[test]
fn a_command_without_a_registry_says_which_words_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let asked = rules(&["get"]);
    assert_eq!(asked.status.code(), Some(2));
    assert!(
        err(&asked).contains("wanted --config with the configuration of an egress gateway, or --registry"),
        "{}",
        err(&asked)
    );

    let two = "[[registry]]\nname = \"main\"\naddress = \"127.0.0.1:1\"\n[[registry]]\nname = \"old\"\naddress = \"127.0.0.1:2\"\n";
    let config = file(folder.path(), "egress-gw.toml", two);
    let asked = rules(&["get", "--config", &config]);
    assert_eq!(
        (asked.status.code(), err(&asked)),
        (Some(2), "highway: found none for --registry, wanted one of main, old".into())
    );
    let asked = rules(&["get", "--config", &config, "--registry", "old"]);
    assert_eq!(
        (asked.status.code(), err(&asked)),
        (Some(1), "highway: no server of 127.0.0.1:2 takes a session".into())
    );
    let asked = rules(&["get", "--registry", "127.0.0.1:1", "--password-env", "NOBODY_SET_THIS"]);
    assert_eq!(asked.status.code(), Some(2));
    assert!(err(&asked).contains("--username: found a password, wanted a username"), "{}", err(&asked));
}

#[test]
fn the_schema_is_json() {
    let schema: Value = serde_json::from_str(&out(&rules(&["schema"]))).unwrap();
    assert!(schema["properties"]["rules"].is_object());
}
