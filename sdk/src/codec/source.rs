//! What a serialization tells a reader: one item after the other, in Java's words for them.
//!
//! Both serializations come down to these items, so that one Rust type is read from either. What one of them has a form of its own for
//! (a decimal, a day) is told as the object that the other would write.

use std::borrow::Cow;

use super::error::DecodeError;
use super::quick::Quick;

/// What comes next. The parts of a list, map or object are the items after it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item<'de> {
    /// Null.
    Null,
    /// boolean.
    Bool(bool),
    /// byte, where it is told from an int.
    Byte(i8),
    /// short, where it is told from an int.
    Short(i16),
    /// int.
    Int(i32),
    /// long.
    Long(i64),
    /// float, where it is told from a double.
    Float(f32),
    /// double.
    Double(f64),
    /// char, where it is told from a String.
    Char(char),
    /// Milliseconds since 1970.
    Date(i64),
    /// String.
    Text(Cow<'de, str>),
    /// Text by its number, for [`Source::name`].
    Name(usize),
    /// `byte[]`.
    Binary(Cow<'de, [u8]>),
    /// A list, set or array.
    List {
        /// Its number.
        number: usize,
        /// Its type, for [`Source::type_name`].
        name: Option<usize>,
        /// How many values; unknown where an end marker follows them.
        len: Option<u32>,
    },
    /// A map; an end marker follows its keys and values.
    Map {
        /// Its number.
        number: usize,
        /// Its type, for [`Source::type_name`].
        name: Option<usize>,
    },
    /// An object; its fields follow, see [`Source::field`].
    Object {
        /// Its number.
        number: usize,
        /// Its class, for [`Source::class`].
        class: usize,
    },
    /// A class, for [`Source::class`], in front of a plain value: the constant of an enum.
    Typed(usize),
    /// The list, map or object of this number, which came before.
    Reference(usize),
}

/// A stream of items.
pub(crate) trait Source<'de>: Quick<'de> {
    /// Whether numbers, booleans and chars that are zero are left out of objects.
    const LEAVES_ZERO_OUT: bool;

    /// Whether a plain value whose class is known besides, as that of a field is, comes without its class.
    const NEWTYPES_ARE_PLAIN: bool;

    /// The offset of the next byte.
    fn at(&self) -> usize;

    /// What comes next; `open` are the numbers of what it is inside of, outermost first.
    fn item(&mut self, open: &[usize]) -> Result<Item<'de>, DecodeError>;

    /// Takes the end marker of a map, or of a list of unknown length, if it is next.
    fn end(&mut self) -> Result<bool, DecodeError>;

    /// The name of an object's field number `next`, whose value comes then; `None` behind the last.
    fn field(&mut self, class: usize, next: usize) -> Result<Option<Cow<'de, str>>, DecodeError>;

    /// A class by its number.
    fn class(&self, number: usize) -> Option<&Cow<'de, str>>;

    /// The type of a list or map by its number.
    fn type_name(&self, number: usize) -> Option<&Cow<'de, str>>;

    /// Text by its number.
    fn name(&self, number: usize) -> Option<&Cow<'de, str>>;

    /// What `item` is for who wants a value of this class: a plain value may be this class's own form.
    fn as_class(&mut self, class: &str, item: Item<'de>) -> Result<Item<'de>, DecodeError>;

    /// Goes back to the list, map or object of this number; returns the place to come back to.
    fn go_to(&mut self, number: usize) -> Option<usize>;

    /// Goes on where [`Source::go_to`] left.
    fn come_back(&mut self, place: usize);
}
