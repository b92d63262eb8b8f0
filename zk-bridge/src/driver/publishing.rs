//! Writing in turns: plan, apply, read again, until a plan has no steps; and what has to be kept in mind between plans.
//!
//! It knows which instances rest, which metadata nothing names since when, and which order was carried out last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use zookeeper_client::Error;

use crate::handle::{Order, Wish};
use crate::layout::{Layout, Place};
use crate::mirror::Mirror;
use crate::publish::apply::{Applied, Folders, apply};
use crate::publish::current::Known;
use crate::publish::plan::{Circumstances, Ending, plan};
use crate::publish::{InstanceName, MetadataName, Plan};
use crate::session::Session;
use crate::view::ServiceKey;

/// For so long an instance that an earlier start left behind is away: 3.x consumers notice within 0.7 s (measured), and
/// keep a dead connection to one whose absence they did not see. Meanwhile they use the interface level.
const RESTED: Duration = Duration::from_secs(1);
/// Metadata that nothing names is kept this long for consumers that are behind.
const UNUSED_FOR: Duration = Duration::from_secs(600);
/// Plans until one has no steps; one or two are normal, each conflict costs one.
const ROUNDS_MAX: u32 = 10;
/// The pause after that, or after a refusal.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

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
    refused: Vec<String>,
    again: Option<Instant>,
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
            refused: Vec::new(),
            again: None,
        }
    }

    /// Nothing is known of a new session's tree.
    pub(super) fn new_session(&mut self) {
        self.known = Known::default();
        self.folders = Folders::default();
        self.rounds = 0;
    }

    /// The next order. Cancel safe; pending for ever once nobody is left to give one.
    pub(super) async fn ordered(&mut self) {
        if self.orders.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes note of a changed path; `true` where it is one of those that only a publisher reads.
    pub(super) fn touch(&mut self, path: &str, place: &Place) -> bool {
        self.known.touch_node(path);
        self.known.touch(place)
    }

    /// When something has to be done without a change.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let rested = self.resting.values().min().copied();
        let unused = self.unused.values().min().map(|since| *since + UNUSED_FOR);
        [rested, unused, self.again].into_iter().flatten().min()
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
            self.refused.clear();
            self.rounds = 0;
        }
        let current = self.known.current(session, layout, mirror, desired, interface_only).await?;
        let plan = plan(layout, desired, &current, &self.circumstances(&order.wish, now));
        self.progress = Progress {
            desired: desired.providers.len(),
            published: plan.published,
            published_as_instance: plan.published_as_instance,
            problems: plan.problems.iter().chain(&self.refused).cloned().collect(),
        };
        self.remember(&plan, now);
        if plan.steps.is_empty() {
            self.rounds = 0;
            self.done.send_replace(order.number);
            return Ok(false);
        }
        if self.again.is_some() {
            return Ok(false);
        }
        let known = &mut self.known;
        let applied = apply(session, &plan.steps, &mut self.folders, |path| {
            let place = layout.place(path);
            mirror.stale.touch(&place, layout);
            known.touch(&place);
            known.touch_node(path);
        })
        .await?;
        self.resting.extend(plan.to_rest.into_iter().map(|name| (name, Instant::now() + RESTED)));
        self.conclude(applied, mirror);
        Ok(true)
    }

    fn circumstances(&mut self, wish: &Wish, now: Instant) -> Circumstances {
        self.resting.retain(|_, until| *until > now);
        let due = self.unused.iter().filter(|(_, since)| **since + UNUSED_FOR <= now).map(|(name, _)| name.clone());
        Circumstances {
            resting: self.resting.keys().cloned().collect(),
            due: due.collect(),
            ending: if matches!(wish, Wish::Leave(_)) { Ending::Leaving } else { Ending::None },
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
        let pause = Some(Instant::now() + AGAIN_AFTER);
        self.rounds += 1;
        match applied {
            Applied::All { refused } if !refused.is_empty() => {
                self.refused = refused;
                self.again = pause;
            }
            Applied::All { .. } => {}
            Applied::Conflict => {
                self.known.doubt();
                mirror.stale.doubt_everything();
            }
        }
        if self.rounds >= ROUNDS_MAX && self.again.is_none() {
            self.refused = vec!["the tree changes faster than it can be written".into()];
            self.again = pause;
        }
    }
}
