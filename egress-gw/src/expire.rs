//! The end of calls whose time is over: cancelled where they are, and their consumers told what is known of them. And of
//! those that come too slowly for anybody to wait for their end.

use std::time::{Duration, Instant};

use shard::{Close, Patience};
use wire::dubbo::reply::Asked;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::core::{By, Core, InFlight};
use crate::forward::{Carried, Place};
use crate::local_call::not_reached;

impl Core {
    /// Ends the calls whose deadline has passed at `now`.
    pub fn expire(&self, now: Instant) {
        let mut due = Vec::new();
        self.calls.due(now, &mut due);
        for key in due {
            let failure = self.calls.with(key, |call| self.overdue(call));
            if let Some(failure) = failure {
                self.fail(key, &failure);
            }
        }
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() > 2 * self.calls.len() + 64 {
            waiting.retain(|key| self.calls.with(*key, |_| ()).is_some());
        }
        drop(waiting);
        let queued = self.queued.borrow().len();
        if queued > 2 * self.calls.len() + 64 {
            self.forget_sent();
        }
    }

    /// Gives up bodies that hold budget and come too slowly at `now`. What follows of them cannot be told from a frame, so
    /// that their connections end.
    pub fn give_up_slow(&self, now: Instant) {
        for slow in self.consumers.too_slow(now, Patience::with(self.allowance.budget())) {
            let text = format!(
                "the request body of {} bytes comes too slowly to wait for it: {}; the connection is closed",
                slow.header.body_len, slow.why
            );
            let failure = Failure::new(Stage::Session, Kind::DeadlinePassed, Outcome::NotSent, text.clone());
            self.fail_now(&slow.conn, &slow.header, &Asked::unread(&slow.header), &failure);
            slow.conn.close(Close::Ours(text));
        }
    }

    /// What the consumer of a call is told whose deadline has passed.
    pub fn overdue(&self, call: &InFlight) -> Failure {
        match &call.by {
            By::Routing(carried) => too_late(carried, call.arrived, call.deadline),
            By::Handler(_) => {
                let text = "the handler that took the call gave no answer within its time";
                Failure::new(Stage::Route, Kind::DeadlinePassed, Outcome::Unknown, text)
            }
        }
    }
}

/// What is said of a call whose time was over before all of it had come.
pub fn came_too_slowly(time: Duration) -> Failure {
    let text = format!(
        "the request took longer to arrive than the {time:?} that the call may take; send less, or give the call more time"
    );
    Failure::new(Stage::Session, Kind::DeadlinePassed, Outcome::NotSent, text)
}

fn too_late(carried: &Carried, arrived: Instant, deadline: Instant) -> Failure {
    let (label, island) = (carried.course.label(), carried.course.target());
    let waited = carried.unsent_until - arrived;
    match carried.place {
        Place::Waiting if carried.course.island().is_none() && !carried.course.has_others() => not_reached(label),
        Place::Waiting => {
            let text = format!(
                "`{label}` was not sent to island `{island}`: no link from this egress gateway to a hub came up within {waited:?}; look at the hub and at the links in this gateway's /status"
            );
            Failure::new(Stage::Tunnel, Kind::NoLink, Outcome::NotSent, text)
        }
        Place::Absent => {
            let text = format!(
                "`{label}` was not sent to island `{island}`: no hub had a link to that island within {waited:?}; see whether its ingress gateway runs and reaches the hub"
            );
            Failure::new(Stage::Switch, Kind::NoLink, Outcome::NotSent, text)
        }
        Place::Unsure => {
            let text = format!(
                "`{label}` was not sent to island `{island}`: it has linked and not said within {waited:?} what it offers; see whether its ingress gateway can read its registry"
            );
            Failure::new(Stage::Switch, Kind::NotYetKnown, Outcome::NotSent, text)
        }
        Place::Undecided => {
            let text = format!(
                "`{label}` was not sent: what leads it has changed, and no hub has told this gateway within {waited:?} which islands offer the service now; look at the links in this gateway's /status"
            );
            Failure::new(Stage::Route, Kind::NotYetKnown, Outcome::NotSent, text)
        }
        Place::AtProvider(_) => {
            let time = deadline - arrived;
            let text = format!(
                "the provider of this island gave no answer to `{label}` within {time:?}; look at it, or give the call more time"
            );
            Failure::new(Stage::Provider, Kind::DeadlinePassed, Outcome::Unknown, text)
        }
        Place::OnLink { .. } => {
            let time = deadline - arrived;
            let text = format!(
                "island `{island}` gave no answer to `{label}` within {time:?}; look at the provider there, or give the call more time"
            );
            Failure::new(Stage::Provider, Kind::DeadlinePassed, Outcome::Unknown, text)
        }
    }
}
