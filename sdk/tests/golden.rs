//! Every value in the frames of real Dubbo is read, and written again so that it reads as the same.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::path::Path;

use highway_sdk::Value;
use highway_sdk::hessian2::{Decoder, Encoder, from_slice, to_vec};
use wire::dubbo::frame::HEADER_LEN;

/// All hessian2 values of a body, one after the other.
fn values(body: &[u8]) -> Vec<Value> {
    let mut decoder = Decoder::new(body);
    let mut values = Vec::new();
    while decoder.at() < body.len() {
        values.push(decoder.take().unwrap());
    }
    values
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Bodies of frames in hessian2, with the release and case that they are of.
fn bodies() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/golden");
    let mut bodies = Vec::new();
    for release in ["2.6.12", "2.7.23", "3.0.15", "3.1.11", "3.2.16", "3.3.6"] {
        let text = std::fs::read_to_string(folder.join(format!("dubbo-{release}.jsonl"))).unwrap();
        for line in text.lines() {
            let notes: serde_json::Value = serde_json::from_str(line).unwrap();
            if notes["serialization"] == "hessian2" {
                let frame = unhex(notes["frame"].as_str().unwrap());
                bodies.push((format!("{} of {release}", notes["case"]), frame[HEADER_LEN..].to_vec()));
            }
        }
    }
    bodies
}

#[test]
fn each_golden_value_is_read_and_written_again() {
    let (mut all, mut same_bytes) = (0, 0);
    let bodies = bodies();
    for (case, body) in &bodies {
        let read = values(body);
        let mut written = Vec::new();
        let mut encoder = Encoder::new(&mut written);
        read.iter().for_each(|value| encoder.put(value).unwrap());
        assert_eq!(values(&written), read, "{case}");
        all += read.len();
        same_bytes += usize::from(written == *body);
    }
    println!("{} frames, {all} values, {same_bytes} frames with the same bytes", bodies.len());
    // The others name an object twice, or cut a byte[] where Java's buffer was full.
    assert_eq!((bodies.len(), all, same_bytes), (351, 1658, 333));
}

#[test]
fn damaged_values_are_refused_or_are_others_and_nothing_worse() {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut refused, mut others) = (0, 0);
    for (case, body) in bodies() {
        for _ in 0..100 {
            let mut body = body.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..body.len());
                match random.u8(..4) {
                    0 => body.truncate(at + 1),
                    1 => body[at] = random.u8(..),
                    2 => body.insert(at, random.u8(..)),
                    _ => body[at] ^= 1 << random.u8(..8),
                }
            }
            let mut decoder = Decoder::new(&body);
            while decoder.at() < body.len() {
                let Ok(value) = decoder.take::<Value>() else {
                    refused += 1;
                    break;
                };
                let bytes = to_vec(&value).unwrap_or_else(|error| panic!("{case}: {error}"));
                let again: Value = from_slice(&bytes).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(to_vec(&again).unwrap(), bytes, "{case}");
                others += 1;
            }
        }
    }
    println!("{refused} refused, {others} read");
    assert!(refused > 1000 && others > 1000, "{refused} refused, {others} read");
}
