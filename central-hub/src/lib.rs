//! The hub: who may call what; switches calls between links. It never opens a frame and keeps no call state that another
//! hub would need.
//!
//! ```text
//!  control thread: configuration, policy files, admin ── policy snapshot ──▶ shard: links ─ admit ─ switch ─ audit
//! ```
//!
//! One shard carries all links of a process; a busier hub is more processes, behind one address or several: gateways dial
//! until each hub of the list is linked.

mod admit;
mod audit;
mod catalogue;
mod config;
mod counts;
mod directory;
mod distance;
mod limits;
mod links;
mod policy;
mod switch;

use std::cell::RefCell;
use std::net::TcpListener;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use chassis::listen::{Share, bind_all};
use chassis::process::Basics;
use chassis::{Drain, Mistakes, Process, Program};
use shard::{Budget, Shard, TICK};
use tokio::sync::watch;
use tunnel::{AcceptConfig, Acceptor, Figure, OfOneKey, Traffic};

pub use admit::{Admission, Filter};
pub use audit::AuditFile;
pub use config::{Config, Raw};
pub use policy::{Asked, Gateway, Grant, Island, Policy, RawPolicy};

use audit::Audit;
use catalogue::Catalogue;
use counts::Counts;
use directory::{Gateways, InForce};
use switch::Switch;

/// Exchanges one gateway link may have open with this hub, and this hub with it.
const EXCHANGES: u32 = 1 << 18;
/// How often a quiet link is asked whether it is alive; it is given up after three.
const PING: Duration = Duration::from_secs(2);
/// Connections at once, links or not.
const CONNECTIONS: usize = 10_000;
/// What one gateway may have here: a gateway runs up to 256 shards with a link each, and those of the process before it
/// live on for a while. A link that does nothing takes about 12 KiB at each end.
const OF_ONE_KEY: OfOneKey = OfOneKey { sessions: 2 * 256, held_len: 256 << 20 };
/// How often a drain looks whether the last call is gone.
const DRAIN_LOOK: Duration = Duration::from_millis(50);

/// The running hub.
pub struct Hub {
    changes: watch::Sender<Change>,
    /// What a reload cannot change, as it was at the start.
    fixed: String,
}

impl Program for Hub {
    const NAME: &'static str = "central-hub";
    const ABOUT: &'static str =
        "Highway's hub: every island dials it; it decides who may call what and switches calls between links.";
    type Raw = Raw;
    type Config = Config;

    fn settle(raw: Raw, mistakes: &mut Mistakes) -> Option<Config> {
        config::settle(raw, mistakes)
    }

    fn next(config: &Config, file: &Path) -> String {
        let (policy, name, file) = (&config.policy, Self::NAME, file.display());
        let counts =
            [policy.islands().count(), policy.gateways().count(), policy.grants_len()].map(|count| count.to_string());
        let [islands, gateways, grants] = counts;
        let mut next = format!("{islands} islands, {gateways} keys of gateways, {grants} grants");
        if let Ok(key) = config.key.public() {
            next += &format!("\ngateways pin this hub by `key = [\"{key}\"]` in their [[hub]]");
        }
        next += &format!("\nnext: `{name} {file}`; one that runs takes a changed policy within a second");
        if policy.gateways().count() == 0 {
            next += "\nno gateway is listed: `highway key new --island … --role … --gateway …` prints an entry for the policy";
        }
        next + "\nthen: `highway status` says who has a link and who is still missing"
    }

    fn basics(config: &Config) -> Basics {
        config.basics.clone()
    }

    async fn start(config: Config, process: Process) -> anyhow::Result<Hub> {
        let listeners = bind_all(&config.listen, Share::Alone)?;
        for listener in &listeners {
            tracing::info!(address = %listener.local_addr()?, hub = config.id, key = %config.key.public()?, "links come in here");
        }
        let fixed = fixed(&config);
        let change = Change { policy: Arc::new(config.policy), tls: config.tls };
        let (changes, in_force) = watch::channel(change);
        let (audit, writer) = audit::open(config.audit.clone())
            .with_context(|| format!("cannot open the audit file {}", config.audit.path.display()))?;
        // The writer ends after the shard's end of the audit: its hold lets a drain wait for the last line.
        let written = process.drain.hold();
        process.tasks.thread("audit", move || {
            let result = writer.run();
            drop(written);
            result
        })?;
        let start = ShardStart {
            id: config.id.as_str().into(),
            hubs: config.hubs,
            accept_key: Arc::new(config.key),
            seal: config.seal,
            compress: config.compress,
            hold_down: config.hold_down,
            limits: config.limits,
            listeners,
            audit,
            changes: in_force,
            process: process.clone(),
        };
        process.tasks.thread("hub-0", move || shard::runtime()?.block_on(run(start)))?;
        Ok(Hub { changes, fixed })
    }

    async fn reload(&mut self, config: Config) -> anyhow::Result<()> {
        let now = fixed(&config);
        anyhow::ensure!(
            now == self.fixed,
            "hub.id, hub.listen, hub.key_file, hub.hubs, hub.seal, hub.compress, hub.hold_down, [limits], [audit] and whether there is [hub.tls] \
             change only with a restart; the policy and the certificate stay as they were too"
        );
        tracing::info!(grants = config.policy.grants_len(), islands = config.policy.islands().count(), "new policy");
        self.changes.send_replace(Change { policy: Arc::new(config.policy), tls: config.tls });
        Ok(())
    }
}

fn fixed(config: &Config) -> String {
    let Config { id, listen, key, hubs, tls, seal, compress, hold_down, audit, limits, .. } = config;
    let (key, has_tls) = (key.public().map(|key| key.to_string()).ok(), tls.is_some());
    format!("{id:?} {listen:?} {key:?} {hubs:?} {has_tls} {seal:?} {compress:?} {hold_down:?} {audit:?} {limits:?}")
}

/// What changes while the hub runs.
#[derive(Clone)]
struct Change {
    policy: Arc<Policy>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

/// What the shard's thread begins with.
struct ShardStart {
    id: Arc<str>,
    hubs: Vec<String>,
    accept_key: Arc<tunnel::key::PrivateKey>,
    seal: tunnel::Seal,
    compress: tunnel::Compress,
    hold_down: Duration,
    limits: config::Limits,
    listeners: Vec<TcpListener>,
    audit: Audit,
    changes: watch::Receiver<Change>,
    process: Process,
}

/// The shard, until the drain is over.
async fn run(start: ShardStart) -> anyhow::Result<()> {
    let ShardStart { id, hubs, accept_key, seal, compress, hold_down, limits, listeners, audit, mut changes, process } =
        start;
    let shard = Shard::on_this_thread(0);
    let held = process.drain.hold();
    let Change { policy, tls } = changes.borrow_and_update().clone();
    let in_force: InForce = Rc::new(RefCell::new(policy));
    let counts = Counts::new(&process.metrics);
    let budget = Budget::new(limits.held_len);
    let catalogue = Catalogue::new(hold_down, limits.catalogue_len, Instant::now());
    let switch = Rc::new(Switch::new(id.clone(), in_force.clone(), audit, catalogue, counts, budget.clone()));
    let traffic = Traffic::default();
    let seen = traffic.clone();
    process.metrics.source(move |page| {
        for Figure { name, help, kind, values } in seen.figures() {
            page.family(name, help, kind, values);
        }
    });
    let config = AcceptConfig {
        key: accept_key,
        hub: id.to_string(),
        hubs,
        start: start_number(),
        tls,
        seal,
        directory: Rc::new(Gateways(in_force)),
        exchanges: EXCHANGES,
        ping: PING,
        connections: CONNECTIONS,
        of_one: OF_ONE_KEY,
        budget,
        traffic,
        compress,
    };
    let mut listeners = listeners.into_iter();
    let first = listeners.next().context("no address to listen on")?;
    let acceptor = tunnel::accept(&shard, first, config, switch.clone())?;
    listeners.try_for_each(|listener| acceptor.listen(listener))?;
    keep_time(&shard, &switch);
    report(&process, &shard, &switch);
    process.ready.condition("links").met();
    serve(&switch, &acceptor, changes, &process.drain).await;
    drain(&switch, &acceptor).await;
    drop(held);
    Ok(())
}

/// Obeys each new policy, and shows each new certificate, until the drain is asked for.
async fn serve(switch: &Switch, acceptor: &Acceptor, mut changes: watch::Receiver<Change>, drain: &Drain) {
    loop {
        tokio::select! {
            () = drain.asked() => return,
            changed = changes.changed() => match changed {
                Ok(()) => {
                    let Change { policy, tls } = changes.borrow_and_update().clone();
                    switch.obey(policy);
                    tls.into_iter().for_each(|tls| acceptor.renew(tls));
                }
                // The program itself is gone: what is in force stays until the drain.
                Err(_) => return drain.asked().await,
            }
        }
    }
}

/// No new calls, the open ones to their end and their answers to the other side, then the links. The chassis bounds it.
async fn drain(switch: &Switch, acceptor: &Acceptor) {
    acceptor.drain("the hub is ending");
    while !switch.is_idle() {
        tokio::time::sleep(DRAIN_LOOK).await;
    }
    acceptor.close("the hub has ended");
    switch.end_audit();
}

fn keep_time(shard: &Shard, switch: &Rc<Switch>) {
    let ticking = switch.clone();
    shard.every(TICK, move || ticking.tick(Instant::now()));
    let keeping = switch.clone();
    shard.every(audit::HAND_OVER, move || keeping.housekeep(Instant::now()));
}

/// Answers `/status` from the shard's own state.
fn report(process: &Process, shard: &Shard, switch: &Rc<Switch>) {
    let (asked_in, mut asked) = tokio::sync::mpsc::channel::<tokio::sync::oneshot::Sender<serde_json::Value>>(8);
    process.status.ask("hub", move || {
        let asked_in = asked_in.clone();
        async move {
            let (answer_in, answer) = tokio::sync::oneshot::channel();
            let _ = asked_in.send(answer_in).await;
            answer.await.unwrap_or_else(|_| serde_json::json!({ "error": "the hub is ending" }))
        }
    });
    let switch = switch.clone();
    shard.run(async move {
        while let Some(answer) = asked.recv().await {
            let _ = answer.send(switch.status());
        }
    });
}

/// Grows from start to start, so that a later process of this hub is told from an earlier one.
fn start_number() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(1, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
