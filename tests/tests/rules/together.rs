//! Several who change one document, or who are somebody else than the gateways that read it.

use std::fs;

use serde_json::json;

use super::operator::{Operator, island, rule};

#[test]
fn who_comes_second_is_told_who_was_first_and_changes_nothing() {
    let (ann, bob) = (Operator::new("two", "ann"), Operator::new("two", "bob"));
    ann.first(&rule("shanghai"));
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
    assert_eq!(ann.text(), rule("beijing"));
}

/// The story of a lost change: ann gets the document, bob changes it, ann applies what she made of hers.
#[test]
fn what_somebody_changed_between_get_and_apply_is_not_lost() {
    let (ann, bob) = (Operator::new("six", "ann"), Operator::new("six", "bob"));
    ann.first(&rule("shanghai"));
    ann.edit("shanghai", "wuhan");
    let before = ann.version();
    bob.edit("shanghai", "beijing");
    bob.good(&["apply", "shop.yaml"]);
    for file in ["shop.yaml", "-"] {
        let (code, said) = ann.does_with(&["apply", file], "shop.yaml");
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("of bob@") && said.contains(&format!("wanted version {before}")), "{said}");
        assert_eq!(ann.text(), rule("beijing"));
    }

    // A text that does not say what it was made from is not written over one that is there.
    ann.file("shop.yaml", &rule("wuhan"));
    for more in [&[][..], &["--expect-version", "none"], &["--expect-version", &before]] {
        let (code, said) = ann.does(&[&["apply", "shop.yaml"], more].concat());
        assert_eq!(code, Some(3), "{said}");
        assert!(
            said.contains("-   act: { island: beijing }\n+   act: { island: wuhan }\n"),
            "what it is about: {said}"
        );
    }
    let (_, said) = ann.does(&["apply", "shop.yaml"]);
    let there = format!("document shop is there already, version {}, and the text does not say", ann.version());
    assert!(said.contains(&there) && said.contains("or --overwrite"), "{said}");
    assert_eq!(ann.text(), rule("beijing"));
    ann.good(&["apply", "shop.yaml", "--overwrite"]);
    assert_eq!(ann.text(), rule("wuhan"));
    let (code, said) = ann.does(&["apply", "shop.yaml", "--expect-version", "7"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("wanted a version such as 0x10000002a, or none where there is no document yet"), "{said}");
    ann.file("stock.yaml", &rule("wuhan"));
    ann.good(&["apply", "stock.yaml", "--expect-version", "none"]);
}

/// Twelve at once, each over the same version: one is applied, and eleven are told.
#[test]
fn of_many_at_once_one_is_applied() {
    let ann = Operator::new("three", "ann");
    ann.first(&rule("shanghai"));
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

/// Gateways log in as somebody else than the tool, or as nobody: they read what it writes, and only its user changes it.
#[test]
fn what_a_tool_with_a_login_of_its_own_writes_is_read_by_every_gateway() {
    use std::os::unix::fs::PermissionsExt;
    let (ops, anybody) = (Operator::new("twelve", "ops"), Operator::new("twelve", "anybody"));
    let password = ops.file("password", "secret");
    fs::set_permissions(password, fs::Permissions::from_mode(0o600)).unwrap();
    let address = island().zookeeper.address();
    let login = format!(
        "[[registry]]\naddress = \"{address}\"\nconfig_root = \"twelve/config\"\nusername = \"ops\"\npassword_file = \"{}\"\n",
        ops.folder.path().join("password").display()
    );
    ops.file("egress-gw.toml", &login);
    ops.first(&rule("shanghai"));
    assert_eq!(anybody.text(), rule("shanghai"));
    anybody.edit("shanghai", "beijing");
    let (code, said) = anybody.does(&["apply", "shop.yaml"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("may not write"), "{said}");
    ops.file("closed.yaml", &rule("shanghai").replace("shop", "stock"));
    let said = ops.good(&["apply", "closed.yaml", "--acl", "creator"]);
    assert!(said.contains("only digest:ops may read it: a gateway that logs in as somebody else"), "{said}");
    assert_eq!(ops.json(&["apply", "closed.yaml"])["readers"], json!(["digest:ops"]));
    assert_eq!(ops.json(&["apply", "shop.yaml"])["readers"], json!("everybody"));
    assert_eq!(anybody.does(&["get", "closed"]).0, Some(1));
}

/// Anybody who may write the tree chooses what is in a history.
#[test]
fn names_of_others_do_not_play_with_the_terminal() {
    let ann = Operator::new("fourteen", "ann");
    ann.first(&rule("shanghai"));
    let entry = r#"{"at":"now\u009b2J","by":"eve\u001b[2J\u202e","action":"apply","text":"rules: []"}"#;
    let path = "/fourteen/config/highway-history/shop/0000000002";
    island()
        .zookeeper
        .command_line(&[format!("create {path} '{entry}'"), "set /fourteen/config/highway/shop 'rules: []'".to_owned()])
        .unwrap();
    ann.file("shop.yaml", &rule("beijing"));
    for arguments in [
        &["history", "shop"][..],
        &["history", "shop", "--json"],
        &["apply", "shop.yaml", "--expect-version", "none"],
        &["rollback", "shop", "--to", "2"],
    ] {
        let (_, said) = ann.does(arguments);
        assert!(said.contains("eve\\u"), "{arguments:?}: {said}");
        assert!(!said.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{arguments:?}: {said:?}");
    }
    assert_eq!(ann.does(&["get", "a/b"]).0, Some(2));
    assert_eq!(ann.does(&["rollback", "a b"]).0, Some(2));
}
