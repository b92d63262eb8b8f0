//! What the hubs tell, in the order in which it goes wrong.

use super::*;

const HOLD: Duration = Duration::from_secs(30);

fn update(island: &str, start: u64, revision: u64, base: u64, added: &[&str], removed: &[&str]) -> Update {
    let key = |name: &&str| ServiceKey { interface: (*name).to_owned(), ..ServiceKey::default() };
    Update {
        origin: Origin { island: island.to_owned(), gateway: "in-1".to_owned(), start },
        revision,
        base,
        added: added.iter().map(|name| Entry { key: key(name), healthy: true, ..Entry::default() }).collect(),
        removed: removed.iter().map(key).collect(),
        complete: true,
    }
}

fn shown(catalogue: &Catalogue) -> Vec<String> {
    let mut shown: Vec<String> =
        catalogue.offered().map(|offered| format!("{} {}", offered.island, offered.entry.key)).collect();
    shown.sort();
    shown.dedup();
    shown
}

fn one_link() -> (Catalogue, Instant) {
    let now = Instant::now();
    let mut catalogue = Catalogue::new(HOLD);
    catalogue.up(1, "hub-1", now);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 1, 0, &["a.A", "a.B"], &[])), Applied::Changed);
    (catalogue, now)
}

#[test]
fn a_snapshot_and_its_differences_make_the_offers() {
    let (mut catalogue, _) = one_link();
    assert_eq!(catalogue.update(1, update("shanghai", 5, 2, 1, &["a.C"], &["a.A"])), Applied::Changed);
    assert_eq!(shown(&catalogue), ["shanghai a.B", "shanghai a.C"]);
    assert_eq!(catalogue.hubs()["shanghai"], BTreeSet::from(["hub-1".to_owned()]));
}

#[test]
fn parts_count_only_when_the_last_has_come() {
    let (mut catalogue, _) = one_link();
    let part = Update { complete: false, ..update("shanghai", 5, 2, 0, &["a.X"], &[]) };
    assert_eq!(catalogue.update(1, part), Applied::Unchanged);
    assert_eq!(shown(&catalogue), ["shanghai a.A", "shanghai a.B"]);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 2, 0, &["a.Y"], &[])), Applied::Changed);
    assert_eq!(shown(&catalogue), ["shanghai a.X", "shanghai a.Y"]);
}

#[test]
fn a_difference_from_a_revision_that_was_never_told_is_a_gap() {
    let (mut catalogue, _) = one_link();
    assert_eq!(catalogue.update(1, update("shanghai", 5, 9, 8, &["a.C"], &[])), Applied::Gap);
    assert_eq!(shown(&catalogue), ["shanghai a.A", "shanghai a.B"]);
}

#[test]
fn a_restarted_gateway_replaces_what_its_earlier_start_had_told() {
    let (mut catalogue, _) = one_link();
    assert_eq!(catalogue.update(1, update("shanghai", 6, 1, 0, &["a.New"], &[])), Applied::Changed);
    assert_eq!(shown(&catalogue), ["shanghai a.New"]);
    assert_eq!(catalogue.update(1, update("shanghai", 6, 2, 1, &["a.Newer"], &[])), Applied::Changed);
    assert_eq!(shown(&catalogue), ["shanghai a.New", "shanghai a.Newer"]);
}

/// The clock of an ingress's machine was set back, and the gateway came back after its services had been removed: until the
/// link to the hub ended, all that it offered was taken for old.
#[test]
fn a_gateway_that_comes_back_with_an_earlier_start_is_believed() {
    let (mut catalogue, _) = one_link();
    assert_eq!(catalogue.update(1, update("shanghai", 5, 2, 1, &[], &["a.A", "a.B"])), Applied::Changed);
    assert_eq!(catalogue.update(1, update("shanghai", 3, 1, 0, &["a.New"], &[])), Applied::Changed);
    assert_eq!(catalogue.update(1, update("shanghai", 3, 2, 1, &["a.Newer"], &[])), Applied::Changed);
    assert_eq!(shown(&catalogue), ["shanghai a.New", "shanghai a.Newer"]);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 3, 2, &["a.C"], &[])), Applied::Gap, "of another start");
}

#[test]
fn what_a_lost_link_had_told_stays_for_the_hold_down() {
    let (mut catalogue, now) = one_link();
    catalogue.down(1, now);
    assert_eq!(catalogue.expire(now + HOLD - Duration::from_millis(1)), Applied::Unchanged);
    assert_eq!(shown(&catalogue), ["shanghai a.A", "shanghai a.B"]);
    assert_eq!(catalogue.expire(now + HOLD), Applied::Changed);
    assert!(shown(&catalogue).is_empty());
}

#[test]
fn a_hub_that_comes_back_gets_the_hold_down_to_tell_again() {
    let (mut catalogue, now) = one_link();
    catalogue.down(1, now);
    let back = now + HOLD - Duration::from_secs(1);
    catalogue.up(2, "hub-1", back);
    catalogue.expire(now + HOLD + Duration::from_secs(5));
    assert_eq!(shown(&catalogue), ["shanghai a.A", "shanghai a.B"]);
    catalogue.update(2, update("shanghai", 5, 4, 0, &["a.B"], &[]));
    assert_eq!(shown(&catalogue), ["shanghai a.B"]);
}

#[test]
fn what_a_hub_that_is_back_does_not_tell_again_goes_after_the_hold_down() {
    let (mut catalogue, now) = one_link();
    catalogue.update(1, update("beijing", 1, 1, 0, &["b.B"], &[]));
    catalogue.down(1, now);
    catalogue.up(2, "hub-1", now);
    catalogue.update(2, update("shanghai", 5, 4, 0, &["a.A"], &[]));
    assert_eq!(shown(&catalogue), ["beijing b.B", "shanghai a.A"]);
    catalogue.expire(now + HOLD);
    assert_eq!(shown(&catalogue), ["shanghai a.A"]);
}

#[test]
fn the_union_over_hubs_counts() {
    let (mut catalogue, now) = one_link();
    catalogue.up(2, "hub-2", now);
    catalogue.update(2, update("shanghai", 5, 1, 0, &["a.B", "a.C"], &[]));
    assert_eq!(shown(&catalogue), ["shanghai a.A", "shanghai a.B", "shanghai a.C"]);
    assert_eq!(catalogue.hubs()["shanghai"].len(), 2);
    catalogue.update(1, update("shanghai", 5, 2, 1, &[], &["a.A", "a.B"]));
    assert_eq!(shown(&catalogue), ["shanghai a.B", "shanghai a.C"]);
}

#[test]
fn absence_proves_nothing_before_a_hub_has_said_that_this_is_everything() {
    let (mut catalogue, now) = one_link();
    assert!(!catalogue.is_complete());
    catalogue.told(1);
    assert!(catalogue.is_complete());
    catalogue.down(1, now);
    assert!(!catalogue.is_complete());
    catalogue.up(2, "hub-1", now);
    assert!(!catalogue.is_complete(), "each link tells anew");
}

#[test]
fn an_update_of_a_link_that_is_over_is_ignored() {
    let (mut catalogue, now) = one_link();
    catalogue.down(1, now);
    assert_eq!(catalogue.update(1, update("shanghai", 9, 1, 0, &["a.Z"], &[])), Applied::Unchanged);
    assert_eq!(shown(&catalogue), ["shanghai a.A", "shanghai a.B"]);
}

fn with_room_for(entries: usize) -> (Catalogue, Instant) {
    let (mut catalogue, now) = one_link();
    catalogue.entries_max = entries;
    (catalogue, now)
}

#[test]
fn a_part_that_is_too_much_takes_the_parts_before_it_along_and_no_later_one_counts() {
    let (mut catalogue, now) = with_room_for(4);
    let part = |names: &[&str]| Update { complete: false, ..update("shanghai", 5, 2, 0, names, &[]) };
    assert_eq!(catalogue.update(1, part(&["a.X", "a.Y", "a.Z"])), Applied::Unchanged);
    assert_eq!(catalogue.update(1, part(&["a.U"])), Applied::TooMuch);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 2, 0, &["a.V"], &[])), Applied::Unchanged);
    assert_eq!(shown(&catalogue), ["shanghai a.A", "shanghai a.B"]);
    catalogue.told(1);
    assert!(!catalogue.is_complete(), "it has to begin anew before its silence proves anything");
    catalogue.down(1, now);
    catalogue.up(2, "hub-1", now);
    assert_eq!(catalogue.update(2, update("shanghai", 5, 2, 0, &["a.V"], &[])), Applied::Changed);
    assert_eq!(shown(&catalogue), ["shanghai a.V"]);
}

#[test]
fn a_snapshot_that_replaces_another_counts_once_and_each_link_for_itself() {
    let (mut catalogue, now) = with_room_for(3);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 2, 0, &["a.C", "a.D"], &[])), Applied::Changed);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 3, 2, &["a.E"], &["a.C"])), Applied::Changed);
    catalogue.up(2, "hub-2", now);
    assert_eq!(catalogue.update(2, update("shanghai", 5, 3, 0, &["a.D", "a.E"], &[])), Applied::Changed);
    assert_eq!(catalogue.update(2, update("beijing", 1, 1, 0, &[], &[])), Applied::TooMuch);
    assert_eq!(shown(&catalogue), ["shanghai a.D", "shanghai a.E"]);
}

#[test]
fn half_told_snapshots_of_many_gateways_are_bounded_together() {
    let (mut catalogue, _) = with_room_for(8);
    let part = |island| Update { complete: false, ..update(island, 1, 1, 0, &["b.A", "b.B"], &[]) };
    assert_eq!(catalogue.update(1, part("beijing")), Applied::Unchanged);
    assert_eq!(catalogue.update(1, part("chengdu")), Applied::TooMuch);
}

#[test]
fn after_a_gap_a_link_is_not_heard_until_it_begins_anew() {
    let (mut catalogue, _) = one_link();
    catalogue.told(1);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 9, 8, &["a.C"], &[])), Applied::Gap);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 2, 1, &[], &["a.A"])), Applied::Unchanged);
    assert!(!catalogue.is_complete());
}

#[test]
fn the_same_told_again_changes_nothing() {
    let (mut catalogue, _) = one_link();
    assert_eq!(catalogue.update(1, update("shanghai", 5, 2, 0, &["a.A", "a.B"], &[])), Applied::Unchanged);
    assert_eq!(catalogue.update(1, update("shanghai", 5, 3, 2, &["a.C"], &[])), Applied::Changed);
}

/// Sixteen shards have sixteen links, and each of them is told of every service.
#[test]
fn what_several_links_tell_alike_is_kept_once() {
    let (mut catalogue, now) = one_link();
    catalogue.up(2, "hub-1", now);
    catalogue.up(3, "hub-2", now);
    for link in [2, 3] {
        catalogue.update(link, update("shanghai", 5, 1, 0, &["a.A", "a.B"], &[]));
    }
    let kept = |catalogue: &Catalogue| -> BTreeSet<*const Entry> {
        catalogue.offered().map(|offered| Arc::as_ptr(offered.entry)).collect()
    };
    assert_eq!((catalogue.offered().count(), kept(&catalogue).len()), (6, 2));
    let sick = |link| {
        let mut update = update("shanghai", 5, 2, 1, &["a.A"], &[]);
        update.added[0].healthy = link == 1;
        update
    };
    for link in [1, 2, 3] {
        catalogue.update(link, sick(link));
    }
    assert_eq!(kept(&catalogue).len(), 3, "an entry that says something else is another");
}
