//! Decisions by what they were made from, so that the path of a call formats, looks up and encodes nothing anew.
//!
//! ```text
//!  key    the call's decision key (serialization, leading fields, decision attachments, application) · voice of its caller
//!         · port's island · what rules look at beside these
//!  value  for each target the head of such calls, encoded, with what differs from call to call left empty, and how a call
//!         picks among the targets; or why such calls are refused
//! ```
//!
//! One generation of the snapshot at a time: a newer one empties it. Bounded by entries and by the bytes of what is kept, keys,
//! heads and texts together, of each and of all: a list of 64 islands has a head for each. What does not fit is decided anew for
//! each call, never wrong.
//!
//! Long because: what a decision is, how a call picks from it and what keeping it costs are read together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;
use std::sync::Arc;

use chassis::metrics::tally::Tally;
use foldhash::fast::RandomState;
use route::{LOCAL, Split, Target};
use wire::tunnel::failure::Failure;

use crate::answer::Repeat;
use crate::local_pool::LocalRoute;

/// More different calls than a gateway ever sees from honest consumers; beyond it the cache begins anew.
const ENTRIES_MAX: usize = 16_384;
/// All that is kept, keys and decisions: usual ones have less than 1 KiB each, however long the names are that callers make up.
const KEPT_MAX_LEN: usize = 16 << 20;
/// A longer key belongs to nothing that is called often.
pub const KEY_MAX_LEN: usize = 4 * 1024;
/// One decision must not take the place of all others.
const DECIDED_MAX_LEN: usize = KEPT_MAX_LEN / 16;

/// How calls of one kind go to an island.
#[derive(Debug)]
pub struct Route {
    /// The island.
    pub island: Arc<str>,
    /// The head, encoded: [`wire::tunnel::head::fill`] makes it that of one call.
    pub head: Box<[u8]>,
    /// Whether such a call may run twice.
    pub repeat: Repeat,
}

/// A target that is ready to take calls.
#[derive(Debug)]
pub enum Way {
    /// Another island.
    Island(Route),
    /// A provider of this island.
    Local(LocalRoute),
}

impl Way {
    /// The island, or `local`.
    fn target(&self) -> &str {
        match self {
            Self::Island(route) => &route.island,
            Self::Local(_) => LOCAL,
        }
    }
}

/// How a call picks among the ways.
#[derive(Debug)]
pub enum Pick {
    /// The first; those after it are for calls that were not sent there.
    First,
    /// By these shares, which stand in the order of the ways.
    Shares(Split),
}

/// Where calls of one kind go: each target made ready once.
#[derive(Debug)]
pub struct Ways {
    /// `service#method` for texts.
    pub label: Box<str>,
    /// Never empty.
    pub ways: Box<[Way]>,
    /// What comes of calls on each, in the order of the ways.
    pub tallies: Box<[Rc<Tally>]>,
    /// How one of them is picked.
    pub pick: Pick,
    /// The generation of what it was decided by.
    pub generation: u64,
    /// The island to which the port is bound that such calls came in by.
    pub port: Option<Arc<str>>,
}

/// The way of one call, and those that it may take where it was not sent.
#[derive(Debug, Clone)]
pub struct Course {
    ways: Rc<Ways>,
    at: usize,
}

impl Course {
    /// The way of one call; `share` says the position among the shares of a split.
    pub fn new(ways: Rc<Ways>, share: impl FnOnce(&Split) -> usize) -> Self {
        let at = match &ways.pick {
            Pick::First => 0,
            Pick::Shares(split) => share(split),
        };
        Self { ways, at }
    }

    /// The same way by what was decided later; `None` where that leads elsewhere or in another order.
    pub fn renewed(&self, ways: Rc<Ways>) -> Option<Self> {
        let same_pick = matches!(self.ways.pick, Pick::First) == matches!(ways.pick, Pick::First);
        let same_ways = self.ways.ways.iter().map(Way::target).eq(ways.ways.iter().map(Way::target));
        (same_pick && same_ways).then_some(Self { ways, at: self.at })
    }

    /// The generation of what it was decided by.
    pub fn generation(&self) -> u64 {
        self.ways.generation
    }

    /// The island to which the port is bound that the call came in by.
    pub fn port(&self) -> Option<&Arc<str>> {
        self.ways.port.as_ref()
    }

    /// The way that it takes now.
    pub fn way(&self) -> &Way {
        &self.ways.ways[self.at]
    }

    /// What comes of calls on that way.
    pub fn tally(&self) -> Option<&Tally> {
        self.ways.tallies.get(self.at).map(|tally| &**tally)
    }

    /// The position of that way among all.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The island to which it goes now; `None` for this one.
    pub fn island(&self) -> Option<&Arc<str>> {
        match self.way() {
            Way::Island(route) => Some(&route.island),
            Way::Local(_) => None,
        }
    }

    /// The name of where it goes now.
    pub fn target(&self) -> &str {
        self.way().target()
    }

    /// The names of everywhere it may go.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let ways = if self.has_others() { &self.ways.ways[..] } else { std::slice::from_ref(self.way()) };
        ways.iter().map(Way::target)
    }

    /// `service#method` for texts.
    pub fn label(&self) -> &str {
        &self.ways.label
    }

    /// Whether such a call may run twice there.
    pub fn repeat(&self) -> Repeat {
        match self.way() {
            Way::Island(route) => route.repeat,
            Way::Local(_) => Repeat::Harmful,
        }
    }

    /// Whether there is another way than this one.
    pub fn has_others(&self) -> bool {
        matches!(self.ways.pick, Pick::First) && self.ways.ways.len() > 1
    }

    /// Whether there is another way behind this one.
    pub fn has_more(&self) -> bool {
        self.has_others() && self.at + 1 < self.ways.ways.len()
    }

    /// The same call on its other ways: all that it may take, in their order, without this one.
    pub fn others(&self) -> impl Iterator<Item = Self> {
        let count = if self.has_others() { self.ways.ways.len() } else { 0 };
        (0..count).filter(|at| *at != self.at).map(|at| Self { ways: self.ways.clone(), at })
    }

    /// All its ways, in their order.
    pub fn all(&self) -> impl Iterator<Item = Self> {
        let all = if self.has_others() { 0..self.ways.ways.len() } else { self.at..self.at + 1 };
        all.map(|at| Self { ways: self.ways.clone(), at })
    }
}

impl Ways {
    /// Bytes that it takes, about.
    fn kept_len(&self) -> usize {
        let of_way = |way: &Way| match way {
            Way::Island(route) => route.head.len(),
            Way::Local(route) => route.kept_len(),
        };
        let shares = match &self.pick {
            Pick::First => 0,
            Pick::Shares(split) => split.shares().len() * size_of::<(Target, u64, u64)>(),
        };
        size_of::<Self>()
            + self.label.len()
            + size_of_val(&*self.ways)
            + size_of_val(&*self.tallies)
            + shares
            + self.ways.iter().map(of_way).sum::<usize>()
    }
}

/// What was decided.
pub type Decided = Result<Rc<Ways>, Rc<Failure>>;

/// Bytes that a decision takes with its key, about.
fn kept_len(key: &[u8], decided: &Decided) -> usize {
    let decided = match decided {
        Ok(ways) => ways.kept_len(),
        Err(failure) => size_of::<Failure>() + failure.text.len(),
    };
    size_of::<(Box<[u8]>, Decided)>() + key.len() + decided
}

/// Decisions of one shard.
#[derive(Debug, Default)]
pub struct DecisionCache {
    generation: u64,
    /// By names that callers make up, so with a seed that nobody outside can find collisions for.
    decided: HashMap<Box<[u8]>, Decided, RandomState>,
    kept_len: usize,
}

impl DecisionCache {
    /// What was decided under this generation for calls of this key.
    pub fn get(&mut self, generation: u64, key: &[u8]) -> Option<Decided> {
        if self.generation != generation {
            self.clear();
            self.generation = generation;
        }
        self.decided.get(key).cloned()
    }

    /// Keeps a decision for the calls that follow.
    pub fn put(&mut self, generation: u64, key: &[u8], decided: Decided) {
        let kept_len = kept_len(key, &decided);
        if self.generation != generation || key.len() > KEY_MAX_LEN || kept_len > DECIDED_MAX_LEN {
            return;
        }
        if self.decided.len() >= ENTRIES_MAX || self.kept_len + kept_len > KEPT_MAX_LEN {
            self.clear();
        }
        match self.decided.entry(key.into()) {
            // Decided meanwhile under the same generation, so alike.
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => {
                place.insert(decided);
                self.kept_len += kept_len;
            }
        }
    }

    fn clear(&mut self) {
        self.decided.clear();
        self.kept_len = 0;
    }

    /// How many decisions are kept.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.decided.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use wire::tunnel::failure::{Kind, Outcome, Stage};

    use super::*;

    fn decided(text: &'static str) -> Decided {
        Err(Rc::new(Failure::new(Stage::Route, Kind::NotOffered, Outcome::NotSent, text)))
    }

    #[test]
    fn a_newer_generation_forgets_what_was_decided() {
        let mut cache = DecisionCache::default();
        assert!(cache.get(1, b"greet").is_none());
        cache.put(1, b"greet", decided("one"));
        assert_eq!(cache.get(1, b"greet").unwrap().unwrap_err().text, "one");
        assert!(cache.get(2, b"greet").is_none());
        assert_eq!(cache.entries(), 0);
    }

    /// The first eight bytes are a constant of rustc-hash: whatever its seed, it has one hash for all of these.
    #[test]
    fn keys_that_were_made_to_collide_do_not() {
        use std::hash::BuildHasher;
        let key = |number: u64| [0x243f_6a88_85a3_08d3_u64, number, 0, 0].map(u64::to_le_bytes).concat();
        let (one, other) = (DecisionCache::default(), DecisionCache::default());
        let hashes: HashSet<u64> = (0..1000).map(|number| one.decided.hasher().hash_one(key(number))).collect();
        assert_eq!(hashes.len(), 1000);
        assert_ne!(one.decided.hasher().hash_one(key(0)), other.decided.hasher().hash_one(key(0)), "a seed of its own");
    }

    #[test]
    fn what_was_decided_under_an_older_generation_is_not_kept() {
        let mut cache = DecisionCache::default();
        assert!(cache.get(2, b"greet").is_none());
        cache.put(1, b"greet", decided("old"));
        assert!(cache.get(2, b"greet").is_none());
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let mut cache = DecisionCache::default();
        for number in 0..ENTRIES_MAX * 2 + 1 {
            cache.put(0, &number.to_be_bytes(), decided("x"));
        }
        assert_eq!(cache.entries(), 1);
        cache.put(0, &vec![0; KEY_MAX_LEN + 1], decided("long"));
        assert_eq!(cache.entries(), 1);
    }

    fn ways(targets: &[&str], pick: Pick) -> Rc<Ways> {
        let route = |island: &&str| Route { island: (*island).into(), head: Box::default(), repeat: Repeat::Harmful };
        let ways = targets.iter().map(|target| Way::Island(route(target))).collect();
        Rc::new(Ways { label: "a.B#c".into(), ways, tallies: Box::default(), pick, generation: 1, port: None })
    }

    #[test]
    fn a_call_takes_the_first_way_and_may_take_the_others() {
        let course = Course::new(ways(&["a", "b", "c"], Pick::First), |_| unreachable!());
        assert_eq!((course.target(), course.has_more()), ("a", true));
        let targets =
            |all: &mut dyn Iterator<Item = Course>| all.map(|one| one.target().to_owned()).collect::<Vec<_>>();
        assert_eq!(targets(&mut course.others()), ["b", "c"]);
        let last = course.others().last().unwrap();
        assert_eq!((last.has_more(), targets(&mut last.others())), (false, vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(targets(&mut last.all()), ["a", "b", "c"]);
    }

    #[test]
    fn a_call_of_a_split_takes_its_share_and_no_other() {
        let shares = ["a", "b"].map(|island| (route::Target::Island(island.into()), 1));
        let split = Split::new("shop/canary", shares, None).unwrap();
        let ways = ways(&["a", "b"], Pick::Shares(split));
        let of = |random| Course::new(ways.clone(), |split| split.position(None, random));
        assert_eq!((of(0).target(), of(u64::MAX).target()), ("a", "b"));
        assert!(!of(0).has_more() && of(0).others().next().is_none() && of(u64::MAX).all().count() == 1);
    }

    /// What a cache takes at most while calls of many kinds are put in, and the most kinds that it had.
    fn filled(of_one: impl Fn(usize) -> (Vec<u8>, Decided)) -> (usize, usize) {
        let (mut cache, mut most) = (DecisionCache::default(), (0, 0));
        for number in 0..2 * ENTRIES_MAX {
            let (mut key, decided) = of_one(number);
            key[..8].copy_from_slice(&number.to_be_bytes());
            cache.put(0, &key, decided);
            if number % 1000 == 0 {
                let kept = cache.decided.iter().map(|(key, decided)| kept_len(key, decided));
                assert_eq!(cache.kept_len, kept.sum::<usize>());
            }
            most = (most.0.max(cache.kept_len), most.1.max(cache.entries()));
        }
        most
    }

    #[test]
    fn names_that_callers_make_up_do_not_fill_the_memory() {
        let (len, entries) = filled(|_| (vec![0; KEY_MAX_LEN], decided("x")));
        assert!(len <= KEPT_MAX_LEN && (1000..KEPT_MAX_LEN / KEY_MAX_LEN).contains(&entries), "{len} {entries}");
    }

    /// It counted keys alone: a list of 64 islands has 64 heads, and texts of refusals name many islands.
    #[test]
    fn heads_and_texts_of_short_keys_do_not_fill_the_memory() {
        let route = || Route { island: "a".into(), head: vec![0; 250].into(), repeat: Repeat::Harmful };
        let ways: Box<[Way]> = (0..64).map(|_| Way::Island(route())).collect();
        let ways = Rc::new(Ways {
            label: "a.B#c".into(),
            ways,
            tallies: Box::default(),
            pick: Pick::First,
            generation: 1,
            port: None,
        });
        let (len, entries) = filled(|_| (vec![0; 100], Ok(ways.clone())));
        assert!(len <= KEPT_MAX_LEN && (100..KEPT_MAX_LEN / 64 / 250).contains(&entries), "{len} {entries}");
        let failure = Failure::new(Stage::Route, Kind::NotOffered, Outcome::NotSent, "x".repeat(10_000));
        let failure = Rc::new(failure);
        let (len, entries) = filled(|_| (vec![0; 100], Err(failure.clone())));
        assert!(len <= KEPT_MAX_LEN && (100..KEPT_MAX_LEN / 10_000).contains(&entries), "{len} {entries}");
    }

    #[test]
    fn one_decision_does_not_take_the_place_of_all_others() {
        let mut cache = DecisionCache::default();
        cache.put(0, b"greet", decided("x"));
        let failure = Failure::new(Stage::Route, Kind::NotOffered, Outcome::NotSent, "x".repeat(DECIDED_MAX_LEN));
        cache.put(0, b"long", Err(Rc::new(failure)));
        assert!(cache.get(0, b"greet").is_some() && cache.get(0, b"long").is_none());
    }
}
