//! How names stand in texts for people: bounded, and clean of what would break a line.

/// An island id has at most 32 characters; a longer claimed name is cut to this many in texts.
const SHOWN_MAX_LEN: usize = 64;
/// At most so many things are listed in a text.
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
    joined(islands.map(|island| format!("`{island}`")), ", ").unwrap_or_else(|| "none".to_owned())
}

/// The first dozen of some texts; `None` where there is none.
pub fn joined(mut texts: impl Iterator<Item = String>, between: &str) -> Option<String> {
    let mut joined = texts.next()?;
    for text in texts.by_ref().take(LISTED_MAX - 1) {
        joined.push_str(between);
        joined.push_str(&text);
    }
    match texts.count() {
        0 => {}
        more => joined.push_str(&format!(" and {more} more")),
    }
    Some(joined)
}
