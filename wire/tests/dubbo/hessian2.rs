//! Hessian 2: bytes of the reference, round trips, and streams made to hurt.

use highway_wire::dubbo::hessian2::{Document, Reader, Shape, Value, writer};
use highway_wire::dubbo::{MAX_DEPTH, ReadError};
use proptest::prelude::*;

use crate::samples::{text, unhex};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

fn read_text(bytes: &[u8]) -> Result<String, ReadError> {
    Reader::new(bytes).text().map(std::borrow::Cow::into_owned)
}

fn skipped(bytes: &[u8]) -> Result<usize, ReadError> {
    let mut reader = Reader::new(bytes);
    reader.skip().map(|()| reader.at())
}

#[test]
fn text_is_written_as_java_writes_it() {
    assert_eq!(written(|out| writer::put_text(out, "")), unhex("00"));
    assert_eq!(written(|out| writer::put_text(out, "😀")), unhex("02 eda0bd edb880"));
    assert_eq!(written(|out| writer::put_text(out, &"a".repeat(32)))[..2], unhex("30 20"));
    assert_eq!(written(|out| writer::put_text(out, &"a".repeat(1023)))[..2], unhex("33 ff"));
    assert_eq!(written(|out| writer::put_text(out, &"a".repeat(1024)))[..3], unhex("53 0400"));
    let long = written(|out| writer::put_text(out, &"a".repeat(0x8001)));
    assert_eq!((&long[..3], &long[0x8003..]), (&unhex("52 8000")[..], &unhex("01 61")[..]));
}

#[test]
fn a_pair_is_never_cut_between_pieces() {
    let text = format!("{}😀b", "a".repeat(0x7fff));
    let bytes = written(|out| writer::put_text(out, &text));
    assert_eq!(&bytes[..3], unhex("52 7fff"));
    assert_eq!(&bytes[0x8002..], unhex("03 eda0bd edb880 62"));
    assert_eq!(read_text(&bytes).unwrap(), text);
}

#[test]
fn a_pair_that_others_cut_between_pieces_is_joined() {
    assert_eq!(read_text(&unhex("52 0001 eda0bd 01 edb880")).unwrap(), "😀");
}

#[test]
fn four_bytes_of_utf8_count_as_two_units() {
    assert_eq!(read_text(&unhex("03 f09f9880 61")).unwrap(), "😀a");
    assert_eq!(skipped(&unhex("03 f09f9880 61 4e")), Ok(6));
    assert_eq!(read_text(&unhex("52 0002 f09f9880 01 61")).unwrap(), "😀a");
}

#[test]
fn text_that_no_writer_makes_is_refused_and_shown_with_a_mark() {
    for bytes in ["01 eda0bd", "01 edb880", "02 eda0bd 61", "01 c1b0", "01 e080b0", "01 c3 28"] {
        let bytes = unhex(bytes);
        assert_eq!(read_text(&bytes), Err(ReadError::Text { at: 0 }), "{bytes:x?}");
        assert!(Reader::new(&bytes).text_lossy().unwrap().contains('\u{fffd}'), "{bytes:x?}");
        assert_eq!(skipped(&bytes), Ok(bytes.len()), "{bytes:x?}");
    }
    for bytes in ["01 80", "01 ff", "02 61", "01 c3", "52 0001 61 4e", "30"] {
        assert!(read_text(&unhex(bytes)).is_err() && skipped(&unhex(bytes)).is_err(), "{bytes}");
    }
}

#[test]
fn doubles_and_dates_are_read_in_hessian_lites_dialect() {
    let root = |bytes: &str| Document::read(&unhex(bytes)).unwrap().root().clone().as_number();
    assert_eq!(root("5f 0000044c"), 1.1);
    assert_eq!(root("5f 00002fda"), 12.25);
    assert_eq!(root("5d 80"), -128.0);
    assert_eq!(root("5e 8000"), -32768.0);
    assert_eq!(root("5c"), 1.0);
    assert_eq!(Document::read(&unhex("4b 00000001")).unwrap().root(), &Value::Date(60_000));
}

trait AsNumber {
    fn as_number(&self) -> f64;
}

impl AsNumber for Value<'_> {
    fn as_number(&self) -> f64 {
        match self {
            Value::Double(number) => *number,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_tag_is_stepped_over_to_exactly_its_end() {
    let values = [
        "00",
        "01 61",
        "30 01 61",
        "52 0001 61 00",
        "53 0001 61",
        "20",
        "21 da",
        "34 01 da",
        "41 0001 da 20",
        "42 0001 da",
        "3c 0000",
        "46",
        "48 5a",
        "48 91 92 5a",
        "49 00000001",
        "4a 0000000000000001",
        "4b 00000001",
        "4c 0000000000000001",
        "4d 01 61 5a",
        "4d 01 61 91 92 5a",
        "4e",
        "43 01 61 90 60",
        "43 01 61 91 01 62 60 4e",
        "43 01 61 91 01 62 4f 90 4e",
        "44 0000000000000000",
        "51 90",
        "54",
        "55 01 61 91 5a",
        "56 01 61 91 92",
        "57 91 92 5a",
        "58 92 91 92",
        "59 00000001",
        "5b",
        "5c",
        "5d 01",
        "5e 0001",
        "5f 00000001",
        "70 01 61",
        "72 01 61 91 92",
        "78",
        "7a 91 92",
        "80",
        "bf",
        "c0 00",
        "d0 0000",
        "d8",
        "f0 00",
        "7a 70 01 61 70 90",
    ];
    for value in values {
        let mut bytes = unhex(value);
        let len = bytes.len();
        assert_eq!(skipped(&bytes), Ok(len), "{value}");
        for cut in 0..len {
            assert!(skipped(&bytes[..cut]).is_err(), "{value} cut at {cut}");
        }
        bytes.extend([0x5a, 0x4e]);
        assert_eq!(skipped(&bytes), Ok(len), "{value} and more");
    }
    for byte in ["40", "45", "47", "50", "5a"] {
        assert!(matches!(skipped(&unhex(byte)), Err(ReadError::Unexpected { at: 0, .. })), "{byte}");
    }
}

#[test]
fn a_map_that_ends_behind_a_key_is_refused() {
    assert!(skipped(&unhex("48 91 5a")).is_err());
}

#[test]
fn counts_and_indexes_that_lie_are_refused_at_once() {
    let lies = [
        "58 49 7fffffff",
        "58 49 ffffffff",
        "56 01 61 49 7fffffff 90",
        "43 01 61 49 7fffffff",
        "60",
        "4f 90",
        "4f 8f",
        "43 01 61 90 61",
        "53 ffff 61",
        "42 ffff 61",
    ];
    for lie in lies {
        assert!(skipped(&unhex(lie)).is_err(), "{lie}");
        assert!(Document::read(&unhex(lie)).is_err(), "{lie}");
    }
    for lie in ["51 90", "7a 51 91 91", "70 90"] {
        assert!(Document::read(&unhex(lie)).is_err(), "{lie}");
    }
}

#[test]
fn a_hundred_thousand_levels_are_refused_without_recursion() {
    for opener in [&[0x79][..], &[0x57], b"H", &[0x48, 0x91], &[0x71, 0x00], &[0x58, 0x91]] {
        let bytes = opener.repeat(100_000);
        let found = skipped(&bytes);
        assert!(
            matches!(found, Err(ReadError::TooDeep { .. } | ReadError::Unexpected { .. })),
            "{opener:x?} {found:?}"
        );
        assert!(Document::read(&bytes).is_err());
    }
    let objects = [&unhex("43 01 61 91 01 62")[..], &[0x60].repeat(100_000)].concat();
    assert!(matches!(skipped(&objects), Err(ReadError::TooDeep { .. })));
    assert!(Document::read(&objects).is_err());
    let definitions = unhex("43 01 61 90").repeat(100_000);
    assert!(skipped(&definitions).is_err() && Document::read(&definitions).is_err());
}

#[test]
fn what_java_can_still_read_is_not_too_deep() {
    let mut bytes = [0x79].repeat(MAX_DEPTH);
    bytes.push(0x4e);
    assert_eq!(skipped(&bytes), Ok(bytes.len()));
}

/// What a 3.x provider answers to `getMetadataInfo`, with a shared map as a reference.
fn metadata() -> Vec<u8> {
    let mut out = Vec::new();
    let class = |out: &mut Vec<u8>, name: &str, fields: &[&str]| {
        out.push(b'C');
        writer::put_text(out, name);
        writer::put_int(out, fields.len() as i32);
        fields.iter().for_each(|field| writer::put_text(out, field));
    };
    class(&mut out, "org.apache.dubbo.metadata.MetadataInfo", &["services", "revision", "app"]);
    out.push(0x60);
    out.push(b'M');
    writer::put_text(&mut out, "java.util.concurrent.ConcurrentHashMap");
    writer::put_text(&mut out, "demo.Greeter:dubbo");
    let fields = ["params", "path", "port", "protocol", "version", "group", "name"];
    class(&mut out, "org.apache.dubbo.metadata.MetadataInfo$ServiceInfo", &fields);
    out.push(0x61);
    writer::put_text_map(&mut out, [("side", "provider")]);
    out.extend([&text("demo.Greeter")[..], &[0xd4, 0x51, 0x90], &text("dubbo"), b"NN", &text("demo.Greeter")].concat());
    writer::put_text(&mut out, "demo.Other:dubbo");
    out.push(0x61);
    out.extend([&[0x51, 0x93][..], &text("demo.Other"), &[0xd4, 0x51, 0x91], &text("dubbo")].concat());
    out.extend([&text("1.0.0")[..], &text("g"), &text("demo.Other")].concat());
    out.push(b'Z');
    out.extend([&text("r1")[..], &text("app")].concat());
    out
}

#[test]
fn a_providers_metadata_is_read_with_its_references() {
    let bytes = metadata();
    let document = Document::read(&bytes).unwrap();
    let root = document.root();
    assert_eq!((document.class(root), document.end()), (Some("org.apache.dubbo.metadata.MetadataInfo"), bytes.len()));
    assert_eq!(document.field(root, "app").and_then(Value::as_text), Some("app"));
    let services = document.field(root, "services").unwrap();
    assert_eq!(document.shape(services), Shape::Map);
    assert_eq!(document.entries(services).len(), 2);
    for (key, port, version) in [("demo.Greeter:dubbo", 20880, None), ("demo.Other:dubbo", 20881, Some("1.0.0"))] {
        let service = document.field(services, key).unwrap();
        let field = |name| document.field(service, name).unwrap();
        assert_eq!(field("port").as_integer(), Some(port));
        assert_eq!(field("version").as_text(), version);
        assert_eq!(document.field(field("params"), "side").and_then(Value::as_text), Some("provider"));
    }
    assert_eq!(skipped(&bytes), Ok(bytes.len()));
}

#[test]
fn an_object_that_holds_itself_is_no_endless_tree() {
    let bytes = unhex("43 01 61 91 05 6361757365 60 51 90");
    let document = Document::read(&bytes).unwrap();
    assert_eq!(document.field(document.root(), "cause"), Some(document.root()));
}

#[test]
fn the_exception_is_the_one_that_every_release_was_seen_to_read() {
    let wanted =
        "431a6a6176612e6c616e672e52756e74696d65457863657074696f6e920d64657461696c4d6573736167650a737461636b5472616365
                  6004626f6f6d701c5b6a6176612e6c616e672e537461636b5472616365456c656d656e74";
    assert_eq!(written(|out| writer::put_runtime_exception(out, "boom")), unhex(wanted));
}

/// Text of so many units as it is read one by one, and where it ends.
fn unit_by_unit(bytes: &[u8], units: usize) -> Option<(String, usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while found.len() < units {
        let lead = u16::from(*bytes.get(at)?);
        let (len, bits, least) = match lead {
            0x00..=0x7f => (1, lead, 0),
            0xc0..=0xdf => (2, lead & 0x1f, 0x80),
            0xe0..=0xef => (3, lead & 0x0f, 0x800),
            _ => (4, 0, 0),
        };
        let character = bytes.get(at..at + len)?;
        if len == 4 {
            found.extend(str::from_utf8(character).ok()?.encode_utf16());
        } else {
            let rest = &character[1..];
            let unit = rest.iter().fold(bits, |unit, byte| unit << 6 | u16::from(byte & 0x3f));
            if unit < least || rest.iter().any(|byte| byte & 0xc0 != 0x80) {
                return None;
            }
            found.push(unit);
        }
        at += len;
    }
    Some((String::from_utf16(&found).ok()?, at))
}

proptest! {
    #[test]
    fn text_of_any_bytes_is_what_its_units_say(
        parts in prop::collection::vec(prop::sample::select(vec![
            &b"a"[..], b"bcdefghi", b"\0", "é".as_bytes(), "无".as_bytes(), "\u{ffff}".as_bytes(), "😀".as_bytes(),
            b"\xed\xa0\xbd\xed\xb8\x80", b"\xed\xa0\xbd", b"\xed\xb8\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xc3", b"\xe6\x97", b"\x80", b"\xff",
        ]), 0..40),
        units in 0..60_u8,
    ) {
        let bytes = parts.concat();
        let stream = [&[0x30, units], &*bytes].concat();
        let mut reader = Reader::new(&stream);
        let read = reader.text().ok().map(|text| (text.into_owned(), reader.at() - 2));
        prop_assert_eq!(read, unit_by_unit(&bytes, units.into()));
    }

    #[test]
    fn text_comes_back(text in ".{0,2000}") {
        let bytes = written(|out| writer::put_text(out, &text));
        prop_assert_eq!(read_text(&bytes), Ok(text));
        prop_assert_eq!(skipped(&bytes), Ok(bytes.len()));
    }

    #[test]
    fn long_text_comes_back(unit in prop::sample::select(vec!["a", "é", "无", "😀", "a😀", "\u{0}\u{ffff}"]), count in 9_000..40_000_usize) {
        let text = unit.repeat(count);
        let bytes = written(|out| writer::put_text(out, &text));
        prop_assert_eq!(read_text(&bytes), Ok(text));
        prop_assert_eq!(skipped(&bytes), Ok(bytes.len()));
    }

    #[test]
    fn ints_come_back(number in any::<i32>().prop_flat_map(|number| (0..32_u32).prop_map(move |shift| number >> shift))) {
        let bytes = written(|out| writer::put_int(out, number));
        prop_assert_eq!(Reader::new(&bytes).int(), Ok(number));
        prop_assert_eq!(Document::read(&bytes).unwrap().root().clone(), Value::Int(number));
        prop_assert_eq!(skipped(&bytes), Ok(bytes.len()));
    }

    #[test]
    fn longs_come_back(number in any::<i64>().prop_flat_map(|number| (0..64_u32).prop_map(move |shift| number >> shift))) {
        let bytes = written(|out| writer::put_long(out, number));
        prop_assert_eq!(Reader::new(&bytes).integer(), Ok(number));
        prop_assert_eq!(Document::read(&bytes).unwrap().root().clone(), Value::Long(number));
        prop_assert_eq!(skipped(&bytes), Ok(bytes.len()));
    }

    #[test]
    fn binaries_come_back(bytes in prop::collection::vec(any::<u8>(), 0..100), times in prop::sample::select(vec![1_usize, 11, 400, 1000])) {
        let wanted = bytes.repeat(times);
        let bytes = written(|out| writer::put_binary(out, &wanted));
        prop_assert_eq!(&*Reader::new(&bytes).binary().unwrap(), &wanted);
        prop_assert_eq!(skipped(&bytes), Ok(bytes.len()));
    }

    #[test]
    fn lists_and_maps_of_text_come_back(items in prop::collection::vec(".{0,40}", 0..20)) {
        let refs: Vec<&str> = items.iter().map(String::as_str).collect();
        let bytes = written(|out| writer::put_text_list(out, &refs));
        let document = Document::read(&bytes).unwrap();
        let found: Vec<_> = document.items(document.root()).iter().filter_map(Value::as_text).collect();
        prop_assert_eq!(&found, &refs);
        let bytes = written(|out| writer::put_text_map(out, refs.iter().map(|text| (*text, *text))));
        let document = Document::read(&bytes).unwrap();
        let found: Vec<_> = document.entries(document.root()).iter().filter_map(|(key, _)| key.as_text()).collect();
        prop_assert_eq!(&found, &refs);
    }
}
