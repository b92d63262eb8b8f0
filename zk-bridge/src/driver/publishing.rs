//! Writing in turns: plan, apply, read again, until a plan has no steps; and what has to be kept in mind between plans.
//!
//! It knows which instances rest, which metadata nothing names since when, and which order was carried out last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use zookeeper_client::Error;

use crate::changes::{Depth, Watched};
use crate::handle::{Order, Wish};
use crate::layout::{Layout, Place};
use crate::mirror::Mirror;
use crate::publish::apply::{Applied, Folders, Heavy, apply, len_of, name_of};
use crate::publish::current::Known;
use crate::publish::plan::{Circumstances, Ending, Sight, plan};
use crate::publish::{InstanceName, MetadataName, Plan, Step, is_of_gateways, unmarked};
use crate::scope::Scope;
use crate::session::Session;
use crate::view::ServiceKey;

/// For so long an instance that an earlier start left behind is away: 3.x consumers notice within 0.7 s (measured), and
/// keep a dead connection to one whose absence they did not see. Meanwhile they use the interface level.
const RESTED: Duration = Duration::from_secs(1);
/// For so long an instance without a mark that somebody took away stays away: a later process at its address, which knows ours by the
/// address alone, has it rest before it puts its own there.
const HEALED_AFTER: Duration = RESTED.saturating_mul(2);
/// Metadata that nothing names is kept this long for consumers that are behind.
const UNUSED_FOR: Duration = Duration::from_secs(600);
/// Plans until one has no steps; one or two are normal, each conflict costs one.
const ROUNDS_MAX: u32 = 10;
/// The pause after that, and before a step that was refused is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Connections that end over the same step until it is taken for the reason.
const CUT_OFF_MAX: u32 = 2;
/// The pause before such a step is tried again: each trial costs the connection.
const HEAVY_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How far writing is.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) desired: usize,
    pub(super) published: usize,
    pub(super) published_as_instance: usize,
    pub(super) problems: Vec<String>,
}

/// The writing side of a driver.
pub(super) struct Publishing {
    pub(super) known: Known,
    pub(super) progress: Progress,
    orders: watch::Receiver<Order>,
    done: watch::Sender<u64>,
    folders: Folders,
    resting: BTreeMap<InstanceName, Instant>,
    unused: BTreeMap<MetadataName, Instant>,
    rounds: u32,
    /// Steps that are left out for a while.
    refused: BTreeMap<String, Refusal>,
    /// The heavy step on its way, and how often the connection ended over it.
    heavy: Option<Heavy>,
    cut_off: BTreeMap<String, u32>,
    again: Option<Instant>,
}

/// Why a step is not taken, and until when.
struct Refusal {
    why: String,
    until: Instant,
    /// A smaller one of the same name is taken.
    from_len: usize,
}

impl Publishing {
    pub(super) fn new(orders: watch::Receiver<Order>, done: watch::Sender<u64>) -> Self {
        Self {
            known: Known::default(),
            progress: Progress::default(),
            orders,
            done,
            folders: Folders::default(),
            resting: BTreeMap::new(),
            unused: BTreeMap::new(),
            rounds: 0,
            refused: BTreeMap::new(),
            heavy: None,
            cut_off: BTreeMap::new(),
            again: None,
        }
    }

    /// Whether something is left out that we may not do.
    pub(super) fn is_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// The connection ended. A server ends it over a request that is larger than it takes, and says nothing.
    pub(super) fn cut_off(&mut self) {
        let Some(Heavy { step, len }) = self.heavy.take() else { return };
        let count = self.cut_off.entry(step.clone()).or_default();
        *count += 1;
        if *count >= CUT_OFF_MAX {
            let why = format!(
                "cannot write {step}: the connection ended {count} times over its {len} bytes; wanted a jute.maxbuffer of \
                 the servers that is larger than that"
            );
            self.refused.insert(step, Refusal { why, until: Instant::now() + HEAVY_AGAIN_AFTER, from_len: len });
        }
    }

    /// Nothing is known of a new session's tree.
    pub(super) fn new_session(&mut self, session: &Session) {
        self.known.new_session(session.id());
        self.folders = Folders::default();
        self.rounds = 0;
        // Another session may have other rights; the server is as small as it was.
        self.refused.retain(|_, refusal| refusal.from_len > 0);
    }

    /// The next order. Cancel safe; pending for ever once nobody is left to give one.
    pub(super) async fn ordered(&mut self) {
        if self.orders.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the gateway takes its leave, which is not to wait for anything.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self.orders.borrow().wish, Wish::Withdraw(_) | Wish::Leave(_))
    }

    /// Takes note of a changed path; `true` where it is one of those that only a publisher reads.
    pub(super) fn touch(&mut self, path: &str, place: &Place) -> bool {
        let is_ours = self.known.touch_node(path);
        if let Place::Instance(application, id) = place
            && is_ours
            && !is_of_gateways(application)
        {
            let now = Instant::now();
            self.resting.retain(|_, until| *until > now);
            // One that we took away ourselves has its time already.
            self.resting.entry((application.clone(), id.clone())).or_insert(now + HEALED_AFTER);
        }
        self.known.touch(place) | is_ours
    }

    /// The nodes of which only a publisher wants to know.
    pub(super) fn watched(&self, layout: &Layout) -> Watched {
        let order = self.orders.borrow();
        let wished = order.wish.desired().map(|desired| unmarked(desired));
        wished.iter().flat_map(|wished| wished.watched(layout)).map(|path| (path, Depth::Node)).collect()
    }

    /// When something has to be done without a change.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let rested = self.resting.values().min().copied();
        let unused = self.unused.values().min().map(|since| *since + UNUSED_FOR);
        let refused = self.refused.values().map(|refusal| refusal.until).min();
        [rested, unused, self.again.or(refused)].into_iter().flatten().min()
    }

    /// One plan and its steps; `true` where the tree has to be read again and another plan to be made.
    ///
    /// # Errors
    /// The connection or session is lost.
    pub(super) async fn publish(
        &mut self,
        session: &Session,
        layout: &Layout,
        mirror: &mut Mirror,
        interface_only: &BTreeSet<ServiceKey>,
    ) -> Result<bool, Error> {
        let order = self.orders.borrow_and_update().clone();
        let Some(desired) = order.wish.desired().filter(|_| mirror.is_whole) else { return Ok(false) };
        let now = Instant::now();
        if self.again.is_some_and(|again| again <= now) {
            self.again = None;
            self.rounds = 0;
        }
        let current = self.known.current(session, layout, mirror, desired, interface_only).await?;
        let sight = if mirror.scope == Scope::Everything { Sight::Whole } else { Sight::Narrow };
        let circumstances = Circumstances { sight, ..self.circumstances(&order.wish, now) };
        let plan = plan(layout, desired, &current, &circumstances);
        // What is not wanted any more is no problem any more.
        self.refused.retain(|name, _| plan.steps.iter().any(|step| name_of(step) == name));
        self.progress = Progress {
            desired: desired.providers.len() + desired.plain.len() + desired.consumers.len(),
            published: plan.published,
            published_as_instance: plan.published_as_instance,
            problems: self.problems(&plan),
        };
        self.remember(&plan, now);
        if plan.steps.is_empty() {
            self.rounds = 0;
            if plan.resting == 0 {
                self.done.send_replace(order.number);
            }
            return Ok(false);
        }
        let is_due = |step: &Step| {
            let refusal = self.refused.get(name_of(step));
            refusal.is_none_or(|refusal| refusal.until <= now || len_of(step) < refusal.from_len)
        };
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| is_due(step)).collect();
        if self.again.is_some() || steps.is_empty() {
            return Ok(false);
        }
        let Self { known, orders, folders, heavy, .. } = self;
        let is_overtaken = || orders.has_changed().unwrap_or(false);
        let applied = apply(session, &steps, folders, heavy, is_overtaken, |path| {
            let place = layout.place(path);
            mirror.touch(&place, layout);
            known.touch(&place);
            known.touch_node(path);
        })
        .await?;
        self.resting.extend(plan.to_rest.into_iter().map(|name| (name, Instant::now() + RESTED)));
        self.conclude(applied, mirror);
        Ok(true)
    }

    /// Those of the plan, and why steps of it are left out.
    fn problems(&self, plan: &Plan) -> Vec<String> {
        let overrun = self.again.map(|_| "the tree changes faster than it can be written".to_owned());
        plan.problems
            .iter()
            .cloned()
            .chain(self.refused.values().map(|refusal| refusal.why.clone()))
            .chain(overrun)
            .collect()
    }

    fn circumstances(&mut self, wish: &Wish, now: Instant) -> Circumstances {
        self.resting.retain(|_, until| *until > now);
        let due = self.unused.iter().filter(|(_, since)| **since + UNUSED_FOR <= now).map(|(name, _)| name.clone());
        Circumstances {
            resting: self.resting.keys().cloned().collect(),
            due: due.collect(),
            ending: if matches!(wish, Wish::Leave(_)) { Ending::Leaving } else { Ending::None },
            sight: Sight::default(),
        }
    }

    /// Keeps in mind since when metadata is unused.
    fn remember(&mut self, plan: &Plan, now: Instant) {
        let unused: &BTreeSet<MetadataName> = &plan.unused;
        self.unused.retain(|name, _| unused.contains(name));
        for name in unused {
            self.unused.entry(name.clone()).or_insert(now);
        }
    }

    fn conclude(&mut self, applied: Applied, mirror: &mut Mirror) {
        self.rounds += 1;
        match applied {
            Applied::All { refused } => {
                self.cut_off.retain(|step, _| self.refused.contains_key(step));
                let until = Instant::now() + AGAIN_AFTER;
                self.refused
                    .extend(refused.into_iter().map(|it| (it.step, Refusal { why: it.why, until, from_len: 0 })));
            }
            Applied::Conflict => {
                self.known.doubt();
                mirror.doubt_everything();
            }
            Applied::Overtaken => self.rounds = 0,
        }
        if self.rounds >= ROUNDS_MAX && self.again.is_none() {
            self.again = Some(Instant::now() + AGAIN_AFTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_goes_ten_minutes_after_the_last_instance_that_named_it() {
        let (_orders, orders) = watch::channel(Order::default());
        let mut publishing = Publishing::new(orders, watch::channel(0).0);
        let old: MetadataName = ("highway-b-1".into(), "r1".into());
        let (unused, named) = (Plan { unused: [old.clone()].into(), ..Plan::default() }, Plan::default());
        let mut due = |plan: &Plan, at: Instant| {
            publishing.remember(plan, at);
            let due = publishing.circumstances(&Wish::Silent, at).due;
            (due.contains(&old), publishing.next_due())
        };
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let began = Instant::now();
        assert_eq!(due(&unused, began), (false, Some(began + minutes(10))));
        // It is named once more, and the time begins anew.
        assert_eq!(due(&named, began + minutes(5)), (false, None));
        let again = began + minutes(6);
        assert_eq!(due(&unused, again), (false, Some(again + minutes(10))));
        assert!(!due(&unused, again + minutes(9)).0);
        assert!(due(&unused, again + minutes(10)).0);
    }
}
