//! What an egress asks about a call that it does not make: the same filters and limits as for a call, without counting, sending or
//! writing anything down. [`wire::tunnel::question`] draws who tells whom what.
//!
//! Whose call it would be is the link's own island, whatever is asked: nobody learns what others may do. Who has no grant reads what his
//! call would read, which is the same whether the island exists or not; only who has one hears of its gateways and their providers.
//! An island may ask so often a second, and what is asked beyond that is dropped, as are answers that come too late.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tunnel::Link;
use wire::tunnel::failure::Failure;
use wire::tunnel::head::Head;
use wire::tunnel::notice::Notice;
use wire::tunnel::question::{AskedCall, LISTED_MAX, Providers, Verdict};

use super::Switch;
use crate::admit;
use crate::limits::Limit;
use crate::links;

/// How long a gateway's answer is waited for; who asks waits about as long.
const KEPT: Duration = Duration::from_secs(3);

/// Questions that were passed on to gateways. Bounded by what islands may ask while one is kept.
#[derive(Default)]
pub(super) struct Questions {
    open: BTreeMap<u64, Passed>,
    next: u64,
}

/// One of them.
struct Passed {
    /// The egress link that asked, and its own number.
    from: (u64, u64),
    /// The link of the gateway that has to answer.
    to: u64,
    until: Instant,
}

impl Questions {
    fn pass(&mut self, passed: Passed) -> u64 {
        self.next += 1;
        self.open.insert(self.next, passed);
        self.next
    }

    /// Whether none waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Forgets what nobody waits for any more.
    pub(super) fn forget_old(&mut self, now: Instant) {
        self.open.retain(|_, passed| passed.until > now);
    }
}

impl Switch {
    /// Answers an egress, and asks the gateways that offer what it asked about.
    pub(super) fn asked(&self, link: &Link, question: u64, call: &AskedCall) {
        let (now, limit) = (Instant::now(), self.links.borrow().limit(link));
        let Some(limit) = limit.filter(|limit| call.fits() && limit.may_ask(now)) else { return };
        let head = call.head();
        let mut grant = None;
        let judged = self.judge(link, &head, &limit, now, &mut grant);
        let (calls_per_second, concurrent_calls, open_calls) = limit.numbers();
        let grant = grant.map(|grant| grant.to_string());
        let mut verdict = Verdict { grant, calls_per_second, concurrent_calls, open_calls, ..Verdict::default() };
        let gateways = match judged {
            Ok(gateways) => gateways,
            Err(failure) => {
                verdict.refused = Some(failure.text.into_owned());
                Vec::new()
            }
        };
        verdict.gateways = gateways.iter().map(|gateway| gateway.peer().name.to_string()).collect();
        link.notify(&Notice::Judged { question, verdict: Box::new(verdict.bounded()) });
        for gateway in gateways {
            let passed = Passed { from: (link.id(), question), to: gateway.id(), until: now + KEPT };
            let question = self.questions.borrow_mut().pass(passed);
            gateway.notify(&Notice::Asked { question, call: Box::new(call.clone()) });
        }
    }

    /// Where such a call could go, as one that comes is judged.
    fn judge(
        &self,
        link: &Link,
        head: &Head<'_>,
        limit: &Limit,
        now: Instant,
        grant: &mut Option<std::sync::Arc<str>>,
    ) -> Result<Vec<Link>, Failure> {
        let (policy, from) = (self.policy.borrow().clone(), &link.peer().island);
        self.admit(head, from, &policy, grant)?;
        let name = links::name(head.group, head.service, head.version, Vec::new());
        let gateways = self.links.borrow().gateways(head.destination, &name);
        let mut gateways = gateways.map_err(|why| self.no_link(head, why))?;
        limit.room(now).map_err(|exceeded| admit::over(exceeded, from))?;
        gateways.truncate(LISTED_MAX);
        Ok(gateways)
    }

    /// Passes on what a gateway says of its providers.
    pub(super) fn staffed(&self, link: &Link, question: u64, providers: Providers) {
        let passed = {
            let mut questions = self.questions.borrow_mut();
            let is_its = questions.open.get(&question).is_some_and(|passed| passed.to == link.id());
            if is_its { questions.open.remove(&question) } else { None }
        };
        let Some(Passed { from: (from, question), .. }) = passed else { return };
        let Some(asker) = self.links.borrow().egress_link(from) else { return };
        let gateway = link.peer().name.to_string();
        asker.notify(&Notice::Staffed { question, gateway, providers: providers.bounded() });
    }
}
