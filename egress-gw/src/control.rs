//! The one loop of the control thread: what hubs and registries tell goes in, what shards decide by and what stands in
//! the registries comes out.
//!
//! ```text
//!  Inbox (links, catalogue) ┐                          ┌─▶ Knowledge for the shards
//!  registry views           ┼─ changed ─ a moment ─────┼─▶ Desired for each registry
//!  clock, new [import]      ┘        (20 ms)           └─▶ readiness, /status, state files
//!                                   drain ─▶ drain.rs
//! ```
//!
//! Last good state wins: a registry or hub that is away stops changes, not calls. Nothing here is on a call's path.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use chassis::Process;
use chassis::admin::Condition;
use chassis::drain::Hold;
use chassis::state::StateDir;
use route::{Health, Offer, Snapshot, View};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use wire::tunnel::catalogue::ServiceKey;
use zk_bridge::{Desired, Registry};

use crate::catalogue::{Applied, Catalogue, Offered};
use crate::config::{Config, Import, Port, Publish, Tagging};
use crate::drain;
use crate::knowledge::{Consumers, Knowledge, Reference};
use crate::listen::{Event, Inbox, Order};
use crate::local_memory::{self, LocalMemory, OnDisk};
use crate::publish::{self, Face, Remembered, Subscriptions};

/// Changes that come together are taken together.
const GATHER: Duration = Duration::from_millis(20);
/// Hold-downs, memories and the settling of links are looked at this often.
const CLOCK: Duration = Duration::from_secs(1);
/// The file with what islands on ports of their own last offered.
const REMEMBERED: &str = "bound-islands.json";
const REMEMBERED_MAX_LEN: u64 = 256 << 20;
/// `/status` names so many services at most.
const SHOWN_SERVICES: usize = 1000;

/// A changed configuration, as far as it can change.
pub struct Change {
    pub import: Import,
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

/// A registry of this island.
pub struct Site {
    pub registry: Arc<dyn Registry>,
    pub view: watch::Receiver<Arc<zk_bridge::View>>,
    ready: Condition,
    /// Whether everything in it has been read once; before that its local providers are unknown.
    read_once: bool,
}

impl Site {
    /// A registry whose readiness belongs to `process`.
    pub fn new(registry: Arc<dyn Registry>, process: &Process) -> Self {
        let ready = process.ready.condition(format!("registry {}", registry.name()));
        ready.unmet("it was not read yet");
        Self { view: registry.view(), registry, ready, read_once: false }
    }

    /// Opens a registry; its driver belongs to `process`.
    pub fn open(settings: &crate::config::Registry, process: &Process) -> Self {
        let (registry, driver) = zk_bridge::open(settings.clone());
        let drive = async move {
            driver.run().await;
            Ok(())
        };
        process.tasks.spawn(format!("registry {}", settings.name()), drive).keep();
        Self::new(registry, process)
    }
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
    memory: LocalMemory,
    remembered: Remembered,
    sites: Vec<Site>,
    outside: Outside,
    hub_ready: Condition,
    shown: Arc<Mutex<Shown>>,
    snapshot: Arc<Snapshot>,
    /// Whether offers or imports are others than those of `snapshot`.
    outdated: bool,
    complete: bool,
    hold: Hold,
}

/// What `/status` says of the whole.
#[derive(Debug, Default, Clone, Serialize)]
struct Shown {
    island: String,
    gateway: String,
    /// Links to hubs that are up, over all shards.
    links: usize,
    /// Whether some hub has told everything.
    catalogue_complete: bool,
    /// Islands that offer something.
    islands: Vec<String>,
    /// Services of other islands.
    services: Vec<ShownService>,
    /// Services that were left out of the list.
    services_not_shown: usize,
    registries: Vec<ShownRegistry>,
}

#[derive(Debug, Clone, Serialize)]
struct ShownService {
    service: String,
    /// Islands that offer it, with whether a provider is up and whether it is imported from there.
    islands: Vec<(String, bool, bool)>,
    /// Whether this island serves it itself, now or a while ago.
    local: bool,
}

#[derive(Debug, Clone, Serialize)]
struct ShownRegistry {
    name: String,
    connected: bool,
    providers: usize,
    consumers: usize,
    desired: usize,
    published: usize,
    published_as_instance: usize,
    problems: Vec<String>,
}

impl Control {
    /// The loop of this configuration between `outside` and the registries.
    pub fn new(config: &Config, ports: Vec<Port>, epoch: u64, sites: Vec<Site>, outside: Outside) -> Self {
        let process = &outside.process;
        let memory = read_memory(&outside.state, config.import.local_memory);
        let remembered = read_remembered(&outside.state);
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
            ports,
            tagging: config.tagging,
            serve_after_leaving: config.serve_after_leaving,
            import: config.import.clone(),
            catalogue: Catalogue::new(config.import.hold_down),
            memory,
            remembered,
            sites,
            hold: process.drain.hold(),
            outside,
            hub_ready,
            shown,
            snapshot: Arc::default(),
            outdated: true,
            complete: false,
        }
    }

    /// Runs until the process drains, and drains.
    ///
    /// # Errors
    /// None; the type is the one of tasks.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut clock = tokio::time::interval(CLOCK);
        self.renew();
        loop {
            tokio::select! {
                events = self.outside.inbox.take() => self.take(events),
                () = any_view(&mut self.sites) => {}
                Some((change, done)) = self.outside.changed.recv() => {
                    self.import = change.import;
                    self.catalogue.set_hold_down(self.import.hold_down);
                    self.memory.set_keep(self.import.local_memory);
                    self.outdated = true;
                    self.renew();
                    let _ = done.send(());
                    continue;
                }
                _ = clock.tick() => {
                    let expired = self.catalogue.expire(Instant::now()) == Applied::Changed;
                    let settled = self.complete != self.catalogue.is_complete(Instant::now());
                    if !expired && !settled && !self.memory_is_due() {
                        self.show();
                        continue;
                    }
                }
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

    fn take(&mut self, events: Vec<Event>) {
        let now = Instant::now();
        self.outdated = true;
        for event in events {
            match event {
                Event::Up { link, hub } => self.catalogue.up(link, &hub, now),
                Event::Down { link } => self.catalogue.down(link, now),
                Event::Catalogue { link, update } => {
                    let origin = update.origin.clone();
                    match self.catalogue.update(link, update) {
                        Applied::Changed | Applied::Unchanged => {}
                        Applied::Gap => {
                            tracing::warn!(?origin, "a hub told a difference from a revision it had not told before");
                        }
                        Applied::TooMuch => {
                            tracing::error!(?origin, "more services are offered than a gateway takes in")
                        }
                    }
                }
            }
        }
    }

    fn memory_is_due(&self) -> bool {
        self.memory.next_change().is_some_and(|at| at <= SystemTime::now())
    }

    /// Makes everything anew from what is known now.
    fn renew(&mut self) {
        let (now, today) = (Instant::now(), SystemTime::now());
        let complete = self.catalogue.is_complete(now);
        self.outdated |= self.catalogue.expire(now) == Applied::Changed || complete != self.complete;
        self.complete = complete;
        self.observe_local(today);
        let offered: Vec<Offered<'_>> = self.catalogue.offered().collect();
        if self.remembered.observe(&self.ports, &offered) {
            write(&self.outside.state, REMEMBERED, &serde_json::to_vec(&self.remembered).unwrap_or_default());
        }
        // A new generation empties the shards' caches, so it must be about something.
        if self.outdated {
            self.outdated = false;
            let view = if complete { View::Complete } else { View::Partial };
            let offers = offered.iter().map(|offered| (offered.entry.key.clone(), offer(offered)));
            let (generation, own) = (self.snapshot.generation() + 1, self.island.clone());
            self.snapshot = Arc::new(Snapshot::new(generation, own, view, self.import.imports.clone(), offers));
        }
        let hubs = self.catalogue.hubs().into_iter().map(|(island, hubs)| (island, hubs.into_iter().collect()));
        self.outside.knowledge.store(Arc::new(Knowledge {
            snapshot: self.snapshot.clone(),
            hubs: hubs.collect(),
            consumers: consumers(&self.sites),
        }));
        self.publish(&offered, today);
        self.show();
    }

    /// Notes which services this island serves itself.
    fn observe_local(&mut self, today: SystemTime) {
        for site in &mut self.sites {
            let view = site.view.borrow().clone();
            // Once it was read calls go on with that, connected or not; only changes wait.
            if view.is_complete() && !site.read_once {
                site.read_once = true;
                site.ready.met();
            }
        }
        let views: Vec<_> = self.sites.iter().map(|site| site.view.borrow().clone()).collect();
        let real = views.iter().flat_map(|view| view.providers()).filter(|provider| !provider.is_virtual());
        let present: BTreeSet<String> = real.map(|provider| provider.key.to_string()).collect();
        if !self.sites.is_empty() && self.memory.observe(today, present) == OnDisk::Outdated {
            write(&self.outside.state, local_memory::FILE, &self.memory.encode());
        }
    }

    fn publish(&self, offered: &[Offered<'_>], today: SystemTime) {
        let Some(host) = self.host else { return };
        // A registry that was not read yet may hold local providers, and they come first.
        if !self.sites.iter().all(|site| site.read_once) {
            return;
        }
        let face = Face { host, ports: &self.ports, tagging: self.tagging };
        let is_local = |service: &ServiceKey| self.memory.is_local(&service.to_string(), today);
        for site in &self.sites {
            let view = site.view.borrow().clone();
            let subscriptions = Subscriptions::new(view.consumers().iter().map(|consumer| &**consumer));
            let wanted = |service: &ServiceKey| match self.import.publish {
                Publish::Imported => true,
                Publish::OnDemand => subscriptions.want(service),
            };
            let imports = &self.import.imports;
            let providers = publish::desired(&face, imports, offered, &self.remembered, &is_local, &wanted);
            site.registry.publish(Desired { gateway: self.gateway.to_string(), epoch: self.epoch, providers });
        }
    }

    fn show(&self) {
        let links = self.catalogue.links();
        match links {
            0 => self.hub_ready.unmet("no link to a hub is up"),
            _ => self.hub_ready.met(),
        }
        let knowledge = self.outside.knowledge.load();
        let snapshot = &knowledge.snapshot;
        let today = SystemTime::now();
        let mut services: Vec<ShownService> = snapshot
            .services()
            .map(|(service, offers)| ShownService {
                local: self.memory.is_local(&service.to_string(), today),
                service: service.to_string(),
                islands: offers
                    .iter()
                    .map(|offer| {
                        let imported = snapshot.imports().import(&offer.island, service);
                        (offer.island.to_string(), offer.health == Health::Healthy, imported)
                    })
                    .collect(),
            })
            .collect();
        services.sort_by(|a, b| a.service.cmp(&b.service));
        let services_not_shown = services.len().saturating_sub(SHOWN_SERVICES);
        services.truncate(SHOWN_SERVICES);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Shown {
            island: self.island.to_string(),
            gateway: self.gateway.to_string(),
            links,
            catalogue_complete: self.complete,
            islands: snapshot.islands().map(|island| island.to_string()).collect(),
            services,
            services_not_shown,
            registries: self.sites.iter().map(|site| shown_registry(&*site.registry)).collect(),
        };
    }
}

fn offer(offered: &Offered<'_>) -> Offer {
    let health = if offered.entry.healthy { Health::Healthy } else { Health::Unhealthy };
    Offer { island: offered.island.into(), health }
}

/// Resolves when any registry's view has changed; never where there is none.
async fn any_view(sites: &mut [Site]) {
    let mut changes: Vec<_> = sites.iter_mut().map(|site| Box::pin(site.view.changed())).collect();
    std::future::poll_fn(|cx| {
        for change in &mut changes {
            // A driver that has ended is reported by its own task.
            if let std::task::Poll::Ready(Ok(())) = change.as_mut().poll(cx) {
                return std::task::Poll::Ready(());
            }
        }
        std::task::Poll::Pending
    })
    .await;
}

fn consumers(sites: &[Site]) -> Consumers {
    let mut consumers = Consumers::default();
    for site in sites {
        for consumer in site.view.borrow().consumers() {
            let Ok(address) = consumer.host.parse() else { continue };
            let reference = Reference {
                application: consumer.application.clone(),
                timeout: consumer.parameters.timeout(None),
                method_timeouts: method_timeouts(&consumer.parameters),
            };
            consumers.add(address, &consumer.interface, reference);
        }
    }
    consumers
}

/// `<method>.timeout` of every method that has one.
fn method_timeouts(parameters: &zk_bridge::Parameters) -> std::collections::HashMap<String, Duration> {
    let methods = parameters.0.keys().filter_map(|key| key.strip_suffix(".timeout"));
    let methods = methods.map(|method| method.strip_prefix("methods.").unwrap_or(method));
    let own = methods.filter(|method| !matches!(*method, "connect" | "default" | "heartbeat"));
    own.filter_map(|method| Some((method.to_owned(), parameters.timeout(Some(method))?))).collect()
}

fn shown_registry(registry: &dyn Registry) -> ShownRegistry {
    let status = registry.status();
    ShownRegistry {
        name: status.name,
        connected: status.connected,
        providers: status.providers,
        consumers: status.consumers,
        desired: status.desired,
        published: status.published,
        published_as_instance: status.published_as_instance,
        problems: status.problems,
    }
}

fn read_memory(state: &StateDir, keep: Duration) -> LocalMemory {
    let read = state.read(local_memory::FILE, local_memory::FILE_MAX_LEN);
    let memory = match read {
        Ok(None) => return LocalMemory::new(keep),
        Ok(Some(bytes)) => LocalMemory::decode(keep, SystemTime::now(), &bytes).map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    memory.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "what was local before is not known");
        LocalMemory::new(keep)
    })
}

fn read_remembered(state: &StateDir) -> Remembered {
    let remembered = match state.read(REMEMBERED, REMEMBERED_MAX_LEN) {
        Ok(None) => return Remembered::default(),
        Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    remembered.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "what islands offered before is not known");
        Remembered::default()
    })
}

fn write(state: &StateDir, name: &str, content: &[u8]) {
    if let Err(error) = state.write(name, content) {
        tracing::error!(%error, "the state cannot be written: what is remembered does not survive a restart");
    }
}

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;
