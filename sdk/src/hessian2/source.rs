//! Items of hessian2: [`Pull`] has almost their words already.
//!
//! It never has a plain value of a class, which is an object there.

use std::borrow::Cow;

use wire::dubbo::hessian2::{self, Pull};

use crate::codec::error::DecodeError;
use crate::codec::quick::Quick;
use crate::codec::source::{Item, Source};

impl<'de> Source<'de> for Pull<'de> {
    const LEAVES_ZERO_OUT: bool = false;
    const NEWTYPES_ARE_PLAIN: bool = false;

    #[inline]
    fn at(&self) -> usize {
        Pull::at(self)
    }

    fn item(&mut self, _: &[usize]) -> Result<Item<'de>, DecodeError> {
        Ok(match Pull::item(self)? {
            hessian2::Item::Null => Item::Null,
            hessian2::Item::Bool(value) => Item::Bool(value),
            hessian2::Item::Int(number) => Item::Int(number),
            hessian2::Item::Long(number) => Item::Long(number),
            hessian2::Item::Double(number) => Item::Double(number),
            hessian2::Item::Date(millis) => Item::Date(millis),
            hessian2::Item::Text(text) => Item::Text(text),
            hessian2::Item::Binary(bytes) => Item::Binary(bytes),
            hessian2::Item::List { number, name, len } => Item::List { number, name, len },
            hessian2::Item::Map { number, name } => Item::Map { number, name },
            hessian2::Item::Object { number, class } => Item::Object { number, class },
            hessian2::Item::Reference(number) => Item::Reference(number),
        })
    }

    #[inline]
    fn end(&mut self) -> Result<bool, DecodeError> {
        Ok(Pull::end(self)?)
    }

    #[inline]
    fn field(&mut self, class: usize, next: usize) -> Result<Option<Cow<'de, str>>, DecodeError> {
        Ok(Pull::class(self, class).and_then(|class| class.fields.get(next)).cloned())
    }

    #[inline]
    fn class(&self, number: usize) -> Option<&Cow<'de, str>> {
        Pull::class(self, number).map(|class| &class.name)
    }

    fn type_name(&self, number: usize) -> Option<&Cow<'de, str>> {
        Pull::type_name(self, number)
    }

    fn name(&self, _: usize) -> Option<&Cow<'de, str>> {
        None
    }

    fn as_class(&mut self, _: &str, item: Item<'de>) -> Result<Item<'de>, DecodeError> {
        Ok(item)
    }

    fn go_to(&mut self, number: usize) -> Option<usize> {
        Pull::go_to(self, number)
    }

    fn come_back(&mut self, place: usize) {
        Pull::come_back(self, place);
    }
}

/// Forwards to the ways of [`Pull`] by their names.
macro_rules! ways {
    ($($way:ident -> $given:ty),* $(,)?) => {
        $(#[inline]
        fn $way(&mut self) -> Option<$given> {
            Pull::$way(self)
        })*
    };
}

impl<'de> Quick<'de> for Pull<'de> {
    #[inline]
    fn null(&mut self) -> Option<bool> {
        Some(Pull::null(self))
    }

    #[inline]
    fn field_name(&self, class: usize, next: usize) -> Option<&'de str> {
        Pull::field(self, class, next)
    }

    ways! {
        bool -> bool, int -> i32, long -> i64, double -> f64, date -> i64, text -> &'de str,
        list -> (usize, u32), map -> usize, object -> (usize, usize),
    }
}
