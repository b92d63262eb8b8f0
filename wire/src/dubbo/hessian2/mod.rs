//! Hessian 2 as Dubbo speaks it: skip, read and write.
//!
//! It will hold `Document::read(bytes) -> Result<Document, ReadError>` (an arena of lists, maps and objects, with
//! `root()`, `field(&value, "name")`, `entries(&value)`, `text(&value)`), used for the replies of `getMetadataInfo`.
