//! What changed in the tree: by watches that last where the server has them, else by looking every few seconds.
//!
//! ```text
//!   everything is read     /<root>, /<services>                           each with all that is below
//!   some interfaces are    /<root>/<interface>/providers                  who comes and goes
//!                          /<root>/mapping/<interface>                    which applications
//!                          /<services>, /<services>/<application>         gateways; instances
//!                          /<root>/metadata/<application>                 metadata that comes late
//! ```
//!
//! A recursive watch is a handful of watches for any number of nodes; whoever reads little has one for each thing he reads, so
//! that the rest of the tree does not wake him. The client crate forgets them when it reconnects (and so they never make a
//! reconnect impossible, as many one-time watches do), so a feed belongs to one connection: after each reconnect there is a
//! new one, and everything is doubted. It never tells what a change was, only where.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use zookeeper_client::{AddWatchMode, Error, EventType, PersistentWatcher, SessionState};

use crate::session::Session;

/// How often an older server is asked what changed: a few hundred bytes for each interface and instance.
const POLLED_EVERY: Duration = Duration::from_secs(3);
/// The same for rule documents, which are obeyed within a second: a list, and a hundred bytes for each document.
const DOCUMENTS_POLLED_EVERY: Duration = Duration::from_millis(400);
/// Where there are many, each adds so much: a gateway asks an older server a thousand small things in a second, and no more.
const DOCUMENT_POLLED_FOR: Duration = Duration::from_millis(1);
/// How often everything is looked at where watches tell: for what a watch could miss.
const AUDITED_EVERY: Duration = Duration::from_secs(60);

/// Where something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// This node came, went or was written.
    At(String),
    /// Anything may have changed.
    Anywhere,
}

/// How much of the tree below a path is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The node, and that children of it come and go.
    Node,
    /// The node and everything below it.
    Tree,
}

/// What is watched.
pub(crate) type Watched = BTreeMap<String, Depth>;

/// What changed, as long as the connection stays the same.
pub(crate) struct Feed {
    watchers: BTreeMap<String, (Depth, PersistentWatcher)>,
    look: Interval,
}

/// How often an older server is asked for so many rule documents.
fn documents_polled_every(documents: usize) -> Duration {
    let for_all = DOCUMENT_POLLED_FOR.saturating_mul(u32::try_from(documents).unwrap_or(u32::MAX));
    DOCUMENTS_POLLED_EVERY.max(for_all)
}

impl Feed {
    /// A feed of services; nothing is watched yet.
    pub(crate) fn of_services(session: &Session) -> Self {
        Self::new(session, POLLED_EVERY)
    }

    /// Begins to watch the folder of rule documents. A watch of its own, also inside of a folder that is watched: who reads
    /// services is not to be woken.
    ///
    /// # Errors
    /// The connection is lost, or the server refuses the watch.
    pub(crate) async fn of_documents(session: &Session, folder: String) -> Result<Self, Error> {
        let mut feed = Self::new(session, DOCUMENTS_POLLED_EVERY);
        feed.cover(session, &[(folder, Depth::Tree)].into()).await?;
        Ok(feed)
    }

    fn new(session: &Session, polled_every: Duration) -> Self {
        let period = if session.has_recursive_watch() { AUDITED_EVERY } else { polled_every };
        Self { watchers: BTreeMap::new(), look: every(period) }
    }

    /// Watches this and nothing else from now on; what is watched already stays watched meanwhile. A path need not be there.
    ///
    /// # Errors
    /// The connection is lost, or the server refuses a watch.
    pub(crate) async fn cover(&mut self, session: &Session, wanted: &Watched) -> Result<(), Error> {
        if !session.has_recursive_watch() {
            return Ok(());
        }
        self.watchers.retain(|path, (depth, _)| wanted.get(path) == Some(depth));
        let new: Vec<(&String, Depth)> = wanted
            .iter()
            .filter(|(path, _)| !self.watchers.contains_key(*path))
            .map(|(path, at)| (path, *at))
            .collect();
        let watches = session.each(&new, |(path, depth)| session.client.watch(path, mode(*depth))).await?;
        for ((path, depth), watch) in new.into_iter().zip(watches) {
            self.watchers.insert(path.clone(), (depth, watch?));
        }
        Ok(())
    }

    /// There are so many rule documents now: where they are polled, the more the less often.
    pub(crate) fn pace(&mut self, documents: usize) {
        let period = documents_polled_every(documents);
        if self.watchers.is_empty() && self.look.period() != period {
            self.look = every(period);
        }
    }

    /// The next change. Cancel safe.
    pub(crate) async fn next(&mut self) -> Change {
        let told = {
            let mut events: Vec<_> = self.watchers.values_mut().map(|(_, live)| Box::pin(event_of(live))).collect();
            let any = poll_fn(|context| {
                let told = events.iter_mut().map(|event| event.as_mut().poll(context));
                told.into_iter().find(Poll::is_ready).unwrap_or(Poll::Pending)
            });
            tokio::select! {
                _ = self.look.tick() => return Change::Anywhere,
                told = any => told,
            }
        };
        match told {
            Some(path) => Change::At(path),
            None => {
                // All of them ended with the session, and the crate panics when a watcher is asked once more after that.
                self.watchers.clear();
                Change::Anywhere
            }
        }
    }
}

fn mode(depth: Depth) -> AddWatchMode {
    match depth {
        Depth::Node => AddWatchMode::Persistent,
        Depth::Tree => AddWatchMode::PersistentRecursive,
    }
}

fn every(period: Duration) -> Interval {
    let mut look = interval_at(Instant::now() + period, period);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look
}

/// The path of the watcher's next event; `None` where the session ended.
async fn event_of(watcher: &mut PersistentWatcher) -> Option<String> {
    loop {
        let event = watcher.changed().await;
        if event.event_type != EventType::Session {
            return Some(event.path);
        }
        let ended =
            matches!(event.session_state, SessionState::AuthFailed | SessionState::Expired | SessionState::Closed);
        if ended {
            return None;
        }
    }
}
