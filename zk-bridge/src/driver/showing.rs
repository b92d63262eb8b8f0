//! What the gateways see: the view, and the status in words.
//!
//! Lists only ever change to what was read. After a new session, real providers that were there before and are not
//! there yet stay a while: see [`super::holding`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::Instant;

use super::complaints::{Complaints, Health, some};
use super::holding::{Holding, Whom};
use super::publishing::Progress;
use crate::assemble::{self, Assembled};
use crate::config::RegistrySettings;
use crate::metadata_store::Store;
use crate::mirror::Mirror;
use crate::registry::{Level, Status};
use crate::scope::Scope;
use crate::session::Session;
use crate::view::{ServiceKey, View};

/// Whether the folder that an address ends with is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chroot {
    There,
    Missing,
}

/// The view and the status.
pub(super) struct Showing {
    settings: RegistrySettings,
    view: watch::Sender<Arc<View>>,
    status: Arc<Mutex<Status>>,
    holding: Holding,
    interface_only: BTreeSet<ServiceKey>,
    /// What is wrong with the session, the tree and what we write; told together.
    of_version: Vec<String>,
    of_session: Vec<String>,
    of_tree: Vec<String>,
    of_writing: Vec<String>,
    complaints: Complaints,
}

impl Showing {
    pub(super) fn new(
        settings: RegistrySettings,
        whom: Whom,
        view: watch::Sender<Arc<View>>,
        status: Arc<Mutex<Status>>,
    ) -> Self {
        let holding = Holding::new(settings.session_timeout, whom);
        let complaints = Complaints::of(settings.name(), "services");
        Self {
            settings,
            view,
            status,
            holding,
            interface_only: BTreeSet::new(),
            of_version: Vec::new(),
            of_session: Vec::new(),
            of_tree: Vec::new(),
            of_writing: Vec::new(),
            complaints,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.settings.name()
    }

    /// Services with a real provider, of any protocol, that is registered at interface level only.
    pub(super) const fn interface_only(&self) -> &BTreeSet<ServiceKey> {
        &self.interface_only
    }

    /// When something held has to go.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.holding.next_due()
    }

    /// A session began; what was shown until now is held.
    pub(super) fn new_session(&mut self, session: &Session) {
        let (before, now) = (Arc::clone(&self.view.borrow()), Instant::now());
        self.holding.connected(now);
        self.holding.hold(&before, now);
        self.of_version.clear();
        if session.version.is_none() {
            let polled = "the server does not tell its version, so nothing newer than 3.4 is used: allow its command \"srvr\", \
                          or set server_version";
            self.of_version.push(polled.into());
        }
        let mut status = self.status();
        status.session = Some(session.client.session_id().to_string());
        // What was written died with the session before, or will.
        (status.published, status.published_as_instance) = (0, 0);
        status.server_version = session.version.map(|version| version.to_string());
    }

    /// There is no connection, for the reason given. The lists stay.
    pub(super) fn disconnected(&mut self, why: &str) {
        self.holding.disconnected(Instant::now());
        self.of_session = vec![format!("not connected: {why}")];
        self.status().connected = false;
        let view = self.view.borrow().clone();
        if view.connected {
            self.replace(View { connected: false, ..View::clone(&view) });
        }
        self.tell();
    }

    /// There is a connection, and something is wrong with it.
    pub(super) fn troubled(&mut self, what: &str) {
        self.of_session = vec![what.to_owned()];
        self.tell();
    }

    /// There is a connection, and this is known of the address's chroot.
    pub(super) fn chroot(&mut self, chroot: Chroot) {
        self.holding.connected(Instant::now());
        self.of_session.clear();
        if chroot == Chroot::Missing {
            let address = &self.settings.address;
            self.of_session.push(format!("the chroot of {address} does not exist: create it, or correct the address"));
        }
        self.tell();
    }

    /// What was read is shown; `unread` says what of the scope cannot be.
    pub(super) fn show(&mut self, mirror: &Mirror, store: &Store, unread: impl Iterator<Item = String>) {
        self.status().connected = true;
        self.of_tree.clear();
        let denied = mirror.denied.iter().map(|path| format!("may not read {path}"));
        some(&mut self.of_tree, denied);
        some(&mut self.of_tree, unread);
        if mirror.is_overfull {
            self.of_tree.push("there are more nodes than are read; what is beyond is not shown".into());
        }
        some(&mut self.of_tree, store.problems());
        if mirror.is_whole {
            let mut assembled = assemble::providers(mirror);
            let held = self.holding.add(&mut assembled, Instant::now());
            self.interface_only = std::mem::take(&mut assembled.foreign_interface_only);
            let real = assembled.providers.iter().filter(|it| !it.is_virtual() && it.level == Level::Interface);
            self.interface_only.extend(real.map(|provider| provider.key.clone()));
            // What is held may be of an interface that is not wanted any more.
            assembled.providers.retain(|provider| mirror.scope.has(&provider.key.interface));
            assembled.foreign.retain(|key| mirror.scope.has(&key.interface));
            let Assembled { providers, foreign, gateways, .. } = assembled;
            let complete = !held && !store.is_waiting() && !self.is_shut_out(mirror) && !mirror.is_overfull;
            let consumers = assemble::consumers(mirror);
            let read = Self::read(mirror, store).map(|read| if held { BTreeSet::new() } else { read });
            self.replace(View {
                generation: 0,
                connected: true,
                complete,
                providers,
                consumers,
                foreign,
                gateways,
                read,
            });
        }
        self.tell();
    }

    /// How far writing is.
    pub(super) fn published(&mut self, progress: &Progress) {
        {
            let mut status = self.status();
            status.desired = progress.desired;
            status.published = progress.published;
            status.published_as_instance = progress.published_as_instance;
        }
        self.of_writing.clear();
        some(&mut self.of_writing, progress.problems.iter().cloned());
        self.tell();
    }

    /// The interfaces of a narrow scope of which nothing is awaited.
    fn read(mirror: &Mirror, store: &Store) -> Option<BTreeSet<String>> {
        let Scope::Only(interfaces) = &mirror.scope else { return None };
        let is_awaited =
            |interface: &String| mirror.exporters_of(interface).any(|application| store.is_waiting_for(application));
        Some(interfaces.iter().filter(|interface| !is_awaited(interface)).cloned().collect())
    }

    /// Whether we may not even read what there is. One folder of many that is closed to us is told, but does not keep
    /// everything else waiting.
    fn is_shut_out(&self, mirror: &Mirror) -> bool {
        mirror.scope == Scope::Everything
            && [&self.settings.root, &self.settings.services_root]
                .iter()
                .any(|root| mirror.denied.contains(&format!("/{root}")))
    }

    /// Shows `view` under the next number, if it is different from what is shown.
    fn replace(&self, mut view: View) {
        let is_new = self.view.send_if_modified(|shown| {
            view.generation = shown.generation;
            if **shown == view {
                return false;
            }
            view.generation += 1;
            *shown = Arc::new(view);
            true
        });
        if is_new {
            let view = self.view.borrow().clone();
            let mut status = self.status();
            status.last_change = Some(SystemTime::now());
            status.providers = view.providers.iter().filter(|provider| !provider.is_virtual()).count();
            status.consumers = view.consumers.len();
        }
    }

    fn tell(&mut self) {
        let problems: Vec<String> = [&self.of_version, &self.of_session, &self.of_tree, &self.of_writing]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        // Only what was read and written as a whole proves that all is well.
        let health = if self.status().connected { Health::Known } else { Health::Unknown };
        self.complaints.log(&problems, health);
        self.status().problems = problems;
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
