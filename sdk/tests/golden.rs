//! Every value in the frames of real Dubbo is read, and written again so that it reads as the same.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::path::Path;

use highway_sdk::hessian2::DecodeError;
use highway_sdk::{Value, fastjson2, hessian2};
use wire::dubbo::frame::HEADER_LEN;

/// Values, and why there are no more where something else stands.
type Read = (Vec<Value>, Option<DecodeError>);

/// A serialization: how it is called there, and its functions.
struct Codec {
    name: &'static str,
    /// All values of a body, one after the other, up to the first that is none.
    read: fn(&[u8]) -> Read,
    write: fn(&[Value]) -> Vec<u8>,
}

macro_rules! codec {
    ($name:ident) => {
        Codec {
            name: stringify!($name),
            read: |body| {
                let mut decoder = $name::Decoder::new(body);
                let mut values = Vec::new();
                while decoder.at() < body.len() {
                    match decoder.take() {
                        Ok(value) => values.push(value),
                        Err(error) => return (values, Some(error)),
                    }
                }
                (values, None)
            },
            write: |values| {
                let mut written = Vec::new();
                let mut encoder = $name::Encoder::new(&mut written);
                values.iter().for_each(|value| encoder.put(value).unwrap());
                written
            },
        }
    };
}

const CODECS: [Codec; 2] = [codec!(hessian2), codec!(fastjson2)];

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Bodies of frames in a serialization, with the release and case that they are of.
fn bodies(codec: &Codec) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/golden");
    let mut bodies = Vec::new();
    for release in ["2.6.12", "2.7.23", "3.0.15", "3.1.11", "3.2.16", "3.3.6"] {
        let text = std::fs::read_to_string(folder.join(format!("dubbo-{release}.jsonl"))).unwrap();
        for line in text.lines() {
            let notes: serde_json::Value = serde_json::from_str(line).unwrap();
            if notes["serialization"] == codec.name {
                let frame = unhex(notes["frame"].as_str().unwrap());
                bodies.push((format!("{} of {release}", notes["case"]), frame[HEADER_LEN..].to_vec()));
            }
        }
    }
    bodies
}

#[test]
fn each_golden_value_is_read_and_written_again() {
    let counts = CODECS.map(|codec| {
        let (mut all, mut same_bytes) = (0, 0);
        let bodies = bodies(&codec);
        for (case, body) in &bodies {
            let (values, error) = (codec.read)(body);
            assert_eq!(error, None, "{case}");
            let written = (codec.write)(&values);
            assert_eq!((codec.read)(&written), (values.clone(), None), "{case}");
            all += values.len();
            same_bytes += usize::from(written == *body);
        }
        println!("{}: {} frames, {all} values, {same_bytes} frames with the same bytes", codec.name, bodies.len());
        (bodies.len(), all, same_bytes)
    });
    // The others name an object twice, cut a byte[] where Java's buffer was full, say of a byte[] that it is one, or have UTF-16 text.
    assert_eq!(counts, [(351, 1658, 333), (95, 480, 75)]);
}

#[test]
fn damaged_values_are_refused_or_are_others_and_nothing_worse() {
    let mut random = fastrand::Rng::with_seed(7);
    for codec in CODECS {
        let (mut refused, mut others) = (0, 0);
        for (case, body) in bodies(&codec) {
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
                let (values, error) = (codec.read)(&body);
                refused += usize::from(error.is_some());
                let bytes = (codec.write)(&values);
                let (again, error) = (codec.read)(&bytes);
                assert_eq!(error, None, "{case}");
                assert_eq!((codec.write)(&again), bytes, "{case}");
                others += values.len();
            }
        }
        println!("{}: {refused} refused, {others} read", codec.name);
        assert!(refused > 1000 && others > 1000, "{}: {refused} refused, {others} read", codec.name);
    }
}
