//! What is said of calls at each level; the nearest word counts.
//!
//! ```text
//!   call ─ task or thread (target and attachments alone) ─ method ─ service ─ process ─ what the provider says of itself ─ Dubbo's own default
//! ```

use std::time::Duration;

use wire::dubbo::frame::Codec;

use crate::reply::Attachments;
use crate::scope::Scope;
use crate::target::{NotATarget, Target};

/// A consumer that says nothing waits so long. Source: `CommonConstants.DEFAULT_TIMEOUT` of apache/dubbo.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// What is said of calls, as far as it is.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) repeats: Option<u32>,
    pub(crate) target: Option<Result<Target, NotATarget>>,
    pub(crate) attachments: Attachments,
    pub(crate) codec: Option<Codec>,
}

impl CallOptions {
    /// Nothing is said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long its caller waits, 24 days at most and each time where a call is made again. Zero is none: then it is the longest that its
    /// providers say of themselves in the registry, else a second; and as long as its registry was not read, which is when
    /// a process starts, a call has up to five seconds for that before.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How often a call is made again of which nobody knows whether it ran: only for methods that do no harm twice. What was not sent
    /// goes to another provider anyway.
    #[must_use]
    pub fn repeats(mut self, repeats: u32) -> Self {
        self.repeats = Some(repeats);
        self
    }

    /// Where calls go: an island, or `local`. A name that is none fails each call.
    #[must_use]
    pub fn target(mut self, target: &str) -> Self {
        self.target = Some(Target::new(target));
        self
    }

    /// An attachment of each call.
    #[must_use]
    pub fn attachment(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.attachments.insert(key.into(), value.into());
        self
    }

    /// What arguments are written in. By default it is hessian2, which every provider reads that does not say otherwise in the registry,
    /// and fastjson2 for those that say they read no hessian2: an argument that has no form in what is read fails its call
    /// ([`CallErrorKind::Serialization`](crate::CallErrorKind::Serialization)). Where a provider's address was given nobody says it but this, and
    /// what this says is sent whatever is read.
    #[must_use]
    pub fn serialization(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// Where these are silent, what the code around says.
    pub(crate) fn add_scope(&mut self, scope: Scope) {
        self.target = self.target.take().or(scope.target);
        for (key, value) in scope.attachments.iter().flat_map(|all| &**all) {
            self.attachments.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }

    /// Where these are silent, those.
    pub(crate) fn add(&mut self, farther: &Self) {
        self.timeout = self.timeout.or(farther.timeout);
        self.repeats = self.repeats.or(farther.repeats);
        self.codec = self.codec.or(farther.codec);
        if self.target.is_none() {
            self.target.clone_from(&farther.target);
        }
        for (key, value) in &farther.attachments {
            self.attachments.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}
