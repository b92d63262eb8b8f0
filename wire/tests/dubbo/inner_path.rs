//! What a provider before 3.0 can be made to take for the attachments: it goes on after an argument that it cannot read, from
//! where it stood. Each body here made released 2.7.23 run `com.acme.Secret` for a call to `com.acme.Greeter`.

use highway_wire::dubbo::call::{self, GENERIC_TYPES, PeekError};
use highway_wire::dubbo::frame::{Header, Serialization};
use highway_wire::dubbo::hessian2::writer::{put_text, put_text_map};

use crate::samples::{fastjson2_body, hessian2_body, json_map, text};

fn peek(body: &[u8]) -> Result<(), PeekError> {
    let header = Header::request(Serialization::HESSIAN2, 1, body.len() as u32);
    call::peek(&header, body).map(drop)
}

fn map(path: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_text_map(&mut out, [("group", "g"), ("path", path)]);
    out
}

fn call(types: &str, args: &[&[u8]]) -> Vec<u8> {
    hessian2_body(types, &args.concat(), &map("com.acme.Greeter"))
}

/// Two elements of an `int[]`; the first is no int.
fn broken_array(second: &[u8]) -> Vec<u8> {
    [b"V", &*text("[int"), &[0x92], &text("x"), second].concat()
}

fn is_refused(body: &[u8]) -> bool {
    matches!(peek(body), Err(PeekError::InnerPath { .. }))
}

#[test]
fn a_map_inside_an_argument_cannot_name_another_service() {
    let forged = map("com.acme.Secret");
    assert!(is_refused(&call("[I", &[&broken_array(&forged)])));
    assert!(is_refused(&call("Ljava/util/List;", &[&[0x7a, b'Q', 0xbf], &forged])), "behind a reference to nothing");
    let tree = [b"M", &*text("java.util.TreeMap"), &[0x91], &text("x"), &text("a"), &forged, b"Z"].concat();
    assert!(is_refused(&call("Ljava/lang/Object;", &[&tree])), "behind keys that cannot be compared");
    assert!(is_refused(&call("Ljava/util/Map;", &[&map("shop/com.acme.Secret")])), "behind a context path");
}

/// A field whose name stands in pieces behind the real one drew the look away from that: 2.6.12 ran `differential.Order` for such a call.
#[test]
fn nor_an_object_whose_class_has_further_fields_with_names_in_pieces() {
    let pieces = [b"R", &[0, 4][..], b"vers", &text("ion")].concat();
    let class = [b"C", &*text("java.util.HashMap"), &[0x93], &text("path"), &text("group"), &pieces].concat();
    let object = |path: &str| [&class[..], &[0x60], &text(path), b"N", b"N"].concat();
    let body = |path: &str| call("Ljava/util/Map;", &[&[b"H", &[0x91][..], &object(path), b"Z"].concat()]);
    assert!(is_refused(&body("com.acme.Secret")));
    assert!(!is_refused(&body("menu/main")), "what names no service may stand there");
}

/// What the map itself does not say of group and version, its `path` can: a provider joins the three to one key.
#[test]
fn nor_with_group_and_version_in_one_or_under_a_name_that_is_not_english() {
    for path in [
        "g/com.acme.Secret",
        "com.acme.Secret:1.0.0",
        "g/shop/com.acme.Secret:1.0.0",
        "com.acme.Secret:1/0",
        "a:b/com.acme.Secret",
        "g/a.txt/com.acme.Secret",
        "g/com.acme.Secret:1/a.txt",
        "com.acme.PDFs",
        "com.acme.Outer$Secret",
        "com.acme._Secret",
        "com.acme.\u{673a}\u{5bc6}",
        "com.acme.\u{dc}bung",
    ] {
        assert!(is_refused(&call("Ljava/util/Map;", &[&map(path)])), "{path}");
    }
}

#[test]
fn neither_can_an_object_with_such_a_field() {
    let object = [b"C", &*text("com.acme.File"), &[0x92], &text("size"), &text("path"), &[0x60, 0x91]].concat();
    assert!(is_refused(&call("[I", &[&broken_array(&[&*object, &text("com.acme.Secret")].concat())])));
    let again = [&*object, &text("a.txt"), &[0x60, 0x92], &text("com.acme.Secret")].concat();
    assert!(is_refused(&call("Ljava/lang/Object;Ljava/lang/Object;", &[&again])), "the second of its class");
}

#[test]
fn neither_can_an_argument_of_a_generic_call() {
    let types = [b"V", &*text("[string"), &[0x93], b"HZ", &[0x78], &map("com.acme.Secret")].concat();
    let mut body = Vec::new();
    for field in ["2.0.2", "com.acme.Greeter", "1.0.0", "$invoke", GENERIC_TYPES, "hello"] {
        put_text(&mut body, field);
    }
    body.extend([&*types, &[0x78], &map("com.acme.Greeter")].concat());
    assert!(is_refused(&body));
}

#[test]
fn the_key_is_found_however_it_is_written() {
    let value = text("com.acme.Secret");
    let keys: [&[u8]; 5] =
        [b"\x30\x04path", b"S\x00\x04path", b"R\x00\x02pa\x02th", b"\x04\xc1\xb0ath", b"\x04pat\xe0\x81\xa8"];
    for key in keys {
        let forged = [b"H", key, &value, b"Z"].concat();
        assert!(is_refused(&call("[I", &[&broken_array(&forged)])), "{key:x?}");
    }
    let overlong = [b"H", &*text("path"), b"\x0f\xc1\xa3om.acme.Secret", b"Z"].concat();
    assert!(is_refused(&call("[I", &[&broken_array(&overlong)])), "a value that only Java reads");
}

#[test]
fn paths_that_are_no_other_service_pass() {
    for path in [
        "com.acme.Greeter",
        "g/com.acme.Greeter:1.0",
        "/srv/report.pdf",
        "report.pdf",
        "a.b.c",
        "server",
        "",
        "Report",
        "C:\\Users\\x.TMP\\y",
        "g/com.acme.Greeter:1.0.RELEASE",
        // Folders that are named as a class is, in the middle and at the end.
        "/home/John.Doe/report.pdf",
        "C:/Users/John.Doe/a.txt",
        "/srv/Release.V2/x.zip",
        "/srv/release.V2/x.zip",
        "/\u{8d44}\u{6599}/\u{7b2c}1.\u{7b2c}\u{4e8c}\u{7ae0}/x.txt",
        "https://www.Example.Com/a",
        "/srv/release.V2/",
        "/home/John.Doe",
        "/\u{8d44}\u{6599}/\u{7b2c}1.\u{7b2c}\u{4e8c}\u{7ae0}",
        // Files of cameras and of Windows.
        "/upload/IMG_0001.JPG",
        "IMG_001.JPG",
        "/upload/photo.JPG",
        "C:\\Users\\REPORT.Final",
        "backup.tar.GZ",
    ] {
        assert_eq!(peek(&call("Ljava/util/Map;", &[&map(path)])), Ok(()), "{path}");
    }
    let unlike = [b"H", &*text("paths"), &text("com.acme.Secret"), &text("p"), &text("com.acme.Secret"), b"Z"].concat();
    assert_eq!(peek(&call("Ljava/util/Map;", &[&unlike])), Ok(()));
    let numbered = [b"H", &*text("path"), &[0x91], b"Z"].concat();
    assert_eq!(peek(&call("Ljava/util/Map;", &[&numbered])), Ok(()), "no provider looks a number up");
    let nested = [&[0x7a][..], &map("a/b.txt"), &map("c.txt")].concat();
    assert_eq!(peek(&call("Ljava/util/List;", &[&nested])), Ok(()));
}

#[test]
fn a_stream_among_the_parameters_is_refused() {
    let forged = map("com.acme.Secret");
    let binary = [&[0x20 + forged.len() as u8][..], &forged].concat();
    let error = peek(&call("Ljava/io/InputStream;", &[&binary])).unwrap_err();
    assert!(matches!(error, PeekError::Types { at: 0 }), "{error}");
}

/// Released 3.1.11 made its own `LRU2Cache` of such a map, which forgets what is put in once: the leading fields counted.
#[test]
fn attachments_of_a_type_that_may_forget_them_are_refused() {
    let typed =
        |name: &str| [b"M\x30", &[name.len() as u8][..], name.as_bytes(), &map("com.acme.Greeter")[1..]].concat();
    for name in ["org.apache.dubbo.common.utils.LRU2Cache", "java.util.IdentityHashMap", "com.acme.MyMap"] {
        let error = peek(&hessian2_body("", &[], &typed(name))).unwrap_err();
        assert!(matches!(error, PeekError::MapType { .. }), "{name}: {error}");
    }
    for name in ["", "java.util.HashMap", "java.util.TreeMap"] {
        assert_eq!(peek(&hessian2_body("", &[], &typed(name))), Ok(()), "{name}");
    }
    let by_number = [b"M\x90", &map("com.acme.Greeter")[1..]].concat();
    let named_before = [b"M", &*text("java.util.HashMap"), b"Z"].concat();
    let error = peek(&hessian2_body("Ljava/util/Map;", &named_before, &by_number)).unwrap_err();
    assert!(matches!(error, PeekError::MapType { .. }), "{error}");
}

#[test]
fn the_same_holds_for_fastjson2() {
    for (name, is_plain) in [("HashMap", true), ("LRU2Cache", false), ("JO1", false)] {
        let typed = [&[0x92, 0x49 + name.len() as u8][..], name.as_bytes(), &[0x00], &json_map(&[])].concat();
        let body = fastjson2_body(&typed);
        let header = Header::request(Serialization::FASTJSON2, 1, body.len() as u32);
        let peeked = call::peek(&header, &body).map(drop);
        assert_eq!(matches!(peeked, Err(PeekError::MapType { .. })), !is_plain, "{name}: {peeked:?}");
    }
}

/// A body of 8 MiB once held millions of them, and looking for `path` in it went through all of them for each value.
#[test]
fn more_class_definitions_than_anybody_has_are_refused() {
    let classes = |count: usize| {
        // A class without fields and an object of it, after one that says `path`.
        let said = [b"C", &*text("x"), &[0x91], &text("path"), &[0x60, b'N']].concat();
        let list: Vec<u8> = std::iter::repeat_n([b'C', 0x00, 0x90], count).flatten().collect();
        call("Ljava/lang/Object;", &[&[&[0x57][..], &said, &list, &[0x61], b"Z"].concat()])
    };
    assert!(peek(&classes(1_000)).is_ok());
    let refused = peek(&classes(1_024)).unwrap_err();
    assert!(refused.to_string().contains("more than 1024"), "{refused}");
}
