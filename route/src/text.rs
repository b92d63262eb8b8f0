//! How names stand in texts for people: bounded, and clean of what would break a line.

/// An island id has at most 32 characters; a longer claimed name is cut to this many in texts.
const SHOWN_MAX_LEN: usize = 64;
/// At most so many islands are listed in a text.
const LISTED_MAX: usize = 12;

/// A claimed name as it may stand in a text: it came off the wire and may be anything.
pub fn shown(name: &str) -> String {
    let mut text: String = name.chars().take(SHOWN_MAX_LEN).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.len() < name.len() && name.chars().nth(SHOWN_MAX_LEN).is_some() {
        text.push('…');
    }
    text
}

/// Names with commas between, the first dozen of them.
pub fn listed<'a>(islands: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut more = 0;
    for (at, island) in islands.enumerate() {
        if at >= LISTED_MAX {
            more += 1;
            continue;
        }
        let separator = if at == 0 { "" } else { ", " };
        text.push_str(&format!("{separator}`{island}`"));
    }
    match (text.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => text,
        (_, more) => format!("{text} and {more} more"),
    }
}
