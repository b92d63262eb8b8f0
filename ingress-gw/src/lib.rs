//! The ingress gateway: calls that other islands may make go out to providers here.
//!
//! ```text
//!  control thread   registries ─▶ feed ─▶ exports, catalogue ─ post ─┐          (rare: a provider came, a rule changed)
//!                                                                   ▼
//!  each shard       link ─▶ line: verify ─▶ pick ─▶ edit ─▶ provider;  answer ─▶ shape ─▶ link
//! ```
//!
//! | file | stage |
//! |---|---|
//! | [`config`] | `ingress-gw.toml` |
//! | `export`, `listed`, `offers` | what others may call, and who offers it |
//! | `catalogue`, `feed` | what the hubs are told of it |
//! | `from_hub`, `arrivals`, `link_time`, `shares` | a call comes over a link; how long and how much its body may hold until it is whole |
//! | `line` | verified, given a provider, sent |
//! | `from_provider`, `in_flight` | its answer goes back, or how far it got |
//! | `verify` | the head says what the frame says |
//! | `pick` | may it be called, and who can be asked |
//! | `edit`, `reply` | the few bytes that change on the way out and back |
//! | `shards`, `meters`, `readiness` | threads and what they say of themselves |
//!
//! It listens on nothing but the admin port: every connection is dialled from here, to the hubs and to the providers. It never calls a
//! service that no rule exports, never believes a head without its frame, and never sends a call twice that a provider
//! may have seen.

mod arrivals;
mod catalogue;
pub mod config;
mod edit;
mod export;
mod feed;
mod from_hub;
mod from_provider;
mod in_flight;
mod line;
mod link_time;
mod listed;
mod meters;
mod offers;
mod pick;
mod readiness;
mod reply;
mod shards;
mod shares;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use chassis::metrics::tally::{Tallied, worst};
use chassis::state::StateDir;
use chassis::{Basics, Mistakes, Process, Program};
use shard::{Budget, Ended, Remote, Shards};
use tokio::sync::watch;
use tunnel::{Figure, Listing, Role, Traffic};
use wire::tunnel::catalogue::Origin;
use zk_bridge::Registry;

use client::Trust;
use config::{Config, Fixed, Raw};
use feed::{Exported, Feed, Wishes};
use meters::Families;
use readiness::LinksUp;
use shards::Start;
use shares::Shares;

/// Services whose calls are shown at most: those that fail most, then those that are called most.
const SHOWN_CALLS: usize = 1000;

/// A running ingress gateway.
pub struct IngressGateway {
    wishes: watch::Sender<Arc<Wishes>>,
    remotes: Vec<Remote>,
    fixed_text: String,
    /// [`config::ProviderTls::made_of`], as the shards have it.
    trust_made_of: u64,
    _state: StateDir,
}

/// Starts an ingress gateway inside this process; it runs until `process` drains.
///
/// # Errors
/// The state directory or a thread cannot be had.
pub async fn start(config: Config, process: Process) -> anyhow::Result<IngressGateway> {
    IngressGateway::start(config, process).await
}

impl Program for IngressGateway {
    const NAME: &'static str = "ingress-gw";
    const ABOUT: &'static str = "Highway's ingress gateway: calls from other islands go out to Dubbo providers here.";
    type Raw = Raw;
    type Config = Config;

    fn settle(raw: Raw, mistakes: &mut Mistakes) -> Option<Config> {
        config::settle(raw, mistakes)
    }

    fn next(config: &Config, file: &Path) -> String {
        let listed = config.fixed.hubs.key.public().map(|key| {
            let listing = Listing {
                island: &config.fixed.island,
                gateway: &config.fixed.gateway,
                role: Role::Ingress,
                key: &key,
            };
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
        let Config { fixed, policy, statics, provider_tls, fixed_text, .. } = config;
        let fixed = Arc::new(fixed);
        let state = StateDir::open(&fixed.state_dir)?;
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = u64::try_from(started.as_micros()).unwrap_or(u64::MAX);
        let condition = process.ready.condition("registry");
        let threads = spawn_shards(&fixed, start, &process)?;
        let remotes = threads.remotes().to_vec();
        trust(&remotes, provider_tls.trust.as_ref());
        watch_threads(threads, &process);
        report_pools(&remotes, &process).await;
        let registries = open_registries(&fixed, &process);
        let (wishes, wished) = watch::channel(Arc::new(Wishes { policy, statics, tls: provider_tls.with }));
        let (exported_in, exported) = watch::channel(Arc::default());
        let who = serde_json::json!({ "island": &*fixed.island, "gateway": &*fixed.gateway });
        process.status.source("ingress", move || who.clone());
        report(&registries, &remotes, exported, &process);
        let origin = Origin { island: fixed.island.to_string(), gateway: fixed.gateway.to_string(), start };
        let feed =
            Feed { origin, registries, remotes: remotes.clone(), wishes: wished, exported: exported_in, condition };
        process
            .tasks
            .spawn_local("exports", async { feed.run().await.context("what is exported is followed no longer") })
            .keep();
        Ok(Self { wishes, remotes, fixed_text, trust_made_of: provider_tls.made_of(), _state: state })
    }

    async fn reload(&mut self, config: Config) -> anyhow::Result<()> {
        if config.fixed_text != self.fixed_text {
            bail!(
                "something changed that only a restart changes; [[export.rule]], [[provider]], [providers.tls], [admin], [drain] and [log] can change while it runs"
            );
        }
        let Config { policy, statics, provider_tls, .. } = config;
        // First, so that a provider that is listed with it finds it; and only another one, since connections are made anew with it.
        if std::mem::replace(&mut self.trust_made_of, provider_tls.made_of()) != provider_tls.made_of() {
            trust(&self.remotes, provider_tls.trust.as_ref());
        }
        self.wishes.send_replace(Arc::new(Wishes { policy, statics, tls: provider_tls.with }));
        Ok(())
    }
}

/// Tells every shard how providers with TLS are known.
fn trust(remotes: &[Remote], trust: Option<&Trust>) {
    for remote in remotes {
        let trust = trust.cloned();
        remote.post(move |_| shards::with_line(|line| line.pool.trust(trust)));
    }
}

fn spawn_shards(fixed: &Arc<Fixed>, start: u64, process: &Process) -> anyhow::Result<Shards> {
    let traffic = Traffic::default();
    let seen = traffic.clone();
    process.metrics.source(move |page| {
        for Figure { name, help, kind, values } in seen.figures() {
            page.family(name, help, kind, values);
        }
    });
    let start = Start {
        fixed: fixed.clone(),
        start,
        traffic,
        shares: Shares::of(Budget::new(fixed.held_len)),
        families: Families::new(&process.metrics),
        links_up: Arc::new(LinksUp::new(&process.ready)),
        drain: process.drain.clone(),
    };
    shard::spawn(fixed.shards, "ingress", move |shard| shards::run(shard, start.clone()))
        .context("a thread for calls cannot be started")
}

/// A shard that panics is an end of the process: its calls are lost and nobody else has its links.
fn watch_threads(mut threads: Shards, process: &Process) {
    process
        .tasks
        .spawn_local("shards", async move {
            while let Some(ended) = threads.ended().await {
                if ended == Ended::Panicked {
                    bail!("a shard panicked");
                }
            }
            Ok(())
        })
        .keep();
}

async fn report_pools(remotes: &[Remote], process: &Process) {
    let mut pools = Vec::new();
    for remote in remotes {
        pools.extend(shards::counts(remote).await);
    }
    meters::add_pools(&process.metrics, pools);
}

fn open_registries(fixed: &Fixed, process: &Process) -> Vec<Arc<dyn Registry>> {
    let open = |settings: &zk_bridge::RegistrySettings| {
        let name = format!("registry {}", settings.name());
        let (registry, driver) = zk_bridge::open(settings.clone());
        process
            .tasks
            .spawn(name, async move {
                driver.run().await;
                Ok(())
            })
            .keep();
        registry
    };
    fixed.registries.iter().map(open).collect()
}

/// What `/status` says beside what every process says.
fn report(
    registries: &[Arc<dyn Registry>],
    remotes: &[Remote],
    exported: watch::Receiver<Arc<Exported>>,
    process: &Process,
) {
    process.status.source("exports", move || (**exported.borrow()).clone());
    let registries = registries.to_vec();
    process.status.source("registries", move || {
        registries.iter().map(|registry| in_json(&registry.status())).collect::<Vec<_>>()
    });
    report_calls(remotes, process);
    let remotes = remotes.to_vec();
    process.status.ask("shards", move || {
        let remotes = remotes.clone();
        async move {
            let mut all = Vec::new();
            for remote in &remotes {
                all.extend(shards::status(remote).await);
            }
            serde_json::to_value(all).unwrap_or_default()
        }
    });
}

/// What came of calls by service, all shards together; `here` as the target, since all of them end in this island.
fn report_calls(remotes: &[Remote], process: &Process) {
    let remotes = remotes.to_vec();
    process.status.ask("calls", move || {
        let remotes = remotes.clone();
        async move {
            let mut sums: BTreeMap<Arc<str>, Tallied> = BTreeMap::new();
            for remote in &remotes {
                let of_shard = shards::tallied(remote).await.unwrap_or_default();
                of_shard.into_iter().for_each(|(service, tallied)| *sums.entry(service).or_default() += tallied);
            }
            let (shown, not_shown) = worst(sums.into_iter().collect(), SHOWN_CALLS);
            let shown = shown
                .into_iter()
                .map(|(service, calls)| serde_json::json!({ "service": &*service, "target": "here", "calls": calls }));
            serde_json::json!({ "services": shown.collect::<Vec<_>>(), "services_not_shown": not_shown })
        }
    });
}

fn in_json(status: &zk_bridge::Status) -> serde_json::Value {
    serde_json::json!({
        "name": status.name,
        "connected": status.connected,
        "session": status.session,
        "server_version": status.server_version,
        "providers": status.providers,
        "consumers": status.consumers,
        "problems": status.problems,
    })
}
