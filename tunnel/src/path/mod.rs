//! What is known of the way to one address of a hub, and which transport that speaks for. Pure: it dials nothing and reads no clock.
//!
//! ```text
//!  rank       ws ─ h2 ─ h1 ─ post          the first is the cheapest, the last passes where nothing else does
//!
//!  untried ─ linked ─▶ trusted ─ broke: often, silent or changed ─▶ held back ─ its time is over ─▶ untried
//!     │                   ╰─ broke now and then ─▶ trusted
//!     ╰── failed while another worked ────────────────────────────▶ held back: 10 s, then twice as long each time, up to 10 min
//! ```
//!
//! A link begins with the transport that worked last here, then goes by rank; those held back come last, since something must be tried when
//! nothing works. One above that of the moment is tried again when its time is over, beside the link, which moves to it only once it stands.

mod idle;
mod memory;

use std::time::{Duration, Instant};

pub(crate) use idle::Idle;
pub use memory::FILE;
pub(crate) use memory::{Memory, Remembered};

use crate::Transport;

/// What `auto` chooses from, the best first.
pub(crate) const RANKED: [Transport; 4] = [Transport::Ws, Transport::H2, Transport::H1, Transport::Post];
/// How long one that failed is held back at first, and at most.
const HELD_BACK: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(600)];
/// Breaks within this time make a transport one that breaks often.
const OFTEN_WITHIN: Duration = Duration::from_secs(60);
/// So many of them.
const OFTEN: usize = 3;

/// How a connection was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// Somebody ended it.
    Cut,
    /// Nothing came any more, or a long message did not come back.
    Stalled,
    /// What came was not what was sent.
    Changed,
}

/// What is known of one transport on one path.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Finding {
    /// Which.
    pub transport: Transport,
    /// What came of it last.
    pub result: Found,
    /// In a sentence, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Failures in a row while another transport worked.
    pub failures: u32,
    /// Until when it is left alone.
    #[serde(skip)]
    held: Option<Instant>,
    /// When its connections broke lately.
    #[serde(skip)]
    breaks: Vec<Instant>,
}

/// What came of a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// Nothing yet.
    Untried,
    /// It carried a link, and a long message came back over it.
    Works,
    /// It did not while another did.
    Fails,
    /// Its connections broke too often, or stood still, or changed what they carried.
    Breaks,
}

/// See the module's picture.
#[derive(Debug)]
pub(crate) struct Path {
    findings: Vec<Finding>,
    /// What worked last.
    last: Option<Transport>,
    /// When one above that of the moment may be tried.
    next_look: Option<Instant>,
}

impl Path {
    /// A path of which nothing is known but what worked `last`, perhaps in an earlier life of the process.
    pub(crate) fn new(last: Option<Transport>) -> Path {
        let finding = |transport| Finding {
            transport,
            result: Found::Untried,
            why: None,
            failures: 0,
            held: None,
            breaks: Vec::new(),
        };
        Path { findings: RANKED.map(finding).to_vec(), last, next_look: None }
    }

    /// Everything that is known, by rank.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    fn of(&mut self, transport: Transport) -> Option<&mut Finding> {
        self.findings.iter_mut().find(|finding| finding.transport == transport)
    }

    /// All transports, in the order in which a link should be tried.
    pub(crate) fn order(&self, now: Instant) -> Vec<Transport> {
        let mut order: Vec<&Finding> = self.findings.iter().collect();
        order.sort_by_key(|finding| {
            let is_held = finding.held.is_some_and(|until| until > now);
            (is_held, Some(finding.transport) != self.last)
        });
        order.into_iter().map(|finding| finding.transport).collect()
    }

    /// A link stands over this transport; these failed before, while it was tried beside them.
    pub(crate) fn linked(&mut self, transport: Transport, failed: Vec<(Transport, String)>, now: Instant) {
        for (other, why) in failed {
            self.hold(other, Found::Fails, why, now);
        }
        if self.last != Some(transport) || self.next_look.is_none() {
            self.next_look = Some(now + HELD_BACK[0]);
        }
        self.last = Some(transport);
    }

    /// A long message came back over it. True: that was not known.
    pub(crate) fn proven(&mut self, transport: Transport) -> bool {
        let Some(finding) = self.of(transport) else { return false };
        finding.why = None;
        finding.failures = 0;
        finding.held = None;
        std::mem::replace(&mut finding.result, Found::Works) != Found::Works
    }

    /// Its connection is lost, whose proof it was or was not. True: it is held back from now on.
    pub(crate) fn broke(
        &mut self,
        transport: Transport,
        how: Break,
        is_proven: bool,
        why: String,
        now: Instant,
    ) -> bool {
        let Some(finding) = self.of(transport) else { return false };
        finding.breaks.retain(|when| now.saturating_duration_since(*when) < OFTEN_WITHIN);
        finding.breaks.push(now);
        // One that stood still may stand still again for as long: it has one chance less than one that was cut.
        let often = match how {
            Break::Changed => 1,
            Break::Stalled if !is_proven => 1,
            Break::Stalled => OFTEN - 1,
            Break::Cut => OFTEN,
        };
        let is_bad = finding.breaks.len() >= often;
        if is_bad {
            finding.breaks.clear();
            self.hold(transport, Found::Breaks, why, now);
            if self.last == Some(transport) {
                self.last = None;
            }
        }
        is_bad
    }

    /// A transport above that of the moment that should be tried now.
    pub(crate) fn better(&mut self, current: Transport, now: Instant) -> Option<Transport> {
        if self.next_look.is_none_or(|when| when > now) {
            return None;
        }
        self.next_look = Some(now + HELD_BACK[0]);
        let above = self.findings.iter().take_while(|finding| finding.transport != current);
        above.filter(|finding| finding.held.is_none_or(|until| until <= now)).map(|finding| finding.transport).next()
    }

    /// It was tried beside a link and did not work.
    pub(crate) fn failed(&mut self, transport: Transport, why: String, now: Instant) {
        self.hold(transport, Found::Fails, why, now);
    }

    fn hold(&mut self, transport: Transport, result: Found, why: String, now: Instant) {
        let Some(finding) = self.of(transport) else { return };
        finding.result = result;
        finding.why = Some(why);
        finding.failures = finding.failures.saturating_add(1);
        let times = 1u32 << (finding.failures - 1).min(16);
        finding.held = Some(now + HELD_BACK[0].saturating_mul(times).min(HELD_BACK[1]));
    }
}

impl Finding {
    /// What it means for those who look after the boxes on the way, in a sentence.
    #[must_use]
    pub fn meaning(&self) -> String {
        let (name, why) = (self.transport.name(), self.why.as_deref().unwrap_or_default());
        match (self.result, self.transport) {
            (Found::Untried, _) => format!("{name} was not tried: nothing better was needed"),
            (Found::Works, _) => format!("{name} works: a message of 64 KiB comes back at once"),
            (Found::Fails, Transport::Ws) => format!("WebSocket upgrades do not pass ({why})"),
            (Found::Fails, Transport::H2) => format!("HTTP/2 streams (as of gRPC) do not pass ({why})"),
            (Found::Fails, Transport::H1) => {
                format!("a box on the way holds request or answer until it is whole ({why})")
            }
            (Found::Fails, _) => format!("POSTs to the hub do not pass ({why})"),
            (Found::Breaks, _) => format!("connections of {name} are made and do not last ({why})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use Transport::{H1, H2, Post, Ws};

    use super::*;

    fn after(start: Instant, secs: u64) -> Instant {
        start + Duration::from_secs(secs)
    }

    #[test]
    fn a_link_begins_with_what_worked_last_and_goes_on_by_rank() {
        let now = Instant::now();
        assert_eq!(Path::new(None).order(now), [Ws, H2, H1, Post]);
        let mut path = Path::new(Some(Post));
        assert_eq!(path.order(now), [Post, Ws, H2, H1]);
        path.linked(H1, vec![(Ws, "status 200".to_owned()), (H2, "cut".to_owned())], now);
        assert_eq!(path.order(now), [H1, Post, Ws, H2], "what failed is tried only when nothing else works");
        assert_eq!(path.order(after(now, 11)), [H1, Ws, H2, Post]);
        assert!(path.findings()[0].meaning().contains("WebSocket upgrades do not pass (status 200)"));
    }

    #[test]
    fn one_that_breaks_often_or_stands_still_is_left_and_one_that_is_cut_now_and_then_is_not() {
        let now = Instant::now();
        let mut path = Path::new(None);
        path.linked(Ws, Vec::new(), now);
        for cut in 0..10 {
            assert!(!path.broke(Ws, Break::Cut, true, "cut".to_owned(), after(now, cut * 31)), "{cut}");
        }
        let now = after(now, 1000);
        let cut = |path: &mut Path, secs| path.broke(Ws, Break::Cut, true, "cut".to_owned(), after(now, secs));
        assert!(!cut(&mut path, 0) && !cut(&mut path, 1) && cut(&mut path, 2));
        assert_eq!(path.order(after(now, 3)), [H2, H1, Post, Ws]);
        assert!(path.broke(H2, Break::Changed, true, "does not open".to_owned(), now));
        assert!(!path.broke(H1, Break::Stalled, true, "silent".to_owned(), now));
        assert!(path.broke(H1, Break::Stalled, true, "silent".to_owned(), after(now, 9)));
        assert!(
            path.broke(Post, Break::Stalled, false, "silent".to_owned(), now),
            "it never brought a long message back"
        );
    }

    #[test]
    fn one_above_is_tried_later_and_later() {
        let now = Instant::now();
        let mut path = Path::new(None);
        path.linked(Post, [Ws, H2, H1].map(|other| (other, "no".to_owned())).to_vec(), now);
        assert!(path.proven(Post) && !path.proven(Post));
        let mut tries = Vec::new();
        for secs in 0..4000 {
            while let Some(better) = path.better(Post, after(now, secs)) {
                path.failed(better, "still not".to_owned(), after(now, secs));
                if better == Ws {
                    tries.push(secs);
                }
            }
        }
        let gaps: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| *gap <= 620) && gaps[0] >= 20 && *gaps.last().unwrap() >= 600, "{tries:?}");
        assert_eq!(path.better(Ws, after(now, 9000)), None, "nothing is better than the best");
    }
}
