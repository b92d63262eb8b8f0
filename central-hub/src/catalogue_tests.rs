//! What egresses are told of what ingresses said.

use super::*;

fn who(island: &str) -> Who {
    Who { island: island.to_owned(), gateway: "in-1".to_owned() }
}

fn key(interface: &str) -> ServiceKey {
    ServiceKey { interface: interface.to_owned(), ..ServiceKey::default() }
}

fn entry(interface: &str) -> Entry {
    Entry { key: key(interface), healthy: true, gateway: "in-1".to_owned(), ..Entry::default() }
}

fn update(start: u64, base: u64, revision: u64, added: &[&str], removed: &[&str], complete: bool) -> Update {
    let origin = Origin { island: "a lie".to_owned(), gateway: "another".to_owned(), start };
    let added = added.iter().map(|name| entry(name)).collect();
    Update { origin, revision, base, added, removed: removed.iter().map(|name| key(name)).collect(), complete }
}

fn policy() -> Policy {
    let raw = toml::from_str(
        "[[grant]]\nid = 'g'\nfrom = ['shanghai']\nto = ['beijing']\nservice = ['com.open.*']\n[[grant]]\nid = 'h'\nfrom = ['x']\nto = ['y']\nservice = ['*']",
    );
    let mut mistakes = Mistakes::nowhere();
    let policy = Policy::settle(raw.unwrap(), &mut mistakes).unwrap();
    assert!(mistakes.is_empty());
    policy
}

use chassis::Mistakes;

fn names(updates: &[Update]) -> (Vec<String>, Vec<String>) {
    let added = updates.iter().flat_map(|update| &update.added).map(|entry| entry.key.to_string()).collect();
    (added, updates.iter().flat_map(|update| &update.removed).map(ServiceKey::to_string).collect())
}

const LIMIT: usize = 100_000;

/// A catalogue whose gateways have one link each, and what an egress is told of it.
struct Fixture(Catalogue);

fn catalogue() -> Fixture {
    Fixture(Catalogue::new(Duration::from_secs(30), LIMIT, Instant::now()))
}

impl std::ops::Deref for Fixture {
    type Target = Catalogue;
    fn deref(&self) -> &Catalogue {
        &self.0
    }
}

impl std::ops::DerefMut for Fixture {
    fn deref_mut(&mut self) -> &mut Catalogue {
        &mut self.0
    }
}

impl Fixture {
    fn apply(&mut self, who: &Who, update: Update) -> Applied {
        self.0.apply(who, 1, update)
    }

    fn updates(&self, viewer: &str, policy: &Policy, shown: &mut Shown) -> Vec<Update> {
        let mut updates = Vec::new();
        self.0.updates(viewer, policy, shown, |update| updates.push(update));
        updates
    }
}

#[test]
fn an_egress_is_told_only_what_grants_let_it_call_and_never_twice() {
    let (mut catalogue, policy, mut shown) = (catalogue(), policy(), Shown::default());
    assert_eq!(
        catalogue.apply(&who("beijing"), update(1, 0, 1, &["com.open.A", "com.closed.B"], &[], true)),
        Applied::Changed
    );
    let updates = catalogue.updates("shanghai", &policy, &mut shown);
    assert_eq!(names(&updates), (vec!["com.open.A".to_owned()], vec![]));
    assert_eq!(updates[0].origin, Origin { island: "beijing".into(), gateway: "in-1".into(), start: 1 });
    assert_eq!(catalogue.updates("shanghai", &policy, &mut shown), []);
    assert_eq!(catalogue.updates("elsewhere", &policy, &mut Shown::default()), []);
    assert_eq!(catalogue.updates("beijing", &policy, &mut Shown::default()), []);
}

#[test]
fn a_change_is_told_as_a_difference_and_a_grant_taken_away_as_a_removal() {
    let (mut catalogue, mut shown) = (catalogue(), Shown::default());
    catalogue.apply(&who("beijing"), update(1, 0, 1, &["com.open.A"], &[], true));
    catalogue.updates("shanghai", &policy(), &mut shown);
    catalogue.apply(&who("beijing"), update(1, 1, 2, &["com.open.B"], &["com.open.A"], true));
    let updates = catalogue.updates("shanghai", &policy(), &mut shown);
    assert_eq!(names(&updates), (vec!["com.open.B".to_owned()], vec!["com.open.A".to_owned()]));
    assert_eq!((updates[0].base, updates[0].revision), (1, 2));
    let updates = catalogue.updates("shanghai", &Policy::default(), &mut shown);
    assert_eq!(names(&updates), (vec![], vec!["com.open.B".to_owned()]));
}

#[test]
fn a_snapshot_counts_when_its_last_part_is_there() {
    let mut catalogue = catalogue();
    assert_eq!(catalogue.apply(&who("beijing"), update(1, 0, 4, &["com.open.A"], &[], false)), Applied::Known);
    assert_eq!(catalogue.entries(&who("beijing")).count(), 0);
    assert_eq!(catalogue.apply(&who("beijing"), update(1, 0, 4, &["com.open.B"], &[], true)), Applied::Changed);
    assert_eq!(catalogue.entries(&who("beijing")).count(), 2);
    // The same parts over a second link of the same gateway.
    assert_eq!(catalogue.apply(&who("beijing"), update(1, 0, 4, &["com.open.A"], &[], false)), Applied::Known);
}

#[test]
fn a_missed_difference_is_noticed_and_an_earlier_process_is_not_believed() {
    let mut catalogue = catalogue();
    catalogue.apply(&who("beijing"), update(5, 0, 1, &["com.open.A"], &[], true));
    assert_eq!(catalogue.apply(&who("beijing"), update(5, 2, 3, &[], &["com.open.A"], true)), Applied::Gap);
    assert_eq!(catalogue.apply(&who("beijing"), update(4, 0, 9, &[], &[], true)), Applied::Known);
    assert_eq!(catalogue.entries(&who("beijing")).count(), 1);
    assert_eq!(catalogue.0.apply(&who("beijing"), 2, update(6, 0, 1, &[], &[], true)), Applied::Changed);
    assert_eq!(catalogue.entries(&who("beijing")).count(), 0);
    // A link of the old process that still says something.
    assert_eq!(catalogue.apply(&who("beijing"), update(5, 0, 2, &["com.open.A"], &[], true)), Applied::Known);
}

#[test]
fn a_gateway_whose_clock_was_set_back_is_believed_all_the_same() {
    let (mut catalogue, policy, mut shown) = (catalogue(), policy(), Shown::default());
    catalogue.0.apply(&who("beijing"), 1, update(1000, 0, 7, &["com.open.Old"], &[], true));
    catalogue.updates("shanghai", &policy, &mut shown);
    assert_eq!(catalogue.0.apply(&who("beijing"), 2, update(5, 0, 1, &["com.open.New"], &[], true)), Applied::Changed);
    let updates = catalogue.updates("shanghai", &policy, &mut shown);
    assert_eq!((names(&updates).0, updates[0].base), (vec!["com.open.New".to_owned()], 0));
    assert_eq!(updates[0].origin.start, 5, "an egress goes by the order of its link");
}

#[test]
fn a_gateway_keeps_so_many_bytes_and_the_rest_is_left_out() {
    let mut catalogue = catalogue();
    let long = "x".repeat(10_000);
    let all: Vec<String> = (0..50).map(|number| format!("com.open.{number}{long}")).collect();
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    catalogue.apply(&who("beijing"), update(1, 0, 1, &names, &[], true));
    assert_eq!(catalogue.entries(&who("beijing")).count(), 9);
    // What goes makes room, and what is there already takes no more.
    let there: Vec<String> = catalogue.entries(&who("beijing")).map(|entry| entry.key.to_string()).collect();
    catalogue.apply(&who("beijing"), update(1, 1, 2, &[&there[1]], &[&there[0]], true));
    assert_eq!(catalogue.entries(&who("beijing")).count(), 8);
    catalogue.apply(&who("beijing"), update(1, 2, 3, &["com.open.Small"], &[], true));
    assert_eq!(catalogue.entries(&who("beijing")).count(), 9);
}

#[test]
fn many_small_services_are_bounded_too_and_told_in_small_parts() {
    let (mut catalogue, policy, mut shown) =
        (Fixture(Catalogue::new(Duration::ZERO, 1 << 20, Instant::now())), policy(), Shown::default());
    let all: Vec<String> = (0..100_000).map(|number| format!("com.open.{number}")).collect();
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    catalogue.apply(&who("beijing"), update(1, 0, 1, &names, &[], true));
    let kept = catalogue.entries(&who("beijing")).count();
    assert!((1500..5000).contains(&kept), "{kept} services in a megabyte");
    let updates = catalogue.updates("shanghai", &policy, &mut shown);
    assert_eq!(updates.iter().map(|update| update.added.len()).sum::<usize>(), kept);
    let (last, others) = updates.split_last().unwrap();
    assert!(last.complete && others.iter().all(|part| !part.complete && part.added.len() == TOLD_AT_ONCE));
}

/// A process that drained linked once more, and what its successor told from then on was taken for old.
#[test]
fn the_successor_of_a_process_that_linked_once_more_tells_all_of_it_when_that_one_has_gone() {
    let (mut catalogue, now, who) = (catalogue(), Instant::now(), who("beijing"));
    let names = |catalogue: &Catalogue| catalogue.entries(&who).map(|entry| entry.key.to_string()).collect::<Vec<_>>();
    for (link, start, name) in [(1, 70, "com.open.Old"), (2, 80, "com.open.New")] {
        catalogue.link_up(who.clone(), link);
        assert_eq!(catalogue.0.apply(&who, link, update(start, 0, 1, &[name], &[], true)), Applied::Changed);
    }
    assert_eq!(catalogue.link_down(&who, 1, now), None, "the later process is believed");
    catalogue.link_up(who.clone(), 3);
    catalogue.link_up(who.clone(), 4);
    assert_eq!(catalogue.0.apply(&who, 4, update(80, 0, 1, &["com.open.New"], &[], true)), Applied::Known);
    catalogue.link_up(who.clone(), 5);
    for link in [3, 5] {
        catalogue.0.apply(&who, link, update(70, 0, 1, &["com.open.Old"], &[], true));
    }
    assert_eq!(names(&catalogue), ["com.open.Old"]);
    catalogue.link_up(who.clone(), 6);
    assert_eq!(catalogue.link_down(&who, 3, now), None, "one of its links is still there");
    assert_eq!(catalogue.link_down(&who, 5, now), Some(4), "one that has told something of the other");
    assert_eq!(catalogue.link_down(&who, 4, now), None);
    catalogue.link_up(who.clone(), 7);
    catalogue.0.apply(&who, 7, update(80, 0, 2, &["com.open.New"], &[], true));
    // Over a link that it had all the while.
    assert_eq!(catalogue.0.apply(&who, 2, update(80, 2, 3, &["com.open.More"], &[], true)), Applied::Changed);
    assert_eq!(names(&catalogue).len(), 2);
}

#[test]
fn services_outlive_their_links_for_the_hold_down_and_are_then_removed_in_words() {
    let (mut catalogue, policy, mut shown) = (catalogue(), policy(), Shown::default());
    let start = Instant::now();
    catalogue.link_up(who("beijing"), 1);
    catalogue.link_up(who("beijing"), 2);
    catalogue.apply(&who("beijing"), update(1, 0, 1, &["com.open.A"], &[], true));
    catalogue.updates("shanghai", &policy, &mut shown);
    catalogue.link_down(&who("beijing"), 2, start);
    assert!(!catalogue.forget_gone(start + Duration::from_secs(100)), "one link is still there");
    catalogue.link_down(&who("beijing"), 1, start);
    assert!(!catalogue.forget_gone(start + Duration::from_secs(29)));
    assert_eq!(catalogue.updates("shanghai", &policy, &mut shown), []);
    assert!(catalogue.forget_gone(start + Duration::from_secs(30)));
    let updates = catalogue.updates("shanghai", &policy, &mut shown);
    assert_eq!(names(&updates), (vec![], vec!["com.open.A".to_owned()]));
}

#[test]
fn a_gateway_that_comes_back_within_the_hold_down_changes_nothing() {
    let (mut catalogue, start) = (catalogue(), Instant::now());
    catalogue.link_up(who("beijing"), 1);
    catalogue.apply(&who("beijing"), update(1, 0, 1, &["com.open.A"], &[], true));
    catalogue.link_down(&who("beijing"), 1, start);
    catalogue.link_up(who("beijing"), 2);
    assert!(!catalogue.forget_gone(start + Duration::from_secs(1000)));
    assert_eq!(catalogue.entries(&who("beijing")).count(), 1);
}

#[test]
fn parts_of_a_snapshot_that_never_ended_do_not_show_in_the_next_one() {
    let mut catalogue = catalogue();
    catalogue.apply(&who("beijing"), update(1, 0, 5, &["com.open.Gone"], &[], false));
    catalogue.apply(&who("beijing"), update(1, 0, 6, &["com.open.A"], &[], true));
    let names: Vec<String> = catalogue.entries(&who("beijing")).map(|entry| entry.key.to_string()).collect();
    assert_eq!(names, ["com.open.A"]);
}

#[test]
fn what_nobody_offers_is_absent_once_everybody_has_spoken_or_had_the_time_to() {
    let key = tunnel::key::PrivateKey::generate().unwrap().public().unwrap();
    let text = format!(
        "[[island]]\nid = 'beijing'\n[[island.gateway]]\nid = 'in-1'\nrole = 'ingress'\nkey = '{key}'\n\
         [[island]]\nid = 'shanghai'\n"
    );
    let policy = Policy::settle(toml::from_str(&text).unwrap(), &mut Mistakes::nowhere()).unwrap();
    let began = Instant::now();
    let mut catalogue = Fixture(Catalogue::new(Duration::from_secs(30), LIMIT, began));
    catalogue.link_up(who("beijing"), 1);
    assert!(!catalogue.is_whole(&policy, began), "it is there and has said nothing");
    assert!(catalogue.is_whole(&policy, began + Duration::from_secs(30)), "it had the hold-down");
    catalogue.apply(&who("beijing"), update(1, 0, 1, &["com.open.A"], &[], false));
    assert!(!catalogue.is_whole(&policy, began), "it has said a part");
    catalogue.apply(&who("beijing"), update(1, 0, 1, &[], &[], true));
    assert!(catalogue.is_whole(&policy, began));
}
