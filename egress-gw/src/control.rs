//! The one loop of the control thread: what hubs and registries tell goes in, what shards decide by and what stands in
//! the registries comes out.
//!
//! ```text
//!  Inbox (links, catalogue) ┐                          ┌─▶ Knowledge for the shards
//!  registry views, rules    ┼─ changed ─ a moment ─────┼─▶ Desired for each registry
//!  clock, new [import]      ┘        (20 ms)           └─▶ readiness, /status, state files
//!                                   drain ─▶ drain.rs
//! ```
//!
//! Last good state wins: a registry or hub that is away stops changes, not calls. Nothing here is on a call's path.
//!
//! Long because: whatever changes what shards decide by or what is published meets in this one loop, in one order.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use chassis::Process;
use chassis::admin::Condition;
use chassis::drain::Hold;
use chassis::state::StateDir;
use route::rules::{Center, Observed, Rulebook};
use route::{Health, Known, Offer, Snapshot, View};
use tokio::sync::{mpsc, oneshot};
use wire::tunnel::catalogue::ServiceKey;
use zk_bridge::Desired;

use crate::catalogue::{Applied, Catalogue, Offered};
use crate::config::{Config, Import, Port, Publish, Tagging};
use crate::distances::Distances;
use crate::drain;
use crate::islands::Islands;
use crate::knowledge::{Heeded, Knowledge};
use crate::listen::{Event, Inbox, Order};
use crate::local::LocalTls;
use crate::local_memory::{self, OnDisk};
use crate::own_services::OwnServices;
use crate::publish::{self, Face, Remembered};
use crate::reference::Prefixes;
use crate::shown::{Shown, ShownRegistry};
use crate::site::{Site, any_change, consumers};
use crate::state_files::{
    ISLANDS, REMEMBERED, read_islands, read_memory, read_remembered, read_rulebook, write, write_rulebook,
};

/// Changes that come together are taken together.
const GATHER: Duration = Duration::from_millis(20);
/// Hold-downs and memories are looked at this often.
const CLOCK: Duration = Duration::from_secs(1);

/// After so long consumers are let in, even if no hub has told anything: they then hear why their calls go nowhere.
const OPENED_WITHIN: Duration = Duration::from_secs(1);

/// A changed configuration, as far as it can change.
pub struct Change {
    pub import: Import,
    pub local_tls: LocalTls,
}

/// Everything the loop is connected to.
pub struct Outside {
    pub process: Process,
    pub orders: Vec<mpsc::Sender<Order>>,
    pub inbox: Arc<Inbox>,
    pub knowledge: Arc<ArcSwap<Knowledge>>,
    pub state: StateDir,
    pub changed: mpsc::Receiver<(Change, oneshot::Sender<()>)>,
}

/// The state of the loop.
pub struct Control {
    island: Arc<str>,
    gateway: Arc<str>,
    epoch: u64,
    host: Option<IpAddr>,
    ports: Vec<Port>,
    tagging: Tagging,
    serve_after_leaving: Duration,
    import: Import,
    catalogue: Catalogue,
    distances: Distances,
    own: OwnServices,
    prefixes: Prefixes,
    remembered: Remembered,
    islands: Arc<Islands>,
    rulebook: Rulebook,
    sites: Vec<Site>,
    outside: Outside,
    hub_ready: Condition,
    shown: Arc<Mutex<Shown>>,
    snapshot: Arc<Snapshot>,
    /// When time alone makes another snapshot of the same facts.
    settles_at: Option<Instant>,
    /// Whether offers, local providers, imports or rules are others than those of `snapshot`.
    outdated: bool,
    complete: bool,
    absence: Absence,
    began: Instant,
    unread_waited_for: Waited,
    doors: Doors,
    hold: Hold,
}

/// Whether registries that were not read yet had the hold-down to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    No,
    Enough,
}

/// Whether nodes may be taken away because nobody offers what they stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absence {
    /// No hub has told everything since this process began: an earlier start may have known more.
    Unproven,
    /// Some hub has; from then on the hold-down is what protects nodes.
    Proven,
}

/// Whether consumers are let in. Those of the process before this one connect again before a hub has told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doors {
    /// Not yet; since this moment.
    Shut(Instant),
    /// It is known where calls go, or nobody tells.
    Open,
}

impl Control {
    /// The loop of this configuration between `outside` and the registries.
    pub fn new(config: &Config, ports: Vec<Port>, epoch: u64, sites: Vec<Site>, outside: Outside) -> Self {
        let process = &outside.process;
        let memory = read_memory(&outside.state, config.import.local_memory);
        let remembered = read_remembered(&outside.state);
        let islands = Arc::new(read_islands(&outside.state));
        let rulebook = read_rulebook(&outside.state);
        let shown = Arc::new(Mutex::new(Shown::default()));
        let reads = shown.clone();
        process.status.source("egress", move || reads.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let hub_ready = process.ready.condition("link to a hub");
        hub_ready.unmet("no link to a hub is up yet");
        Self {
            island: config.island.clone(),
            gateway: config.gateway.clone(),
            epoch,
            host: config.advertise,
            own: OwnServices::new(config, ports.clone(), memory),
            ports,
            tagging: config.tagging,
            serve_after_leaving: config.serve_after_leaving,
            import: config.import.clone(),
            catalogue: Catalogue::new(config.import.hold_down),
            distances: Distances::default(),
            prefixes: config.reference_prefixes.clone(),
            remembered,
            islands,
            rulebook,
            sites,
            hold: process.drain.hold(),
            outside,
            hub_ready,
            shown,
            snapshot: Arc::default(),
            settles_at: None,
            outdated: true,
            complete: false,
            absence: Absence::Unproven,
            began: Instant::now(),
            unread_waited_for: Waited::No,
            doors: Doors::Shut(Instant::now()),
        }
    }

    fn patient_until(&self) -> Instant {
        self.began + self.import.hold_down
    }

    /// Runs until the process drains, and drains.
    ///
    /// # Errors
    /// None; the type is the one of tasks.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut clock = tokio::time::interval(CLOCK);
        self.renew();
        loop {
            self.open_doors().await;
            tokio::select! {
                events = self.outside.inbox.take() => {
                    let is_more = events.iter().any(|event| !matches!(event, Event::Distance { .. }));
                    self.take(events).await;
                    if !is_more {
                        // Nothing to make anew before the next tick.
                        tokio::time::sleep(GATHER).await;
                        continue;
                    }
                }
                () = any_change(&mut self.sites) => {}
                Some((change, done)) = self.outside.changed.recv() => {
                    self.import = change.import;
                    self.catalogue.set_hold_down(self.import.hold_down);
                    self.own.configure(self.import.local_memory, change.local_tls);
                    self.outdated = true;
                    self.renew();
                    let _ = done.send(());
                    continue;
                }
                _ = clock.tick() => {
                    let now = Instant::now();
                    self.outdated |= self.catalogue.expire(now) == Applied::Changed;
                    // Nobody else looks at them.
                    self.outdated |= self.rulebook.rules().looks_at_distances() && self.distances.are_news();
                    if !self.outdated && !self.is_due(now) {
                        self.show();
                        continue;
                    }
                }
                // A rule begins and ends at its moment, not with the tick behind it.
                () = pass(self.rulebook.due_in(SystemTime::now())) => {}
                () = self.outside.process.drain.asked() => break,
            }
            tokio::time::sleep(GATHER).await;
            self.renew();
        }
        let Self { sites, outside, gateway, serve_after_leaving, hold, .. } = self;
        drain::run(&sites, &outside.orders, &gateway, serve_after_leaving).await;
        drop(hold);
        Ok(())
    }

    /// Takes in what the links told. Only other offers are worth a new generation; links that tell what cannot be are
    /// begun anew.
    async fn take(&mut self, events: Vec<Event>) {
        let now = Instant::now();
        for event in events {
            match event {
                Event::Up { link, hub } => self.catalogue.up(link, &hub, now),
                Event::Down { link } => {
                    self.catalogue.down(link, now);
                    self.distances.down(link);
                    self.outdated |= self.rulebook.rules().looks_at_distances();
                }
                Event::Told { link } => self.catalogue.told(link),
                Event::Distance { link, island, round_trip } => {
                    // Taken to use at the next tick of the clock: a hub may say another every moment.
                    self.distances.told(link, &island, round_trip);
                }
                Event::Catalogue { link, update } => {
                    let origin = update.origin.clone();
                    match self.catalogue.update(link, update) {
                        Applied::Changed => self.outdated = true,
                        Applied::Unchanged => {}
                        Applied::Gap => {
                            tracing::warn!(?origin, "a hub told a difference from a revision it had not told before");
                            self.begin_anew(link, "a catalogue difference starts from a revision that was never told")
                                .await;
                        }
                        Applied::TooMuch => {
                            tracing::error!(?origin, "more services are offered than a gateway takes in");
                            self.begin_anew(link, "the catalogue has more entries than this gateway takes in").await;
                        }
                    }
                }
            }
        }
    }

    async fn open_doors(&mut self) {
        let Doors::Shut(since) = self.doors else { return };
        let has_rules = self.sites.iter().all(|site| site.documents.borrow().is_read());
        let knows = has_rules && (self.complete || self.catalogue.offered().next().is_some());
        if !knows && since.elapsed() < OPENED_WITHIN {
            return;
        }
        self.doors = Doors::Open;
        for order in &self.outside.orders {
            // A shard that has ended lets nobody in.
            let _ = order.send(Order::Open).await;
        }
    }

    /// Has the shard that owns the link close it; whose it is only the shards know.
    async fn begin_anew(&self, link: u64, why: &'static str) {
        for order in &self.outside.orders {
            // A shard that has ended has no links.
            let _ = order.send(Order::Anew { link, why }).await;
        }
    }

    /// Whether time alone changes what shall stand.
    fn is_due(&self, now: Instant) -> bool {
        let today = SystemTime::now();
        let local_is_over = self.own.memory().next_change().is_some_and(|at| at <= today);
        let waited = self.unread_waited_for == Waited::No && now >= self.patient_until();
        let demand_is_over = match self.import.publish {
            Publish::Imported => false,
            Publish::OnDemand { memory } => {
                self.sites.iter().filter_map(|site| site.demand.next_change(memory)).any(|at| at <= now)
            }
        };
        local_is_over || waited || demand_is_over || self.is_settled(now) || self.rulebook.is_due(today)
    }

    /// Whether some local provider has by now been back for as long as a rule wants.
    fn is_settled(&self, now: Instant) -> bool {
        self.settles_at.is_some_and(|at| at <= now)
    }

    /// Makes everything anew from what is known now.
    fn renew(&mut self) {
        let (now, today) = (Instant::now(), SystemTime::now());
        let complete = self.catalogue.is_complete();
        self.outdated |= self.catalogue.expire(now) == Applied::Changed || complete != self.complete;
        self.complete = complete;
        if complete {
            self.absence = Absence::Proven;
        }
        self.observe_own(now, today);
        self.observe_rules(today);
        self.outdated |= self.is_settled(now);
        let offered: Vec<Offered<'_>> = self.catalogue.offered().collect();
        if self.remembered.observe(&self.ports, &self.import.imports, &offered) {
            write(&self.outside.state, REMEMBERED, &serde_json::to_vec(&self.remembered).unwrap_or_default());
        }
        let offering = offered.iter().map(|offered| &**offered.island);
        if let Some(islands) = self.islands.with(&self.import.imports, offering) {
            self.outdated = true;
            write(&self.outside.state, ISLANDS, &serde_json::to_vec(&islands).unwrap_or_default());
            self.islands = Arc::new(islands);
        }
        // A new generation empties the shards' caches, so it must be about something.
        if self.outdated {
            self.outdated = false;
            let view = if complete { View::Complete } else { View::Partial };
            let known = Known {
                own_island: self.island.clone(),
                view,
                imports: self.import.imports.clone(),
                offers: offered.iter().map(|offered| (offered.entry.clone().into(), offer(offered))).collect(),
                local: self.own.keys().collect(),
                local_for: self.own.back_for(now),
                rules: self.rulebook.rules().clone(),
                round_trips: self.distances.put_to_use(),
            };
            self.snapshot = Arc::new(Snapshot::new(self.snapshot.generation() + 1, known));
            self.settles_at = self.snapshot.settles_in().map(|after| now + after);
        }
        let hubs = self.catalogue.hubs().into_iter().map(|(island, hubs)| (island, hubs.into_iter().collect()));
        let before = self.outside.knowledge.load_full();
        let heeded = Heeded { prefixes: &self.prefixes, parameters: self.snapshot.rules().parameters().collect() };
        self.outside.knowledge.store(Arc::new(Knowledge {
            snapshot: self.snapshot.clone(),
            islands: self.islands.clone(),
            hubs: hubs.collect(),
            consumers: consumers(&self.sites, &heeded).after(&before.consumers, now, self.import.hold_down, &heeded),
            local: self.own.local().clone(),
        }));
        if let Publish::OnDemand { memory } = self.import.publish {
            for site in &mut self.sites {
                let view = site.view.borrow().clone();
                let consumers = view.consumers().iter().map(|consumer| &**consumer);
                let services = offered.iter().map(|offered| &offered.entry.key).chain(self.remembered.services());
                site.demand.observe(now, memory, consumers, services);
            }
        }
        if now >= self.patient_until() {
            self.unread_waited_for = Waited::Enough;
        }
        self.publish(&offered, today);
        self.show();
    }

    /// Notes which services this island serves itself.
    fn observe_own(&mut self, now: Instant, today: SystemTime) {
        let views = self.sites.iter_mut().map(Site::keep).collect();
        let found = self.own.observe(views, now, today);
        self.outdated |= found.is_new;
        if found.on_disk == OnDisk::Outdated {
            write(&self.outside.state, local_memory::FILE, &self.own.memory().encode());
        }
    }

    /// Takes in what the config centers say.
    fn observe_rules(&mut self, today: SystemTime) {
        let seen = |site: &mut Site| (site.registry.clone(), site.documents.borrow_and_update().clone());
        let seen: Vec<_> = self.sites.iter_mut().map(seen).collect();
        let centers: Vec<Center<'_>> = seen
            .iter()
            .map(|(registry, documents)| Center {
                registry: registry.name(),
                is_read: documents.is_read(),
                has_folder: documents.has_folder(),
                unsound: documents.unsound(),
                texts: documents.texts().collect(),
            })
            .collect();
        let observed = self.rulebook.observe(&centers, today);
        self.outdated |= observed != Observed::Same;
        if observed == Observed::OtherDocuments {
            write_rulebook(&self.outside.state, &self.rulebook);
        }
    }

    fn publish(&self, offered: &[Offered<'_>], today: SystemTime) {
        let Some(host) = self.host else { return };
        // A registry that was not read yet may hold local providers, and they come first. But one that is down must not keep
        // the others waiting: what it held in the last day is remembered.
        if self.unread_waited_for == Waited::No && !self.sites.iter().all(|site| site.read_once) {
            return;
        }
        let face = Face { host, ports: &self.ports, tagging: self.tagging };
        let now = Instant::now();
        let rules = self.rulebook.rules();
        let is_local = |service: &ServiceKey| self.own.keep_their_calls(service, rules, now, today);
        for site in self.sites.iter().filter(|site| site.read_once) {
            let view = site.view.borrow().clone();
            let wanted = |service: &ServiceKey| match self.import.publish {
                Publish::Imported => true,
                Publish::OnDemand { .. } => site.demand.wants(service),
            };
            let imports = &self.import.imports;
            let providers = publish::desired(&face, imports, offered, &self.remembered, &is_local, &wanted);
            let is_served_here = |service: &str| self.own.memory().is_local(service, today);
            if self.absence == Absence::Unproven
                && (providers.is_empty() || publish::takes_away(&view, &self.gateway, &providers, &is_served_here))
            {
                continue;
            }
            let gateway = self.gateway.to_string();
            let stands = publish::stands(&face);
            site.registry.publish(Desired { gateway, epoch: self.epoch, providers, stands, ..Desired::default() });
        }
    }

    fn show(&self) {
        let links = self.catalogue.links();
        match links {
            0 => self.hub_ready.unmet("no link to a hub is up"),
            _ => self.hub_ready.met(),
        }
        let today = SystemTime::now();
        let is_local = |service: &ServiceKey| self.own.memory().is_local(&service.to_string(), today);
        let shown = Shown {
            island: self.island.to_string(),
            gateway: self.gateway.to_string(),
            links,
            catalogue_complete: self.complete,
            registries: self.sites.iter().map(|site| ShownRegistry::of(&*site.registry)).collect(),
            round_trips_us: self.distances.shown(),
            rules: self.rulebook.shown_beside(&self.snapshot),
            ..Shown::of(&self.snapshot, &is_local)
        };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}

/// Ends after this time; never where there is none.
async fn pass(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

fn offer(offered: &Offered<'_>) -> Offer {
    let health = if offered.entry.healthy { Health::Healthy } else { Health::Unhealthy };
    Offer { island: offered.island.clone(), health }
}

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "control_rules_tests.rs"]
mod rules_tests;
