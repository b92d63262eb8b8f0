//! A call on its way out: admitted, given a link, sent. It never touches the reply.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shard::Key;
use tunnel::{End, ExchangeId, Link, Open};
use wire::tunnel::failure::{Failure, Kind, Outcome as Reach, Stage};
use wire::tunnel::head::{self, Head, HeadError, Hop};

use super::{CALL_LEN, Call, GRACE, Record, Switch};
use crate::admit::{self, Admission, service_text};
use crate::links::{self, NoLink};
use crate::policy::Policy;

impl Switch {
    /// Admits a call and sends it on. What the audit needs is taken out of `record` once the call is on its way.
    ///
    /// # Errors
    /// Why not; nothing was sent.
    pub(super) fn forward(
        &self,
        link: &Link,
        id: ExchangeId,
        open: &Open<'_>,
        record: &mut Option<Record>,
    ) -> Result<(), Failure> {
        let head = Head::decode(open.head).map_err(|error| unreadable(&error))?;
        let limit = self.links.borrow().limit(link).ok_or_else(|| {
            refuse(Stage::Admit, Kind::NotGranted, "calls come from egress gateways; this link is an ingress gateway's")
        })?;
        let policy = self.policy.borrow().clone();
        let island = link.peer().island.clone();
        let now = record.as_ref().map_or_else(Instant::now, |record| record.began);
        let mut grant = None;
        self.admit(&head, &island, &policy, &mut grant)?;
        let chosen = self.choose(&head).inspect_err(|failure| {
            // Only of islands that there are: what else a head may name has no bound.
            if matches!(failure.kind, Kind::NoLink | Kind::NotYetKnown) && policy.island(head.destination).is_some() {
                self.missed.borrow_mut().insert((head.destination.into(), link.id()));
            }
        })?;
        let held = self.budget.take_unfinished(CALL_LEN + open.head.len()).ok_or_else(|| {
            let (held, limit) = (self.budget.held(), self.budget.limit());
            let text =
                format!("the hub holds {held} bytes of calls and bodies under way; its limit is limits.held = {limit}");
            refuse(Stage::Switch, Kind::Overload, text)
        })?;
        let counted = admit::within(&limit, &island, now)?;
        let Some(mut taken) = record.take() else { return Ok(()) };
        taken.grant = grant;
        taken.tallies = Some((limit, chosen.tally));
        let call =
            Call { from: link.clone(), from_id: id, to: None, record: taken, _open: (counted, chosen.open, held) };
        let key = match self.calls.borrow_mut().insert(call) {
            Ok(key) => key,
            Err(call) => {
                *record = Some(call.record);
                return Err(refuse(Stage::Switch, Kind::Overload, "the hub has as many calls open as it can hold"));
            }
        };
        match self.send(&chosen.link, open, Hop { source: &island, remaining_ms: head.remaining_ms }, key) {
            Ok((to_id, passed)) => {
                self.on_its_way(link, id, open, &head, (chosen.link, to_id), key);
                link.consumed(id, passed);
                Ok(())
            }
            Err(failure) => {
                *record = self.calls.borrow_mut().remove(key).map(|call| call.record);
                Err(failure)
            }
        }
    }

    /// Passes a call through the filters; `grant` becomes the grant that allows it, whatever refuses it behind that.
    ///
    /// # Errors
    /// The first filter that says no.
    pub(super) fn admit(
        &self,
        head: &Head<'_>,
        from: &str,
        policy: &Policy,
        grant: &mut Option<Arc<str>>,
    ) -> Result<(), Failure> {
        let mut admission = Admission { head, from, policy, audit: &self.audit, grant: None };
        let admitted = self.filters.iter().try_for_each(|filter| filter.admit(&mut admission));
        *grant = admission.grant;
        admitted
    }

    /// Files the call under both links, or ends it here if nothing more is to come.
    fn on_its_way(
        &self,
        link: &Link,
        id: ExchangeId,
        open: &Open<'_>,
        head: &Head<'_>,
        to: (Link, ExchangeId),
        key: Key,
    ) {
        if open.end == End::No {
            self.by_exchange.borrow_mut().insert((to.0.id(), to.1), key);
        }
        self.by_exchange.borrow_mut().insert((link.id(), id), key);
        if let Some(call) = self.calls.borrow_mut().get_mut(key) {
            let remaining = Duration::from_millis(head.remaining_ms.into());
            self.wheel.borrow_mut().set(key.slot(), call.record.began + remaining + GRACE);
            call.to = Some(to);
        }
    }

    /// The first piece goes out; returns the bytes of it that were taken at once.
    fn send(&self, to: &Link, open: &Open<'_>, hop: Hop<'_>, key: Key) -> Result<(ExchangeId, usize), Failure> {
        let mut forwarded = self.heads.take();
        forwarded.clear();
        let sent =
            head::forward(open.head, hop, &mut forwarded).map_err(|error| unreadable(&error)).and_then(|()| match open
                .end
            {
                End::Yes => to.open(&forwarded, &[open.piece], key.number()).map(|id| (id, open.piece.len())),
                End::No => to.open_streaming(&forwarded, open.piece, key.number()),
            });
        self.heads.set(forwarded);
        sent
    }

    /// The ingress link for a call.
    fn choose(&self, head: &Head<'_>) -> Result<links::Chosen, Failure> {
        let name = links::name(head.group, head.service, head.version, self.name.take());
        let chosen = self.links.borrow().choose(head.destination, &name);
        self.name.set(name);
        chosen.map_err(|why| self.no_link(head, why))
    }

    /// What is told of a call that no link takes.
    pub(super) fn no_link(&self, head: &Head<'_>, why: NoLink) -> Failure {
        let to = head.destination;
        match why {
            // Which other hub has one is not known here: the egress knows it from the catalogues that hubs tell it.
            NoLink::Island => refuse(
                Stage::Switch,
                Kind::NoLink,
                format!(
                    "island `{to}` has no link to hub `{}` now; see whether its ingress gateway runs and reaches the hub",
                    self.id
                ),
            ),
            NoLink::NoCatalogue => refuse(
                Stage::Switch,
                Kind::NotYetKnown,
                format!(
                    "island `{to}` has just linked to hub `{}` and has not said yet what it offers; try again",
                    self.id
                ),
            ),
            NoLink::Away => {
                let service = service_text(head.group, head.service, head.version);
                refuse(
                    Stage::Switch,
                    Kind::NotYetKnown,
                    format!(
                        "the gateways of island `{to}` that offer {service} have no connection to hub `{}` now; see whether \
                         they run and reach the hub",
                        self.id
                    ),
                )
            }
            NoLink::Service => {
                let service = service_text(head.group, head.service, head.version);
                refuse(
                    Stage::Switch,
                    Kind::NotOffered,
                    format!(
                        "island `{to}` does not offer {service}; see its export policy and whether a provider is up"
                    ),
                )
            }
        }
    }
}

fn refuse(stage: Stage, kind: Kind, text: impl Into<Cow<'static, str>>) -> Failure {
    Failure::new(stage, kind, Reach::NotSent, text)
}

fn unreadable(error: &HeadError) -> Failure {
    refuse(Stage::Admit, Kind::Unparsable, format!("the head of the call cannot be read or passed on: {error}"))
}
