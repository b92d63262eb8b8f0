//! What is read of the attachments of a call by those who ask for some of them.

use std::borrow::Cow;

use highway_wire::dubbo::attachments::{AttachmentValue, mark};
use highway_wire::dubbo::call::{self, Peeked};
use highway_wire::dubbo::frame::{Header, Serialization};
use highway_wire::dubbo::hessian2::writer;

use crate::samples::{golden, hessian2_body, map, text};

#[test]
fn what_stands_under_the_keys_that_are_wanted_is_read_in_one_pass() {
    let long = "x".repeat(5000);
    let integer = [0x49, 0, 0, 1, 2].as_slice();
    let entries = [
        [text("env"), text("gray")].concat(),
        [text("list"), vec![0x57, 0x91, 0x5a]].concat(),
        [text("number"), integer.to_vec()].concat(),
        [text("long"), {
            let mut value = Vec::new();
            writer::put_text(&mut value, &long);
            value
        }]
        .concat(),
        [text("other"), text("x")].concat(),
        [text("city"), vec![4], "Köln".as_bytes().to_vec()].concat(),
        [vec![3], "gröb".as_bytes()[..4].to_vec(), text("b")].concat(),
        [text("after"), text("both")].concat(),
        [text("null"), vec![0x4e]].concat(),
        [text("env"), text("blue")].concat(),
    ];
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let body = hessian2_body("", &[], &map(&entries));
    let header = Header::request(Serialization::HESSIAN2, 1, body.len() as u32);
    let Peeked::Call(call) = call::peek(&header, &body).unwrap() else { panic!() };
    let mut found = Vec::new();
    call.attachments.each(u64::MAX, |key, text| found.push((key.to_owned(), text.map(Cow::into_owned))));
    let wanted = [
        ("env", Some("gray")),
        ("list", None),
        ("number", Some("258")),
        ("long", Some(&*long)),
        ("other", Some("x")),
        ("city", Some("Köln")),
        ("grö", Some("b")),
        ("after", Some("both")),
        ("null", None),
        ("env", Some("blue")),
    ];
    assert_eq!(found, wanted.map(|(key, text)| (key.to_owned(), text.map(str::to_owned))));
    assert_eq!(call.attachments.get("env").as_deref(), Some("blue"), "providers read the last");
}

#[test]
fn every_attachment_of_a_golden_frame_is_found_by_its_key() {
    let mut seen = 0;
    for frame in golden().iter().filter(|frame| frame.is_request()) {
        let Ok(Peeked::Call(call)) = call::peek(&frame.header(), frame.body()) else { continue };
        let mut found = Vec::new();
        call.attachments.each(u64::MAX, |key, text| found.push((key.to_owned(), text.map(Cow::into_owned))));
        let listed = call.attachments.iter().map(|one| {
            let text = match one.value {
                AttachmentValue::Text(text) => Some(text.into_owned()),
                AttachmentValue::Integer(number) => Some(number.to_string()),
                _ => None,
            };
            (one.key.into_owned(), text)
        });
        assert_eq!(found, listed.collect::<Vec<_>>(), "{}", frame.name);
        for (key, _) in &found {
            let last = found.iter().rfind(|(other, _)| other == key).and_then(|(_, text)| text.as_deref());
            assert_eq!(call.attachments.get(key).as_deref(), last, "{key} of {}", frame.name);
        }
        seen += found.len();
    }
    assert!(seen > 1000, "{seen}");
}

/// Of a long map only the first entries are noted when it is read.
#[test]
fn a_key_is_found_wherever_it_stands_and_others_are_passed_over() {
    let keys: Vec<String> = (0..40).map(|number| format!("k{number:02}")).chain(["env".to_owned()]).collect();
    for turn in 0..keys.len() {
        let turned: Vec<&String> = keys.iter().cycle().skip(turn).take(keys.len()).collect();
        let entries: Vec<Vec<u8>> = turned.iter().map(|key| [text(key), text(&format!("of {key}"))].concat()).collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let body = hessian2_body("", &[], &map(&entries));
        let header = Header::request(Serialization::HESSIAN2, 1, body.len() as u32);
        let Peeked::Call(call) = call::peek(&header, &body).unwrap() else { panic!() };
        assert_eq!(call.attachments.get("env").as_deref(), Some("of env"), "{turn}");
        assert_eq!(call.attachments.get("missing"), None);
        let mut handed = 0;
        call.attachments.each(mark(b"env"), |_, _| handed += 1);
        assert_eq!(handed, 1, "no other key has its mark");
    }
}
