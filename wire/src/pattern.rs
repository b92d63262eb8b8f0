//! Patterns over names, as grants, exports and imports write them. Never a regular expression: an operator reads these
//! lines in an incident.
//!
//! ```text
//! name     a `*` stands for any run of characters, also none; everything else for itself
//! service  [group/]interface[:version]     each part a name pattern; a part left out matches anything,
//!                                          `/` and `:` themselves always divide
//! text     as a name pattern, over any text without control characters: values of attachments and parameters
//! ```
//!
//! Matching is at most the length of the name times the length of the pattern and allocates nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// Longest pattern that is accepted, in bytes; Java class names stay far below it.
pub const PATTERN_MAX_LEN: usize = 512;

/// A pattern over one name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamePattern(Box<str>);

impl NamePattern {
    /// Whether `name` is one of the names meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        glob(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether it stands for one name only.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether it stands for every name.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    /// Whether every name that `other` means is meant by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        covers(&self.0, &other.0)
    }

    /// The pattern as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NamePattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text.is_empty() {
            return Err(BadPattern::Empty);
        }
        if text.len() > PATTERN_MAX_LEN {
            return Err(BadPattern::TooLong { len: text.len() });
        }
        if let Some(found) = text.chars().find(|c| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':' | '?'))
        {
            // It may stand in a log, and came from wherever patterns come from.
            let pattern = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            return Err(BadPattern::Character { found, pattern });
        }
        Ok(Self(text.into()))
    }
}

/// A pattern over services: `[group/]interface[:version]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServicePattern {
    group: Option<NamePattern>,
    interface: NamePattern,
    version: Option<NamePattern>,
}

impl ServicePattern {
    /// Whether the service of these three names is meant; no group or version is the empty text, which is matched by a
    /// pattern without that part, or with `*` there.
    #[must_use]
    pub fn matches(&self, group: &str, interface: &str, version: &str) -> bool {
        self.interface.matches(interface)
            && self.group.as_ref().is_none_or(|pattern| pattern.matches(group))
            && self.version.as_ref().is_none_or(|pattern| pattern.matches(version))
    }

    /// Whether it stands for every service.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.interface.is_all()
            && self.group.as_ref().is_none_or(NamePattern::is_all)
            && self.version.as_ref().is_none_or(NamePattern::is_all)
    }

    /// Whether every service that `other` means is meant by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let part = |own: &Option<NamePattern>, other: &Option<NamePattern>| match (own, other) {
            (Some(own), Some(other)) => own.covers(other),
            (own, None) => own.as_ref().is_none_or(NamePattern::is_all),
            (None, Some(_)) => true,
        };
        self.interface.covers(&other.interface)
            && part(&self.group, &other.group)
            && part(&self.version, &other.version)
    }

    /// The part that is about the interface.
    #[must_use]
    pub fn interface(&self) -> &NamePattern {
        &self.interface
    }

    /// The part that is about the group, if it was said.
    #[must_use]
    pub fn group(&self) -> Option<&NamePattern> {
        self.group.as_ref()
    }

    /// The part that is about the version, if it was said.
    #[must_use]
    pub fn version(&self) -> Option<&NamePattern> {
        self.version.as_ref()
    }
}

/// A pattern over any text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TextPattern(Box<str>);

impl TextPattern {
    /// Whether `text` is one of those meant.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        glob(self.0.as_bytes(), text.as_bytes())
    }

    /// Whether every text that `other` means is meant by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        covers(&self.0, &other.0)
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TextPattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text.is_empty() {
            return Err(BadPattern::Empty);
        }
        if text.len() > PATTERN_MAX_LEN {
            return Err(BadPattern::TooLong { len: text.len() });
        }
        match text.chars().find(|c| c.is_control()) {
            Some(found) => Err(BadPattern::Control { found }),
            None => Ok(Self(text.into())),
        }
    }
}

impl fmt::Display for ServicePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = &self.group {
            write!(f, "{group}/")?;
        }
        self.interface.fmt(f)?;
        match &self.version {
            Some(version) => write!(f, ":{version}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ServicePattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let (group, rest) = match text.split_once('/') {
            Some((group, rest)) => (Some(group.parse()?), rest),
            None => (None, text),
        };
        let (interface, version) = match rest.split_once(':') {
            Some((interface, version)) => (interface.parse()?, Some(version.parse()?)),
            None => (rest.parse()?, None),
        };
        Ok(Self { group, interface, version })
    }
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Nothing was typed where a name was wanted.
    #[error("a part of the pattern is empty, wanted a name or `*`")]
    Empty,
    /// Longer than [`PATTERN_MAX_LEN`].
    #[error("the pattern has {len} bytes, at most {PATTERN_MAX_LEN} are allowed")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A character that no name has.
    #[error("`{pattern}` holds {found:?}, wanted letters, digits, `.`, `-`, `_`, `$` and `*`")]
    Character {
        /// The first such character.
        found: char,
        /// The part it stands in.
        pattern: String,
    },
    /// A control character.
    #[error("the text holds the control character {found:?}, wanted letters, digits, signs and `*`")]
    Control {
        /// The first such character.
        found: char,
    },
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ServicePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A `*` in a name is taken by nothing but a `*`, which then takes whatever the other stands for.
fn covers(pattern: &str, other: &str) -> bool {
    glob(pattern.as_bytes(), other.as_bytes())
}

/// Greedy matching with one point to go back to: the last `*` seen.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                back = Some((at + 1, seen));
                at += 1;
            }
            Some(byte) if *byte == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match back {
                Some((after_star, from)) => {
                    at = after_star;
                    seen = from + 1;
                    back = Some((after_star, seen));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
