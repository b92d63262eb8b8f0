//! What one shard counts, for `/metrics`. Names and labels are fixed here; no label ever comes from a call.

use std::time::Duration;

use chassis::metrics::{CALL_BOUNDS, Counter, Counters, Gauge, Gauges, Histogram, Histograms, Metrics};
use wire::tunnel::Kind;

/// The families, made once a process.
#[derive(Clone)]
pub struct Families {
    calls: Counters,
    in_flight: Gauges,
    links: Gauges,
    provider: Histograms,
    bytes: Counters,
}

impl Families {
    /// Registers every name.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            calls: metrics.counters("highway_ingress_calls_total", "Calls by how they ended here", &["outcome"]),
            in_flight: metrics.gauges("highway_ingress_calls_in_flight", "Calls that providers have not answered", &[]),
            links: metrics.gauges("highway_ingress_links", "Links to hubs that are up", &[]),
            provider: metrics.histograms(
                "highway_ingress_provider_seconds",
                "From a call's being handed to the provider's connection to its answer",
                &[],
                CALL_BOUNDS,
            ),
            bytes: metrics.counters("highway_ingress_bytes_total", "Bytes of whole Dubbo frames", &["direction"]),
        }
    }

    /// The cells of one shard.
    #[must_use]
    pub fn of_shard(&self) -> Meters {
        Meters {
            answered: self.calls.own(&["answered"]),
            one_way: self.calls.own(&["one way"]),
            cancelled: self.calls.own(&["cancelled"]),
            failed: Kind::ALL.iter().map(|kind| (*kind, self.calls.own(&[&kind.to_string()]))).collect(),
            in_flight: self.in_flight.own(&[]),
            links: self.links.own(&[]),
            provider: self.provider.own(&[]),
            bytes_in: self.bytes.own(&["request"]),
            bytes_out: self.bytes.own(&["reply"]),
        }
    }
}

/// One shard's cells.
pub struct Meters {
    answered: Counter,
    one_way: Counter,
    cancelled: Counter,
    failed: Vec<(Kind, Counter)>,
    in_flight: Gauge,
    links: Gauge,
    provider: Histogram,
    bytes_in: Counter,
    bytes_out: Counter,
}

impl Meters {
    /// A call's frame has come.
    pub fn arrived(&self, frame_len: usize) {
        self.bytes_in.add(frame_len as u64);
    }

    /// A provider's answer has gone back.
    pub fn answered(&self, frame_len: usize, took: Duration) {
        self.answered.add(1);
        self.bytes_out.add(frame_len as u64);
        self.provider.record(took);
    }

    /// A one-way call was handed to a provider.
    pub fn one_way(&self) {
        self.one_way.add(1);
    }

    /// The caller has lost interest.
    pub fn cancelled(&self) {
        self.cancelled.add(1);
    }

    /// A call has ended in a failure.
    pub fn failed(&self, kind: Kind) {
        if let Some((_, counter)) = self.failed.iter().find(|(known, _)| *known == kind) {
            counter.add(1);
        }
    }

    /// Calls on their way.
    pub fn in_flight(&self, count: usize) {
        self.in_flight.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Links that are up.
    pub fn links(&self, count: usize) {
        self.links.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

/// Adds what the pools of all shards count to the page.
pub fn add_pools(metrics: &Metrics, pools: Vec<std::sync::Arc<client::Counts>>) {
    type Read = fn(&client::Counts) -> &client::Count;
    const COUNTS: [(&str, &str, Read); 15] = [
        ("highway_provider_connected_total", "Connections to providers that came about", |c| &c.connected),
        ("highway_provider_connect_failed_total", "Attempts to connect to a provider that failed", |c| {
            &c.connect_failed
        }),
        ("highway_provider_disconnected_total", "Connections to providers that ended", |c| &c.disconnected),
        ("highway_provider_ejections_total", "Providers left out for a while because they failed", |c| &c.ejected),
        ("highway_provider_readmissions_total", "Providers that were left out and answer again", |c| &c.readmitted),
        ("highway_provider_probes_total", "Calls sent to a provider that was left out, to see", |c| &c.probes),
        ("highway_provider_heartbeats_total", "Heartbeats sent to silent providers", |c| &c.heartbeats),
        ("highway_provider_sent_total", "Calls appended to a provider's connection", |c| &c.sent),
        ("highway_provider_waited_total", "Calls that waited for a connection", |c| &c.waited),
        ("highway_provider_deadlines_passed_total", "Calls unanswered at their deadline", |c| &c.deadlines_passed),
        ("highway_provider_lost_unsent_total", "Calls lost with a connection before they were written", |c| {
            &c.lost_unsent
        }),
        ("highway_provider_lost_unknown_total", "Calls lost with a connection after they were written", |c| {
            &c.lost_unknown
        }),
        ("highway_provider_unknown_answers_total", "Answers to no pending call, dropped: late or made up", |c| {
            &c.unknown_answers
        }),
        ("highway_provider_answers_skipped_total", "Answers that were too long or found no room", |c| {
            &c.answers_skipped
        }),
        ("highway_provider_reverse_calls_total", "Requests from a provider's side, refused", |c| &c.reverse_calls),
    ];
    metrics.source(move |page| {
        for (name, help, read) in COUNTS {
            page.counter(name, help, &[], pools.iter().map(|counts| read(counts).get()).sum());
        }
    });
}
