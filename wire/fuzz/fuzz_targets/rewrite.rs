//! Rewriting: the new frame can be read, says what was put in, and is the same as slices and as one piece.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::dubbo::answer;
use wire::dubbo::call::{self, Peeked};
use wire::dubbo::frame::{HEADER_LEN, Header, Serialization};
use wire::dubbo::reply;
use wire::dubbo::rewrite::{ReplyEdit, RequestEdit, Strip};
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
    let Ok(Peeked::Call(new)) = call::peek(&new, &out[HEADER_LEN..]) else { panic!("rewritten and unreadable") };
    assert_eq!((&*new.service, &*new.leading.service), ("com.acme.New", "com.acme.New"));
    assert_eq!(new.highway().collect::<Vec<_>>(), [("highway.source.island", "a")]);
    assert_eq!((new.method, new.group, new.version), (call.method, call.group, call.version));
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
