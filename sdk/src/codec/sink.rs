//! What a serialization takes from a writer: Java's values one after the other, containers opened and closed.
//!
//! It never asks for a part twice.

use std::borrow::Cow;

use super::error::EncodeError;

/// Where values are written.
pub(crate) trait Sink {
    /// Whether the names of an object's fields stand in front of the object.
    const NAMES_FIRST: bool;

    fn null(&mut self);
    fn bool(&mut self, value: bool);
    fn byte(&mut self, value: i8);
    fn short(&mut self, value: i16);
    fn int(&mut self, value: i32);
    fn long(&mut self, value: i64);
    fn float(&mut self, value: f32);
    fn double(&mut self, value: f64);
    fn char(&mut self, unit: u16);
    fn text(&mut self, text: &str);
    fn binary(&mut self, bytes: &[u8]);
    /// Milliseconds since 1970.
    fn date(&mut self, millis: i64);

    /// A plain value of this class comes; `field` is what it is called where it has to be an object. The number of that object, if so.
    fn open_typed(&mut self, class: Cow<'static, str>, field: &'static str) -> Option<usize>;
    /// It came.
    fn close_typed(&mut self) -> Result<(), EncodeError>;

    /// An object of this class with these fields; its number.
    fn open_object<N: Into<Cow<'static, str>> + AsRef<str> + Clone>(
        &mut self,
        class: Cow<'static, str>,
        fields: &[N],
    ) -> usize;
    /// The field whose value comes next, or the key of a map that is this text.
    fn field(&mut self, name: &str);
    /// Its values came.
    fn close_object(&mut self) -> Result<(), EncodeError>;

    /// A list of so many values; its number.
    fn open_list(&mut self, name: Option<Cow<'static, str>>, len: Option<usize>) -> usize;
    /// So many values came; `place` is the end of the head of a list whose length was not known.
    fn close_list(&mut self, place: Option<usize>, done: usize);

    /// A map, whose keys and values come in turn; its number.
    fn open_map(&mut self, name: Option<Cow<'static, str>>) -> usize;
    /// They came.
    fn close_map(&mut self);

    /// What stands at `index` of what is open.
    fn reference(&mut self, open: &[usize], index: usize);

    /// How many bytes are written.
    fn len(&self) -> usize;
}
