//! Highway beside tower: calls as requests of a service, and a layer that puts handlers of HTTP into the scope that their request names.
//!
//! ```text
//!   GET /orders/7                    ┌ ScopeLayer ─────────────────────────┐
//!   highway-target: shanghai    ───▶ │ target      = shanghai              │ ──▶ handler ── orders.call("find", …).await
//!   traceparent: 00-4bf9…-01         │ attachments = traceparent, tracestate│
//!                                    └─────────────────────────────────────┘
//! ```
//!
//! ```
//! use highway_sdk::tower::ScopeLayer;
//! use tower_layer::Layer;
//!
//! # fn f<Handlers>(handlers: Handlers) {
//! // With axum: `Router::new().route(…).layer(ScopeLayer::new())`.
//! let handlers = ScopeLayer::new().target_header("x-island".parse().unwrap()).layer(handlers);
//! # }
//! ```
//!
//! It answers no request itself: where the header names no target, each call that says no nearer one fails with
//! [`CallErrorKind::Target`](crate::CallErrorKind::Target), not sent.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName};
use pin_project_lite::pin_project;
use serde::de::DeserializeOwned;
use tower_layer::Layer;
use tower_service::Service;

use crate::args::Args;
use crate::call::{Call, Calling};
use crate::error::CallError;
use crate::scope::{self, Scope};
use crate::target::Target;
use crate::trace_context;

/// The header that names the target, if nothing else is said.
pub const TARGET_HEADER: HeaderName = HeaderName::from_static("highway-target");

/// Makes calls: a service of tower whose requests are [`Call`]s, for layers around them (limits, retries, …).
///
/// It is always ready: what is too much ends at once in [`CallErrorKind::Busy`](crate::CallErrorKind::Busy). Repeat what was not sent;
/// of all else nobody knows whether it may run twice ([`CallError::outcome`]).
///
/// ```no_run
/// use highway_sdk::tower::Caller;
/// use tower_service::Service as _;
///
/// # async fn f(orders: highway_sdk::Service) -> Result<(), highway_sdk::CallError> {
/// let paid: bool = Caller.call(orders.call("isPaid", (7_i64,))).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller;

impl<A: Args, R: DeserializeOwned> Service<Call<A, R>> for Caller {
    type Response = R;
    type Error = CallError;
    type Future = Calling<R>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call<A, R>) -> Calling<R> {
        call.into_future()
    }
}

/// Puts the calls of HTTP handlers into the scope that their request names: the target of a header, and its W3C trace context
/// (`traceparent`, `tracestate`) as attachments of the same names, by which gateways and providers know it.
///
/// Whoever may send requests may then choose the island. Where that is wrong, [`ScopeLayer::without_target`].
#[derive(Debug, Clone)]
pub struct ScopeLayer {
    target_header: Option<HeaderName>,
}

impl ScopeLayer {
    /// With the header [`TARGET_HEADER`].
    #[must_use]
    pub fn new() -> Self {
        Self { target_header: Some(TARGET_HEADER) }
    }

    /// With this header in its place.
    #[must_use]
    pub fn target_header(mut self, name: HeaderName) -> Self {
        self.target_header = Some(name);
        self
    }

    /// No request says a target.
    #[must_use]
    pub fn without_target(mut self) -> Self {
        self.target_header = None;
        self
    }

    fn scope(&self, headers: &HeaderMap) -> Scope {
        let mut scope = scope::current();
        if let Some(header) = &self.target_header
            && let Some(name) = joined(headers, header)
        {
            scope.target = Some(Target::new(&name));
        }
        let parent = joined(headers, &HeaderName::from_static(trace_context::PARENT));
        let state = joined(headers, &HeaderName::from_static(trace_context::STATE));
        match trace_context::attachments(parent, state) {
            Some(trace) => scope.and(trace),
            None => scope,
        }
    }
}

impl Default for ScopeLayer {
    fn default() -> Self {
        Self::new()
    }
}

/// All values of a header as one, as HTTP defines it.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(","))
}

impl<S> Layer<S> for ScopeLayer {
    type Service = Scoped<S>;

    fn layer(&self, inner: S) -> Scoped<S> {
        Scoped { inner, layer: self.clone() }
    }
}

/// What a [`ScopeLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct Scoped<S> {
    inner: S,
    layer: ScopeLayer,
}

impl<S: Service<http::Request<B>>, B> Service<http::Request<B>> for Scoped<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = ScopedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let scope = self.layer.scope(request.headers());
        let _here = scope::enter(scope.clone());
        ScopedFuture { scope, inner: self.inner.call(request) }
    }
}

pin_project! {
    /// The answer of a [`Scoped`] service.
    pub struct ScopedFuture<F> {
        scope: Scope,
        #[pin]
        inner: F,
    }
}

impl<F: Future> Future for ScopedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _here = scope::enter(this.scope.clone());
        this.inner.poll(context)
    }
}

impl<F> fmt::Debug for ScopedFuture<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ScopedFuture").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tower_tests.rs"]
mod tests;
