//! The consumers' connections of one shard: how many there may be, whom a drain speaks to, and whose half a body comes too
//! slowly for the budget that it holds. Knows nothing of calls and answers nobody.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use shard::{Begun, Close, Conn, Key, Patience, Slots};
use wire::dubbo::frame::{self, Codec, Event, Header};

/// How often it is looked for bodies that come too slowly.
pub const SLOW_LOOK: Duration = Duration::from_secs(1);
/// A connection over the limit is worth a line in the log, but not each of a storm.
const REFUSED_LOG_EVERY: Duration = Duration::from_secs(10);

/// The connections of one shard.
pub struct Consumers {
    limit: usize,
    all: RefCell<Slots<Rc<Conn>>>,
    /// Those of which a body is being gathered.
    gathering: RefCell<Slots<Gathering>>,
    /// Connections of the whole process.
    count: Arc<AtomicUsize>,
    refused_logged: Cell<Option<Instant>>,
}

/// A body of which the rest is still to come.
struct Gathering {
    conn: Rc<Conn>,
    header: Header,
    begun: Begun,
}

/// A call whose body is not waited for any longer.
pub struct TooSlow {
    /// Its connection, which cannot be read further.
    pub conn: Rc<Conn>,
    /// Its header.
    pub header: Header,
    /// What is wrong with its pace, in words.
    pub why: String,
}

impl Consumers {
    /// None yet; at most `limit` in the process, which `count` counts.
    pub fn new(limit: usize, count: Arc<AtomicUsize>) -> Self {
        let (all, gathering) = (RefCell::new(Slots::new(limit)), RefCell::new(Slots::new(limit)));
        Self { limit, all, gathering, count, refused_logged: Cell::default() }
    }

    /// Counts a new connection in; `false` when there are too many.
    pub fn begins(&self) -> bool {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        if count < self.limit {
            return true;
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
        let now = Instant::now();
        if self.refused_logged.get().is_none_or(|last| now.saturating_duration_since(last) >= REFUSED_LOG_EVERY) {
            self.refused_logged.set(Some(now));
            tracing::warn!(
                limit = self.limit,
                "a consumer's connection is closed at once, since there are as many as limits.connections (or the open files of the process) allow"
            );
        }
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

    /// The body behind this header, which has budget, is being gathered on `conn` since `now`.
    pub fn gathers(&self, conn: &Rc<Conn>, header: Header, now: Instant) -> Option<Key> {
        let gathering = Gathering { conn: conn.clone(), header, begun: Begun::on(conn, now) };
        self.gathering.borrow_mut().insert(gathering).ok()
    }

    /// The body is there, or its connection has ended.
    pub fn gathered(&self, key: Key) {
        self.gathering.borrow_mut().remove(key);
    }

    /// The bodies that are not worth waiting for at `now`.
    pub fn too_slow(&self, now: Instant, patience: Patience) -> Vec<TooSlow> {
        let gathering = self.gathering.borrow();
        let slow = gathering.iter().filter_map(|(_, one)| {
            let why = one.begun.trouble(&one.conn, now, patience)?;
            Some(TooSlow { conn: one.conn.clone(), header: one.header, why })
        });
        slow.collect()
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
