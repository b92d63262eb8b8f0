//! What the links of a process moved and saved and what carried them, for its metrics. It is raised when links are looked after, never on the
//! path of a call, and knows no link.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Transport;
use crate::path::{Break, RANKED};

/// The sums of a process; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Traffic(Arc<Sums>);

#[derive(Debug, Default)]
struct Sums {
    /// By transport: links, then [`MOVED`].
    by_transport: [ByTransport; RANKED.len()],
}

#[derive(Debug, Default)]
struct ByTransport {
    links: AtomicU64,
    moved: [AtomicU64; 6],
    /// Links that went over to it, by [`REASONS`].
    moves: [AtomicU64; REASONS.len()],
}

/// Names and meanings, in the order of the sums.
const MOVED: [(&str, &str); 6] = [
    ("highway_link_sent_bytes_total", "Bytes of records that links have sent, each once"),
    ("highway_link_received_bytes_total", "Bytes of records that links have received, each once"),
    ("highway_link_sent_saved_bytes_total", "Bytes that did not have to be sent: the peer has them from earlier calls"),
    (
        "highway_link_received_saved_bytes_total",
        "Bytes that did not have to come: this end has them from earlier calls",
    ),
    (
        "highway_link_sent_packed_bytes_total",
        "Bytes that did not have to be sent besides: calls and answers were packed",
    ),
    (
        "highway_link_received_packed_bytes_total",
        "Bytes that did not have to come besides: calls and answers were packed",
    ),
];
/// Why a link went over to another transport: its connection was lost in one of three ways, or a better one was found to work.
const REASONS: [&str; 4] = ["cut", "stalled", "changed", "better"];

/// A name of the metrics' page with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// Labels and value of each line.
    pub values: Vec<(Vec<(&'static str, &'static str)>, u64)>,
}

impl Traffic {
    /// Everything, for a page of metrics.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let sums = || RANKED.iter().zip(&self.0.by_transport).map(|(transport, sums)| (transport.name(), sums));
        let value = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        let by_transport = |of: &dyn Fn(&ByTransport) -> u64| {
            sums().map(|(transport, sums)| (vec![("transport", transport)], of(sums))).collect()
        };
        let moves = sums().flat_map(|(to, sums)| {
            let one = move |(reason, sum)| (vec![("to", to), ("reason", reason)], value(sum));
            REASONS.into_iter().zip(&sums.moves).map(one)
        });
        let mut figures: Vec<Figure> = MOVED
            .iter()
            .enumerate()
            .map(|(at, (name, help))| Figure {
                name,
                help,
                kind: "counter",
                values: by_transport(&|sums| value(&sums.moved[at])),
            })
            .collect();
        figures.push(Figure {
            name: "highway_links",
            help: "Links that have a connection",
            kind: "gauge",
            values: by_transport(&|sums| value(&sums.links)),
        });
        figures.push(Figure {
            name: "highway_link_moves_total",
            help: "Links that went over to another transport",
            kind: "counter",
            values: moves.collect(),
        });
        figures
    }

    fn of(&self, transport: &str) -> Option<&ByTransport> {
        let at = RANKED.iter().position(|one| one.name() == transport)?;
        self.0.by_transport.get(at)
    }

    /// A session over this transport had come to `before` and is at `now`: sent, received, and what was saved of each, by models and by packing.
    pub(crate) fn raise(&self, transport: &str, before: [u64; 6], now: [u64; 6]) {
        let Some(sums) = self.of(transport) else { return };
        for (sum, (before, now)) in sums.moved.iter().zip(before.into_iter().zip(now)) {
            if now > before {
                sum.fetch_add(now - before, Ordering::Relaxed);
            }
        }
    }

    /// A link has a connection over this transport, until what this gives is dropped.
    pub(crate) fn carried(&self, transport: &'static str) -> Carried {
        if let Some(sums) = self.of(transport) {
            sums.links.fetch_add(1, Ordering::Relaxed);
        }
        Carried(self.clone(), transport)
    }

    /// A link has gone over to this transport: its last connection was lost like that, or there was none the worse.
    pub(crate) fn went_over(&self, to: Transport, lost: Option<Break>) {
        let reason = match lost {
            Some(Break::Cut) => 0,
            Some(Break::Stalled) => 1,
            Some(Break::Changed) => 2,
            None => 3,
        };
        if let Some(sums) = self.of(to.name()) {
            sums.moves[reason].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A connection that is counted.
#[derive(Debug)]
pub(crate) struct Carried(Traffic, &'static str);

impl Drop for Carried {
    fn drop(&mut self) {
        if let Some(sums) = self.0.of(self.1) {
            sums.links.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(traffic: &Traffic) -> Vec<String> {
        let lines = traffic
            .figures()
            .into_iter()
            .flat_map(|figure| figure.values.into_iter().map(move |(labels, value)| (figure.name, labels, value)));
        lines
            .filter(|(.., value)| *value > 0)
            .map(|(name, labels, value)| format!("{name} {labels:?} {value}"))
            .collect()
    }

    #[test]
    fn what_moved_is_told_by_what_carried_it() {
        let traffic = Traffic::default();
        let (one, _other) = (traffic.carried("ws"), traffic.carried("post"));
        traffic.raise("post", [0, 5, 0, 0, 1, 0], [10, 7, 0, 3, 5, 0]);
        traffic.raise("carrier pigeon", [0; 6], [9; 6]);
        traffic.went_over(Transport::Post, Some(Break::Stalled));
        traffic.went_over(Transport::Ws, None);
        drop(one);
        let wanted = [
            r#"highway_link_sent_bytes_total [("transport", "post")] 10"#,
            r#"highway_link_received_bytes_total [("transport", "post")] 2"#,
            r#"highway_link_received_saved_bytes_total [("transport", "post")] 3"#,
            r#"highway_link_sent_packed_bytes_total [("transport", "post")] 4"#,
            r#"highway_links [("transport", "post")] 1"#,
            r#"highway_link_moves_total [("to", "ws"), ("reason", "better")] 1"#,
            r#"highway_link_moves_total [("to", "post"), ("reason", "stalled")] 1"#,
        ];
        assert_eq!(shown(&traffic), wanted);
    }
}
