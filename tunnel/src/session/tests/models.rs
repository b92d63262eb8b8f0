//! Calls that are said by models, between two sessions: what crosses, what a cut does to it, and what no peer gets away with.

use wire::tunnel::Said;

use super::*;
use crate::session::models::Unlike;

/// A frame: a header of 16 bytes with its number, what every call says, and what this one says.
fn frame(number: u64, own: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xda, 0xbb, 0xc2, 0];
    frame.extend(number.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend([b'l'; 200]);
    frame.extend_from_slice(own);
    frame.extend([b'a'; 100]);
    frame
}

/// How each call and answer in `pipe` is said.
fn said(mut pipe: &[u8]) -> Vec<(RecordType, Said, usize)> {
    let mut said = Vec::new();
    while let Ok(Decoded::Record(record, len)) = Record::decode(pipe) {
        if matches!(record.kind, RecordType::Open | RecordType::Reply) {
            said.push((record.kind, record.said, record.payload.len()));
        }
        pipe = &pipe[len..];
    }
    said
}

fn likes(said: &[(RecordType, Said, usize)]) -> usize {
    said.iter().filter(|(_, said, _)| matches!(said, Said::Like(_))).count()
}

#[test]
fn what_calls_and_answers_have_in_common_crosses_once() {
    let mut world = World::connected();
    for token in 0..10 {
        world.ends[0].open(world.now, token, &frame(token, &[token as u8; 3])).unwrap();
    }
    world.flush(0);
    let calls = said(&world.pipes[0]);
    assert!(matches!(calls[0], (RecordType::Open, Said::AsModel(_), len) if len > 300), "{calls:?}");
    assert_eq!(likes(&calls), 9);
    assert!(calls[1..].iter().all(|call| call.2 == 4 + 24 + 12 + 3), "{calls:?}");
    world.deliver(0, usize::MAX);
    world.flush(1);
    let answers = said(&world.pipes[1]);
    assert_eq!((answers.len(), likes(&answers)), (10, 9));
    assert!(answers[1..].iter().all(|answer| answer.2 == 4 + 8 + 12 + 3), "{answers:?}");
    world.settle();
    for token in 0..10 {
        assert_eq!(world.ends[0].answers[&token], frame(token, &[token as u8; 3]));
    }
    let [first, second] = &world.ends;
    assert_eq!(first.session.saved(), [second.session.saved()[1], second.session.saved()[0]]);
    assert!(first.session.saved()[0] > 9 * 300);
}

#[test]
fn the_window_counts_what_was_meant_and_not_what_crossed() {
    let mut world = World::connected();
    for token in 0..3000 {
        world.ends[0].open(world.now, token, &frame(token, &[b'o'; 1000])).unwrap();
        if token % 100 == 0 {
            world.settle();
        }
    }
    world.settle();
    let [first, second] = &world.ends;
    assert!(first.session.saved()[0] > 3000 * 300);
    for (sender, taker) in [(first, second), (second, first)] {
        let owed = credit::SESSION_WINDOW - sender.session.window;
        assert!(owed < credit::SESSION_WINDOW / 4, "{owed} bytes of credit are lost");
        assert_eq!(taker.session.incoming.unconsumed(), 0);
    }
}

#[test]
fn a_link_that_did_not_agree_has_no_models() {
    let mut world = World::new();
    let old = Session::new(Side::Dialler, Credit::Automatic, OPEN, OPEN, &Budget::new(1 << 30));
    world.ends[0].session = old;
    world.reconnect(0);
    for token in 0..3 {
        world.ends[0].open(world.now, token, &frame(token, b"own")).unwrap();
    }
    world.flush(0);
    assert!(said(&world.pipes[0]).iter().all(|(_, said, _)| *said == Said::Whole));
    world.deliver(0, usize::MAX);
    world.flush(1);
    assert!(said(&world.pipes[1]).iter().all(|(_, said, _)| *said == Said::Whole), "no model to say an answer by");
}

#[test]
fn what_was_said_by_a_model_has_its_time_lowered_when_it_is_sent_again() {
    let mut world = World::connected();
    for token in 0..2 {
        world.ends[0].open(world.now, token, &frame(token, b"own")).unwrap();
    }
    world.flush(0);
    assert_eq!(likes(&said(&world.pipes[0])), 1);
    world.now += Duration::from_secs(10);
    world.reconnect(0);
    let mut left = Vec::new();
    let (pipe, mut at, mut room) = (world.pipes[0].clone(), 0, Room::default());
    while let Ok(Decoded::Record(record, len)) = Record::decode(&pipe[at..]) {
        if let Event::Opened(_, open) = world.ends[1].session.receive(record, &mut room).unwrap() {
            assert_eq!(open.piece.len(), frame(0, b"own").len());
            left.push(Head::decode(open.head).unwrap().remaining_ms);
        }
        at += len;
    }
    assert_eq!(left, [50_000; 2]);
}

#[test]
fn what_a_new_connection_repeats_is_not_said_by_models_that_came_later() {
    let mut world = World::connected();
    world.ends[0].open(world.now, 0, &frame(0, b"own")).unwrap();
    world.flush(0);
    world.deliver(0, usize::MAX);
    world.ends[0].open(world.now, 1, &frame(1, b"own")).unwrap();
    // None of these is like the model, until one of them takes its place.
    for token in 2..10 {
        world.ends[0].open(world.now, token, &[token as u8; 20]).unwrap();
    }
    world.flush(0);
    let calls = said(&world.pipes[0]);
    assert!(matches!(calls[0].1, Said::Like(_)), "{calls:?}");
    assert!(calls[1..].iter().any(|call| matches!(call.1, Said::AsModel(_))), "{calls:?}");
    // The acceptor has said that it has the first alone; then all of them came, and now they come again.
    world.reconnect(usize::MAX);
    assert_eq!(said(&world.pipes[0]).len(), 9);
    world.settle();
    assert_eq!(world.ends[0].finished.len(), 10);
    assert_eq!(world.ends[0].answers[&1], frame(1, b"own"));
}

fn marked(out: &mut Vec<u8>, said: Said, exchange: u64, payload: &[u8]) {
    let at = out.len();
    record::push(out, RecordType::Open, End::Yes, exchange, &[payload]);
    record::mark(&mut out[at..], said);
}

#[test]
fn a_peer_that_says_what_no_model_has_is_found_out() {
    let first = |said, payload: &[u8], features| {
        let mut world = World::connected();
        let acceptor = Session::new(Side::Acceptor, Credit::ByOwner, OPEN, OPEN, &Budget::new(1 << 30));
        world.ends[1].session = acceptor.with(features);
        marked(&mut world.ends[1].read, said, 1 << 25, payload);
        world.ends[1].take()
    };
    let whole = [head(1000, Flags::default()), frame(1, b"own")].concat();
    assert_eq!(first(Said::AsModel(3), &whole, feature::KNOWN), Ok(()));
    assert_eq!(first(Said::AsModel(3), &whole, 0), Err(Unlike::NotAgreed.into()));
    assert_eq!(first(Said::Like(3), &[0; 40], feature::KNOWN), Err(Unlike::Unknown(3).into()));
    let no_model = first(Said::AsModel(3), &head(1000, Flags::default()), feature::KNOWN);
    assert!(matches!(no_model, Err(Violation::Unlike(Unlike::Wrong(_)))), "{no_model:?}");

    let mut world = World::connected();
    marked(&mut world.ends[1].read, Said::AsModel(3), 1 << 25, &whole);
    world.ends[1].take().unwrap();
    let mut too_much = vec![0xff; 4];
    too_much.extend([0; 36]);
    marked(&mut world.ends[1].read, Said::Like(3), 2 << 25, &too_much);
    assert!(matches!(world.ends[1].take(), Err(Violation::Unlike(Unlike::Wrong(_)))));
}

#[test]
fn a_peer_that_fills_all_models_takes_what_is_counted_and_no_more() {
    let mut world = World::connected();
    let before = world.ends[1].session.kept_len();
    let mut id = 0;
    let long = [head(1000, Flags::ONE_WAY), vec![7; 60_000]].concat();
    for _ in 0..3 {
        for number in 0..128 {
            id += 1 << 25;
            marked(&mut world.ends[1].read, Said::AsModel(number), id, &long);
            world.ends[1].take().unwrap();
        }
    }
    let kept = world.ends[1].session.kept_len() - before;
    assert!((128 * 2000..450_000).contains(&kept), "{kept}");
}

#[test]
fn kinds_of_calls_that_share_a_place_do_not_push_each_other_out() {
    let mut world = World::connected();
    let mut crossed = Vec::new();
    for token in 0..600u64 {
        let mut head = Vec::new();
        let method = format!("method{}", token % 300);
        Head { remaining_ms: 60_000, service: "a.B", method: &method, ..Head::default() }
            .encode_into(&mut head)
            .unwrap();
        let id = world.ends[0].session.open(world.now, &head, &[&frame(token, b"own")], token).unwrap();
        world.ends[0].by_token.insert(token, id);
        world.flush(0);
        crossed.extend(said(&world.pipes[0]));
        world.deliver(0, usize::MAX);
        world.settle();
    }
    // 300 kinds in 128 places: whoever has one goes on having it.
    let like = likes(&crossed[300..]);
    assert!(like > 90, "{like} of 300 in the second round");
}
