//! What is applied, looked at, and taken back.

use std::fs;

use lab::program;
use serde_json::{Value, json};

use super::operator::{Operator, island, rule};

#[test]
fn a_document_is_applied_changed_looked_at_and_taken_back() {
    let ann = Operator::new("one", "ann");
    ann.file("shop.yaml", &rule("shanghai"));
    assert_eq!(ann.good(&["get"]), "no documents\n");
    assert!(
        ann.good(&["apply", "shop.yaml", "--dry-run", "--first"])
            .contains("+   act: { island: shanghai }\nshop: nothing was changed")
    );
    assert_eq!(ann.good(&["get"]), "no documents\n");
    assert!(ann.good(&["apply", "shop.yaml", "--first"]).ends_with(" now; every gateway may read it\n"));
    let version = ann.version();
    let again = format!("shop: nothing to do, version {version} is so already; every gateway may read it\n");
    assert_eq!(ann.good(&["apply", "shop.yaml"]), again);
    assert_eq!(ann.text(), rule("shanghai"), "byte for byte");
    assert_eq!(ann.good(&["get", "shop"]), format!("# highway: version {version} of shop\n{}", rule("shanghai")));
    assert_eq!(ann.good(&["diff", "shop.yaml"]), format!("shop: no difference, version {version}\n"));

    ann.edit("shanghai", "beijing");
    let (code, said) = ann.does(&["diff", "shop.yaml"]);
    assert_eq!(code, Some(3));
    let places = format!("--- shop, version {version}\n+++ shop.yaml\n");
    assert!(said.starts_with(&places), "{said}");
    assert!(said.contains("-   act: { island: shanghai }\n+   act: { island: beijing }\n"), "{said}");
    let applied = ann.json(&["apply", "shop.yaml"]);
    assert_eq!((&applied["version"], &applied["changed"]), (&json!(ann.version()), &json!(true)));
    assert!(applied["meaning"][0].as_str().unwrap().contains("rule `all` was"), "{applied}");
    let (code, said) = ann.does(&["diff", "shop.yaml"]);
    let now = ann.version();
    assert_eq!(code, Some(0));
    let stale = format!("highway: shop.yaml was made from version {version}, and there is version {now} now\n");
    assert!(said.contains(&stale) && said.contains(&format!("shop: no difference, version {now}\n")), "{said}");
    assert_eq!(ann.text(), rule("beijing"), "without the line that says the version");

    ann.good(&["rollback", "shop"]);
    assert_eq!(ann.text(), rule("shanghai"));
    ann.good(&["remove", "shop"]);
    assert_eq!(ann.does(&["get", "shop"]).0, Some(1));
    ann.good(&["rollback", "shop", "--to", "2"]);
    assert_eq!(ann.text(), rule("beijing"));
    let history = ann.json(&["history", "shop"]);
    let actions: Vec<&str> =
        history.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["rollback", "remove", "rollback", "apply", "apply"]);
    assert_eq!(history[0]["version"], json!(ann.version()), "as `get` says it");
    assert_eq!((&history[1]["version"], &history[4]["version"]), (&Value::Null, &json!(version)));
    let by = history[0]["by"].as_str().unwrap();
    assert!(by.starts_with("ann@"), "{by}");
    let shown = ann.good(&["history", "shop"]);
    assert!(shown.lines().nth(3).unwrap().ends_with(&format!("{by}  +1 -1 lines")), "{shown}");
    assert!(shown.starts_with(&format!("5    {}  2", ann.version())), "{shown}");
    let (code, said) = ann.does(&["rollback", "shop", "--to", "77"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("found no change 77 of shop: `highway rules history shop` shows"), "{said}");
}

/// Somebody in a hurry types it twice, or does not know whether it was done.
#[test]
fn a_second_rollback_goes_no_way_forward() {
    let ann = Operator::new("eight", "ann");
    ann.first(&rule("one"));
    for island in ["two", "three"] {
        ann.file("shop.yaml", &rule(island));
        ann.good(&["apply", "shop.yaml", "--overwrite"]);
    }
    let said = ann.good(&["rollback", "shop", "--dry-run"]);
    assert!(said.contains("shop: it would be as it was after change 2, apply of ann@"), "{said}");
    let said = ann.good(&["rollback", "shop"]);
    assert!(said.contains("shop: rolled back, as it was after change 2, apply of ann@"), "{said}");
    let said = ann.good(&["rollback", "shop"]);
    assert!(said.contains("shop: nothing to do, it is as it was after change 2, apply of ann@"), "{said}");
    assert!(said.ends_with("; `--to N` goes further back\n"), "{said}");
    assert_eq!(ann.text(), rule("two"));
    let back = ann.json(&["rollback", "shop", "--to", "1"]);
    assert_eq!((&back["back_to"], ann.text()), (&json!(1), rule("one")));

    // The next change counts anew, and so does what somebody writes past the tool.
    ann.file("shop.yaml", &rule("four"));
    ann.good(&["apply", "shop.yaml", "--overwrite"]);
    ann.good(&["rollback", "shop"]);
    assert_eq!(ann.text(), rule("one"));
    let path = "/eight/config/highway/shop";
    island().zookeeper.command_line(&[format!("set {path} 'rules: []'")]).unwrap();
    let said = ann.good(&["rollback", "shop"]);
    assert!(said.contains("as it was after change 7, rollback of ann@"), "{said}");
    assert_eq!(ann.text(), rule("one"));
}

/// The rule that is wrong now was right when it was written, and its expectations were of another time.
#[test]
fn a_rollback_is_held_up_by_mistakes_alone_and_a_change_in_need_by_none_of_its_expectations() {
    let ann = Operator::new("nine", "ann");
    let expect =
        "expect:\n- call: { service: com.acme.Greeter, application: shop }\n  offered: [beijing]\n  goes: beijing\n";
    ann.first(&(rule("beijing") + expect));
    ann.file("shop.yaml", &rule("shanghai"));
    ann.good(&["apply", "shop.yaml", "--overwrite"]);
    ann.file("other.yaml", "rules:\n- name: all\n  priority: 5\n  act: { island: wuhan }\n");
    ann.good(&["apply", "other.yaml"]);
    let said = ann.good(&["rollback", "shop"]);
    assert!(said.contains("change 1 of shop:6: not as expected") && said.contains("is taken all the same"), "{said}");
    assert_eq!(ann.text(), rule("beijing") + expect);

    ann.edit("name: all", "name: emergency");
    let (code, said) = ann.does(&["apply", "shop.yaml"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("in need, --despite expect takes it as it is"), "{said}");
    let refused: Value = serde_json::from_slice(&ann.run(&["apply", "shop.yaml", "--json"]).stdout).unwrap();
    assert_eq!((&refused["good"], &refused["unmet"][0]["line"]), (&json!(false), &json!(7)));
    let dry = ["apply", "shop.yaml", "--json", "--dry-run", "--despite", "expect"];
    let dry: Value = serde_json::from_slice(&ann.run(&dry).stdout).unwrap();
    assert_eq!(dry["changed"], json!(false), "{dry}");
    let said = ann.good(&["apply", "shop.yaml", "--despite", "expect"]);
    assert!(said.contains("shop.yaml:7: not as expected") && said.contains("shop: applied, version"), "{said}");
    // What no gateway understands any more is not taken by any of them.
    island().zookeeper.command_line(&["set /nine/config/highway/shop nonsense".to_owned()]).unwrap();
    ann.edit("nonsense", "rules: []");
    ann.good(&["apply", "shop.yaml"]);
    let (code, said) = ann.does(&["rollback", "shop"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("change 5 of shop:1:1: found"), "{said}");
}

/// What looks odd is told once, also where the text is taken over what it expects.
#[test]
fn a_warning_is_told_once() {
    let ann = Operator::new("twenty-two", "ann");
    let late = "- name: late\n  act: { island: wuhan }\n";
    let expect =
        "expect:\n- call: { service: com.acme.Greeter, application: shop }\n  offered: [beijing]\n  goes: beijing\n";
    for (expect, despite) in [("", &[][..]), (expect, &["--despite", "expect"])] {
        ann.file("shop.yaml", &(rule("shanghai") + late + expect));
        for form in [&[][..], &["--json"]] {
            let said = ann.good(&[&["apply", "shop.yaml", "--first", "--overwrite"], despite, form].concat());
            let warnings = said.matches("warning: rule `shop/late` never acts").count();
            assert_eq!((warnings, said.contains("not as expected")), (1, !expect.is_empty()), "{said}");
        }
    }
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
            "--first",
            "--registry",
            &registry,
            "--config-root",
            "five/config",
        ]);
        command.stdin(fs::File::open(&file).unwrap()).output().unwrap()
    };
    assert!(String::from_utf8(apply(&[]).stderr).unwrap().contains("wanted one after the -"));
    assert!(apply(&["com.acme.Greeter:1.0"]).status.success());
    assert_eq!(ann.json(&["get", "com.acme.Greeter:1.0"])["text"], json!(rule("shanghai")));
}
