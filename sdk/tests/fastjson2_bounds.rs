//! What a peer's fastjson2 may become: how deep, how much by what is said once and meant often, and how long it may take.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, Instant};

use highway_sdk::Value;
use highway_sdk::fastjson2::{DecodeError, from_slice, to_vec};
use serde::de::IgnoredAny;

/// A field with these bytes.
fn field(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

/// The head of a list of so many values.
fn list(count: usize) -> Vec<u8> {
    [&[0xa4, 0x48], &(count as u32).to_be_bytes()[..]].concat()
}

/// Text of less than 48 letters.
fn text(text: &str) -> Vec<u8> {
    [&[0x49 + text.len() as u8], text.as_bytes()].concat()
}

/// Text of so many letters.
fn long_text(len: u32) -> Vec<u8> {
    [&[0x79, 0x48], &len.to_be_bytes()[..], &vec![b'x'; len as usize]].concat()
}

fn reference(path: &str) -> Vec<u8> {
    [vec![0x93], text(path)].concat()
}

/// That these bytes are refused for what they come to.
#[track_caller]
fn too_much(bytes: &[u8]) {
    let error = from_slice::<Value>(&field(bytes)).map(|_| "a value").unwrap_err();
    assert!(matches!(error, DecodeError::TooMuch { .. }), "{error}");
}

#[test]
fn what_is_deep_is_bounded() {
    let mut deep = Value::Null;
    for _ in 0..128 {
        deep = Value::List { name: None, items: vec![deep] };
    }
    let bytes = to_vec(&deep).unwrap();
    assert_eq!(from_slice::<Value>(&bytes).unwrap(), deep);
    let deeper = field(&[&[0x95], &bytes[4..]].concat());
    assert!(matches!(from_slice::<Value>(&deeper), Err(DecodeError::TooDeep { limit: 128, .. })));
    assert!(to_vec(&Value::List { name: None, items: vec![deep] }).is_err());
    assert!(from_slice::<Value>(&field(&[0x95; 100_000])).is_err());
}

#[test]
fn what_repeats_itself_is_bounded() {
    // Each list is the one before eight times.
    let mut laughs = [list(21), vec![0x9c], vec![1; 8]].concat();
    for number in 0..20 {
        laughs.push(0x9c);
        laughs.extend(reference(&format!("$[{number}]")).repeat(8));
    }
    too_much(&laughs);
    // A long name that comes by its number: 150 KiB that would be 1 GiB, as a class, as a field and as a key.
    let name = long_text(0x8000);
    let class = [&[0x92][..], &name, &[0, 0xa6, 0xa5]].concat();
    too_much(&[list(30_001), class, [0x92, 0, 0xa6, 0xa5].repeat(30_000)].concat());
    let key = [&[0xa6, 0x7f][..], &name, &[0, 0xaf, 0xa5]].concat();
    too_much(&[list(30_001), key.clone(), [0xa6, 0x7f, 0, 0xaf, 0xa5].repeat(30_000)].concat());
    let typed = [0x92, 1, 0xa6, 0x7f, 0, 0xaf, 0xa5].repeat(30_000);
    too_much(&[list(30_002), key, vec![0x92, 0x4a, b'C', 1, 0xa6, 0xa5], typed].concat());
}

#[test]
fn a_count_is_nobodys_word() {
    let said = from_slice::<Vec<i32>>(&field(&[list(0x7fff_ffff), vec![1]].concat())).unwrap_err().to_string();
    assert!(said.contains("wanted a length that fits the bytes left"), "{said}");
}

#[test]
fn references_into_a_long_list_do_not_step_over_it_each_time() {
    let count = 60_000;
    let references = (0..count).flat_map(|index| reference(&format!("$[0][{index}]")));
    let bytes = [vec![0x96], list(count), vec![0x94; count], list(count), references.collect()].concat();
    let start = Instant::now();
    let read: (IgnoredAny, Vec<Vec<i32>>) = from_slice(&field(&bytes)).unwrap();
    assert_eq!(read.1.len(), count);
    // Stepping over half of the list for each of them takes minutes.
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
