//! Rewriting: what was asked for changes, every other byte stays.

use highway_wire::dubbo::answer;
use highway_wire::dubbo::attachments::Attachments;
use highway_wire::dubbo::fastjson2;
use highway_wire::dubbo::frame::{Codec, HEADER_LEN, Header, Serialization, Status};
use highway_wire::dubbo::rewrite::{RENAMED, ReplyEdit, RequestEdit, RewriteError, Strip};

use crate::golden::call;
use crate::samples::{Golden, fastjson2_body, golden, hessian2_body, json_map, map, text};

fn rewritten(edit: &RequestEdit<'_>, header: &Header, body: &[u8], name: &str) -> (Header, Vec<u8>) {
    let call = call(header, body, name);
    let mut out = b"before".to_vec();
    let len = edit.append(header, body, &call, &mut out).unwrap();
    assert_eq!((&out[..6], out.len()), (&b"before"[..], 6 + len));
    let parts = edit.parts(header, body, &call).unwrap();
    assert_eq!(parts.frame_len(), len, "{name}");
    assert_eq!(parts.iter().flatten().copied().collect::<Vec<_>>(), out[6..], "{name}");
    (Header::decode(&out[6..]).unwrap().unwrap(), out[6 + HEADER_LEN..].to_vec())
}

/// Key and value of every text, in the order of the wire.
fn entries(attachments: &Attachments<'_>) -> Vec<(String, String)> {
    attachments.iter().map(|entry| (entry.key.into_owned(), format!("{:?}", entry.value))).collect()
}

fn requests() -> Vec<Golden> {
    let requests: Vec<_> = golden().into_iter().filter(Golden::is_request).collect();
    assert_eq!(requests.len(), 211);
    requests
}

#[test]
fn an_edit_that_changes_nothing_gives_the_same_bytes() {
    for frame in requests() {
        let (header, body) = rewritten(&RequestEdit::default(), &frame.header(), frame.body(), &frame.name);
        assert_eq!((header, &body[..]), (frame.header(), frame.body()), "{}", frame.name);
    }
    let mut replies = 0;
    for frame in golden().iter().filter(|frame| frame.is_ok_reply()) {
        let answer = answer::peek(&frame.header(), frame.body()).unwrap().unwrap();
        let mut out = Vec::new();
        ReplyEdit::default().append(&frame.header(), frame.body(), &answer, &mut out).unwrap();
        assert_eq!(out, frame.bytes, "{}", frame.name);
        replies += 1;
    }
    assert_eq!(replies, 194);
}

#[test]
fn what_the_ingress_changes_leaves_every_argument_as_it_was() {
    for frame in requests() {
        let name = &frame.name;
        let set = [("timeout", "250"), ("path", "ctx/interop.api.Interop"), ("highway.source.island", "岛 😀")];
        let edit = RequestEdit { id: Some(-5), service: None, strip: Strip::ROUTING, set: &set };
        let old = call(&frame.header(), frame.body(), name);
        let (header, body) = rewritten(&edit, &frame.header(), frame.body(), name);
        let new = call(&header, &body, name);
        assert_eq!((header.id, header.flags, header.status), (-5, frame.header().flags, 0), "{name}");
        let arguments =
            frame.header().serialization().codec().map_or(0, |codec| 4 * usize::from(codec == Codec::Fastjson2));
        let before_map = old.attachments.range().start - arguments;
        assert_eq!(body[..before_map], frame.body()[..before_map], "{name}");
        let mut wanted = entries(&old.attachments);
        wanted.retain(|(key, _)| !set.iter().any(|(set, _)| set == key));
        wanted.extend(set.map(|(key, value)| (key.to_owned(), format!("Text({value:?})"))));
        assert_eq!(entries(&new.attachments), wanted, "{name}");
        assert_eq!((&*new.service, new.timeout.unwrap().as_millis()), ("ctx/interop.api.Interop", 250), "{name}");
    }
}

#[test]
fn field_2_is_replaced_for_providers_that_read_the_path_there() {
    for frame in requests() {
        let edit = RequestEdit { service: Some("ctx/a.Other"), ..RequestEdit::default() };
        let (header, body) = rewritten(&edit, &frame.header(), frame.body(), &frame.name);
        let (old, new) = (call(&frame.header(), frame.body(), &frame.name), call(&header, &body, &frame.name));
        assert_eq!(new.leading.service, "ctx/a.Other");
        assert_eq!(body[new.leading.end..], frame.body()[old.leading.end..], "{}", frame.name);
        assert_eq!((new.leading.types, new.leading.version), (old.leading.types, old.leading.version));
    }
}

fn header(codec: Codec, body: &[u8]) -> Header {
    Header::request(codec.serialization(), 1, body.len() as u32)
}

#[test]
fn a_null_map_becomes_a_map_only_when_something_is_put_in() {
    for (codec, body) in [(Codec::Hessian2, hessian2_body("", &[], b"N")), (Codec::Fastjson2, fastjson2_body(&[0xaf]))]
    {
        let header = header(codec, &body);
        assert_eq!(rewritten(&RequestEdit::default(), &header, &body, "").1, body);
        let edit = RequestEdit { set: &[("a", "b")], ..RequestEdit::default() };
        let (header, body) = rewritten(&edit, &header, &body, "");
        assert_eq!(entries(&call(&header, &body, "").attachments), [("a".into(), "Text(\"b\")".into())]);
    }
}

#[test]
fn bytes_behind_the_map_stay_where_they_are() {
    let body = [&hessian2_body("", &[], &map(&[&text("highway.x"), &text("1")]))[..], b"N"].concat();
    let edit = RequestEdit { strip: Strip::ROUTING, ..RequestEdit::default() };
    let (_, new) = rewritten(&edit, &header(Codec::Hessian2, &body), &body, "");
    assert_eq!(new, [&hessian2_body("", &[], b"HZ")[..], b"N"].concat());
}

/// A reply as dubbo-go sends it: attachments echoed, inner addresses, a boolean, and a null behind.
fn go_reply(pieces: &[&[u8]]) -> Vec<u8> {
    [&[0x94][..], &text("value"), &map(pieces), b"N"].concat()
}

fn stripped(body: &[u8], serialization: Serialization) -> Result<Vec<u8>, RewriteError> {
    let header = Header::reply(serialization, Status::OK, 1, body.len() as u32);
    let answer = answer::peek(&header, body).unwrap().unwrap();
    let edit = ReplyEdit { id: None, strip: Strip::REPLY, set: &[] };
    let mut out = b"before".to_vec();
    let result = edit.append(&header, body, &answer, &mut out);
    assert_eq!(result.is_err(), edit.parts(&header, body, &answer).is_err());
    match result {
        Ok(len) => {
            assert_eq!(Header::decode(&out[6..]).unwrap().unwrap().frame_len(), len);
            Ok(out[6 + HEADER_LEN..].to_vec())
        }
        Err(error) => {
            assert_eq!(out, b"before", "an error takes everything back");
            Err(error)
        }
    }
}

#[test]
fn inner_addresses_and_routing_keys_do_not_leave_in_replies() {
    let flag = [&text("dubbo-go-flag")[..], b"T"].concat();
    let keep: [&[u8]; 4] = [&text("dubbo"), &text("2.0.2"), &flag, &text("x")];
    let body = go_reply(&[
        &text("local-addr"),
        &text("10.0.0.7:20880"),
        keep[0],
        keep[1],
        &text("highway.target"),
        &text("b"),
        keep[2],
        &text("remote-addr"),
        b"HZ",
        keep[3],
        b"N",
    ]);
    assert_eq!(
        stripped(&body, Serialization::HESSIAN2).unwrap(),
        go_reply(&[keep[0], keep[1], keep[2], keep[3], b"N"])
    );
}

#[test]
fn a_value_that_later_ones_count_on_stays_under_another_name() {
    let class = b"C\x01A\x91\x01x\x60\x91";
    let later = [&text("later")[..], &[0x60, 0x92]].concat();
    let body = go_reply(&[&text("local-addr"), class, &later]);
    let new = stripped(&body, Serialization::HESSIAN2).unwrap();
    assert_eq!(new, go_reply(&[&text(RENAMED), class, &later]));
    // With nothing but text behind it, it goes.
    let body = go_reply(&[&later_free(class), &text("k"), &text("v")]);
    assert_eq!(stripped(&body, Serialization::HESSIAN2).unwrap(), go_reply(&[&text("k"), &text("v")]));
}

fn later_free(class: &[u8]) -> Vec<u8> {
    [&text("local-addr")[..], class].concat()
}

#[test]
fn a_reply_without_attachments_only_gets_its_id() {
    let body = [&[0x91][..], &text("value")].concat();
    let header = Header::reply(Serialization::HESSIAN2, Status::OK, 1, body.len() as u32);
    let answer = answer::peek(&header, &body).unwrap().unwrap();
    let edit = ReplyEdit { id: Some(9), strip: Strip::REPLY, set: &[("a", "b")] };
    let mut out = bytes::BytesMut::new();
    edit.append(&header, &body, &answer, &mut out).unwrap();
    assert_eq!(out[..HEADER_LEN], Header { id: 9, ..header }.encode());
    assert_eq!(out[HEADER_LEN..], body);
}

fn json_reply(pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    fastjson2::writer::put_field(&mut out, |out| fastjson2::writer::put_byte(out, 5));
    fastjson2::writer::put_field(&mut out, |out: &mut Vec<u8>| out.extend(json_map(pieces)));
    out
}

fn json(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    fastjson2::writer::put_text(&mut out, text);
    out
}

#[test]
fn fastjson2_replies_are_stripped_too_and_refused_where_later_values_may_refer_to_earlier_ones() {
    let (address, key, value) = (json("local-addr"), json("k"), json("v"));
    let body = json_reply(&[&address, &json("10.0.0.7"), &key, &value]);
    assert_eq!(stripped(&body, Serialization::FASTJSON2).unwrap(), json_reply(&[&key, &value]));
    let body = json_reply(&[&address, &[0x94], &key, &value]);
    assert_eq!(stripped(&body, Serialization::FASTJSON2).unwrap(), json_reply(&[&key, &value]));
    let reference = [&[0x93][..], &json("$.local-addr")].concat();
    let body = json_reply(&[&address, &[0x94], &key, &reference]);
    let error = stripped(&body, Serialization::FASTJSON2).unwrap_err();
    assert_eq!(error, RewriteError::Entangled { key: "local-addr".into() });
}
