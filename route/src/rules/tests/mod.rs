//! Documents: what is taken, what is refused with which words, what is in force when.

mod broken;
mod force;
mod paper;

use super::document::Document;
use super::parse;

/// A document named `shop`.
fn document(text: &str) -> Document {
    parse("shop", text).unwrap_or_else(|broken| panic!("{broken}"))
}

/// Everything a document can say.
const EVERYTHING: &str = include_str!("everything.yaml");
