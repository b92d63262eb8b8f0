//! The attribute of `highway-sdk` that makes a typed client of a trait, and what serves the trait. Use it from there.
//!
//! ```text
//!   #[service("com.acme.Greeter")]   Interface   what is said of the service
//!   trait Greeter { … }              Trait       its methods, each checked: every mistake is told at once
//!                                      ├─ as it was, its futures `Send`
//!                                      ├─ GreeterClient   each method gives a Call; implements the trait
//!                                      └─ GreeterServer   with the word `serve`
//! ```
//!
//! It looks at words alone: what a type is beyond its name it never learns.

mod client;
mod declared;
mod interface;
mod java_type;
mod method;
mod rust_type;
mod server;

use proc_macro::TokenStream;

/// Makes a typed client of a trait: documented as `highway_sdk::service`.
#[proc_macro_attribute]
pub fn service(said: TokenStream, of: TokenStream) -> TokenStream {
    declared::expand(said.into(), of.into()).unwrap_or_else(|mistakes| mistakes.into_compile_error()).into()
}
