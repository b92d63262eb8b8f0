//! `highway rules …` against a real ZooKeeper, as an operator types it: what is applied, who is told that somebody was faster, and what
//! can be taken back.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::sync::OnceLock;

use highway_tests::lab::Lab;
use highway_tests::program;
use highway_tests::zookeeper::ZooKeeper;
use serde_json::{Value, json};

struct Island {
    lab: Lab,
    zookeeper: ZooKeeper,
}

/// One server for this file; each test has a config root of its own.
fn island() -> &'static Island {
    static LAB: OnceLock<Island> = OnceLock::new();
    LAB.get_or_init(|| {
        let lab = Lab::new(&["a"]).unwrap();
        let zookeeper = lab.zookeeper("a").unwrap();
        Island { lab, zookeeper }
    })
}

/// An operator with files of their own.
struct Operator {
    name: &'static str,
    folder: tempfile::TempDir,
}

impl Operator {
    fn new(root: &'static str, name: &'static str) -> Self {
        let operator = Self { name, folder: tempfile::tempdir().unwrap() };
        let address = island().zookeeper.address();
        let config = format!("[[registry]]\naddress = \"{address}\"\nconfig_root = \"{root}/config\"\n");
        operator.file("egress-gw.toml", &config);
        operator
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let highway = program::folder().unwrap().join("highway");
        let mut command = island().lab.net.island("a").command(highway);
        command.current_dir(self.folder.path()).env_remove("SUDO_USER").env("USER", self.name);
        command.arg("rules").args(arguments).args(["--config", "egress-gw.toml"]);
        command.output().unwrap()
    }

    /// Exit code, and what was printed.
    fn does(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.run(arguments);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.does(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said
    }

    fn version(&self) -> String {
        self.json(&["get", "shop"])["version"].as_str().unwrap().to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(&[arguments, &["--json"]].concat())).unwrap()
    }
}

fn rule(island: &str) -> String {
    format!("application: shop\nrules:\n- name: all\n  act: {{ island: {island} }}\n")
}

#[test]
fn a_document_is_applied_changed_looked_at_and_taken_back() {
    let ann = Operator::new("one", "ann");
    ann.file("shop.yaml", &rule("shanghai"));
    assert_eq!(ann.good(&["get"]), "no documents\n");
    assert!(
        ann.good(&["apply", "shop.yaml", "--dry-run"])
            .contains("+   act: { island: shanghai }\nshop: nothing was changed")
    );
    assert_eq!(ann.good(&["get"]), "no documents\n");
    assert!(ann.good(&["apply", "shop.yaml"]).ends_with(" now\n"));
    let version = ann.version();
    assert_eq!(ann.good(&["apply", "shop.yaml"]), format!("shop: nothing to do, version {version} is so already\n"));
    assert_eq!(ann.good(&["get", "shop"]), rule("shanghai"), "byte for byte, as it goes into a file");

    ann.file("shop.yaml", &rule("beijing"));
    let (code, said) = ann.does(&["diff", "shop.yaml"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("-   act: { island: shanghai }\n+   act: { island: beijing }\n"), "{said}");
    let applied = ann.json(&["apply", "shop.yaml"]);
    assert_eq!((&applied["version"], &applied["changed"]), (&json!(ann.version()), &json!(true)));
    assert!(applied["meaning"][0].as_str().unwrap().contains("rule `all` was"), "{applied}");
    assert_eq!(ann.good(&["diff", "shop.yaml"]), "");

    ann.good(&["rollback", "shop"]);
    assert_eq!(ann.good(&["get", "shop"]), rule("shanghai"));
    ann.good(&["remove", "shop"]);
    assert_eq!(ann.does(&["get", "shop"]).0, Some(1));
    ann.good(&["rollback", "shop", "--to", "2"]);
    assert_eq!(ann.good(&["get", "shop"]), rule("beijing"));
    let history = ann.json(&["history", "shop"]);
    let actions: Vec<&str> =
        history.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["rollback", "remove", "rollback", "apply", "apply"]);
    let by = history[0]["by"].as_str().unwrap();
    assert!(by.starts_with("ann@"), "{by}");
    let shown = ann.good(&["history", "shop"]);
    assert!(shown.lines().nth(3).unwrap().ends_with(&format!("{by}  +1 -1 lines")), "{shown}");
    let (code, said) = ann.does(&["rollback", "shop", "--to", "77"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("found no change 77 of shop: `highway rules history shop` shows"), "{said}");
}

#[test]
fn who_comes_second_is_told_who_was_first_and_changes_nothing() {
    let (ann, bob) = (Operator::new("two", "ann"), Operator::new("two", "bob"));
    ann.file("shop.yaml", &rule("shanghai"));
    ann.good(&["apply", "shop.yaml"]);
    let seen = ann.version();
    bob.file("shop.yaml", &rule("beijing"));
    bob.good(&["apply", "shop.yaml", "--expect-version", &seen]);

    ann.file("shop.yaml", &rule("wuhan"));
    for more in [&["--dry-run"][..], &[]] {
        let (code, said) = ann.does(&[&["apply", "shop.yaml", "--expect-version", &seen], more].concat());
        assert_eq!(code, Some(3), "{said}");
        let by = format!("highway: somebody else changed document shop: found version {}, of bob@", ann.version());
        assert!(
            said.contains(&by)
                && said.contains(&format!(", wanted version {seen}; look at it with `highway rules get shop`")),
            "{said}"
        );
    }
    let (code, _) = ann.does(&["remove", "shop", "--expect-version", &seen]);
    assert_eq!(code, Some(3));
    assert_eq!(ann.good(&["get", "shop"]), rule("beijing"));
}

/// Twelve at once, each over the same version: one is applied, and eleven are told.
#[test]
fn of_many_at_once_one_is_applied() {
    let ann = Operator::new("three", "ann");
    ann.file("shop.yaml", &rule("shanghai"));
    ann.good(&["apply", "shop.yaml"]);
    let seen = &ann.version();
    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let at_once: Vec<_> = (0..12)
            .map(|at| {
                scope.spawn(move || {
                    let bob = Operator::new("three", "bob");
                    bob.file("shop.yaml", &rule(&format!("island-{at}")));
                    bob.does(&["apply", "shop.yaml", "--expect-version", seen]).0
                })
            })
            .collect();
        at_once.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let count = |wanted| codes.iter().filter(|code| **code == Some(wanted)).count();
    assert_eq!((count(0), count(3)), (1, 11), "{codes:?}");
    assert_eq!(ann.json(&["history", "shop"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_document_that_is_broken_or_goes_elsewhere_is_not_applied() {
    let ann = Operator::new("four", "ann");
    ann.file("other.yaml", &rule("shanghai"));
    ann.good(&["apply", "other.yaml"]);
    ann.file("shop.yaml", &rule("shanghai").replace("island:", "islnd:"));
    let (code, said) = ann.does(&["apply", "shop.yaml"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("shop.yaml:4:10: found") && said.contains("shop.yaml is not taken"), "{said}");
    let json: Value = serde_json::from_slice(&ann.run(&["apply", "shop.yaml", "--json"]).stdout).unwrap();
    assert_eq!((&json["good"], &json["mistakes"][0]["column"]), (&json!(false), &json!(10)));
    // Alone it would do what it expects; beside the other document, of the same rank, it does not.
    let expect = "expect:\n- call: { service: com.acme.Greeter, method: a, application: shop }\n  offered: [beijing]\n  goes: beijing\n";
    ann.file("shop.yaml", &(rule("beijing") + expect));
    assert_eq!(ann.does(&["check", "shop.yaml"]).0, Some(0));
    let (code, said) = ann.does(&["apply", "shop.yaml"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("shop.yaml:6: not as expected"), "{said}");
    assert_eq!(ann.json(&["get"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_document_from_standard_input_wants_a_name_and_gets_it() {
    let ann = Operator::new("five", "ann");
    let file = ann.file("any", &rule("shanghai"));
    let highway = program::folder().unwrap().join("highway");
    let apply = |name: &[&str]| {
        let mut command = island().lab.net.island("a").command(&highway);
        let registry = island().zookeeper.address().to_string();
        command.args(["rules", "apply", "-"]).args(name).args([
            "--registry",
            &registry,
            "--config-root",
            "five/config",
        ]);
        command.stdin(fs::File::open(&file).unwrap()).output().unwrap()
    };
    assert!(String::from_utf8(apply(&[]).stderr).unwrap().contains("wanted one after the -"));
    assert!(apply(&["com.acme.Greeter:1.0"]).status.success());
    assert_eq!(ann.good(&["get", "com.acme.Greeter:1.0"]), rule("shanghai"));
}
