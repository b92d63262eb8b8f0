//! Calls that are packed, between two sessions: what crosses, what a cut does to it, what is left alone, and what no peer gets away with.

use wire::tunnel::record::MAX_PAYLOAD_LEN;
use wire::tunnel::{Beside, Packed, PackedError, Said};

use super::*;
use crate::session::packing::{Unpackable, WORTH_IT};
use crate::session::{Packs, Room, feature};

const BOTH: u64 = feature::MODELS | feature::PACKING;

/// A frame as an application's are: names, and among them values of its own, of which `own` bytes cannot be made shorter.
fn frame(number: u64, own: usize) -> Vec<u8> {
    let mut frame = vec![0xda, 0xbb, 0xc2, 0];
    frame.extend(number.to_be_bytes());
    frame.extend([0; 4]);
    let mut chance = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for field in ["com.acme.ware.WarehouseDTO", "quantityOnShelf", "lastCountedBy", "shelfLabel"].repeat(6) {
        frame.extend(field.as_bytes());
        frame.extend(format!("{:08}", chance >> 40).as_bytes());
        chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
    }
    for _ in 0..own {
        chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        frame.push((chance >> 56) as u8);
    }
    frame
}

/// How each call and answer in `pipe` is said, whether it is packed, and how long it is.
fn said(mut pipe: &[u8]) -> Vec<(Said, bool, usize)> {
    let mut said = Vec::new();
    while let Ok(Decoded::Record(record, len)) = Record::decode(pipe) {
        if matches!(record.kind, RecordType::Open | RecordType::Reply) {
            said.push((record.said, record.packed, record.payload.len()));
        }
        pipe = &pipe[len..];
    }
    said
}

#[test]
fn calls_and_answers_are_packed_beside_their_model_or_without_one() {
    for features in [BOTH, feature::PACKING] {
        let mut world = World::with(features);
        for token in 0..20 {
            world.ends[0].open(world.now, token, &frame(token, 0)).unwrap();
        }
        world.flush(0);
        let calls = said(&world.pipes[0]);
        assert!(calls.iter().all(|(_, packed, _)| *packed), "{calls:?}");
        assert_eq!(
            calls.iter().filter(|(said, ..)| matches!(said, Said::Like(_))).count(),
            usize::from(features == BOTH) * 19
        );
        world.deliver(0, usize::MAX);
        world.flush(1);
        assert!(said(&world.pipes[1]).iter().all(|(_, packed, _)| *packed));
        world.settle();
        for token in 0..20 {
            assert_eq!(world.ends[0].answers[&token], frame(token, 0));
        }
        let [first, second] = &world.ends;
        assert_eq!(first.session.packed(), [second.session.packed()[1], second.session.packed()[0]]);
        let [out, back] = first.session.packed();
        let whole = 20 * frame(0, 0).len() as u64;
        assert!(out > whole / 2 && back > whole / 2, "{out} and {back} of {whole}");
        for (sender, taker) in [(first, second), (second, first)] {
            assert!(credit::SESSION_WINDOW - sender.session.window < credit::SESSION_WINDOW / 4);
            assert_eq!(taker.session.incoming.unconsumed(), 0);
        }
    }
}

#[test]
fn a_plain_call_and_its_answer_cross_as_they_are_among_others_that_do_not() {
    for features in [BOTH, feature::PACKING, feature::MODELS] {
        let mut world = World::with(features);
        let is_plain = |token: usize| token % 3 == 1;
        for token in 0..30 {
            let flags = if is_plain(token) { Flags::PLAIN } else { Flags::default() };
            world.ends[0].open_as(flags, world.now, token as u64, &frame(token as u64, 0)).unwrap();
        }
        world.flush(0);
        let calls = said(&world.pipes[0]);
        world.deliver(0, usize::MAX);
        world.flush(1);
        for way in [calls, said(&world.pipes[1])] {
            assert_eq!(way.len(), 30);
            assert!(way.iter().any(|(how, packed, _)| *packed || *how != Said::Whole));
            for (token, (how, packed, len)) in way.into_iter().enumerate() {
                let is_whole = how == Said::Whole && !packed && len > frame(0, 0).len();
                // Without packing some of the others are whole as well: those that are like no model.
                let expected = is_plain(token) || is_whole && features == feature::MODELS;
                assert_eq!(is_whole, expected, "{token} of {features}: {how:?}, {packed}, {len}");
            }
        }
        world.settle();
        for token in 0..30 {
            assert_eq!(world.ends[0].answers[&token], frame(token, 0));
        }
    }
}

#[test]
fn beside_its_model_a_call_is_shorter_than_by_the_dictionary_alone() {
    let len = |features| {
        let mut world = World::with(features);
        for token in 0..10 {
            world.ends[0].open(world.now, token, &frame(token, 0)).unwrap();
        }
        world.flush(0);
        said(&world.pipes[0])[9].2
    };
    assert!(len(BOTH) + 50 < len(feature::PACKING), "{} and {}", len(BOTH), len(feature::PACKING));
}

#[test]
fn what_does_not_get_shorter_goes_as_it_is_and_is_rarely_tried() {
    let mut world = World::with(feature::PACKING);
    let mut chance = 7u64;
    let mut noise = || {
        let mut next = || {
            chance = chance.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (chance >> 56) as u8
        };
        (0..2000).map(|_| next()).collect::<Vec<u8>>()
    };
    let mut packed = Vec::new();
    for token in 0..3000 {
        let bytes = noise();
        world.ends[0].open(world.now, token, &bytes).unwrap();
        world.flush(0);
        packed.extend(said(&world.pipes[0]).iter().map(|(_, packed, _)| *packed));
        world.settle();
        assert!(world.ends[0].answers[&token] == bytes);
    }
    assert!(packed.len() == 3000 && packed.iter().all(|packed| !packed));
    assert_eq!(world.ends[0].session.packed(), [0, 0]);
    // Now that it could be shorter, nobody has looked: the last try was less than 1024 records ago.
    let mut until_packed = 0;
    while world.ends[0].session.packed()[0] == 0 {
        until_packed += 1;
        assert!(until_packed <= 1025, "it is tried again some time");
        world.ends[0].open(world.now, 3000 + until_packed, &frame(1, 0)).unwrap();
        world.settle();
    }
    assert!(until_packed > 16, "{until_packed}");
    // And what got shorter is not left alone.
    for token in 0..20 {
        let before = world.ends[0].session.packed()[0];
        world.ends[0].open(world.now, 10_000 + token, &frame(token, 0)).unwrap();
        world.settle();
        assert!(world.ends[0].session.packed()[0] > before);
    }
}

#[test]
fn what_is_short_is_left_as_it_is() {
    let mut world = World::with(feature::PACKING);
    world.ends[0].open(world.now, 0, &[b'a'; WORTH_IT / 2]).unwrap();
    world.ends[0].open(world.now, 1, &[b'a'; 2 * WORTH_IT]).unwrap();
    world.flush(0);
    assert_eq!(said(&world.pipes[0]).iter().map(|(_, packed, _)| *packed).collect::<Vec<_>>(), [false, true]);
    world.settle();
    assert_eq!(world.ends[0].answers[&1], [b'a'; 2 * WORTH_IT]);
}

#[test]
fn what_was_packed_has_its_time_lowered_when_it_is_sent_again() {
    for features in [BOTH, feature::PACKING] {
        let mut world = World::with(features);
        for token in 0..2 {
            world.ends[0].open(world.now, token, &frame(token, 0)).unwrap();
        }
        world.flush(0);
        assert!(said(&world.pipes[0]).iter().all(|(_, packed, _)| *packed));
        world.now += Duration::from_secs(10);
        world.reconnect(0);
        let mut left = Vec::new();
        let (pipe, mut at, mut room) = (world.pipes[0].clone(), 0, Room::default());
        while let Ok(Decoded::Record(record, len)) = Record::decode(&pipe[at..]) {
            if let Event::Opened(_, open) = world.ends[1].session.receive(record, &mut room).unwrap() {
                assert_eq!(open.piece, frame(left.len() as u64, 0));
                left.push(Head::decode(open.head).unwrap().remaining_ms);
            }
            at += len;
        }
        assert_eq!(left, [50_000; 2]);
    }
}

/// A model that took another's place at both ends is what the next call is packed beside, at both ends.
#[test]
fn a_model_in_the_place_of_another_is_packed_beside_from_then_on() {
    let mut world = World::with(BOTH);
    let mut token = 0;
    for turn in 0..3u8 {
        let other = |number: u64| {
            let mut frame = frame(number, 0);
            frame[3] = turn;
            // The same names elsewhere: what is packed beside another model comes out as something else.
            frame[16..].rotate_left(41 * usize::from(turn));
            frame
        };
        for _ in 0..30 {
            world.ends[0].open(world.now, token, &other(token)).unwrap();
            world.settle();
            assert_eq!(world.ends[0].answers[&token], other(token));
            token += 1;
        }
    }
}

#[test]
fn a_model_that_came_while_nothing_was_packed_is_what_is_packed_beside_later() {
    let mut world = World::with(BOTH);
    let mut token = 0;
    let mut calls = |world: &mut World, turn: u8, count: u64| {
        let before = world.ends[0].session.packed()[0];
        for _ in 0..count {
            let mut frame = frame(token, 0);
            frame[3] = turn;
            // The same names elsewhere: what is packed beside another model comes out as something else.
            frame[16..].rotate_left(41 * usize::from(turn));
            world.ends[0].open(world.now, token, &frame).unwrap();
            world.settle();
            assert_eq!(world.ends[0].answers[&token], frame);
            token += 1;
        }
        world.ends[0].session.packed()[0] - before
    };
    assert!(calls(&mut world, 0, 30) > 0);
    world.ends[0].session.pack(Packs::Nothing);
    assert_eq!((world.ends[0].session.packs(), calls(&mut world, 1, 300)), (false, 0));
    world.ends[0].session.pack(Packs::Calls);
    assert!(world.ends[0].session.packs() && calls(&mut world, 1, 30) > 0);
}

fn put(out: &mut Vec<u8>, said: Said, exchange: u64, payload: &[u8]) {
    let at = out.len();
    record::push(out, RecordType::Open, End::Yes, exchange, &[payload]);
    record::mark(&mut out[at..], said);
    record::mark_packed(&mut out[at..]);
}

#[test]
fn a_peer_that_says_what_cannot_be_unpacked_is_found_out() {
    let first = |said, payload: &[u8], features| {
        let mut world = World::with(features);
        put(&mut world.ends[1].read, said, 1 << 25, payload);
        world.ends[1].take()
    };
    // A good one, as a session says it.
    let mut world = World::with(feature::PACKING);
    world.ends[0].open(world.now, 0, &frame(0, 0)).unwrap();
    world.flush(0);
    let Ok(Decoded::Record(record, _)) = Record::decode(&world.pipes[0]) else { panic!("no record") };
    let good = record.payload.to_vec();
    let len = Packed::decode(&good).unwrap().len;
    assert_eq!(first(Said::Whole, &good, BOTH), Ok(()));
    assert_eq!(first(Said::Whole, &good, feature::MODELS), Err(Unpackable::NotAgreed.into()));
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        first(Said::Whole, &bytes, BOTH)
    };
    assert_eq!(with(0, 2), Err(Unpackable::Dictionary(2).into()));
    assert_eq!(with(0, 0x81), Err(Unpackable::NoModel.into()), "beside a model, and none is said");
    assert_eq!(with(5, good[5] - 1), Err(Unpackable::Bytes(len - 1).into()), "a byte longer than it says");
    assert_eq!(with(5, good[5] + 1), Err(Unpackable::Bytes(len + 1).into()), "a byte shorter than it says");
    assert_eq!(with(2, 1), Err(Unpackable::Head(PackedError::Length { len: (1 << 24) + len, plain: 36 }).into()));
    let garbage = [&good[..42], &[0xee; 60]].concat();
    assert_eq!(first(Said::Whole, &garbage, BOTH), Err(Unpackable::Bytes(len).into()));
    assert_eq!(first(Said::Whole, &good[..5], BOTH), Err(Unpackable::Head(PackedError::Short(5)).into()));
    let lost = [&Packed::head(1, Beside::Model, 4, 100)[..], &[0; 40]].concat();
    assert_eq!(first(Said::Like(3), &lost, BOTH), Err(Unpackable::NoModel.into()), "beside a model that was not kept");
    // As much as a record may be and not a byte more, out of next to nothing: it is bounded, and counts against credit in full.
    let mut bomb = Vec::new();
    let mut head = head(1000, Flags::default());
    head.resize(MAX_PAYLOAD_LEN, 0);
    assert!(packed_whole(&head, &mut bomb) < 200, "{}", bomb.len());
    let mut session = World::with(BOTH).ends.into_iter().nth(1).unwrap().session;
    let (mut taken, mut room) = (0, Room::default());
    let refused = (0..).find_map(|slot| {
        let mut bytes = Vec::new();
        record::push(&mut bytes, RecordType::Open, End::No, 1 << 25 | slot << 1, &[&bomb]);
        record::mark_packed(&mut bytes);
        let Ok(Decoded::Record(record, _)) = Record::decode(&bytes) else { panic!("no record") };
        taken += MAX_PAYLOAD_LEN;
        session.receive(record, &mut room).err()
    });
    assert!(matches!(refused, Some(Violation::Overdrawn { .. })), "{refused:?}");
    assert!(taken <= credit::SESSION_WINDOW + 2 * MAX_PAYLOAD_LEN, "{taken}");
}

/// The payload of a call as a session packs it.
fn packed_whole(payload: &[u8], out: &mut Vec<u8>) -> usize {
    let mut batch = Vec::new();
    record::push(&mut batch, RecordType::Open, End::Yes, 2, &[payload]);
    Packing::new().pack(&mut batch, 0, RecordType::Open, None);
    let Ok(Decoded::Record(record, _)) = Record::decode(&batch) else { panic!("no record") };
    assert!(record.packed);
    out.extend_from_slice(record.payload);
    out.len()
}

#[test]
fn a_peer_that_packs_beside_every_model_makes_this_end_keep_a_few_of_what_it_takes() {
    let mut world = World::with(BOTH);
    let (mut id, mut largest) = (0, 0);
    for number in 0..128 {
        let whole = [head(1000, Flags::ONE_WAY), frame(number, 0)].concat();
        id += 1 << 25;
        let at = world.ends[1].read.len();
        record::push(&mut world.ends[1].read, RecordType::Open, End::Yes, id, &[&whole]);
        record::mark(&mut world.ends[1].read[at..], Said::AsModel(number as u16));
        id += 1 << 25;
        // Nothing is packed, and the way to it is made ready all the same.
        let payload = [&Packed::head(1, Beside::Model, 40, 40)[..], &[0; 40]].concat();
        put(&mut world.ends[1].read, Said::Like(number as u16), id, &payload);
        let before = world.ends[1].session.kept_len();
        if let Err(why) = world.ends[1].take() {
            assert_eq!(why, Unpackable::Bytes(40).into());
        }
        largest = largest.max(world.ends[1].session.kept_len().saturating_sub(before));
    }
    let kept = world.ends[1].session.unpacking.as_ref().unwrap().kept_len();
    assert!(largest > 20_000 && kept < 16 * 48 * 1024, "{largest} and {kept}");
}
