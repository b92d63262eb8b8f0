//! Changes in need: what others wrote beyond the limits of gateways, or an output that nobody reads, stops none of them.

use std::fs::File;
use std::io::pipe;
use std::process::Stdio;

use super::operator::{Operator, by_hand, island, rule};

/// So many that two documents are beyond what gateways take.
fn many(application: &str, count: usize) -> String {
    let rule = |at: usize| format!("- {{ name: r{at}, act: {{ island: a }} }}\n");
    format!("application: {application}\nrules:\n{}", (0..count).map(rule).collect::<String>())
}

/// Whoever wrote the others raw has asked nobody.
#[test]
fn beyond_the_limit_of_rules_a_change_is_stopped_that_makes_it_worse_and_no_rollback() {
    let ann = Operator::new("nineteen", "ann");
    ann.first(&rule("shanghai"));
    ann.file("shop.yaml", &many("shop", 5001));
    ann.good(&["apply", "shop.yaml", "--overwrite"]);
    by_hand("/nineteen/config/highway/stock", many("stock", 5001).as_bytes());
    let limit = "found 10001 rules and switches in all documents, wanted at most 10000";
    ann.file("shop.yaml", &many("shop", 5000));
    let said = ann.good(&["apply", "shop.yaml", "--overwrite"]);
    assert!(said.contains(limit) && said.contains("shop: applied, version"), "fewer than before: {said}");
    // What it expects of a rule in another document cannot be tried.
    let of_another = "{ call: { service: a.B, method: c, application: stock }, offered: [a, b], goes: a }";
    ann.file("shop.yaml", &format!("{}expect:\n- {of_another}\n", many("shop", 5000)));
    let said = ann.good(&["apply", "shop.yaml", "--overwrite"]);
    assert!(said.contains(limit) && !said.contains("not as expected"), "{said}");
    ann.file("shop.yaml", &many("shop", 5002));
    let (code, said) = ann.does(&["apply", "shop.yaml", "--overwrite"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("found 10003 rules") && said.contains("--despite limits writes it"), "{said}");
    let said = ann.good(&["rollback", "shop", "--to", "2"]);
    assert!(said.contains("found 10002 rules"), "more than before, and as it was: {said}");
    let said = ann.good(&["rollback", "shop", "--to", "1"]);
    assert!(!said.contains("rules and switches"), "nothing speaks against it any more: {said}");
    assert_eq!(ann.text(), rule("shanghai"));
}

#[test]
fn beyond_the_limit_of_documents_those_that_are_there_are_changed_and_taken_back() {
    let ann = Operator::new("twenty", "ann");
    ann.first(&rule("shanghai"));
    let more: Vec<String> = (0..1000).map(|at| format!("create /twenty/config/highway/x{at:03} x")).collect();
    island().zookeeper.command_line(&more).unwrap();
    ann.file("shop.yaml", &rule("beijing"));
    let said = ann.good(&["apply", "shop.yaml", "--overwrite"]);
    assert!(said.contains("one of 1001 documents, and gateways read 1000"), "{said}");
    ann.good(&["rollback", "shop"]);
    assert_eq!(ann.text(), rule("shanghai"));
    ann.good(&["remove", "shop"]);
    by_hand("/twenty/config/highway/another", b"x");
    ann.good(&["rollback", "shop"]);
    assert_eq!(ann.text(), rule("shanghai"), "also where it is one more");
}

/// `highway rules apply … | head -1`: what was asked for is done, and the exit code is that of it.
#[test]
fn a_change_is_made_and_ends_with_its_own_code_though_nobody_reads_what_it_says() {
    let ann = Operator::new("twenty-one", "ann");
    ann.first(&rule("shanghai"));
    let nobody = || {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    for form in [&[][..], &["--json"]] {
        for island in ["beijing", "wuhan"] {
            ann.file("shop.yaml", &rule(island));
            let mut apply = ann.command(&[&["apply", "shop.yaml", "--overwrite"], form].concat());
            let ended = apply.stdout(nobody()).stderr(nobody()).status().unwrap();
            assert_eq!(ended.code(), Some(0), "{ended:?}");
            assert_eq!(ann.text(), rule(island));
        }
        let late = ["apply", "shop.yaml", "--expect-version", "none"];
        ann.file("shop.yaml", &rule("shanghai"));
        let mut apply = ann.command(&[&late, form].concat());
        let ended = apply.stdout(nobody()).stderr(nobody()).status().unwrap();
        assert_eq!(ended.code(), Some(3), "{ended:?}");
        assert_eq!(ann.text(), rule("wuhan"));
    }
    // Where it cannot be shown what would be changed, nothing is; and what is changed is, whatever can be said of it.
    let full = || File::options().write(true).open("/dev/full").unwrap();
    ann.file("shop.yaml", &rule("beijing"));
    let apply = ["apply", "shop.yaml", "--overwrite"];
    assert_eq!(ann.command(&apply).stdout(full()).status().unwrap().code(), Some(1));
    assert_eq!(ann.text(), rule("wuhan"));
    let ended = ann.command(&[&apply[..], &["--json"]].concat()).stdout(full()).output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("cannot write standard output: No space left"));
    assert_eq!(ann.text(), rule("beijing"));
    for undone in ["--dry-run", "--overwrite"] {
        let ended = ann.command(&["apply", "shop.yaml", "--json", undone]).stdout(full()).status().unwrap();
        assert_eq!(ended.code(), Some(1), "{undone}: half an answer, and nothing to be done");
    }
}
