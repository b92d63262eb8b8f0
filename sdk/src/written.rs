//! The arguments of a call as they stand in its request, with the descriptors of its parameters in front of them.
//!
//! It never sends them.

use serde::Serialize;

use crate::args::{Args, Each};
use crate::descriptor;
use crate::error::CallErrorKind;
use crate::hessian2::{EncodeError, Encoder};
use crate::java_type;

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

/// Writes the arguments, and the descriptors of their parameters.
pub(crate) fn written(args: &impl Args, types: Types) -> Result<(String, Vec<u8>), CallErrorKind> {
    let mut bytes = Vec::new();
    let declared = if let Types::Declared(declared) = types { declared } else { &[] };
    let mut writer =
        Writer { encoder: Encoder::new(&mut bytes), declared, types: String::new(), count: 0, untold: None };
    args.each(&mut writer)?;
    let Writer { types: told, count, untold, .. } = writer;
    let types = match (types, untold) {
        (Types::Named(named), _) if named.len() == count => named.iter().map(|name| java_type::named(name)).collect(),
        (Types::Named(named), _) => return Err(CallErrorKind::Types { found: named.len(), wanted: count }),
        (_, Some(at)) => return Err(CallErrorKind::UntoldType { at }),
        (_, None) => told,
    };
    Ok((types, bytes))
}

struct Writer<'b> {
    encoder: Encoder<'b>,
    declared: &'static [Option<&'static str>],
    types: String,
    count: usize,
    /// The first that does not tell its type.
    untold: Option<usize>,
}

impl Each for Writer<'_> {
    fn arg<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let declared = self.declared.get(self.count).copied().flatten();
        self.count += 1;
        match declared.map_or_else(|| descriptor::of(value), |declared| Ok(declared.into())) {
            Ok(descriptor) => self.types.push_str(&descriptor),
            Err(descriptor::Untold) => drop(self.untold.get_or_insert(self.count)),
        }
        self.encoder.put(value)
    }
}
