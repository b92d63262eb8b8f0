//! One value after the other, for decoders: what comes next, its type by number, and where what it refers to stands.
//!
//! ```text
//!   92 "com.acme.Order" 00  a6        Typed(0)  Object       a type or a name is told with its number once,
//!     7f "items" 01  95               Name(1)   List of 1    and by its number from then on
//!       92 "com.acme.Item" 02  a6     Typed(2)  Object
//!         7f "sku" 03  4a 78          Name(3)   Text("x")
//!       a5                            End
//!     7f "first" 04  93 "$.items[0]"  Name(4)   Reference    `#-1` is the path of the reference before
//!   a5                                End
//! ```
//!
//! It never recurses, never follows a reference by itself and never keeps a value.

use std::borrow::Cow;

use super::super::read::ReadError;
use super::path::Places;
use super::reader::{Reader, Tag};

/// What comes next. The parts of a list or object are the items after it.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A byte.
    Byte(i8),
    /// A short.
    Short(i16),
    /// An int.
    Int(i32),
    /// A long.
    Long(i64),
    /// A float.
    Float(f32),
    /// A double.
    Double(f64),
    /// A UTF-16 unit.
    Char(u16),
    /// A string.
    Text(Cow<'a, str>),
    /// Text that is named by this number, for [`Pull::name`].
    Name(usize),
    /// `byte[]`, `UUID`, `BitSet`.
    Binary(&'a [u8]),
    /// A `BigInteger`.
    Big(Whole<'a>),
    /// A `BigDecimal`: its digits, and how many of them stand behind the point.
    Decimal(Whole<'a>, i32),
    /// Milliseconds since 1970.
    Date(i64),
    /// A `LocalDate`.
    LocalDate(Day),
    /// A `LocalTime`.
    LocalTime(Clock),
    /// A `LocalDateTime`.
    LocalDateTime(Day, Clock),
    /// A `ZonedDateTime` or `OffsetDateTime`: the local time and its zone, `Europe/Berlin`, `+08:00`.
    Zoned(Day, Clock, Cow<'a, str>),
    /// An `Instant`: seconds since 1970 and the nanoseconds to add.
    Instant(i64, i32),
    /// A type, for [`Pull::name`]: the value of that type follows.
    Typed(usize),
    /// A list, set or array of so many values.
    List(u32),
    /// An object or map: keys and values follow, then the end marker ([`Pull::end`]).
    Object,
    /// The path of an earlier value, for [`Pull::find`].
    Reference(Cow<'a, str>),
}

/// A whole number of any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole<'a> {
    /// One that fits.
    Long(i64),
    /// Two's complement, the highest byte first.
    Bytes(&'a [u8]),
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The year; negative before the year 1.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// A time of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999 999 999.
    pub nano: i32,
}

/// A place in one field, and the names and references up to there.
#[derive(Debug)]
pub struct Pull<'a> {
    reader: Reader<'a>,
    root: usize,
    names: Vec<Cow<'a, str>>,
    places: Places<'a>,
    /// The path of the last reference, how far references were read, and what those that only repeat one stand for.
    last: Option<Cow<'a, str>>,
    read_to: usize,
    repeats: Vec<(usize, Cow<'a, str>)>,
}

impl<'a> Pull<'a> {
    /// At the beginning of the field that stands at `field` in `body` (see [`Fields::field`](super::Fields::field)).
    #[must_use]
    pub fn new(body: &'a [u8], field: std::ops::Range<usize>) -> Self {
        let reader = Reader::new(body, field);
        let root = reader.at();
        Self { reader, root, names: Vec::new(), places: Places::default(), last: None, read_to: 0, repeats: Vec::new() }
    }

    /// The offset of the next byte.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.reader.at()
    }

    /// Whether the field is read to its end.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.reader.is_done()
    }

    /// Takes the end marker if it is next.
    ///
    /// # Errors
    /// [`ReadError::Ended`] where there is no byte at all.
    pub fn end(&mut self) -> Result<bool, ReadError> {
        self.reader.end()
    }

    /// The kind of the next value; `None` at the end of the field.
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        self.reader.tag()
    }

    /// Takes this name by its number and a null if they are next: Java writes them behind a reference under that name.
    pub fn null_again(&mut self, name: usize) -> bool {
        let mut ahead = self.reader.clone();
        let found = ahead.is_symbol_number()
            && ahead.byte("a name").is_ok()
            && ahead.int().is_ok_and(|number| usize::try_from(number) == Ok(name))
            && ahead.null();
        if found {
            self.reader = ahead;
        }
        found
    }

    /// What this number stands for.
    #[must_use]
    pub fn name(&self, number: usize) -> Option<&Cow<'a, str>> {
        self.names.get(number)
    }

    /// Where the list or object stands that a path leads to, if it began before `until`.
    ///
    /// # Errors
    /// [`ReadError`] where what lies on the way cannot be read.
    pub fn find(&mut self, path: &str, until: usize) -> Result<Option<usize>, ReadError> {
        self.places.find(&self.reader, &self.names, self.root, path, until)
    }

    /// Goes to another place of the field, such as [`Pull::find`] found; returns this one.
    pub fn go_to(&mut self, place: usize) -> usize {
        let here = self.reader.at();
        self.reader.set_at(place);
        here
    }

    /// Takes what comes next.
    ///
    /// # Errors
    /// [`ReadError`]; the place is then somewhere inside the value.
    pub fn item(&mut self) -> Result<Item<'a>, ReadError> {
        match self.reader.tag() {
            Some(Tag::Text) => self.reader.text().map(Item::Text),
            Some(Tag::Integer) => self.integer(),
            Some(Tag::Null) => {
                self.reader.null();
                Ok(Item::Null)
            }
            Some(Tag::Symbol) => {
                self.reader.byte("a name")?;
                self.symbol().map(Item::Name)
            }
            Some(Tag::Typed) => {
                self.reader.byte("a type")?;
                self.symbol().map(Item::Typed)
            }
            Some(Tag::Object) => {
                self.reader.byte("an object")?;
                Ok(Item::Object)
            }
            Some(Tag::Array) => self.reader.list().map(Item::List),
            Some(Tag::Reference) => self.reference(),
            Some(Tag::Plain | Tag::End) | None => self.plain(),
        }
    }

    fn integer(&mut self) -> Result<Item<'a>, ReadError> {
        let reader = &mut self.reader;
        Ok(match reader.peek("a number")? {
            0xbd => Item::Byte(reader.integer()? as i8),
            0xbc => Item::Short(reader.integer()? as i16),
            0xbe..=0xef => Item::Long(reader.integer()?),
            _ => Item::Int(reader.int()?),
        })
    }

    fn plain(&mut self) -> Result<Item<'a>, ReadError> {
        let reader = &mut self.reader;
        let at = reader.at();
        Ok(match reader.byte("a value")? {
            0xb0 => Item::Bool(false),
            0xb1 => Item::Bool(true),
            0x90 => {
                let found = reader.int()?;
                let wanted = "a UTF-16 unit";
                Item::Char(u16::try_from(found).map_err(|_| ReadError::Number { at, found: found.into(), wanted })?)
            }
            0x91 => Item::Binary(reader.bytes()?),
            0xa7 => Item::LocalTime(reader.clock()?),
            0xa8 => Item::LocalDateTime(reader.day()?, reader.clock()?),
            0xa9 => Item::LocalDate(reader.day()?),
            0xaa => Item::Zoned(reader.day()?, reader.clock()?, reader.text()?),
            0xab => Item::Date(i64::from_be_bytes(reader.array("a date")?)),
            0xac => Item::Date(1000 * i64::from(i32::from_be_bytes(reader.array("a date")?))),
            0xad => Item::Date(60_000 * i64::from(i32::from_be_bytes(reader.array("a date")?))),
            0xae => Item::Instant(reader.integer()?, reader.int()?),
            0xb2 => Item::Double(0.0),
            0xb3 => Item::Double(1.0),
            0xb4 => Item::Double(reader.integer()? as f64),
            0xb5 => Item::Double(f64::from_be_bytes(reader.array("a double")?)),
            0xb6 => Item::Float(reader.int()? as f32),
            0xb7 => Item::Float(f32::from_be_bytes(reader.array("a float")?)),
            0xb8 => Item::Decimal(Whole::Long(reader.integer()?), 0),
            0xb9 => {
                let scale = reader.int()?;
                Item::Decimal(reader.whole()?, scale)
            }
            0xba => Item::Big(Whole::Long(reader.integer()?)),
            0xbb => Item::Big(Whole::Bytes(reader.bytes()?)),
            found => return Err(ReadError::Unexpected { at, found, wanted: "a value" }),
        })
    }

    /// Text with the number that stands for it from now on, or such a number.
    fn symbol(&mut self) -> Result<usize, ReadError> {
        let name = match self.reader.tag() {
            Some(Tag::Text) => Some(self.reader.text()?),
            _ => None,
        };
        let at = self.reader.at();
        let found = self.reader.int()?;
        let number = usize::try_from(found).unwrap_or(usize::MAX);
        let known = self.names.len();
        match name {
            None if number < known => {}
            Some(name) if number < known => self.names[number] = name,
            Some(name) if number == known => self.names.push(name),
            name => {
                let wanted = if name.is_some() { "the number after the last" } else { "the number of a name before" };
                return Err(ReadError::Number { at, found: i64::from(found), wanted });
            }
        }
        Ok(number)
    }

    fn reference(&mut self) -> Result<Item<'a>, ReadError> {
        let at = self.reader.at();
        self.reader.byte("a reference")?;
        let path = self.reader.text()?;
        if at < self.read_to {
            let known = self.repeats.binary_search_by_key(&at, |(place, _)| *place).ok();
            return Ok(Item::Reference(known.map_or(path, |known| self.repeats[known].1.clone())));
        }
        self.read_to = self.reader.at();
        if path != "#-1" {
            self.last = Some(path.clone());
            return Ok(Item::Reference(path));
        }
        let path = self.last.clone().ok_or(ReadError::Unexpected { at, found: 0x93, wanted: "a path" })?;
        self.repeats.push((at, path.clone()));
        Ok(Item::Reference(path))
    }
}
