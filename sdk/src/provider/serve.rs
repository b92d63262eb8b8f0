//! What runs calls: a closure, or anything else that says which methods it has. Traits that a macro implements stand on it.
//!
//! It never sees a frame and never answers twice: its future's result is the answer.

use std::future::Future;
use std::pin::Pin;

use serde::Serialize;

use super::answer::Answer;
use super::{Invocation, Method, Thrown};

/// How a call ends.
pub type Outcome = Pin<Box<dyn Future<Output = Result<Answer, Thrown>> + Send>>;

/// Something that has methods and runs calls of them.
pub trait Serve: Send + Sync + 'static {
    /// The methods, in an order that stays.
    fn methods(&self) -> Vec<Method>;

    /// Runs a call of the method at `index` of [`Serve::methods`]. The future is dropped when the consumer goes away before it is done.
    fn call(&self, index: usize, call: Invocation) -> Outcome;
}

/// One method that is a closure.
pub(super) struct Closure<F> {
    method: Method,
    handler: F,
}

impl<F> Closure<F> {
    pub(super) const fn new(method: Method, handler: F) -> Self {
        Self { method, handler }
    }
}

impl<F, Fut, R> Serve for Closure<F>
where
    F: Fn(Invocation) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Thrown>> + Send + 'static,
    R: Serialize,
{
    fn methods(&self) -> Vec<Method> {
        vec![self.method.clone()]
    }

    fn call(&self, _: usize, call: Invocation) -> Outcome {
        let codec = call.codec();
        let running = (self.handler)(call);
        Box::pin(async move { Answer::of(codec, &running.await?) })
    }
}
