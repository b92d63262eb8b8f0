//! The effective call, and what is refused because a provider could read it in another way.

use std::borrow::Cow;
use std::time::Duration;

use highway_wire::dubbo::call::{
    self, Call, GENERIC_TYPES, Generic, MAX_HIGHWAY, PeekError, Peeked, ReplyForm, Reverse,
};
use highway_wire::dubbo::frame::{Codec, Header, Serialization};
use highway_wire::dubbo::hessian2::writer;

use crate::samples::{fastjson2_body, golden, hessian2_body, json_map, map, text};

fn peek(body: &[u8]) -> Result<Call<'_>, PeekError> {
    let header = Header::request(Serialization::HESSIAN2, 1, body.len() as u32);
    call::peek(&header, body).map(|peeked| match peeked {
        Peeked::Call(call) => call,
        Peeked::Opaque(serialization) => panic!("{serialization}"),
    })
}

fn peek_json(body: &[u8]) -> Result<Call<'_>, PeekError> {
    let header = Header::request(Serialization::FASTJSON2, 1, body.len() as u32);
    call::peek(&header, body).map(|peeked| match peeked {
        Peeked::Call(call) => call,
        Peeked::Opaque(serialization) => panic!("{serialization}"),
    })
}

/// A body without arguments whose map holds these strings.
fn with(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut map = Vec::new();
    writer::put_text_map(&mut map, entries.iter().copied());
    hessian2_body("", &[], &map)
}

/// A generic call with these bytes as its first argument.
fn generic(first: &[u8], entries: &[(&str, &str)]) -> Vec<u8> {
    let mut map = Vec::new();
    writer::put_text_map(&mut map, entries.iter().copied());
    let mut body = Vec::new();
    for field in ["2.0.2", "com.acme.Greeter", "", "$invoke", GENERIC_TYPES] {
        writer::put_text(&mut body, field);
    }
    body.extend(first);
    body.extend([0x4e, 0x78]);
    body.extend(map);
    body
}

#[test]
fn attachments_win_over_the_leading_fields() {
    let body =
        with(&[("path", "com.acme.Other"), ("version", "2.0.0"), ("group", "blue"), ("interface", "com.acme.Other")]);
    let call = peek(&body).unwrap();
    assert_eq!((&*call.service, &*call.leading.service), ("com.acme.Other", "com.acme.Greeter"));
    assert_eq!((call.version.as_deref(), &*call.leading.version), (Some("2.0.0"), "1.0.0"));
    assert_eq!(call.group.as_deref(), Some("blue"));
    assert_eq!(call.conflicting_interface(), None);
}

#[test]
fn without_attachments_the_leading_fields_count() {
    for map in [&b"N"[..], b"HZ", b"M\x11java.util.TreeMapZ"] {
        let body = hessian2_body("", &[], map);
        let call = peek(&body).unwrap();
        assert_eq!((&*call.service, call.version.as_deref(), call.group), ("com.acme.Greeter", Some("1.0.0"), None));
        assert_eq!((&*call.method, call.timeout), ("hi", None));
    }
}

#[test]
fn an_empty_or_zero_version_is_none_wherever_it_stands() {
    assert_eq!(peek(&with(&[("version", "")])).unwrap().version, None);
    assert_eq!(peek(&with(&[("version", "0.0.0")])).unwrap().version, None);
    assert_eq!(peek(&with(&[("group", "")])).unwrap().group, None);
}

#[test]
fn an_interface_that_disagrees_with_the_path_is_shown() {
    let body = with(&[("path", "com.acme.Greeter"), ("interface", "com.acme.Secret")]);
    assert_eq!(peek(&body).unwrap().conflicting_interface(), Some("com.acme.Secret"));
    let body = with(&[("interface", "com.acme.Secret")]);
    let call = peek(&body).unwrap();
    assert_eq!((&*call.service, call.conflicting_interface()), ("com.acme.Greeter", Some("com.acme.Secret")));
}

#[test]
fn a_map_by_reference_is_refused() {
    // The argument is a map with a group of its own; providers follow the reference into it.
    let body = hessian2_body("Ljava/util/Map;", b"H\x05group\x04evilZ", &[0x51, 0x90]);
    assert!(matches!(peek(&body), Err(PeekError::MapByReference { .. })));
    let body = fastjson2_body(&[0x93, 0x4a, b'$']);
    assert!(matches!(peek_json(&body), Err(PeekError::MapByReference { .. })));
}

#[test]
fn a_key_that_is_no_text_is_refused() {
    for key in [&[0x91][..], b"N", b"T", b"\x23abc", b"HZ", &[0x51, 0x90]] {
        let body = hessian2_body("", &[], &map(&[key, &text("v")]));
        assert!(matches!(peek(&body), Err(PeekError::KeyNotText { .. })), "{key:x?}");
    }
    for key in [&[0x01][..], &[0xaf], &[0xa6, 0xa5], &[0x93, 0x4a, b'$'], &[0x7f, 0x01]] {
        let body = fastjson2_body(&json_map(&[key, &[0x4a, b'v']]));
        assert!(matches!(peek_json(&body), Err(PeekError::KeyNotText { .. })), "{key:x?}");
    }
}

const DECISION_KEYS: [&str; 10] = [
    "path",
    "interface",
    "version",
    "group",
    "generic",
    "token",
    "timeout",
    "dubbo.tag",
    "highway.target",
    "highway.x",
];

#[test]
fn a_decision_key_that_is_there_twice_is_refused() {
    for key in DECISION_KEYS {
        assert_eq!(
            peek(&with(&[(key, "1"), ("other", "x"), (key, "1")])).unwrap_err(),
            PeekError::Duplicate { key: key.into() }
        );
        let mut pieces = Vec::new();
        for text in [key, "1", key, "2"] {
            highway_wire::dubbo::fastjson2::writer::put_text(&mut pieces, text);
        }
        let body = fastjson2_body(&json_map(&[&pieces]));
        assert_eq!(peek_json(&body).unwrap_err(), PeekError::Duplicate { key: key.into() });
    }
    assert!(peek(&with(&[("other", "1"), ("other", "2"), ("application", "a"), ("application", "b")])).is_ok());
}

#[test]
fn a_decision_key_whose_value_is_no_text_is_refused() {
    for key in DECISION_KEYS {
        for value in [&b"N"[..], b"T", b"HZ", &[0x51, 0x90], b"\x21a"] {
            let body = hessian2_body("", &[], &map(&[&text(key), value]));
            assert!(matches!(peek(&body), Err(PeekError::ValueNotText { .. })), "{key} {value:x?}");
        }
    }
    let body = hessian2_body("", &[], &map(&[&text("other"), b"HZ", &text("flag"), b"T", &text("none"), b"N"]));
    assert!(peek(&body).is_ok());
}

#[test]
fn a_key_in_an_overlong_form_cannot_pass_for_another() {
    // Java's reader takes c1 b0 for a `p`.
    let body = hessian2_body("", &[], &map(&[b"\x04\xc1\xb0ath", &text("com.acme.Secret")]));
    assert!(matches!(peek(&body), Err(PeekError::Malformed(_))));
}

#[test]
fn text_that_is_not_well_formed_matters_only_where_it_decides() {
    let body = hessian2_body("", &[], &map(&[&text("group"), b"\x01\xed\xa0\xbd"]));
    assert!(matches!(peek(&body), Err(PeekError::Malformed(_))));
    for key in ["other", "remote.application", "traceparent"] {
        let body = hessian2_body("", &[], &map(&[&text(key), b"\x01\xed\xa0\xbd", &text("group"), &text("g")]));
        let call = peek(&body).unwrap();
        assert_eq!((call.group.as_deref(), call.application, call.traceparent), (Some("g"), None, None));
    }
}

#[test]
fn a_value_of_an_attachment_that_nobody_asks_for_is_stepped_over() {
    let nested = [&text("other")[..], b"C\x01A\x92\x01x\x01y\x60\x91\x79\x60NN"].concat();
    let body = hessian2_body("", &[], &map(&[&nested, &text("group"), &text("g")]));
    assert_eq!(peek(&body).unwrap().group.as_deref(), Some("g"));
}

#[test]
fn a_generic_call_is_the_method_that_it_names() {
    let body = generic(&text("deleteAll"), &[("generic", "true")]);
    let call = peek(&body).unwrap();
    assert_eq!((&*call.method, &*call.leading.method, call.generic), ("deleteAll", "$invoke", Some(Generic::True)));
    // GenericFilter trims the name before it looks for the method.
    assert_eq!(peek(&generic(&text(" deleteAll\t"), &[])).unwrap().method, "deleteAll");
}

#[test]
fn every_kind_of_generic_call_is_recognised_without_regard_to_case() {
    let kinds = [
        ("true", Generic::True),
        ("", Generic::True),
        ("nativejava", Generic::NativeJava),
        ("NativeJava", Generic::NativeJava),
        ("bean", Generic::Bean),
        ("gson", Generic::Gson),
        ("raw.return", Generic::RawReturn),
        ("protobuf-json", Generic::ProtobufJson),
        ("else", Generic::Other),
    ];
    for (value, kind) in kinds {
        assert_eq!(peek(&generic(&text("m"), &[("generic", value)])).unwrap().generic, Some(kind), "{value}");
    }
}

#[test]
fn a_generic_call_must_name_its_method_by_text() {
    for first in [&b"N"[..], &[0x91], b"HZ", &[0x51, 0x90]] {
        assert!(matches!(peek(&generic(first, &[])), Err(PeekError::GenericMethod { .. })), "{first:x?}");
    }
    assert_eq!(peek(&generic(&text("  "), &[])).unwrap_err(), PeekError::Missing { what: "method" });
}

fn invoke(method: &str, types: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for field in ["2.0.2", "com.acme.Greeter", "", method, types] {
        writer::put_text(&mut body, field);
    }
    let count = highway_wire::dubbo::descriptor::count(types).unwrap();
    body.extend(text("x").repeat(count));
    body.extend(b"HZ");
    body
}

#[test]
fn invoke_with_another_number_of_parameters_is_a_method_of_that_name() {
    for types in ["", "Ljava/lang/String;", "IIII"] {
        let body = invoke("$invoke", types);
        let call = peek(&body).unwrap();
        assert_eq!((&*call.method, call.generic), ("$invoke", None));
    }
}

/// 2.6.12 runs the method that the first of any three arguments names, by the attachment `generic`.
#[test]
fn invoke_with_three_parameters_of_other_types_is_refused() {
    for types in ["Ljava/lang/Object;[Ljava/lang/String;[Ljava/lang/Object;", "III"] {
        for method in ["$invoke", "$invokeAsync"] {
            assert_eq!(peek(&invoke(method, types)).unwrap_err(), PeekError::GenericTypes, "{types}");
        }
    }
}

#[test]
fn the_timeout_is_the_smaller_of_what_the_call_says() {
    let millis = |entries: &[(&str, &str)]| peek(&with(entries)).unwrap().timeout.map(|timeout| timeout.as_millis());
    assert_eq!(millis(&[("timeout", "3000")]), Some(3000));
    assert_eq!(millis(&[("timeout", "3000"), ("_TO", "250")]), Some(250));
    assert_eq!(millis(&[("timeout", "0"), ("_TO", "250")]), Some(250));
    for none in ["0", "-1", "", "3s", " 5", "99999999999999999999"] {
        assert_eq!(millis(&[("timeout", none)]), None, "{none}");
    }
    let body = hessian2_body("", &[], &map(&[&text("_TO"), &[0xcb, 0xe8], &text("timeout"), &[0xd4, 0x0b, 0xb8]]));
    assert_eq!(peek(&body).unwrap().timeout, Some(Duration::from_millis(1000)));
}

#[test]
fn calls_that_need_calls_back_are_recognised() {
    let reverse = |key, value| peek(&with(&[(key, value)])).unwrap().reverse;
    assert_eq!(reverse("sys_callback_arg-1", "17"), Some(Reverse::Callback));
    assert_eq!(reverse("callback.service.instid", "17"), Some(Reverse::Callback));
    assert_eq!(reverse("dubbo.stub.event", "true"), Some(Reverse::StubEvent));
    assert_eq!(reverse("dubbo.stub.event", "false"), None);
    assert_eq!(reverse("callback", "x"), None);
}

#[test]
fn routing_attachments_are_found_and_others_are_not() {
    let entries = [("highway.target", "shanghai"), ("dubbo.tag", "blue"), ("highway.key", "7"), ("highwayman", "x")];
    let body = with(&entries);
    let call = peek(&body).unwrap();
    assert_eq!((call.target.as_deref(), call.tag.as_deref()), (Some("shanghai"), Some("blue")));
    assert_eq!(call.highway().collect::<Vec<_>>(), [("highway.target", "shanghai"), ("highway.key", "7")]);
}

#[test]
fn highway_attachments_are_few() {
    let names: Vec<_> = (0..=MAX_HIGHWAY).map(|n| format!("highway.{n}")).collect();
    let mut entries: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    assert_eq!(peek(&with(&entries)).unwrap_err(), PeekError::TooManyHighway);
    entries.pop();
    assert!(peek(&with(&entries)).is_ok());
}

#[test]
fn the_application_is_the_claim_of_newer_consumers_first() {
    let application = |entries: &[(&str, &str)]| peek(&with(entries)).unwrap().application.map(Cow::into_owned);
    assert_eq!(application(&[("application", "old"), ("remote.application", "new")]).as_deref(), Some("new"));
    assert_eq!(application(&[("application", "old")]).as_deref(), Some("old"));
    assert_eq!(application(&[]), None);
}

#[test]
fn a_requester_is_dubbo_go_by_its_empty_version_and_reads_what_its_field_1_says() {
    let body = generic(&text("m"), &[]);
    assert!(peek(&body).unwrap().is_dubbo_go());
    assert!(!peek(&with(&[])).unwrap().is_dubbo_go());
    let plain = ["", "2.5.3", "2.6.1", "2.8.4", "2.0.1", "2.0.100", "2.1.0", "x", "2.0", "3.3.6", "2.0.2.1.1", "2..2"];
    for version in plain {
        assert_eq!(ReplyForm::for_version(version), ReplyForm::Plain, "{version}");
    }
    for version in ["2.0.2", "2.0.3", "2.0.99", "2.0.2.1", "2.0.3-SNAPSHOT"] {
        assert_eq!(ReplyForm::for_version(version), ReplyForm::WithAttachments, "{version}");
    }
}

#[test]
fn names_without_which_there_is_no_call_are_asked_for() {
    let mut body = Vec::new();
    for field in ["2.0.2", "", "", "hi", ""] {
        body.extend(text(field));
    }
    body.push(b'N');
    assert_eq!(peek(&body).unwrap_err(), PeekError::Missing { what: "service" });
    let nulls = [&text("2.0.2")[..], &text("a.B"), b"NNNN"].concat();
    assert_eq!(peek(&nulls).unwrap_err(), PeekError::Missing { what: "method" });
    let nulls = [&b"N"[..], &text("a.B"), b"N", &text("hi"), b"NN"].concat();
    assert_eq!(peek(&nulls).unwrap().version, None);
}

#[test]
fn types_that_java_counts_in_another_way_are_refused() {
    assert_eq!(peek(&hessian2_body("I I", &[0x91, 0x91], b"N")).unwrap_err(), PeekError::Types { at: 1 });
}

#[test]
fn a_serialization_that_is_not_understood_is_opaque() {
    for id in (0..32).filter(|id| ![2, 23].contains(id)) {
        let header = Header::request(Serialization::new(id), 1, 3);
        assert!(matches!(call::peek(&header, b"abc"), Ok(Peeked::Opaque(found)) if found.id() == id));
    }
}

#[test]
fn both_serializations_say_the_same() {
    let entries = [("path", "com.acme.Greeter"), ("group", "值 😀"), ("highway.target", "b")];
    let mut json = Vec::new();
    highway_wire::dubbo::fastjson2::writer::put_text_map(&mut json, entries);
    let (hessian2, fastjson2) = (with(&entries), fastjson2_body(&json));
    let (a, b) = (peek(&hessian2).unwrap(), peek_json(&fastjson2).unwrap());
    assert_eq!((a.codec, b.codec), (Codec::Hessian2, Codec::Fastjson2));
    assert_eq!(
        (a.service.clone(), a.group.clone(), a.target.clone()),
        (b.service.clone(), b.group.clone(), b.target.clone())
    );
    let attachments = |call: &Call<'_>| {
        call.attachments.iter().map(|entry| (entry.key.into_owned(), format!("{:?}", entry.value))).collect::<Vec<_>>()
    };
    assert_eq!(attachments(&a), attachments(&b));
}

fn key(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    peek(body).unwrap().decision_key(&mut out);
    out
}

#[test]
fn the_decision_key_does_not_depend_on_order_timeout_token_or_trace() {
    let one = with(&[("path", "com.acme.A"), ("group", "g"), ("timeout", "1000"), ("token", "t"), ("x", "1")]);
    let other = with(&[("traceparent", "00-1"), ("group", "g"), ("timeout", "2000"), ("path", "com.acme.A")]);
    assert_eq!(key(&one), key(&other));
}

#[test]
fn the_decision_key_depends_on_all_that_may_decide() {
    let changes: [&[(&str, &str)]; 10] = [
        &[],
        &[("path", "com.acme.A")],
        &[("interface", "com.acme.A")],
        &[("version", "2.0.0")],
        &[("group", "g")],
        &[("dubbo.tag", "g")],
        &[("remote.application", "g")],
        &[("highway.target", "g")],
        &[("highway.other", "g")],
        &[("sys_callback_arg-0", "1")],
    ];
    let mut keys: Vec<_> = changes.iter().map(|entries| key(&with(entries))).collect();
    keys.push(key(&generic(&text("a"), &[])));
    keys.push(key(&generic(&text("b"), &[])));
    keys.push(key(&generic(&text("b"), &[("generic", "bean")])));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn peeking_an_ordinary_call_borrows_all_its_text() {
    let mut calls = 0;
    for frame in golden().iter().filter(|frame| frame.is_request()) {
        let call = crate::golden::call(&frame.header(), frame.body(), &frame.name);
        let texts = [Some(&call.leading.dubbo_version), Some(&call.leading.service), Some(&call.leading.types)];
        let texts =
            texts.into_iter().chain([Some(&call.service), call.version.as_ref(), call.group.as_ref()]).flatten();
        for text in texts.chain([&call.method]).chain(&call.application) {
            assert!(matches!(text, Cow::Borrowed(_)), "{}: {text}", frame.name);
            calls += 1;
        }
    }
    assert!(calls > 1000, "{calls}");
}
