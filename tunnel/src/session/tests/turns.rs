//! Who goes first where there is not room for all, and who waits for how long: calls, one-way calls, long bodies. Nobody here breaks a rule.

use super::*;

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
