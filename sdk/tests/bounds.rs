//! What a peer's bytes may become: how deep, and how much by what is said once and meant often.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;

use highway_sdk::Value;
use highway_sdk::hessian2::{DecodeError, from_slice, to_vec};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Text of so many letters.
fn text(len: u16) -> Vec<u8> {
    [b"S", &len.to_be_bytes()[..], &vec![b'x'; len.into()]].concat()
}

/// So many bytes, which are stepped over faster than text.
fn binary(len: u16) -> Vec<u8> {
    [b"B", &len.to_be_bytes()[..], &vec![0; len.into()]].concat()
}

/// A list that begins with one value and has the other `count` times behind it.
fn list(first: &[u8], other: &[u8], count: i32) -> Vec<u8> {
    [&[0x58, b'I'], &(count + 1).to_be_bytes()[..], first, &other.repeat(count as usize)].concat()
}

/// That these bytes are refused for what they come to.
#[track_caller]
fn too_much<T: DeserializeOwned>(bytes: &[u8]) {
    let error = from_slice::<T>(bytes).map(|_| "a value").unwrap_err();
    assert!(matches!(error, DecodeError::TooMuch { .. }), "{error}");
}

#[test]
fn what_is_deep_and_what_repeats_itself_is_bounded() {
    let mut deep = Value::Null;
    for _ in 0..128 {
        deep = Value::List { name: None, items: vec![deep] };
    }
    let bytes = to_vec(&deep).unwrap();
    assert_eq!(from_slice::<Value>(&bytes).unwrap(), deep);
    let deeper = [&[0x79], &*bytes].concat();
    let error = from_slice::<Value>(&deeper).unwrap_err();
    assert!(matches!(error, DecodeError::TooDeep { limit: 128, .. }), "{error}");
    let too_deep = Value::List { name: None, items: vec![deep] };
    assert!(to_vec(&too_deep).unwrap_err().to_string().contains("nested deeper than 128 levels"));

    // Each list is the one before eight times: 8 to the power of 20 values in 200 bytes.
    let mut laughs = vec![0x58, 0x90 + 21, 0x7f];
    laughs.extend([0x91; 7]);
    for number in 1..=20u8 {
        laughs.push(0x7f);
        for _ in 0..7 {
            laughs.extend([0x51, 0x90 + number]);
        }
    }
    too_much::<Value>(&laughs);
}

#[test]
fn a_long_name_that_comes_by_number_is_not_kept_for_each_value() {
    let name = text(0x8000);
    let class = [&b"C"[..], &name, b"\x90\x60"].concat();
    let field = [&b"C\x01c\x91"[..], &name, b"\x60N"].concat();
    let list_type = [&b"\x70"[..], &name].concat();
    let map_type = [&b"M"[..], &name, b"Z"].concat();
    // 40 KiB that would be 125 MiB.
    let of_objects = list(&class, b"\x60", 4000);
    let of_fields = list(&field, b"\x60N", 4000);
    too_much::<Value>(&of_objects);
    too_much::<Value>(&of_fields);
    too_much::<Vec<HashMap<String, IgnoredAny>>>(&of_fields);
    too_much::<Value>(&list(&list_type, b"\x70\x90", 4000));
    too_much::<Value>(&list(&map_type, b"M\x90Z", 4000));
    // Nobody keeps these.
    #[derive(Deserialize)]
    struct Any {}
    assert_eq!(from_slice::<Vec<Any>>(&of_objects).unwrap().len(), 4001);
    from_slice::<IgnoredAny>(&of_fields).unwrap();
    // 16 MiB.
    from_slice::<Value>(&list(&class, b"\x60", 500)).unwrap();
}

#[test]
fn a_long_text_is_not_read_again_through_references_without_bound() {
    let first = [&[0x79], &*text(u16::MAX)].concat();
    // 70 KiB that would be 125 MiB, and 32 MiB.
    too_much::<Vec<Vec<String>>>(&list(&first, b"\x51\x91", 2000));
    let lists: Vec<Vec<String>> = from_slice(&list(&first, b"\x51\x91", 500)).unwrap();
    assert_eq!((lists.len(), lists[500][0].len()), (501, 0xffff));
}

#[test]
fn a_long_stream_may_say_more_again_than_a_short_one() {
    let first = [&[0x79], &*binary(u16::MAX)].concat();
    let short = list(&first, b"\x51\x91", 1500);
    too_much::<Vec<Vec<IgnoredAny>>>(&short);
    // Nobody follows the references.
    from_slice::<IgnoredAny>(&short).unwrap();
    // What is behind the list belongs to the stream.
    let long = [short, binary(u16::MAX).repeat(30)].concat();
    assert_eq!(from_slice::<Vec<Vec<IgnoredAny>>>(&long).unwrap().len(), 1501);
}
