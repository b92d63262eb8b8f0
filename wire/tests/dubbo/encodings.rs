//! JSONB text comes in six encodings, and Java does not take all of them for the same text.

use highway_wire::dubbo::ReadError;
use highway_wire::dubbo::call::{self, Call, PeekError, Peeked};
use highway_wire::dubbo::fastjson2::{Reader, writer};
use highway_wire::dubbo::frame::{Header, Serialization};

use crate::samples::{fastjson2_body, json_map};

fn peek_json(body: &[u8]) -> Result<Call<'_>, PeekError> {
    let header = Header::request(Serialization::FASTJSON2, 1, body.len() as u32);
    call::peek(&header, body).map(|peeked| match peeked {
        Peeked::Call(call) => call,
        Peeked::Opaque(serialization) => panic!("{serialization}"),
    })
}

#[test]
fn jsonb_keys_and_texts_count_in_every_encoding_that_java_finds_them_in() {
    let symbol = [&[0x7f, 0x50][..], b"version", &[0x00]].concat();
    let group = [&[0x79, 0x05][..], b"group"].concat();
    let utf16 = "无x".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let body = fastjson2_body(&json_map(&[&group, &[0x7c, 0x04], &utf16, &symbol, &[0x79, 0x05], b"2.1.0"]));
    let call = peek_json(&body).unwrap();
    assert_eq!((call.group.as_deref(), call.version.as_deref()), (Some("无x"), Some("2.1.0")));
}

/// fastjson2 on Java 9 and later makes a string of it that equals no other: the provider has no `group` then and runs another
/// service than the one that was asked for.
#[test]
fn ascii_in_a_wider_encoding_is_refused_where_it_decides() {
    let wide = |text: &str, tag: u8| match tag {
        0x7a | 0x7e => [&[tag, text.len() as u8], text.as_bytes()].concat(),
        0x7c => [[tag, 2 * text.len() as u8].to_vec(), text.bytes().flat_map(|byte| [byte, 0]).collect()].concat(),
        _ => [[tag, 2 * text.len() as u8].to_vec(), text.bytes().flat_map(|byte| [0, byte]).collect()].concat(),
    };
    let plain = |text: &str| [&[0x49 + text.len() as u8], text.as_bytes()].concat();
    for tag in 0x7a..=0x7e {
        for (key, value) in
            [(wide("group", tag), plain("g")), (plain("version"), wide("0.0.0", tag)), (plain("group"), wide("", tag))]
        {
            let error = peek_json(&fastjson2_body(&json_map(&[&key, &value]))).unwrap_err();
            assert!(matches!(error, PeekError::Malformed(ReadError::Text { .. })), "{tag:#x}: {error}");
        }
    }
    let unasked = fastjson2_body(&json_map(&[&plain("mine"), &wide("value", 0x7a)]));
    assert_eq!(peek_json(&unasked).unwrap().service, "com.acme.Greeter", "nothing hangs on it");
}

#[test]
fn jsonb_text_is_written_in_the_narrowest_encoding() {
    for (text, tag) in [("", 0x49), ("café", 0x4d), (&*"é".repeat(48), 0x79), (&*"x".repeat(48), 0x79), ("无é", 0x7a)]
    {
        let mut out = Vec::new();
        writer::put_text(&mut out, text);
        assert_eq!(out[0], tag, "{text}");
        assert_eq!(Reader::new(&out, 0..out.len()).text().as_deref(), Ok(text));
    }
}
