//! Two sessions and a connection that is cut wherever the script says: nothing is lost, nothing comes twice.
//!
//! Long because: one story after the other on the same pair of sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use wire::tunnel::head::Head;
use wire::tunnel::record::{self, Decoded};
use wire::tunnel::{Failure, Flags, Kind, Outcome, Record, Stage};

use super::*;

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
            session: Session::new(side, credit, exchanges, exchanges, &Budget::new(1 << 30)),
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
        let id = self.session.open(now, &head(60_000, Flags::default()), &[body], token)?;
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
                    let event = self.session.receive(record)?;
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

/// Both ends and the bytes between them.
/// Exchanges that either end may have open.
const OPEN: u32 = 1024;

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
        let mut world = World::new();
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
    PATTERN[from..from + len].to_vec()
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
    fn whatever_is_cut_everything_arrives_once(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::connected();
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
fn a_call_that_waits_for_credit_too_long_is_busy_and_was_not_sent() {
    let mut world = World::connected();
    let mut token = 1;
    // The other end reads nothing: credit runs out, for one-way calls first, then the room to wait.
    while world.ends[0].session.open(world.now, &head(60_000, Flags::ONE_WAY), &[&[0; 60_000]], 0).is_ok() {}
    while world.ends[0].session.waiting.is_empty() {
        let now = world.now;
        world.ends[0].open(now, token, &[0; 60_000]).unwrap();
        world.flush(0);
        token += 1;
    }
    let late = token;
    world.ends[0].session.open(world.now, &head(300, Flags::default()), &[b"impatient"], late).unwrap();
    assert!(world.ends[0].session.expire(world.now + Duration::from_millis(299)).is_empty());
    let failed = world.ends[0].session.expire(world.now + Duration::from_millis(300));
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].0, failed[0].1.kind, failed[0].1.outcome), (late, Kind::Overload, Outcome::NotSent));
    // The call in front has more time left than anybody waits for credit.
    let looks = (7..20).map(|looks| world.now + credit::WAITING_LIMIT / 20 * looks);
    for look in looks {
        assert_eq!(world.ends[0].session.expire(look), []);
    }
    let failed = world.ends[0].session.expire(world.now + credit::WAITING_LIMIT);
    assert_eq!(failed.iter().filter(|(token, _)| *token != 0).count(), 1);
    assert!(failed.len() > 1, "nor does a one-way call wait longer");
    world.deliver(0, usize::MAX);
    world.settle();
    assert!(world.ends[0].failed.is_empty());
}

/// A thread that had stood still told all who waited that the link is busy, before it read the credit that had come meanwhile.
#[test]
fn time_in_which_the_thread_stood_still_nobody_has_waited() {
    let mut world = World::connected();
    let mut token = 1;
    while world.ends[0].session.waiting.is_empty() {
        let now = world.now;
        world.ends[0].open(now, token, &[0; 60_000]).unwrap();
        world.flush(0);
        token += 1;
    }
    let at = |seconds: u64| world.now + Duration::from_secs(seconds);
    let (begun, back) = (at(0), at(5));
    assert_eq!(world.ends[0].session.expire(begun), []);
    // What is asked for in the turn in which it goes on knows only the time before it.
    let now = world.now;
    world.ends[0].open(now, token, &[0; 300]).unwrap();
    assert_eq!(world.ends[0].session.expire(back), []);
    assert_eq!(world.ends[0].session.expire(back + Duration::from_millis(100)), []);
    for look in 3..40 {
        world.ends[0].session.expire(back + Duration::from_millis(50 * look));
    }
    assert!(world.ends[0].session.waiting.is_empty(), "the next second counts");
}

/// A flood of one-way calls once took all of it, and who waited for an answer was told that the link is busy.
#[test]
fn a_full_waiting_room_answers_at_once_and_one_way_calls_never_fill_it() {
    let mut world = World::new();
    let mut token = 0;
    for (flags, wanted) in [(Flags::ONE_WAY, 30..40), (Flags::default(), 60..80)] {
        let mut opened = 0;
        let failure = loop {
            match world.ends[0].session.open(world.now, &head(60_000, flags), &[&[0; 60_000]], token) {
                Ok(_) => opened += 1,
                Err(failure) => break failure,
            }
            token += 1;
        };
        assert!(wanted.contains(&opened), "{opened} {flags:?}");
        assert_eq!((failure.kind, failure.outcome), (Kind::Overload, Outcome::NotSent));
    }
}

#[test]
fn a_flood_of_one_way_calls_holds_up_no_call_that_is_answered() {
    let mut world = World::connected();
    let mut sent = 0;
    // What went of it, and then as much as may wait.
    let failure = loop {
        match world.ends[0].session.open(world.now, &head(60_000, Flags::ONE_WAY), &[&[0; 10_000]], 0) {
            Ok(_) => sent += 1,
            Err(failure) => break failure,
        }
    };
    assert_eq!((failure.kind, failure.outcome), (Kind::Overload, Outcome::NotSent));
    assert!((510..=530).contains(&sent), "{sent}");
    for token in 1..=60 {
        world.ends[0].open(world.now, token, &[1; 10_000]).unwrap();
    }
    assert!(world.ends[0].session.waiting.is_empty(), "none of them waits behind the flood");
    world.settle();
    assert_eq!(world.ends[0].finished.len(), 60);
    assert!(world.ends[0].session.one_ways.is_empty(), "and the flood has passed behind them");
}

/// A path on which megabytes are under way: what is sent arrives twenty rounds later.
#[derive(Default)]
struct LongPath(VecDeque<Vec<u8>>);

impl LongPath {
    fn round(&mut self, world: &mut World, unwritten_len: usize) {
        let mut sent = Vec::new();
        world.ends[0].session.flush(world.now, unwritten_len, |parts| sent = parts.concat()).unwrap();
        self.0.push_back(sent);
        if self.0.len() > 20 {
            world.ends[1].read.extend(self.0.pop_front().unwrap());
            world.ends[1].take().unwrap();
        }
        world.flush(1);
        world.deliver(1, usize::MAX);
    }
}

/// They once went only while half of the window was free, which it hardly ever is beside many long bodies.
#[test]
fn one_way_calls_have_their_turn_beside_long_bodies_and_are_told_when_they_have_gone() {
    let mut world = World::connected();
    let mut path = LongPath::default();
    for token in 0..40 {
        world.ends[0].open(world.now, token, &body(token, 1_000_000)).unwrap();
    }
    for _ in 0..60 {
        path.round(&mut world, 0);
    }
    for token in 100..110 {
        world.ends[0].session.open(world.now, &head(60_000, Flags::ONE_WAY), &[&[0; 30_000]], token).unwrap();
    }
    assert!(world.ends[0].session.take_sent().is_empty());
    let mut sent = Vec::new();
    for _ in 0..60 {
        path.round(&mut world, 0);
        sent.extend(world.ends[0].session.take_sent());
    }
    assert!(!world.ends[0].session.ring.is_empty(), "the bodies still go");
    assert_eq!(sent, (100..110).collect::<Vec<u64>>());
}

#[test]
fn long_bodies_have_their_turn_beside_a_flood_of_one_way_calls() {
    let mut world = World::connected();
    let mut path = LongPath::default();
    let flood = |world: &mut World| {
        while world.ends[0].session.open(world.now, &head(60_000, Flags::ONE_WAY), &[&[0; 30_000]], 0).is_ok() {}
    };
    flood(&mut world);
    world.ends[0].open(world.now, 1, &body(1, 1_000_000)).unwrap();
    for _ in 0..400 {
        flood(&mut world);
        // There is room for one piece at a time.
        path.round(&mut world, credit::BULK_ROOM - 30_000);
    }
    assert!(world.ends[0].session.bulk.is_empty(), "{} bytes of the body wait", world.ends[0].session.bulk.len());
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
fn a_call_that_waited_for_a_connection_says_what_time_is_left() {
    let mut world = World::new();
    world.ends[0].session.open(world.now, &head(1000, Flags::default()), &[b"x"], 1).unwrap();
    world.now += Duration::from_millis(400);
    world.reconnect(0);
    world.flush(0);
    let Decoded::Record(record, _) = Record::decode(&world.pipes[0]).unwrap() else { panic!() };
    let (head, _) = Head::split(record.payload).unwrap();
    assert_eq!(Head::decode(head).unwrap().remaining_ms, 600);
    assert_eq!(world.ends[0].session.expire(world.now + Duration::from_secs(60)), []);
}

#[test]
fn small_calls_go_before_the_rest_of_a_long_body() {
    let mut world = World::connected();
    world.ends[0].open(world.now, 1, &body(1, 5_000_000)).unwrap();
    world.flush(0);
    assert!(world.pipes[0].len() < 512 * 1024, "{}", world.pipes[0].len());
    world.ends[0].open(world.now, 2, b"small").unwrap();
    world.flush(0);
    let mut bytes = &world.pipes[0][..];
    let mut before = 0;
    while let Decoded::Record(record, len) = Record::decode(bytes).unwrap() {
        if record.payload.ends_with(b"small") {
            break;
        }
        before += len;
        bytes = &bytes[len..];
    }
    assert!(!bytes.is_empty() && before < 512 * 1024, "{before}");
    world.settle();
    assert_eq!(world.ends[0].finished, [2, 1]);
}

#[test]
fn long_bodies_take_turns() {
    let mut world = World::connected();
    for token in 0..3 {
        world.ends[0].open(world.now, token, &body(token, 1_000_000)).unwrap();
    }
    world.flush(0);
    let mut bytes = &world.pipes[0][..];
    let mut order = Vec::new();
    while let Decoded::Record(record, len) = Record::decode(bytes).unwrap() {
        order.push(record.exchange);
        bytes = &bytes[len..];
    }
    assert!(order.len() >= 3 && order[0] != order[1] && order[1] != order[2] && order[0] != order[2], "{order:?}");
}

/// One record from the peer, as the first of its session.
fn first_record(kind: RecordType, end: End, exchange: u64, payload: &[u8]) -> Result<(), Violation> {
    let mut world = World::connected();
    let mut out = Vec::new();
    record::push(&mut out, kind, end, exchange, &[payload]);
    world.ends[0].read = out;
    world.ends[0].take()
}

#[test]
fn a_peer_that_breaks_a_rule_is_found_out() {
    let open = head(1000, Flags::default());
    let slot = |slot: u64| 1 << 25 | slot << 1 | 1;
    first_record(RecordType::Open, End::Yes, slot(0), &open).unwrap();
    let wrong = |result: Result<(), Violation>| result.unwrap_err();
    assert!(matches!(wrong(first_record(RecordType::Open, End::Yes, slot(0) - 1, &open)), Violation::WrongId(_)));
    assert!(matches!(wrong(first_record(RecordType::Open, End::Yes, 1, &open)), Violation::WrongId(1)));
    let too_many = wrong(first_record(RecordType::Open, End::Yes, slot(u64::from(OPEN)), &open));
    assert_eq!(too_many, Violation::TooMany { slot: OPEN as usize, limit: OPEN as usize });
    assert!(matches!(wrong(first_record(RecordType::Open, End::Yes, slot(0), b"no head")), Violation::Payload { .. }));
    assert!(matches!(wrong(first_record(RecordType::Reply, End::Yes, slot(0), &[0; 12])), Violation::Payload { .. }));
    assert_eq!(
        wrong(first_record(RecordType::Ack, End::No, 0, &9u64.to_be_bytes())),
        Violation::Acknowledged { count: 9, written: 0 }
    );
    assert_eq!(wrong(first_record(RecordType::Credit, End::No, 0, &1u32.to_be_bytes())), Violation::TooMuchCredit);
    assert!(matches!(wrong(first_record(RecordType::Inquire, End::No, 0, b"")), Violation::Payload { .. }));
}

#[test]
fn an_id_is_never_taken_twice() {
    let mut world = World::connected();
    let open = head(1000, Flags::default());
    let mut out = Vec::new();
    for _ in 0..2 {
        record::push(&mut out, RecordType::Open, End::Yes, 1 << 25 | 1, &[&open]);
        record::push(&mut out, RecordType::Cancel, End::Yes, 1 << 25 | 1, &[]);
    }
    world.ends[0].read = out;
    assert!(matches!(world.ends[0].take(), Err(Violation::WrongId(_))));
}

#[test]
fn a_peer_that_sends_without_credit_is_found_out() {
    let mut world = World::connected();
    let open = head(1000, Flags::default());
    let id = 1 << 25 | 1;
    let mut out = Vec::new();
    record::push(&mut out, RecordType::Open, End::No, id, &[&open, &[0; 65_536]]);
    for _ in 0..3 {
        record::push(&mut out, RecordType::Data, End::No, id, &[&[0; 65_536]]);
    }
    world.ends[0].session.credit = Credit::ByOwner;
    for chunk in out.chunks(70_000) {
        world.ends[0].read.extend_from_slice(chunk);
        let read = std::mem::take(&mut world.ends[0].read);
        let mut used = 0;
        while let Decoded::Record(record, len) = Record::decode(&read[used..]).unwrap() {
            world.ends[0].session.receive(record).unwrap();
            used += len;
        }
        world.ends[0].read = read[used..].to_vec();
    }
    let mut one_more = Vec::new();
    record::push(&mut one_more, RecordType::Data, End::No, id, &[b"x"]);
    world.ends[0].read = one_more;
    assert_eq!(world.ends[0].take(), Err(Violation::Overdrawn { len: 1, available: 0 }));
}

#[test]
fn a_peer_that_never_acknowledges_is_given_up() {
    let mut world = World::connected();
    let failure = Failure::new(Stage::Pick, Kind::NotOffered, Outcome::NotSent, "x".repeat(1000));
    let open = head(1000, Flags::default());
    let mut result = Ok(());
    for generation in 1..100_000u64 {
        let mut out = Vec::new();
        record::push(&mut out, RecordType::Open, End::Yes, generation << 25, &[&open]);
        let Decoded::Record(record, _) = Record::decode(&out).unwrap() else { panic!() };
        world.ends[1].session.receive(record).unwrap();
        world.ends[1].session.fail(ExchangeId(generation << 25), &failure);
        result = world.ends[1].session.flush(world.now, 0, |_| {});
        if result.is_err() {
            break;
        }
    }
    assert!(matches!(result, Err(Violation::Unacknowledged(_))), "{result:?}");
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

/// What time the calls say is left that open in these bytes.
fn remaining(mut bytes: &[u8]) -> Vec<u32> {
    let mut all = Vec::new();
    while let Decoded::Record(record, len) = Record::decode(bytes).unwrap() {
        if record.kind == RecordType::Open {
            let (head, _) = Head::split(record.payload).unwrap();
            all.push(Head::decode(head).unwrap().remaining_ms);
        }
        bytes = &bytes[len..];
    }
    all
}

#[test]
fn a_call_that_is_sent_again_says_what_time_is_left() {
    let mut world = World::connected();
    for (token, at) in [(1, 0), (2, 400)] {
        world.now += Duration::from_millis(at);
        world.ends[0].session.open(world.now, &head(1000, Flags::default()), &[b"x"], token).unwrap();
        world.flush(0);
    }
    for left in [[500, 900], [400, 800], [0, 0]] {
        world.now += Duration::from_millis(if left[0] == 0 { 5000 } else { 100 });
        world.reconnect(0);
        assert_eq!(remaining(&world.pipes[0]), left);
    }
}

#[test]
fn one_id_with_a_high_slot_takes_the_memory_of_a_page() {
    let limit = 1 << 18;
    let mut session = Session::new(Side::Acceptor, Credit::ByOwner, limit, limit, &Budget::new(1 << 30));
    let open = head(1000, Flags::default());
    for (opened, slot) in [(1, u64::from(limit) - 1), (2, 70_000)] {
        let mut out = Vec::new();
        record::push(&mut out, RecordType::Open, End::Yes, 1 << 25 | slot << 1, &[&open]);
        let Decoded::Record(record, _) = Record::decode(&out).unwrap() else { panic!() };
        session.receive(record).unwrap();
        assert_eq!(session.exchanges(), opened);
        assert!(session.accepted.slots_len() < 2048, "{}", session.accepted.slots_len());
    }
}

#[test]
fn pieces_that_go_straight_on_count_as_long_bodies_too() {
    let mut world = World::connected();
    world.flush(0);
    let (mut straight, piece) = (0, vec![7; 60_000]);
    for token in 0..20 {
        let head = head(60_000, Flags::default());
        straight += world.ends[0].session.open_streaming(world.now, &head, &piece, token).unwrap().1;
    }
    assert!((60_000..=credit::BULK_ROOM).contains(&straight), "{straight} bytes stand in front of small calls");
}

#[test]
fn a_call_that_waited_in_vain_makes_room_for_others() {
    let mut world = World::new();
    let short = head(100, Flags::default());
    while world.ends[0].session.open(world.now, &short, &[&[0; 60_000]], 1).is_ok() {}
    world.now += Duration::from_secs(1);
    assert!(world.ends[0].session.expire(world.now).len() > 60);
    assert_eq!(world.ends[0].session.waiting.len(), 0);
    world.ends[0].session.open(world.now, &short, &[&[0; 60_000]], 2).unwrap();
}

#[test]
fn a_flood_of_pings_is_answered_once_a_flush() {
    let mut world = World::connected();
    let mut out = Vec::new();
    for stamp in 0..1000u64 {
        record::push(&mut out, RecordType::Ping, End::No, 0, &[&stamp.to_be_bytes(), &[0; 100]]);
    }
    world.ends[1].read = out;
    world.ends[1].take().unwrap();
    world.flush(1);
    let Decoded::Record(record, len) = Record::decode(&world.pipes[1]).unwrap() else { panic!() };
    assert_eq!((record.kind, record.payload, len), (RecordType::Pong, &999u64.to_be_bytes()[..], world.pipes[1].len()));
}

#[test]
fn a_connection_that_does_not_move_is_given_nothing_more() {
    let mut world = World::connected();
    world.ends[0].open(world.now, 1, &body(1, 3_000_000)).unwrap();
    world.ends[0].open(world.now, 2, b"small").unwrap();
    world.ends[0].session.ping(7, &[]);
    let session = &mut world.ends[0].session;
    session.flush(world.now, credit::UNWRITTEN_LEN + 1, |_| panic!("written")).unwrap();
    let mut written = 0;
    session.flush(world.now, 0, |parts| written = parts.concat().len()).unwrap();
    assert!(written > 0);
}

/// A hub wrote down that a one-way call was late there. It had been gathered for a connection that took nothing, went out over the
/// next one with all of its time, and ran.
#[test]
fn a_call_that_was_gathered_for_a_connection_that_does_not_move_says_what_time_is_left() {
    for is_cut in [false, true] {
        let mut world = World::connected();
        let open = |world: &mut World, remaining_ms, flags, token| {
            let session = &mut world.ends[0].session;
            session.open(world.now, &head(remaining_ms, flags), &[b"x"], token).unwrap();
            session.flush(world.now, credit::UNWRITTEN_LEN + 1, |_| panic!("written")).unwrap();
        };
        open(&mut world, 1000, Flags::ONE_WAY, 1);
        world.now += Duration::from_millis(300);
        open(&mut world, 1000, Flags::default(), 2);
        world.now += Duration::from_millis(40);
        open(&mut world, 1000, Flags::ONE_WAY, 3);
        world.now += Duration::from_millis(400);
        if is_cut {
            world.reconnect(0);
        }
        world.now += Duration::from_millis(300);
        open(&mut world, 1000, Flags::default(), 4);
        world.flush(0);
        // What joins within 50 ms is of one moment.
        assert_eq!(remaining(&world.pipes[0]), [0, 260, 260, 1000]);
    }
}

#[test]
fn a_call_that_was_gathered_last_before_the_connection_was_lost_says_what_time_is_left() {
    let mut world = World::connected();
    world.ends[0].session.open(world.now, &head(1000, Flags::ONE_WAY), &[b"x"], 1).unwrap();
    world.cut();
    world.now += Duration::from_millis(700);
    world.reconnect(0);
    world.flush(0);
    assert_eq!(remaining(&world.pipes[0]), [300]);
}
