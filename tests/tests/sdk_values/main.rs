//! The SDK reads every value that Java writes, and Java reads what the SDK writes of it as the same: each type that teams use, in the
//! hessian-lite of each release, and in the fastjson2 of those that speak it, with their strict check of classes.
//!
//! A value is compared as the peer tells it (`Canonical.java`): classes, every field, order, what is one object twice. What the SDK
//! makes two objects of is the same but for that.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod types;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use highway_sdk::{Value, fastjson2, hessian2};
use lab::install::{self, Release};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// As many values as each release can write at least.
const LEAST: usize = 240;
/// What has no form in Rust: half a surrogate pair in text.
const NO_TEXT: &str = "the text at offset 0 is not well-formed";
/// What is one object twice becomes two, which `highway_sdk::hessian2` says.
const TWICE: &str = "names an object twice";
/// The cases with such values, and how many of each; all others are the same.
const DIFFER: [(&str, &str, usize); 5] = [
    ("letters", NO_TEXT, 1),
    ("object", TWICE, 2),
    ("object.cycle", TWICE, 1),
    ("object.shared", TWICE, 3),
    ("text.half-a-pair", NO_TEXT, 3),
];

/// The same for fastjson2, of whose values Java itself refuses a few.
const LEAST_JSON: usize = 240;
/// As many values have a Rust type in `types.rs` at least.
const LEAST_TYPED: usize = 100;
const DIFFER_JSON: [(&str, &str, usize); 5] = [
    ("letters", "the value is not as wanted: found the char U+D83D, half of a surrogate pair, wanted a whole one", 1),
    ("object", TWICE, 2),
    ("object.cycle", TWICE, 1),
    ("object.shared", TWICE, 3),
    ("text.half-a-pair", "the text at offset 4 is not well-formed", 2),
];

/// Java with this release's codec. It ends with its stdin.
struct Java {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Java {
    fn start(release: Release, codec: Codec) -> Self {
        let tools = install::install(&[release], &[]).unwrap();
        let mut command = Command::new(&tools.java);
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        for package in ["java.lang", "java.util", "java.util.concurrent", "java.math", "java.time"] {
            command.args(["--add-opens".to_owned(), format!("java.base/{package}=ALL-UNNAMED")]);
        }
        command.args(["-cp", &tools.peer_class_path(release).unwrap(), codec.program()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        Self { child, lines: Box::new(lines) }
    }

    /// All that it writes.
    fn writes(&mut self) -> Vec<Json> {
        let lines = self.lines.by_ref().take_while(|line| !line.is_empty());
        lines.map(|line| serde_json::from_str(&line).unwrap()).collect()
    }

    /// What it makes of these bytes.
    fn reads(&mut self, method: &str, bytes: &[u8]) -> Json {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(self.child.stdin.as_mut().unwrap(), "{method} {hex}").unwrap();
        serde_json::from_str(&self.lines.next().unwrap()).unwrap()
    }
}

impl Drop for Java {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[derive(Clone, Copy)]
pub(crate) enum Codec {
    Hessian2,
    Fastjson2,
}

impl Codec {
    fn program(self) -> &'static str {
        match self {
            Codec::Hessian2 => "lab.Values",
            Codec::Fastjson2 => "lab.JsonValues",
        }
    }

    /// These bytes as a value, written again.
    fn again<T: Serialize + DeserializeOwned>(self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Codec::Hessian2 => {
                let value: T = hessian2::from_slice(bytes).map_err(|error| error.to_string())?;
                Ok(hessian2::to_vec(&value).unwrap())
            }
            Codec::Fastjson2 => {
                let value: T = fastjson2::from_slice(bytes).map_err(|error| error.to_string())?;
                Ok(fastjson2::to_vec(&value).unwrap())
            }
        }
    }
}

/// What is not the same to Java, by case and why, and how many values there were.
fn compare(release: Release, codec: Codec) -> (BTreeMap<(String, String), usize>, usize) {
    let mut java = Java::start(release, codec);
    let written = java.writes();
    let (mut same_bytes, mut differ) = (0, BTreeMap::new());
    for line in &written {
        let bytes = unhex(line["bytes"].as_str().unwrap());
        let how = match codec.again::<Value>(&bytes) {
            Err(error) => error,
            Ok(again) if again == bytes => {
                same_bytes += 1;
                continue;
            }
            Ok(again) => {
                let read = java.reads(line["method"].as_str().unwrap(), &again);
                assert_eq!(read["traces"], line["traces"], "{} of {}: {read}", line["case"], release.version());
                if read["value"] == line["value"] {
                    continue;
                }
                assert_eq!(read["refused"], Json::Null, "{} of {}", line["case"], release.version());
                assert_eq!(read["tree"], line["tree"], "{} of {}", line["case"], release.version());
                TWICE.to_owned()
            }
        };
        *differ.entry((line["case"].as_str().unwrap().to_owned(), how)).or_insert(0) += 1;
    }
    let (program, version, count) = (codec.program(), release.version(), written.len());
    println!("{program} of {version}: {count} values, {same_bytes} written byte for byte alike, {differ:?}");
    (differ, count)
}

#[test]
fn what_java_writes_is_read_and_what_is_written_of_it_is_the_same_to_java() {
    for release in Release::ALL {
        let (differ, count) = compare(release, Codec::Hessian2);
        assert!(count >= LEAST, "{count} values of {}", release.version());
        let wanted = DIFFER.map(|(case, how, count)| ((case.to_owned(), how.to_owned()), count));
        assert_eq!(differ, BTreeMap::from(wanted), "{}", release.version());
    }
}

#[test]
fn what_java_writes_in_fastjson2_is_read_and_what_is_written_of_it_is_the_same_to_strict_java() {
    for release in [Release::V3_2_16, Release::V3_3_6] {
        let (differ, count) = compare(release, Codec::Fastjson2);
        assert!(count >= LEAST_JSON, "{count} values of {}", release.version());
        let wanted = DIFFER_JSON.map(|(case, how, count)| ((case.to_owned(), how.to_owned()), count));
        assert_eq!(differ, BTreeMap::from(wanted), "{}", release.version());
    }
}

#[test]
fn one_rust_type_goes_over_both_serializations_and_is_the_same_to_java() {
    for (release, codec) in [
        (Release::V2_7_23, Codec::Hessian2),
        (Release::V3_3_6, Codec::Hessian2),
        (Release::V3_2_16, Codec::Fastjson2),
        (Release::V3_3_6, Codec::Fastjson2),
    ] {
        let mut java = Java::start(release, codec);
        let (mut count, mut refused) = (0, BTreeMap::new());
        for line in java.writes() {
            let (case, method) = (line["case"].as_str().unwrap(), line["method"].as_str().unwrap());
            match types::again(codec, method, &unhex(line["bytes"].as_str().unwrap())) {
                None => {}
                Some(Err(error)) => *refused.entry((method.to_owned(), error)).or_insert(0) += 1,
                Some(Ok(again)) => {
                    let read = java.reads(method, &again);
                    assert_eq!(read["tree"], line["tree"], "{case} of {}: {read}", release.version());
                    count += 1;
                }
            }
        }
        println!("{} of {}: {count} values by their types, refused {refused:?}", codec.program(), release.version());
        // Half a surrogate pair is no text.
        let halves = |method: &str| matches!(method, "text" | "letter");
        assert!(count >= LEAST_TYPED && refused.keys().all(|(method, _)| halves(method)), "{count}, {refused:?}");
    }
}
