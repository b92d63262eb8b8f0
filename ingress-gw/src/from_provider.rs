//! How calls end: with the provider's answer, or lost with a word on how far they got. What was not sent may still go to
//! another provider.

use client::edit::append_again;
use client::{Answer, Answers, Lost, MORE_PROVIDERS};
use wire::tunnel::{Failure, Kind, Outcome, Stage};

use crate::in_flight::Carried;
use crate::line::Line;
use crate::reply::{Shaped, shape};

impl Answers for Line {
    fn answer(&self, token: u64, answer: Answer<'_>) {
        let Some(carried) = self.in_flight.take(token) else { return };
        self.meters.in_flight(self.in_flight.len());
        self.meters.answered(answer.frame.len(), answer.took);
        carried.route.tally.answered(answer.took);
        let provider_us = u32::try_from(answer.took.as_micros()).unwrap_or(u32::MAX);
        match shape(answer.header, answer.frame, &carried.asked) {
            Shaped::Kept(header, body) => carried.link.reply(carried.exchange, &[&header, body], provider_us),
            Shaped::Whole(frame) => carried.link.reply(carried.exchange, &[&frame], provider_us),
        }
    }

    fn lost(&self, token: u64, lost: Lost) {
        let Some(carried) = self.in_flight.take(token) else { return };
        self.meters.in_flight(self.in_flight.len());
        let outcome = match lost.outcome() {
            client::Outcome::NotSent => Outcome::NotSent,
            client::Outcome::Unknown => Outcome::Unknown,
            client::Outcome::Executed => Outcome::Executed,
        };
        let (label, here) = (&carried.route.label, &self.here);
        let at = carried.provider.as_ref().map(|(_, provider)| tracing::field::display(provider.endpoint()));
        let why = match &lost {
            Lost::NotSent { why, .. } | Lost::Unknown { why } => why,
            Lost::DeadlinePassed => "it has not answered in time",
            Lost::TooLong { .. } | Lost::NoRoom { .. } => "its answer is too long to be held",
        };
        tracing::debug!(call = %carried.stamp, %label, provider = at, why, "a call was lost at its provider");
        let (kind, text) = match lost {
            Lost::NotSent { frame, .. } => return self.send_elsewhere(carried, frame),
            Lost::Unknown { why } => (
                Kind::ProviderGone,
                format!("the connection of {here} to its provider ended with `{label}` sent and unanswered: {why}"),
            ),
            Lost::DeadlinePassed => (
                Kind::DeadlinePassed,
                format!("the provider of {here} has not answered `{label}` within the call's time"),
            ),
            Lost::TooLong { found_len, limit_len } => (
                Kind::TooLarge,
                format!(
                    "the answer to `{label}` has {found_len} bytes, this ingress gateway's limit is {limit_len} bytes"
                ),
            ),
            Lost::NoRoom { found_len } => (
                Kind::Overload,
                format!(
                    "the answer to `{label}` has {found_len} bytes and this ingress gateway has no room to hold it"
                ),
            ),
        };
        carried.route.tally.failed();
        self.refuse(&carried.link, carried.exchange, false, &Failure::new(Stage::Provider, kind, outcome, text));
    }
}

impl Line {
    /// A call that was not sent may go to another provider, while its caller has time.
    fn send_elsewhere(&self, mut carried: Carried, frame: Option<Vec<u8>>) {
        let (link, exchange) = (carried.link.clone(), carried.exchange);
        let route = carried.route.clone();
        if let Some((_, provider)) = carried.provider.take()
            && !carried.tried.contains(provider.endpoint())
        {
            carried.tried.push(provider.endpoint().clone());
        }
        let lost = || {
            route.tally.failed();
            let text = format!("`{}` was not sent: {}", route.label, self.no_connection());
            Failure::new(Stage::Provider, Kind::ProviderGone, Outcome::NotSent, text)
        };
        let left = carried.times.deadline.saturating_duration_since(self.pool.now());
        let has_time = carried.times.patience > self.pool.now() && carried.tried.len() <= MORE_PROVIDERS;
        // The list may be another by now, and the service may not be in it any more.
        let candidates = self.pool.candidates(&route.service, &route.method);
        let sent = match (frame.filter(|_| has_time), candidates) {
            (Some(frame), Some(candidates)) => self.dispatch(carried, &candidates, |offer, id, out| {
                append_again(&frame, route.target.token, offer, left, id, out)
            }),
            _ => Err(lost()),
        };
        if let Err(failure) = sent {
            self.refuse(&link, exchange, false, &failure);
        }
    }
}
