//! Headers, events and replies that the gateways make themselves.

use highway_wire::dubbo::answer::{self, AnswerType};
use highway_wire::dubbo::call::{self, Peeked, ReplyForm};
use highway_wire::dubbo::frame::{
    self, Codec, Event, FrameError, FrameKind, HEADER_LEN, Header, Serialization, Status,
};
use highway_wire::dubbo::hessian2::{Document, Value};
use highway_wire::dubbo::reply::{self, Asked, MAX_TEXT_LEN};
use highway_wire::dubbo::request::{Arg, Request};
use proptest::prelude::*;

use crate::samples::{golden, unhex};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> (Header, Vec<u8>) {
    let mut out = b"before".to_vec();
    write(&mut out);
    assert_eq!(&out[..6], b"before");
    let header = Header::decode(&out[6..]).unwrap().unwrap();
    assert_eq!(header.frame_len(), out.len() - 6);
    (header, out[6 + HEADER_LEN..].to_vec())
}

#[test]
fn a_wrong_magic_is_known_after_two_bytes() {
    assert_eq!(Header::decode(&[0xda]), Ok(None));
    assert_eq!(Header::decode(&[0xda, 0xbc]), Err(FrameError::BadMagic { found: [0xda, 0xbc] }));
    assert_eq!(Header::decode(b"GET / HTTP/1.1\r\n"), Err(FrameError::BadMagic { found: *b"GE" }));
    let error = Header::decode(&[0x16, 0x03]).unwrap_err().to_string();
    assert!(error.contains("16 03") && error.contains("da bb"), "{error}");
}

#[test]
fn a_negative_length_is_refused_with_its_value() {
    let mut bytes = Header::request(Serialization::HESSIAN2, 1, 0).encode();
    bytes[12..].copy_from_slice(&(-2_i32).to_be_bytes());
    assert_eq!(Header::decode(&bytes), Err(FrameError::NegativeLength { found: -2 }));
}

#[test]
fn heartbeats_have_the_bytes_that_were_captured() {
    let mut out = Vec::new();
    frame::put_heartbeat_request(&mut out, 2, Codec::Hessian2);
    assert_eq!(out, unhex("dabb e200 0000000000000002 00000001 4e"));
    let asked = Header::decode(&out).unwrap().unwrap();
    let mut out = Vec::new();
    frame::put_heartbeat_reply(&mut out, &asked);
    assert_eq!(out, unhex("dabb 2214 0000000000000002 00000001 4e"));
    let mut out = Vec::new();
    frame::put_heartbeat_request(&mut out, -1, Codec::Fastjson2);
    assert_eq!(out, unhex("dabb f700 ffffffffffffffff 00000005 00000001af"));
}

#[test]
fn every_golden_heartbeat_answer_is_the_one_that_we_would_give() {
    let frames = golden();
    let mut answered = 0;
    for pair in frames.windows(2).filter(|pair| pair[0].kind() == "event two-way" && pair[1].kind() == "event-response")
    {
        let mut out = Vec::new();
        frame::put_heartbeat_reply(&mut out, &pair[0].header());
        assert_eq!(out, pair[1].bytes, "{}", pair[1].name);
        answered += 1;
    }
    assert!(answered >= 6, "{answered}");
}

#[test]
fn readonly_and_writable_are_read_back_in_both_serializations() {
    for codec in [Codec::Hessian2, Codec::Fastjson2] {
        for event in [Event::Readonly, Event::Writable] {
            let (header, body) = written(|out| frame::put_event_notice(out, 3, codec, event));
            assert_eq!((header.kind(), header.event(&body)), (FrameKind::EventOneWay, event));
        }
    }
    let header = Header { flags: 0x22, status: 20, id: 1, body_len: 2 };
    assert_eq!(header.event(&[0x4e, 0x4e]), Event::Heartbeat);
    assert_eq!(header.event(&[0x01, b'X']), Event::Other);
}

#[test]
fn an_id_is_replaced_in_place() {
    let mut bytes = Header::request(Serialization::HESSIAN2, 1, 0).encode();
    assert!(frame::set_id(&mut bytes, i64::MIN));
    assert_eq!(Header::decode(&bytes).unwrap().unwrap(), Header::request(Serialization::HESSIAN2, i64::MIN, 0));
    assert!(!frame::set_id(&mut bytes[..11], 1));
}

#[test]
fn an_error_is_the_frame_that_consumers_were_seen_to_read() {
    let mut out = Vec::new();
    reply::put_error(&mut out, 1, Status::SERVER_ERROR, "tunnel down");
    assert_eq!(out, unhex("dabb 0250 0000000000000001 0000000c 0b74756e6e656c20646f776e"));
}

#[test]
fn no_error_is_ever_empty_or_large() {
    for status in Status::ALL {
        let (header, body) = written(|out| reply::put_error(out, 5, status, ""));
        assert_eq!((header.kind(), header.status()), (FrameKind::Reply, status));
        assert_eq!(answer::error_text(&header, &body).unwrap(), status.name());
    }
    let long = "无".repeat(MAX_TEXT_LEN);
    let (header, body) = written(|out| reply::put_error(out, 5, Status::OVERLOADED, &long));
    let text = answer::error_text(&header, &body).unwrap();
    assert!(long.starts_with(&*text) && text.len() > MAX_TEXT_LEN - 3 && text.len() <= MAX_TEXT_LEN);
}

#[test]
fn an_exception_comes_in_the_form_and_serialization_of_the_request() {
    for form in [ReplyForm::Plain, ReplyForm::WithAttachments] {
        for serialization in [Serialization::HESSIAN2, Serialization::FASTJSON2] {
            let asked = Asked { id: -9, serialization, form };
            let (header, body) = written(|out| reply::put_exception(out, &asked, "no grant for 无"));
            assert_eq!((header.status(), header.id, header.serialization()), (Status::OK, -9, serialization));
            let answer = answer::peek(&header, &body).unwrap().unwrap();
            assert_eq!(answer.kind, AnswerType::Exception);
            assert_eq!(answer.attachments.is_some(), form == ReplyForm::WithAttachments);
            let end = answer.attachments.map_or(answer.value.end, |attachments| attachments.range().end);
            assert_eq!(end, body.len());
        }
    }
}

#[test]
fn a_hessian_exception_decodes_to_its_message() {
    let asked = Asked { id: 1, serialization: Serialization::HESSIAN2, form: ReplyForm::WithAttachments };
    let (_, body) = written(|out| reply::put_exception(out, &asked, "boom"));
    let document = Document::read(&body[1..]).unwrap();
    assert_eq!(document.class(document.root()), Some("java.lang.RuntimeException"));
    assert_eq!(document.field(document.root(), "detailMessage").and_then(Value::as_text), Some("boom"));
}

#[test]
fn a_fastjson2_exception_begins_as_a_real_one_does() {
    let asked = Asked { id: 1, serialization: Serialization::FASTJSON2, form: ReplyForm::WithAttachments };
    let (_, body) = written(|out| reply::put_exception(out, &asked, "boom"));
    let real = golden()
        .into_iter()
        .find(|frame| frame.notes["case"] == "fastjson2 undeclared" && frame.is_ok_reply())
        .unwrap();
    // Type 3, then the class and the name of the first field; the lengths differ.
    let class = 10..10 + "\u{92}Y".len() - 1 + "RuntimeException".len() + 2 + "\u{7f}VdetailMessage".len();
    assert_eq!(body[..6], real.body()[..6]);
    assert_eq!(body[class.clone()], real.body()[class]);
    assert!(body.ends_with(&[0x94, 0xa5, 0, 0, 0, 2, 0xa6, 0xa5]), "{body:x?}");
}

/// Null is a type of reply, not a value in one.
#[test]
fn a_value_comes_in_the_form_and_serialization_of_the_request() {
    for form in [ReplyForm::Plain, ReplyForm::WithAttachments] {
        for serialization in [Serialization::HESSIAN2, Serialization::FASTJSON2] {
            for value in ARGS {
                let asked = Asked { id: -9, serialization, form };
                let (header, body) = written(|out| reply::put_value(out, &asked, value));
                assert_eq!((header.status(), header.id, header.serialization()), (Status::OK, -9, serialization));
                let answer = answer::peek(&header, &body).unwrap().unwrap();
                let wanted = if value == Arg::Null { AnswerType::Null } else { AnswerType::Value };
                assert_eq!((answer.kind, answer.value.is_empty()), (wanted, value == Arg::Null), "{value:?}");
                assert_eq!(answer.attachments.is_some(), form == ReplyForm::WithAttachments);
                let end = answer.attachments.map_or(answer.value.end, |attachments| attachments.range().end);
                assert_eq!(end, body.len());
            }
        }
    }
}

/// Up to the attachments: a provider puts its version there.
#[test]
fn texts_truths_and_nulls_are_written_as_real_providers_write_them() {
    let mut seen = 0;
    for frame in golden().iter().filter(|frame| frame.is_ok_reply() && frame.notes.get("exception").is_none()) {
        let value = match &frame.notes["value"] {
            serde_json::Value::String(text) => Arg::Text(text),
            serde_json::Value::Bool(truth) => Arg::Bool(*truth),
            serde_json::Value::Null => Arg::Null,
            _ => continue,
        };
        let header = frame.header();
        let real = answer::peek(&header, frame.body()).unwrap().unwrap();
        let form = if real.attachments.is_some() { ReplyForm::WithAttachments } else { ReplyForm::Plain };
        let asked = Asked { id: header.id, serialization: header.serialization(), form };
        let (_, body) = written(|out| reply::put_value(out, &asked, value));
        assert_eq!(body[..real.value.end], frame.body()[..real.value.end], "{}", frame.name);
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn a_value_in_an_unknown_serialization_becomes_a_status_that_says_so() {
    let header = Header::request(Serialization::new(8), 4, 0);
    let (reply, body) = written(|out| reply::put_value(out, &Asked::unread(&header), Arg::Text("x")));
    assert_eq!((reply.status(), reply.id), (Status::BAD_REQUEST, 4));
    assert!(answer::error_text(&reply, &body).unwrap().contains("8"));
}

#[test]
fn a_request_in_an_unknown_serialization_gets_a_status_with_the_text() {
    let header = Header::request(Serialization::new(8), 4, 0);
    let (reply, body) = written(|out| reply::put_exception(out, &Asked::unread(&header), "kryo is not granted"));
    assert_eq!((reply.status(), reply.serialization(), reply.id), (Status::BAD_REQUEST, Serialization::HESSIAN2, 4));
    assert_eq!(answer::error_text(&reply, &body).unwrap(), "kryo is not granted");
}

#[test]
fn an_error_in_a_serialization_that_was_not_asked_for_becomes_hessian() {
    let mut seen = 0;
    for frame in golden().iter().filter(|frame| frame.kind() == "response") {
        let header = frame.header();
        let mut out = Vec::new();
        let done = reply::reencode_error(&mut out, &header, frame.body(), Serialization::HESSIAN2);
        let foreign = header.serialization() == Serialization::FASTJSON2 && header.status() != Status::OK;
        assert_eq!(done, foreign, "{}", frame.name);
        assert_eq!(out.is_empty(), !done);
        if done {
            let new = Header::decode(&out).unwrap().unwrap();
            assert_eq!((new.serialization(), new.status, new.id), (Serialization::HESSIAN2, header.status, header.id));
            let texts = [answer::error_text(&new, &out[HEADER_LEN..]), answer::error_text(&header, frame.body())];
            assert_eq!(texts[0], texts[1]);
            assert!(!reply::reencode_error(&mut out, &header, frame.body(), Serialization::FASTJSON2));
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn an_error_without_readable_text_becomes_the_name_of_its_status() {
    let header = Header::reply(Serialization::new(8), Status::SERVICE_ERROR, 1, 3);
    let (new, body) = written(|out| assert!(reply::reencode_error(out, &header, b"abc", Serialization::HESSIAN2)));
    assert_eq!(answer::error_text(&new, &body).unwrap(), "SERVICE_ERROR");
}

const ARGS: [Arg<'_>; 6] =
    [Arg::Text("revision 无"), Arg::Null, Arg::Int(7), Arg::Long(-8), Arg::Bool(true), Arg::Bytes(&[0xda, 0xbb])];

#[test]
fn a_request_of_our_own_is_the_call_that_was_meant() {
    for codec in [Codec::Hessian2, Codec::Fastjson2] {
        let request = Request {
            codec,
            service: "org.apache.dubbo.metadata.MetadataService",
            version: Some("1.0.0"),
            group: Some("app"),
            method: "getMetadataInfo",
            types: "Ljava/lang/String;Ljava/lang/Object;IJZ[B",
            args: &ARGS,
            attachments: &[("timeout", "5000")],
        };
        let (header, body) = written(|out| assert!(request.append(out, 11) > HEADER_LEN));
        assert_eq!((header.kind(), header.id), (FrameKind::Call, 11));
        let Ok(Peeked::Call(call)) = call::peek(&header, &body) else { panic!() };
        assert_eq!((&*call.service, call.conflicting_interface()), (request.service, None));
        assert_eq!((call.version.as_deref(), call.group.as_deref()), (Some("1.0.0"), Some("app")));
        assert_eq!((&*call.method, call.leading.arg_count, call.timeout.unwrap().as_secs()), ("getMetadataInfo", 6, 5));
        assert_eq!(call.reply_form(), ReplyForm::WithAttachments);
        assert_eq!(call.attachments.range().end, body.len());
    }
}

#[test]
fn the_first_arguments_are_read_for_as_long_as_they_are_text() {
    for codec in [Codec::Hessian2, Codec::Fastjson2] {
        let read = |types: &str, args: &[Arg<'_>]| {
            let request = Request {
                codec,
                service: "a.B",
                version: None,
                group: None,
                method: "m",
                types,
                args,
                attachments: &[("key", "not an argument")],
            };
            let (header, body) = written(|out| assert!(request.append(out, 11) > HEADER_LEN));
            let Ok(Peeked::Call(call)) = call::peek(&header, &body) else { panic!() };
            let texts: Vec<String> = call.texts().map(|text| text.into_owned()).collect();
            (texts, call.arguments().to_vec())
        };
        let text = "Ljava/lang/String;";
        let (texts, bytes) = read(&text.repeat(2), &[Arg::Text("无"), Arg::Text("b")]);
        assert_eq!(texts, ["无", "b"]);
        let two: &[u8] = match codec {
            Codec::Hessian2 => "\u{1}无\u{1}b".as_bytes(),
            Codec::Fastjson2 => b"\0\0\0\x05\x7a\x03\xe6\x97\xa0\0\0\0\x02\x4ab",
        };
        assert_eq!(bytes, two);
        assert_eq!(
            read("Ljava/lang/String;ILjava/lang/String;", &[Arg::Text("a"), Arg::Int(1), Arg::Text("b")]).0,
            ["a"]
        );
        assert_eq!(read(&text.repeat(2), &[Arg::Null, Arg::Text("b")]).0, [""; 0]);
        assert_eq!(read("", &[]), (vec![], vec![]));
    }
}

#[test]
fn a_request_without_version_and_group_says_so_as_java_does() {
    let request = Request {
        codec: Codec::Hessian2,
        service: "a.B",
        version: None,
        group: None,
        method: "$echo",
        types: "Ljava/lang/Object;",
        args: &[Arg::Text("OK")],
        attachments: &[],
    };
    let (header, body) = written(|out| assert!(request.append(out, 0) > HEADER_LEN));
    let Ok(Peeked::Call(call)) = call::peek(&header, &body) else { panic!() };
    assert_eq!((&*call.leading.version, call.version, call.group), ("0.0.0", None, None));
    assert_eq!(call.attachments.get("version").as_deref(), Some("0.0.0"));
}

proptest! {
    #[test]
    fn headers_come_back(flags: u8, status: u8, id: i64, body_len in 0..=i32::MAX as u32) {
        let header = Header { flags, status, id, body_len };
        prop_assert_eq!(Header::decode(&header.encode()), Ok(Some(header)));
    }

    #[test]
    fn replies_of_our_own_can_be_read_whatever_their_text(text in ".{0,300}", id: i64, flags: u8, plain: bool) {
        let form = if plain { ReplyForm::Plain } else { ReplyForm::WithAttachments };
        let asked = Asked { id, serialization: Serialization::new(flags), form };
        let (header, body) = written(|out| reply::put_exception(out, &asked, &text));
        match header.status() {
            Status::OK => prop_assert_eq!(answer::peek(&header, &body).unwrap().unwrap().kind, AnswerType::Exception),
            _ => prop_assert!(!answer::error_text(&header, &body).unwrap().is_empty()),
        }
    }
}
