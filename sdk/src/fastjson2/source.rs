//! Items of fastjson2, in the words that both serializations share.
//!
//! ```text
//!   92 T  a6 7f…     an object of class T: names of fields are symbols         a9 …    a LocalDate, told as the object
//!   92 T  a6 4a…     a map of type T: its keys are values                              that hessian2 makes of it
//!   92 T  94…        a list of type T                                          b9 …    a BigDecimal, the same
//!   92 T  4a…        a plain value of class T: the constant of an enum
//! ```
//!
//! Behind a field that is a reference Java writes the same field once more as null, which is stepped over.
//! It never tells of a value what nobody could have asked for: see `forms.rs`.

use std::borrow::Cow;
use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use wire::dubbo::fastjson2::{self, Pull, Tag};

use super::{forms, names};
use crate::codec::error::DecodeError;
use crate::codec::quick::Quick;
use crate::codec::source::{Item, Source};

/// One field of a body.
#[derive(Debug)]
pub(super) struct Json<'de> {
    pull: Pull<'de>,
    /// Classes and types by their numbers, under their names in Rust.
    classes: FxHashMap<usize, Cow<'de, str>>,
    /// What is told before the stream goes on: the parts of values that have a form of their own.
    ahead: VecDeque<Item<'de>>,
    /// The name that was read just now, by its number.
    name: Option<usize>,
    /// The name of the last reference and where that ended.
    reference: Option<(usize, usize)>,
    /// The same for those that are being followed.
    followed: Vec<Option<(usize, usize)>>,
}

impl<'de> Json<'de> {
    pub(super) fn new(pull: Pull<'de>) -> Self {
        Self {
            pull,
            classes: FxHashMap::default(),
            ahead: VecDeque::new(),
            name: None,
            reference: None,
            followed: Vec::new(),
        }
    }

    /// Whether all of the field was read.
    pub(super) fn is_done(&self) -> bool {
        self.pull.is_done()
    }

    /// Behind a type: what is of it.
    fn typed(&mut self, number: usize, class: usize) -> Result<Item<'de>, DecodeError> {
        if !self.classes.contains_key(&class)
            && let Some(name) = self.pull.name(class)
        {
            self.classes.insert(class, names::from_wire(name.clone()));
        }
        match self.pull.tag() {
            Some(Tag::Object) => {
                self.pull.item()?;
                let is_map = match self.pull.tag() {
                    Some(Tag::Symbol) => false,
                    Some(Tag::End) => self.class(class).is_some_and(|name| name.starts_with("java.")),
                    _ => true,
                };
                Ok(if is_map { Item::Map { number, name: Some(class) } } else { Item::Object { number, class } })
            }
            Some(Tag::Array) => match self.pull.item()? {
                fastjson2::Item::List(len) => Ok(Item::List { number, name: Some(class), len: Some(len) }),
                _ => Err(DecodeError::mismatch("found no list, wanted one")),
            },
            Some(Tag::Typed | Tag::Reference) => {
                Err(DecodeError::mismatch("found a type before a type or a reference, wanted it before a value"))
            }
            _ => {
                let item = self.pull.item()?;
                let item = self.told(number, item)?;
                match item {
                    Item::Null | Item::Binary(_) => Ok(item),
                    // A value with a form of its own needs no other class.
                    Item::Object { .. } => Ok(item),
                    item => {
                        self.ahead.push_front(item);
                        Ok(Item::Typed(class))
                    }
                }
            }
        }
    }

    fn told(&mut self, number: usize, item: fastjson2::Item<'de>) -> Result<Item<'de>, DecodeError> {
        Ok(match item {
            fastjson2::Item::Null => Item::Null,
            fastjson2::Item::Bool(value) => Item::Bool(value),
            fastjson2::Item::Byte(number) => Item::Byte(number),
            fastjson2::Item::Short(number) => Item::Short(number),
            fastjson2::Item::Int(number) => Item::Int(number),
            fastjson2::Item::Long(number) => Item::Long(number),
            fastjson2::Item::Float(number) => Item::Float(number),
            fastjson2::Item::Double(number) => Item::Double(number),
            fastjson2::Item::Char(unit) => match char::from_u32(unit.into()) {
                Some(letter) => Item::Char(letter),
                None => {
                    return Err(DecodeError::mismatch(format_args!(
                        "found the char U+{unit:X}, half of a surrogate pair, wanted a whole one"
                    )));
                }
            },
            fastjson2::Item::Text(text) => Item::Text(text),
            fastjson2::Item::Name(number) => Item::Name(number),
            fastjson2::Item::Binary(bytes) => Item::Binary(Cow::Borrowed(bytes)),
            fastjson2::Item::Date(millis) => Item::Date(millis),
            fastjson2::Item::List(len) => Item::List { number, name: None, len: Some(len) },
            fastjson2::Item::Object => Item::Map { number, name: None },
            item => forms::told(number, item, &mut self.ahead)?,
        })
    }

    fn resolve(&mut self, path: &str, at: usize, open: &[usize]) -> Result<usize, DecodeError> {
        let place = match path {
            ".." => open.last().copied(),
            path => self.pull.find(path, at)?,
        };
        place.ok_or_else(|| {
            let path: String = path.chars().take(128).collect();
            DecodeError::mismatch(format_args!(
                "found a reference to {}, wanted one to a value before it",
                path.escape_debug()
            ))
        })
    }
}

impl<'de> Quick<'de> for Json<'de> {}

impl<'de> Source<'de> for Json<'de> {
    const LEAVES_ZERO_OUT: bool = true;
    const NEWTYPES_ARE_PLAIN: bool = true;

    fn at(&self) -> usize {
        self.pull.at()
    }

    fn item(&mut self, open: &[usize]) -> Result<Item<'de>, DecodeError> {
        if let Some(item) = self.ahead.pop_front() {
            return Ok(item);
        }
        let at = self.pull.at();
        let name = self.name.take();
        match self.pull.item()? {
            fastjson2::Item::Typed(class) => self.typed(at, class),
            fastjson2::Item::Reference(path) => {
                self.reference = name.map(|name| (name, self.pull.at()));
                self.resolve(&path, at, open).map(Item::Reference)
            }
            fastjson2::Item::Name(number) => {
                self.name = Some(number);
                Ok(Item::Name(number))
            }
            item => self.told(at, item),
        }
    }

    fn end(&mut self) -> Result<bool, DecodeError> {
        if let Some((name, at)) = self.reference
            && at == self.pull.at()
        {
            self.pull.null_again(name);
        }
        Ok(self.pull.end()?)
    }

    fn field(&mut self, class: usize, next: usize) -> Result<Option<Cow<'de, str>>, DecodeError> {
        if let Some(fields) = forms::fields(class) {
            return Ok(fields.get(next).map(|field| Cow::Borrowed(*field)));
        }
        if self.end()? {
            return Ok(None);
        }
        match self.pull.item()? {
            fastjson2::Item::Text(name) => Ok(Some(name)),
            fastjson2::Item::Name(number) => {
                self.name = Some(number);
                Ok(self.pull.name(number).cloned())
            }
            _ => Err(DecodeError::mismatch("found a field whose name is no text, wanted text")),
        }
    }

    fn class(&self, number: usize) -> Option<&Cow<'de, str>> {
        forms::class(number).or_else(|| self.classes.get(&number))
    }

    fn type_name(&self, number: usize) -> Option<&Cow<'de, str>> {
        self.class(number)
    }

    fn name(&self, number: usize) -> Option<&Cow<'de, str>> {
        self.pull.name(number)
    }

    fn as_class(&mut self, class: &str, item: Item<'de>) -> Result<Item<'de>, DecodeError> {
        forms::as_class(class, item, &mut self.ahead)
    }

    fn go_to(&mut self, number: usize) -> Option<usize> {
        self.followed.push(self.reference.take());
        Some(self.pull.go_to(number))
    }

    fn come_back(&mut self, place: usize) {
        self.reference = self.followed.pop().flatten();
        self.pull.go_to(place);
    }
}
