//! `BigDecimal` and `BigInteger`: numbers without a bound.
//!
//! A `BigDecimal` crosses as its text. A `BigInteger` has no form of its own: Java writes the private fields of its class, the
//! magnitude in 32-bit pieces, highest first. It never rounds and never reads digits that Java would not.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// A `java.math.BigDecimal`, as its digits: `12.50`, `-1E+3`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename = "java.math.BigDecimal")]
pub struct Decimal(pub String);

impl From<&str> for Decimal {
    fn from(digits: &str) -> Self {
        Self(digits.to_owned())
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A `java.math.BigInteger`: a sign and a magnitude.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct BigInteger {
    negative: bool,
    /// Highest first, without zeroes in front.
    magnitude: Vec<u32>,
}

impl BigInteger {
    /// From a magnitude in big-endian bytes.
    #[must_use]
    pub fn from_bytes(negative: bool, magnitude: &[u8]) -> Self {
        let pieces = magnitude.rchunks(4).rev();
        let mut magnitude: Vec<u32> =
            pieces.map(|piece| piece.iter().fold(0, |all, byte| all << 8 | u32::from(*byte))).collect();
        let zeroes = magnitude.iter().take_while(|piece| **piece == 0).count();
        magnitude.drain(..zeroes);
        Self { negative: negative && !magnitude.is_empty(), magnitude }
    }

    /// Whether it is below zero.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        self.negative
    }

    /// The magnitude in big-endian bytes, a multiple of four; empty for zero.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.magnitude.iter().flat_map(|piece| piece.to_be_bytes()).collect()
    }

    /// The number, if it fits.
    #[must_use]
    pub fn to_i128(&self) -> Option<i128> {
        if self.magnitude.len() > 4 {
            return None;
        }
        let magnitude = self.magnitude.iter().fold(0u128, |all, piece| all << 32 | u128::from(*piece));
        if self.negative { 0i128.checked_sub_unsigned(magnitude) } else { i128::try_from(magnitude).ok() }
    }
}

impl From<i128> for BigInteger {
    fn from(number: i128) -> Self {
        Self::from_bytes(number < 0, &number.unsigned_abs().to_be_bytes())
    }
}

/// The fields that every JDK writes; the others are caches, which Java fills again.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "java.math.BigInteger")]
struct Fields {
    signum: i32,
    mag: Ints,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "[int")]
struct Ints(Vec<i32>);

impl Serialize for BigInteger {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let signum = match (self.magnitude.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let mag = Ints(self.magnitude.iter().map(|piece| *piece as i32).collect());
        Fields { signum, mag }.serialize(out)
    }
}

impl<'de> Deserialize<'de> for BigInteger {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Fields { signum, mag: Ints(mag) } = Fields::deserialize(from)?;
        let magnitude: Vec<u8> = mag.iter().flat_map(|piece| piece.to_be_bytes()).collect();
        let number = Self::from_bytes(signum < 0, &magnitude);
        if (signum == 0) != number.magnitude.is_empty() || !(-1..=1).contains(&signum) {
            let pieces = mag.len();
            return Err(D::Error::custom(format_args!(
                "found a BigInteger of sign {signum} with {pieces} pieces, wanted 0 for none and -1 or 1 for others"
            )));
        }
        Ok(number)
    }
}
