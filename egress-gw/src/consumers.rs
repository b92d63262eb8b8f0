//! The consumers' connections of one shard: how many there may be, whom a drain speaks to, and whose half a body has
//! held budget for too long. Knows nothing of calls.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use shard::{Close, Conn, Key, Slots};
use wire::dubbo::frame::{self, Codec, Event};

/// A body that holds budget must gain a byte within this time. A consumer writes a frame at once, so that only a lost
/// network or ill will stops it in the middle, and TCP repeats a lost packet several times in 30 s. Without it a few
/// bytes from each of some connections would hold the budget of everybody.
pub const STALLED_AFTER: Duration = Duration::from_secs(30);
/// How often it is looked for bodies that have stalled.
pub const STALLED_LOOK: Duration = Duration::from_secs(1);

/// The connections of one shard.
pub struct Consumers {
    limit: usize,
    all: RefCell<Slots<Rc<Conn>>>,
    /// Those of which a body is being gathered.
    gathering: RefCell<Slots<Rc<Conn>>>,
    /// Connections of the whole process.
    count: Arc<AtomicUsize>,
}

impl Consumers {
    /// None yet; at most `limit` in the process, which `count` counts.
    pub fn new(limit: usize, count: Arc<AtomicUsize>) -> Self {
        let slots = || RefCell::new(Slots::new(limit));
        Self { limit, all: slots(), gathering: slots(), count }
    }

    /// Counts a new connection in; `false` when there are too many.
    pub fn begins(&self) -> bool {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        if count < self.limit {
            return true;
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
        false
    }

    /// Counts a connection out.
    pub fn ended(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Remembers a connection, so that a drain can speak to it.
    pub fn came(&self, conn: &Rc<Conn>) -> Option<Key> {
        self.all.borrow_mut().insert(conn.clone()).ok()
    }

    /// Forgets a connection.
    pub fn left(&self, key: Key) {
        self.all.borrow_mut().remove(key);
    }

    /// A body with budget is being gathered on `conn`.
    pub fn gathers(&self, conn: &Rc<Conn>) -> Option<Key> {
        self.gathering.borrow_mut().insert(conn.clone()).ok()
    }

    /// The body is there, or its connection has ended.
    pub fn gathered(&self, key: Key) {
        self.gathering.borrow_mut().remove(key);
    }

    /// Closes the connections whose body has gained no byte for [`STALLED_AFTER`] at `now`.
    pub fn give_up_stalled(&self, now: Instant) {
        let gathering = self.gathering.borrow();
        let stalled = |conn: &Rc<Conn>| now.saturating_duration_since(conn.last_read()) >= STALLED_AFTER;
        let stalled: Vec<Rc<Conn>> =
            gathering.iter().filter(|(_, conn)| stalled(conn)).map(|(_, conn)| conn.clone()).collect();
        drop(gathering);
        for conn in stalled {
            conn.close(Close::Ours(format!("the body of a call gained no byte for {STALLED_AFTER:?} and is given up")));
        }
    }

    /// Tells every consumer that no new calls are welcome on its connection.
    pub fn say_readonly(&self) {
        for (key, conn) in self.all.borrow().iter() {
            let id = i64::try_from(key.number()).unwrap_or(0);
            conn.append_with(|out| frame::put_event_notice(out, id, Codec::Hessian2, Event::Readonly));
        }
    }

    /// Closes every consumer's connection.
    pub fn close(&self, why: &str) {
        let all: Vec<Rc<Conn>> = self.all.borrow().iter().map(|(_, conn)| conn.clone()).collect();
        for conn in all {
            conn.close(Close::Ours(why.to_owned()));
        }
    }
}
