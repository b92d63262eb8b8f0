//! The SDK reads every value that Java writes, and Java reads what the SDK writes of it as the same: each type that teams use, in the
//! hessian-lite of each release.
//!
//! A value is compared as the peer tells it (`Canonical.java`): classes, every field, order, what is one object twice. What the SDK
//! makes two objects of is the same but for that.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use highway_sdk::Value;
use highway_sdk::hessian2::{from_slice, to_vec};
use highway_tests::install::{self, Release};
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

/// Java with this release's hessian-lite. It ends with its stdin.
struct Java {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Java {
    fn start(release: Release) -> Self {
        let tools = install::install(&[release], &[]).unwrap();
        let mut command = Command::new(&tools.java);
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        for package in ["java.lang", "java.util", "java.util.concurrent", "java.math", "java.time"] {
            command.args(["--add-opens".to_owned(), format!("java.base/{package}=ALL-UNNAMED")]);
        }
        command.args(["-cp", &tools.peer_class_path(release).unwrap(), "lab.Values"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        Self { child, lines: Box::new(lines) }
    }

    /// What it makes of these bytes.
    fn reads(&mut self, bytes: &[u8]) -> Json {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(self.child.stdin.as_mut().unwrap(), "{hex}").unwrap();
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

#[test]
fn what_java_writes_is_read_and_what_is_written_of_it_is_the_same_to_java() {
    for release in Release::ALL {
        let mut java = Java::start(release);
        let written: Vec<Json> = java
            .lines
            .by_ref()
            .take_while(|line| !line.is_empty())
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect();
        let (mut same_bytes, mut differ) = (0, BTreeMap::new());
        for line in &written {
            let bytes = unhex(line["bytes"].as_str().unwrap());
            let again = from_slice::<Value>(&bytes).map(|value| to_vec(&value).unwrap());
            let how = match again {
                Err(error) => error.to_string(),
                Ok(again) if again == bytes => {
                    same_bytes += 1;
                    continue;
                }
                Ok(again) => {
                    let read = java.reads(&again);
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
        println!(
            "{}: {} values, {same_bytes} written byte for byte alike, {differ:?}",
            release.version(),
            written.len()
        );
        assert!(written.len() >= LEAST, "{} values of {}", written.len(), release.version());
        let wanted = DIFFER.map(|(case, how, count)| ((case.to_owned(), how.to_owned()), count));
        assert_eq!(differ, BTreeMap::from(wanted), "{}", release.version());
    }
}
