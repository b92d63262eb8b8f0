//! One value after the other, for decoders: what comes next, its class or type by name, its number for later references.
//!
//! ```text
//!   43 "com.acme.Order" 92 "id" "items"  60   Object(0) of class 0        class definitions are read on the way
//!                                        e7     Long(7)                   the fields in the order of the class
//!                                        7a     List(1) of 2
//!                                        43 "com.acme.Item" 91 "sku" 61   Object(2) of class 1
//!                                        …
//!                                        51 92  Reference(2)
//! ```
//!
//! Names and numbers belong to places: who goes back to an earlier value ([`Pull::go_to`]) reads it as it was, nothing is counted
//! twice, and a class that was read is stepped over. It never recurses, never follows a reference by itself and never keeps a value.

use std::borrow::Cow;

use super::super::read::ReadError;
use super::reader::{MAX_CLASSES, Reader, Tag};

mod quick;

/// Bytes of a stream for each list, map and object in it, roughly; in such a stream their places are kept without being moved.
const BYTES_AN_OPENED: usize = 64;

/// A class as the stream defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class<'a> {
    /// The name, `com.acme.Order`.
    pub name: Cow<'a, str>,
    /// The names of the fields, in the order of their values.
    pub fields: Vec<Cow<'a, str>>,
    /// Where its definition begins and ends.
    at: usize,
    end: usize,
}

/// What comes next. The parts of a list, map or object are the items after it.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// byte, short, int.
    Int(i32),
    /// long.
    Long(i64),
    /// float, double.
    Double(f64),
    /// Milliseconds since 1970.
    Date(i64),
    /// String or char.
    Text(Cow<'a, str>),
    /// `byte[]`.
    Binary(Cow<'a, [u8]>),
    /// A list, set or array.
    List {
        /// Its number.
        number: usize,
        /// The number of its type, for [`Pull::type_name`].
        name: Option<usize>,
        /// How many values; unknown where an end marker follows them ([`Pull::end`]).
        len: Option<u32>,
    },
    /// A map; an end marker follows its keys and values.
    Map {
        /// Its number.
        number: usize,
        /// The number of its type, for [`Pull::type_name`].
        name: Option<usize>,
    },
    /// An object; a value for each field of its class follows.
    Object {
        /// Its number.
        number: usize,
        /// The number of its class, for [`Pull::class`].
        class: usize,
    },
    /// The list, map or object of this number, which came before.
    Reference(usize),
}

/// A place in a stream of values, and the names and numbers up to there.
#[derive(Debug)]
pub struct Pull<'a> {
    reader: Reader<'a>,
    classes: Vec<Class<'a>>,
    /// Where each type was named, and its name.
    types: Vec<(usize, Cow<'a, str>)>,
    /// Where each list, map and object begins.
    opened: Vec<usize>,
}

impl<'a> Pull<'a> {
    /// At the beginning of `bytes`, which must be the beginning of the stream: names and numbers count from there.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), classes: Vec::new(), types: Vec::new(), opened: Vec::new() }
    }

    /// The offset of the next byte.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.reader.at()
    }

    /// The kind of the next value; `None` at the end of the bytes.
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        self.reader.tag()
    }

    /// Takes the end marker if it is next.
    ///
    /// # Errors
    /// [`ReadError::Ended`] where there is no byte at all.
    #[inline]
    pub fn end(&mut self) -> Result<bool, ReadError> {
        self.reader.end()
    }

    /// A class by its number.
    #[inline]
    #[must_use]
    pub fn class(&self, number: usize) -> Option<&Class<'a>> {
        self.classes.get(number)
    }

    /// The name of a type by its number.
    #[must_use]
    pub fn type_name(&self, number: usize) -> Option<&Cow<'a, str>> {
        self.types.get(number).map(|(_, name)| name)
    }

    /// All that was named: the classes, and the types in the order of their numbers.
    pub(super) fn into_names(self) -> (Vec<Class<'a>>, Vec<Cow<'a, str>>) {
        (self.classes, self.types.into_iter().map(|(_, name)| name).collect())
    }

    /// Goes back to the list, map or object of this number; returns the place to come back to by [`Pull::come_back`]. `None`: none
    /// has this number.
    pub fn go_to(&mut self, number: usize) -> Option<usize> {
        let place = self.reader.at();
        self.reader.set_at(*self.opened.get(number)?);
        Some(place)
    }

    /// Goes on where [`Pull::go_to`] left.
    pub fn come_back(&mut self, place: usize) {
        self.reader.set_at(place);
    }

    /// Takes what comes next, with the class definitions in front of it.
    ///
    /// # Errors
    /// [`ReadError`]; the place is then somewhere inside the value.
    #[inline]
    pub fn item(&mut self) -> Result<Item<'a>, ReadError> {
        match self.reader.tag() {
            Some(Tag::Text) => self.reader.text().map(Item::Text),
            Some(Tag::Integer) => self.integer(),
            Some(Tag::Null) => {
                self.reader.null();
                Ok(Item::Null)
            }
            Some(Tag::Nested) => self.nested(),
            Some(Tag::Map) => self.any_map(),
            _ => self.plain(),
        }
    }

    fn integer(&mut self) -> Result<Item<'a>, ReadError> {
        match self.reader.peek_byte() {
            Some(b'I' | 0x80..=0xd7) => self.reader.int().map(Item::Int),
            _ => self.reader.integer().map(Item::Long),
        }
    }

    fn plain(&mut self) -> Result<Item<'a>, ReadError> {
        let reader = &mut self.reader;
        let at = reader.at();
        let tag = reader.peek_byte().ok_or(ReadError::Ended { at, wanted: "a value" })?;
        if matches!(tag, 0x20..=0x2f | 0x34..=0x37 | b'A' | b'B') {
            return reader.binary().map(Item::Binary);
        }
        reader.byte("a value")?;
        Ok(match tag {
            b'T' => Item::Bool(true),
            b'F' => Item::Bool(false),
            0x5b => Item::Double(0.0),
            0x5c => Item::Double(1.0),
            0x5d => Item::Double(f64::from(i8::from_be_bytes(reader.array("a double")?))),
            0x5e => Item::Double(f64::from(i16::from_be_bytes(reader.array("a double")?))),
            // Multiplied as Java does it: a division gives other last bits.
            0x5f => Item::Double(0.001 * f64::from(i32::from_be_bytes(reader.array("a double")?))),
            b'D' => Item::Double(f64::from_be_bytes(reader.array("a double")?)),
            0x4a => Item::Date(i64::from_be_bytes(reader.array("a date")?)),
            0x4b => Item::Date(i64::from(i32::from_be_bytes(reader.array("a date")?)) * 60_000),
            0x51 => {
                let found = reader.int()?;
                let known = usize::try_from(found).ok().filter(|number| *number < self.opened.len());
                let wanted = "the number of a value before";
                Item::Reference(known.ok_or(ReadError::Number { at, found: i64::from(found), wanted })?)
            }
            found => return Err(ReadError::Unexpected { at, found, wanted: "a value" }),
        })
    }

    fn any_map(&mut self) -> Result<Item<'a>, ReadError> {
        let at = self.reader.at();
        let name = match self.reader.byte("a map")? {
            b'M' => Some(self.name()?),
            _ => None,
        };
        Ok(Item::Map { number: self.number(at), name })
    }

    fn nested(&mut self) -> Result<Item<'a>, ReadError> {
        while self.reader.peek_byte() == Some(b'C') {
            self.define()?;
        }
        let at = self.reader.at();
        let (name, len) = match self.reader.peek_byte() {
            Some(tag @ 0x60..=0x6f) => {
                self.reader.byte("a value")?;
                return self.object_of(at, i32::from(tag - 0x60));
            }
            Some(b'O') => {
                self.reader.byte("a value")?;
                let class = self.reader.int()?;
                return self.object_of(at, class);
            }
            Some(tag @ (0x55..=0x58 | 0x70..=0x7f)) => {
                self.reader.byte("a value")?;
                self.list_head(tag)?
            }
            // Behind a class definition any value may stand.
            _ => return self.item(),
        };
        Ok(Item::List { number: self.number(at), name, len })
    }

    /// The type and the length of a list, behind its first byte.
    fn list_head(&mut self, tag: u8) -> Result<(Option<usize>, Option<u32>), ReadError> {
        Ok(match tag {
            0x55 => (Some(self.name()?), None),
            0x57 => (None, None),
            0x56 => {
                let name = self.name()?;
                (Some(name), Some(self.reader.count()?))
            }
            0x58 => (None, Some(self.reader.count()?)),
            0x70..=0x77 => (Some(self.name()?), Some(u32::from(tag - 0x70))),
            _ => (None, Some(u32::from(tag & 0x07))),
        })
    }

    fn object_of(&mut self, at: usize, class: i32) -> Result<Item<'a>, ReadError> {
        let known = usize::try_from(class).ok().filter(|class| *class < self.classes.len());
        let wanted = "the number of a class defined before";
        let class = known.ok_or(ReadError::Number { at, found: i64::from(class), wanted })?;
        Ok(Item::Object { number: self.number(at), class })
    }

    fn define(&mut self) -> Result<(), ReadError> {
        let at = self.reader.at();
        if let Ok(known) = self.classes.binary_search_by_key(&at, |class| class.at) {
            self.reader.set_at(self.classes[known].end);
            return Ok(());
        }
        if self.classes.len() == MAX_CLASSES {
            return Err(ReadError::TooMany { at, limit: MAX_CLASSES });
        }
        self.reader.byte("a class")?;
        let name = self.reader.text()?;
        let count = self.reader.count()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            fields.push(self.reader.text()?);
        }
        self.classes.push(Class { name, fields, at, end: self.reader.at() });
        Ok(())
    }

    /// The number of a type's name among the names so far.
    fn name(&mut self) -> Result<usize, ReadError> {
        let at = self.reader.at();
        if self.reader.tag() == Some(Tag::Text) {
            let name = self.reader.text()?;
            if self.types.last().is_none_or(|(last, _)| *last < at) {
                self.types.push((at, name));
            }
            return Ok(self.types.partition_point(|(place, _)| *place < at));
        }
        let found = self.reader.int()?;
        let known = usize::try_from(found).ok().filter(|index| *index < self.types.len());
        let wanted = "the number of a type named before";
        known.ok_or(ReadError::Number { at, found: i64::from(found), wanted })
    }

    /// The number of the list, map or object that begins at `at`.
    #[inline]
    fn number(&mut self, at: usize) -> usize {
        match self.opened.last() {
            Some(last) if at <= *last => self.opened.partition_point(|place| *place < at),
            last => {
                if last.is_none() {
                    self.opened.reserve(self.reader.rest().len() / BYTES_AN_OPENED);
                }
                self.opened.push(at);
                self.opened.len() - 1
            }
        }
    }
}
