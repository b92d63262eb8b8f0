//! A `java.time.Duration` as the text that it is in fastjson2: `PT8H6M12.5S`.
//!
//! It never takes a text that Java would not write, and never loses a nanosecond.

const NANOS: i128 = 1_000_000_000;

/// Seconds and the nanoseconds to add.
pub(super) fn parse(text: &str) -> Option<(i64, i32)> {
    let mut rest = text.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| letter.is_ascii_uppercase())?;
        let (number, unit) = rest.split_at(end);
        let seconds = match unit.as_bytes().first()? {
            b'H' => 3600,
            b'M' => 60,
            b'S' => 1,
            _ => return None,
        };
        total = total.checked_add(nanos(number)?.checked_mul(seconds)?)?;
        rest = &unit[1..];
    }
    let nanos = i32::try_from(total.rem_euclid(NANOS)).ok()?;
    Some((i64::try_from(total.div_euclid(NANOS)).ok()?, nanos))
}

/// So many seconds, with a fraction, in nanoseconds.
fn nanos(number: &str) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction_nanos: i128 = match fraction.len() {
        0 => 0,
        len @ 1..=9 if fraction.bytes().all(|digit| digit.is_ascii_digit()) => {
            fraction.parse::<i128>().ok()? * 10i128.pow(9 - len as u32)
        }
        _ => return None,
    };
    let whole_nanos = i128::from(whole.parse::<i64>().ok()?) * NANOS;
    Some(if whole.starts_with('-') { whole_nanos - fraction_nanos } else { whole_nanos + fraction_nanos })
}

/// The text of so many seconds and the nanoseconds to add.
pub(super) fn text(seconds: i64, nanos: i32) -> String {
    let total = i128::from(seconds) * NANOS + i128::from(nanos);
    let sign = if total < 0 { "-" } else { "" };
    let (whole, fraction) = (total.unsigned_abs() / NANOS.unsigned_abs(), total.unsigned_abs() % NANOS.unsigned_abs());
    match fraction {
        0 => format!("PT{sign}{whole}S"),
        _ => format!("PT{sign}{whole}.{fraction:09}S"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_java_writes_them() {
        for (written, seconds, nanos) in [
            ("PT0S", 0, 0),
            ("PT8H6M12.5S", 29_172, 500_000_000),
            ("PT-4.999999993S", -5, 7),
            ("PT-0.5S", -1, 500_000_000),
            ("PT2562047788015215H30M7.999999999S", i64::MAX, 999_999_999),
        ] {
            assert_eq!(parse(written), Some((seconds, nanos)), "{written}");
            assert_eq!(parse(&text(seconds, nanos)), Some((seconds, nanos)), "{written}");
        }
        for bad in
            ["", "PT", "P1D", "PT1", "PTS", "PT1.0000000000S", "PT1.-1S", "PT9999999999999999999S", "pt1s", "PT1é"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
