//! What `highway rules …` says without a registry. What it does with one is tested where there is a ZooKeeper: `tests/tests/rules.rs`.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands, in its helpers too")]

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
    let long = file(folder.path(), "long.yaml", &"#".repeat(300_000));
    assert!(err(&rules(&["check", &long])).contains("has more than 262144 bytes, wanted a rule document"));
    let bytes = folder.path().join("bytes.yaml");
    std::fs::write(&bytes, b"\xff").unwrap();
    assert!(err(&rules(&["check", bytes.to_str().unwrap()])).contains("is no text in UTF-8"));
    let named = file(folder.path(), "a b.yaml", SHOP);
    assert!(err(&rules(&["check", &named])).contains("found \"a b\" for a name, wanted 1 to 128 of"));
    let missing = rules(&["check", "nowhere.yaml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(err(&missing).contains("cannot read nowhere.yaml: No such file"), "{}", err(&missing));
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
