//! What the hub counts. Owned by its shard, summed when scraped; never a caller's text as a label.

use std::time::Duration;

use chassis::metrics::tally::Tally;
use chassis::metrics::{CALL_BOUNDS, Counter, Histogram, Metrics};

use crate::audit::Outcome;

/// The counters of the hub's shard.
pub struct Counts {
    calls: Vec<(Outcome, Counter)>,
    time: Histogram,
    request_len: Counter,
    reply_len: Counter,
    forgeries: Counter,
}

const OUTCOMES: [(Outcome, &str); 7] = [
    (Outcome::Replied, "replied"),
    (Outcome::Sent, "sent"),
    (Outcome::Refused, "refused"),
    (Outcome::Failed, "failed"),
    (Outcome::Forged, "forged"),
    (Outcome::Cancelled, "cancelled"),
    (Outcome::TimedOut, "timed_out"),
];

impl Counts {
    /// Counters of one shard in `metrics`.
    pub fn new(metrics: &Metrics) -> Counts {
        let calls = metrics.counters("highway_hub_calls_total", "Calls by how they ended.", &["outcome"]);
        let time = metrics.histograms(
            "highway_hub_call_seconds",
            "From a call's arrival at the hub to its end.",
            &[],
            CALL_BOUNDS,
        );
        let bytes = metrics.counters("highway_hub_body_bytes_total", "Bytes of bodies that passed.", &["direction"]);
        let forgeries = metrics.counters(
            "highway_hub_forgeries_total",
            "Frames that contradicted their head, as ingresses reported them.",
            &[],
        );
        Counts {
            calls: OUTCOMES.iter().map(|(outcome, name)| (*outcome, calls.own(&[name]))).collect(),
            time: time.own(&[]),
            request_len: bytes.own(&["request"]),
            reply_len: bytes.own(&["reply"]),
            forgeries: forgeries.own(&[]),
        }
    }

    /// One call has ended.
    pub fn call(&self, outcome: Outcome, time: Duration, request_len: u64, reply_len: u64) {
        if let Some((_, counter)) = self.calls.iter().find(|(one, _)| *one == outcome) {
            counter.add(1);
        }
        self.time.record(time);
        self.request_len.add(request_len);
        self.reply_len.add(reply_len);
    }

    /// The same, where it is kept by names.
    pub fn tally(tally: &Tally, outcome: Outcome, time: Duration) {
        match outcome {
            Outcome::Replied => tally.answered(time),
            Outcome::Sent | Outcome::Cancelled => tally.ended(),
            Outcome::Refused | Outcome::Failed | Outcome::Forged | Outcome::TimedOut => tally.failed(),
        }
    }

    /// An ingress reported a forgery.
    pub fn forgery(&self) {
        self.forgeries.add(1);
    }
}
