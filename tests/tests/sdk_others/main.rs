//! The SDK's hessian2 against other implementations: Caucho's Hessian, of which hessian-lite is a copy, with the tests that it brings for all
//! others; and hessian.js, which Node services call Dubbo with.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod caucho;
mod edges;
mod javascript;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
