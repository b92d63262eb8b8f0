//! Texts of others on a terminal: their control characters are shown as escapes, so that no text can play with it.
//!
//! Pure, but for the question whether there is a terminal.

use std::io::IsTerminal;

/// A text that stands in a line.
pub fn shown(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_plays_with_the_terminal_and_lines_stay_lines() {
        assert_eq!(lines("a: \u{1b}[2J\nb"), "a: \\u{1b}[2J\nb");
        assert_eq!(shown("a\nb"), "a\\nb");
    }
}
