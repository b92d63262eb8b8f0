//! Dates and times, with the fields that hessian-lite gives them on the wire.
//!
//! It never reads a clock and knows no calendar: whether the 30th of February exists is for who uses it.
//! Source: `io/java8/*Handle` of apache/dubbo-hessian-lite.

use serde::{Deserialize, Serialize};

/// A `java.util.Date`: milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "java.util.Date")]
pub struct Date(pub i64);

/// A `java.time.LocalDate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "com.alibaba.com.caucho.hessian.io.java8.LocalDateHandle")]
pub struct LocalDate {
    /// The year; negative before the year 1.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
}

/// A `java.time.LocalTime`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "com.alibaba.com.caucho.hessian.io.java8.LocalTimeHandle")]
pub struct LocalTime {
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 59.
    pub second: i32,
    /// 0 to 999 999 999.
    pub nano: i32,
}

/// A `java.time.LocalDateTime`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "com.alibaba.com.caucho.hessian.io.java8.LocalDateTimeHandle")]
pub struct LocalDateTime {
    /// The day.
    pub date: LocalDate,
    /// The time of the day.
    pub time: LocalTime,
}

/// A `java.time.Instant`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "com.alibaba.com.caucho.hessian.io.java8.InstantHandle")]
pub struct Instant {
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// 0 to 999 999 999, added to the seconds.
    pub nanos: i32,
}

/// A `java.time.Duration`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "com.alibaba.com.caucho.hessian.io.java8.DurationHandle")]
pub struct Duration {
    /// Whole seconds.
    pub seconds: i64,
    /// 0 to 999 999 999, added to the seconds.
    pub nanos: i32,
}
