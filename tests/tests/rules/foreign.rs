//! What others wrote with clients of their own: documents that are no text, and documents that may not be read.

use super::operator::{Operator, by_hand, island, rule};

/// In GBK, as an editor that knows no UTF-8 writes it.
const GBK: &[u8] = b"# \xc9\xcc\xb5\xea\napplication: shop\nrules: []\n";

/// What is written over it is written blindly, and nobody could bring it back.
#[test]
fn what_is_no_text_in_utf_8_is_not_shown_as_one_and_overwritten_only_where_that_is_meant() {
    let ann = Operator::new("seventeen", "ann");
    let path = "/seventeen/config/highway/shop";
    ann.first(&rule("shanghai"));
    by_hand(path, GBK);
    let version = ann.json(&["get"])[0]["version"].as_str().unwrap().to_owned();
    ann.file("shop.yaml", &format!("# highway: version {version} of shop\n{}", rule("beijing")));
    for arguments in [&["get", "shop"][..], &["get", "shop", "--json"], &["diff", "shop.yaml"]] {
        let (code, said) = ann.does(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.starts_with("highway: document shop is no text in UTF-8 from byte 2 on"), "{arguments:?}: {said}");
    }
    let (code, said) = ann.does(&["apply", "shop.yaml"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("is no text in UTF-8 from byte 2 on") && said.contains("--overwrite"), "{said}");
    assert_eq!(ann.json(&["get"])[0]["version"], version, "nothing was written");

    let unkept = "what was there is in no history";
    let said = ann.good(&["apply", "shop.yaml", "--overwrite"]);
    assert!(said.contains(unkept) && said.contains("shop: applied, version"), "{said}");
    assert_eq!(ann.text(), rule("beijing"));
    by_hand(path, GBK);
    let said = ann.good(&["rollback", "shop"]);
    assert!(said.contains(unkept) && said.contains("shop: rolled back, as it was after change 2"), "{said}");
    by_hand(path, GBK);
    let said = ann.good(&["remove", "shop"]);
    assert!(said.contains(unkept) && !said.contains("brings it back"), "{said}");
    // Longer than a document may be, it is shown and just as little kept.
    by_hand(path, &[b'#'; 300_000]);
    assert!(ann.good(&["get", "shop"]).len() > 300_000);
    let said = ann.good(&["apply", "shop.yaml", "--overwrite"]);
    assert!(said.contains(&format!("shop has 300000 bytes, wanted at most 262144: {unkept}")), "{said}");
}

/// A team with documents of its own, or anybody who may make some, holds up nobody's switch.
#[test]
fn documents_that_cannot_be_read_stop_no_change_of_another_one() {
    let ann = Operator::new("eighteen", "ann");
    ann.first(&rule("shanghai"));
    let closed = "create /eighteen/config/highway/closed x world:anyone:cdwa".to_owned();
    island().zookeeper.command_line(&[closed]).unwrap();
    by_hand("/eighteen/config/highway/gbk", GBK);
    assert_eq!(ann.does(&["get", "closed"]).0, Some(1), "it may not be read");
    assert!(ann.good(&["get"]).contains("closed  may not be read\n"));
    ann.file("shop.yaml", &rule("beijing"));
    for arguments in [&["apply", "shop.yaml", "--overwrite"][..], &["rollback", "shop"]] {
        let said = ann.good(arguments);
        for wanted in [
            "highway: warning: may not read /eighteen/config/highway/closed: ",
            "highway: warning: document gbk is no text in UTF-8 from byte 2 on: ",
        ] {
            assert!(said.contains(wanted), "{arguments:?}: {said}");
        }
    }
    assert_eq!(ann.text(), rule("shanghai"));
    // Its own text it has to see.
    let (code, said) = ann.does(&["rollback", "closed"]);
    assert_eq!(code, Some(1), "{said}");
}
