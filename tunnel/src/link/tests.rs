//! A link over a connection that does what the test says, without a socket.

use std::ops::Range;
use std::task::Poll;

use wire::tunnel::hello::feature;
use wire::tunnel::{Head, Kind, Outcome, Stage, record};

use super::*;
use crate::key::PrivateKey;
use crate::transport::Transport;
use crate::{Open, Role};

/// What the peer has sent and not been heard of, and what it was sent.
#[derive(Default)]
struct Wire {
    incoming: RefCell<Vec<u8>>,
    sent: RefCell<Vec<u8>>,
    /// Whether the peer reads nothing.
    stuck: Cell<bool>,
}

struct Fake(Rc<Wire>);

impl Transport for Fake {
    fn poll_read(
        &mut self,
        cx: &mut std::task::Context<'_>,
        scratch: &mut [u8],
        kept: usize,
    ) -> Poll<std::io::Result<Range<usize>>> {
        cx.waker().wake_by_ref();
        let mut incoming = self.0.incoming.borrow_mut();
        let len = incoming.len().min(scratch.len() - kept);
        scratch[kept..kept + len].copy_from_slice(&incoming[..len]);
        incoming.drain(..len);
        if len > 0 { Poll::Ready(Ok(0..kept + len)) } else { Poll::Pending }
    }

    fn send(&mut self, parts: &[&[u8]]) {
        self.0.sent.borrow_mut().extend(parts.concat());
    }

    fn poll_flush(&mut self, _: &mut std::task::Context<'_>) -> Poll<std::io::Result<()>> {
        if self.0.stuck.get() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn unwritten_len(&self) -> usize {
        if self.0.stuck.get() { self.0.sent.borrow().len() } else { 0 }
    }

    fn name(&self) -> &'static str {
        "fake"
    }
}

/// Refuses each exchange in many words; panics at a notice.
#[derive(Default)]
struct Owner {
    downs: Cell<usize>,
}

impl Handler for Owner {
    fn up(&self, _: &Link) {}
    fn down(&self, _: &Link) {
        self.downs.set(self.downs.get() + 1);
    }
    fn opened(&self, link: &Link, id: ExchangeId, _: Open<'_>) {
        link.fail(id, &Failure::new(Stage::Pick, Kind::NotOffered, Outcome::NotSent, "x".repeat(1000)));
    }
    fn data(&self, _: &Link, _: ExchangeId, _: &[u8], _: End) {}
    fn cancelled(&self, _: &Link, _: ExchangeId) {}
    fn reply(&self, _: &Link, _: u64, _: Reply<'_>) {}
    fn failed(&self, _: &Link, _: u64, _: Failure) {}
    fn catalogue(&self, _: &Link, _: Update) {}
    fn notice(&self, _: &Link, _: Notice) {
        panic!("as the test wants it");
    }
    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}
}

struct Fixture {
    link: Link,
    wire: Rc<Wire>,
    owner: Rc<Owner>,
}

impl Fixture {
    fn new(shard: &Shard) -> Fixture {
        let (wire, owner) = (Rc::new(Wire::default()), Rc::new(Owner::default()));
        let key = PrivateKey::generate().unwrap().public().unwrap();
        let new = NewLink {
            features: feature::KNOWN,
            traffic: Traffic::default(),
            session_id: "session".to_owned(),
            peer: Peer { role: Role::Egress, island: "a".into(), name: "out".into(), key },
            side: Side::Acceptor,
            exchanges: [1000, 1000],
            ping: Duration::from_secs(2),
            compress: Compress::Off,
            lost: Rc::new(Notify::new()),
            budget: Budget::new(1 << 30),
        };
        let link = Link::new(shard, owner.clone(), new);
        let transport = Box::new(Fake(wire.clone()));
        link.attach(Connected { transport, seal: None, is_tls: false, rest: Vec::new(), guard: None }, 0, 0);
        Fixture { link, wire, owner }
    }

    fn receives(&self, kind: RecordType, exchange: u64, payload: &[u8]) {
        record::push(&mut self.wire.incoming.borrow_mut(), kind, End::Yes, exchange, &[payload]);
    }

    async fn until(&self, is_there: impl Fn(&Link) -> bool) {
        let work = async {
            while !is_there(&self.link) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), work).await.unwrap();
    }
}

fn on_shard<F: Future<Output = ()>>(test: impl FnOnce(Fixture) -> F) {
    shard::runtime().unwrap().block_on(async { test(Fixture::new(&Shard::on_this_thread(0))).await });
}

#[test]
fn a_peer_that_never_acknowledges_loses_its_session_and_the_memory_of_it() {
    on_shard(|link| async move {
        let mut head = Vec::new();
        Head { remaining_ms: 1000, ..Head::default() }.encode_into(&mut head).unwrap();
        for generation in 1..40_000u64 {
            link.receives(RecordType::Open, generation << 25, &head);
        }
        link.until(Link::is_over).await;
        assert_eq!((link.link.status().unacknowledged_len, link.owner.downs.get()), (0, 1));
        let sent = link.wire.sent.borrow();
        let words = b"bytes were never acknowledged";
        assert!(sent.windows(words.len()).any(|window| window == words), "the peer is told why");
    });
}

#[test]
fn a_peer_that_never_reads_loses_its_connection() {
    on_shard(|link| async move {
        link.wire.stuck.set(true);
        link.link.notify(&Notice::GoingAway { reason: "anything".to_owned() });
        link.until(|_| !link.wire.sent.borrow().is_empty()).await;
        let start = Instant::now();
        for second in (0..=120).step_by(2) {
            // It sends all the time, so that it is not silent.
            link.receives(RecordType::Ping, 0, &[0; 8]);
            link.until(|one| !one.connected() || link.wire.incoming.borrow().is_empty()).await;
            if !link.link.connected() {
                assert!((28..=40).contains(&second), "{second}");
                return;
            }
            if let Some(carrier) = &mut *link.link.0.carrier.borrow_mut() {
                carrier.last_read = start + Duration::from_secs(second);
            }
            link.link.tick(start + Duration::from_secs(second));
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        panic!("it is kept");
    });
}

/// A stamp was when the ping had gone, so one from the future made the peer's island the nearest of all.
#[test]
fn a_pong_that_nobody_asked_for_makes_no_peer_near() {
    on_shard(|link| async move {
        link.receives(RecordType::Pong, 0, &u64::MAX.to_be_bytes());
        link.receives(RecordType::Pong, 0, &[0; 8]);
        link.until(|_| link.wire.incoming.borrow().is_empty()).await;
        tokio::task::yield_now().await;
        assert_eq!(link.link.round_trip(), None);
    });
}

#[test]
fn a_panic_in_the_owner_ends_the_link_it_happened_on() {
    on_shard(|link| async move {
        link.receives(RecordType::Notice, 0, b"{}");
        link.until(|link| link.is_over() && link.is_gone()).await;
        assert_eq!(link.owner.downs.get(), 1);
    });
}
