//! YAML as an editor reads it before it asks a schema: plain scalars by the core schema of YAML 1.2, quoted ones as texts.
//!
//! Never read here: directives, anchors, tags, numbers in other notations than decimal.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The one document of a text; nothing where it is no YAML, several, or has anchors or tags.
pub fn read(text: &str) -> Option<Value> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    options.disallow_directives = true;
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut events = std::iter::from_fn(|| parser.next_event().map(|event| event.ok().map(|(event, _)| event)));
    let mut next = || events.next().flatten();
    let mut root = None;
    loop {
        match next()? {
            Event::StreamStart | Event::DocumentEnd => {}
            Event::DocumentStart(..) if root.is_none() => root = Some(value(next()?, &mut next)?),
            Event::StreamEnd => return Some(root.unwrap_or(Value::Null)),
            _ => return None,
        }
    }
}

fn value<'e>(event: Event<'e>, next: &mut dyn FnMut() -> Option<Event<'e>>) -> Option<Value> {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, 0, None) => Some(plain(&text)),
        Event::Scalar(text, _, 0, None) => Some(Value::String(text.into_owned())),
        Event::SequenceStart(_, 0, None) => {
            let mut items = Vec::new();
            loop {
                match next()? {
                    Event::SequenceEnd => return Some(Value::Array(items)),
                    event => items.push(value(event, next)?),
                }
            }
        }
        Event::MappingStart(_, 0, None) => {
            let mut entries = Map::new();
            loop {
                let key = match next()? {
                    Event::MappingEnd => return Some(Value::Object(entries)),
                    Event::Scalar(text, ..) => text.into_owned(),
                    _ => return None,
                };
                let value = value(next()?, next)?;
                if entries.insert(key, value).is_some() {
                    return None;
                }
            }
        }
        _ => None,
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => return Value::Null,
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    let whole = is_number.then(|| text.parse::<i64>().ok()).flatten().map(Value::from);
    let number = || is_number.then(|| text.parse::<f64>().ok()).flatten().map(Value::from);
    whole.or_else(number).unwrap_or_else(|| text.into())
}
