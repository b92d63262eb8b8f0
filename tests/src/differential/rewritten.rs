//! The same comparison one step further: a request is written anew as the ingress does, and Java must read what was asked for
//! and otherwise what it had read before.
//!
//! It never looks at our own reading of the new frame: that would be our word for our word.

use serde_json::{Map, Value};
use wire::dubbo::call::{Peeked, peek};
use wire::dubbo::frame::{HEADER_LEN, Header};
use wire::dubbo::rewrite::{RENAMED, RequestEdit, Strip};

use super::verdict::Verdict;

const SERVICE: &str = "com.acme.Rewritten";
const SET: [(&str, &str); 3] = [("path", SERVICE), ("highway.source.island", "beijing"), ("timeout", "9")];

/// `frame` for another service, without Highway's own attachments and with some put in; nothing where it cannot be rewritten.
#[must_use]
pub fn rewritten(frame: &[u8]) -> Option<Vec<u8>> {
    let header = Header::decode(frame).ok()??;
    let body = &frame[HEADER_LEN..];
    let Peeked::Call(call) = peek(&header, body).ok()? else { return None };
    let edit = RequestEdit { id: Some(9), service: Some(SERVICE), strip: Strip::ROUTING, set: &SET };
    let mut out = Vec::new();
    edit.append(&header, body, &call, &mut out).ok()?;
    Some(out)
}

/// Whether Java's reading of the new frame is its reading of the old one with what was asked for.
#[must_use]
pub fn of(before: &Value, after: &Value) -> Verdict {
    match difference(before, after) {
        None => Verdict::RewrittenEqual,
        Some(what) => Verdict::RewrittenDiffers(what),
    }
}

fn difference(before: &Value, after: &Value) -> Option<String> {
    if let Some(refused) = after["refused"].as_str() {
        return Some(format!("Java refuses it: {refused}"));
    }
    for same in ["method", "types", "named"] {
        if before.get(same) != after.get(same) {
            return Some(same.to_owned());
        }
    }
    let (Some(before), Some(after)) = (before["attachments"].as_object(), after["attachments"].as_object()) else {
        return Some("no attachments at all".to_owned());
    };
    let (wanted, found) = (edited(before), others(after));
    let key = wanted.keys().chain(found.keys()).find(|key| wanted.get(*key) != found.get(*key))?;
    Some(format!("attachment {key}: {:?}, wanted {:?}", found.get(key), wanted.get(key)))
}

/// What the edit makes of these attachments.
fn edited(before: &Map<String, Value>) -> Map<String, Value> {
    let mut wanted = others(before);
    wanted.retain(|key, _| !key.starts_with("highway."));
    for (key, value) in SET {
        wanted.insert(key.to_owned(), Value::from(value));
    }
    wanted
}

/// All but the length that 2.7 notes, and what stands in for a value that had to stay.
fn others(attachments: &Map<String, Value>) -> Map<String, Value> {
    let others = attachments.iter().filter(|(key, _)| *key != "input" && *key != RENAMED);
    others.map(|(key, value)| (key.clone(), value.clone())).collect()
}
