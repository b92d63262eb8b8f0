//! A status as lines for people: `name: value`, what is inside indented.
//!
//! Pure. Control characters are shown as their escapes, so that no value can play with a terminal.

use serde_json::Value;

use crate::terminal::shown;

/// The lines, without a last line end.
pub fn lines(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text.trim_end().to_owned()
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = shown(name);
                match single(value) {
                    Some(value) => text.push_str(&format!("{indent}{name}: {value}\n")),
                    None => {
                        text.push_str(&format!("{indent}{name}:\n"));
                        write(value, depth + 1, text);
                    }
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut inner = String::new();
                write(item, depth + 1, &mut inner);
                // The dash takes the place of the first line's indent.
                text.push_str(&format!("{indent}- {}", inner.get(indent.len() + 2..).unwrap_or_default()));
            }
        }
        other => text.push_str(&format!("{indent}{}\n", single(other).unwrap_or_default())),
    }
}

/// The value on one line, if it fits on one: anything single, and lists of single values.
fn single(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(shown(text)),
        Value::Array(items) if items.is_empty() => Some("none".to_owned()),
        Value::Object(fields) if fields.is_empty() => Some("none".to_owned()),
        Value::Array(items) => {
            let words: Option<Vec<_>> =
                items.iter().map(|item| if item.is_array() { None } else { single(item) }).collect();
            words.map(|words| words.join(", "))
        }
        Value::Object(_) => None,
        Value::Null => Some("-".to_owned()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_is_shown_as_an_indented_list() {
        let status = json!({
            "links": [{ "hub": "hub-1", "state": "up" }, { "hub": "hub-2", "state": "down", "tries": [1, 2] }],
            "process": { "pid": 7, "draining": false, "note": null },
            "shards": [],
        });
        let expected = "links:\n  - hub: hub-1\n    state: up\n  - hub: hub-2\n    state: down\n    tries: 1, 2\n\
                        process:\n  draining: false\n  note: -\n  pid: 7\nshards: none";
        assert_eq!(lines(&status), expected);
    }

    #[test]
    fn no_value_plays_with_the_terminal() {
        assert_eq!(lines(&json!({ "a": "x\u{1b}[2Jy\nz" })), "a: x\\u{1b}[2Jy\\nz");
    }
}
