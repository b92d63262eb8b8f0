//! Damaged frames: cut at every byte, changed at any, or nothing but noise. Nothing panics, and what is still read
//! stays inside the bytes.

use highway_wire::dubbo::answer;
use highway_wire::dubbo::attachments::Attachments;
use highway_wire::dubbo::call::{self, Peeked};
use highway_wire::dubbo::fastjson2;
use highway_wire::dubbo::frame::{HEADER_LEN, Header, Serialization};
use highway_wire::dubbo::hessian2::{self, Document};
use highway_wire::dubbo::reply::{self, Asked};
use highway_wire::dubbo::rewrite::{ReplyEdit, RequestEdit, Strip};
use proptest::prelude::*;

use crate::samples::{fastjson2_body, golden, json_map};

/// Everything that reads a frame, on any bytes at all.
pub fn read_everything(bytes: &[u8]) {
    let (header, body) = match Header::decode(bytes) {
        Ok(Some(header)) => (header, &bytes[HEADER_LEN..]),
        _ => (Header::request(Serialization::HESSIAN2, 0, 0), bytes),
    };
    for serialization in [header.serialization(), Serialization::HESSIAN2, Serialization::FASTJSON2] {
        let header = Header { flags: header.flags & !0x1f | serialization.id(), ..header };
        let _ = header.event(body);
        let _ = answer::error_text(&header, body);
        read_request(&header, body);
        read_reply(&header, body);
        let mut out = Vec::new();
        reply::reencode_error(&mut out, &header, body, Serialization::HESSIAN2);
    }
    for start in [0, body.len() / 2] {
        let bytes = &body[start..];
        let skipped = hessian2::Reader::new(bytes).skip();
        if let Ok(document) = Document::read(bytes) {
            assert!(document.end() <= bytes.len());
            assert!(skipped.is_ok(), "what decodes can be stepped over");
        }
        let mut reader = fastjson2::Reader::new(body, start..body.len());
        let _ = reader.skip();
        assert!(reader.at() <= body.len());
    }
}

fn inside(attachments: &Attachments<'_>, body: &[u8]) {
    let (map, entries) = (attachments.range(), attachments.entries_range());
    assert!(map.start <= entries.start && entries.end <= map.end && map.end <= body.len());
    let mut end = entries.start;
    for attachment in attachments.iter() {
        assert_eq!(attachment.at.start, end);
        end = attachment.at.end;
    }
    assert_eq!(end, entries.end);
}

fn read_request(header: &Header, body: &[u8]) {
    let Ok(Peeked::Call(call)) = call::peek(header, body) else { return };
    inside(&call.attachments, body);
    assert!(call.texts().count() <= call.leading.arg_count && call.arguments().len() <= body.len());
    let edit = RequestEdit {
        id: Some(7),
        service: Some("com.acme.New"),
        strip: Strip::ROUTING,
        set: &[("path", "com.acme.New"), ("timeout", "9")],
    };
    let mut out = b"before".to_vec();
    if let Ok(len) = edit.append(header, body, &call, &mut out) {
        let frame = &out[6..];
        assert_eq!(frame.len(), len);
        let parts: Vec<u8> = edit.parts(header, body, &call).unwrap().iter().flatten().copied().collect();
        assert_eq!(parts, frame);
        let header = Header::decode(frame).unwrap().unwrap();
        assert_eq!((header.id, header.frame_len()), (7, len));
        let Ok(Peeked::Call(call)) = call::peek(&header, &frame[HEADER_LEN..]) else {
            panic!("rewritten and unreadable")
        };
        assert_eq!(
            (&*call.service, call.timeout.map(|timeout| timeout.as_millis() <= 9)),
            ("com.acme.New", Some(true))
        );
        assert_eq!((call.highway().count(), &*call.leading.service), (0, "com.acme.New"));
    }
    let mut out = Vec::new();
    reply::put_exception(&mut out, &Asked::of(header, &call), "no");
    let header = Header::decode(&out).unwrap().unwrap();
    assert!(answer::peek(&header, &out[HEADER_LEN..]).unwrap().is_some());
}

fn read_reply(header: &Header, body: &[u8]) {
    let Ok(Some(answer)) = answer::peek(header, body) else { return };
    assert!(answer.value.end <= body.len());
    if let Some(attachments) = &answer.attachments {
        inside(attachments, body);
    }
    let edit = ReplyEdit { id: Some(7), strip: Strip::REPLY, set: &[("a", "b")] };
    let mut out = Vec::new();
    if edit.append(header, body, &answer, &mut out).is_ok() {
        let header = Header::decode(&out).unwrap().unwrap();
        let rewritten = answer::peek(&header, &out[HEADER_LEN..]).unwrap().unwrap();
        assert_eq!((rewritten.kind, rewritten.value.len()), (answer.kind, answer.value.len()));
        for attachment in rewritten.attachments.iter().flat_map(Attachments::iter) {
            assert!(!matches!(&*attachment.key, "local-addr" | "remote-addr"));
        }
    }
}

#[test]
fn a_frame_cut_anywhere_is_refused_and_not_misread() {
    let mut cuts = 0;
    for frame in golden().iter().filter(|frame| frame.is_request()) {
        for cut in 0..frame.body().len() {
            assert!(call::peek(&frame.header(), &frame.body()[..cut]).is_err(), "{} cut at {cut}", frame.name);
            cuts += 1;
        }
    }
    for frame in golden().iter().filter(|frame| frame.is_ok_reply()) {
        for cut in 0..frame.body().len() {
            assert!(answer::peek(&frame.header(), &frame.body()[..cut]).is_err(), "{} cut at {cut}", frame.name);
            cuts += 1;
        }
    }
    assert!(cuts > 50_000, "{cuts}");
}

#[test]
fn whole_golden_frames_pass_all_readers() {
    golden().iter().for_each(|frame| read_everything(&frame.bytes));
}

#[test]
fn jsonb_of_a_hundred_thousand_levels_is_refused_without_recursion() {
    for opener in [&[0x95][..], &[0xa4, 0x01], &[0xa6, 0x4a, b'k'], &[0x92, 0x00, 0x95]] {
        let body = fastjson2_body(&json_map(&[&[0x4a, b'x'], &opener.repeat(100_000)]));
        let header = Header::request(Serialization::FASTJSON2, 1, 0);
        assert!(call::peek(&header, &body).is_err());
    }
    let types = fastjson2_body(&json_map(&[&[0x4a, b'x'], &[0x92, 0x00].repeat(100_000)]));
    assert!(call::peek(&Header::request(Serialization::FASTJSON2, 1, 0), &types).is_err());
}

#[test]
fn field_lengths_that_lie_are_refused() {
    for len in [-1_i32, i32::MIN, i32::MAX, 0, 200] {
        let mut body = fastjson2_body(&json_map(&[]));
        body[..4].copy_from_slice(&len.to_be_bytes());
        assert!(call::peek(&Header::request(Serialization::FASTJSON2, 1, 0), &body).is_err(), "{len}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn noise_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_everything(&bytes);
    }

    #[test]
    fn tags_in_any_order_are_read_or_refused(bytes in prop::collection::vec(prop::sample::select(vec![
        0x00, 0x01, 0x20, 0x43, 0x48, 0x4d, 0x4e, 0x4f, 0x51, 0x52, 0x55, 0x56, 0x57, 0x58, 0x5a, 0x60, 0x61, 0x70, 0x71,
        0x78, 0x79, 0x7a, 0x90, 0x91, 0x92, 0x94, 0x7f, 0x93, 0xa4, 0xa5, 0xa6, 0xaf, 0xed, 0xa0, 0xbd, 0xf0_u8,
    ]), 0..60)) {
        read_everything(&bytes);
    }
}

#[test]
fn golden_frames_with_changed_bytes_are_read_or_refused() {
    let frames = golden();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(4000));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    runner
        .run(&(0..frames.len(), changes, any::<prop::sample::Index>()), |(frame, changes, cut)| {
            let mut bytes = frames[frame].bytes.clone();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            read_everything(&bytes);
            read_everything(&bytes[..cut.index(bytes.len())]);
            Ok(())
        })
        .unwrap();
}
