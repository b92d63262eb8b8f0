//! Dubbo frames against the real thing: golden frames of six releases, damaged bytes, and what a hostile peer might send.
//!
//! One test binary; a file a subject.
#![allow(clippy::unwrap_used)] // all of it is tests, also what stands outside `#[test]` functions

mod attachments;
mod calls;
mod damaged;
mod encodings;
mod golden;
mod hessian2;
mod inner_path;
mod pull;
mod replies;
mod rewriting;
mod samples;
