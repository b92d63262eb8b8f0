//! The threads that carry calls: each has its own links to every hub, its own provider connections and its own [`Line`].
//!
//! ```text
//!  control ─ post ─▶ with_line ─▶ Line of this thread          (exports, catalogue, status: rare)
//!  drain asked ─▶ go-away to the hubs ─▶ nothing under way, or the process's deadline ─▶ links end ─▶ thread ends
//! ```

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chassis::Drain;
use chassis::metrics::tally::Tallied;
use client::Endpoint;
use serde::Serialize;
use shard::{Remote, Shard};
use tunnel::{DialConfig, Dialer, HubStatus, Role, Traffic, dial};

use crate::config::Fixed;
use crate::line::{Line, LineLimits, LineStatus};
use crate::meters::Families;
use crate::readiness::LinksUp;
use crate::shares::Shares;

/// Exchanges that a hub may have open on one link before it is told to wait.
const EXCHANGES_A_LINK: u32 = 65_536;
/// How often a shard looks whether bodies are overdue, and whether a drain is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A drain lasts at least this long: calls that the hub had sent when it was told still arrive.
const CROSSING: Duration = Duration::from_millis(500);
const DRAINING: &str = "this ingress gateway is stopping";

thread_local! {
    /// The line of this thread, and its links.
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

struct Here {
    line: Rc<Line>,
    dialer: Dialer,
}

/// What every shard starts with.
#[derive(Clone)]
pub struct Start {
    /// The configuration.
    pub fixed: Arc<Fixed>,
    /// The number that this process drew.
    pub start: u64,
    /// What its links move.
    pub traffic: Traffic,
    /// All held bodies, and what each island has of them.
    pub shares: Shares,
    /// The metrics' names.
    pub families: Families,
    /// What readiness waits for.
    pub links_up: Arc<LinksUp>,
    /// When to end.
    pub drain: Drain,
}

/// What `/status` says of one shard.
#[derive(Debug, Serialize)]
pub struct ShardStatus {
    /// Its number.
    pub shard: usize,
    /// Its links.
    pub hubs: Vec<HubStatus>,
    /// Its calls and providers.
    #[serde(flatten)]
    pub line: LineStatus,
}

/// Runs `work` on this thread's line; nothing happens where there is none (any more).
pub fn with_line(work: impl FnOnce(&Line)) {
    let line = HERE.with_borrow(|here| here.as_ref().map(|here| here.line.clone()));
    if let Some(line) = line {
        work(&line);
    }
}

/// What a shard is doing; `None` when it has ended.
pub async fn status(remote: &Remote) -> Option<ShardStatus> {
    let asked = remote.ask(|shard| {
        let here = HERE.with_borrow(|here| here.as_ref().map(|here| (here.line.clone(), here.dialer.status())));
        here.map(|(line, hubs)| ShardStatus { shard: shard.index(), hubs, line: line.status() })
    });
    asked.await.flatten()
}

/// What came of a shard's calls, by service; `None` when it has ended.
pub async fn tallied(remote: &Remote) -> Option<Vec<(Arc<str>, Tallied)>> {
    remote.ask(|_| HERE.with_borrow(|here| here.as_ref().map(|here| here.line.tallied()))).await.flatten()
}

/// The counters of a shard's pool; `None` when it has ended.
pub async fn counts(remote: &Remote) -> Option<Arc<client::Counts>> {
    remote.ask(|_| HERE.with_borrow(|here| here.as_ref().map(|here| here.line.counts()))).await.flatten()
}

/// The providers that a shard has no use of just now; `None` when it has ended.
pub async fn down(remote: &Remote) -> Option<Vec<Endpoint>> {
    remote.ask(|_| HERE.with_borrow(|here| here.as_ref().map(|here| here.line.pool.down()))).await.flatten()
}

/// The whole life of one shard.
pub async fn run(shard: Shard, start: Start) {
    let hold = start.drain.hold();
    let fixed = &*start.fixed;
    let limits = LineLimits { frame_len: fixed.frame_len, in_flight: fixed.in_flight.div_ceil(fixed.shards) };
    let meters = start.families.of_shard();
    let names = (&*fixed.gateway, &*fixed.island);
    let line =
        Line::new(&shard, names, fixed.pool.clone(), limits, start.shares.clone(), meters, start.links_up.clone());
    let dialer = dial(&shard, dial_config(&start), line.clone());
    HERE.set(Some(Here { line: line.clone(), dialer }));
    let asked = start.drain.asked();
    tokio::pin!(asked);
    loop {
        tokio::select! {
            () = &mut asked => break,
            () = tokio::time::sleep(LOOK_EVERY) => line.expire(),
        }
    }
    line.drain(DRAINING);
    tokio::time::sleep(CROSSING).await;
    while !line.is_idle() {
        tokio::time::sleep(LOOK_EVERY).await;
        line.expire();
    }
    let here = HERE.take();
    if let Some(here) = &here {
        here.dialer.close(DRAINING);
    }
    // The last words are written at the end of this turn, and a peer that is slow to read takes a moment longer.
    tokio::time::sleep(LOOK_EVERY * 2).await;
    drop(here);
    drop(hold);
}

fn dial_config(start: &Start) -> DialConfig {
    let fixed = &*start.fixed;
    DialConfig {
        hubs: fixed.hubs.addresses.clone(),
        key: fixed.hubs.key.clone(),
        role: Role::Ingress,
        island: fixed.island.to_string(),
        gateway: fixed.gateway.to_string(),
        start: start.start,
        seal: fixed.hubs.seal,
        exchanges: EXCHANGES_A_LINK,
        ping: fixed.hubs.ping,
        budget: start.shares.budget().clone(),
        traffic: start.traffic.clone(),
        memory: Some(fixed.state_dir.join(tunnel::PATHS_FILE)),
    }
}
