//! What holds of models: the same bytes come out, and nobody gets more of a model than it has.

use proptest::prelude::*;

use super::*;
use crate::tunnel::head::Stamp;
use crate::tunnel::reply::ReplyHead;

fn open(counter: u64, trace: &str, source: &str, body: &[u8]) -> Vec<u8> {
    let head = Head {
        remaining_ms: counter as u32,
        body_len: body.len() as u32,
        stamp: Stamp { start: 7, counter },
        destination: "shanghai",
        source,
        service: "com.example.GreetingService",
        method: "sayHello",
        traceparent: trace,
        ..Head::default()
    };
    let mut out = Vec::new();
    head.encode_into(&mut out).unwrap();
    out.extend_from_slice(body);
    out
}

fn reply(us: u32, body: &[u8]) -> Vec<u8> {
    let mut out = ReplyHead { body_len: body.len() as u32, provider_us: us }.encode().to_vec();
    out.extend_from_slice(body);
    out
}

fn frame(id: u64, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![0xda, 0xbb, 0xc2, 0];
    out.extend(id.to_be_bytes());
    out.extend((body.len() as u32).to_be_bytes());
    out.extend(body);
    out
}

/// What crosses, if it can be said by the model; it is put together again on the way.
fn through(model: &Model, payload: &[u8]) -> Option<usize> {
    let common = model.common(payload)?;
    let mut sent = b"before".to_vec();
    sent.extend_from_slice(payload);
    model.shorten(&mut sent, 6, common);
    assert_eq!(&sent[..6], b"before");
    assert_eq!(sent.len() - 6, payload.len() - common.saved_len);
    let mut again = b"left over".to_vec();
    model.put_together(&sent[6..], &mut again).unwrap();
    assert_eq!(again, payload);
    Some(sent.len() - 6)
}

const LEADING: &[u8] = b"\x052.0.2\x1bcom.example.GreetingService\x050.0.0\x08sayHello\x12Ljava/lang/String;";
const ATTACHED: &[u8] = b"H\x04path\x1bcom.example.GreetingService\x12remote.application\x04shopZ";
const TRACES: [&str; 2] = [
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
];

#[test]
fn only_numbers_and_arguments_of_a_call_cross() {
    let model = Model::keep(RecordType::Open, &open(1, "", "", &frame(1, &[LEADING, b"\x03Ann", ATTACHED]))).unwrap();
    let next = open(258, "", "", &frame(1 << 40, &[LEADING, b"\x05Betty", ATTACHED]));
    assert_eq!(through(&model, &next), Some(4 + 24 + 12 + 6));
}

#[test]
fn a_trace_of_its_own_makes_no_call_unlike_its_model() {
    let body = frame(1, &[LEADING, b"\x03Ann", ATTACHED]);
    let model = Model::keep(RecordType::Open, &open(1, TRACES[0], "beijing", &body)).unwrap();
    assert_eq!(through(&model, &open(9, TRACES[1], "beijing", &body)), Some(4 + 24 + 55 + 12));
    assert_eq!(model.common(&open(9, TRACES[1], "tianjin", &body)), None, "another island");
    assert_eq!(model.common(&open(9, "", "beijing", &body)), None, "no trace");
}

#[test]
fn answers_of_another_status_are_not_alike() {
    let mut body = frame(1, &[b"\x94\x03Ann", b"H\x05dubbo\x052.0.2Z"]);
    let model = Model::keep(RecordType::Reply, &reply(70, &body)).unwrap();
    assert_eq!(through(&model, &reply(90, &body)), Some(4 + 8 + 12));
    body[3] = 80;
    assert_eq!(model.common(&reply(90, &body)), None);
}

#[test]
fn what_cannot_be_a_model_is_none() {
    let whole = open(1, "", "", &frame(1, &[]));
    assert!(Model::keep(RecordType::Open, &whole).is_ok());
    for len in 0..whole.len() {
        assert_eq!(Model::keep(RecordType::Open, &whole[..len]), Err(ModelError::NoModel(len)));
    }
    let long = open(1, "", &"x".repeat(HEAD_LEN), &frame(1, &[]));
    assert_eq!(Model::keep(RecordType::Open, &long), Err(ModelError::NoModel(long.len())));
    assert!(Model::keep(RecordType::Data, &whole).is_err());
    let trace = open(1, &"t".repeat(200), "", &frame(1, &[]));
    assert_eq!(Model::keep(RecordType::Open, &trace), Err(ModelError::NoModel(trace.len())));
}

#[test]
fn nobody_gets_more_of_a_model_than_it_has() {
    let payload = reply(1, &frame(1, &[b"0123456789"]));
    let model = Model::keep(RecordType::Reply, &payload).unwrap();
    let mut out = Vec::new();
    let like =
        |front: u16, back: u16, rest: &[u8]| [&front.to_be_bytes()[..], &back.to_be_bytes(), &[0; 20], rest].concat();
    model.put_together(&like(10, 26, b""), &mut out).unwrap();
    for (front, back) in [(11, 0), (0, 27), (u16::MAX, u16::MAX)] {
        let refused = model.put_together(&like(front, back, b""), &mut out);
        assert!(matches!(refused, Err(ModelError::TooMuch { .. })), "{front} {back}");
    }
    for len in 0..24 {
        assert_eq!(model.put_together(&like(1, 1, b"")[..len], &mut out), Err(ModelError::Short(len)));
    }
    let long = like(10, 0, &vec![0; MAX_PAYLOAD_LEN]);
    assert!(matches!(model.put_together(&long, &mut out), Err(ModelError::TooLong(_))));
}

#[test]
fn a_model_takes_no_more_than_was_promised() {
    let service = "s".repeat(HEAD_LEN - 36 - 3 * 4 - "shanghai".len() - "com.example.GreetingService".len() - 8);
    let model = Model::keep(RecordType::Open, &open(1, "", &service, &frame(1, &[&[7; 60_000]]))).unwrap();
    assert_eq!(model.head_len, HEAD_LEN);
    assert!(model.kept_len() <= 3072 + size_of::<Model>(), "{}", model.kept_len());
}

proptest! {
    #[test]
    fn whatever_a_call_has_in_common_with_its_model_the_same_bytes_come_out(
        model in prop::collection::vec(0u8..3, 0..1700),
        body in prop::collection::vec(0u8..3, 0..1700),
        front in 0usize..1200,
        back in 0usize..700,
        ids: [u64; 2],
    ) {
        let front = &model[..front.min(model.len())];
        let back = &model[model.len() - back.min(model.len())..];
        for kind in [RecordType::Open, RecordType::Reply] {
            let payload = |id, parts: &[&[u8]]| match kind {
                RecordType::Open => open(id, TRACES[0], "beijing", &frame(id, parts)),
                _ => reply(id as u32, &frame(id, parts)),
            };
            let kept = Model::keep(kind, &payload(ids[0], &[&model])).unwrap();
            let sent = payload(ids[1], &[front, &body, back]);
            prop_assert!(through(&kept, &sent).unwrap() <= sent.len());
        }
    }

    #[test]
    fn equal_ends_are_counted_to_the_byte(a in prop::collection::vec(0u8..2, 0..60), b in prop::collection::vec(0u8..2, 0..60)) {
        let front = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        let back = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
        prop_assert_eq!((same_front(&a, &b), same_back(&a, &b)), (front, back));
    }

    #[test]
    fn any_bytes_are_put_together_or_refused(like in prop::collection::vec(any::<u8>(), 0..300)) {
        let model = Model::keep(RecordType::Reply, &reply(1, &frame(1, &[&[7; 600]]))).unwrap();
        let mut out = Vec::new();
        if model.put_together(&like, &mut out).is_ok() {
            prop_assert!(out.len() <= MAX_PAYLOAD_LEN);
        }
    }
}
