//! Java's values in hessian2.
//!
//! ```text
//!   struct Order { id, items }      C "com.acme.Order" 2 "id" "items"     once a stream
//!                                   60  <id>  <items>                     then each object by the number of its class
//! ```
//!
//! It never defines a class or a type twice.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use wire::dubbo::hessian2::writer::{self, TypeName};

use crate::codec::error::EncodeError;
use crate::codec::sink::Sink;

/// A stream of hessian2.
#[derive(Debug)]
pub(super) struct Hessian2<'b> {
    out: &'b mut Vec<u8>,
    /// The classes in the order of their numbers.
    classes: Vec<Class>,
    /// The numbers of the classes of each name.
    named: FxHashMap<Cow<'static, str>, Vec<usize>>,
    /// The class of the last object: often that of the next.
    last: usize,
    types: FxHashMap<Cow<'static, str>, usize>,
    /// How many lists, maps and objects there are.
    opened: usize,
}

#[derive(Debug)]
struct Class {
    name: Cow<'static, str>,
    fields: Vec<Cow<'static, str>>,
}

impl Class {
    fn has<N: AsRef<str>>(&self, fields: &[N]) -> bool {
        self.fields.len() == fields.len() && self.fields.iter().zip(fields).all(|(a, b)| is_same(a, b.as_ref()))
    }
}

/// Whether two texts are the same. Names in a program mostly stand at the same place too, and then need not be compared.
#[inline]
fn is_same(a: &str, b: &str) -> bool {
    std::ptr::eq(a, b) || a == b
}

/// A type's name, held while its head is written.
enum Named {
    New(Cow<'static, str>),
    Known(usize),
}

impl Named {
    fn get(&self) -> TypeName<'_> {
        match self {
            Self::New(name) => TypeName::New(name),
            Self::Known(number) => TypeName::Known(*number),
        }
    }
}

impl<'b> Hessian2<'b> {
    pub(super) fn new(out: &'b mut Vec<u8>) -> Self {
        let (classes, named, types) = (Vec::new(), FxHashMap::default(), FxHashMap::default());
        Self { out, classes, named, last: 0, types, opened: 0 }
    }

    fn number(&mut self) -> usize {
        self.opened += 1;
        self.opened - 1
    }

    /// The number of the class of this name with these fields, which is defined here unless it was before.
    fn class<N: Into<Cow<'static, str>> + AsRef<str> + Clone>(
        &mut self,
        name: Cow<'static, str>,
        fields: &[N],
    ) -> usize {
        let numbers = self.named.get(&name).into_iter().flatten();
        if let Some(number) = numbers.copied().find(|number| self.classes[*number].has(fields)) {
            return number;
        }
        let number = self.classes.len();
        writer::put_class(self.out, &name, fields.iter().map(AsRef::as_ref));
        self.named.entry(name.clone()).or_default().push(number);
        self.classes.push(Class { name, fields: fields.iter().cloned().map(Into::into).collect() });
        number
    }

    fn type_name(&mut self, name: Option<Cow<'static, str>>) -> Option<Named> {
        let name = name?;
        if let Some(number) = self.types.get(&name) {
            return Some(Named::Known(*number));
        }
        self.types.insert(name.clone(), self.types.len());
        Some(Named::New(name))
    }
}

impl Sink for Hessian2<'_> {
    const NAMES_FIRST: bool = true;

    fn null(&mut self) {
        writer::put_null(self.out);
    }

    fn bool(&mut self, value: bool) {
        writer::put_bool(self.out, value);
    }

    fn byte(&mut self, value: i8) {
        writer::put_int(self.out, value.into());
    }

    fn short(&mut self, value: i16) {
        writer::put_int(self.out, value.into());
    }

    fn int(&mut self, value: i32) {
        writer::put_int(self.out, value);
    }

    fn long(&mut self, value: i64) {
        writer::put_long(self.out, value);
    }

    fn float(&mut self, value: f32) {
        // Java goes through the digits as well: 1.1f is 1.1 and not 1.100000023841858.
        writer::put_double(self.out, value.to_string().parse().unwrap_or_else(|_| f64::from(value)));
    }

    fn double(&mut self, value: f64) {
        writer::put_double(self.out, value);
    }

    fn char(&mut self, unit: u16) {
        let letter = char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.text(letter.encode_utf8(&mut [0; 4]));
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

    fn open_typed(&mut self, class: Cow<'static, str>, field: &'static str) -> Option<usize> {
        Some(self.open_object(class, &[field]))
    }

    fn close_typed(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn open_object<N: Into<Cow<'static, str>> + AsRef<str> + Clone>(
        &mut self,
        class: Cow<'static, str>,
        fields: &[N],
    ) -> usize {
        let is_last = |last: &Class| is_same(&last.name, &class) && last.has(fields);
        if !self.classes.get(self.last).is_some_and(is_last) {
            self.last = self.class(class, fields);
        }
        writer::put_object_head(self.out, self.last);
        self.number()
    }

    fn field(&mut self, _: &str) {}

    fn close_object(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    fn open_list(&mut self, name: Option<Cow<'static, str>>, len: Option<usize>) -> usize {
        let name = self.type_name(name);
        let name = name.as_ref().map(Named::get);
        match len {
            Some(len) => writer::put_list_head(self.out, name, len),
            None => writer::put_long_list_head(self.out, name),
        }
        self.number()
    }

    fn close_list(&mut self, place: Option<usize>, done: usize) {
        if let Some(place) = place.and_then(|end| self.out.get_mut(end - 4..end)) {
            let count = i32::try_from(done).unwrap_or(i32::MAX);
            place.copy_from_slice(&count.to_be_bytes());
        }
    }

    fn open_map(&mut self, name: Option<Cow<'static, str>>) -> usize {
        let name = self.type_name(name);
        writer::put_map_head(self.out, name.as_ref().map(Named::get));
        self.number()
    }

    fn close_map(&mut self) {
        writer::put_end(self.out);
    }

    fn reference(&mut self, open: &[usize], index: usize) {
        writer::put_reference(self.out, open[index]);
    }

    fn len(&self) -> usize {
        self.out.len()
    }
}
