//! What `highway sdk generate` writes of two interfaces, as it is: `generated.rs` compares it and calls Java by it. `odd_service.rs` is what it
//! writes of names that Rust has not (`cli/src/sdk/samples/odd.json`), to be compiled without a warning.
//!
//! It is never edited: where the command writes something else, that stands here.

#[rustfmt::skip]
pub mod interop_service;
#[rustfmt::skip]
#[deny(warnings)]
#[allow(
    clippy::enum_variant_names,
    clippy::upper_case_acronyms,
    clippy::wrong_self_convention,
    reason = "the names are Java's, and the compiler's own warnings count"
)]
pub mod odd_service;
#[rustfmt::skip]
pub mod types_service;
