//! The control side: what registries and configuration list becomes exports for the shards and a catalogue for the hubs.
//!
//! ```text
//!  registry 1 ─ view ─┐
//!  registry 2 ─ view ─┼─▶ kept ─ policy, static providers ─▶ Exports ─ changed? ─▶ every shard
//!  configuration ─────┤                                         └▶ Catalogue ──────▶ every shard, once it may be told
//!  shards: who is down┘
//! ```
//!
//! A registry that is away changes nothing. The hubs hear nothing before every registry was read once, because a first
//! catalogue without its services would take them away from everybody, and for the same time the shards refuse nothing for
//! good; after [`FIRST_READ`] what is there has to do. Nor does silence change anything: who was down stays so until a shard answers.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chassis::admin::Condition;
use client::{Endpoint, TlsWith};
use serde::Serialize;
use shard::Remote;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use wire::tunnel::catalogue::Origin;
use zk_bridge::{Registry, View};

use crate::catalogue::Catalogue;
use crate::export::ExportPolicy;
use crate::line::Line;
use crate::listed::{Listed, StaticProvider};
use crate::offers::{Exports, exports};
use crate::shards::{self, with_line};

/// How long the first catalogue waits for registries that were never read.
const FIRST_READ: Duration = Duration::from_secs(30);
/// How often it is looked which providers can be reached, for the catalogue alone: calls find out by themselves.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Changes that come together are looked at together: a provider that starts writes many nodes.
const GATHER: Duration = Duration::from_millis(20);

/// The part of the configuration that a reload may change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// What others may call.
    pub policy: ExportPolicy,
    /// Providers without a registry.
    pub statics: Vec<StaticProvider>,
    /// Which listed providers speak TLS.
    pub tls: TlsWith,
}

/// What `/status` says of the exports.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Exported {
    /// The catalogue's revision, 0 before the first.
    pub revision: u64,
    /// `[group/]interface[:version]` with its providers.
    pub services: Vec<ExportedService>,
}

/// One exported service.
#[derive(Debug, Clone, Serialize)]
pub struct ExportedService {
    /// `[group/]interface[:version]`.
    pub service: String,
    /// Addresses that offer it.
    pub providers: Vec<String>,
    /// Whether one of them may be called.
    pub healthy: bool,
}

/// Keeps exports and catalogue up to date.
pub struct Feed {
    /// Who publishes.
    pub origin: Origin,
    /// The registries, in the order of the configuration.
    pub registries: Vec<Arc<dyn Registry>>,
    /// The shards.
    pub remotes: Vec<Remote>,
    /// Rules and static providers, now and later.
    pub wishes: watch::Receiver<Arc<Wishes>>,
    /// What `/status` says.
    pub exported: watch::Sender<Arc<Exported>>,
    /// Met once every registry was read.
    pub condition: Condition,
}

/// What is known of one registry.
#[derive(Default)]
struct Known {
    view: Arc<View>,
    was_read: bool,
}

/// What is seen of registries and shards just now.
#[derive(Default)]
struct Seen {
    /// In the order of the configuration.
    known: RefCell<Vec<Known>>,
    /// Addresses to which no call gets through.
    down: RefCell<BTreeSet<Endpoint>>,
    changed: Notify,
}

impl Feed {
    /// Runs until the configuration's end is dropped. Must run inside a `LocalSet`.
    ///
    /// # Errors
    /// What follows the registries or asks the shards has panicked: what is exported would stay as it is for good.
    pub async fn run(self) -> Result<(), JoinError> {
        let seen = Rc::new(Seen::default());
        let mut readers = JoinSet::new();
        for (at, registry) in self.registries.iter().enumerate() {
            seen.known.borrow_mut().push(Known::default());
            readers.spawn_local(follow(registry.view(), at, seen.clone()));
        }
        // On its own: here it would begin its wait anew with each change of a registry.
        readers.spawn_local(look(self.remotes.clone(), seen.clone()));
        self.keep_up(&seen, readers).await
    }

    /// Follows what `readers` see.
    async fn keep_up(mut self, seen: &Seen, mut readers: JoinSet<()>) -> Result<(), JoinError> {
        let patience = Instant::now() + FIRST_READ;
        let mut current = Arc::new(Exports::default());
        let mut catalogue: Option<Arc<Catalogue>> = None;
        loop {
            let unread = self.unread(&seen.known.borrow());
            self.report_readiness(&unread);
            let lists: Vec<_> = seen.known.borrow().iter().map(|known| known.view.providers().to_vec()).collect();
            let wishes = self.wishes.borrow_and_update().clone();
            let Wishes { policy, statics, tls } = &*wishes;
            let next = {
                let listed = Listed { policy, statics, registries: &lists, tls: *tls, down: &seen.down.borrow() };
                Arc::new(exports(&self.origin.gateway, listed))
            };
            if !next.leads_as(&current) {
                self.export(&next);
            }
            current = next;
            if catalogue.is_some() || unread.is_empty() || Instant::now() >= patience {
                let next = match &catalogue {
                    None => {
                        self.know_all();
                        Some(Catalogue::first(self.origin.clone(), current.entries.clone()))
                    }
                    Some(catalogue) => catalogue.next(current.entries.clone()),
                };
                if let Some(next) = next.map(Arc::new) {
                    tracing::info!(
                        revision = next.revision(),
                        services = next.entries().len(),
                        "the catalogue has changed"
                    );
                    self.publish(&next);
                    catalogue = Some(next);
                }
            }
            self.report(&current, catalogue.as_deref());
            let waits = catalogue.is_none();
            tokio::select! {
                () = seen.changed.notified() => sleep(GATHER).await,
                wished = self.wishes.changed() => if wished.is_err() { return Ok(()) },
                () = sleep_until(patience), if waits => {}
                // Whoever follows a registry ends with its driver.
                Some(ended) = readers.join_next() => ended?,
            }
        }
    }

    /// Registries that were never read to the end.
    fn unread(&self, known: &[Known]) -> Vec<String> {
        let both = self.registries.iter().zip(known);
        both.filter(|(_, known)| !known.was_read).map(|(registry, _)| registry.name().to_owned()).collect()
    }

    fn report_readiness(&self, unread: &[String]) {
        if unread.is_empty() {
            self.condition.met();
        } else {
            self.condition.unmet(format!("not read yet: {}", unread.join(", ")));
        }
    }

    fn export(&self, exports: &Arc<Exports>) {
        for remote in &self.remotes {
            let exports = exports.clone();
            remote.post(move |_| with_line(|line| line.export(exports)));
        }
    }

    fn know_all(&self) {
        for remote in &self.remotes {
            remote.post(|_| with_line(Line::know_all));
        }
    }

    fn publish(&self, catalogue: &Arc<Catalogue>) {
        for remote in &self.remotes {
            let catalogue = catalogue.clone();
            remote.post(move |_| with_line(|line| line.publish(catalogue)));
        }
    }

    fn report(&self, exports: &Exports, catalogue: Option<&Catalogue>) {
        let services = exports.entries.values().map(|entry| {
            let service = entry.key.to_string();
            let offers = exports.providers.services.get(service.as_str()).into_iter().flatten();
            ExportedService {
                providers: offers.map(|offer| offer.endpoint.to_string()).collect(),
                healthy: entry.healthy,
                service,
            }
        });
        let exported = Exported { revision: catalogue.map_or(0, Catalogue::revision), services: services.collect() };
        self.exported.send_replace(Arc::new(exported));
    }
}

/// Takes over what one registry shows, as it changes.
async fn follow(mut view: watch::Receiver<Arc<View>>, at: usize, seen: Rc<Seen>) {
    loop {
        let shown = view.borrow_and_update().clone();
        if let Some(known) = seen.known.borrow_mut().get_mut(at) {
            known.view = shown.after(&known.view);
            known.was_read |= shown.is_complete();
        }
        seen.changed.notify_one();
        // The registry's driver has ended: the last good state stays.
        if view.changed().await.is_err() {
            return;
        }
    }
}

/// Looks again and again which addresses are down.
async fn look(remotes: Vec<Remote>, seen: Rc<Seen>) {
    loop {
        sleep(LOOK_EVERY).await;
        let Some(now_down) = down(&remotes).await else { continue };
        if seen.down.replace(now_down.clone()) != now_down {
            seen.changed.notify_one();
        }
    }
}

/// Addresses that none of the shards that answer reaches; `None` where none answers.
async fn down(remotes: &[Remote]) -> Option<BTreeSet<Endpoint>> {
    let mut all: Option<BTreeSet<Endpoint>> = None;
    for remote in remotes {
        let Ok(Some(down)) = timeout(LOOK_EVERY, shards::down(remote)).await else { continue };
        let here: BTreeSet<Endpoint> = down.into_iter().collect();
        all = Some(all.map_or(here.clone(), |others| others.intersection(&here).cloned().collect()));
    }
    all
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
