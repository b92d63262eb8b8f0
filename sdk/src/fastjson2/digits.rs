//! Numbers without a bound, between two's complement and digits.
//!
//! It never rounds, and never works on more digits than a bounded time allows.

use std::fmt::Write;

use wire::dubbo::fastjson2::Whole;

use crate::codec::error::DecodeError;
use crate::java::BigInteger;

/// Bytes of the digits of a `BigDecimal` at most: the time that digits take grows with the square.
const MAX_DECIMAL_LEN: usize = 1 << 10;
/// The largest power of ten in 32 bits, and its digits.
const PIECE: u64 = 1_000_000_000;
const PIECE_LEN: usize = 9;

/// A `BigInteger` from two's complement, the highest byte first.
pub(super) fn integer(bytes: &[u8]) -> BigInteger {
    let (negative, magnitude) = magnitude(bytes);
    BigInteger::from_bytes(negative, &magnitude)
}

/// Two's complement of a sign and a magnitude.
pub(super) fn complement(negative: bool, magnitude: &[u8]) -> Vec<u8> {
    let significant = magnitude.iter().position(|byte| *byte != 0).map_or(&[][..], |at| &magnitude[at..]);
    let mut bytes = vec![0; 1 + significant.len()];
    bytes[1..].copy_from_slice(significant);
    if negative {
        negate(&mut bytes);
    }
    // As short as Java's: without a first byte that only repeats the sign.
    let repeats = bytes.len() > 1 && (bytes[0] == 0 && bytes[1] < 0x80 || bytes[0] == 0xff && bytes[1] >= 0x80);
    if repeats {
        bytes.remove(0);
    }
    bytes
}

fn magnitude(bytes: &[u8]) -> (bool, Vec<u8>) {
    let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
    let mut magnitude = bytes.to_vec();
    if negative {
        negate(&mut magnitude);
    }
    (negative, magnitude)
}

fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
    }
}

/// The digits of a `BigDecimal` as its `toString` has them.
pub(super) fn of_decimal(whole: Whole<'_>, scale: i32) -> Result<String, DecodeError> {
    let (negative, digits) = match whole {
        Whole::Long(number) => (number < 0, number.unsigned_abs().to_string()),
        Whole::Bytes(bytes) if bytes.len() > MAX_DECIMAL_LEN => {
            let len = bytes.len();
            return Err(DecodeError::mismatch(format_args!(
                "found a BigDecimal of {len} bytes, wanted at most {MAX_DECIMAL_LEN}"
            )));
        }
        Whole::Bytes(bytes) => {
            let (negative, magnitude) = magnitude(bytes);
            (negative, digits(&magnitude))
        }
    };
    let scale = i64::from(scale);
    let behind_first = digits.len() as i64 - 1;
    let exponent = behind_first - scale;
    let sign = if negative { "-" } else { "" };
    if scale == 0 {
        return Ok(format!("{sign}{digits}"));
    }
    if scale > 0 && exponent >= -6 {
        let wanted = scale as usize + 1;
        let padded = format!("{digits:0>wanted$}");
        let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
        return Ok(format!("{sign}{whole}.{fraction}"));
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let exponent = if exponent == 0 { String::new() } else { format!("E{exponent:+}") };
    Ok(format!("{sign}{first}{point}{rest}{exponent}"))
}

/// The digits of a magnitude.
fn digits(magnitude: &[u8]) -> String {
    let mut pieces: Vec<u32> =
        magnitude.rchunks(4).rev().map(|piece| piece.iter().fold(0, |all, byte| all << 8 | u32::from(*byte))).collect();
    let mut found = Vec::new();
    while pieces.iter().any(|piece| *piece != 0) {
        let mut rest = 0;
        for piece in &mut pieces {
            let part = rest << 32 | u64::from(*piece);
            *piece = (part / PIECE) as u32;
            rest = part % PIECE;
        }
        found.push(rest);
    }
    let mut digits = found.pop().unwrap_or_default().to_string();
    for piece in found.iter().rev() {
        let _ = write!(digits, "{piece:0PIECE_LEN$}");
    }
    digits
}

/// A `BigDecimal` from its text: two's complement of its digits, and how many of them stand behind the point.
pub(super) fn to_decimal(text: &str) -> Option<(Vec<u8>, i32)> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let negative = number.starts_with('-');
    let number = number.strip_prefix(['-', '+']).unwrap_or(number);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = [whole, fraction].concat();
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number || digits.len() > 2 * MAX_DECIMAL_LEN {
        return None;
    }
    let mut pieces: Vec<u32> = Vec::new();
    for part in digits.as_bytes().chunks(PIECE_LEN) {
        let part = str::from_utf8(part).ok()?;
        let mut carry = part.parse::<u64>().ok()?;
        let power = 10u64.pow(part.len() as u32);
        for piece in &mut pieces {
            let value = u64::from(*piece) * power + carry;
            *piece = value as u32;
            carry = value >> 32;
        }
        if carry > 0 {
            pieces.push(carry as u32);
        }
    }
    let magnitude: Vec<u8> = pieces.iter().rev().flat_map(|piece| piece.to_be_bytes()).collect();
    let scale = i32::try_from(i64::try_from(fraction.len()).ok()? - i64::from(exponent)).ok()?;
    Some((complement(negative, &magnitude), scale))
}

/// The text of a `UUID`.
pub(super) fn of_uuid(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// A `UUID` from its text.
pub(super) fn to_uuid(text: &str) -> Option<u128> {
    let digits: String = text.split('-').collect();
    let is_digits = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u128::from_str_radix(&digits, 16).ok().filter(|_| is_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That a decimal has this text, and this text these digits.
    #[track_caller]
    fn both(bytes: &[u8], scale: i32, text: &str) {
        assert_eq!(of_decimal(Whole::Bytes(bytes), scale).ok().as_deref(), Some(text));
        assert_eq!(to_decimal(text), Some((bytes.to_vec(), scale)), "{text}");
    }

    #[test]
    fn decimals_are_the_text_that_java_makes_of_them() {
        both(&[0], 0, "0");
        both(&[0], 2, "0.00");
        both(&[0x04, 0xe2], 2, "12.50");
        both(&[0xff], -40, "-1E+40");
        both(&[123], 10, "1.23E-8");
        both(&[123], 8, "0.00000123");
        both(&[0x80], 1, "-12.8");
        both(&[0, 0x80], 0, "128");
        both(&[0xff, 0x7f], 0, "-129");
        both(&[1, 0, 0, 0, 0, 0, 0, 0, 0], 0, "18446744073709551616");
        both(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 10, "-1844674407.3709551617");
        assert_eq!(of_decimal(Whole::Long(i64::MIN), 0).ok().as_deref(), Some("-9223372036854775808"));
        for bad in ["", "-", ".", "1.2.3", "1E", "1E+99999999999", "0x1", "١", "1-1"] {
            assert_eq!(to_decimal(bad), None, "{bad}");
        }
        assert!(of_decimal(Whole::Bytes(&[1; 1025]), 0).is_err());
    }

    #[test]
    fn a_uuid_is_its_text() {
        let text = "123e4567-e89b-12d3-a456-426614174000";
        assert_eq!(to_uuid(text).map(of_uuid).as_deref(), Some(text));
        assert_eq!(to_uuid("123e4567"), None);
        assert_eq!(to_uuid("+23e4567-e89b-12d3-a456-426614174000"), None);
    }
}
