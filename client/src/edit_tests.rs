//! What a provider gets of a call.

use wire::dubbo::frame::{Codec, Serialization};
use wire::dubbo::request::{Arg, Request};

use super::*;
use crate::{Endpoint, Offer, Token};

const SERVICE: &str = "com.acme.Greeter";
const ARG: &str = "an argument that stays as it is";

fn frame(codec: Codec, attachments: &[(&str, &str)]) -> Vec<u8> {
    let request = Request {
        codec,
        service: SERVICE,
        version: None,
        group: None,
        method: "hello",
        types: "Ljava/lang/String;",
        args: &[Arg::Text(ARG)],
        attachments,
    };
    let mut out = Vec::new();
    request.append(&mut out, -9);
    out
}

fn offer() -> Offer {
    Offer::new(Endpoint::new("h1", 20880), SERVICE)
}

const ISLAND: &str = "highway.source.island";
const APPLICATION: &str = "highway.source.application";

/// Appends the frame as the provider gets it.
fn put(frame: &[u8], offer: &Offer, left_ms: u64, out: &mut Vec<u8>) -> Result<(), EditError> {
    let header = Header::decode(frame).unwrap().unwrap();
    let peeked = peek(&header, &frame[HEADER_LEN..]).unwrap();
    let (needed, more) = (&[(ISLAND, "beijing")], &[(APPLICATION, "shop")]);
    let call = ForProvider { header: &header, frame, peeked: &peeked, interface: SERVICE, needed, more };
    call.append(offer, Duration::from_millis(left_ms), 77, out)
}

/// The frame as the provider gets it, behind what stood there before.
fn sent(frame: &[u8], offer: &Offer, left_ms: u64) -> Vec<u8> {
    let mut out = b"before".to_vec();
    put(frame, offer, left_ms, &mut out).unwrap();
    out.split_off(6)
}

fn attachment(frame: &[u8], key: &str) -> Option<String> {
    let header = Header::decode(frame).unwrap().unwrap();
    assert_eq!((header.id, header.frame_len()), (77, frame.len()));
    let Peeked::Call(call) = peek(&header, &frame[HEADER_LEN..]).unwrap() else { panic!("opaque") };
    call.attachments.get(key).map(|value| value.into_owned())
}

fn contains(frame: &[u8], text: &str) -> bool {
    frame.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_provider_hears_who_calls_from_the_gateway_and_not_from_the_caller() {
    for codec in [Codec::Hessian2, Codec::Fastjson2] {
        let lies = [
            ("highway.source.island", "the cloud"),
            ("highway.target", "shanghai"),
            ("highway.x", "y"),
            ("mine", "kept"),
        ];
        let sent = sent(&frame(codec, &lies), &offer(), 1000);
        assert_eq!(attachment(&sent, ISLAND).as_deref(), Some("beijing"));
        assert_eq!(attachment(&sent, APPLICATION).as_deref(), Some("shop"));
        assert_eq!(attachment(&sent, "mine").as_deref(), Some("kept"));
        assert_eq!((attachment(&sent, "highway.target"), attachment(&sent, "highway.x")), (None, None));
        assert!(contains(&sent, ARG) && !contains(&sent, "the cloud"));
    }
}

#[test]
fn the_timeout_is_lowered_and_never_raised() {
    for (said, left, wanted) in
        [("3000", 2500, "2500"), ("3000", 3000, "3000"), ("1000", 2500, "1000"), ("0", 2500, "0")]
    {
        let sent = sent(&frame(Codec::Hessian2, &[("timeout", said)]), &offer(), left);
        assert_eq!(attachment(&sent, "timeout").as_deref(), Some(wanted), "{said} with {left} left");
    }
    assert_eq!(attachment(&sent(&frame(Codec::Hessian2, &[]), &offer(), 5), "timeout"), None);
}

#[test]
fn a_provider_under_another_path_gets_its_path() {
    let mut elsewhere = offer();
    elsewhere.path = "shop/com.acme.Greeter".into();
    let sent = sent(&frame(Codec::Hessian2, &[]), &elsewhere, 1000);
    assert_eq!(attachment(&sent, "path").as_deref(), Some("shop/com.acme.Greeter"));
    let header = Header::decode(&sent).unwrap().unwrap();
    let Peeked::Call(call) = peek(&header, &sent[HEADER_LEN..]).unwrap() else { panic!("opaque") };
    assert_eq!(call.leading.service, SERVICE, "2.7 and later look field 2 up as an interface");
}

/// The same call from a consumer that sends no attachment `path`.
fn without_path(frame: &[u8]) -> Vec<u8> {
    let header = Header::decode(frame).unwrap().unwrap();
    let body = &frame[HEADER_LEN..];
    let Peeked::Call(call) = peek(&header, body).unwrap() else { panic!("opaque") };
    let edit = RequestEdit { strip: Strip { keys: &["path"], prefixes: &[] }, ..RequestEdit::default() };
    let mut out = Vec::new();
    edit.append(&header, body, &call, &mut out).unwrap();
    out
}

#[test]
fn a_call_that_names_the_path_in_field_2_keeps_it_when_field_2_becomes_the_interface() {
    const PATH: &str = "shop/com.acme.Greeter";
    for codec in [Codec::Hessian2, Codec::Fastjson2] {
        let mut request = Vec::new();
        let call = Request {
            codec,
            service: PATH,
            version: None,
            group: None,
            method: "hello",
            types: "Ljava/lang/String;",
            args: &[Arg::Text(ARG)],
            attachments: &[],
        };
        call.append(&mut request, -9);
        let request = without_path(&request);
        let sent = sent(&request, &Offer { path: PATH.into(), ..offer() }, 1000);
        assert_eq!(attachment(&sent, "path").as_deref(), Some(PATH));
        let header = Header::decode(&sent).unwrap().unwrap();
        let Peeked::Call(call) = peek(&header, &sent[HEADER_LEN..]).unwrap() else { panic!("opaque") };
        assert_eq!((&*call.leading.service, &*call.service), (SERVICE, PATH));
    }
}

#[test]
fn a_token_is_put_in_in_place_of_the_callers() {
    let mut guarded = offer();
    guarded.token = Some(Token::new("hush"));
    let given = sent(&frame(Codec::Hessian2, &[("token", "guess")]), &guarded, 1000);
    assert_eq!(attachment(&given, "token").as_deref(), Some("hush"));
    let own = sent(&frame(Codec::Hessian2, &[("token", "guess")]), &offer(), 1000);
    assert_eq!(attachment(&own, "token").as_deref(), Some("guess"));
}

#[test]
fn a_frame_for_one_provider_becomes_one_for_another() {
    let mut first = offer();
    first.token = Some(Token::new("hush"));
    first.path = "a/com.acme.Greeter".into();
    let for_first = sent(&frame(Codec::Hessian2, &[]), &first, 1000);
    let mut again = Vec::new();
    append_again(&for_first, TokenOf::Provider, &offer(), Duration::from_secs(60), 77, &mut again).unwrap();
    assert_eq!(attachment(&again, "path").as_deref(), Some(SERVICE));
    assert_eq!(attachment(&again, "token"), None, "the first provider's token is not for the second");
    assert_eq!(attachment(&again, ISLAND).as_deref(), Some("beijing"));
    assert!(contains(&again, ARG));
}

#[test]
fn a_frame_that_goes_out_late_tells_its_provider_what_is_left() {
    let first = sent(&frame(Codec::Hessian2, &[("timeout", "5000")]), &offer(), 5000);
    let mut late = Vec::new();
    append_waited(&first, Duration::from_millis(900), &mut late);
    assert_eq!(attachment(&late, "timeout").as_deref(), Some("900"));
    assert_eq!(Header::decode(&late).unwrap().unwrap().id, Header::decode(&first).unwrap().unwrap().id);
    assert!(contains(&late, ARG));
    let mut in_time = Vec::new();
    append_waited(&first, Duration::from_millis(5000), &mut in_time);
    assert_eq!(in_time, first, "nothing else changes");
    let mut elsewhere = Vec::new();
    append_again(&first, TokenOf::Provider, &offer(), Duration::from_millis(300), 77, &mut elsewhere).unwrap();
    assert_eq!(attachment(&elsewhere, "timeout").as_deref(), Some("300"));
}

#[test]
fn a_frame_that_nobody_reads_gets_its_id_and_nothing_else() {
    let mut bytes = frame(Codec::Hessian2, &[("highway.target", "x")]);
    bytes[2] = bytes[2] & !0x1f | 3;
    let out = sent(&bytes, &offer(), 1);
    assert_eq!(Header::decode(&out).unwrap().unwrap().id, 77);
    assert_eq!(Serialization::new(out[2]).id(), 3);
    assert_eq!(out[HEADER_LEN..], bytes[HEADER_LEN..]);
}

#[test]
fn numbers_are_written_as_numbers_are() {
    for number in [0, 7, 10, 4_294_967_295, 1_000] {
        assert_eq!(decimal(number, &mut [0; 10]), number.to_string());
    }
}

/// A call whose body leaves `room` bytes of Dubbo's own limit.
fn leaving(room: usize, attachments: &[(&str, &str)]) -> Vec<u8> {
    let filled = |len: usize| {
        let (service, version, group, method) = (SERVICE, None, None, "hello");
        let filling = vec![7; len];
        let args = &[Arg::Bytes(&filling)];
        let mut out = Vec::new();
        Request { codec: Codec::Hessian2, service, version, group, method, types: "[B", args, attachments }
            .append(&mut out, -9);
        out
    };
    // Long bytes come in pieces, and each has a header of its own: the length that fits is found in steps.
    let wanted_len = HEADER_LEN + PAYLOAD_LEN - room;
    let mut len = PAYLOAD_LEN;
    loop {
        let full = filled(len);
        match full.len().checked_sub(wanted_len) {
            Some(0) => return full,
            Some(over) => len -= over,
            None => len += wanted_len - full.len(),
        }
    }
}

/// Seen with 2.6.12 and 2.7.23: they neither run nor answer a call whose body is over their `payload`, and one that the caller had
/// measured to fit grew too long here.
#[test]
fn a_body_that_just_fits_dubbos_own_limit_is_not_made_longer_than_that() {
    let limit = HEADER_LEN + PAYLOAD_LEN;
    let island_len = 1 + ISLAND.len() + 1 + "beijing".len();
    let got = sent(&leaving(island_len, &[("timeout", "3000")]), &offer(), 500);
    assert_eq!(got.len(), limit);
    assert_eq!(attachment(&got, ISLAND).as_deref(), Some("beijing"));
    assert_eq!((attachment(&got, APPLICATION), attachment(&got, "timeout").as_deref()), (None, Some("3000")));
}

/// Such a call once went out without its island, and a provider that takes calls without one for its own island's could be fooled.
#[test]
fn a_call_that_has_no_room_for_its_island_is_refused() {
    let island_len = 1 + ISLAND.len() + 1 + "beijing".len();
    let full = leaving(island_len - 1, &[]);
    let mut out = b"before".to_vec();
    let refused = put(&full, &offer(), 500, &mut out).unwrap_err();
    assert!(matches!(refused, EditError::TooLong { found_len } if found_len == PAYLOAD_LEN + 1), "{refused}");
    assert_eq!(out, b"before");
}
