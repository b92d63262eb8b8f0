//! What is counted on the path of a call, and what a shard says of itself when asked.
//!
//! Labels are fixed words; a caller's text is never one.

use std::time::Duration;

use chassis::metrics::{CALL_BOUNDS, Counter, Gauge, Gauges, Histogram, Histograms, Metrics};
use client::ProviderStatus;
use serde::Serialize;
use tunnel::HubStatus;
use wire::tunnel::failure::{Failure, Kind, Outcome};

/// The counters of one shard.
#[derive(Debug)]
pub struct Counters {
    answered: Counter,
    one_way: Counter,
    failed: Vec<[Counter; 3]>,
    /// Answers that found nobody waiting.
    pub late: Counter,
    /// Calls whose consumer went away first.
    pub abandoned: Counter,
    /// Calls that were sent a second time.
    pub resent: Counter,
    /// Calls that were handed to providers of this island.
    pub local: Counter,
    /// Connections of consumers.
    pub connections: Gauge,
    /// Connections of consumers that came with TLS.
    pub secured: Counter,
    /// Connections that were closed because there were too many.
    pub refused: Counter,
    /// Connections that were closed because `egress.allow` does not have their address.
    pub strangers: Counter,
    /// Calls that wait for an answer.
    pub in_flight: Gauge,
    /// Bytes of frames from consumers.
    pub bytes_in: Counter,
    /// Bytes of frames to consumers.
    pub bytes_out: Counter,
    took: Histogram,
}

/// What the counters of all shards belong to; made once a process.
#[derive(Debug, Clone)]
pub struct Families {
    calls: chassis::metrics::Counters,
    connections: Gauges,
    secured: chassis::metrics::Counters,
    refused: chassis::metrics::Counters,
    strangers: chassis::metrics::Counters,
    late: chassis::metrics::Counters,
    abandoned: chassis::metrics::Counters,
    resent: chassis::metrics::Counters,
    local: chassis::metrics::Counters,
    in_flight: Gauges,
    bytes: chassis::metrics::Counters,
    took: Histograms,
}

impl Families {
    /// Registers them.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let count = |name, help| metrics.counters(name, help, &[]);
        Self {
            calls: metrics.counters(
                "highway_egress_calls_total",
                "Calls of consumers by how they ended; kind is empty for answered and one-way calls",
                &["outcome", "kind"],
            ),
            connections: metrics.gauges("highway_egress_connections", "Connections of consumers", &[]),
            secured: count("highway_egress_tls_connections_total", "Connections of consumers that came with TLS"),
            refused: count("highway_egress_refused_connections_total", "Connections over limits.connections"),
            strangers: count(
                "highway_egress_refused_addresses_total",
                "Connections from addresses that egress.allow does not have",
            ),
            late: count("highway_egress_late_answers_total", "Answers that nobody waited for any more"),
            abandoned: count("highway_egress_abandoned_calls_total", "Calls whose consumer went away first"),
            resent: count("highway_egress_resent_calls_total", "Calls that were not sent and tried again"),
            local: count("highway_egress_local_calls_total", "Calls that were handed to providers of this island"),
            in_flight: metrics.gauges("highway_egress_in_flight", "Calls that wait for an answer", &[]),
            bytes: metrics.counters("highway_egress_bytes_total", "Bytes of Dubbo frames", &["direction"]),
            took: metrics.histograms(
                "highway_egress_call_seconds",
                "From a request's header to its answer, as this gateway saw it",
                &[],
                CALL_BOUNDS,
            ),
        }
    }
}

impl Counters {
    /// The counters of one more shard.
    #[must_use]
    pub fn new(families: &Families) -> Self {
        let of_kind = |kind: &Kind| {
            let (kind, calls) = (kind.to_string(), &families.calls);
            [Outcome::NotSent, Outcome::Unknown, Outcome::Executed]
                .map(|outcome| calls.own(&[&outcome.to_string(), &kind]))
        };
        Self {
            answered: families.calls.own(&["answered", ""]),
            one_way: families.calls.own(&["one-way", ""]),
            failed: Kind::ALL.iter().map(of_kind).collect(),
            late: families.late.own(&[]),
            abandoned: families.abandoned.own(&[]),
            resent: families.resent.own(&[]),
            local: families.local.own(&[]),
            connections: families.connections.own(&[]),
            secured: families.secured.own(&[]),
            refused: families.refused.own(&[]),
            strangers: families.strangers.own(&[]),
            in_flight: families.in_flight.own(&[]),
            bytes_in: families.bytes.own(&["in"]),
            bytes_out: families.bytes.own(&["out"]),
            took: families.took.own(&[]),
        }
    }

    /// A call was answered by its provider, `took` after it had come.
    pub fn answered(&self, took: Duration, frame_len: usize) {
        self.answered.add(1);
        self.bytes_out.add(frame_len as u64);
        self.took.record(took);
    }

    /// A one-way call was passed on.
    pub fn one_way(&self) {
        self.one_way.add(1);
    }

    /// A call ended in a failure.
    pub fn failed(&self, failure: &Failure) {
        let at = match failure.outcome {
            Outcome::NotSent => 0,
            Outcome::Unknown => 1,
            Outcome::Executed => 2,
        };
        let kind = Kind::ALL.iter().position(|kind| *kind == failure.kind);
        if let Some(counter) = kind.and_then(|kind| self.failed.get(kind)) {
            counter[at].add(1);
        }
    }

    /// Calls that were answered, by their providers or by a handler.
    #[must_use]
    pub fn answered_calls(&self) -> u64 {
        self.answered.get()
    }

    /// Calls that ended in a failure.
    #[must_use]
    pub fn failed_calls(&self) -> u64 {
        self.failed.iter().flatten().map(Counter::get).sum()
    }
}

/// What one shard says of itself.
#[derive(Debug, Serialize)]
pub struct ShardStatus {
    /// Its number.
    pub shard: usize,
    /// The chain of handlers, in their order.
    pub handlers: Vec<String>,
    /// Connections of consumers.
    pub connections: i64,
    /// Calls that wait for an answer.
    pub in_flight: usize,
    /// Calls that wait for a link.
    pub waiting_for_a_link: usize,
    /// Calls that were answered, by their providers or by a handler.
    pub answered: u64,
    /// Calls that ended in a failure.
    pub failed: u64,
    /// Decisions in the cache.
    pub cached_decisions: usize,
    /// Links to hubs.
    pub hubs: Vec<HubStatus>,
    /// Providers of this island that were called.
    pub local_providers: Vec<ProviderStatus>,
}
