//! Whether a frame or a body that has begun to arrive is worth waiting for: on a connection of its own ([`Begun`]) or in pieces
//! between others' ([`Progress`]). Pure but for what a connection says of itself; it closes nothing.
//!
//! ```text
//!  begun ──── grace ────▶ from here on: a byte within every grace, and PACE on average
//! ```
//!
//! Who writes a frame writes it at once, so that only a lost network or ill will stops it in the middle; without an end a
//! few bytes from each of some connections would hold the budget of everybody, or one frame a connection for ever.

use std::time::{Duration, Instant};

use crate::Conn;

/// Bytes a second that a frame must come with on average once its grace is over: less than any network of Dubbo's has.
const PACE: u64 = 16 * 1024;
/// How long a frame may take however little of it comes; TCP repeats a lost packet several times in that.
const GRACE: Duration = Duration::from_secs(30);
/// The same while the budget is scarce: one repetition.
const SCARCE_GRACE: Duration = Duration::from_secs(2);

/// A frame of which some bytes are here.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    since: Instant,
    /// Bytes that its connection had brought by then.
    from: u64,
}

/// Whether memory is short, so that slow peers are waited for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// There is room.
    Ample,
    /// Others wait for room.
    Short,
}

impl Patience {
    /// What a budget leaves.
    pub fn with(budget: &crate::Budget) -> Patience {
        if budget.is_scarce() { Patience::Short } else { Patience::Ample }
    }
}

impl Begun {
    /// A frame that has begun to arrive on `conn` at `now`.
    pub fn on(conn: &Conn, now: Instant) -> Begun {
        Begun { since: now, from: conn.read_len() }
    }

    /// What is wrong with its pace at `now`, in words; `None` while it is worth waiting for.
    pub fn trouble(&self, conn: &Conn, now: Instant, patience: Patience) -> Option<String> {
        let last = conn.last_read().max(self.since);
        Progress { since: self.since, last, came_len: conn.read_len() - self.from }.trouble(now, patience)
    }
}

/// How far a body has come that arrives in pieces.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    since: Instant,
    /// When its last byte came.
    last: Instant,
    came_len: u64,
}

impl Progress {
    /// A body that begins to arrive at `now`, of which nothing is here.
    pub fn new(now: Instant) -> Progress {
        Progress { since: now, last: now, came_len: 0 }
    }

    /// `len` more bytes came at `now`; a piece without bytes is no progress.
    pub fn gained(&mut self, len: usize, now: Instant) {
        if len > 0 {
            self.last = now;
            self.came_len += len as u64;
        }
    }

    /// What is wrong with its pace at `now`, in words; `None` while it is worth waiting for.
    pub fn trouble(&self, now: Instant, patience: Patience) -> Option<String> {
        let grace = match patience {
            Patience::Ample => GRACE,
            Patience::Short => SCARCE_GRACE,
        };
        let silent = now.saturating_duration_since(self.last);
        if silent >= grace {
            return Some(format!("no byte came for {silent:.0?}"));
        }
        let (took, came_len) = (now.saturating_duration_since(self.since), self.came_len);
        let wanted_len = took.saturating_sub(grace).as_secs().saturating_mul(PACE);
        (came_len < wanted_len).then(|| format!("{came_len} bytes came in {took:.0?}"))
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::tls::Layer;
    use crate::{Accepted, Close, Session, Shard, Taken, listen, runtime};

    /// Keeps its connection and reads nothing out of what comes.
    #[derive(Default)]
    struct Sink(std::cell::RefCell<Option<Rc<Conn>>>);

    impl Session for Sink {
        fn received(&self, conn: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
            self.0.replace(Some(conn.clone()));
            Ok(Taken { used: bytes.len(), need: 0 })
        }
        fn closed(&self, _: &Rc<Conn>, _: &Close) {}
    }

    #[test]
    fn a_body_in_pieces_must_keep_coming_and_empty_pieces_do_not_count() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut progress = Progress::new(began);
        progress.gained(1, at(0));
        progress.gained(0, at(29));
        assert_eq!(progress.trouble(at(29), Patience::Ample), None);
        assert_eq!(progress.trouble(at(30), Patience::Ample).unwrap(), "no byte came for 30s");
        assert_eq!(progress.trouble(at(2), Patience::Short).unwrap(), "no byte came for 2s");
        progress.gained(1, at(31));
        assert_eq!(progress.trouble(at(32), Patience::Ample).unwrap(), "2 bytes came in 32s");
        progress.gained(1 << 20, at(33));
        assert_eq!(progress.trouble(at(62), Patience::Ample), None);
    }

    #[test]
    fn a_frame_must_keep_coming_and_at_a_pace() {
        runtime().unwrap().block_on(async {
            let shard = Shard::on_this_thread(0);
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let mut peer = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let sink = Rc::new(Sink::default());
            let session = sink.clone();
            shard.run(listen(&shard, listener, move |_, _| Accepted::Serve(Layer::Plain, session.clone())).unwrap());
            let mut sent = 0;
            let mut send = async |len: usize| {
                peer.write_all(&vec![7; len]).await.unwrap();
                sent += len as u64;
                loop {
                    match &*sink.0.borrow() {
                        Some(conn) if conn.read_len() == sent => return conn.clone(),
                        _ => {}
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let conn = send(1).await;
            let since = conn.last_read();
            let begun = Begun::on(&conn, since);
            let trouble = |after: u64, patience| begun.trouble(&conn, since + Duration::from_secs(after), patience);
            assert_eq!(trouble(29, Patience::Ample), None);
            assert_eq!(trouble(1, Patience::Short), None);
            assert!(trouble(30, Patience::Ample).unwrap().starts_with("no byte came for 30"));
            assert!(trouble(2, Patience::Short).unwrap().starts_with("no byte came for 2"));
            // What trickles gains a byte now and then, but not as many as it must.
            let late = since - Duration::from_secs(600);
            let conn = send(1000).await;
            let trickling = Begun { since: late, from: 0 };
            let trouble = trickling.trouble(&conn, conn.last_read(), Patience::Ample).unwrap();
            assert!(trouble.starts_with("1001 bytes came in 600"), "{trouble}");
            let steady = Begun { since: since - Duration::from_secs(40), from: 0 };
            let conn = send(400_000).await;
            assert_eq!(steady.trouble(&conn, conn.last_read(), Patience::Ample), None);
        });
    }
}
