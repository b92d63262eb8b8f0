//! Caucho's Hessian: each of the values of its tests is read, and what is written of it is the same to its author.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use highway_sdk::Value;
use highway_sdk::hessian2::{from_slice, to_vec};
use lab::install;

use crate::{hex, unhex};

/// Caucho's tests in a process of their own, which ends with its stdin.
pub struct Caucho {
    java: Child,
    asks: Option<ChildStdin>,
    lines: Box<dyn Iterator<Item = String>>,
    /// Every value, by the name of its test.
    pub values: Vec<(String, Vec<u8>)>,
}

impl Caucho {
    pub fn start() -> Self {
        let (java, class_path) = install::caucho().unwrap();
        let program = install::workspace().join("tests/java/caucho/CauchoValues.java");
        let mut command = Command::new(java);
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens", "java.base/java.lang=ALL-UNNAMED"]);
        command.args(["--add-opens", "java.base/java.util=ALL-UNNAMED", "-cp", &class_path]).arg(program);
        let mut java = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let asks = java.stdin.take();
        let mut lines = BufReader::new(java.stdout.take().unwrap()).lines().map(Result::unwrap);
        let values = lines
            .by_ref()
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_once(' ').map(|(name, hex)| (name.to_owned(), unhex(hex))).unwrap())
            .collect();
        Self { java, asks, lines: Box::new(lines), values }
    }

    /// What the test of this name says of these bytes: `true`, or why not.
    fn says(&mut self, name: &str, bytes: &[u8]) -> String {
        writeln!(self.asks.as_mut().unwrap(), "{name} {}", hex(bytes)).unwrap();
        self.lines.next().unwrap()
    }
}

impl Drop for Caucho {
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.java.wait();
    }
}

#[test]
fn what_cauchos_tests_write_is_read_and_what_is_written_of_it_is_the_same_to_them() {
    let mut caucho = Caucho::start();
    let values = std::mem::take(&mut caucho.values);
    let (mut same_bytes, mut same, mut unasked) = (0, 0, Vec::new());
    for (name, bytes) in &values {
        let how = match from_slice::<Value>(bytes).map(|value| to_vec(&value).unwrap()) {
            Err(error) => error.to_string(),
            Ok(again) => {
                same_bytes += usize::from(again == *bytes);
                caucho.says(name, &again)
            }
        };
        match &*how {
            "true" => same += 1,
            how if how.contains("NoSuchMethodException") => unasked.push(name.as_str()),
            how => panic!("{name}: {how}"),
        }
    }
    println!("{} values read; written again {same} are the same to Java, {same_bytes} byte for byte", values.len());
    // These are read alone: the tests have no method that takes them.
    assert_eq!(unasked, ["Binary_null", "String_null"]);
    assert_eq!((values.len(), same, same_bytes), (92, 90, 90));
}
