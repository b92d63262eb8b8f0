//! Heads survive the way, and nobody but a hop can say where a call came from.

use proptest::prelude::*;

use super::*;

fn sample() -> Head<'static> {
    Head {
        attempt: 1,
        flags: Flags::IDEMPOTENT | Flags::LOAD_TEST,
        priority: 2,
        serialization: 2,
        protocol: Head::DUBBO,
        remaining_ms: 2_950,
        body_len: 300,
        stamp: Stamp { start: 0x0102030405060708, counter: 9 },
        destination: "shanghai",
        service: "com.example.GreetingService",
        group: "blue",
        version: "1.0.0",
        method: "sayHello",
        application: "shop",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ..Head::default()
    }
}

fn encoded(head: &Head<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    head.encode_into(&mut out).unwrap();
    out
}

#[test]
fn the_layout_is_what_the_header_says() {
    let head = Head {
        flags: Flags(0x0102),
        serialization: 2,
        protocol: 1,
        remaining_ms: 3000,
        body_len: 5,
        method: "hi",
        ..Head::default()
    };
    let mut expected = vec![0, 0, 1, 2, 0, 2, 1, 0, 0, 41, 0, 0, 0, 0, 0x0b, 0xb8, 0, 0, 0, 5];
    expected.extend_from_slice(&[0; 16]);
    expected.extend_from_slice(&[7, 0, 2, b'h', b'i']);
    assert_eq!(encoded(&head), expected);
}

#[test]
fn what_was_written_is_read() {
    let bytes = encoded(&sample());
    assert_eq!(Head::decode(&bytes), Ok(sample()));
    let with_body = [&bytes[..], b"body"].concat();
    assert_eq!(Head::split(&with_body), Ok((&bytes[..], &b"body"[..])));
    assert_eq!(glance(&bytes), Some((sample().flags, 2_950)));
}

#[test]
fn a_hop_says_where_a_call_came_from_and_nobody_else() {
    let liar = Head { source: "trusted", ..sample() };
    let mut out = b"before".to_vec();
    forward(&encoded(&liar), Hop { source: "beijing", remaining_ms: 2_900 }, &mut out).unwrap();
    assert_eq!(Head::decode(&out[6..]), Ok(Head { source: "beijing", hops: 1, remaining_ms: 2_900, ..sample() }));
}

#[test]
fn what_remains_only_shrinks() {
    let mut bytes = encoded(&sample());
    lower_remaining(&mut bytes, 5_000);
    assert_eq!(Head::decode(&bytes), Ok(sample()));
    lower_remaining(&mut bytes, 7);
    assert_eq!(Head::decode(&bytes), Ok(Head { remaining_ms: 7, ..sample() }));
    lower_remaining(&mut bytes[..20], 1);
    assert_eq!(Head::decode(&bytes).unwrap().remaining_ms, 7);
}

#[test]
fn a_field_from_the_future_passes_through() {
    let mut bytes = encoded(&sample());
    bytes.extend_from_slice(&[0xf0, 0, 3, 1, 2, 3]);
    let len = bytes.len() as u16;
    bytes[8..10].copy_from_slice(&len.to_be_bytes());
    assert_eq!(Head::decode(&bytes), Ok(sample()));
    let mut out = Vec::new();
    forward(&bytes, Hop { source: "", remaining_ms: 1 }, &mut out).unwrap();
    assert!(out.ends_with(&[0xf0, 0, 3, 1, 2, 3]));
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let mut bytes = encoded(&Head { method: "a", ..Head::default() });
    bytes.extend_from_slice(&[7, 0, 1, b'b']);
    bytes[9] += 4;
    assert_eq!(Head::decode(&bytes), Err(HeadError::Twice(7)));
}

#[test]
fn a_head_that_cannot_be_written_leaves_the_buffer_as_it_was() {
    for len in [MAX_HEAD_LEN, 70_000] {
        let long = "x".repeat(len);
        let mut out = b"before".to_vec();
        assert!(matches!(Head { method: &long, ..sample() }.encode_into(&mut out), Err(HeadError::TooLong(_))));
        assert_eq!(out, b"before");
        let hop = Hop { source: &long, remaining_ms: 0 };
        assert!(matches!(forward(&encoded(&sample()), hop, &mut out), Err(HeadError::TooLong(_))));
        assert_eq!(out, b"before");
    }
}

#[test]
fn every_cut_of_a_head_is_refused() {
    let bytes = encoded(&sample());
    for len in 0..bytes.len() {
        assert!(Head::decode(&bytes[..len]).is_err(), "{len}");
        let mut out = Vec::new();
        assert!(forward(&bytes[..len], Hop { source: "a", remaining_ms: 0 }, &mut out).is_err());
        assert!(out.is_empty());
    }
}

proptest! {
    #[test]
    fn any_head_survives(hops: u8, flags: u16, remaining_ms: u32, start: u64, counter: u64, texts in prop::collection::vec("\\PC{0,40}", 10)) {
        let head = Head {
            hops, flags: Flags(flags), remaining_ms, stamp: Stamp { start, counter },
            destination: &texts[0], source: &texts[1], service: &texts[2], interface: &texts[3], group: &texts[4],
            version: &texts[5], method: &texts[6], generic: &texts[7], application: &texts[8], traceparent: &texts[9],
            ..Head::default()
        };
        let bytes = encoded(&head);
        prop_assert_eq!(Head::decode(&bytes), Ok(head));
    }

    #[test]
    fn damaged_bytes_never_panic(mut bytes in Just(encoded(&sample())), at in 0usize..200, value: u8) {
        let at = at % bytes.len();
        bytes[at] = value;
        let decoded = Head::decode(&bytes).is_ok();
        let mut out = Vec::new();
        if forward(&bytes, Hop { source: "b", remaining_ms: 5 }, &mut out).is_ok() && decoded {
            prop_assert_eq!(Head::decode(&out).unwrap().source, "b");
        }
    }
}

#[test]
fn a_template_becomes_the_head_of_one_call() {
    let template =
        Head { flags: Flags::IDEMPOTENT, destination: "shanghai", service: "a.B", method: "m", ..Head::default() };
    let mut encoded = Vec::new();
    template.encode_into(&mut encoded).unwrap();
    let stamp = Stamp { start: 5, counter: u64::MAX };
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let fresh = Fresh { flags: Flags::ONE_WAY, remaining_ms: 950, body_len: 77, stamp, traceparent };
    let mut out = vec![1, 2, 3];
    fill(&encoded, &fresh, &mut out).unwrap();
    let flags = Flags::IDEMPOTENT | Flags::ONE_WAY;
    let wanted = Head { flags, remaining_ms: 950, body_len: 77, stamp, traceparent, ..template };
    assert_eq!(Head::decode(&out[3..]).unwrap(), wanted);

    assert!(next_attempt(&mut out[3..], 20));
    assert_eq!(Head::decode(&out[3..]).unwrap(), Head { attempt: 1, remaining_ms: 20, ..wanted });
    assert!(!next_attempt(&mut out[..20], 1));
}

#[test]
fn a_template_that_would_become_too_long_leaves_nothing_behind() {
    let long = "x".repeat(MAX_HEAD_LEN - FIXED_LEN - 3);
    let mut encoded = Vec::new();
    Head { service: &long, ..Head::default() }.encode_into(&mut encoded).unwrap();
    let mut out = vec![9];
    let fresh = Fresh { traceparent: "t", ..Fresh::default() };
    assert_eq!(fill(&encoded, &fresh, &mut out), Err(HeadError::TooLong(MAX_HEAD_LEN + 4)));
    assert_eq!(out, [9]);
    assert!(fill(&encoded[..30], &fresh, &mut out).is_err());
}

#[test]
fn a_stamp_is_written_as_the_audit_writes_it() {
    assert_eq!(Stamp { start: 0xabc, counter: 31 }.to_string(), "0000000000000abc-1f");
}
