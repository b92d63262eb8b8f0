//! Java's own value classes that Rust has no type for.
//!
//! | here | Java |
//! |---|---|
//! | [`Date`] | `java.util.Date` |
//! | [`Decimal`] | `java.math.BigDecimal` |
//! | [`BigInteger`] | `java.math.BigInteger` |
//! | [`Bytes`] | `byte[]` |
//! | [`LocalDate`], [`LocalTime`], [`LocalDateTime`], [`Instant`], [`Duration`] | `java.time` |
//!
//! They hold what crosses the wire; arithmetic is for crates that are made for it. It never rounds.

mod big;
mod bytes;
mod time;

pub use big::{BigInteger, Decimal};
pub use bytes::Bytes;
pub use time::{Date, Duration, Instant, LocalDate, LocalDateTime, LocalTime};
