//! What islands with a port of their own were last seen to offer, for their tagged nodes: who asks for such an island is answered by it or
//! told that it does not answer, but by nobody else.
//!
//! ```text
//!  offered ──────────────────▶ stands
//!  the island is gone          what it offered last stands on: nothing is known of it
//!  the island offers others ─▶ taken back: stands for another day, so that a provider that restarts, or stops one service after the
//!                              other, does not send calls for this island to somebody else
//!
//!  state directory: bound-islands.json   {"shanghai":[{"entry":{…}},{"entry":{…},"taken_back":1795249688}]}
//! ```
//!
//! Never remembers what is not imported.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use route::Imports;
use serde::{Deserialize, Serialize};
use wire::tunnel::catalogue::{Entry, ServiceKey};

use crate::catalogue::Offered;
use crate::config::Port;

/// A service stands so long after a living island has taken it back, as it counts as local for a day after its last local provider.
const TAKEN_BACK_FOR: Duration = Duration::from_secs(24 * 3600);
/// Entries that one island may have taken back; of more, those that it took back first are forgotten.
const TAKEN_BACK_MAX: usize = 1000;

/// Services of islands that have a port of their own, as they were last offered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered(BTreeMap<String, Vec<Kept>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    entry: Entry,
    /// Seconds since 1970; nothing while it is offered, or its island gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_back: Option<u64>,
}

impl Remembered {
    /// Takes over what islands with a port of their own offer now, of what is imported; one that offers nothing is gone. Says whether anything is different now.
    pub fn observe(&mut self, ports: &[Port], imports: &Imports, offered: &[Offered<'_>], today: SystemTime) -> bool {
        let mut changed = false;
        let bound: BTreeSet<&str> = ports.iter().filter_map(|port| port.island.as_deref()).collect();
        let unbound = self.0.len();
        self.0.retain(|island, _| bound.contains(island.as_str()));
        changed |= self.0.len() != unbound;
        for island in bound {
            let of_it = offered.iter().filter(|offer| &**offer.island == island).map(|offer| &**offer.entry);
            let of_it: Vec<&Entry> = of_it.collect();
            let is_imported = |entry: &Entry| imports.import(island, &entry.key);
            let before = self.0.get(island).map_or(&[][..], Vec::as_slice);
            let now = kept(before, &of_it, is_imported, today);
            if before != now {
                self.0.insert(island.to_owned(), now);
                changed = true;
            }
        }
        changed
    }

    /// What the tagged nodes of an island are made from.
    pub fn of(&self, island: &str) -> impl Iterator<Item = &Entry> {
        self.0.get(island).into_iter().flatten().map(|kept| &kept.entry)
    }

    /// Every service of them, some more than once.
    pub fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.0.values().flatten().map(|kept| &kept.entry.key)
    }

    /// When [`Self::observe`] has next something to forget.
    pub fn next_change(&self) -> Option<SystemTime> {
        let first = self.0.values().flatten().filter_map(|kept| kept.taken_back).min()?;
        UNIX_EPOCH.checked_add(Duration::from_secs(first) + TAKEN_BACK_FOR)
    }
}

/// What is remembered of an island, in an order that is always the same.
fn kept(before: &[Kept], offered: &[&Entry], is_imported: impl Fn(&Entry) -> bool, today: SystemTime) -> Vec<Kept> {
    let today = today.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let is_gone = offered.is_empty();
    let mut offered: Vec<&Entry> = offered.iter().copied().filter(|entry| is_imported(entry)).collect();
    offered.sort_by(|a, b| (&a.key, &a.gateway).cmp(&(&b.key, &b.gateway)));
    offered.dedup();
    let is_offered: BTreeSet<&ServiceKey> = offered.iter().map(|entry| &entry.key).collect();
    let (mut stands, mut taken_back): (Vec<Kept>, Vec<Kept>) = before
        .iter()
        .filter(|kept| !is_offered.contains(&kept.entry.key) && (is_gone || is_imported(&kept.entry)))
        .map(|kept| {
            // A clock that was wrong for a while makes no memory of the future.
            let since = kept.taken_back.map(|at| at.min(today));
            Kept { entry: kept.entry.clone(), taken_back: if is_gone { since } else { since.or(Some(today)) } }
        })
        .filter(|kept| kept.taken_back.is_none_or(|since| today - since < TAKEN_BACK_FOR.as_secs()))
        .partition(|kept| kept.taken_back.is_none());
    taken_back.sort_by(|a, b| (b.taken_back, &a.entry.key).cmp(&(a.taken_back, &b.entry.key)));
    taken_back.truncate(TAKEN_BACK_MAX);
    stands.extend(offered.into_iter().map(|entry| Kept { entry: entry.clone(), taken_back: None }));
    stands.append(&mut taken_back);
    stands
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use route::{BesideLocal, ImportRule, Verdict};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn entry(interface: &str) -> Entry {
        let key = ServiceKey { interface: interface.to_owned(), ..ServiceKey::default() };
        Entry { key, healthy: true, ..Entry::default() }
    }

    fn imports(service: &str) -> Imports {
        Imports::new(vec![ImportRule {
            island: "*".parse().unwrap(),
            service: service.parse().unwrap(),
            verdict: Verdict::Import,
            beside_local: BesideLocal::Never,
            idempotent: Vec::new(),
            plain: false,
        }])
    }

    struct World {
        remembered: Remembered,
        today: SystemTime,
    }

    impl World {
        fn new() -> Self {
            Self { remembered: Remembered::default(), today: UNIX_EPOCH + 100 * TAKEN_BACK_FOR }
        }

        fn sees(&mut self, offered: &[&str]) -> bool {
            self.sees_imported(offered, "com.acme.*")
        }

        fn sees_imported(&mut self, offered: &[&str], wanted: &str) -> bool {
            let ports = [Port { number: 20991, island: Some("shanghai".into()) }];
            let island: Arc<str> = "shanghai".into();
            let offered: Vec<Arc<Entry>> = offered.iter().map(|name| Arc::new(entry(name))).collect();
            let offered: Vec<Offered<'_>> = offered.iter().map(|entry| Offered { island: &island, entry }).collect();
            self.remembered.observe(&ports, &imports(wanted), &offered, self.today)
        }

        fn stands(&self) -> Vec<&str> {
            self.remembered.of("shanghai").map(|entry| entry.key.interface.as_str()).collect()
        }
    }

    #[test]
    fn what_a_living_island_takes_back_stands_for_another_day() {
        let mut world = World::new();
        assert!(world.sees(&["com.acme.Greeter", "com.acme.Ledger"]));
        assert_eq!(world.remembered.next_change(), None);
        assert!(world.sees(&["com.acme.Ledger"]));
        assert_eq!(world.stands(), ["com.acme.Ledger", "com.acme.Greeter"]);
        assert_eq!(world.remembered.next_change(), Some(world.today + TAKEN_BACK_FOR));
        world.today += TAKEN_BACK_FOR - HOUR;
        assert!(!world.sees(&["com.acme.Ledger"]));
        world.today += HOUR;
        assert!(world.sees(&["com.acme.Ledger"]));
        assert_eq!(world.stands(), ["com.acme.Ledger"]);
        assert_eq!(world.remembered.next_change(), None);
    }

    #[test]
    fn one_that_stops_service_by_service_and_one_that_stops_at_once_leave_the_same() {
        let (mut one, mut other) = (World::new(), World::new());
        for world in [&mut one, &mut other] {
            world.sees(&["com.acme.Greeter", "com.acme.Ledger"]);
        }
        one.sees(&["com.acme.Ledger"]);
        one.sees(&[]);
        other.sees(&[]);
        assert_eq!(BTreeSet::from_iter(one.stands()), BTreeSet::from_iter(other.stands()));
    }

    #[test]
    fn what_is_offered_again_is_not_taken_back_any_more_and_begins_another_day_when_it_goes() {
        let mut world = World::new();
        world.sees(&["com.acme.Greeter", "com.acme.Ledger"]);
        world.sees(&["com.acme.Ledger"]);
        world.today += 20 * HOUR;
        world.sees(&["com.acme.Greeter", "com.acme.Ledger"]);
        assert_eq!(world.remembered.next_change(), None);
        world.sees(&["com.acme.Ledger"]);
        world.today += 20 * HOUR;
        assert!(!world.sees(&["com.acme.Ledger"]));
        assert_eq!(world.stands(), ["com.acme.Ledger", "com.acme.Greeter"]);
    }

    #[test]
    fn what_an_island_offered_last_is_never_forgotten_while_it_is_gone() {
        let mut world = World::new();
        world.sees(&["com.acme.Greeter", "com.acme.Ledger"]);
        world.sees(&["com.acme.Ledger"]);
        assert!(!world.sees(&[]));
        world.today += 3 * TAKEN_BACK_FOR;
        assert!(world.sees(&[]));
        assert_eq!(world.stands(), ["com.acme.Ledger"]);
        assert_eq!(world.remembered.next_change(), None);
    }

    #[test]
    fn what_is_imported_no_more_is_forgotten_at_once() {
        let mut world = World::new();
        world.sees(&["com.acme.Greeter", "com.acme.Ledger"]);
        world.sees(&["com.acme.Ledger"]);
        assert!(world.sees_imported(&["com.acme.Ledger"], "com.acme.Ledger"));
        assert_eq!(world.stands(), ["com.acme.Ledger"]);
    }

    #[test]
    fn an_island_that_offers_other_names_all_the_time_is_remembered_so_far_alone() {
        let mut world = World::new();
        for name in 0..TAKEN_BACK_MAX + 10 {
            world.today += Duration::from_secs(1);
            world.sees(&[&format!("com.acme.Number{name}")]);
        }
        let stands = world.stands();
        assert_eq!(stands.len(), 1 + TAKEN_BACK_MAX);
        assert!(stands.contains(&"com.acme.Number9") && !stands.contains(&"com.acme.Number8"));
    }

    #[test]
    fn a_clock_that_was_ahead_makes_no_memory_of_the_future() {
        let mut world = World::new();
        world.today += 365 * TAKEN_BACK_FOR;
        world.sees(&["com.acme.Greeter", "com.acme.Ledger"]);
        world.sees(&["com.acme.Ledger"]);
        world.today -= 365 * TAKEN_BACK_FOR;
        world.sees(&["com.acme.Ledger"]);
        assert_eq!(world.remembered.next_change(), Some(world.today + TAKEN_BACK_FOR));
    }
}
