//! Which names are Java's, and the names by which a type of ours asks the codec for what serde has no word for.
//!
//! It never leaves this crate: other formats see the same values under these names.

/// A date, milliseconds since 1970.
pub(crate) const DATE: &str = "java.util.Date";
/// Any value at all.
pub(crate) const VALUE: &str = "$highway.Value";
/// A list: its type or nothing, then its items.
pub(crate) const LIST: &str = "$highway.List";
/// A map: its type or nothing, then keys and values in turn.
pub(crate) const MAP: &str = "$highway.Map";
/// An object: its class, then fields and values in turn.
pub(crate) const OBJECT: &str = "$highway.Object";
/// A plain value of a class: the class, then the value.
pub(crate) const TYPED: &str = "$highway.Typed";
/// The value so many levels above this one.
pub(crate) const ABOVE: &str = "$highway.Above";

/// Whether a serde name names a Java class or array: `com.acme.Order`, `[int`.
pub(crate) fn is_java(name: &str) -> bool {
    // The first dot stands in front: to look for it byte by byte is quicker than a search for it.
    match name.as_bytes().first() {
        Some(b'[') => true,
        Some(b'$') => false,
        _ => name.bytes().any(|letter| letter == b'.'),
    }
}
