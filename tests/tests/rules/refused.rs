//! What is not taken, and the words with which it is all the same.

use std::fs;

use serde_json::{Value, json};

use super::operator::{Operator, island, rule};

#[test]
fn a_document_that_is_broken_or_goes_elsewhere_is_not_applied() {
    let ann = Operator::new("four", "ann");
    ann.file("other.yaml", &rule("shanghai"));
    ann.good(&["apply", "other.yaml", "--first"]);
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

/// The line that says the version counts as a line of the file in every sentence about it.
#[test]
fn mistakes_are_told_by_the_lines_of_the_file() {
    let ann = Operator::new("seven", "ann");
    ann.first(&rule("shanghai"));
    ann.edit("island:", "islnd:");
    let (code, said) = ann.does(&["apply", "shop.yaml"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("shop.yaml:5:10: found"), "{said}");
    let (code, said) = ann.does(&["apply", "shop.yaml", "stock"]);
    assert_eq!(code, Some(2), "{said}");
    fs::rename(ann.folder.path().join("shop.yaml"), ann.folder.path().join("copy.yaml")).unwrap();
    let (code, said) = ann.does(&["apply", "copy.yaml"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("copy.yaml begins as document shop does and is called as copy is"), "{said}");
    ann.file("shop.yaml", "# highway: version 12 of shop\nrules: []\n");
    let (code, said) = ann.does(&["apply", "shop.yaml"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("shop.yaml:1: found \"# highway: version 12 of shop\", wanted the line that"), "{said}");
}

#[test]
fn the_first_document_is_said_to_be_the_first() {
    let ann = Operator::new("ten", "ann");
    ann.file("shop.yaml", &rule("shanghai"));
    let (code, said) = ann.does(&["apply", "shop.yaml"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("found no folder of rule documents") && said.contains("they drop all others"), "{said}");
    assert_eq!(ann.good(&["get"]), "no documents\n");
    ann.first(&rule("shanghai"));
    ann.good(&["remove", "shop"]);
    ann.good(&["apply", "shop.yaml"]);
}

/// Gateways read a thousand; what is written beyond is not obeyed by all of them.
#[test]
fn a_document_more_than_gateways_read_is_not_applied_unless_it_is_meant() {
    let ann = Operator::new("eleven", "ann");
    ann.first(&rule("shanghai"));
    let more: Vec<String> = (0..999).map(|at| format!("create /eleven/config/highway/x{at:03} x")).collect();
    island().zookeeper.command_line(&more).unwrap();
    ann.file("stock.yaml", &rule("shanghai").replace("application: shop", "application: stock"));
    let (code, said) = ann.does(&["apply", "stock.yaml"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("one of 1001 documents, and gateways read 1000"), "{said}");
    ann.good(&["apply", "stock.yaml", "--despite", "limits"]);
    ann.good(&["remove", "stock"]);
    ann.edit("shanghai", "beijing");
    ann.good(&["apply", "shop.yaml"]);
}

/// Five megabytes, a bomb, escapes: a sentence each, and nothing is written.
#[test]
fn what_is_no_document_comes_to_no_registry() {
    let ann = Operator::new("thirteen", "ann");
    ann.first(&rule("shanghai"));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nrules: *b\n";
    let deep = "[".repeat(100_000);
    let long = "#".repeat(5 << 20);
    for (text, wanted) in [
        (long.as_str(), "has more than 262144 bytes, wanted a rule document"),
        (bomb, "found an anchor"),
        (&deep, "recursion limit exceeded"),
        ("rules: []\n# \u{1b}[2J\n", "unexpected character"),
    ] {
        ann.file("shop.yaml", text);
        let (code, said) = ann.does(&["apply", "shop.yaml", "--overwrite"]);
        assert_eq!(code, Some(2), "{wanted}: {said}");
        assert!(said.contains(wanted) && !said.contains('\u{1b}') && said.len() < 10_000, "{wanted}: {said}");
    }
    assert_eq!(ann.json(&["history", "shop"]).as_array().unwrap().len(), 1);
}

/// What gateways do with it depends on which documents they took before.
#[test]
fn more_rules_than_gateways_take_are_not_applied_unless_it_is_meant() {
    let ann = Operator::new("fifteen", "ann");
    let rule = |at: usize| format!("- {{ name: r{at}, act: {{ island: a }} }}\n");
    let rules: String = (0..5001).map(rule).collect();
    ann.first(&format!("application: shop\nrules:\n{rules}"));
    ann.file("stock.yaml", &format!("application: stock\nrules:\n{rules}"));
    let (code, said) = ann.does(&["apply", "stock.yaml"]);
    assert_eq!(code, Some(3), "{said}");
    let limit = "found 10002 rules and switches in all documents, wanted at most 10000";
    assert!(said.contains(limit) && said.contains("in need, --despite limits writes it"), "{said}");
    let (code, said) = ann.does(&["apply", "stock.yaml", "--despite", "limits"]);
    assert_eq!(code, Some(0));
    let warning = "stock.yaml:4: warning: rule `stock/r1` never acts: `stock/r0` is asked before it";
    assert!(said.contains(warning), "{said}");
    assert!(said.contains("stock.yaml: and 4950 more warnings\n"), "{said}");
}
