//! hessian.js: what the SDK writes of each value that Java knows is read by it, what it writes is read by the SDK, and both are the same bytes.
//!
//! Where they differ it stands in a table with the reason, and which values these are is as fixed as that all others are the same.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use highway_sdk::Value;
use highway_sdk::hessian2::{from_slice, to_vec};
use highway_tests::values::Values;
use lab::install::{self, Release};
use serde_json::{Value as Json, json};

use crate::caucho::Caucho;
use crate::edges::edges;
use crate::{hex, unhex};

/// A case, why its values differ, and how many of them do.
type Differ = (&'static str, &'static str, usize);

/// As many values of Java's as there are at least: those of hessian-lite, and those of Caucho's tests.
const LEAST: [usize; 2] = [240, 90];
/// Beyond 8.64e15 ms JavaScript has no date.
const NO_DATE: &str = "it is no date in JavaScript";
/// An object is one of JavaScript's, with each property once.
const HIDES: &str = "of two fields of one name it keeps one";
/// An object of JavaScript's has properties that are numbers before all others.
const NUMBERED: &str = "a field that is called by a number comes first";

/// What it reads otherwise than the SDK wrote it.
const READS_OTHERWISE: [Differ; 5] = [
    ("date.far", NO_DATE, 62),
    ("object.exception", "an exception becomes an `Error`, which has other fields", 1),
    ("object.inner", "the object around an object of an inner class is left out", 1),
    ("object.numbered", NUMBERED, 1),
    ("object.shadowed-field", HIDES, 1),
];
/// What it writes otherwise than it was told.
const WRITES_OTHERWISE: [Differ; 6] = [
    ("classes.shapes", "a class has the fields of its first object", 1),
    ("date.far", NO_DATE, 62),
    ("double.minus-zero", "it is the double 0.0, which has one byte", 1),
    ("locale", "a `java.util.Locale` is made a handle of Caucho's", 1),
    ("object.numbered", NUMBERED, 1),
    ("object.shadowed-field", HIDES, 1),
];
/// What it writes in other bytes of the same meaning.
const OTHER_BYTES: [Differ; 3] = [("Binary_65536", CHUNKS, 1), ("bytes", CHUNKS, 1), ("bytes.long", CHUNKS, 5)];
/// How long a chunk is, is for the writer to choose.
const CHUNKS: &str = "its chunks have 4093 bytes, ours up to 32 768";

/// hessian.js in a process of its own, which ends with its stdin.
struct Javascript {
    node: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Javascript {
    fn start() -> Self {
        let (node, packages) = install::hessian_js().unwrap();
        let mut command = Command::new(node);
        command.arg(install::workspace().join("tests/js/hessian/values.js")).env("NODE_PATH", packages);
        let mut node = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(node.stdout.take().unwrap()).lines().map(Result::unwrap);
        Self { node, lines: Box::new(lines) }
    }

    fn ask(&mut self, what: &str, of: &str) -> Json {
        writeln!(self.node.stdin.as_mut().unwrap(), "{what} {of}").unwrap();
        serde_json::from_str(&self.lines.next().unwrap()).unwrap()
    }
}

impl Drop for Javascript {
    fn drop(&mut self) {
        drop(self.node.stdin.take());
        let _ = self.node.wait();
    }
}

/// A value in the words of `tests/js/hessian/values.js`.
fn tree(of: &Value) -> Json {
    match of {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(number) => json!({ "int": number.to_string() }),
        Value::Long(number) => json!({ "long": number.to_string() }),
        Value::Double(number) => json!({ "double": format!("{:016x}", number.to_bits()) }),
        Value::Date(millis) => json!({ "date": millis.to_string() }),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => json!({ "bytes": hex(bytes) }),
        Value::List { name, items } => json!({ "list": items.iter().map(tree).collect::<Vec<_>>(), "type": name }),
        Value::Map { name, entries } => {
            let pairs: Vec<Json> = entries.iter().map(|(key, value)| json!([tree(key), tree(value)])).collect();
            json!({ "map": pairs, "type": name })
        }
        Value::Object { class, fields } => {
            let pairs: Vec<Json> = fields.iter().map(|(name, value)| json!([name, tree(value)])).collect();
            json!({ "object": class, "fields": pairs })
        }
        Value::Above(levels) => json!({ "above": levels }),
        other => panic!("hessian2 has no {other:?}"),
    }
}

/// How many values of each case there are.
type Cases = BTreeMap<String, usize>;

fn assert_differ(what: &str, found: &Cases, wanted: &[Differ]) {
    for (case, why, count) in wanted {
        println!("{what} {count} of {case}: {why}");
    }
    let wanted = wanted.iter().map(|(case, _, count)| ((*case).to_owned(), *count)).collect();
    assert_eq!(found, &wanted, "{what}");
}

#[test]
fn what_one_writes_the_other_reads_and_both_write_the_same_bytes() {
    let mut hessian_js = Javascript::start();
    let lite = Values::start(Release::V3_3_6).unwrap().written().unwrap();
    let lite: Vec<_> = lite.iter().map(|one| (one.case.clone(), one.bytes())).collect();
    let caucho = std::mem::take(&mut Caucho::start().values);
    assert!(lite.len() >= LEAST[0] && caucho.len() >= LEAST[1], "{} and {}", lite.len(), caucho.len());
    // Half a surrogate pair is no text in Rust; `sdk_values` counts these.
    let read = |(case, bytes): (String, Vec<u8>)| Some((case, from_slice::<Value>(&bytes).ok()?));
    let mut all: Vec<_> = lite.into_iter().chain(caucho).filter_map(read).collect();
    all.extend(edges());

    let (mut reads, mut writes, mut bytes, mut same) = (Cases::new(), Cases::new(), Cases::new(), 0);
    for (case, value) in &all {
        let (ours, told) = (to_vec(value).unwrap(), tree(value));
        let read = hessian_js.ask("read", &hex(&ours));
        assert!(read["refused"].is_null(), "{case}: {read}");
        if read["tree"] != told {
            *reads.entry(case.clone()).or_default() += 1;
        }
        let written = hessian_js.ask("write", &told.to_string());
        let theirs = written["bytes"].as_str().map(unhex).unwrap_or_else(|| panic!("{case}: {written}"));
        match from_slice::<Value>(&theirs) {
            Ok(_) if theirs == ours => same += 1,
            Ok(back) if tree(&back) == told => *bytes.entry(case.clone()).or_default() += 1,
            Ok(_) => *writes.entry(case.clone()).or_default() += 1,
            Err(error) => panic!("{case}: {error}"),
        }
    }
    println!("{} values: {same} are the same bytes from both", all.len());
    assert_differ("hessian.js reads otherwise", &reads, &READS_OTHERWISE);
    assert_differ("hessian.js writes otherwise", &writes, &WRITES_OTHERWISE);
    assert_differ("hessian.js writes in other bytes", &bytes, &OTHER_BYTES);
}
