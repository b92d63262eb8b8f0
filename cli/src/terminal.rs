//! Texts of others on a terminal: their control characters are shown as escapes, so that no text can play with it.
//!
//! Pure, but for the question whether there is a terminal.

use std::io::IsTerminal;

use anyhow::Result;
use serde_json::Value;

/// A text that stands in a line.
pub fn shown(text: &str) -> String {
    text.chars().flat_map(|c| if plays(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// A text of many lines as standard output is to have it: as it is where that is no terminal.
pub fn whole(text: &str) -> String {
    if std::io::stdout().is_terminal() { lines(text) } else { text.to_owned() }
}

/// Lines with their escapes shown.
pub fn lines(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| line.strip_suffix('\n').map_or_else(|| shown(line), |line| shown(line) + "\n"))
        .collect()
}

/// JSON for programs, which is the same on a terminal: what could play there is written as `\u….`, which means the same.
pub fn json(value: &Value) -> Result<String> {
    Ok(escaped(&serde_json::to_string_pretty(value)?))
}

/// The same in one line.
pub fn json_line(value: &Value) -> String {
    escaped(&value.to_string())
}

/// What is not a line end stands in a string.
fn escaped(json: &str) -> String {
    let escaped = |c: char| if plays(c) && c != '\n' { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    json.chars().map(escaped).collect()
}

/// Whether a terminal does something else with it than to show it: control characters, and those that turn the order of what follows.
fn plays(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_line_plays_with_the_terminal_and_lines_stay_lines() {
        assert_eq!(lines("a: \u{1b}[2J\nb"), "a: \\u{1b}[2J\nb");
        assert_eq!(shown("a\nb\u{9b}c\u{202e}d"), "a\\nb\\u{9b}c\\u{202e}d");
    }

    #[test]
    fn json_means_the_same_with_its_escapes() {
        let value = json!({ "by": "ann\u{1b}[2J\u{9b}\u{202e}\n\"" });
        let text = json(&value).unwrap();
        assert!(text.contains("ann\\u001b[2J\\u009b\\u202e\\n\\\""), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
