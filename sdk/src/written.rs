//! The arguments of a call as they stand in its request, with the descriptors of its parameters in front of them.
//!
//! It never sends them.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use wire::dubbo::frame::Codec;

use crate::args::{Args, Each};
use crate::codec::error::EncodeError;
use crate::descriptor;
use crate::error::CallErrorKind;
use crate::forms::Forms;
use crate::java_type;
use crate::serialization::Encoder;

/// As much as most arguments and most answers come to: the answer comes back in the room of the arguments.
const USUAL_LEN: usize = 512;

/// Where the types of the parameters stand.
#[derive(Debug, Clone)]
pub(crate) enum Types {
    /// In the values.
    Told,
    /// In names of Java's source.
    Named(Vec<String>),
    /// In descriptors, and in the value where there is none.
    Declared(&'static [Option<&'static str>]),
}

/// All arguments of a call, as its body has them.
#[derive(Debug)]
pub(crate) enum Written {
    /// As its caller said, whatever is read.
    Said(Codec, Vec<u8>),
    /// For those who read it.
    Each { hessian2: Result<Vec<u8>, Missing>, fastjson2: Result<Vec<u8>, Missing> },
}

/// Why the arguments are not written in a serialization.
#[derive(Debug)]
pub(crate) enum Missing {
    /// Nobody read it when the call was made.
    Unasked,
    /// A value has no form in it.
    Formless(Box<EncodeError>),
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => out.write_str("it was written before anybody read this; make the call again"),
            Self::Formless(why) => why.fmt(out),
        }
    }
}

impl Written {
    /// Those for somebody who reads this.
    ///
    /// # Errors
    /// There are none.
    pub fn for_one(&self, reads: Codec) -> Result<(Codec, &[u8]), &Missing> {
        match self {
            Self::Said(codec, bytes) => Ok((*codec, bytes)),
            Self::Each { hessian2, fastjson2 } => {
                let written = if reads == Codec::Hessian2 { hessian2 } else { fastjson2 };
                written.as_ref().map(|bytes| (reads, bytes.as_slice()))
            }
        }
    }

    /// Whether somebody who reads this can be sent them.
    pub fn is_for(&self, reads: Codec) -> bool {
        self.for_one(reads).is_ok()
    }

    /// Whether there may be somebody who cannot be sent them.
    pub fn is_choosy(&self) -> bool {
        matches!(self, Self::Each { hessian2, fastjson2 } if hessian2.is_err() || fastjson2.is_err())
    }

    /// The room that they took, for something else.
    pub fn take_room(&mut self) -> Vec<u8> {
        match self {
            Self::Said(_, bytes) | Self::Each { hessian2: Ok(bytes), .. } | Self::Each { fastjson2: Ok(bytes), .. } => {
                std::mem::take(bytes)
            }
            Self::Each { .. } => Vec::new(),
        }
    }
}

/// Writes the arguments as their caller said, and the descriptors of their parameters.
pub(crate) fn said(
    args: &impl Args,
    types: &Types,
    codec: Codec,
) -> Result<(Cow<'static, str>, Written), CallErrorKind> {
    written_in(codec, args, types).map(|(types, bytes)| (types, Written::Said(codec, bytes)))
}

/// Writes the arguments for those who read these, and the descriptors of their parameters. Of both forms one is enough: who gets the call may
/// read the one that there is.
pub(crate) fn written(
    args: &impl Args,
    types: &Types,
    forms: Forms,
) -> Result<(Cow<'static, str>, Written), CallErrorKind> {
    let in_one = |codec| written_in(codec, args, types);
    match forms {
        Forms::One(Codec::Hessian2) => {
            let (types, bytes) = in_one(Codec::Hessian2)?;
            Ok((types, Written::Each { hessian2: Ok(bytes), fastjson2: Err(Missing::Unasked) }))
        }
        Forms::One(Codec::Fastjson2) => match in_one(Codec::Fastjson2) {
            Ok((types, bytes)) => Ok((types, Written::Each { hessian2: Err(Missing::Unasked), fastjson2: Ok(bytes) })),
            Err(CallErrorKind::Argument(why)) => {
                let by = "every provider of the service".to_owned();
                Err(CallErrorKind::Serialization { wanted: Codec::Fastjson2, by, why: why.to_string() })
            }
            Err(wrong) => Err(wrong),
        },
        Forms::Both => match (in_one(Codec::Hessian2), in_one(Codec::Fastjson2)) {
            (Ok((types, hessian2)), Ok((_, fastjson2))) => {
                Ok((types, Written::Each { hessian2: Ok(hessian2), fastjson2: Ok(fastjson2) }))
            }
            (Ok((types, bytes)), Err(CallErrorKind::Argument(why))) => {
                Ok((types, Written::Each { hessian2: Ok(bytes), fastjson2: Err(Missing::Formless(Box::new(why))) }))
            }
            (Err(CallErrorKind::Argument(why)), Ok((types, bytes))) => {
                Ok((types, Written::Each { hessian2: Err(Missing::Formless(Box::new(why))), fastjson2: Ok(bytes) }))
            }
            (Err(wrong), _) | (_, Err(wrong)) => Err(wrong),
        },
    }
}

fn written_in(codec: Codec, args: &impl Args, types: &Types) -> Result<(Cow<'static, str>, Vec<u8>), CallErrorKind> {
    let mut bytes = Vec::with_capacity(USUAL_LEN);
    let declared = if let Types::Declared(declared) = types { declared } else { &[][..] };
    let encoder = Encoder::new(codec, &mut bytes);
    let mut writer = Writer { encoder, declared, types: Cow::Borrowed(""), count: 0, untold: None };
    args.each(&mut writer)?;
    let Writer { types: told, count, untold, .. } = writer;
    let types = match (types, untold) {
        (Types::Named(named), _) if named.len() == count => {
            Cow::Owned(named.iter().map(|name| java_type::named(name)).collect())
        }
        (Types::Named(named), _) => return Err(CallErrorKind::Types { found: named.len(), wanted: count }),
        (_, Some(at)) => return Err(CallErrorKind::UntoldType { at }),
        (_, None) => told,
    };
    Ok((types, bytes))
}

struct Writer<'b> {
    encoder: Encoder<'b>,
    declared: &'static [Option<&'static str>],
    types: Cow<'static, str>,
    count: usize,
    /// The first that does not tell its type.
    untold: Option<usize>,
}

impl Each for Writer<'_> {
    fn arg<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let declared = self.declared.get(self.count).copied().flatten();
        self.count += 1;
        match declared.map_or_else(|| descriptor::of(value), |declared| Ok(declared.into())) {
            Ok(descriptor) => self.types += descriptor,
            Err(descriptor::Untold) => drop(self.untold.get_or_insert(self.count)),
        }
        self.encoder.put(value)
    }
}
