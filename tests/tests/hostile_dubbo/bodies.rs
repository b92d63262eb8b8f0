//! Bodies that lie about themselves: nesting without end, lengths that are longer than the bytes, attachments that decide where
//! a call goes and can be read in two ways. Each is status 40 with the place, and its neighbours on the connection are served.

use wire::dubbo::fastjson2::writer as json;
use wire::dubbo::frame::{Codec, Status};
use wire::dubbo::hessian2::writer as hessian;

use crate::talker::{Talker, Told, request};
use crate::world::beside_a_healthy_caller;

const SERVICE: &str = "com.example.Echo";

/// A hessian2 body with one argument and a map, each as it stands.
fn hessian_body(argument: &[u8], map: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in ["2.0.2", SERVICE, "0.0.0", "hi", "Ljava/lang/Object;"] {
        hessian::put_text(&mut out, field);
    }
    [&out[..], argument, map].concat()
}

/// A fastjson2 body likewise, each in a field of its own length.
fn json_body(argument: &[u8], map: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in ["2.0.2", SERVICE, "0.0.0", "hi", "Ljava/lang/Object;"] {
        json::put_field(&mut out, |out| json::put_text(out, field));
    }
    for part in [argument, map] {
        json::put_field(&mut out, |out: &mut Vec<u8>| out.extend_from_slice(part));
    }
    out
}

fn refused(peer: &mut Talker, codec: Codec, body: &[u8]) -> Told {
    peer.send(&request(codec, 11, body));
    let told = peer.told();
    assert_eq!((told.id, told.status), (11, Status::BAD_REQUEST), "{told:?}");
    assert!(told.text.starts_with("highway: ") && told.text.ends_with(" (the call was not executed)"), "{told:?}");
    told
}

const EMPTY: &[u8] = b"HZ";

#[test]
fn nesting_of_a_hundred_thousand_is_refused_with_the_place() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    for opener in [&[0x57][..], &[0x79], b"H\x01k", b"M\x01t\x01k", &[0x58, 0x91], &[0x71, 0x01, b't']] {
        let told = refused(&mut peer, Codec::Hessian2, &hessian_body(&opener.repeat(100_000), EMPTY));
        assert!(told.text.contains(" are nested deeper than 4096 levels; send a body"), "{}", told.text);
        let told = refused(
            &mut peer,
            Codec::Hessian2,
            &hessian_body(b"N", &[b"H\x01x", &opener.repeat(100_000)[..]].concat()),
        );
        assert!(told.text.contains(" are nested deeper than 4096 levels"), "{}", told.text);
    }
    for opener in [&[0x95][..], &[0xa4, 0x01], &[0xa6, 0x4a, b'k'], &[0x92, 0x00, 0x95]] {
        let map = [&[0xa6, 0x4a, b'x'][..], &opener.repeat(100_000)].concat();
        let told = refused(&mut peer, Codec::Fastjson2, &json_body(&[0xaf], &map));
        assert!(told.text.contains("nested deeper than 4096 levels"), "{}", told.text);
    }
    peer.stays();
    beside.nobody_noticed();
}

/// Each argument claims more than there is; the frame around it is as long as it says.
#[test]
fn lengths_that_lie_in_every_hessian_form_are_refused() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    let huge = |tag: &[u8]| [tag, &[0x59, 0x7f, 0xff, 0xff, 0xff]].concat();
    let negative = |tag: &[u8]| [tag, &[0x59, 0xff, 0xff, 0xff, 0xff]].concat();
    let mut lies: Vec<Vec<u8>> = [
        // Text: short, middle, last piece, first piece and no second.
        &b"\x1fabc"[..],
        b"\x33\xffabc",
        b"S\xff\xffabc",
        b"R\x00\x03abc",
        b"R\xff\xff",
        // Bytes likewise.
        b"\x2fab",
        b"\x37\xffab",
        b"B\xff\xffab",
        b"A\x00\x02ab",
        b"A\xff\xff",
        // Numbers that are cut.
        b"I\x00",
        b"Y\x00",
        b"L\x00",
        b"D\x00",
        b"\x5d",
        b"\x5e\x00",
        b"\x5f\x00",
        b"\xc8",
        b"\xd4\x00",
        b"\xf0",
        b"\x38\x00",
        // Dates.
        b"J\x00",
        b"K\x00",
        // Lists without an end, of a type that is missing or not there.
        b"W",
        b"U\x01t",
        b"V",
        b"\x77\x01t",
        b"\x7f",
        b"\x70",
        b"U\x90",
        b"V\x95",
        // Maps without an end, a type or a value.
        b"H",
        b"H\x01k",
        b"M",
        b"M\x01t\x01k",
        b"M\x95Z",
        // Classes and objects that nobody defined.
        b"C",
        b"C\x01c",
        b"O\x90",
        b"O\x99",
        b"\x60",
        b"\x6f",
        b"C\x01c\x91\x01f\x61",
        // References to nothing.
        b"Q",
        b"Q\x01x",
        b"\x4a",
    ]
    .iter()
    .map(|lie| lie.to_vec())
    .collect();
    for tag in [&b"X"[..], b"V\x01t", b"C\x01c", b"O", b"Q"] {
        lies.push(huge(tag));
        lies.push(negative(tag));
    }
    for tag in 0..=255u8 {
        // A tag and nothing behind it is cut wherever it wants more.
        lies.push(vec![tag]);
    }
    let mut answered = 0;
    for lie in &lies {
        // No map follows: whatever the argument leaves is not enough for one.
        let told = refused(&mut peer, Codec::Hessian2, &hessian_body(lie, b""));
        assert!(told.text.contains("the request body cannot be read: "), "{lie:02x?}: {}", told.text);
        answered += 1;
    }
    assert!(answered > 300);
    peer.stays();
    beside.nobody_noticed();
}

#[test]
fn lengths_that_lie_in_every_fastjson2_form_are_refused() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    // A field that says another length than it has.
    for len in [-1_i32, i32::MIN, i32::MAX, 0, 2000] {
        let mut body = json_body(&[0xaf], &[0xa6, 0xa5]);
        body[..4].copy_from_slice(&len.to_be_bytes());
        refused(&mut peer, Codec::Fastjson2, &body);
    }
    let huge = [0x48, 0x7f, 0xff, 0xff, 0xff];
    let negative = [0x48, 0xff, 0xff, 0xff, 0xff];
    for tag in [0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e, 0x91, 0xa4, 0x92, 0x93, 0x7f, 0xbb] {
        for lie in [&huge[..], &negative, &[0x2f], &[0x39, 0x00]] {
            // In the map, which is read: as a value and as a key. As a value a symbol may be any number.
            let value = [&[0xa6, 0x4a, b'k', tag][..], lie, &[0xa5]].concat();
            if tag != 0x7f {
                refused(&mut peer, Codec::Fastjson2, &json_body(&[0xaf], &value));
            }
            let key = [&[0xa6, tag][..], lie, &[0xa5]].concat();
            refused(&mut peer, Codec::Fastjson2, &json_body(&[0xaf], &key));
        }
    }
    peer.stays();
    beside.nobody_noticed();
}

#[test]
fn attachments_that_can_be_read_in_two_ways_are_refused_with_the_key() {
    let beside = beside_a_healthy_caller();
    let mut peer = beside.world.dial();
    let text = |text: &str| {
        let mut out = Vec::new();
        hessian::put_text(&mut out, text);
        out
    };
    let map = |pieces: &[&[u8]]| [b"H", &pieces.concat()[..], b"Z"].concat();
    let before = hessian_body(b"", b"").len();
    let told = |error: &str| Told::status(11, Status::BAD_REQUEST, &format!("{error} (the call was not executed)"));

    let by_reference = hessian_body(EMPTY, b"\x51\x90");
    let error = format!(
        "the attachments at byte {} are a reference to an argument, wanted a map of their own; send them as a map",
        before + 2
    );
    assert_eq!(refused(&mut peer, Codec::Hessian2, &by_reference), told(&error));

    for key in ["path", "interface", "version", "group", "generic", "token", "timeout", "dubbo.tag", "highway.target"] {
        let twice = map(&[&text(key), &text("1"), &text("a"), &text("b"), &text(key), &text("2")]);
        let error = format!("attachment `{key}` is there twice, wanted it once; send one value");
        assert_eq!(refused(&mut peer, Codec::Hessian2, &hessian_body(b"N", &twice)), told(&error));
    }
    for (key, found) in [(&b"\x91"[..], 0x91), (b"N", 0x4e), (b"T", 0x54), (b"HZ", 0x48), (b"\x22ab", 0x22)] {
        let odd = map(&[key, &text("1")]);
        let error = format!(
            "an attachment's key at byte {} begins with {found:#04x}, wanted text; name attachments by strings",
            before + 2
        );
        assert_eq!(refused(&mut peer, Codec::Hessian2, &hessian_body(b"N", &odd)), told(&error));
    }
    for key in ["path", "group", "dubbo.tag", "highway.target"] {
        let odd = map(&[&text(key), b"\x91"]);
        let error = format!(
            "attachment `{key}` at byte {} is no text, wanted a string; set it as a string",
            before + 3 + key.len()
        );
        assert_eq!(refused(&mut peer, Codec::Hessian2, &hessian_body(b"N", &odd)), told(&error));
    }
    let many: Vec<Vec<u8>> = (0..40).flat_map(|number| [text(&format!("highway.x{number}")), text("1")]).collect();
    let many = map(&many.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let error = "there are more than 32 attachments that begin with `highway.`; send fewer";
    assert_eq!(refused(&mut peer, Codec::Hessian2, &hessian_body(b"N", &many)), told(error));

    let json_text = |text: &str| {
        let mut out = Vec::new();
        json::put_text(&mut out, text);
        out
    };
    let json_map = |pieces: &[&[u8]]| [&[0xa6], &pieces.concat()[..], &[0xa5]].concat();
    let twice = json_map(&[&json_text("path"), &json_text("1"), &json_text("path"), &json_text("2")]);
    let error = "attachment `path` is there twice, wanted it once; send one value";
    assert_eq!(refused(&mut peer, Codec::Fastjson2, &json_body(&[0xaf], &twice)), told(error));
    let by_reference = refused(&mut peer, Codec::Fastjson2, &json_body(&[0xaf], &[0x93, 0x4a, b'$']));
    assert!(
        by_reference.text.contains("are a reference to an argument, wanted a map of their own"),
        "{by_reference:?}"
    );
    let odd = refused(&mut peer, Codec::Fastjson2, &json_body(&[0xaf], &json_map(&[&[0x01], &json_text("1")])));
    assert!(odd.text.contains("begins with 0x01, wanted text; name attachments by strings"), "{odd:?}");
    peer.stays();
    beside.nobody_noticed();
}
