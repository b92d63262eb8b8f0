//! The references that cases call on: one of each kind to each provider, made when a case first wants it.
//!
//! A provider's services are in the group and the version that are its name, so either of them finds it alone.

use std::time::Duration;

use super::{ASYNC, TYPES};
use lab::peer::{GREETING, INTEROP, Refer};

/// Longer than any call takes, on a machine that is busy.
const PATIENT: Duration = Duration::from_secs(20);
/// Of `slow`, which takes longer in the case that calls it.
const IMPATIENT: Duration = Duration::from_millis(800);

/// Of `make`, whose answer some providers do not send if it is too large, without a word.
const LARGE: Duration = Duration::from_secs(6);

/// What a reference is made for; in the peer it is called `name@provider`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `types`: to the service of all types.
    Types,
    /// `interop`: `note` is one-way, `later` is called without waiting for the answer, `slow` times out, and `make` before long.
    Interop,
    /// `unsent`: one-way, and the caller does not even wait until the call is sent.
    Unsent,
    /// `async`: methods that return futures.
    Async,
    /// `greeting`: by group and version.
    Greeting,
    /// `any-group`: by version, in group `*`.
    AnyGroup,
    /// `any-version`: by group, in version `*`.
    AnyVersion,
    /// Generic calls: `generic`, `nativejava`, `bean`, `raw.return`, `protobuf-json`.
    Generic(&'static str),
}

impl Kind {
    /// The reference to a provider of this name.
    #[must_use]
    pub fn refer(self, provider: &str) -> Refer {
        let named = |kind: &str, interface| {
            let refer = Refer::new(&format!("{kind}@{provider}"), interface).group(provider).version(provider);
            // Nobody is to be asked twice for a thing, and a provider in the same process is to be called as any other.
            refer.timeout(PATIENT).retries(0).unchecked().remote()
        };
        match self {
            Kind::Types => named("types", TYPES),
            Kind::Interop => {
                let interop = named("interop", INTEROP).one_way("note").later("later");
                interop.timeout_of("slow", IMPATIENT).timeout_of("make", LARGE)
            }
            Kind::Unsent => named("unsent", INTEROP).one_way("note").unsent("note"),
            Kind::Async => named("async", ASYNC),
            Kind::Greeting => named("greeting", GREETING),
            Kind::AnyGroup => named("any-group", GREETING).group("*"),
            Kind::AnyVersion => named("any-version", GREETING).version("*"),
            Kind::Generic("true") => named("generic", INTEROP).generic(),
            Kind::Generic(kind) => named(kind, INTEROP).generic_kind(kind),
        }
    }
}
