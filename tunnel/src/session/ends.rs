//! Exchanges that end here without an answer: late, given up, or over with the session. It never says *not sent* of what the peer
//! may have acted on.

use std::time::{Duration, Instant};

use wire::tunnel::{Failure, Kind, Outcome, Stage};

use super::bulk::Outgoing;
use super::{Patience, Session, key_of};
use crate::ExchangeId;

/// A session is looked after every 50 ms; when it was not for longer than this, its thread stood still.
const LOOKED_AFTER: Duration = Duration::from_millis(250);

impl Session {
    /// Fails what has waited too long; returns tokens and failures. What waits for nobody any more makes room.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(u64, Failure)> {
        let unseen = self.looked.replace(now).map_or(Duration::ZERO, |before| now.saturating_duration_since(before));
        self.stood_still += unseen.saturating_sub(LOOKED_AFTER);
        if self.waiting.is_empty() && self.one_ways.is_empty() && self.ring.is_empty() {
            return Vec::new();
        }
        let failed = self.fail_late(self.clock(now));
        self.forget_unwanted();
        failed
    }

    /// The time of whoever waits here: it stands still with the thread. Credit that came meanwhile has not been read.
    pub(super) fn clock(&self, now: Instant) -> Instant {
        now.checked_sub(self.stood_still).unwrap_or(now)
    }

    fn fail_late(&mut self, clock: Instant) -> Vec<(u64, Failure)> {
        let late = |patience: Option<Patience>| patience.is_some_and(|patience| patience.is_over(clock));
        let waiting = self.waiting.iter().chain(self.one_ways.iter());
        let mut due: Vec<u64> =
            waiting.filter(|waiting| late(waiting.patience)).map(|waiting| waiting.exchange).collect();
        for id in &self.ring {
            let begins = |out: &Outgoing| out.front.is_some() && late(out.patience);
            if self.opened.get(key_of(*id)).and_then(|opened| opened.out.as_deref()).is_some_and(begins)
                && self.is_ours(*id)
            {
                due.push(*id);
            }
        }
        let why = if self.connected { "busy: no credit for it in time" } else { "no connection to the hub in time" };
        let kind = if self.connected { Kind::Overload } else { Kind::NoLink };
        let failure = Failure::new(Stage::Tunnel, kind, Outcome::NotSent, why);
        let failed = |session: &mut Session, id| Some((session.remove_opened(id)?.token, failure.clone()));
        due.into_iter().filter_map(|id| failed(self, id)).collect()
    }

    /// Fails what the peer cannot have and will not take any more.
    pub(crate) fn give_up_unsent(&mut self, reason: &str) -> Vec<(u64, Failure)> {
        let unsent: Vec<u64> =
            self.opened.iter().filter(|(_, opened)| !opened.is_sent).map(|(key, _)| self.id_of(key)).collect();
        let failure = Failure::new(Stage::Tunnel, Kind::Draining, Outcome::NotSent, reason.to_owned());
        let failed = |session: &mut Session, id| Some((session.remove_opened(id)?.token, failure.clone()));
        unsent.into_iter().filter_map(|id| failed(self, id)).collect()
    }

    /// The session is over. Returns the failure of each exchange this end had opened, by token, and the exchanges of the peer
    /// that are cancelled with it. `peer_received`: records that a peer which is still alive had received when it ended.
    pub(crate) fn end(&mut self, reason: &str, peer_received: Option<u64>) -> (Vec<(u64, Failure)>, Vec<ExchangeId>) {
        self.over = true;
        self.connected = false;
        let written = self.out.written();
        let mut failed = Vec::new();
        for (_, opened) in self.opened.take_all() {
            let arrived = peer_received.is_none_or(|received| opened.complete <= received);
            let unknown = opened.complete != 0 && opened.complete <= written && arrived;
            let outcome = if unknown { Outcome::Unknown } else { Outcome::NotSent };
            failed.push((opened.token, Failure::new(Stage::Tunnel, Kind::LinkLost, outcome, reason.to_owned())));
        }
        let unwritten = Failure::new(Stage::Tunnel, Kind::LinkLost, Outcome::NotSent, reason.to_owned());
        failed.extend(self.sent.drain(..).map(|token| (token, unwritten.clone())));
        let open = self.accepted.take_all().into_iter().map(ExchangeId).collect();
        self.out.forget();
        self.waiting.clear();
        self.one_ways.clear();
        self.ring.clear();
        self.bulk.shrink(self.bulk.len());
        self.catalogue.clear();
        self.catalogue_len = 0;
        self.drained.clear();
        (failed, open)
    }
}
