//! Writes Java's own classes in the forms that fastjson2 has for them (see `forms.rs`): their parts are written first, as of any
//! object, then read and told in that form.
//!
//! It never writes a form that Java would read as another value.

use wire::dubbo::fastjson2::{Clock, Day, Item, Pull, writer};

use super::{digits, duration, forms};
use crate::codec::error::EncodeError;

/// Classes whose plain values Java writes without saying the class, and reads so where a field or a parameter says it.
const WITHOUT: [&str; 4] =
    ["java.sql.Date", "java.sql.Time", "java.sql.Timestamp", "com.alibaba.com.caucho.hessian.io.LocaleHandle"];

/// Whether a plain value of this class says no class.
pub(super) fn goes_without(class: &str) -> bool {
    WITHOUT.contains(&class)
}

/// The parts of an object that will be told in a form: where each begins.
#[derive(Debug)]
pub(super) struct Parts {
    class: &'static str,
    start: usize,
    fields: Vec<(String, usize)>,
}

const CLASSES: [&str; 9] = [
    forms::DECIMAL,
    forms::INTEGER,
    forms::UUID,
    forms::LOCAL_DATE,
    forms::LOCAL_TIME,
    forms::LOCAL_DATE_TIME,
    forms::ZONED,
    forms::INSTANT,
    forms::DURATION,
];

impl Parts {
    /// Of a class that has a form, if it has; they begin at `start`.
    pub(super) fn of(class: &str, start: usize) -> Option<Self> {
        let class = CLASSES.iter().find(|known| **known == class)?;
        Some(Self { class, start, fields: Vec::new() })
    }

    /// A part begins at `at`.
    pub(super) fn add(&mut self, name: &str, at: usize) {
        self.fields.push((name.to_owned(), at));
    }

    pub(super) fn with(mut self, name: &str, at: usize) -> Self {
        self.add(name, at);
        self
    }
}

/// Tells the parts, which are the end of `out`, in their form.
pub(super) fn put(out: &mut Vec<u8>, parts: Parts) -> Result<(), EncodeError> {
    let bytes = out.split_off(parts.start);
    let parts = Written { bytes: &bytes, parts: &parts };
    match parts.parts.class {
        forms::DECIMAL => {
            let Item::Text(text) = parts.item("value")? else { return Err(parts.other("value", "digits")) };
            let (bytes, scale) = digits::to_decimal(&text).ok_or_else(|| parts.other("value", "digits"))?;
            writer::put_decimal(out, &bytes, scale);
        }
        forms::INTEGER => {
            let (negative, magnitude) = parts.integer()?;
            writer::put_big(out, &digits::complement(negative, &magnitude));
        }
        forms::UUID => match parts.item("value")? {
            Item::Text(text) => {
                let bits = digits::to_uuid(&text).ok_or_else(|| parts.other("value", "a UUID"))?;
                writer::put_binary(out, &bits.to_be_bytes());
            }
            _ => return Err(parts.other("value", "text")),
        },
        forms::LOCAL_DATE => writer::put_local_date(out, parts.day()?),
        forms::LOCAL_TIME => writer::put_local_time(out, parts.clock()?),
        forms::LOCAL_DATE_TIME => match (parts.item("date")?, parts.item("time")?) {
            (Item::LocalDate(day), Item::LocalTime(clock)) => writer::put_local_date_time(out, day, clock),
            _ => return Err(parts.other("date", "a LocalDate and a LocalTime")),
        },
        forms::ZONED => match (parts.item("dateTime")?, parts.item("zoneId")?) {
            (Item::LocalDateTime(day, clock), Item::Text(zone)) => writer::put_zoned(out, day, clock, &zone),
            _ => return Err(parts.other("dateTime", "a LocalDateTime and the name of a zone")),
        },
        forms::INSTANT => writer::put_instant(out, parts.number("seconds")?, parts.number("nanos")?),
        _ => writer::put_text(out, &duration::text(parts.number("seconds")?, parts.number("nanos")?)),
    }
    Ok(())
}

/// Parts as they were written.
struct Written<'p> {
    bytes: &'p [u8],
    parts: &'p Parts,
}

impl<'p> Written<'p> {
    fn pull(&self, name: &str) -> Result<Pull<'p>, EncodeError> {
        let Parts { class, fields, .. } = self.parts;
        let Some(index) = fields.iter().position(|(field, _)| field == name) else {
            return Err(EncodeError::new(format_args!("found a {class} without `{name}`, wanted one with it")));
        };
        let end = fields.get(index + 1).map_or(self.bytes.len(), |(_, at)| at - self.parts.start);
        Ok(Pull::new(self.bytes, fields[index].1 - self.parts.start..end))
    }

    fn item(&self, name: &str) -> Result<Item<'p>, EncodeError> {
        self.pull(name)?.item().map_err(EncodeError::new)
    }

    /// A number that fits.
    fn number<T: TryFrom<i64>>(&self, name: &str) -> Result<T, EncodeError> {
        let number = match self.item(name)? {
            Item::Int(number) => number.into(),
            Item::Long(number) => number,
            _ => return Err(self.other(name, "a number")),
        };
        T::try_from(number).map_err(|_| self.other(name, "a number that fits"))
    }

    fn day(&self) -> Result<Day, EncodeError> {
        Ok(Day { year: self.number("year")?, month: self.number("month")?, day: self.number("day")? })
    }

    fn clock(&self) -> Result<Clock, EncodeError> {
        let [hour, minute, second] = [self.number("hour")?, self.number("minute")?, self.number("second")?];
        Ok(Clock { hour, minute, second, nano: self.number("nano")? })
    }

    /// The sign and the magnitude of a `BigInteger`.
    fn integer(&self) -> Result<(bool, Vec<u8>), EncodeError> {
        let sign: i32 = self.number("signum")?;
        let mut pull = self.pull("mag")?;
        let Ok(Item::List(count)) = pull.item() else { return Err(self.other("mag", "a list")) };
        let mut magnitude = Vec::new();
        for _ in 0..count {
            let Ok(Item::Int(piece)) = pull.item() else { return Err(self.other("mag", "a list of ints")) };
            magnitude.extend(piece.to_be_bytes());
        }
        Ok((sign < 0, magnitude))
    }

    fn other(&self, name: &str, wanted: &str) -> EncodeError {
        let class = self.parts.class;
        EncodeError::new(format_args!("found another `{name}` in a {class}, wanted {wanted}"))
    }
}
