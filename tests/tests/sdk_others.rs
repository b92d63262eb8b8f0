//! The SDK against the tests that another implementation brings for all others: Caucho's Hessian, of which hessian-lite is a copy.
//!
//! Each of its values is read, and what is written of it is the same to its author.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use highway_sdk::Value;
use highway_sdk::hessian2::{from_slice, to_vec};
use highway_tests::install;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn what_cauchos_tests_write_is_read_and_what_is_written_of_it_is_the_same_to_them() {
    let (java, class_path) = install::caucho().unwrap();
    let program = install::workspace().join("tests/java/caucho/CauchoValues.java");
    let mut command = Command::new(java);
    command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens", "java.base/java.lang=ALL-UNNAMED"]);
    command.args(["--add-opens", "java.base/java.util=ALL-UNNAMED", "-cp", &class_path]).arg(program);
    let mut java = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut asks = java.stdin.take().unwrap();
    let mut lines = BufReader::new(java.stdout.take().unwrap()).lines().map(Result::unwrap);
    let values: Vec<(String, Vec<u8>)> = lines
        .by_ref()
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_once(' ').map(|(name, hex)| (name.to_owned(), unhex(hex))).unwrap())
        .collect();
    let (mut same_bytes, mut same, mut unasked) = (0, 0, Vec::new());
    for (name, bytes) in &values {
        let how = match from_slice::<Value>(bytes).map(|value| to_vec(&value).unwrap()) {
            Err(error) => error.to_string(),
            Ok(again) => {
                same_bytes += usize::from(again == *bytes);
                let hex: String = again.iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(asks, "{name} {hex}").unwrap();
                lines.next().unwrap()
            }
        };
        match &*how {
            "true" => same += 1,
            how if how.contains("NoSuchMethodException") => unasked.push(name.as_str()),
            how => panic!("{name}: {how}"),
        }
    }
    drop(asks);
    java.wait().unwrap();
    println!("{} values read; written again {same} are the same to Java, {same_bytes} byte for byte", values.len());
    // These are read alone: the tests have no method that takes them.
    assert_eq!(unasked, ["Binary_null", "String_null"]);
    assert_eq!((values.len(), same, same_bytes), (92, 90, 90));
}
