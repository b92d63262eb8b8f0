//! The arguments of a call as they stand in its request, with the descriptors of its parameters in front of them.
//!
//! It never sends them.

use std::borrow::Cow;

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
    One(Codec, Vec<u8>),
    Both { hessian2: Vec<u8>, fastjson2: Vec<u8> },
}

impl Written {
    /// Those for somebody who reads this, as far as there is a choice.
    pub fn for_one(&self, reads: impl FnOnce() -> Codec) -> (Codec, &[u8]) {
        match self {
            Self::One(codec, bytes) => (*codec, bytes),
            Self::Both { hessian2, fastjson2 } => match reads() {
                Codec::Hessian2 => (Codec::Hessian2, hessian2),
                Codec::Fastjson2 => (Codec::Fastjson2, fastjson2),
            },
        }
    }

    /// The room that they took, for something else.
    pub fn take_room(&mut self) -> Vec<u8> {
        match self {
            Self::One(_, bytes) | Self::Both { hessian2: bytes, .. } => std::mem::take(bytes),
        }
    }
}

/// Writes the arguments, and the descriptors of their parameters. Of both forms one is enough: a value may have none in the other.
pub(crate) fn written(
    args: &impl Args,
    types: &Types,
    forms: Forms,
) -> Result<(Cow<'static, str>, Written), CallErrorKind> {
    let both = match forms {
        Forms::One(codec) => {
            return written_in(codec, args, types).map(|(types, bytes)| (types, Written::One(codec, bytes)));
        }
        Forms::Both => [Codec::Hessian2, Codec::Fastjson2].map(|codec| written_in(codec, args, types)),
    };
    match both {
        [Ok((types, hessian2)), Ok((_, fastjson2))] => Ok((types, Written::Both { hessian2, fastjson2 })),
        [Ok((types, bytes)), Err(_)] => Ok((types, Written::One(Codec::Hessian2, bytes))),
        [Err(_), Ok((types, bytes))] => Ok((types, Written::One(Codec::Fastjson2, bytes))),
        [Err(wrong), Err(_)] => Err(wrong),
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
