//! Following the rule documents, beside the turns: who writes ten thousand nodes is not to keep a rule waiting.
//!
//! ```text
//!   nobody asks ─▶ asked for ─▶ watch ─▶ read ─▶ show ─▶ wait for a change ─▶ read …
//! ```
//!
//! Within a connection only; what was read stays without one. Nothing is read until somebody asks, so that a gateway that
//! obeys no rules needs no rights for them. Never writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::complaints::{Complaints, Health, some};
use super::{DENIED_AGAIN, MISSING_PAUSE, QUIET, Turn, begun};
use crate::center::reading::Held;
use crate::center::{Documents, Place};
use crate::changes::Feed;
use crate::config::RegistrySettings;
use crate::session::Session;

/// Changes are gathered no longer than this.
const GATHERED_WITHIN: Duration = Duration::from_millis(100);

/// What the handles see of it.
pub(super) struct Shown {
    pub(super) documents: watch::Sender<Arc<Documents>>,
    pub(super) problems: Arc<Mutex<Vec<String>>>,
    /// Whether anybody wants them.
    pub(super) is_wanted: watch::Receiver<bool>,
}

/// The follower.
pub(super) struct Following {
    place: Place,
    held: Held,
    shown: Shown,
    complaints: Complaints,
}

impl Following {
    pub(super) fn new(settings: &RegistrySettings, shown: Shown) -> Self {
        let place = Place::new(&settings.config_root);
        Self { place, held: Held::default(), shown, complaints: Complaints::of(settings.name(), "rule documents") }
    }

    /// Another session begins.
    pub(super) fn new_session(&mut self) {
        self.held.new_session();
    }

    /// One connection, until it is lost. Cancel safe.
    pub(super) async fn follow(&mut self, session: &Session, settings: &RegistrySettings) -> Turn {
        if self.shown.is_wanted.wait_for(|is_wanted| *is_wanted).await.is_err() {
            // Every handle is gone, which the driver sees by itself.
            std::future::pending::<()>().await;
        }
        loop {
            match self.rounds(session, settings).await {
                Ok(never) => match never {},
                Err(Turn::Odd(what)) => {
                    self.tell(vec![format!("cannot read {}: {what}", self.place.documents())]);
                    sleep(MISSING_PAUSE).await;
                }
                Err(end) => return end,
            }
        }
    }

    async fn rounds(
        &mut self,
        session: &Session,
        settings: &RegistrySettings,
    ) -> Result<std::convert::Infallible, Turn> {
        while !begun(session).await? {
            sleep(MISSING_PAUSE).await;
        }
        let mut feed = Feed::of_documents(session, self.place.documents()).await?;
        let mut compared = Instant::now();
        loop {
            let read = self.held.refresh(session, &self.place).await;
            self.show();
            read?;
            feed.pace(self.held.len());
            if !self.held.is_denied {
                changed(&mut feed).await;
                continue;
            }
            // Whether something changed or not, it is tried again.
            let _ = timeout(DENIED_AGAIN, changed(&mut feed)).await;
            if compared.elapsed() >= DENIED_AGAIN {
                compared = Instant::now();
                if settings.login().is_ok_and(|login| login != session.login) {
                    return Err(Turn::Relogin);
                }
            }
        }
    }

    fn show(&mut self) {
        let documents = self.held.documents();
        self.shown.documents.send_if_modified(|shown| {
            let is_new = **shown != documents;
            if is_new {
                *shown = Arc::new(documents);
            }
            is_new
        });
        let mut problems = Vec::new();
        some(&mut problems, self.held.problems());
        self.tell(problems);
    }

    fn tell(&mut self, problems: Vec<String>) {
        self.complaints.log(&problems, Health::Known);
        *self.shown.problems.lock().unwrap_or_else(PoisonError::into_inner) = problems;
    }
}

/// Ends a moment after something changed.
async fn changed(feed: &mut Feed) {
    feed.next().await;
    let until = Instant::now() + GATHERED_WITHIN;
    while Instant::now() < until && timeout(QUIET, feed.next()).await.is_ok() {}
}
