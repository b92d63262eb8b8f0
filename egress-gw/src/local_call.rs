//! A call to a provider of this island: handed over, and its answer or what became of it back to the consumer.
//!
//! ```text
//!  forward.rs ─▶ call_provider ─▶ provider ─▶ in flight ─ answer ─▶ consumer
//!                      ▲              │ lost, not sent ─▶ another provider, at most two more ─▶ another way (again.rs)
//!   again.rs ──────────┘              └ lost, may have run ─▶ its consumer is told
//! ```
//!
//! The provider gets the consumer's own frame without `highway.*`; no `highway.source.*` is put in, so that it can tell such a call from
//! one of another island. A call that a provider may have seen is never handed to another.

use std::rc::Rc;
use std::time::{Duration, Instant};

use client::edit::append_again;
use client::{
    Answer, Answers, Candidates, EditError, Endpoint, ForProvider, Lost, MORE_PROVIDERS, Offer, Provider, SendError,
    Times, TokenOf, Untaken,
};
use shard::Key;
use wire::dubbo::call::peek;
use wire::dubbo::frame::{HEADER_LEN, Header, Status};
use wire::dubbo::reply::reencode_error;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::anew::Stands;
use crate::cache::{Course, Way};
use crate::core::{By, Core, InFlight, Wants};
use crate::fallback::Request;
use crate::forward::{Carried, Held, KEPT_LEN, Place, Ready, in_flight};

/// What becomes of a call among the providers of this island.
#[derive(Default)]
pub struct Locally {
    /// Who could not take it.
    pub tried: Vec<Endpoint>,
    /// Who has it.
    pub asked: Option<Rc<Provider>>,
    /// Until when it may wait for a connection; set when it is handed over first.
    pub patience: Option<Instant>,
}

/// What a provider's pool did with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handed {
    /// It is on a connection; or nobody waits for it any more.
    Written,
    /// It waits for a connection.
    Queued,
}

impl Core {
    /// Hands a call to a provider of this island.
    pub fn call_provider(&self, request: Request<'_>, course: Course, candidates: &Candidates) {
        let Way::Local(route) = course.way() else { return drop(request.fail(&no_provider(course.label()))) };
        let mut request = request;
        let mut charge = request.charge.take();
        let frame = ForProvider {
            header: &request.header,
            frame: request.frame,
            peeked: request.peeked,
            interface: &route.service.interface,
            needed: &[],
            more: &[],
        };
        let times = times(request.whole, request.deadline, request.unsent_until);
        let left = request.deadline.saturating_duration_since(request.whole);
        let write = |offer: &Offer, id, out: &mut Vec<u8>| frame.append(offer, left, id, out);
        let wants = Wants::of(&request.header);
        let mut carried = Carried::new(course.clone(), request.unsent_until, request.origin.number);
        // What may still go another way is kept as it came: a provider's path and token are for that provider alone.
        // A consumer repeats a longer one itself, but one-way calls nobody repeats.
        if course.has_others() && (request.frame.len() <= KEPT_LEN || wants == Wants::Nothing) {
            let mut bytes = self.shard.buffer();
            bytes.extend_from_slice(request.frame);
            let charge = charge.take();
            carried.held = Some(Held { bytes, head_len: 0, head_of: None, stamp: self.stamp(), _charge: charge });
        }
        let call = in_flight(&request, wants, carried);
        let Some(key) = self.begin(call, request.origin.chain, request.deadline) else { return };
        match self.hand_over(key, &course, candidates, times, write) {
            Ok(Handed::Written) => {}
            Ok(Handed::Queued) => self.keep(key, request.frame, charge),
            Err(failure) => self.failed(key, failure),
        }
    }

    /// Hands a call to a provider that was not sent elsewhere, or that has waited.
    pub fn call_provider_again(&self, key: Key, candidates: &Candidates, now: Instant) {
        let taken = self.calls.with(key, |call| match &mut call.by {
            By::Routing(carried) => {
                carried.held.take().map(|held| (held, carried.course.clone(), call.deadline, carried.unsent_until))
            }
            By::Handler(_) => None,
        });
        let Some(Some((held, course, deadline, unsent_until))) = taken else { return };
        let bytes = &held.bytes[held.head_len..];
        let (Way::Local(route), Ok(Some(header))) = (course.way(), Header::decode(bytes)) else { return };
        let peeked = match peek(&header, bytes.get(HEADER_LEN..).unwrap_or_default()) {
            Ok(peeked) => peeked,
            Err(error) => {
                let failure = Failure::new(Stage::Peek, Kind::Unparsable, Outcome::NotSent, error.to_string());
                return self.fail(key, &failure);
            }
        };
        let interface = &*route.service.interface;
        let frame = ForProvider { header: &header, frame: bytes, peeked: &peeked, interface, needed: &[], more: &[] };
        let (times, left) = (times(now, deadline, unsent_until), deadline.saturating_duration_since(now));
        let write = |offer: &Offer, id, out: &mut Vec<u8>| frame.append(offer, left, id, out);
        self.counters.resent.add(1);
        self.calls.set_deadline(key, deadline);
        let handed = self.hand_over(key, &course, candidates, times, write);
        let mut held = Some(held);
        self.update(key, |carried| carried.held = held.take());
        if let Some(held) = held {
            // It was one-way and is written, or its consumer has gone meanwhile.
            return self.shard.recycle(held.bytes);
        }
        if let Err(failure) = handed {
            self.failed(key, failure);
        }
    }

    fn hand_over(
        &self,
        key: Key,
        course: &Course,
        candidates: &Candidates,
        times: Times,
        write: impl Fn(&Offer, i64, &mut Vec<u8>) -> Result<(), EditError>,
    ) -> Result<Handed, Failure> {
        let before = self.calls.with(key, |call| match &mut call.by {
            By::Routing(Carried { locally, .. }) => {
                let patience = *locally.patience.get_or_insert(times.patience);
                Some((std::mem::take(&mut locally.tried), patience, call.wants))
            }
            By::Handler(_) => None,
        });
        let Some(Some((mut tried, patience, wants))) = before else { return Ok(Handed::Written) };
        let times = Times { patience, ..times };
        let handed = match wants {
            Wants::Answer => candidates.send(key.number(), times, &mut tried, write).map(Some),
            Wants::Nothing => candidates.send_one_way(key.number(), times, &mut tried, write),
        };
        let handed = handed.map_err(|untaken| untaken_failure(course.label(), candidates, untaken))?;
        self.counters.local.add(1);
        let Some((call, provider)) = handed else {
            self.passed_on(key.number());
            return Ok(Handed::Written);
        };
        let handed = if provider.is_waiting(call) { Handed::Queued } else { Handed::Written };
        let noted = self.update(key, |carried| {
            carried.place = Place::AtProvider(call);
            carried.locally = Locally { tried, asked: Some(provider), patience: Some(patience) };
        });
        if noted.is_none() {
            self.local.cancel(call);
            return Ok(Handed::Written);
        }
        if handed == Handed::Queued {
            self.queued.borrow_mut().push(key);
        }
        Ok(handed)
    }

    /// A call comes back from a provider that has not seen it; `frame` as it was written for that provider.
    fn back_from_provider(&self, key: Key, frame: Option<Vec<u8>>, why: &str) {
        let now = Instant::now();
        let stands = self.calls.with(key, |call| match &mut call.by {
            By::Routing(carried) => {
                carried.place = Place::Waiting;
                if let Some(provider) = carried.locally.asked.take()
                    && !carried.locally.tried.contains(provider.endpoint())
                {
                    carried.locally.tried.push(provider.endpoint().clone());
                }
                let Locally { tried, patience, .. } = &carried.locally;
                Some((carried.course.clone(), tried.len(), *patience, carried.unsent_until, call.deadline))
            }
            By::Handler(_) => None,
        });
        let Some(Some((course, tried, patience, unsent_until, deadline))) = stands else {
            return self.counters.late.add(1);
        };
        tracing::debug!(label = course.label(), why, "a call was not sent to a provider of this island");
        let knowledge = self.knowledge.load();
        if self.stands(key, &knowledge) == Stands::AsDecided
            && let Some(frame) =
                frame.filter(|_| tried <= MORE_PROVIDERS && patience.is_some_and(|patience| now < patience))
            && let Some(Ready::Providers(candidates)) = self.ready(&course, 0, &knowledge)
        {
            let left = deadline.saturating_duration_since(now);
            let handed =
                self.hand_over(key, &course, &candidates, times(now, deadline, unsent_until), |offer, id, out| {
                    append_again(&frame, TokenOf::Provider, offer, left, id, out)
                });
            return match handed {
                Ok(_) => {}
                Err(failure) => self.failed(key, failure),
            };
        }
        self.failed(key, not_reached(course.label()));
    }
}

impl Answers for Core {
    fn answer(&self, token: u64, answer: Answer<'_>) {
        let key = Key::from_number(token);
        if answer.header.status() == Status::OK {
            return Core::answer(self, key, answer.frame);
        }
        let asked = self.calls.with(key, |call| call.asked.serialization);
        let body = answer.frame.get(HEADER_LEN..).unwrap_or_default();
        let mut written = Vec::new();
        match asked {
            Some(asked) if reencode_error(&mut written, answer.header, body, asked) => {
                Core::answer(self, key, &written)
            }
            _ => Core::answer(self, key, answer.frame),
        }
    }

    fn waiting_go(&self) {
        self.look_at_all_queued(&self.knowledge.load());
    }

    fn passed_on(&self, token: u64) {
        let call = self.calls.remove(Key::from_number(token));
        self.count_one_way(call.as_ref().and_then(InFlight::tally));
        if let Some(call) = call {
            self.count_in_flight();
            self.forget(call.by);
        }
    }

    fn lost(&self, token: u64, lost: Lost) {
        let key = Key::from_number(token);
        let outcome = match lost.outcome() {
            client::Outcome::NotSent => Outcome::NotSent,
            client::Outcome::Unknown => Outcome::Unknown,
            client::Outcome::Executed => Outcome::Executed,
        };
        let said = self.calls.with(key, |call| match &call.by {
            By::Routing(carried) => (carried.course.label().to_owned(), self.overdue(call)),
            By::Handler(_) => (String::new(), self.overdue(call)),
        });
        let Some((label, overdue)) = said else { return self.counters.late.add(1) };
        let (kind, text) = match lost {
            Lost::NotSent { why, frame } => return self.back_from_provider(key, frame, &why),
            Lost::DeadlinePassed => return self.fail(key, &overdue),
            Lost::Unknown { why } => (
                Kind::ProviderGone,
                format!(
                    "the connection to the provider of this island ended with `{label}` sent and unanswered: {why}"
                ),
            ),
            Lost::TooLong { found_len, limit_len } => (
                Kind::TooLarge,
                format!(
                    "the answer to `{label}` has {found_len} bytes, over the limit of {limit_len} bytes of this egress gateway; ask for less, or raise limits.reply and the consumers' payload"
                ),
            ),
            Lost::NoRoom { found_len } => (
                Kind::Overload,
                format!(
                    "the answer to `{label}` has {found_len} bytes and this egress gateway has no room to hold it; ask for less, or raise limits.held"
                ),
            ),
        };
        self.fail(key, &Failure::new(Stage::Provider, kind, outcome, text));
    }
}

/// As for a call over a link: part of its time it may wait for a connection, and no longer than its consumer surely waits.
fn times(now: Instant, deadline: Instant, unsent_until: Instant) -> Times {
    let Times { deadline, patience } = Times::within(now, deadline.saturating_duration_since(now));
    Times { deadline, patience: patience.min(unsent_until.max(now + Duration::from_millis(1))) }
}

/// What is said where nobody lists the service any more.
pub fn no_provider(label: &str) -> Failure {
    let text = format!("`{label}` was not sent: no provider of this island that a gateway may call lists it any more");
    Failure::new(Stage::Pick, Kind::ProviderGone, Outcome::NotSent, text)
}

/// What is said where no provider took the call.
pub fn not_reached(label: &str) -> Failure {
    let text = format!(
        "`{label}` was not sent: this egress gateway has no connection to a provider of it in its own island; see `local_providers` in its /status"
    );
    Failure::new(Stage::Provider, Kind::ProviderGone, Outcome::NotSent, text)
}

/// What is told of a call that no provider took. Their addresses are for the log alone.
fn untaken_failure(label: &str, candidates: &Candidates, untaken: Untaken<EditError>) -> Failure {
    let error = match untaken {
        Untaken::Nobody => {
            tracing::debug!(label, why = candidates.trouble(), "a call finds no provider in this island");
            return not_reached(label);
        }
        Untaken::Refused { error, .. } => error,
    };
    let (kind, why) = match error {
        SendError::Busy(_) => {
            (Kind::Overload, "this egress gateway holds as many calls for its provider as it may".to_owned())
        }
        SendError::Down(_) => return not_reached(label),
        SendError::Write(error @ EditError::TooLong { .. }) => (Kind::TooLarge, error.to_string()),
        SendError::Write(error) => (Kind::Unparsable, error.to_string()),
    };
    Failure::new(Stage::Provider, kind, Outcome::NotSent, format!("`{label}` was not sent: {why}"))
}

#[cfg(test)]
#[path = "local_call_tests.rs"]
mod tests;
