//! The one task of a ZooKeeper registry: a session after the other, and within a session one turn after the other.
//!
//! ```text
//!          ┌────────── backoff, jittered ◀──────────┐
//!          ▼                                        │ expired, closed, refused, given up
//!   open a session ─▶ connected ─▶ feed, doubt everything ─▶ turn ─▶ turn ─▶ …
//!                        ▲                                            │ disconnected
//!                        └────────────────────────────────────────────┘
//!   a turn:  read what is stale ─▶ metadata ─▶ show the view ─▶ plan and apply ─▶ wait for a change, an order, a time
//! ```
//!
//! A turn may be cut off at any await by the connection's end: everything is doubted after the next connect, and a plan
//! is made from what is there. While there is no connection the view stays as it was, and says so. Rule documents are followed
//! beside the turns, by [`following`].

mod complaints;
mod following;
mod holding;
mod outage;
mod publishing;
mod showing;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use zookeeper_client::{Error, SessionState};

use self::following::{Following, Shown};
use self::holding::Whom;
use self::outage::{BACKOFF_MAX, back_without_us, backoff};
use self::publishing::Publishing;
use self::showing::{Chroot, Showing};
use crate::changes::{Change, Feed, Watched};
use crate::config::RegistrySettings;
use crate::handle::{DriverSide, Order};
use crate::keeper::Keeper;
use crate::layout::Layout;
use crate::metadata_store::Store;
use crate::mirror::Mirror;
use crate::scope::{Interest, Scope};
use crate::session::{Fault, Session};

/// Changes closer together than this are one.
const QUIET: Duration = Duration::from_millis(20);
/// But none waits longer than this for the others.
const GATHERED_WITHIN: Duration = Duration::from_millis(250);
/// After a turn that took long, changes are gathered for as long again, at most so long: half of the time is for others.
const REST_MAX: Duration = Duration::from_secs(5);
/// Changes that are gathered at most; more of them are a change of everything.
const GATHERED_MAX: usize = 10_000;
/// The pause before something missing is looked for again on a live connection.
const MISSING_PAUSE: Duration = Duration::from_secs(1);
/// A connection or session that lasts so long is a good one: pauses begin anew after it.
const STEADY: Duration = Duration::from_secs(20);
/// Connections of one session that fail, each sooner than a stall could end it, until another session is tried.
const FAILURES_MAX: u32 = 8;
/// How often it is tried again what we may not do.
const DENIED_AGAIN: Duration = Duration::from_secs(5);

/// The one task of a ZooKeeper registry. It does nothing until it is [`Driver::run`].
pub struct Driver {
    settings: RegistrySettings,
    interest: Interest,
    side: DriverSide,
}

impl Driver {
    /// Of what is read, and what the handles see.
    pub(crate) const fn new(settings: RegistrySettings, interest: Interest, side: DriverSide) -> Self {
        Self { settings, interest, side }
    }

    /// Keeps a session, reads, publishes and heals, until every handle is gone. Cancel safe. The session is left to expire,
    /// however this ends, and with it goes every ephemeral node that was not withdrawn.
    pub async fn run(self) {
        let DriverSide { view, orders, done, status, documents, of_documents, documents_wanted } = self.side;
        let shown = Shown { documents, problems: of_documents, is_wanted: documents_wanted };
        let mut following = Following::new(&self.settings, shown);
        let mut watched = orders.clone();
        let mut work = Work {
            layout: Layout::new(&self.settings.root, &self.settings.services_root),
            mirror: Mirror::default(),
            store: Store::default(),
            showing: Showing::new(self.settings.clone(), Whom::of(&self.interest), view, status),
            publishing: Publishing::new(orders, done),
            interest: self.interest,
            rested: Instant::now(),
            denied_again: None,
        };
        tokio::select! {
            () = nobody_left(&mut watched) => {}
            () = work.run(&self.settings, &mut following) => {}
        }
    }
}

/// Ends when every handle is gone.
async fn nobody_left(orders: &mut watch::Receiver<Order>) {
    while orders.changed().await.is_ok() {}
}

struct Work {
    layout: Layout,
    mirror: Mirror,
    store: Store,
    showing: Showing,
    publishing: Publishing,
    interest: Interest,
    /// When the next turn may begin.
    rested: Instant,
    /// When to try again what we may not do.
    denied_again: Option<Instant>,
}

/// Why a turn did not end well.
enum Turn {
    /// The connection is gone or going.
    Lost,
    /// Something that should not happen; the sentence says what.
    Odd(String),
    /// The password is another one now, and with this one we may not do everything.
    Relogin,
}

impl From<Error> for Turn {
    fn from(error: Error) -> Self {
        match Fault::of(&error) {
            Fault::Lost => Self::Lost,
            Fault::Conflict | Fault::Denied | Fault::Odd => Self::Odd(error.to_string()),
        }
    }
}

impl Work {
    /// For ever.
    async fn run(&mut self, settings: &RegistrySettings, following: &mut Following) {
        let mut attempt = 0;
        let keeper = loop {
            match Keeper::start() {
                Ok(keeper) => break keeper,
                Err(error) => self.showing.disconnected(&format!("no thread to keep a session: {error}")),
            }
            sleep(BACKOFF_MAX).await;
        };
        let mut session_timeout = settings.session_timeout;
        loop {
            match Session::open(session_timeout, settings, &keeper).await {
                Ok(session) => {
                    // Asking for more again would leave a session behind each time.
                    session_timeout = session_timeout.min(session.client.session_timeout());
                    let began = Instant::now();
                    let why = self.serve(&session, settings, following).await;
                    tracing::info!(registry = settings.name(), session = %session.client.session_id(), why, "the session ended");
                    self.showing.disconnected(why);
                    if began.elapsed() >= STEADY {
                        attempt = 0;
                    }
                }
                Err(why) => self.showing.disconnected(&why),
            }
            sleep(backoff(attempt)).await;
            attempt += 1;
        }
    }

    /// Lives with a session until it ends, and says why it did.
    async fn serve(
        &mut self,
        session: &Session,
        settings: &RegistrySettings,
        following: &mut Following,
    ) -> &'static str {
        tracing::info!(
            registry = self.showing.name(),
            session = %session.client.session_id(),
            version = session.version.map(|version| version.to_string()),
            timeout = ?session.client.session_timeout(),
            "a session began"
        );
        // Nothing of another session's tree can be compared: a server that lost everything counts from one again.
        self.mirror = Mirror::of(std::mem::take(&mut self.mirror.scope));
        self.publishing.new_session(session);
        self.showing.new_session(session);
        following.new_session();
        let mut states = session.client.state_watcher();
        let (mut short, mut failures) = (0, 0);
        loop {
            match states.peek_state() {
                SessionState::SyncConnected | SessionState::ConnectedReadOnly => {}
                SessionState::Disconnected => {
                    self.showing.disconnected("the connection is lost");
                    tokio::select! {
                        _ = states.changed() => continue,
                        () = back_without_us(session, settings) => return "the servers are back, and the session did not return to them",
                    }
                }
                SessionState::Expired => return "the session expired",
                SessionState::AuthFailed => return "the server refused who we are",
                SessionState::Closed => return "the session was closed",
            }
            let began = Instant::now();
            // What fails one connection may fail the next: it is not to be a storm.
            let pause = if short > 1 { backoff(short - 2) } else { Duration::ZERO };
            let end = tokio::select! {
                biased;
                _ = states.changed() => Turn::Lost,
                end = async { sleep(pause).await; self.connected(session, settings, following).await } => end,
            };
            let lasted = began.elapsed();
            if lasted >= STEADY {
                (short, failures) = (0, 0);
            }
            short += 1;
            // A server that stalls has not lost the session, and it takes so long until its silence ends a connection.
            if !matches!(end, Turn::Lost) || lasted < session.server_within {
                failures += 1;
            }
            match end {
                Turn::Lost => self.publishing.cut_off(),
                Turn::Odd(what) => self.showing.troubled(&what),
                Turn::Relogin => return "the password is another one now",
            }
            if failures >= FAILURES_MAX {
                return "one connection after the other failed";
            }
        }
    }

    /// One connection: a feed, a look at everything, then turns; the rule documents beside them.
    async fn connected(&mut self, session: &Session, settings: &RegistrySettings, following: &mut Following) -> Turn {
        tokio::select! {
            end = self.turns(session, settings) => match end {
                Ok(never) => match never {},
                Err(end) => end,
            },
            end = following.follow(session, settings) => end,
        }
    }

    async fn turns(
        &mut self,
        session: &Session,
        settings: &RegistrySettings,
    ) -> Result<std::convert::Infallible, Turn> {
        while !begun(session).await? {
            self.showing.chroot(Chroot::Missing);
            sleep(MISSING_PAUSE).await;
        }
        self.showing.chroot(Chroot::There);
        let mut feed = Feed::of_services(session);
        self.doubt();
        loop {
            self.turn(session, &mut feed).await?;
            self.wait(&mut feed).await;
            if self.denied_again.is_some_and(|again| again <= Instant::now()) {
                self.denied_again = None;
                if settings.login().is_ok_and(|login| login != session.login) {
                    return Err(Turn::Relogin);
                }
                self.mirror.doubt_denied(&self.layout);
            }
        }
    }

    fn doubt(&mut self) {
        self.mirror.doubt_everything();
        self.publishing.known.doubt();
    }

    /// Reads what is stale, shows it, and writes what is wanted; then it rests as long as that took.
    async fn turn(&mut self, session: &Session, feed: &mut Feed) -> Result<(), Error> {
        let began = Instant::now();
        let done = self.rounds(session, feed).await;
        self.rested = Instant::now() + began.elapsed().min(REST_MAX);
        done
    }

    /// What is to be watched.
    fn watched(&self) -> Watched {
        let mut watched = self.mirror.watched(&self.layout);
        if self.mirror.scope != Scope::Everything {
            // Else it is inside of what is.
            watched.extend(self.publishing.watched(&self.layout));
        }
        watched
    }

    async fn rounds(&mut self, session: &Session, feed: &mut Feed) -> Result<(), Error> {
        loop {
            if let Some(scope) = self.interest.news() {
                self.mirror.rescope(scope);
            }
            // What is watched before it is read cannot change unseen; the names say what else there is to watch.
            feed.cover(session, &self.watched()).await?;
            if self.mirror.is_stale() {
                self.mirror.read_names(session, &self.layout).await?;
                feed.cover(session, &self.watched()).await?;
                self.mirror.refresh(session, &self.layout).await?;
            }
            self.store.resolve(session, &self.layout, &self.mirror).await?;
            self.store.settle(&mut self.mirror);
            self.showing.show(&self.mirror, &self.store, self.interest.problems());
            let Self { layout, mirror, publishing, showing, .. } = self;
            let again = publishing.publish(session, layout, mirror, showing.interface_only()).await?;
            self.showing.published(&self.publishing.progress);
            if !again {
                let is_denied = !self.mirror.denied.is_empty() || self.publishing.is_refused();
                let again = self.denied_again.unwrap_or_else(|| Instant::now() + DENIED_AGAIN);
                self.denied_again = is_denied.then_some(again);
                return Ok(());
            }
        }
    }

    /// Waits until there is something to do. Cancel safe.
    async fn wait(&mut self, feed: &mut Feed) {
        let mut due = false;
        while !due {
            let times = [self.store.next_due(), self.publishing.next_due(), self.showing.next_due(), self.denied_again];
            let next = times.into_iter().flatten().min();
            due = tokio::select! {
                change = feed.next() => self.gather(change, feed).await,
                () = self.publishing.ordered() => true,
                () = self.store.answered() => true,
                () = self.interest.changed() => true,
                () = at(next) => true,
            };
        }
        while !self.publishing.is_ending() && self.rested > Instant::now() {
            tokio::select! {
                change = feed.next() => drop(self.note(change)),
                () = self.publishing.ordered() => {}
                () = sleep_until(self.rested) => {}
            }
        }
    }

    /// Takes a change and those that follow at its heels; `false` where none of them concerns us.
    async fn gather(&mut self, first: Change, feed: &mut Feed) -> bool {
        let until = Instant::now() + GATHERED_WITHIN;
        let mut concerns = self.note(first);
        for _ in 0..GATHERED_MAX {
            match timeout(QUIET.min(until.saturating_duration_since(Instant::now())), feed.next()).await {
                Ok(change) => concerns |= self.note(change),
                Err(_) => return concerns,
            }
        }
        self.doubt();
        true
    }

    fn note(&mut self, change: Change) -> bool {
        match change {
            Change::Anywhere => {
                self.doubt();
                true
            }
            Change::At(path) => {
                let place = self.layout.place(&path);
                let read = self.mirror.touch(&place, &self.layout);
                let awaited = self.store.touch(&place);
                let ours = self.publishing.touch(&path, &place);
                read || awaited || ours
            }
        }
    }
}

/// Whether there is a tree to read: the chroot of the address is there.
async fn begun(session: &Session) -> Result<bool, Error> {
    // A follower may be behind what another one has told us in an earlier session.
    session.answer(session.client.sync("/")).await?;
    Ok(session.answer(session.client.check_stat("/")).await?.is_some())
}

/// At `time`, or never.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
