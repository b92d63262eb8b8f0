//! Rewriting: the new frame can be read, says what was put in, and is the same as slices and as one piece.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::dubbo::answer;
use wire::dubbo::attachments::Attachment;
use wire::dubbo::call::{self, Call, PeekError, Peeked};
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Serialization};
use wire::dubbo::reply;
use wire::dubbo::rewrite::{RENAMED, ReplyEdit, RequestEdit, Strip};
use wire::fuzzing::{self, Dice};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&fuzzing::request(&mut Dice::new(bytes)));
});

fn check(bytes: &[u8]) {
    let Ok(Some(header)) = Header::decode(bytes) else { return };
    let body = &bytes[HEADER_LEN..];
    request(&header, body);
    answered(&header, body);
    let mut out = Vec::new();
    if reply::reencode_error(&mut out, &header, body, Serialization::HESSIAN2) {
        assert!(out.len() > HEADER_LEN + 1);
    }
}

fn request(header: &Header, body: &[u8]) {
    let Ok(Peeked::Call(call)) = call::peek(header, body) else { return };
    let edit = RequestEdit {
        id: Some(7),
        service: Some("com.acme.New"),
        strip: Strip::ROUTING,
        set: &[("path", "com.acme.New"), ("highway.source.island", "a")],
    };
    let mut out = Vec::new();
    let appended = edit.append(header, body, &call, &mut out);
    let Ok(parts) = edit.parts(header, body, &call) else {
        assert!(appended.is_err() && out.is_empty());
        return;
    };
    assert!(parts.iter().flatten().eq(&out));
    let Ok(Some(new)) = Header::decode(&out) else { panic!("no header") };
    assert_eq!((new.id, new.frame_len()), (7, out.len()));
    let new = match call::peek(&new, &out[HEADER_LEN..]) {
        Ok(Peeked::Call(new)) => new,
        // What was the call's own service a moment ago is another one now.
        Err(PeekError::InnerPath { .. }) => return,
        other => panic!("rewritten and unreadable: {other:?}"),
    };
    assert_eq!((&*new.service, &*new.leading.service), ("com.acme.New", "com.acme.New"));
    assert_eq!(new.highway().collect::<Vec<_>>(), [("highway.source.island", "a")]);
    assert_eq!((&new.method, &new.group, &new.version), (&call.method, &call.group, &call.version));
    assert_eq!(arguments(&new, &out[HEADER_LEN..]), arguments(&call, body));
    assert_eq!(others(&new), others(&call));
}

/// The bytes between the leading fields and the map, with the length in front of a fastjson2 map left out.
fn arguments<'b>(call: &Call<'_>, body: &'b [u8]) -> &'b [u8] {
    let len_len = if call.codec == Codec::Fastjson2 { 4 } else { 0 };
    &body[call.leading.end..call.attachments.range().start - len_len]
}

/// The attachments that no edit here touches, in their order.
fn others<'a>(call: &Call<'a>) -> Vec<Attachment<'a>> {
    let is_other = |key: &str| key != "path" && key != RENAMED && !key.starts_with("highway.");
    let entries = call.attachments.iter().filter(|entry| is_other(&entry.key));
    entries.map(|entry| Attachment { at: 0..0, ..entry }).collect()
}

fn answered(header: &Header, body: &[u8]) {
    let Ok(Some(answer)) = answer::peek(header, body) else { return };
    let edit = ReplyEdit { id: Some(7), strip: Strip::REPLY, set: &[] };
    let mut out = Vec::new();
    if edit.append(header, body, &answer, &mut out).is_err() {
        assert!(out.is_empty());
        return;
    }
    let Ok(Some(header)) = Header::decode(&out) else { panic!("no header") };
    let Ok(Some(new)) = answer::peek(&header, &out[HEADER_LEN..]) else { panic!("rewritten and unreadable") };
    assert_eq!((new.kind, &new.value), (answer.kind, &answer.value));
    for entry in new.attachments.iter().flat_map(|attachments| attachments.iter()) {
        assert!(!matches!(&*entry.key, "local-addr" | "remote-addr") && !entry.key.starts_with("highway."));
    }
}
