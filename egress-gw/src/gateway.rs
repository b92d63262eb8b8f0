//! The gateway as a whole: how it starts, takes a changed configuration and ends.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use arc_swap::ArcSwap;
use chassis::listen::bind_shards;
use chassis::metrics::tally::{Tallied, worst};
use chassis::process::Basics;
use chassis::state::StateDir;
use chassis::{Mistakes, Process, Program};
use shard::{Budget, Shard};
use tokio::sync::{mpsc, oneshot};
use tunnel::{DialConfig, Figure, Listing, Role, Traffic};

use crate::advertise;
use crate::config::{self, Config, Limits, Port, Raw};
use crate::control::{Change, Control, Outside};
use crate::core::{Core, Parts, Stamps};
use crate::entrance::Entrance;
use crate::explain;
use crate::fallback::{Fallback, Routing};
use crate::held::Allowance;
use crate::hub_says::Hubs;
use crate::knowledge::Knowledge;
use crate::listen::{self, Door, Inbox, Order};
use crate::probe::Ports;
use crate::rules_page;
use crate::site::Site;
use crate::status::{Counters, Families, ShardStatus};
use crate::tags::Tags;
use crate::tallies::Pair;

/// Orders that wait for a shard; there are a few in its life.
const ORDERS_MAX: usize = 64;
/// Files that are for other things than consumers: links, registries, admin pages, the log.
const OTHER_FILES: usize = 256;
/// Pairs of service and target whose calls are shown at most: those that fail most, then those that are called most.
const SHOWN_CALLS: usize = 1000;
/// Exchanges that a hub may open towards an egress gateway: it takes none.
const HUB_EXCHANGES: u32 = 1;

/// Makes the handlers of one shard, in their order.
type Chain = Arc<dyn Fn() -> Vec<Box<dyn Fallback>> + Send + Sync>;

/// A running egress gateway.
pub struct EgressGateway {
    config: Config,
    addresses: Vec<(Option<Arc<str>>, SocketAddr)>,
    changes: mpsc::Sender<(Change, oneshot::Sender<()>)>,
    entrance: Arc<ArcSwap<Entrance>>,
}

impl Program for EgressGateway {
    const NAME: &'static str = "egress-gw";
    const ABOUT: &'static str = "Carries calls of this island's Dubbo consumers to providers in other islands";
    type Raw = Raw;
    type Config = Config;

    fn settle(raw: Raw, mistakes: &mut Mistakes) -> Option<Config> {
        config::settle(raw, mistakes)
    }

    fn next(config: &Config, file: &Path) -> String {
        let listed = config.hubs.key.public().map(|key| {
            let listing = Listing { island: &config.island, gateway: &config.gateway, role: Role::Egress, key: &key };
            listing.entry()
        });
        format!(
            "the hub's policy has to have this; what it has of the island already is left out:\n\n{}\nnext: `{} {}`, then `highway status` on this machine",
            listed.unwrap_or_default(),
            Self::NAME,
            file.display()
        )
    }

    fn basics(config: &Config) -> Basics {
        Basics { log: config.log.clone(), admin: config.admin.clone(), drain_within: config.drain_within }
    }

    async fn start(config: Config, process: Process) -> anyhow::Result<Self> {
        Self::start_with(config, process, || vec![Box::new(Routing)]).await
    }

    async fn reload(&mut self, config: Config) -> anyhow::Result<()> {
        let fixed = self.config.fixed_differences(&config);
        anyhow::ensure!(fixed.is_empty(), "{} can only change with a restart", fixed.join(", "));
        let (done_in, done) = oneshot::channel();
        let change = Change { import: config.import.clone(), local_tls: config.local_tls.clone() };
        self.changes.send((change, done_in)).await.context("the control loop has ended")?;
        done.await.context("the control loop has ended")?;
        self.entrance.store(Arc::new(config.entrance.clone()));
        self.config = config;
        Ok(())
    }
}

impl EgressGateway {
    /// Starts with a chain of the caller's own ([`crate::fallback`]); [`Routing`] belongs at its end, unless no call is to
    /// leave the island. `chain` makes the handlers of one shard and is called once on the thread of each, so that handlers
    /// need not be `Send`; what they share is what the closure holds. What can fail is done before.
    ///
    /// ```no_run
    /// # use highway_egress_gw::fallback::{Fallback, Handled, Request, Routing};
    /// # use highway_egress_gw::{Config, EgressGateway};
    /// # struct Mine;
    /// # impl Fallback for Mine {
    /// #     fn name(&self) -> &str { "mine" }
    /// #     fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> { request.pass() }
    /// # }
    /// # async fn start(config: Config, process: chassis::Process) -> anyhow::Result<EgressGateway> {
    /// EgressGateway::start_with(config, process, || vec![Box::new(Mine), Box::new(Routing)]).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// The state directory is in use, a port is taken, or the system refuses a thread.
    pub async fn start_with(
        config: Config,
        process: Process,
        chain: impl Fn() -> Vec<Box<dyn Fallback>> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let state = StateDir::open(&config.state_dir)?;
        // What consumers are told is known before anybody can come in.
        let advertise = advertise::address(&config).await?;
        let (doors, bound, addresses) = open_doors(&config)?;
        if let Some(address) = advertise.filter(|address| address.is_ipv6() && !config.registries.is_empty()) {
            tracing::warn!(%address, "egress.advertise is IPv6: consumers on Dubbo 2.6 fail at every node with such an address");
        }
        let knowledge = Arc::new(ArcSwap::from_pointee(Knowledge::default()));
        let inbox = Arc::new(Inbox::default());
        let entrance = Arc::new(ArcSwap::from_pointee(config.entrance.clone()));
        let shared = Shared { knowledge: knowledge.clone(), inbox: inbox.clone(), entrance: entrance.clone() };
        process.routes.add(rules_page::router(knowledge.clone()));
        let orders = start_shards(&config, &process, Arc::new(chain), doors, shared, started)?;
        // Every shard has a link to every hub: the first one's are as good as any.
        let hubs = Hubs::new(orders.first().context("no shard to ask hubs")?.clone());
        let ports = Ports::new(addresses.clone());
        process.routes.add(explain::router(knowledge.clone(), Tags::new(config.tagging, &config.ports), ports, hubs));
        describe_shards(&process, &orders);
        describe_calls(&process, &orders);
        let (changes, changed) = mpsc::channel(1);
        let outside = Outside { process: process.clone(), orders, inbox, knowledge, state, changed };
        let epoch = u64::try_from(started.as_millis()).unwrap_or(u64::MAX);
        let sites = config.registries.iter().map(|settings| Site::open(settings, &process)).collect();
        // As it was said it stays in `config`, which a changed one is held against.
        let told = Config { advertise, ..config.clone() };
        let control = Control::new(&told, bound, epoch, sites, outside);
        process.tasks.spawn("control", control.run()).keep();
        Ok(Self { config, addresses, changes, entrance })
    }

    /// Where it listens, with ports that were chosen by the system; each with the island to which it is bound.
    pub fn addresses(&self) -> impl Iterator<Item = (Option<&str>, SocketAddr)> {
        self.addresses.iter().map(|(island, address)| (island.as_deref(), *address))
    }
}

type Doors = Vec<Vec<Door>>;
type Addresses = Vec<(Option<Arc<str>>, SocketAddr)>;

/// Binds every port on every address, a socket a shard.
fn open_doors(config: &Config) -> anyhow::Result<(Doors, Vec<Port>, Addresses)> {
    let mut doors: Doors = (0..config.shards).map(|_| Vec::new()).collect();
    let (mut ports, mut addresses) = (Vec::new(), Vec::new());
    for port in &config.ports {
        let mut number = port.number;
        for address in &config.listen {
            let sockets: Vec<TcpListener> = bind_shards(SocketAddr::new(*address, number), config.shards)?;
            let bound = sockets.first().context("no shard to listen on")?.local_addr()?;
            // A port that the system chose is the same on every address.
            number = bound.port();
            addresses.push((port.island.clone(), bound));
            for (doors, listener) in doors.iter_mut().zip(sockets) {
                doors.push(Door { listener, island: port.island.clone() });
            }
        }
        ports.push(Port { number, island: port.island.clone() });
    }
    Ok((doors, ports, addresses))
}

/// What one shard takes along to its thread.
struct Luggage {
    doors: Vec<Door>,
    counters: Counters,
    orders: mpsc::Receiver<Order>,
}

/// What all shards see of the control thread's.
struct Shared {
    knowledge: Arc<ArcSwap<Knowledge>>,
    inbox: Arc<Inbox>,
    entrance: Arc<ArcSwap<Entrance>>,
}

fn start_shards(
    config: &Config,
    process: &Process,
    chain: Chain,
    doors: Doors,
    shared: Shared,
    started: Duration,
) -> anyhow::Result<Vec<mpsc::Sender<Order>>> {
    let families = Families::new(&process.metrics);
    let budget = Budget::new(config.limits.held_len);
    let connections = Arc::new(AtomicUsize::new(0));
    let start = u64::try_from(started.as_nanos()).unwrap_or(u64::MAX);
    let traffic = Traffic::default();
    let seen = traffic.clone();
    process.metrics.source(move |page| {
        for Figure { name, help, kind, values } in seen.figures() {
            page.family(name, help, kind, values);
        }
    });
    let dial = dial_config(config, start, &budget, traffic);
    let tags = Tags::new(config.tagging, &config.ports);
    let share = Limits {
        in_flight: config.limits.in_flight.div_ceil(config.shards),
        connections: connections_that_fit(config.limits.connections, chassis::run::open_files()),
        ..config.limits
    };
    let mut orders = Vec::new();
    let luggage: Vec<Option<Luggage>> = doors
        .into_iter()
        .map(|doors| {
            let (order, received) = mpsc::channel(ORDERS_MAX);
            orders.push(order);
            Some(Luggage { doors, counters: Counters::new(&families), orders: received })
        })
        .collect();
    let luggage = Arc::new(Mutex::new(luggage));
    let Shared { knowledge, inbox, entrance } = shared;
    let (timeouts, count) = (config.timeouts, config.shards);
    let run = move |shard: Shard| {
        let index = shard.index();
        let own = luggage.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index).and_then(Option::take);
        let (dial, inbox) = (dial.clone(), inbox.clone());
        let parts = own.map(|own| {
            let parts = Parts {
                shard,
                limits: share,
                timeouts,
                knowledge: knowledge.clone(),
                counters: own.counters,
                allowance: Allowance::new(budget.clone()),
                stamps: Stamps { start, next: std::cell::Cell::new(index as u64), step: count as u64 },
                tags: tags.clone(),
                chain: chain(),
                connections: connections.clone(),
                entrance: entrance.clone(),
            };
            (parts, own.doors, own.orders)
        });
        async move {
            let Some((parts, doors, orders)) = parts else { return };
            listen::run(Core::new(parts), doors, dial, inbox, orders).await;
        }
    };
    let mut shards = shard::spawn(config.shards, "egress", run)?;
    let tasks = process.tasks.clone();
    let watch = async move {
        while let Some(ended) = shards.ended().await {
            anyhow::ensure!(ended == shard::Ended::Done, "a shard panicked");
        }
        Ok(())
    };
    tasks.spawn("shards", watch).keep();
    Ok(orders)
}

/// As many consumers' connections as are wanted, or as the process may have open beside everything else: it must reach its
/// hubs and registries however many consumers come.
fn connections_that_fit(wanted: usize, open_files: usize) -> usize {
    let fit = open_files.saturating_sub(OTHER_FILES).max(1);
    if fit < wanted {
        tracing::warn!(
            limit = wanted,
            open_files,
            served = fit,
            "limits.connections is more than the process may open files, so that fewer connections are served; raise the hard limit of open files (ulimit -Hn, LimitNOFILE)"
        );
    }
    wanted.min(fit)
}

fn dial_config(config: &Config, start: u64, budget: &Budget, traffic: Traffic) -> DialConfig {
    DialConfig {
        hubs: config.hubs.addresses.clone(),
        key: config.hubs.key.clone(),
        role: Role::Egress,
        island: config.island.to_string(),
        gateway: config.gateway.to_string(),
        start,
        seal: config.hubs.seal,
        exchanges: HUB_EXCHANGES,
        ping: config.hubs.ping,
        budget: budget.clone(),
        traffic,
        memory: Some(config.state_dir.join(tunnel::PATHS_FILE)),
    }
}

fn describe_shards(process: &Process, orders: &[mpsc::Sender<Order>]) {
    let orders = orders.to_vec();
    process.status.ask("shards", move || {
        let orders = orders.clone();
        async move {
            let mut all: Vec<ShardStatus> = Vec::new();
            for order in orders {
                let (answer, status) = oneshot::channel();
                if order.send(Order::Status(answer)).await.is_ok()
                    && let Ok(status) = status.await
                {
                    all.push(status);
                }
            }
            serde_json::to_value(all).unwrap_or_default()
        }
    });
}

/// What came of calls by service and target, all shards together.
fn describe_calls(process: &Process, orders: &[mpsc::Sender<Order>]) {
    let orders = orders.to_vec();
    process.status.ask("calls", move || {
        let orders = orders.clone();
        async move {
            let mut sums: BTreeMap<Pair, Tallied> = BTreeMap::new();
            for order in orders {
                let (answer, tallied) = oneshot::channel();
                if order.send(Order::Tallied(answer)).await.is_ok()
                    && let Ok(tallied) = tallied.await
                {
                    tallied.into_iter().for_each(|(pair, of_shard)| *sums.entry(pair).or_default() += of_shard);
                }
            }
            let (shown, not_shown) = worst(sums.into_iter().collect(), SHOWN_CALLS);
            let shown = shown.into_iter().map(|((service, target), calls)| {
                serde_json::json!({ "service": service, "target": target, "calls": calls })
            });
            serde_json::json!({ "services": shown.collect::<Vec<_>>(), "services_not_shown": not_shown })
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumers_leave_files_for_everything_else() {
        assert_eq!(connections_that_fit(20_000, usize::MAX), 20_000);
        assert_eq!(connections_that_fit(20_000, 20_256), 20_000);
        assert_eq!(connections_that_fit(20_000, 1024), 768);
        assert_eq!(connections_that_fit(20_000, 100), 1);
    }
}
