//! Reads the tree into a serde type and notes every wrong value, not only the first.
//!
//! ```text
//!  read ─ Ok ─▶ Raw
//!    ▲  └ Err(key, what) ─ note it ─ take the value out of the tree ─┐
//!    └────────────────────────────────────────────────────────────────┘   each turn takes one value out, so it ends
//! ```
//!
//! When a whole item of a list had to go, or a required value, there is no `Raw` in the end, only mistakes. Pure.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::mistakes::Mistakes;
use super::nearest::nearest;
use super::place::{Key, Step};
use super::tree::{Node, Value};

/// Reads `tree` as `R`; all that is wrong goes to `mistakes`.
pub(super) fn read<R: DeserializeOwned>(tree: &mut Node, mistakes: &mut Mistakes) -> Option<R> {
    let mut complete = true;
    loop {
        let error = match R::deserialize(&*tree) {
            Ok(raw) => return complete.then_some(raw),
            Err(error) => error,
        };
        let at = Key::from_inside_out(error.way_up);
        let wrong = match error.what {
            What::UnknownKey { name, known } => {
                let key = at.below(Step::Name(name.clone()));
                mistakes.say(&key.to_string(), unknown_key(&at, &name, known));
                key
            }
            What::MissingKey(name) => {
                mistakes.say(&at.below(Step::Name(name.to_owned())).to_string(), "missing");
                at
            }
            What::Said(what) => {
                mistakes.say(&at.to_string(), what);
                at
            }
            What::Custom(what) => {
                let found = tree.find(&at).and_then(Node::in_words);
                mistakes.say(&at.to_string(), found.map_or(what.clone(), |found| format!("found {found}: {what}")));
                at
            }
        };
        complete &= !matches!(wrong.steps().last(), Some(Step::Index(_)));
        if !tree.take_out(&wrong) {
            return None;
        }
    }
}

fn unknown_key(table: &Key, name: &str, known: &'static [&'static str]) -> String {
    let full = |name: &str| table.below(Step::Name(name.to_owned()));
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("unknown key, did you mean `{}`", full(meant)),
        None if known.is_empty() => "unknown key, none is known here".to_owned(),
        None => format!("unknown key, known here: {}", known.join(", ")),
    }
}

/// A wrong value, with the way from it up to the top.
#[derive(Debug)]
pub(super) struct Error {
    way_up: Vec<Step>,
    what: What,
}

#[derive(Debug)]
enum What {
    UnknownKey {
        name: String,
        known: &'static [&'static str],
    },
    MissingKey(&'static str),
    /// A sentence that already says what was found.
    Said(String),
    /// A sentence of somebody else.
    Custom(String),
}

impl From<What> for Error {
    fn from(what: What) -> Self {
        Self { way_up: Vec::new(), what }
    }
}

impl Error {
    fn inside(mut self, step: Step) -> Self {
        self.way_up.push(step);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::UnknownKey { name, .. } => write!(f, "unknown key {name}"),
            What::MissingKey(name) => write!(f, "missing key {name}"),
            What::Said(what) | What::Custom(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(what: T) -> Self {
        What::Custom(what.to_string()).into()
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        What::Said(format!("found {}, wanted {}", found_in_words(found), wanted_in_words(wanted))).into()
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(found, wanted)
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        let hint = nearest(found, known.iter().copied()).map(|meant| format!(", did you mean {meant:?}"));
        What::Said(format!("found {found:?}, wanted one of {known:?}{}", hint.unwrap_or_default())).into()
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        What::UnknownKey { name: name.to_owned(), known }.into()
    }

    fn missing_field(name: &'static str) -> Self {
        What::MissingKey(name).into()
    }
}

fn found_in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Unsigned(whole) => whole.to_string(),
        Unexpected::Signed(whole) => whole.to_string(),
        Unexpected::Float(real) => real.to_string(),
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// What serde calls a thing, as a person who types TOML would.
fn wanted_in_words(wanted: &dyn Expected) -> String {
    let text = wanted.to_string();
    match text.as_str() {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        "a string" | "string" | "str" | "path string" => "a text in quotes".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other if other.starts_with("a tuple") => "a list".to_owned(),
        _ => text,
    }
}

/// Values a variable's text is read as when exactly this is wanted.
macro_rules! wanted_from_text {
    ($($method:ident => $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match &self.value {
                Value::Typed(text) => match text.trim().parse() {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => visitor.visit_str(text),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.value {
            Value::Text(text) | Value::Moment(text) => visitor.visit_str(text),
            Value::Whole(whole) => match (i64::try_from(*whole), u64::try_from(*whole)) {
                (Ok(whole), _) => visitor.visit_i64(whole),
                (_, Ok(whole)) => visitor.visit_u64(whole),
                _ => visitor.visit_i128(*whole),
            },
            Value::Real(real) => visitor.visit_f64(*real),
            Value::Truth(truth) => visitor.visit_bool(*truth),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Table(entries) => visitor.visit_map(Entries { rest: entries.iter(), entry: None }),
            Value::Typed(text) => match (text.parse(), text.parse(), text.parse()) {
                (Ok(truth), _, _) => visitor.visit_bool(truth),
                (_, Ok(whole), _) => visitor.visit_i64(whole),
                (_, _, Ok(real)) => visitor.visit_f64(real),
                _ => visitor.visit_str(text),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.value {
            Value::Text(text) | Value::Typed(text) => {
                visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(text.as_str()))
            }
            Value::Table(entries) if entries.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(Entries { rest: entries.iter(), entry: None }))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.value {
            // serde would read a list as the fields of a struct in their order.
            Value::List(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    wanted_from_text! {
        deserialize_bool => visit_bool,
        deserialize_i8 => visit_i64,
        deserialize_i16 => visit_i64,
        deserialize_i32 => visit_i64,
        deserialize_i64 => visit_i64,
        deserialize_u8 => visit_u64,
        deserialize_u16 => visit_u64,
        deserialize_u32 => visit_u64,
        deserialize_u64 => visit_u64,
        deserialize_f32 => visit_f64,
        deserialize_f64 => visit_f64,
        deserialize_str => visit_string,
        deserialize_string => visit_string,
    }

    forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, (usize, Node)>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((at, item)) = self.0.next() else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|error| error.inside(Step::Index(*at)))
    }
}

struct Entries<'de> {
    rest: std::slice::Iter<'de, (String, Node)>,
    entry: Option<&'de (String, Node)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.entry = self.rest.next();
        let Some((name, _)) = self.entry else { return Ok(None) };
        let name = StrDeserializer::<Error>::new(name);
        seed.deserialize(name).map(Some).map_err(|error| match error.what {
            What::UnknownKey { .. } | What::MissingKey(_) => error,
            // A key of a map that is not any text (an island id, a number).
            what => Error::from(what).inside(self.step()),
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((_, value)) = self.entry else { return Err(de::Error::custom("a value without a key")) };
        seed.deserialize(value).map_err(|error| error.inside(self.step()))
    }
}

impl Entries<'_> {
    fn step(&self) -> Step {
        Step::Name(self.entry.map(|(name, _)| name.clone()).unwrap_or_default())
    }
}
