//! What `highway sdk generate` writes of two interfaces, as it is: `generated.rs` compares it and calls Java by it.
//!
//! It is never edited: where the command writes something else, that stands here.

#[rustfmt::skip]
pub mod interop_service;
#[rustfmt::skip]
pub mod types_service;
