//! Figures of calls for whatever recorder of `metrics` the process has.
//!
//! ```text
//!   highway_sdk_calls_in_hand                                    gauge: calls that have not ended
//!   highway_sdk_call_duration_seconds{service, method, outcome}  histogram; its count is the number of calls
//! ```
//!
//! Outcomes are those of the span. Labels are what the program's own code names, never what comes from outside.

use std::time::Instant;

use metrics::{Unit, gauge, histogram};
use zk_bridge::ServiceKey;

const IN_HAND: &str = "highway_sdk_calls_in_hand";
const DURATION: &str = "highway_sdk_call_duration_seconds";

/// Tells the recorder what the figures are.
pub(crate) fn describe() {
    metrics::describe_gauge!(IN_HAND, Unit::Count, "calls that have not ended");
    metrics::describe_histogram!(DURATION, Unit::Seconds, "from the beginning of a call to its end, by outcome");
}

/// The figures of one call.
pub(crate) struct Figures {
    service: String,
    method: String,
    began: Instant,
}

impl Figures {
    pub fn new(service: &ServiceKey, method: &str) -> Self {
        gauge!(IN_HAND).increment(1.0);
        Self { service: service.to_string(), method: method.to_owned(), began: Instant::now() }
    }

    /// The call has ended. Once.
    pub fn end(&mut self, outcome: &'static str) {
        gauge!(IN_HAND).decrement(1.0);
        let (service, method) = (std::mem::take(&mut self.service), std::mem::take(&mut self.method));
        histogram!(DURATION, "service" => service, "method" => method, "outcome" => outcome)
            .record(self.began.elapsed().as_secs_f64());
    }
}
