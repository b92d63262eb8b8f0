//! What time a call says is left, however long it was held on this side. Nothing here fails.

use super::*;

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
