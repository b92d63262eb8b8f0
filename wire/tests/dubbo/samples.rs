//! The golden frames, and hand-made bodies for what no release sends.

use std::path::Path;

use highway_wire::dubbo::frame::{HEADER_LEN, Header};
use serde_json::Value as Json;

/// A captured frame and what is known about it (`golden/README.md`).
pub struct Golden {
    pub name: String,
    pub bytes: Vec<u8>,
    pub notes: Json,
}

impl Golden {
    pub fn header(&self) -> Header {
        Header::decode(&self.bytes).unwrap().unwrap()
    }

    pub fn body(&self) -> &[u8] {
        &self.bytes[HEADER_LEN..]
    }

    pub fn kind(&self) -> &str {
        self.notes["kind"].as_str().unwrap()
    }

    pub fn is_request(&self) -> bool {
        matches!(self.kind(), "request" | "one-way")
    }

    pub fn is_ok_reply(&self) -> bool {
        self.kind() == "response" && self.notes["status"] == 20
    }
}

/// Files and the number of frames in each, so that a file that is cut short or gone is noticed.
pub const FILES: [(&str, usize); 6] = [
    ("dubbo-2.6.12.jsonl", 84),
    ("dubbo-2.7.23.jsonl", 82),
    ("dubbo-3.0.15.jsonl", 32),
    ("dubbo-3.1.11.jsonl", 32),
    ("dubbo-3.2.16.jsonl", 67),
    ("dubbo-3.3.6.jsonl", 149),
];

pub fn golden() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut all = Vec::new();
    for (file, count) in FILES {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(text.lines().count(), count, "{file}");
        for (line, text) in text.lines().enumerate() {
            let notes: Json = serde_json::from_str(text).unwrap();
            let bytes = unhex(notes["frame"].as_str().unwrap());
            all.push(Golden { name: format!("{file}:{} {}", line + 1, notes["case"]), bytes, notes });
        }
    }
    assert_eq!(all.len(), 446);
    all
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Hessian text of up to 31 ASCII characters.
pub fn text(text: &str) -> Vec<u8> {
    assert!(text.len() < 32 && text.is_ascii());
    let mut out = vec![text.len() as u8];
    out.extend(text.bytes());
    out
}

/// A hessian2 request body for `com.acme.Greeter.hi(types)` with these argument bytes and these map bytes.
pub fn hessian2_body(types: &str, args: &[u8], map: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in ["2.0.2", "com.acme.Greeter", "1.0.0", "hi"] {
        out.extend(text(field));
    }
    highway_wire::dubbo::hessian2::writer::put_text(&mut out, types);
    out.extend(args);
    out.extend(map);
    out
}

/// A Hessian map of these pieces, each key or value as it stands.
pub fn map(pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![b'H'];
    out.extend(pieces.concat());
    out.push(b'Z');
    out
}

/// A JSONB map of these pieces.
pub fn json_map(pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0xa6];
    out.extend(pieces.concat());
    out.push(0xa5);
    out
}

/// A fastjson2 request body for `com.acme.Greeter.hi()` with these map bytes.
pub fn fastjson2_body(map: &[u8]) -> Vec<u8> {
    use highway_wire::dubbo::fastjson2::writer;
    let mut out = Vec::new();
    for field in ["2.0.2", "com.acme.Greeter", "1.0.0", "hi", ""] {
        writer::put_field(&mut out, |out| writer::put_text(out, field));
    }
    writer::put_field(&mut out, |out: &mut Vec<u8>| out.extend(map));
    out
}
