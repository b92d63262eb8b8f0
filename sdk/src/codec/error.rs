//! How writing and reading a value fail: what was found, what was wanted, and where in the value.
//!
//! A place is said as one would write it, `order.items[3].price`. It never quotes more than a name or a number of the value itself.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};
use thiserror::Error;
use wire::dubbo::ReadError;

/// A place in a value, from the inside out while an error comes up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

impl Place {
    pub(super) fn field(&mut self, name: &str) {
        self.0.push(Step::Field(name.chars().take(64).collect()));
    }

    /// Whether it is the value itself.
    pub(super) const fn is_here(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn item(&mut self, index: usize) {
        self.0.push(Step::Item(index));
    }
}

impl Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("the value");
        }
        for (depth, step) in self.0.iter().rev().enumerate() {
            match step {
                Step::Field(name) if depth == 0 => write!(out, "{}", name.escape_debug())?,
                Step::Field(name) => write!(out, ".{}", name.escape_debug())?,
                Step::Item(index) => write!(out, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Why a value cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place} cannot be written for Java: {what}")]
pub struct EncodeError {
    /// Where in the value.
    pub place: Place,
    what: String,
}

impl EncodeError {
    pub(crate) fn new(what: impl Display) -> Self {
        Self { place: Place::default(), what: what.to_string() }
    }

    #[cold]
    pub(super) fn in_field(mut self, name: &str) -> Self {
        self.place.field(name);
        self
    }

    #[cold]
    pub(super) fn in_item(mut self, index: usize) -> Self {
        self.place.item(index);
        self
    }
}

impl serde::ser::Error for EncodeError {
    fn custom<T: Display>(what: T) -> Self {
        Self::new(what)
    }
}

/// Why bytes are not the value that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes are no values at all, or break off.
    #[error("{0}")]
    Malformed(#[from] ReadError),
    /// It is a value of another type.
    #[error("{place} is not as wanted: {what}")]
    Mismatch {
        /// Where in the value.
        place: Place,
        /// What was found and what was wanted.
        what: String,
    },
    /// A field is not there.
    #[error("{place} is not as wanted: found no field `{field}`, wanted one")]
    Missing {
        /// Where in the value the object stands.
        place: Place,
        /// The name of the field.
        field: &'static str,
    },
    /// It contains itself.
    #[error(
        "{place} is an object that this place is inside of, and a tree cannot hold itself; wanted a `Value` there, or no such field"
    )]
    Cycle {
        /// Where in the value.
        place: Place,
    },
    /// Too many levels.
    #[error("{place} is nested deeper than {limit} levels")]
    TooDeep {
        /// Where in the value.
        place: Place,
        /// How many are read.
        limit: usize,
    },
    /// Its references and the names that come by number spell out more than is read.
    #[error("{place} says values and names again that came before, more than {limit} bytes of them in all")]
    TooMuch {
        /// Where in the value.
        place: Place,
        /// How many bytes are read.
        limit: usize,
    },
}

impl DecodeError {
    pub(crate) fn mismatch(what: impl Display) -> Self {
        Self::Mismatch { place: Place::default(), what: what.to_string() }
    }

    #[cold]
    pub(super) fn in_field(mut self, name: &str) -> Self {
        if let Some(place) = self.place() {
            place.field(name);
        }
        self
    }

    #[cold]
    pub(super) fn in_item(mut self, index: usize) -> Self {
        if let Some(place) = self.place() {
            place.item(index);
        }
        self
    }

    fn place(&mut self) -> Option<&mut Place> {
        match self {
            Self::Malformed(_) => None,
            Self::Mismatch { place, .. }
            | Self::Missing { place, .. }
            | Self::Cycle { place }
            | Self::TooDeep { place, .. }
            | Self::TooMuch { place, .. } => Some(place),
        }
    }
}

impl serde::de::Error for DecodeError {
    fn custom<T: Display>(what: T) -> Self {
        Self::mismatch(what)
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit | Unexpected::Option => Self::mismatch(format_args!("found null, wanted {wanted}")),
            Unexpected::Str(_) => Self::mismatch(format_args!("found text, wanted {wanted}")),
            Unexpected::Bytes(_) => Self::mismatch(format_args!("found a byte[], wanted {wanted}")),
            Unexpected::Seq => Self::mismatch(format_args!("found a list, wanted {wanted}")),
            Unexpected::Map => Self::mismatch(format_args!("found a map or an object, wanted {wanted}")),
            Unexpected::Signed(_) | Unexpected::Unsigned(_) => {
                Self::mismatch(format_args!("found a whole number, wanted {wanted}"))
            }
            Unexpected::Float(_) => Self::mismatch(format_args!("found a double, wanted {wanted}")),
            Unexpected::Bool(_) => Self::mismatch(format_args!("found a boolean, wanted {wanted}")),
            found => Self::mismatch(format_args!("found {found}, wanted {wanted}")),
        }
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        match found {
            Unexpected::Str(_) => Self::mismatch(format_args!("found another text, wanted {wanted}")),
            Unexpected::Signed(number) => Self::mismatch(format_args!("found {number}, wanted {wanted}")),
            Unexpected::Unsigned(number) => Self::mismatch(format_args!("found {number}, wanted {wanted}")),
            found => Self::mismatch(format_args!("found {found}, wanted {wanted}")),
        }
    }

    fn invalid_length(len: usize, wanted: &dyn Expected) -> Self {
        Self::mismatch(format_args!("found {len} values, wanted {wanted}"))
    }

    fn unknown_variant(found: &str, wanted: &'static [&'static str]) -> Self {
        let found: String = found.chars().take(128).collect();
        Self::mismatch(format_args!("found `{}`, wanted one of {}", found.escape_debug(), wanted.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing { place: Place::default(), field }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::mismatch(format_args!("found the field `{field}` twice, wanted it once"))
    }
}
