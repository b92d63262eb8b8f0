//! A source, and where a reader is in it: what is open, what is being followed, what was looked at and not taken.
//!
//! It never nests deeper than it may, and never follows a reference for a part that nobody asked for, nor further than `again.rs` lets it.

use std::borrow::Cow;

use serde::de::Visitor;

use super::access::{Entries, Fields, Items};
use super::again::Again;
use super::error::{DecodeError, Place};
use super::read::{found, kind};
use super::source::{Item, Source};

/// Levels of lists, maps and objects in one value at most: reading recurses.
pub const MAX_NESTING: usize = 128;

/// A stream of values from a source.
#[derive(Debug)]
pub(crate) struct Reading<'de, S> {
    pub(crate) source: S,
    /// An item that was looked at and not taken.
    ahead: Option<Item<'de>>,
    /// The numbers of what is being read, outermost first.
    pub(super) open: Vec<usize>,
    /// How many references are being followed.
    following: usize,
    pub(super) again: Again,
    /// Whether what was learnt of absent fields makes a second look worth it.
    pub(super) learnt: bool,
}

impl<'de, S: Source<'de>> Reading<'de, S> {
    /// Of a source with so many bytes.
    pub(crate) fn new(source: S, stream_len: usize) -> Self {
        let again = Again::new(stream_len);
        Self { source, ahead: None, open: Vec::new(), following: 0, again, learnt: false }
    }

    /// Whether a field was found to be left out because it is zero; asks once.
    pub(crate) fn has_learnt(&mut self) -> bool {
        std::mem::take(&mut self.learnt)
    }

    pub(super) fn item(&mut self) -> Result<Item<'de>, DecodeError> {
        if let Some(item) = self.ahead.take() {
            return Ok(item);
        }
        let start = self.source.at();
        let item = self.source.item(&self.open)?;
        if self.following > 0 {
            self.again.value(self.source.at().saturating_sub(start))?;
        }
        match item {
            Item::Name(number) => {
                let name = self.source.name(number);
                if let Some(name) = name {
                    self.again.name(name)?;
                }
                Ok(Item::Text(name.cloned().unwrap_or_default()))
            }
            item => Ok(item),
        }
    }

    /// What comes next by one of the source's quick ways, where it is the source's turn: nothing was put back, and nothing that is
    /// read is counted.
    #[inline]
    pub(super) fn quick<R>(&mut self, way: impl FnOnce(&mut S) -> Option<R>) -> Option<R> {
        if self.ahead.is_none() && self.following == 0 { way(&mut self.source) } else { None }
    }

    pub(super) fn put_back(&mut self, item: Item<'de>) {
        self.ahead = Some(item);
    }

    /// Gives `read` the next item, or the one that the next item refers to.
    pub(super) fn followed<R>(
        &mut self,
        read: impl FnOnce(&mut Self, Item<'de>) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        let number = match self.item()? {
            Item::Reference(number) => number,
            item => return read(self, item),
        };
        if self.open.contains(&number) {
            return Err(DecodeError::Cycle { place: Place::default() });
        }
        let Some(place) = self.source.go_to(number) else {
            return Err(DecodeError::mismatch("found no such reference"));
        };
        self.following += 1;
        let item = self.item()?;
        let value = read(self, item)?;
        self.following -= 1;
        self.source.come_back(place);
        Ok(value)
    }

    /// Reads the parts of the list, map or object `number` by `read`.
    pub(super) fn inside<R>(
        &mut self,
        number: usize,
        read: impl FnOnce(&mut Self) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        if self.open.len() == MAX_NESTING {
            return Err(DecodeError::TooDeep { place: Place::default(), limit: MAX_NESTING });
        }
        self.open.push(number);
        let value = read(self)?;
        self.open.pop();
        Ok(value)
    }

    pub(super) fn class(&self, class: usize) -> &str {
        self.source.class(class).map_or("", |class| class)
    }

    pub(super) fn class_name(&mut self, class: usize) -> Result<Option<Cow<'de, str>>, DecodeError> {
        let Some(name) = self.source.class(class) else { return Ok(None) };
        self.again.name(name)?;
        Ok(Some(name.clone()))
    }

    pub(super) fn field(&mut self, class: usize, next: usize) -> Result<Option<Cow<'de, str>>, DecodeError> {
        let name = self.source.field(class, next)?;
        if let Some(name) = &name {
            self.again.name(name)?;
        }
        Ok(name)
    }

    pub(super) fn type_name(&mut self, number: Option<usize>) -> Result<Option<Cow<'de, str>>, DecodeError> {
        let Some(name) = number.and_then(|number| self.source.type_name(number)) else { return Ok(None) };
        self.again.name(name)?;
        Ok(Some(name.clone()))
    }

    pub(super) fn visit<V: Visitor<'de>>(&mut self, item: Item<'de>, visitor: V) -> Result<V::Value, DecodeError> {
        match item {
            Item::Null => visitor.visit_unit(),
            Item::Bool(value) => visitor.visit_bool(value),
            Item::Byte(number) => visitor.visit_i8(number),
            Item::Short(number) => visitor.visit_i16(number),
            Item::Int(number) => visitor.visit_i32(number),
            Item::Long(number) | Item::Date(number) => visitor.visit_i64(number),
            Item::Float(number) => visitor.visit_f32(number),
            Item::Double(number) => visitor.visit_f64(number),
            Item::Char(letter) => visitor.visit_char(letter),
            Item::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Item::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Item::Binary(Cow::Borrowed(bytes)) => visitor.visit_borrowed_bytes(bytes),
            Item::Binary(Cow::Owned(bytes)) => visitor.visit_byte_buf(bytes),
            Item::List { number, len, .. } => self.list(number, len, visitor),
            Item::Map { number, .. } => self.map(number, visitor),
            Item::Object { number, class } => self.object(number, class, visitor),
            // Who does not ask for the class wants the value.
            Item::Typed(_) => {
                let item = self.item()?;
                self.visit(item, visitor)
            }
            item @ (Item::Reference(_) | Item::Name(_)) => Err(found(kind(&item), &visitor)),
        }
    }

    /// The list of this number, whose values come.
    pub(super) fn list<V: Visitor<'de>>(
        &mut self,
        number: usize,
        len: Option<u32>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.inside(number, |reading| {
            let mut items = Items::new(reading, len);
            let value = visitor.visit_seq(&mut items)?;
            items.finish()?;
            Ok(value)
        })
    }

    /// The map of this number, whose keys and values come.
    pub(super) fn map<V: Visitor<'de>>(&mut self, number: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.inside(number, |reading| {
            let mut entries = Entries::new(reading);
            let value = visitor.visit_map(&mut entries)?;
            entries.finish()?;
            Ok(value)
        })
    }

    /// The object of this number, the values of whose fields come.
    pub(super) fn object<V: Visitor<'de>>(
        &mut self,
        number: usize,
        class: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.inside(number, |reading| {
            let mut fields = Fields::new(reading, class);
            let value = visitor.visit_map(&mut fields)?;
            fields.finish()?;
            Ok(value)
        })
    }

    /// Steps over the next value.
    pub(super) fn skip(&mut self) -> Result<(), DecodeError> {
        match self.item()? {
            Item::List { number, len, .. } => self.inside(number, |reading| Items::new(reading, len).skip()),
            Item::Map { number, .. } => self.inside(number, |reading| Entries::new(reading).finish()),
            Item::Object { number, class } => self.inside(number, |reading| Fields::new(reading, class).finish()),
            Item::Typed(_) => self.skip(),
            _ => Ok(()),
        }
    }
}
