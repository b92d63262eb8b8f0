//! Heads that lie, and frames that are none.

use wire::dubbo::frame::Codec;
use wire::dubbo::request::{Arg, Request};

use super::*;

const SERVICE: &str = "com.acme.Greeter";

fn frame(attachments: &[(&str, &str)]) -> Vec<u8> {
    let request = Request {
        codec: Codec::Hessian2,
        service: SERVICE,
        version: Some("1.0.0"),
        group: Some("g1"),
        method: "hello",
        types: "Ljava/lang/String;",
        args: &[Arg::Text("you")],
        attachments,
    };
    let mut out = Vec::new();
    request.append(&mut out, 7);
    out
}

fn head(frame: &[u8]) -> Head<'static> {
    Head {
        protocol: Head::DUBBO,
        serialization: 2,
        body_len: frame.len() as u32,
        service: SERVICE,
        group: "g1",
        version: "1.0.0",
        method: "hello",
        application: "shop",
        ..Head::default()
    }
}

fn forged(head: &Head<'_>, frame: &[u8]) -> &'static str {
    match verify(head, frame) {
        Err(Refusal::Forged { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_head_that_says_what_the_frame_says_passes() {
    let frame = frame(&[("remote.application", "shop")]);
    let verified = verify(&head(&frame), &frame).unwrap();
    assert!(matches!(verified.peeked, Peeked::Call(call) if call.method == "hello"));
    assert_eq!(verified.header.id, 7);
}

#[test]
fn every_difference_is_named() {
    let bytes = frame(&[("remote.application", "shop")]);
    let honest = head(&bytes);
    let one_way = Flags::ONE_WAY;
    for (lie, field) in [
        (Head { service: "com.acme.Free", ..honest }, "service"),
        (Head { interface: "com.acme.Free", ..honest }, "interface"),
        (Head { group: "", ..honest }, "group"),
        (Head { version: "2.0.0", ..honest }, "version"),
        (Head { method: "bye", ..honest }, "method"),
        (Head { generic: "true", ..honest }, "generic"),
        (Head { application: "bank", ..honest }, "application"),
        (Head { serialization: 23, ..honest }, "serialization"),
        (Head { body_len: 1, ..honest }, "body length"),
        (Head { flags: one_way, ..honest }, "one-way"),
        (Head { flags: Flags::OPAQUE, ..honest }, "opaque"),
        (Head { flags: Flags::CALLBACKS, ..honest }, "callbacks"),
    ] {
        assert_eq!(forged(&lie, &bytes), field);
    }
}

#[test]
fn attachments_decide_over_leading_fields_as_they_do_at_providers() {
    // Field 2 says the one, attachment `path` the other: the provider would run the other.
    let bytes = frame(&[]);
    let header = Header::decode(&bytes).unwrap().unwrap();
    let Peeked::Call(call) = peek(&header, &bytes[HEADER_LEN..]).unwrap() else { panic!("opaque") };
    let edit = wire::dubbo::rewrite::RequestEdit { set: &[("path", "com.acme.Secret")], ..Default::default() };
    let mut two_faced = Vec::new();
    edit.append(&header, &bytes[HEADER_LEN..], &call, &mut two_faced).unwrap();
    assert_eq!(forged(&head(&two_faced), &two_faced), "service");
    let honest = Head { service: "com.acme.Secret", interface: SERVICE, ..head(&two_faced) };
    assert!(verify(&honest, &two_faced).is_ok());
}

#[test]
fn a_nameless_caller_has_the_name_that_the_sending_island_gives_it() {
    let frame = frame(&[]);
    assert!(verify(&head(&frame), &frame).is_ok());
}

#[test]
fn what_is_no_call_is_refused() {
    let good = frame(&[]);
    let mut heartbeat = Vec::new();
    wire::dubbo::frame::put_heartbeat_request(&mut heartbeat, 1, Codec::Hessian2);
    let mut garbage = good.clone();
    garbage[0] = 0;
    let longer = [&good[..], b"x"].concat();
    for bytes in [&[][..], &good[..10], &good[..good.len() - 1], &longer, &heartbeat, &garbage] {
        let head = Head { body_len: bytes.len() as u32, ..head(&good) };
        assert!(matches!(verify(&head, bytes), Err(Refusal::NoCall(_))), "{bytes:02x?}");
    }
    let other = Head { protocol: 9, ..head(&good) };
    assert!(matches!(verify(&other, &good), Err(Refusal::NoCall(_))));
    let mut body = good.clone();
    body[HEADER_LEN] = 0xff;
    assert!(matches!(verify(&head(&good), &body), Err(Refusal::Peek(_))));
}

#[test]
fn a_frame_in_a_serialization_that_nobody_reads_is_opaque_only_if_the_head_says_so() {
    let mut bytes = frame(&[]);
    bytes[2] = bytes[2] & !0x1f | 3;
    let honest = unread(&bytes);
    assert!(matches!(verify(&honest, &bytes).unwrap().peeked, Peeked::Opaque(_)));
    assert_eq!(forged(&Head { flags: Flags::default(), ..honest }, &bytes), "opaque");
}

#[test]
fn the_head_of_a_frame_that_nobody_reads_names_no_call() {
    let mut bytes = frame(&[]);
    bytes[2] = bytes[2] & !0x1f | 3;
    let honest = unread(&bytes);
    for (lie, field) in [
        (Head { service: SERVICE, ..honest }, "service"),
        (Head { interface: SERVICE, ..honest }, "interface"),
        (Head { group: "g1", ..honest }, "group"),
        (Head { version: "1.0.0", ..honest }, "version"),
        (Head { method: "hello", ..honest }, "method"),
        (Head { generic: "true", ..honest }, "generic"),
        (Head { flags: Flags::OPAQUE | Flags::CALLBACKS, ..honest }, "callbacks"),
    ] {
        assert_eq!(forged(&lie, &bytes), field);
    }
}

/// The head that an egress gateway writes for a frame that it cannot read.
fn unread(frame: &[u8]) -> Head<'static> {
    Head {
        protocol: Head::DUBBO,
        flags: Flags::OPAQUE,
        serialization: frame[2] & 0x1f,
        body_len: frame.len() as u32,
        application: "shop",
        ..Head::default()
    }
}
