//! Why a request is refused before anything else looks at it.
//!
//! It never names a value, only keys and places: values may be secrets.

use thiserror::Error;

use super::super::attachments::MapError;
use super::super::read::ReadError;
use super::{GENERIC_TYPES, MAX_HIGHWAY};

/// Why a request is refused with BAD_REQUEST. Nothing of it was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PeekError {
    /// The bytes are no request in their serialization.
    #[error("the request body cannot be read: {0}; send a body in the serialization that the flags name")]
    Malformed(#[from] ReadError),
    /// The map is given as a reference, which providers follow into the arguments.
    #[error(
        "the attachments at byte {at} are a reference to an argument, wanted a map of their own; send them as a map"
    )]
    MapByReference {
        /// Offset in the body.
        at: usize,
    },
    /// The map is of a type that need not hold what is in it.
    #[error(
        "the attachments at byte {at} are of a type of their own, wanted a plain map, since a provider makes of others what they are; send a `java.util.HashMap`"
    )]
    MapType {
        /// Offset in the body.
        at: usize,
    },
    /// A key of the map is no text.
    #[error("an attachment's key at byte {at} begins with {found:#04x}, wanted text; name attachments by strings")]
    KeyNotText {
        /// Offset in the body.
        at: usize,
        /// The first byte of the key.
        found: u8,
    },
    /// A key that decides where the call goes is there twice; providers take the last.
    #[error("attachment `{key}` is there twice, wanted it once; send one value")]
    Duplicate {
        /// The key.
        key: String,
    },
    /// A key that Dubbo 3.1 reads as another one, which decides where the call goes.
    #[error(
        "attachment `{key}` is `{known}` to providers on Dubbo 3.1, wanted a name that is not taken for another; name it otherwise"
    )]
    PassesFor {
        /// The key.
        key: String,
        /// What it is taken for.
        known: &'static str,
    },
    /// The value of a key that decides where the call goes is no text.
    #[error("attachment `{key}` at byte {at} is no text, wanted a string; set it as a string")]
    ValueNotText {
        /// The key.
        key: String,
        /// Offset of the value in the body.
        at: usize,
    },
    /// More attachments of Highway's own than a call can need.
    #[error("there are more than {MAX_HIGHWAY} attachments that begin with `highway.`; send fewer")]
    TooManyHighway,
    /// Field 5 is no text of JVM descriptors.
    #[error(
        "the parameter types in field 5 cannot be read at character {at}, wanted JVM descriptors such as `Ljava/lang/String;I` and no `Ljava/io/InputStream;`, which providers leave unread; send the method's descriptors"
    )]
    Types {
        /// Offset in the text.
        at: usize,
    },
    /// A generic call's name and number of parameters, but not their types.
    #[error(
        "field 5 names three parameters of `$invoke` that are not those of a generic call, wanted `{GENERIC_TYPES}`; send these"
    )]
    GenericTypes,
    /// The first argument of a generic call is no text.
    #[error(
        "the first argument of the generic call at byte {at} is no text, wanted the name of a method; pass the method's name"
    )]
    GenericMethod {
        /// Offset in the body.
        at: usize,
    },
    /// An argument holds what a provider could take for the attachments of a call to another service.
    #[error(
        "an argument says `path` with the name of another service at byte {at}, which providers before 3.0 can take for the attachments; send it under another name"
    )]
    InnerPath {
        /// Offset of the name in the body.
        at: usize,
    },
    /// A name without which there is no call.
    #[error("the {what} is empty, wanted a name; set it")]
    Missing {
        /// `service` or `method`.
        what: &'static str,
    },
}

impl From<MapError> for PeekError {
    fn from(error: MapError) -> Self {
        match error {
            MapError::Read(error) => Self::Malformed(error),
            MapError::Reference { at } => Self::MapByReference { at },
            MapError::Key { at, found } => Self::KeyNotText { at, found },
        }
    }
}

impl From<ReadError> for Box<PeekError> {
    #[cold]
    fn from(error: ReadError) -> Self {
        Self::new(PeekError::Malformed(error))
    }
}

impl From<MapError> for Box<PeekError> {
    #[cold]
    fn from(error: MapError) -> Self {
        Self::new(PeekError::from(error))
    }
}
