//! Bytes that the links of a process moved and saved, for its metrics. It is raised when links are looked after, never on the path of
//! a call, and knows no link.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The sums of a process; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Traffic(Arc<[AtomicU64; 4]>);

/// Names and meanings, in the order of the sums.
const FIGURES: [(&str, &str); 4] = [
    ("highway_link_sent_bytes_total", "Bytes of records that links have sent, each once"),
    ("highway_link_received_bytes_total", "Bytes of records that links have received, each once"),
    ("highway_link_sent_saved_bytes_total", "Bytes that did not have to be sent: the peer has them from earlier calls"),
    (
        "highway_link_received_saved_bytes_total",
        "Bytes that did not have to come: this end has them from earlier calls",
    ),
];

impl Traffic {
    /// Name, meaning and value of each sum.
    pub fn figures(&self) -> [(&'static str, &'static str, u64); 4] {
        std::array::from_fn(|at| (FIGURES[at].0, FIGURES[at].1, self.0[at].load(Ordering::Relaxed)))
    }

    /// A session had come to `before` and is at `now`: sent, received, and what was saved of each.
    pub(crate) fn raise(&self, before: [u64; 4], now: [u64; 4]) {
        for (sum, (before, now)) in self.0.iter().zip(before.into_iter().zip(now)) {
            if now > before {
                sum.fetch_add(now - before, Ordering::Relaxed);
            }
        }
    }
}
