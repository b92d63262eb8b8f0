//! Both serializations behind one face: a [`Codec`] says which, and the values are the same.
//!
//! It never knows a byte of either.

use serde::de::{DeserializeOwned, DeserializeSeed};
use serde::{Deserialize, Serialize};
use wire::dubbo::frame::Codec;

use crate::codec::error::{DecodeError, EncodeError};
use crate::{fastjson2, hessian2};

/// What Dubbo calls it.
pub(crate) const fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::Hessian2 => "hessian2",
        Codec::Fastjson2 => "fastjson2",
    }
}

/// One value as a body of its own.
pub(crate) fn to_vec<T: Serialize + ?Sized>(codec: Codec, value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    Encoder::new(codec, &mut bytes).put(value)?;
    Ok(bytes)
}

/// The value of such a body.
pub(crate) fn from_bytes<T: DeserializeOwned>(codec: Codec, bytes: &[u8]) -> Result<T, DecodeError> {
    Decoder::new(codec, bytes).take()
}

/// Where values go in.
pub(crate) enum Encoder<'b> {
    Hessian2(hessian2::Encoder<'b>),
    Fastjson2(fastjson2::Encoder<'b>),
}

impl<'b> Encoder<'b> {
    pub fn new(codec: Codec, out: &'b mut Vec<u8>) -> Self {
        match codec {
            Codec::Hessian2 => Self::Hessian2(hessian2::Encoder::new(out)),
            Codec::Fastjson2 => Self::Fastjson2(fastjson2::Encoder::new(out)),
        }
    }

    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        match self {
            Self::Hessian2(encoder) => encoder.put(value),
            Self::Fastjson2(encoder) => encoder.put(value),
        }
    }
}

/// Where values come out one after the other, in the serialization in which they came.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it is made on the stack for each call, and kept nowhere")]
pub enum Decoder<'de> {
    /// Hessian 2.
    Hessian2(hessian2::Decoder<'de>),
    /// fastjson2.
    Fastjson2(fastjson2::Decoder<'de>),
}

impl<'de> Decoder<'de> {
    pub(crate) fn new(codec: Codec, bytes: &'de [u8]) -> Self {
        match codec {
            Codec::Hessian2 => Self::Hessian2(hessian2::Decoder::new(bytes)),
            Codec::Fastjson2 => Self::Fastjson2(fastjson2::Decoder::new(bytes)),
        }
    }

    /// The next value.
    ///
    /// # Errors
    /// [`DecodeError`]: it is no such value, or there is none.
    pub fn take<T: Deserialize<'de>>(&mut self) -> Result<T, DecodeError> {
        match self {
            Self::Hessian2(decoder) => decoder.take(),
            Self::Fastjson2(decoder) => decoder.take(),
        }
    }

    /// The next value as `seed` reads it. Where that fails and [`Decoder::has_learnt`], all may be read once more from the beginning.
    pub(crate) fn next<D: DeserializeSeed<'de>>(&mut self, seed: D) -> Result<D::Value, DecodeError> {
        match self {
            Self::Hessian2(decoder) => decoder.next(seed),
            Self::Fastjson2(decoder) => decoder.next(seed),
        }
    }

    /// Whether what failed last failed for a field of which it is now known that it is left out where it is zero; asks once.
    pub(crate) fn has_learnt(&mut self) -> bool {
        match self {
            Self::Hessian2(_) => false,
            Self::Fastjson2(decoder) => decoder.has_learnt(),
        }
    }
}
