//! What a peer may not do, and what it cannot make a session keep. No connection is cut here.

use super::*;

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
            world.ends[0].session.receive(record, &mut Room::default()).unwrap();
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
        world.ends[1].session.receive(record, &mut Room::default()).unwrap();
        world.ends[1].session.fail(ExchangeId(generation << 25), &failure);
        result = world.ends[1].session.flush(world.now, 0, |_| {});
        if result.is_err() {
            break;
        }
    }
    assert!(matches!(result, Err(Violation::Unacknowledged(_))), "{result:?}");
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
        session.receive(record, &mut Room::default()).unwrap();
        assert_eq!(session.exchanges(), opened);
        assert!(session.accepted.slots_len() < 2048, "{}", session.accepted.slots_len());
    }
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
    let wanted = [&999u64.to_be_bytes()[..], &[0; 100]].concat();
    assert_eq!((record.kind, record.payload, len), (RecordType::Pong, &wanted[..], world.pipes[1].len()));
}
