//! What changed in the tree: by one recursive watch a folder where the server has that, else by looking every few seconds.
//!
//! A recursive watch is a handful of watches for any number of nodes, which is what keeps a reconnect possible. The
//! client crate forgets them when it reconnects, so a feed belongs to one connection: after each reconnect there is a
//! new one, and everything is doubted. It never tells what a change was, only where.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use zookeeper_client::{AddWatchMode, Error, EventType, PersistentWatcher, SessionState};

use crate::layout::Layout;
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

/// What changed, as long as the connection stays the same.
pub(crate) struct Feed {
    watchers: [Option<PersistentWatcher>; 2],
    look: Interval,
}

/// How often an older server is asked for so many rule documents.
fn documents_polled_every(documents: usize) -> Duration {
    let for_all = DOCUMENT_POLLED_FOR.saturating_mul(u32::try_from(documents).unwrap_or(u32::MAX));
    DOCUMENTS_POLLED_EVERY.max(for_all)
}

impl Feed {
    /// Begins to watch the folders of services.
    ///
    /// # Errors
    /// The connection is lost, or the server refuses the watch.
    pub(crate) async fn of_services(session: &Session, layout: &Layout) -> Result<Self, Error> {
        Self::start(session, &layout.watched(), POLLED_EVERY).await
    }

    /// Begins to watch the folder of rule documents. A watch of its own, also inside of a folder that is watched: who reads
    /// services is not to be woken.
    ///
    /// # Errors
    /// The connection is lost, or the server refuses the watch.
    pub(crate) async fn of_documents(session: &Session, folder: String) -> Result<Self, Error> {
        Self::start(session, &[folder], DOCUMENTS_POLLED_EVERY).await
    }

    async fn start(session: &Session, folders: &[String], polled_every: Duration) -> Result<Self, Error> {
        let mut watchers = [None, None];
        let period = if session.has_recursive_watch() { AUDITED_EVERY } else { polled_every };
        if session.has_recursive_watch() {
            for (place, path) in watchers.iter_mut().zip(folders) {
                let watch = session.client.watch(path, AddWatchMode::PersistentRecursive);
                *place = Some(session.answer(watch).await?);
            }
        }
        Ok(Self { watchers, look: every(period) })
    }

    /// There are so many rule documents now: where they are polled, the more the less often.
    pub(crate) fn pace(&mut self, documents: usize) {
        let period = documents_polled_every(documents);
        if self.watchers.iter().all(Option::is_none) && self.look.period() != period {
            self.look = every(period);
        }
    }

    /// The next change. Cancel safe.
    pub(crate) async fn next(&mut self) -> Change {
        let [first, second] = &mut self.watchers;
        let event = tokio::select! {
            _ = self.look.tick() => return Change::Anywhere,
            event = event_of(first) => event,
            event = event_of(second) => event,
        };
        event.map_or(Change::Anywhere, Change::At)
    }
}

fn every(period: Duration) -> Interval {
    let mut look = interval_at(Instant::now() + period, period);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look
}

/// The path of the watcher's next event; `None` where the session ended. Pending for ever without a watcher.
async fn event_of(watcher: &mut Option<PersistentWatcher>) -> Option<String> {
    loop {
        let Some(live) = watcher else { return std::future::pending().await };
        let event = live.changed().await;
        if event.event_type != EventType::Session {
            return Some(event.path);
        }
        let ended =
            matches!(event.session_state, SessionState::AuthFailed | SessionState::Expired | SessionState::Closed);
        if ended {
            // The crate panics when a watcher is asked once more after this.
            *watcher = None;
            return None;
        }
    }
}
