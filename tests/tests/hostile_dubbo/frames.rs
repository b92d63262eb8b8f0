//! One bad frame at a time: its exact answer, what becomes of its connection, and neighbours on the same one.

use lab::peer::GREETING;
use wire::dubbo::frame::{Codec, Event, Header, Serialization, Status, put_event_notice, put_heartbeat_request};

use crate::scripted::{LIMIT_LEN, Script};
use crate::talker::{Told, call, call_in, hello, one_way, request};
use crate::world::beside_a_healthy_caller;

/// A request header that says this length.
fn says(id: i64, len: i32) -> Vec<u8> {
    let mut header = Header::request(Serialization::HESSIAN2, id, 0).encode().to_vec();
    header[12..].copy_from_slice(&len.to_be_bytes());
    header
}

#[test]
fn what_is_no_dubbo_closes_the_connection_without_a_word() {
    let beside = beside_a_healthy_caller();
    for rubbish in [
        &b"GET / HTTP/1.1\r\nHost: dubbo\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"ls -l\r\n",
        &[0, 0],
        &[0xda, 0xbc],
        // The hello of a TLS client, on a port that has no certificate.
        &[0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x03],
    ] {
        let mut peer = beside.world.dial();
        peer.send(rubbish);
        peer.closed();
        // Behind a sound call it ends the connection too, and there is no word for it.
        let mut peer = beside.world.dial();
        peer.stays();
        peer.send(rubbish);
        peer.closed();
    }
    beside.nobody_noticed();
}

#[test]
fn lengths_beyond_reason_are_answered_and_close_the_connection() {
    let beside = beside_a_healthy_caller();
    let closing = "; the connection is closed (the call was not executed)";
    let beyond = |len: i32| {
        format!(
            "a frame says that its body has {len} bytes, more than anybody sends on purpose (limits.frame is {LIMIT_LEN} bytes){closing}"
        )
    };
    for (len, text) in [
        (-1, "a frame says that its body has -1 bytes, wanted 0 or more (the call was not executed)".to_owned()),
        (
            i32::MIN,
            "a frame says that its body has -2147483648 bytes, wanted 0 or more (the call was not executed)".to_owned(),
        ),
        (i32::MAX, beyond(i32::MAX)),
        (300 << 20, beyond(300 << 20)),
    ] {
        let mut peer = beside.world.dial();
        peer.send(&[hello(1, "first"), says(2, len)].concat());
        assert_eq!(peer.told(), Told::status(2, Status::BAD_REQUEST, &text));
        peer.closed();
        let mut peer = beside.world.dial();
        peer.send(&one_way(says(3, len)));
        peer.closed();
    }
    beside.nobody_noticed();
}

#[test]
fn a_body_over_the_limit_is_an_exception_with_both_numbers_and_the_connection_stays() {
    let beside = beside_a_healthy_caller();
    for codec in [Codec::Hessian2, Codec::Fastjson2] {
        let mut peer = beside.world.dial();
        // What is skipped looks like frames, and must not be read as such.
        let trap = hello(9, "trap").repeat(LIMIT_LEN / hello(9, "trap").len() + 1);
        peer.send(&request(codec, 5, &trap));
        let text = format!(
            "the request body of {} bytes is over the limit of {LIMIT_LEN} bytes of this egress gateway; send less, or raise limits.frame here and at the other end (the call was not executed)",
            trap.len()
        );
        assert_eq!(peer.told(), Told::exception(5, codec, &text));
        peer.stays();
        peer.send(&one_way(request(codec, 6, &trap)));
        peer.stays();
    }
    beside.nobody_noticed();
}

#[test]
fn a_frame_that_trickles_is_a_frame() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    for byte in hello(3, "slowly") {
        peer.send(&[byte]);
    }
    assert!(String::from_utf8_lossy(&peer.answered(3)).contains("Hello slowly"));
    peer.stays();
    beside.nobody_noticed();
}

#[test]
fn garbage_behind_a_valid_header_is_status_40_with_the_place_and_the_connection_stays() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    let told = |error: &str| {
        let text = format!(
            "the request body cannot be read: {error}; send a body in the serialization that the flags name (the call was not executed)"
        );
        Told::status(4, Status::BAD_REQUEST, &text)
    };
    for (codec, body, error) in [
        (Codec::Hessian2, &b""[..], "the bytes end at offset 0, wanted text"),
        (Codec::Hessian2, &[0xff; 40], "found byte 0xff at offset 0, wanted text"),
        (Codec::Hessian2, b"\x052.0.2", "the bytes end at offset 6, wanted text"),
        (Codec::Hessian2, b"\x02\xc3\x28\x00", "the text at offset 0 is not well-formed"),
        (Codec::Fastjson2, b"", "the bytes end at offset 0, wanted the length of a field"),
        (
            Codec::Fastjson2,
            &[0xff; 40],
            "found the number -1 at offset 0, wanted a length above 0 that fits the bytes left",
        ),
        (Codec::Fastjson2, &[0, 0, 0, 1, 0xff], "found byte 0xff at offset 4, wanted text"),
    ] {
        peer.send(&request(codec, 4, body));
        assert_eq!(peer.told(), told(error));
        peer.send(&one_way(request(codec, 4, body)));
        peer.stays();
    }
    beside.nobody_noticed();
}

#[test]
fn unknown_serializations_are_refused_by_name_and_the_connection_stays() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    for (id, name) in [(0, "unknown"), (3, "java"), (8, "kryo"), (22, "protobuf"), (30, "unknown")] {
        let mut frame = hello(6, "opaque");
        frame[2] = 0xc0 | id;
        peer.send(&frame);
        let text = format!(
            "the call is in a serialization that this gateway cannot read and came in on a port that belongs to no island; use hessian2, or the port of an island (found serialization {id} ({name})) (the call was not executed)"
        );
        assert_eq!(peer.told(), Told::status(6, Status::BAD_REQUEST, &text));
        peer.stays();
    }
    beside.nobody_noticed();
}

#[test]
fn an_unknown_service_is_an_exception_in_the_callers_serialization() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    for codec in [Codec::Hessian2, Codec::Fastjson2] {
        for service in ["com.example.Nobody", "org.elsewhere.Nobody"] {
            peer.send(&call_in(codec, 8, service, "hi", "x", &[]));
            let text = format!(
                "no island offers `{service}` to this island; check group and version, the export at the providing island and the grant at the hub (the call was not executed)"
            );
            assert_eq!(peer.told(), Told::exception(8, codec, &text));
            peer.stays();
        }
    }
    beside.nobody_noticed();
}

#[test]
fn an_unknown_method_is_answered_by_the_provider_itself() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    peer.send(&call_in(Codec::Hessian2, 9, GREETING, "noSuchMethod", "x", &[]));
    let (header, body) = peer.frame();
    let text = String::from_utf8_lossy(&body);
    assert_eq!(header.id, 9);
    assert!(!text.contains("highway: ") && text.contains("noSuchMethod"), "{header:?} {text}");
    peer.stays();
    beside.nobody_noticed();
}

#[test]
fn answers_sent_to_a_server_and_events_of_nobody_are_ignored() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    for status in [Status::OK, Status::SERVER_TIMEOUT, Status(0), Status(255)] {
        for len in [0, 1, 100_000] {
            let header = Header::reply(Serialization::HESSIAN2, status, 1, len);
            peer.send(&[&header.encode()[..], &vec![b'N'; len as usize]].concat());
        }
    }
    let mut events = Vec::new();
    put_event_notice(&mut events, 1, Codec::Hessian2, Event::Readonly);
    put_event_notice(&mut events, 2, Codec::Fastjson2, Event::Writable);
    put_heartbeat_request(&mut events, 3, Codec::Hessian2);
    let at = events.len() - 1;
    events[at] = 0xff;
    peer.send(&events);
    // An event of a mebibyte.
    let mut large = request(Codec::Hessian2, 4, &vec![b'N'; 1 << 20]);
    large[2] |= 0x20;
    peer.send(&large);
    peer.stays();
    beside.nobody_noticed();
}

#[test]
fn equal_ids_at_once_are_as_many_calls() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    let names: Vec<String> = (0..100).map(|number| format!("caller-{number:03}")).collect();
    peer.send(&names.iter().flat_map(|name| hello(7, name)).collect::<Vec<u8>>());
    let mut answers: Vec<String> =
        names.iter().map(|_| String::from_utf8_lossy(&peer.answered(7)).into_owned()).collect();
    answers.sort_unstable();
    for (answer, name) in answers.iter().zip(&names) {
        assert!(answer.contains(name.as_str()), "{name}: {answer}");
    }
    peer.nothing_but_a_heartbeat();
    beside.nobody_noticed();
}

#[test]
fn a_call_whose_names_are_too_long_for_a_head_is_refused() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    let application = "a".repeat(100_000);
    let service = beside.world.scripted(Script::Echo).service();
    peer.send(&call(1, service, "x", &[("remote.application", &application)]));
    let told = peer.told();
    let text = "the call's names make its head too long (head of 100067 bytes is over the limit of 16384 bytes); use shorter ones (the call was not executed)";
    assert_eq!(told, Told::exception(1, Codec::Hessian2, text));
    peer.send(&call(2, &"s".repeat(1 << 20), "x", &[]));
    let told = peer.told();
    assert_eq!((told.id, told.status), (2, Status::OK));
    assert!(told.text.len() < 5000 && told.text.ends_with(" … (the call was not executed)"), "{}", told.text.len());
    peer.stays();
    beside.nobody_noticed();
}
