//! Rules in documents: read from YAML, compared, checked against what they expect, and put in force.
//!
//! ```text
//!  text ─ parse ─▶ Document ─┐                        ┌─ next_change: make them anew then
//!  text ─ parse ─▶ Document ─┴─ Rules::new(…, now) ─▶ Rules ─ reads: what belongs into a cache's key
//!                     │                               └─▶ Known::rules of a snapshot ─▶ decide
//!                     ├─ Rulebook: of many documents the last good text of each
//!                     ├─ difference ─▶ sentences for the log
//!                     ├─ check ─▶ what does not come out as the document expects
//!                     └─ shadowed, Surroundings ─▶ what looks odd
//! ```
//!
//! Nothing here reads a file, a clock or a config center.

mod book;
mod compiled;
mod difference;
mod document;
mod expect;
mod meant;
mod read;
mod read_expect;
mod reader;
mod reads;
mod values;
mod warnings;
mod yaml;

pub use book::{Center, Kept, Observed, Rulebook, ShownDocument};
pub use compiled::{Rules, TooMany};
pub use difference::difference;
pub use document::{Broken, Document, Mistake};
pub use expect::{Unmet, check};
pub use read::{DOCUMENT_MAX_LEN, RULES_MAX, is_document_name, parse};
pub use reads::Reads;
pub use warnings::{Surroundings, Warning, shadowed};

pub(crate) use compiled::{Meant, Stop};
pub(crate) use document::{Act, Rule};

/// The JSON schema of a document, for editors. What [`parse`] takes is the truth, to which `tests/schema.rs` holds it.
pub const SCHEMA: &str = include_str!("../../../docs/rules.schema.json");

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
