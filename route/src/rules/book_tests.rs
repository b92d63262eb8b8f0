//! Tests of the rulebook.

use std::time::Duration;

use super::*;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;
const TO_SHANGHAI: &str = "rules:\n  - name: there\n    act: { island: shanghai }\n";
const TO_BEIJING: &str = "rules:\n  - name: there\n    act: { island: beijing }\n";
const BROKEN: &str = "rules:\n  - name: there\n    act: { islnd: beijing }\n";

const NONE: &BTreeSet<String> = &BTreeSet::new();

fn center<'a>(texts: &[(&'a str, &'a str)]) -> Center<'a> {
    Center { registry: "zk", is_read: true, has_folder: true, unsound: NONE, texts: texts.to_vec() }
}

fn unread() -> Center<'static> {
    Center { is_read: false, ..without_folder() }
}

/// Of somebody who has none yet, or has lost it.
fn without_folder() -> Center<'static> {
    Center { has_folder: false, ..center(&[]) }
}

/// What somebody obeys who kept what this one did.
fn again(book: &Rulebook) -> Rulebook {
    let kept = serde_json::to_vec(&book.kept()).unwrap();
    Rulebook::again(serde_json::from_slice(&kept).unwrap(), NOW)
}

fn obeyed(book: &Rulebook, name: &str) -> Option<String> {
    book.taken.get(name).map(|taken| taken.text.clone())
}

#[test]
fn a_changed_document_is_obeyed_and_the_same_one_is_no_news() {
    let mut book = Rulebook::default();
    let first = [center(&[("shop", TO_SHANGHAI)])];
    assert_eq!(book.observe(&first, NOW), Observed::OtherDocuments);
    assert_eq!(book.rules().len(), 1);
    assert_eq!(book.observe(&first, NOW), Observed::Same);
    assert_eq!(book.observe(&[center(&[("shop", TO_BEIJING)])], NOW), Observed::OtherDocuments);
    assert_eq!(obeyed(&book, "shop").as_deref(), Some(TO_BEIJING));
    assert_eq!(book.observe(&[center(&[])], NOW), Observed::OtherDocuments);
    assert!(book.rules().is_empty() && book.shown().is_empty());
}

#[test]
fn a_broken_document_is_shown_with_its_place_and_the_last_good_one_stays() {
    let mut book = Rulebook::default();
    book.observe(&[center(&[("shop", TO_SHANGHAI)])], NOW);
    let broken = [center(&[("shop", BROKEN), ("new", BROKEN)])];
    assert_eq!(book.observe(&broken, NOW), Observed::Same);
    assert_eq!(obeyed(&book, "shop").as_deref(), Some(TO_SHANGHAI));
    let [new, shop] = &book.shown()[..] else { panic!("{:?}", book.shown()) };
    assert_eq!((new.rules, shop.rules), (None, Some(1)));
    let why = shop.refused.clone().unwrap();
    assert!(why.contains("line 3") && why.contains("islnd") && why.contains("last good text"), "{why}");
    assert!(new.refused.clone().unwrap().contains("none of it is obeyed"));
    book.observe(&[center(&[("shop", TO_SHANGHAI)])], NOW);
    assert_eq!(book.shown().iter().filter_map(|shown| shown.refused.as_ref()).count(), 0, "it was put back");
}

#[test]
fn a_registry_that_was_not_read_yet_takes_nothing_away() {
    let mut book = Rulebook::default();
    book.observe(&[center(&[("shop", TO_SHANGHAI)])], NOW);
    let other = || Center { registry: "other", ..center(&[]) };
    for centers in [
        vec![unread()],
        vec![unread(), other()],
        vec![other(), unread()],
        vec![without_folder()],
        vec![without_folder(), other()],
    ] {
        assert_eq!(book.observe(&centers, NOW), Observed::Same, "{centers:?}");
        assert_eq!(book.rules().len(), 1);
        assert!(book.shown()[0].refused.clone().unwrap().contains("stays"), "{:?}", book.shown());
    }
    assert_eq!(book.observe(&[other()], NOW), Observed::OtherDocuments, "its registry is configured no more");
}

/// A tree was lost, and a gateway is started again before anybody has written the documents anew.
#[test]
fn a_gateway_that_starts_where_the_tree_was_lost_obeys_what_it_obeyed() {
    let mut book = Rulebook::default();
    book.observe(&[center(&[("shop", TO_SHANGHAI)])], NOW);
    let mut again = again(&book);
    assert_eq!(again.observe(&[without_folder()], NOW), Observed::Same);
    assert_eq!(again.rules().len(), 1);
    assert!(again.shown()[0].refused.clone().unwrap().contains("has no folder of rule documents"));
    let shop = BTreeSet::from(["shop".to_owned()]);
    let unsound = Center { unsound: &shop, ..center(&[]) };
    assert_eq!(again.observe(&[unsound], NOW), Observed::Same, "too long, or closed to us");
    assert_eq!(again.observe(&[center(&[])], NOW), Observed::OtherDocuments, "somebody made the folder, without it");
}

#[test]
fn of_too_many_rules_the_document_that_goes_over_is_refused_and_a_restart_changes_nothing() {
    let many = |count: usize| {
        let rules: String =
            (0..count).map(|at| format!("  - name: r{at}\n    act: {{ island: shanghai }}\n")).collect();
        format!("rules:\n{rules}")
    };
    let (half, more) = (many(2500), many(2501));
    let full = [("a", half.as_str()), ("b", half.as_str()), ("c", half.as_str()), ("d", half.as_str())];
    let mut book = Rulebook::default();
    book.observe(&[center(&full)], NOW);
    assert_eq!(book.rules().len(), RULES_MAX);
    let over = [full[0], full[1], full[2], ("d", more.as_str()), ("e", TO_SHANGHAI)];
    assert_eq!(book.observe(&[center(&over)], NOW), Observed::Same);
    assert_eq!(book.rules().len(), RULES_MAX);
    let refused: Vec<String> = book.shown().into_iter().filter_map(|shown| shown.refused).collect();
    assert!(refused.len() == 2 && refused[0].contains("10001"), "{refused:?}");
    let again = again(&book);
    assert_eq!(again.rules().len(), RULES_MAX);
}

#[test]
fn of_one_name_in_two_registries_the_first_counts() {
    let mut book = Rulebook::default();
    let second = |text| Center { registry: "second", ..center(&[("shop", text)]) };
    let centers = [center(&[("shop", TO_SHANGHAI)]), second(TO_BEIJING)];
    assert_eq!(book.observe(&centers, NOW), Observed::OtherDocuments);
    assert_eq!(obeyed(&book, "shop").as_deref(), Some(TO_SHANGHAI));
    assert!(book.shown()[0].refused.clone().unwrap().contains("several registries"));
    assert_eq!(book.observe(&centers, NOW), Observed::Same);
    assert_eq!(book.observe(&[center(&[("shop", TO_BEIJING)]), second(TO_BEIJING)], NOW), Observed::OtherDocuments);
    assert_eq!(book.shown()[0].refused, None, "they agree");
}

#[test]
fn a_rule_begins_and_ends_without_another_text() {
    let mut book = Rulebook::default();
    let text = "rules:\n  - name: there\n    from: 1970-01-01T00:01:00Z\n    until: 1970-01-01T00:02:00Z\n    act: { island: shanghai }\n";
    let documents = [center(&[("shop", text)])];
    book.observe(&documents, NOW);
    assert!(book.rules().is_empty() && !book.is_due(NOW));
    for (second, count) in [(59, 0), (60, 1), (119, 1), (120, 0)] {
        book.observe(&documents, NOW + Duration::from_secs(second));
        assert_eq!(book.rules().len(), count, "{second} s");
    }
}

#[test]
fn a_gateway_that_starts_without_its_registry_obeys_what_it_obeyed() {
    let mut book = Rulebook::default();
    book.observe(&[center(&[("shop", TO_SHANGHAI)])], NOW);
    let mut again = again(&book);
    assert_eq!(again.rules().len(), 1);
    assert_eq!(again.observe(&[unread()], NOW), Observed::Same);
    assert_eq!(again.observe(&[center(&[("shop", TO_SHANGHAI)])], NOW), Observed::Same);
}

/// Not while a hub may still tell of it, and not as a reason to obey anything less.
#[test]
fn a_rule_for_an_island_that_nobody_knows_is_shown_and_obeyed() {
    let mut book = Rulebook::default();
    book.observe(&[center(&[("shop", TO_SHANGHAI), ("stock", TO_BEIJING)])], NOW);
    let offer = crate::Offer { island: "beijing".into(), health: crate::Health::Healthy };
    let key = wire::tunnel::catalogue::ServiceKey { interface: "a.B".to_owned(), ..Default::default() };
    let beside = |view| {
        let known = crate::Known { view, offers: vec![(key.clone().into(), offer.clone())], ..crate::Known::default() };
        book.shown_beside(&Snapshot::new(1, known))
    };
    let [shop, stock] = &beside(crate::View::Complete)[..] else { panic!("{:?}", book.shown()) };
    assert_eq!(shop.warnings, ["line 2: rule `shop/there` names island `shanghai`, which is not known here"]);
    assert_eq!((stock.warnings.len(), shop.refused.as_ref(), book.rules().len()), (0, None, 2));
    assert!(beside(crate::View::Partial).iter().all(|document| document.warnings.is_empty()));
    let many: String = (0..50).map(|at| format!("  - {{ name: r{at}, act: {{ island: mars }} }}\n")).collect();
    book.observe(&[center(&[("shop", &format!("rules:\n{many}"))])], NOW);
    let known = crate::Known { view: crate::View::Complete, ..crate::Known::default() };
    let shown = book.shown_beside(&Snapshot::new(1, known));
    assert_eq!((shown[0].warnings.len(), shown[0].warnings[20].as_str()), (21, "and 30 more"));
}
