//! The sessions of an acceptor: which are alive, how many and how much one key may have, what is remembered of those that are
//! over. It never makes a session and never shakes hands.
//!
//! ```text
//!   alive, of one key:   connected, connected, … │ waits for its gateway, waits, …        `sessions` of them
//!                        ╰── keep `held_len` ────┴─ keep a sixteenth of it ─╯             over it the one that keeps most ends
//!                                                  when another comes
//! ```

use std::cell::{Ref, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::key::PublicKey;
use crate::{Link, Peer};

/// Sessions that are over whose last count is remembered, so that gateways which come back learn what never arrived.
const ENDED: usize = 1024;

/// What one key may have at a hub.
#[derive(Debug, Clone, Copy)]
pub struct OfOneKey {
    /// Sessions that are alive: a gateway has one a shard, and for a while those of the process before it.
    pub sessions: usize,
    /// Bytes that its sessions keep together for what it has not taken or acknowledged, bodies and catalogues aside. Over it
    /// the one that keeps most ends. When another comes, those that have no connection keep a sixteenth of it: of them the
    /// oldest go first.
    pub held_len: usize,
}

/// See the module's picture.
pub(super) struct Sessions {
    taken: RefCell<Vec<Taken>>,
    ended: RefCell<VecDeque<Ended>>,
    of_one: OfOneKey,
}

/// A link, and which start of its gateway it is with.
#[derive(Clone)]
struct Taken {
    link: Link,
    start: u64,
}

/// A session that is over.
struct Ended {
    session: String,
    key: PublicKey,
    received: u64,
}

impl Sessions {
    /// None yet.
    pub(super) fn new(of_one: OfOneKey) -> Sessions {
        Sessions { taken: RefCell::default(), ended: RefCell::default(), of_one }
    }

    /// One more, with the process of its gateway that drew `start`.
    pub(super) fn add(&self, link: Link, start: u64) {
        self.taken.borrow_mut().push(Taken { link, start });
    }

    /// All that are alive, connected or not.
    pub(super) fn alive(&self) -> Vec<Link> {
        self.links().iter().map(|taken| &taken.link).filter(|link| !link.is_over()).cloned().collect()
    }

    /// The one of this id and this gateway that is alive.
    pub(super) fn find(&self, session: &str, peer: &Peer) -> Option<Link> {
        let taken = self.links();
        let mut links = taken.iter().map(|taken| &taken.link);
        links.find(|link| link.session_id() == session && link.peer() == peer && !link.is_over()).cloned()
    }

    /// Those of this key that are alive, the oldest first.
    fn of(&self, key: &PublicKey) -> Vec<Link> {
        let taken = self.links();
        let links = taken.iter().map(|taken| &taken.link);
        links.filter(|link| link.peer().key == *key && !link.is_over()).cloned().collect()
    }

    /// Why this key may have no further one now, if so.
    pub(super) fn is_full(&self, key: &PublicKey) -> Option<String> {
        let connected = self.of(key).iter().filter(|link| link.connected()).count();
        (connected >= self.of_one.sessions).then(|| format!("has {connected} links to this hub already"))
    }

    /// Ends the oldest sessions of this key that wait for their gateway, until one more fits and they keep no more than they may.
    /// False: all are in use.
    pub(super) fn make_room(&self, key: &PublicKey) -> bool {
        let OfOneKey { sessions: limit, held_len } = self.of_one;
        let sessions = self.of(key);
        let mut alive = sessions.len();
        let waiting: Vec<&Link> = sessions.iter().filter(|link| !link.connected()).collect();
        let mut kept: usize = waiting.iter().map(|link| link.kept_len()).sum();
        for link in waiting {
            if alive < limit && kept <= held_len / 16 {
                break;
            }
            alive -= 1;
            kept -= link.kept_len();
            link.abandon("its gateway has made others instead of coming back for it", None);
        }
        alive < limit
    }

    /// Records that this hub had received in a session of this key when it ended.
    pub(super) fn ended(&self, session: &str, key: &PublicKey) -> Option<u64> {
        let taken = self.links();
        let links = taken.iter().map(|taken| &taken.link);
        let mut over = links.filter(|link| link.is_over() && link.session_id() == session && link.peer().key == *key);
        let ended = self.ended.borrow();
        let mut ended = ended.iter().filter(|ended| ended.session == session && ended.key == *key);
        over.next().map(Link::received).or_else(|| ended.next().map(|ended| ended.received))
    }

    /// Looks after what time brings to each. False: there is none any more.
    pub(super) fn tick(&self) -> bool {
        self.forget_gone();
        self.bound();
        let taken = self.links().clone();
        let now = Instant::now();
        for (at, one) in taken.iter().enumerate() {
            // By who came later: a clock may have stepped back between two starts.
            let is_newer = |other: &Taken| other.start != one.start && other.link.peer() == one.link.peer();
            if !one.link.connected() && taken[at + 1..].iter().any(is_newer) {
                // Nobody comes back for the session of a process that is gone.
                one.link.abandon("the gateway has been restarted", None);
            }
            one.link.tick(now);
        }
        !taken.is_empty()
    }

    /// Ends the session that keeps most, of each key whose sessions keep more than they may.
    fn bound(&self) {
        let limit = self.of_one.held_len;
        let alive = self.alive();
        if alive.iter().map(Link::kept_len).sum::<usize>() <= limit {
            return;
        }
        let mut by_key: HashMap<PublicKey, (usize, &Link)> = HashMap::new();
        for link in &alive {
            let (kept, most) = by_key.entry(link.peer().key).or_insert((0, link));
            *kept += link.kept_len();
            if link.kept_len() > most.kept_len() {
                *most = link;
            }
        }
        for (kept, most) in by_key.into_values().filter(|(kept, _)| *kept > limit) {
            most.close(&format!(
                "this hub keeps {kept} bytes for what the gateway has not taken, over all its links; the limit is {limit}"
            ));
        }
    }

    fn forget_gone(&self) {
        self.taken.borrow_mut().retain(|taken| {
            let link = &taken.link;
            if !link.is_gone() {
                return true;
            }
            let mut ended = self.ended.borrow_mut();
            if ended.len() >= ENDED {
                ended.pop_front();
            }
            let session = link.session_id().to_owned();
            ended.push_back(Ended { session, key: link.peer().key, received: link.received() });
            false
        });
    }

    fn links(&self) -> Ref<'_, Vec<Taken>> {
        self.taken.borrow()
    }
}
