//! Quick ways to what serde expects next, for a serialization that has them.
//!
//! Each takes the next value if it is of that kind and in an ordinary form; else it takes nothing, and [`Source::item`](super::source::Source::item)
//! says what comes. It never gives anything that the item would not be.

/// What can be taken without asking what it is. A serialization without quick ways takes nothing.
pub(crate) trait Quick<'de> {
    /// Whether null comes next, which is taken then; `None`: ask for the item.
    fn null(&mut self) -> Option<bool> {
        None
    }

    /// A boolean.
    fn bool(&mut self) -> Option<bool> {
        None
    }

    /// An int.
    fn int(&mut self) -> Option<i32> {
        None
    }

    /// A long.
    fn long(&mut self) -> Option<i64> {
        None
    }

    /// A double.
    fn double(&mut self) -> Option<f64> {
        None
    }

    /// Milliseconds since 1970.
    fn date(&mut self) -> Option<i64> {
        None
    }

    /// Text.
    fn text(&mut self) -> Option<&'de str> {
        None
    }

    /// A list, set or array without a type: its number and how many values follow.
    fn list(&mut self) -> Option<(usize, u32)> {
        None
    }

    /// A map without a type: its number.
    fn map(&mut self) -> Option<usize> {
        None
    }

    /// An object: its number and that of its class.
    fn object(&mut self) -> Option<(usize, usize)> {
        None
    }

    /// The name of an object's field number `next`, whose value comes then; `None`: ask for it.
    fn field_name(&self, class: usize, next: usize) -> Option<&'de str> {
        let _ = (class, next);
        None
    }
}
