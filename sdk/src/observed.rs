//! What others see of a call: a span of `tracing`, and with feature `metrics` its figures.
//!
//! ```text
//!   debug span `call`, target `highway_sdk`
//!     otel.name    com.acme.Greeter/greet   with otel.kind = client and rpc.system = apache_dubbo: what exporters of OpenTelemetry read
//!     rpc.service  com.acme.Greeter         with group and version
//!     rpc.method   greet
//!     highway.target   shanghai             where one was said
//!     server.address   10.0.0.7:20880       who answered: a provider, or the gateway in front of it
//!     highway.outcome  answered             answered, exception, executed, unknown, not_sent; given_up where nobody waited to the end
//!     otel.status_code ERROR                of every outcome but `answered`
//! ```
//!
//! It never sees an argument or an answer, and costs a compare where nobody listens.
//! Source of names: the semantic conventions of OpenTelemetry for RPC.

use client::Endpoint;
use tracing::Span;
use tracing::field::{Empty, Value, display};
use zk_bridge::ServiceKey;

use crate::error::{CallError, Outcome};
#[cfg(feature = "metrics")]
use crate::figures::Figures;
use crate::target::Target;

/// A call from its beginning to its end, or until nobody waits for it any more.
pub(crate) struct Observed {
    span: Span,
    #[cfg(feature = "metrics")]
    figures: Figures,
    has_ended: bool,
}

impl Observed {
    /// A call begins.
    pub fn new(service: &ServiceKey, method: &str) -> Self {
        let span = tracing::debug_span!(
            target: "highway_sdk",
            "call",
            otel.name = %format_args!("{service}/{method}"),
            otel.kind = "client",
            rpc.system = "apache_dubbo",
            rpc.service = %service,
            rpc.method = method,
            highway.target = Empty,
            server.address = Empty,
            highway.outcome = Empty,
            otel.status_code = Empty,
        );
        Self {
            span,
            #[cfg(feature = "metrics")]
            figures: Figures::new(service, method),
            has_ended: false,
        }
    }

    /// Where it goes.
    pub fn target(&self, target: &Target) {
        self.record("highway.target", display(target));
    }

    /// Does something of which the call is the current span.
    pub fn within<T>(&self, does: impl FnOnce() -> T) -> T {
        self.span.in_scope(does)
    }

    /// Somebody answered.
    pub fn answered_by(&self, provider: &Endpoint) {
        self.record("server.address", display(provider));
    }

    /// The call has ended, well or with this error.
    pub fn ended(&mut self, error: Option<&CallError>) {
        self.end(match error {
            None => "answered",
            Some(error) if error.exception().is_some() => "exception",
            Some(error) => match error.outcome() {
                Outcome::NotSent => "not_sent",
                Outcome::Unknown => "unknown",
                Outcome::Executed => "executed",
            },
        });
    }

    fn record(&self, field: &str, value: impl Value) {
        if !self.span.is_disabled() {
            self.span.record(field, value);
        }
    }

    fn end(&mut self, outcome: &'static str) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        #[cfg(feature = "metrics")]
        self.figures.end(outcome);
        self.record("highway.outcome", outcome);
        if outcome != "answered" {
            self.record("otel.status_code", "ERROR");
        }
        // What keeps the ended call does not keep its span open.
        self.span = Span::none();
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.end("given_up");
    }
}
