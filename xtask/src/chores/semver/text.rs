//! The public API as a text, and what a change of it means.
//!
//! ```text
//!  # highway-sdk 0.1.0                      the version that offers it
//!  # …                                      words for people
//!  feature tower
//!  pub fn highway_sdk::Service::call(…)     a line an item, as rustdoc sees it
//! ```
//!
//! Pure.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fmt;

const HEAD: &str = "# highway-sdk ";
const WORDS: &str =
    "# What this version offers, with all features. Made by `cargo xtask semver --write`, never by hand.";

/// A version, as far as semver looks: major, minor, patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version([u64; 3]);

/// What a version offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub version: Version,
    pub lines: Vec<String>,
}

/// What is between two of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    gone: Vec<String>,
    new: Vec<String>,
    /// Those of the new ones that break a `match` over all variants.
    unmatched: Vec<String>,
}

impl Version {
    /// Of three numbers between dots, the last perhaps with a pre-release behind it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(['-', '+']).next()?.split('.').map(|part| part.parse().ok());
        let three = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self(three))
    }

    /// What counts up when something breaks.
    fn line(&self) -> (u64, u64) {
        let [major, minor, _] = self.0;
        (major, if major == 0 { minor } else { 0 })
    }

    /// The next one that may break.
    fn next(&self) -> Self {
        match self.0 {
            [0, minor, _] => Self([0, minor + 1, 0]),
            [major, ..] => Self([major + 1, 0, 0]),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Text {
    /// Reads what [`Display`](fmt::Display) wrote.
    pub fn parse(text: &str) -> Result<Self> {
        let head = text.lines().next().unwrap_or_default();
        let version = head.strip_prefix(HEAD).and_then(Version::parse);
        let version = version.with_context(|| format!("found `{head}` in its first line, wanted `{HEAD}1.2.3`"))?;
        let lines = text.lines().filter(|line| !line.starts_with("# ") && !line.is_empty());
        Ok(Self { version, lines: lines.map(str::to_owned).collect() })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}{}\n{WORDS}", self.version)?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Change {
    /// From what is noted to what is found.
    pub fn between(noted: &Text, found: &Text) -> Self {
        let set = |text: &Text| text.lines.iter().cloned().collect::<BTreeSet<_>>();
        let (before, after) = (set(noted), set(found));
        let gone = before.difference(&after).cloned().collect();
        let new: Vec<String> = after.difference(&before).cloned().collect();
        // A variant is told without a word for what it is; its enum, where others may be added, with an attribute.
        let breaks = |line: &&String| {
            let path = line.strip_prefix("pub ").and_then(|rest| rest.split(['(', ' ']).next());
            let of = path.and_then(|path| path.rsplit_once("::")).map(|(of, _)| format!("pub enum {of}"));
            of.is_some_and(|of| before.iter().any(|line| *line == of || line.starts_with(&format!("{of}<"))))
        };
        let unmatched = new.iter().filter(breaks).cloned().collect();
        Self { gone, new, unmatched }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }

    /// Why it may not be, between these versions.
    pub fn forbidden(&self, before: &Version, after: &Version) -> Option<String> {
        let breaking: Vec<String> = self
            .gone
            .iter()
            .map(|line| format!("- {line}"))
            .chain(self.unmatched.iter().map(|line| format!("+ {line}")))
            .collect();
        (!breaking.is_empty() && after.line() <= before.line()).then(|| {
            format!(
                "found version {after}, wanted {} or above: what may stand in code that links the SDK is gone, another, or no longer all:\n  {}",
                before.next(),
                breaking.join("\n  ")
            )
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gone.iter().try_for_each(|line| writeln!(f, "  - {line}"))?;
        self.new.iter().try_for_each(|line| writeln!(f, "  + {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 6] = [
        "feature tower",
        "pub enum a::Outcome",
        "pub a::Outcome::Late",
        "#[non_exhaustive] pub enum a::Kind",
        "pub a::Kind::Busy",
        "pub fn a::Service::call(&self)",
    ];

    fn text(version: &str, lines: &[&str]) -> Text {
        Text { version: Version::parse(version).unwrap(), lines: lines.iter().map(|&line| line.to_owned()).collect() }
    }

    /// What is said of these lines at this version, after [`LINES`] at 0.1.4.
    fn said(version: &str, lines: &[&str]) -> Option<String> {
        let (noted, found) = (text("0.1.4", &LINES), text(version, lines));
        Change::between(&noted, &found).forbidden(&noted.version, &found.version)
    }

    #[test]
    fn a_line_that_is_gone_wants_a_version_that_may_break() {
        for at in 0..LINES.len() {
            let mut less = LINES.to_vec();
            let gone = less.remove(at);
            for version in ["0.1.4", "0.1.9", "0.0.9"] {
                let why = said(version, &less).unwrap();
                assert!(why.starts_with(&format!("found version {version}, wanted 0.2.0 or above")), "{why}");
                assert!(why.ends_with(&format!("\n  - {gone}")), "{why}");
            }
            assert_eq!(said("0.2.0", &less), None);
            assert_eq!(said("1.0.0", &less), None);
        }
    }

    #[test]
    fn a_line_that_is_another_is_gone() {
        let mut other = LINES;
        other[5] = "pub fn a::Service::call(&mut self)";
        assert!(said("0.1.5", &other).unwrap().ends_with("\n  - pub fn a::Service::call(&self)"));
    }

    #[test]
    fn what_is_new_may_come_with_any_version() {
        for new in ["pub fn a::Service::close(self)", "pub a::Kind::Slow", "feature metrics", "pub a::Point::x: i32"] {
            let more = [&LINES[..], &[new]].concat();
            assert_eq!(said("0.1.4", &more), None, "{new}");
            let change = Change::between(&text("0.1.4", &LINES), &text("0.1.4", &more));
            assert!(!change.is_none());
            assert_eq!(change.to_string(), format!("  + {new}\n"));
        }
        let again = text("0.1.4", &LINES);
        assert!(Change::between(&again, &again).is_none());
    }

    #[test]
    fn a_variant_of_an_enum_that_may_be_matched_whole_breaks() {
        for new in ["pub a::Outcome::Lost", "pub a::Outcome::Lost(u8)", "pub a::Outcome::Lost = 3"] {
            let why = said("0.1.5", &[&LINES[..], &[new]].concat()).unwrap();
            assert!(why.ends_with(&format!("\n  + {new}")), "{why}");
        }
        let generic = text("2.0.0", &["pub enum a::Maybe<T>"]);
        let more = text("2.1.0", &["pub enum a::Maybe<T>", "pub a::Maybe::Not"]);
        let change = Change::between(&generic, &more);
        assert!(change.forbidden(&generic.version, &more.version).unwrap().contains("wanted 3.0.0"));
    }

    #[test]
    fn what_is_written_is_read() {
        let text = text("0.1.4", &LINES);
        assert_eq!(Text::parse(&text.to_string()).unwrap(), text);
        let error = Text::parse("pub mod a\n").unwrap_err().to_string();
        assert_eq!(error, "found `pub mod a` in its first line, wanted `# highway-sdk 1.2.3`");
    }

    #[test]
    fn a_version_has_three_numbers() {
        assert_eq!(Version::parse("1.20.3-rc.1"), Some(Version([1, 20, 3])));
        for text in ["", "1.2", "1.2.3.4", "1.x.3"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
