//! Java's values in fastjson2.
//!
//! ```text
//!   struct Order { id, items }      92 "com.acme.Order" 00  a6     a name is told with its number once a field,
//!                                     7f "id" 01     <id>          then by its number
//!                                     7f "items" 02  <items>
//!                                   a5
//! ```
//!
//! It never writes two values of one object as a reference, but for a value that contains itself.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use wire::dubbo::fastjson2::{path_of, writer};

use super::names;
use super::told::{self, Parts};
use crate::codec::error::EncodeError;
use crate::codec::sink::Sink;

/// One field of a body.
#[derive(Debug)]
pub(super) struct Json<'b> {
    pub(super) out: &'b mut Vec<u8>,
    /// The numbers of classes, types and fields.
    names: FxHashMap<String, usize>,
    /// What is open and has a class: its parts, if it is to be told in a form of its own.
    open: Vec<Option<Parts>>,
    /// How many of these have such a form: inside, names are not told.
    inside_forms: usize,
}

impl<'b> Json<'b> {
    pub(super) fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out, names: FxHashMap::default(), open: Vec::new(), inside_forms: 0 }
    }

    /// The next field of the body, whose names and numbers count from here.
    pub(super) fn restart(&mut self) {
        self.names.clear();
        self.open.clear();
        self.inside_forms = 0;
    }

    /// The number of a name, and whether it is new.
    fn number(&mut self, name: &str) -> (usize, bool) {
        if let Some(number) = self.names.get(name) {
            return (*number, false);
        }
        let number = self.names.len();
        self.names.insert(name.to_owned(), number);
        (number, true)
    }

    fn class(&mut self, name: &str) {
        if self.inside_forms == 0 {
            let name = names::to_wire(name);
            let (number, is_new) = self.number(&name);
            writer::put_type(self.out, is_new.then_some(&name), number);
        }
    }

    fn open(&mut self, parts: Option<Parts>) {
        self.inside_forms += usize::from(parts.is_some());
        self.open.push(parts);
    }

    /// Closes what was opened last; whether it was told in a form of its own.
    fn close(&mut self) -> Result<bool, EncodeError> {
        let Some(parts) = self.open.pop().flatten() else { return Ok(false) };
        self.inside_forms -= 1;
        told::put(self.out, parts).map(|()| true)
    }
}

impl Sink for Json<'_> {
    const NAMES_FIRST: bool = false;

    fn null(&mut self) {
        writer::put_null(self.out);
    }

    fn bool(&mut self, value: bool) {
        writer::put_bool(self.out, value);
    }

    fn byte(&mut self, value: i8) {
        writer::put_byte(self.out, value);
    }

    fn short(&mut self, value: i16) {
        writer::put_short(self.out, value);
    }

    fn int(&mut self, value: i32) {
        writer::put_int(self.out, value);
    }

    fn long(&mut self, value: i64) {
        writer::put_long(self.out, value);
    }

    fn float(&mut self, value: f32) {
        writer::put_float(self.out, value);
    }

    fn double(&mut self, value: f64) {
        writer::put_double(self.out, value);
    }

    fn char(&mut self, unit: u16) {
        writer::put_char(self.out, unit);
    }

    fn text(&mut self, text: &str) {
        writer::put_text(self.out, text);
    }

    fn binary(&mut self, bytes: &[u8]) {
        writer::put_binary(self.out, bytes);
    }

    fn date(&mut self, millis: i64) {
        writer::put_date(self.out, millis);
    }

    fn open_typed(&mut self, class: Cow<'static, str>, _: &'static str) -> Option<usize> {
        let start = self.out.len();
        let parts = Parts::of(&class, start).map(|parts| parts.with("value", start));
        if parts.is_none() && !told::goes_without(&class) {
            self.class(&class);
        }
        self.open(parts);
        None
    }

    fn close_typed(&mut self) -> Result<(), EncodeError> {
        self.close().map(drop)
    }

    fn open_object<N: Into<Cow<'static, str>> + AsRef<str> + Clone>(
        &mut self,
        class: Cow<'static, str>,
        _: &[N],
    ) -> usize {
        let start = self.out.len();
        let parts = Parts::of(&class, start);
        if parts.is_none() {
            self.class(&class);
            writer::put_object_head(self.out);
        }
        self.open(parts);
        start
    }

    fn field(&mut self, name: &str) {
        if let Some(Some(parts)) = self.open.last_mut() {
            parts.add(name, self.out.len());
        } else if self.inside_forms > 0 {
            writer::put_text(self.out, name);
        } else {
            let (number, is_new) = self.number(name);
            writer::put_name(self.out, is_new.then_some(name), number);
        }
    }

    fn close_object(&mut self) -> Result<(), EncodeError> {
        if !self.close()? {
            writer::put_end(self.out);
        }
        Ok(())
    }

    fn open_list(&mut self, name: Option<Cow<'static, str>>, len: Option<usize>) -> usize {
        let start = self.out.len();
        if let Some(name) = name {
            self.class(&name);
        }
        match len {
            Some(len) => writer::put_list_head(self.out, len),
            None => writer::put_long_list_head(self.out),
        }
        start
    }

    fn close_list(&mut self, place: Option<usize>, done: usize) {
        if let Some(place) = place.and_then(|end| self.out.get_mut(end - 4..end)) {
            let count = i32::try_from(done).unwrap_or(i32::MAX);
            place.copy_from_slice(&count.to_be_bytes());
        }
    }

    fn open_map(&mut self, name: Option<Cow<'static, str>>) -> usize {
        let start = self.out.len();
        if let Some(name) = name {
            self.class(&name);
        }
        writer::put_object_head(self.out);
        start
    }

    fn close_map(&mut self) {
        writer::put_end(self.out);
    }

    fn reference(&mut self, open: &[usize], index: usize) {
        let named = |number| self.names.iter().find(|(_, known)| **known == number).map(|(name, _)| name.as_str());
        let path = path_of(self.out, &open[..=index], named);
        debug_assert!(path.is_ok(), "what was written can be read: {path:?}");
        writer::put_reference(self.out, path.as_deref().unwrap_or("$"));
    }

    fn len(&self) -> usize {
        self.out.len()
    }
}
