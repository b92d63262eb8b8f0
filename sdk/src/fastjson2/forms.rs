//! Java's own classes that fastjson2 has a form for, as the objects that hessian2 makes of them.
//!
//! | form | object |
//! |---|---|
//! | `b8`, `b9` | `java.math.BigDecimal` with its digits as `value` |
//! | `ba`, `bb` | `java.math.BigInteger` with `signum` and `mag` |
//! | `a7`, `a8`, `a9`, `aa`, `ae` | `LocalTimeHandle` and the others that `java.time` has in hessian-lite |
//! | text, 16 bytes | `DurationHandle`, `java.util.UUID`: only where these are asked for, for they are text and bytes else |
//!
//! It never makes more of a value than a bounded number of parts.

use std::borrow::Cow;
use std::collections::VecDeque;

use wire::dubbo::fastjson2::{self, Clock, Day, Whole};

use super::{digits, duration};
use crate::codec::error::DecodeError;
use crate::codec::source::Item;
use crate::java::BigInteger;

/// Bytes of a `BigInteger` at most.
const MAX_BIG_LEN: usize = 1 << 16;

macro_rules! handle {
    ($name:literal) => {
        concat!("com.alibaba.com.caucho.hessian.io.java8.", $name)
    };
}

pub(super) const DECIMAL: &str = "java.math.BigDecimal";
pub(super) const INTEGER: &str = "java.math.BigInteger";
pub(super) const UUID: &str = "java.util.UUID";
pub(super) const LOCAL_DATE: &str = handle!("LocalDateHandle");
pub(super) const LOCAL_TIME: &str = handle!("LocalTimeHandle");
pub(super) const LOCAL_DATE_TIME: &str = handle!("LocalDateTimeHandle");
pub(super) const ZONED: &str = handle!("ZonedDateTimeHandle");
pub(super) const INSTANT: &str = handle!("InstantHandle");
pub(super) const DURATION: &str = handle!("DurationHandle");

/// The classes of these objects and their fields. Their numbers count down from the largest, which no stream reaches.
static CLASSES: [(Cow<'static, str>, &[&str]); 9] = [
    (Cow::Borrowed(DECIMAL), &["value"]),
    (Cow::Borrowed(INTEGER), &["signum", "mag"]),
    (Cow::Borrowed(LOCAL_DATE), &["year", "month", "day"]),
    (Cow::Borrowed(LOCAL_TIME), &["hour", "minute", "second", "nano"]),
    (Cow::Borrowed(LOCAL_DATE_TIME), &["date", "time"]),
    (Cow::Borrowed(ZONED), &["dateTime", "zoneId"]),
    (Cow::Borrowed(INSTANT), &["seconds", "nanos"]),
    (Cow::Borrowed(DURATION), &["seconds", "nanos"]),
    (Cow::Borrowed("[int"), &[]),
];

/// A class of the table by its number.
pub(super) fn class(number: usize) -> Option<&'static Cow<'static, str>> {
    CLASSES.get(usize::MAX - number).map(|(name, _)| name)
}

/// Its fields.
pub(super) fn fields(number: usize) -> Option<&'static [&'static str]> {
    CLASSES.get(usize::MAX - number).map(|(_, fields)| *fields)
}

fn number_of(class: &str) -> usize {
    let index = CLASSES.iter().position(|(name, _)| name == class);
    usize::MAX - index.unwrap_or(usize::MAX)
}

/// Tells an item that has a form of its own as an object: the object, and its parts in `ahead`.
pub(super) fn told<'de>(
    number: usize,
    item: fastjson2::Item<'de>,
    ahead: &mut VecDeque<Item<'de>>,
) -> Result<Item<'de>, DecodeError> {
    let object = |class: &str| Item::Object { number, class: number_of(class) };
    let day = |ahead: &mut VecDeque<Item<'de>>, day: Day| {
        ahead.extend([Item::Int(day.year.into()), Item::Int(day.month.into()), Item::Int(day.day.into())]);
    };
    let clock = |ahead: &mut VecDeque<Item<'de>>, clock: Clock| {
        let Clock { hour, minute, second, nano } = clock;
        ahead.extend([hour, minute, second].map(|part| Item::Int(part.into())));
        ahead.push_back(Item::Int(nano));
    };
    let date_time = |ahead: &mut VecDeque<Item<'de>>, date, time| {
        ahead.push_back(object(LOCAL_DATE));
        day(ahead, date);
        ahead.push_back(object(LOCAL_TIME));
        clock(ahead, time);
    };
    Ok(match item {
        fastjson2::Item::LocalDate(date) => {
            day(ahead, date);
            object(LOCAL_DATE)
        }
        fastjson2::Item::LocalTime(time) => {
            clock(ahead, time);
            object(LOCAL_TIME)
        }
        fastjson2::Item::LocalDateTime(date, time) => {
            date_time(ahead, date, time);
            object(LOCAL_DATE_TIME)
        }
        fastjson2::Item::Zoned(date, time, zone) => {
            ahead.push_back(object(LOCAL_DATE_TIME));
            date_time(ahead, date, time);
            ahead.push_back(Item::Text(zone));
            object(ZONED)
        }
        fastjson2::Item::Instant(seconds, nanos) => {
            ahead.extend([Item::Long(seconds), Item::Int(nanos)]);
            object(INSTANT)
        }
        fastjson2::Item::Decimal(whole, scale) => {
            ahead.push_back(Item::Text(Cow::Owned(digits::of_decimal(whole, scale)?)));
            object(DECIMAL)
        }
        fastjson2::Item::Big(whole) => {
            integer(number, whole, ahead)?;
            object(INTEGER)
        }
        item => return Err(DecodeError::mismatch(format_args!("found {item:?}, wanted a value"))),
    })
}

fn integer<'de>(number: usize, whole: Whole<'de>, ahead: &mut VecDeque<Item<'de>>) -> Result<(), DecodeError> {
    let whole = match whole {
        Whole::Long(number) => BigInteger::from(i128::from(number)),
        Whole::Bytes(bytes) if bytes.len() > MAX_BIG_LEN => {
            let len = bytes.len();
            return Err(DecodeError::mismatch(format_args!(
                "found a BigInteger of {len} bytes, wanted at most {MAX_BIG_LEN}"
            )));
        }
        Whole::Bytes(bytes) => digits::integer(bytes),
    };
    let magnitude = whole.to_bytes();
    let (pieces, _) = magnitude.as_chunks::<4>();
    let sign = if whole.is_negative() { -1 } else { i32::from(!pieces.is_empty()) };
    let len = Some(pieces.len() as u32);
    ahead.extend([Item::Int(sign), Item::List { number, name: Some(number_of("[int")), len }]);
    ahead.extend(pieces.iter().map(|piece| Item::Int(i32::from_be_bytes(*piece))));
    Ok(())
}

/// What a plain value is to who wants one of this class.
pub(super) fn as_class<'de>(
    class: &str,
    item: Item<'de>,
    ahead: &mut VecDeque<Item<'de>>,
) -> Result<Item<'de>, DecodeError> {
    match (class, item) {
        (DURATION, Item::Text(text)) => {
            let (seconds, nanos) = duration::parse(&text)
                .ok_or_else(|| DecodeError::mismatch("found text that is no duration, wanted one such as PT1.5S"))?;
            ahead.extend([Item::Long(seconds), Item::Int(nanos)]);
            Ok(Item::Object { number: usize::MAX, class: number_of(DURATION) })
        }
        (UUID, Item::Binary(bytes)) => match <[u8; 16]>::try_from(&*bytes) {
            Ok(bytes) => Ok(Item::Text(Cow::Owned(digits::of_uuid(u128::from_be_bytes(bytes))))),
            Err(_) => Ok(Item::Binary(bytes)),
        },
        (_, item) => Ok(item),
    }
}
