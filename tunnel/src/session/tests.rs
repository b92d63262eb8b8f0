//! Two sessions and a connection that is cut wherever the script says: nothing is lost, nothing comes twice. No socket is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use wire::tunnel::head::Head;
use wire::tunnel::record::{self, Decoded};
use wire::tunnel::{Failure, Flags, Kind, Outcome, Record, Stage};

use super::*;
use crate::session::packing::Packing;

mod models;
mod packing;
mod time_left;
mod turns;
mod violations;

/// One end: a session, what it has read and not taken yet, and what its owner saw.
struct Side_ {
    session: Session,
    read: Vec<u8>,
    /// Bodies under way, by exchange.
    bodies: BTreeMap<ExchangeId, Vec<u8>>,
    opened: BTreeSet<ExchangeId>,
    answers: BTreeMap<u64, Vec<u8>>,
    finished: Vec<u64>,
    failed: Vec<(u64, Failure)>,
    by_token: BTreeMap<u64, ExchangeId>,
}

impl Side_ {
    fn new(side: Side, credit: Credit, exchanges: u32) -> Side_ {
        Side_ {
            session: Session::new(side, credit, exchanges, exchanges, &Budget::new(1 << 30)).with(feature::MODELS),
            read: Vec::new(),
            bodies: BTreeMap::new(),
            opened: BTreeSet::new(),
            answers: BTreeMap::new(),
            finished: Vec::new(),
            failed: Vec::new(),
            by_token: BTreeMap::new(),
        }
    }

    fn open(&mut self, now: Instant, token: u64, body: &[u8]) -> Result<(), Failure> {
        self.open_as(Flags::default(), now, token, body)
    }

    fn open_as(&mut self, flags: Flags, now: Instant, token: u64, body: &[u8]) -> Result<(), Failure> {
        let id = self.session.open(now, &head(60_000, flags), &[body], token)?;
        self.by_token.insert(token, id);
        Ok(())
    }

    /// Takes what was read, answering each exchange with its own body.
    fn take(&mut self) -> Result<(), Violation> {
        let read = std::mem::take(&mut self.read);
        let mut used = 0;
        loop {
            match Record::decode(&read[used..]).unwrap() {
                Decoded::Incomplete(_) => break,
                Decoded::Skipped(len) => {
                    self.session.skip(len);
                    used += len;
                }
                Decoded::Record(record, len) => {
                    used += len;
                    let mut room = Room::default();
                    let event = self.session.receive(record, &mut room)?;
                    self.see(event);
                }
            }
        }
        self.read = read[used..].to_vec();
        Ok(())
    }

    fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Opened(id, open) => {
                assert!(self.opened.insert(id), "opened twice");
                self.piece(id, open.piece, open.end);
            }
            Event::Data(id, piece, end) => self.piece(id, piece, end),
            Event::Reply(token, reply) => {
                let answer = self.answers.entry(token).or_default();
                assert_eq!(reply.head.is_some(), answer.is_empty());
                answer.extend_from_slice(reply.piece);
                self.session.consumed(self.by_token[&token], reply.piece.len());
                if reply.end == End::Yes {
                    self.finished.push(token);
                }
            }
            Event::Failed(token, failure) => self.failed.push((token, failure)),
            _ => {}
        }
    }

    fn piece(&mut self, id: ExchangeId, piece: &[u8], end: End) {
        let body = self.bodies.entry(id).or_default();
        body.extend_from_slice(piece);
        self.session.consumed(id, piece.len());
        if end == End::Yes {
            let body = self.bodies.remove(&id).unwrap();
            self.session.reply(id, &[&body], 1);
        }
    }
}

/// Exchanges that either end may have open.
const OPEN: u32 = 1024;

/// Both ends and the bytes between them.
struct World {
    now: Instant,
    ends: [Side_; 2],
    /// Bytes on their way from this end to the other.
    pipes: [Vec<u8>; 2],
}

impl World {
    fn new() -> World {
        let ends =
            [Side_::new(Side::Dialler, Credit::Automatic, OPEN), Side_::new(Side::Acceptor, Credit::ByOwner, OPEN)];
        World { now: Instant::now(), ends, pipes: [Vec::new(), Vec::new()] }
    }

    fn connected() -> World {
        World::with(feature::MODELS)
    }

    /// Ends that know these features, and pack where that is one of them.
    fn with(features: u64) -> World {
        let mut world = World::new();
        for (end, side, credit) in [(0, Side::Dialler, Credit::Automatic), (1, Side::Acceptor, Credit::ByOwner)] {
            let session = Session::new(side, credit, OPEN, OPEN, &Budget::new(1 << 30));
            world.ends[end].session = session.with(features);
        }
        world.reconnect(0);
        world
    }

    fn flush(&mut self, end: usize) {
        let pipe = &mut self.pipes[end];
        let unwritten = pipe.len();
        if self.ends[end].session.connected {
            self.ends[end].session.flush(self.now, unwritten, |parts| pipe.extend(parts.concat())).unwrap();
        }
    }

    fn deliver(&mut self, from: usize, len: usize) {
        let len = len.min(self.pipes[from].len());
        let bytes: Vec<u8> = self.pipes[from].drain(..len).collect();
        self.ends[1 - from].read.extend(bytes);
        self.ends[1 - from].take().unwrap();
    }

    fn cut(&mut self) {
        for end in 0..2 {
            self.ends[end].session.disconnect(self.now);
            self.pipes[end].clear();
            self.ends[end].read.clear();
        }
    }

    /// The dialler comes back. Its old connection brings `late` more bytes to the acceptor after that one has said what it has.
    fn reconnect(&mut self, late: usize) {
        self.ends[0].session.disconnect(self.now);
        let positions = [self.ends[0].session.received(), self.ends[1].session.received()];
        self.deliver(0, late);
        self.cut();
        for end in 0..2 {
            let pipe = &mut self.pipes[end];
            let peer_received = positions[1 - end];
            self.ends[end]
                .session
                .connect(self.now, positions[end], peer_received, |bytes| pipe.extend_from_slice(bytes))
                .unwrap();
        }
    }

    fn settle(&mut self) {
        for _ in 0..2000 {
            for end in 0..2 {
                self.flush(end);
                self.deliver(end, usize::MAX);
            }
            let idle = self.ends.iter().all(|end| end.session.exchanges() == 0 && end.session.held_len() == 0);
            if idle && self.pipes.iter().all(Vec::is_empty) {
                return;
            }
        }
        panic!(
            "does not come to rest: {:?}",
            self.ends.each_ref().map(|end| (end.session.exchanges(), end.session.held_len()))
        );
    }
}

fn head(remaining_ms: u32, flags: Flags) -> Vec<u8> {
    let mut out = Vec::new();
    Head { remaining_ms, flags, service: "a.B", method: "c", ..Head::default() }.encode_into(&mut out).unwrap();
    out
}

fn body(token: u64, len: usize) -> Vec<u8> {
    static PATTERN: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..5_300_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect());
    let from = token as usize % 251;
    let mut body = PATTERN[from..from + len].to_vec();
    // Much of a call is as in the one before, at both ends of it.
    if len > 300 && !token.is_multiple_of(5) {
        body[..4].fill(7);
        body[16..140].fill(token as u8 % 2);
        body[len - 100..].fill(9);
    }
    body
}

#[derive(Debug, Clone)]
enum Step {
    Open(usize, usize),
    Flush(usize),
    Deliver(usize, usize),
    Cut,
    Reconnect(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![4 => 1usize..500, 1 => 60_000usize..70_000, 1 => 200_000usize..700_000];
    prop_oneof![
        4 => (0usize..2, len).prop_map(|(end, len)| Step::Open(end, len)),
        4 => (0usize..2).prop_map(Step::Flush),
        4 => (0usize..2, prop_oneof![1usize..100, 1usize..200_000]).prop_map(|(end, len)| Step::Deliver(end, len)),
        1 => Just(Step::Cut),
        2 => prop_oneof![Just(0usize), 1usize..100_000].prop_map(Step::Reconnect),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cut_everything_arrives_once(features in 0..=feature::KNOWN, steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::with(features);
        let mut sent: [Vec<(u64, usize)>; 2] = Default::default();
        for step in steps {
            match step {
                Step::Open(end, len) => {
                    let token = sent[end].len() as u64;
                    if world.ends[end].open(world.now, token, &body(token, len)).is_ok() {
                        sent[end].push((token, len));
                    }
                }
                Step::Flush(end) => world.flush(end),
                Step::Deliver(from, len) => world.deliver(from, len),
                Step::Cut => world.cut(),
                Step::Reconnect(late) => world.reconnect(late),
            }
        }
        world.reconnect(0);
        world.settle();
        for (end, sent) in sent.iter().enumerate() {
            let seen = &world.ends[end];
            prop_assert!(seen.failed.is_empty());
            prop_assert_eq!(seen.finished.iter().collect::<BTreeSet<_>>().len(), seen.finished.len());
            prop_assert_eq!(seen.finished.len(), sent.len());
            prop_assert_eq!(world.ends[1 - end].opened.len(), sent.len());
            for (token, len) in sent {
                prop_assert!(seen.answers[token] == body(*token, *len));
            }
            let session = &seen.session;
            prop_assert_eq!((session.bulk.len(), session.waiting.len() + session.one_ways.len(), session.accepted.len()), (0, 0, 0));
        }
    }

    #[test]
    fn a_session_that_is_lost_fails_each_open_exchange_once(steps in prop::collection::vec(step(), 1..60), knows: bool) {
        let mut world = World::connected();
        let mut tokens = [0u64; 2];
        for step in steps {
            match step {
                Step::Open(end, len) => {
                    if world.ends[end].open(world.now, tokens[end], &body(1, len)).is_ok() {
                        tokens[end] += 1;
                    }
                }
                Step::Flush(end) => world.flush(end),
                Step::Deliver(from, len) => world.deliver(from, len),
                Step::Cut => world.cut(),
                Step::Reconnect(late) => world.reconnect(late),
            }
        }
        for (end, tokens) in tokens.into_iter().enumerate() {
            let received = world.ends[1 - end].session.received();
            let other = &world.ends[1 - end];
            // What the other end has whole, and so may have run.
            let whole: BTreeSet<ExchangeId> = other.opened.iter().filter(|id| !other.bodies.contains_key(id)).copied().collect();
            let (failed, _) = world.ends[end].session.end("gone", knows.then_some(received));
            let seen = &world.ends[end];
            let ended: BTreeSet<u64> = seen.finished.iter().copied().chain(failed.iter().map(|(token, _)| *token)).collect();
            prop_assert_eq!(ended.len(), seen.finished.len() + failed.len());
            prop_assert_eq!(ended.len() as u64, tokens);
            for (token, failure) in failed {
                let may_have_run = whole.contains(&seen.by_token[&token]);
                prop_assert!(!may_have_run || failure.outcome == Outcome::Unknown, "ran, and {:?}", failure.outcome);
                prop_assert!(may_have_run || !knows || failure.outcome == Outcome::NotSent, "cannot have run, and {:?}", failure.outcome);
            }
        }
    }

    #[test]
    fn no_bytes_of_a_peer_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), kinds in prop::collection::vec((1u8..15, 0u64..6, any::<bool>()), 0..20)) {
        let mut world = World::connected();
        world.ends[0].open(world.now, 0, b"x").unwrap();
        world.flush(0);
        let mut at = 0;
        for (kind, exchange, end) in kinds {
            let payload = &bytes[at.min(bytes.len())..(at + 40).min(bytes.len())];
            at += 20;
            let mut out = Vec::new();
            record::push(&mut out, RecordType::Notice, if end { End::Yes } else { End::No }, exchange, &[payload]);
            out[0] = kind;
            world.ends[0].read.extend(out);
            if world.ends[0].take().is_err() {
                return Ok(());
            }
        }
    }
}

#[test]
fn a_one_way_call_that_never_got_to_a_connection_was_not_sent() {
    let mut world = World::connected();
    let open = |world: &mut World, token| {
        world.ends[0].session.open(world.now, &head(60_000, Flags::ONE_WAY), &[b"x"], token).unwrap();
    };
    open(&mut world, 1);
    world.flush(0);
    assert_eq!(world.ends[0].session.take_sent(), [1]);
    open(&mut world, 2);
    let (failed, _) = world.ends[0].session.end("gone", None);
    let failed: Vec<_> = failed.into_iter().map(|(token, failure)| (token, failure.outcome)).collect();
    assert_eq!(failed, [(2, Outcome::NotSent)]);
}

#[test]
fn what_the_peer_says_it_never_had_was_not_sent() {
    let mut world = World::connected();
    world.ends[0].open(world.now, 1, b"arrives").unwrap();
    world.flush(0);
    world.deliver(0, usize::MAX);
    world.ends[0].open(world.now, 2, b"lost on the way").unwrap();
    world.flush(0);
    world.ends[0].open(world.now, 3, b"never written").unwrap();
    world.cut();
    let received = world.ends[1].session.received();
    for (knows, outcomes) in [
        (Some(received), [Outcome::Unknown, Outcome::NotSent, Outcome::NotSent]),
        (None, [Outcome::Unknown, Outcome::Unknown, Outcome::NotSent]),
    ] {
        let mut world = World::connected();
        for token in 1..=3 {
            world.ends[0].open(world.now, token, b"x").unwrap();
            if token < 3 {
                world.flush(0);
            }
        }
        let (mut failed, _) = world.ends[0].session.end("gone", knows);
        failed.sort_by_key(|(token, _)| *token);
        assert_eq!(failed.iter().map(|(_, failure)| failure.outcome).collect::<Vec<_>>(), outcomes);
    }
}
