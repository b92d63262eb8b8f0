//! What `/status` says: one JSON object whose fields come from registered sources.
//!
//! A source that has to ask a shard is a future; one that does not answer in time is named as such, and the others are
//! still told. Never a secret: sources choose what they show.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

/// How long one source may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

type Answer = Pin<Box<dyn Future<Output = Value> + Send>>;
type Source = Arc<dyn Fn() -> Answer + Send + Sync>;

/// All sources of a process; clones are the same.
#[derive(Clone, Default)]
pub struct Status {
    sources: Arc<Mutex<BTreeMap<String, Source>>>,
}

impl Status {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A field that is computed at once. A second source of one name takes the place of the first.
    pub fn source<T: Serialize>(&self, name: impl Into<String>, read: impl Fn() -> T + Send + Sync + 'static) {
        self.ask(name, move || std::future::ready(in_json(&read())));
    }

    /// A field that has to be asked for.
    pub fn ask<F>(&self, name: impl Into<String>, ask: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Value> + Send + 'static,
    {
        let source: Source = Arc::new(move || Box::pin(ask()) as Answer);
        locked(&self.sources).insert(name.into(), source);
    }

    /// The object.
    pub async fn report(&self) -> Value {
        // All are asked before the first is waited for.
        let asked: Vec<_> = locked(&self.sources).iter().map(|(name, ask)| (name.clone(), ask())).collect();
        let until = tokio::time::Instant::now() + ANSWER_WITHIN;
        let mut report = Map::new();
        for (name, answer) in asked {
            let value = tokio::time::timeout_at(until, answer).await;
            report.insert(name, value.unwrap_or_else(|_| serde_json::json!({ "error": "no answer in time" })));
        }
        Value::Object(report)
    }
}

fn in_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }))
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(locked(&self.sources).keys()).finish()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn every_source_is_a_field() {
        let status = Status::new();
        status.source("links", || vec!["hub-1"]);
        status.ask("shards", || async { json!(2) });
        assert_eq!(status.report().await, json!({ "links": ["hub-1"], "shards": 2 }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_source_does_not_keep_the_others() {
        let status = Status::new();
        status.ask("a", std::future::pending);
        status.source("b", || 1);
        assert_eq!(status.report().await, json!({ "a": { "error": "no answer in time" }, "b": 1 }));
    }
}
