//! Every golden frame decodes to what its notes say.

use highway_wire::dubbo::answer::{self, AnswerType};
use highway_wire::dubbo::attachments::{AttachmentValue, Attachments};
use highway_wire::dubbo::call::{self, Call, GENERIC_TYPES, Peeked, ReplyForm};
use highway_wire::dubbo::frame::{Codec, Event, FrameKind, HEADER_LEN, Header, Serialization, Status};
use highway_wire::dubbo::hessian2::{Document, Shape, Value};
use highway_wire::dubbo::{fastjson2, hessian2};
use serde_json::Value as Json;

use crate::samples::{Golden, golden};

/// The call in a frame that must hold one.
pub fn call<'a>(header: &Header, body: &'a [u8], name: &str) -> Call<'a> {
    match call::peek(header, body) {
        Ok(Peeked::Call(call)) => call,
        other => panic!("{name}: {other:?}"),
    }
}

fn same_attachments(frame: &Golden, attachments: &Attachments<'_>) {
    let wanted = frame.notes["attachments"].as_object().unwrap();
    let mut count = 0;
    for attachment in attachments.iter() {
        count += 1;
        let value = match attachment.value {
            AttachmentValue::Text(text) => Json::from(&*text),
            AttachmentValue::Integer(number) => Json::from(number),
            other => panic!("{}: {other:?}", frame.name),
        };
        assert_eq!(wanted.get(&*attachment.key), Some(&value), "{}", frame.name);
    }
    assert_eq!(count, wanted.len(), "{}", frame.name);
}

/// Whether a decoded Hessian value is what the notes say. Notes shorten long texts and traces.
fn same_value(document: &Document<'_>, value: &Value<'_>, wanted: &Json, name: &str) {
    match (document.shape(value), value, wanted) {
        (_, _, Json::Object(special)) if special.contains_key("@ref") => {
            let Value::Node(number) = value else { panic!("{name}: {value:?} is no reference") };
            assert_eq!(Json::from(*number), special["@ref"], "{name}");
        }
        (_, Value::Binary(bytes), Json::Object(special)) => match &special["@bytes"] {
            Json::String(hex) => assert_eq!(&crate::samples::unhex(hex), &**bytes, "{name}"),
            len => assert_eq!(&Json::from(bytes.len()), len, "{name}"),
        },
        (_, Value::Date(millis), Json::Object(special)) => assert_eq!(Json::from(*millis), special["@date"], "{name}"),
        (_, Value::Null, wanted) => assert_eq!(wanted, &Json::Null, "{name}"),
        (_, Value::Bool(value), wanted) => assert_eq!(wanted, &Json::from(*value), "{name}"),
        (_, Value::Int(number), wanted) => assert_eq!(wanted, &Json::from(*number), "{name}"),
        (_, Value::Long(number), wanted) => assert_eq!(wanted, &Json::from(*number), "{name}"),
        (_, Value::Double(number), wanted) => assert_eq!(wanted.as_f64(), Some(*number), "{name}"),
        (_, Value::Text(text), Json::String(wanted)) => match wanted.split_once('…') {
            Some((start, _)) => assert!(text.starts_with(start), "{name}: {text}"),
            None => assert_eq!(text, wanted, "{name}"),
        },
        (Shape::List, _, Json::String(frames)) => {
            assert_eq!(format!("{} frames", document.items(value).len()), *frames, "{name}");
        }
        (Shape::List, _, Json::Array(wanted)) => {
            assert_eq!(document.items(value).len(), wanted.len(), "{name}");
            document
                .items(value)
                .iter()
                .zip(wanted)
                .for_each(|(item, wanted)| same_value(document, item, wanted, name));
        }
        (Shape::List, _, Json::Object(typed)) => {
            assert_eq!(document.class(value), typed["@class"].as_str(), "{name}");
            let wanted = typed["value"].as_array().unwrap();
            assert_eq!(document.items(value).len(), wanted.len(), "{name}");
            document
                .items(value)
                .iter()
                .zip(wanted)
                .for_each(|(item, wanted)| same_value(document, item, wanted, name));
        }
        (Shape::Map, _, whole @ Json::Object(wanted)) => {
            let wanted = wanted.get("value").unwrap_or(whole).as_object().unwrap();
            for (key, wanted) in wanted.iter().filter(|(key, _)| !key.starts_with('@')) {
                let found = document.field(value, key).unwrap_or_else(|| panic!("{name}: no {key}"));
                same_value(document, found, wanted, name);
            }
        }
        (Shape::Object, _, Json::Object(wanted)) => {
            assert_eq!(document.class(value), wanted["@class"].as_str(), "{name}");
            let fields: Vec<_> = document.fields(value).collect();
            assert_eq!(fields.len(), wanted.len() - 1, "{name}");
            fields.into_iter().for_each(|(field, value)| same_value(document, value, &wanted[field], name));
        }
        _ => panic!("{name}: {value:?} is not {wanted}"),
    }
}

#[test]
fn every_header_decodes_to_its_kind_and_encodes_to_its_bytes() {
    for frame in golden() {
        let header = frame.header();
        let kind = match frame.kind() {
            "request" => FrameKind::Call,
            "one-way" => FrameKind::OneWay,
            "response" => FrameKind::Reply,
            "event two-way" => FrameKind::EventCall,
            "event one-way" => FrameKind::EventOneWay,
            "event-response" => FrameKind::EventReply,
            other => panic!("{other}"),
        };
        assert_eq!(header.kind(), kind, "{}", frame.name);
        assert_eq!(header.encode(), frame.bytes[..HEADER_LEN], "{}", frame.name);
        assert_eq!(header.frame_len(), frame.bytes.len(), "{}", frame.name);
        assert_eq!(header.serialization().name(), frame.notes["serialization"], "{}", frame.name);
        if kind == FrameKind::Reply {
            assert_eq!(frame.notes["status"], header.status().0, "{}", frame.name);
            assert!(Status::ALL.contains(&header.status()), "{}", frame.name);
        }
    }
}

#[test]
fn every_event_says_what_its_notes_say() {
    let mut events = 0;
    for frame in golden().iter().filter(|frame| frame.kind().starts_with("event")) {
        let wanted = match &frame.notes["body"] {
            Json::Null => Event::Heartbeat,
            body if body == "R" => Event::Readonly,
            other => panic!("{other}"),
        };
        assert_eq!(frame.header().event(frame.body()), wanted, "{}", frame.name);
        events += 1;
    }
    assert_eq!(events, 32);
}

#[test]
fn every_request_is_the_call_that_its_notes_say() {
    let mut requests = 0;
    for frame in golden().iter().filter(|frame| frame.is_request()) {
        let (header, name, notes) = (frame.header(), &frame.name, &frame.notes);
        let call = call(&header, frame.body(), name);
        assert_eq!(call.leading.dubbo_version, notes["dubbo_version"].as_str().unwrap(), "{name}");
        assert_eq!(call.leading.service, notes["service"].as_str().unwrap(), "{name}");
        assert_eq!(call.leading.version, notes["version"].as_str().unwrap(), "{name}");
        assert_eq!(call.leading.method, notes["method"].as_str().unwrap(), "{name}");
        assert_eq!(call.leading.types, notes["types"].as_str().unwrap(), "{name}");
        assert_eq!(call.leading.arg_count, notes["args"].as_array().unwrap().len(), "{name}");
        same_attachments(frame, &call.attachments);
        let attachment = |key: &str| notes["attachments"][key].as_str();
        assert_eq!(Some(&*call.service), attachment("path"), "{name}");
        assert_eq!(call.interface.as_deref(), attachment("interface"), "{name}");
        assert_eq!(call.conflicting_interface(), None, "{name}");
        assert_eq!(call.group.as_deref(), attachment("group"), "{name}");
        assert_eq!(call.version.as_deref(), attachment("version").filter(|version| *version != "0.0.0"), "{name}");
        assert_eq!(call.application.as_deref(), attachment("remote.application"), "{name}");
        // 3.0.15 sends a number.
        let timeout = &notes["attachments"]["timeout"];
        let timeout = timeout.as_str().map(|timeout| timeout.parse().unwrap()).or(timeout.as_u64().map(u128::from));
        assert_eq!(call.timeout.map(|timeout| timeout.as_millis()), timeout, "{name}");
        let generic = call.leading.types == GENERIC_TYPES;
        assert_eq!(call.generic.is_some(), generic, "{name}");
        let method = if generic { notes["args"][0].as_str() } else { notes["method"].as_str() };
        assert_eq!(Some(&*call.method), method, "{name}");
        let form = if call.leading.dubbo_version == "2.0.2" { ReplyForm::WithAttachments } else { ReplyForm::Plain };
        assert_eq!(call.reply_form(), form, "{name}");
        assert!(!call.is_dubbo_go() && call.reverse.is_none() && call.target.is_none(), "{name}");
        requests += 1;
    }
    assert_eq!(requests, 211);
}

#[test]
fn every_first_argument_is_what_its_notes_say() {
    let mut arguments = 0;
    for frame in golden().iter().filter(|frame| frame.is_request()) {
        let Some(wanted) = frame.notes["args"].get(0) else { continue };
        let call = call(&frame.header(), frame.body(), &frame.name);
        match call.codec {
            Codec::Hessian2 => {
                let document = Document::read(&frame.body()[call.leading.end..]).unwrap();
                same_value(&document, document.root(), wanted, &frame.name);
            }
            Codec::Fastjson2 => {
                let mut fields = fastjson2::Fields::new(&frame.body()[call.leading.end..]);
                let field = fields.field().unwrap();
                same_plain(&frame.body()[call.leading.end..], field, wanted, &frame.name);
            }
        }
        arguments += 1;
    }
    assert_eq!(arguments, 175);
}

/// A fastjson2 field: text and numbers are compared, anything else must be stepped over to exactly its end.
fn same_plain(body: &[u8], field: std::ops::Range<usize>, wanted: &Json, name: &str) {
    let mut reader = fastjson2::Reader::new(body, field.clone());
    match wanted {
        Json::String(text) => assert_eq!(reader.text().unwrap(), text.as_str(), "{name}"),
        Json::Number(number) if number.is_i64() => assert_eq!(reader.integer().ok(), number.as_i64(), "{name}"),
        Json::Null => assert!(reader.null(), "{name}"),
        _ => reader.skip().unwrap_or_else(|error| panic!("{name}: {error}")),
    }
    assert!(reader.is_done() && reader.at() == field.end, "{name}");
}

#[test]
fn every_ok_reply_is_what_its_notes_say() {
    let mut replies = 0;
    for frame in golden().iter().filter(|frame| frame.is_ok_reply()) {
        let (name, notes) = (&frame.name, &frame.notes);
        let answer = answer::peek(&frame.header(), frame.body()).unwrap().unwrap();
        let wanted = notes["type"].as_i64().unwrap();
        let kind = [AnswerType::Exception, AnswerType::Value, AnswerType::Null][wanted as usize % 3];
        assert_eq!((answer.kind, answer.attachments.is_some()), (kind, wanted >= 3), "{name}");
        if let Some(attachments) = &answer.attachments {
            same_attachments(frame, attachments);
            assert_eq!(attachments.range().end, frame.body().len(), "{name}");
        }
        let value = if kind == AnswerType::Exception { &notes["exception"] } else { &notes["value"] };
        match (frame.header().serialization().codec().unwrap(), kind) {
            (_, AnswerType::Null) => assert!(answer.value.is_empty(), "{name}"),
            (Codec::Hessian2, _) => {
                let document = Document::read(&frame.body()[answer.value.start..]).unwrap();
                same_value(&document, document.root(), value, name);
                assert_eq!(document.end(), answer.value.len(), "{name}");
            }
            (Codec::Fastjson2, _) => same_plain(frame.body(), answer.value.clone(), value, name),
        }
        replies += 1;
    }
    assert_eq!(replies, 194);
}

#[test]
fn every_error_reply_has_the_text_of_its_notes() {
    let mut replies = 0;
    for frame in golden().iter().filter(|frame| frame.kind() == "response" && !frame.is_ok_reply()) {
        let text = answer::error_text(&frame.header(), frame.body()).unwrap();
        let (start, len) = match frame.notes["error"].as_str().unwrap().split_once('…') {
            Some((start, len)) => (start, len.trim().trim_end_matches(" chars").parse().ok()),
            None => (frame.notes["error"].as_str().unwrap(), None),
        };
        assert!(text.starts_with(start), "{}: {text}", frame.name);
        assert!(len.is_none_or(|len: usize| len == text.chars().count()), "{}: {}", frame.name, text.len());
        replies += 1;
    }
    assert_eq!(replies, 9);
}

#[test]
fn stepping_over_a_value_ends_where_decoding_it_ends() {
    let mut values = 0;
    let hessian2 = |frame: &&Golden| frame.header().serialization() == Serialization::HESSIAN2;
    for frame in golden().iter().filter(hessian2) {
        let (mut at, body) = (0, frame.body());
        let mut reader = hessian2::Reader::new(body);
        while at < body.len() {
            reader.skip().unwrap();
            // Later values may use earlier definitions, so only those that decode by themselves are compared.
            if let Ok(document) = Document::read(&body[at..]) {
                assert_eq!(at + document.end(), reader.at(), "{}", frame.name);
                values += 1;
            }
            at = reader.at();
        }
        assert_eq!(at, body.len(), "{}", frame.name);
    }
    assert!(values > 1000, "{values}");
}
