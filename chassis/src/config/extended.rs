//! The file of a program that is built on another one: what that one reads, and one section more at the top level.
//!
//! ```text
//!  [island] … [egress] … [import] …   ─▶ program: R, as if the section were not there
//!  [answers]                          ─▶ section: S, under S::NAME
//! ```
//!
//! Mistakes are told as in any file: with their lines, all at once. It never hides a section of the program's own.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};

/// A section of a configuration file.
pub trait Section: DeserializeOwned + Default {
    /// Its name at the top level of the file. One that the extended program has itself is never seen by that program.
    const NAME: &'static str;
}

/// What was typed for a program, and one more section.
#[derive(Debug, Default)]
pub struct Extended<R, S> {
    /// All the other sections.
    pub program: R,
    /// The one more; its default where the file does not have it.
    pub section: S,
}

impl<'de, R: DeserializeOwned, S: Section> Deserialize<'de> for Extended<R, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Both(PhantomData))
    }
}

struct Both<R, S>(PhantomData<(R, S)>);

impl<'de, R: DeserializeOwned, S: Section> Visitor<'de> for Both<R, S> {
    type Value = Extended<R, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut section = None;
        let program = R::deserialize(MapAccessDeserializer::new(Others { map, section: &mut section }))?;
        Ok(Extended { program, section: section.unwrap_or_default() })
    }
}

/// The table without the section, which is read when it comes by.
struct Others<'a, A, S> {
    map: A,
    section: &'a mut Option<S>,
}

impl<'de, A: MapAccess<'de>, S: Section> MapAccess<'de> for Others<'_, A, S> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if key != S::NAME {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            *self.section = Some(self.map.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Mistakes, settle_text};
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Gateway {
        shards: Option<u8>,
        island: Island,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Island {
        id: Option<String>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Answers {
        file: Option<String>,
    }

    impl Section for Answers {
        const NAME: &'static str = "answers";
    }

    fn read(text: &str) -> Result<Extended<Gateway, Answers>, String> {
        let settle = |raw: Extended<Gateway, Answers>, _: &mut Mistakes| Some(raw);
        settle_text(Path::new("a.toml"), text, &[], settle)
            .map(|settled| settled.config)
            .map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn each_reads_its_own_wherever_the_section_stands() {
        for text in [
            "shards = 2\n[answers]\nfile = \"f\"\n[island]\nid = \"i\"",
            "shards = 2\n[island]\nid = \"i\"\n[answers]\nfile = \"f\"",
        ] {
            let read = read(text).unwrap();
            assert_eq!((read.program.shards, read.program.island.id.as_deref()), (Some(2), Some("i")));
            assert_eq!(read.section.file.as_deref(), Some("f"));
        }
    }

    #[test]
    fn a_file_without_the_section_has_its_default() {
        assert!(read("shards = 2").unwrap().section.file.is_none());
    }

    #[test]
    fn mistakes_of_both_are_told_with_their_lines() {
        let told =
            read("shards = 300\n[answers]\nfill = \"f\"\n[island]\nid = 4\nname = \"n\"\n[answer]\n").unwrap_err();
        for wanted in [
            "a.toml:1: shards: found 300, wanted a whole number from 0 to 255",
            "a.toml:3: answers.fill: unknown key, did you mean `answers.file`",
            "a.toml:5: island.id: found 4, wanted a text in quotes",
            "a.toml:6: island.name: unknown key",
            "a.toml:7: answer: unknown key",
        ] {
            assert!(told.contains(wanted), "{wanted}\n{told}");
        }
    }

    #[test]
    fn what_is_no_table_is_said() {
        assert!(read("answers = 7").unwrap_err().contains("a.toml:1: answers: found 7, wanted a table"));
    }
}
