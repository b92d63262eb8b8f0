//! Durations as `"5s"` and sizes as `"64MiB"`: a number and a unit, never a bare number.
//!
//! Whole numbers only; parts are joined (`"1m30s"`). Pure.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

const TIME_FORM: &str = "a duration such as \"200ms\", \"5s\", \"1m30s\", \"24h\" or \"7d\"";
const SIZE_FORM: &str = "a size such as \"512B\", \"64KiB\", \"8MiB\" or \"1GiB\"";

const TIME_UNITS: &[(&str, u64)] =
    &[("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000)];
const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// A duration as typed in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

/// A number of bytes as typed in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Time {
    /// Reads a duration; `None` if it is none or too long for 64 bits of microseconds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(Duration::from_micros(sum(text, TIME_UNITS)?)))
    }
}

impl Size {
    /// Reads a size; `None` if it is none or too large for 64 bits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        sum(text, SIZE_UNITS).map(Self)
    }

    /// As a length in memory.
    #[must_use]
    pub fn len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Whether it is no bytes at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl From<Time> for Duration {
    fn from(time: Time) -> Self {
        time.0
    }
}

fn sum(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits_len = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = rest.split_at(digits_len);
        let unit_len = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, next) = after.split_at(unit_len);
        let factor = units.iter().find(|(name, _)| *name == unit)?.1;
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = next;
    }
    Some(total)
}

struct TextOf<T>(fn(&str) -> Option<T>, &'static str);

impl<T> Visitor<'_> for TextOf<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(TextOf(Self::parse, TIME_FORM))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(TextOf(Self::parse, SIZE_FORM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_numbers_with_units() {
        let millis = |text| Time::parse(text).map(|time| time.0.as_millis());
        assert_eq!(millis("5s"), Some(5_000));
        assert_eq!(millis("200ms"), Some(200));
        assert_eq!(millis("1m30s"), Some(90_000));
        assert_eq!(millis("7d"), Some(604_800_000));
        for wrong in ["", "5", "s", "-1s", "5 s", "1.5s", "5sec", "99999999999999d", "5S"] {
            assert_eq!(millis(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_size_is_numbers_with_units() {
        assert_eq!(Size::parse("64MiB"), Some(Size(64 << 20)));
        assert_eq!(Size::parse("1GB"), Some(Size(1_000_000_000)));
        assert_eq!(Size::parse("0B").map(Size::is_empty), Some(true));
        for wrong in ["64", "MiB", "64mb", "18446744073709551615KiB"] {
            assert_eq!(Size::parse(wrong), None, "{wrong:?}");
        }
    }
}
