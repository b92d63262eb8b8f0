//! The thread of the registries: one driver each keeps a session and a view, and every change of a view is listed; so are the rules, which
//! [`crate::heed`] follows.
//!
//! There is none where no registry is configured. It ends when nobody refers to the listing any more, or with [`Ending::withdrawn`], and takes the
//! references of this process out of the registries before.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use client::{Endpoint, TlsWith};
use tokio::sync::watch;
use tokio::task::JoinSet;
use zk_bridge::{Registry, RegistrySettings, View};

use crate::heed;
use crate::listing::Listing;
use crate::references::{self, Caller};

/// How often it is looked whether anybody is left, and whether it is time for something.
const LOOK: Duration = Duration::from_millis(500);

/// What is followed.
#[derive(Debug)]
pub(crate) struct Followed {
    /// Each with its servers, as they were typed.
    pub registries: Vec<(RegistrySettings, String)>,
    /// Gateways that are known beside them.
    pub gateways: Vec<Endpoint>,
    /// The name of the own island; empty where nobody said it.
    pub island: Arc<str>,
    pub rules: Heeding,
    /// Which of the providers that they list speak TLS.
    pub tls: TlsWith,
    /// As whom this process stands there with its references; `None`: it does not.
    pub caller: Option<Caller>,
}

/// Ends the thread of the registries, as its own end does.
#[derive(Debug)]
pub(crate) struct Ending {
    end: watch::Sender<bool>,
    /// Closed when it has ended.
    ended: watch::Receiver<()>,
}

impl Ending {
    /// Has this process go out of all registries, and waits until it has.
    pub async fn withdrawn(&self) {
        self.end.send_replace(true);
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

/// Whether the rules in the config centers are obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heeding {
    Obeyed,
    Ignored,
}

/// Follows them.
///
/// # Errors
/// The system gives no thread or event queue.
pub(crate) fn start(followed: Followed) -> std::io::Result<(Arc<Listing>, Ending)> {
    let Followed { registries, gateways, island, rules, tls, caller } = followed;
    let ((end, mut ending), (alive, ended)) = (watch::channel(false), watch::channel(()));
    let end = Ending { end, ended };
    let is_heeded = rules == Heeding::Obeyed && !registries.is_empty();
    let views = registries.iter().map(|_| Arc::new(View::unread())).collect();
    let listing = Listing::new(gateways, views, island, (!is_heeded).then(Arc::default), tls);
    if registries.is_empty() {
        return Ok((listing, end));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (told, interfaces, services) = (Arc::downgrade(&listing), listing.interfaces(), listing.services());
    thread::Builder::new().name("highway-registry".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let (mut opened, mut shown) = (Vec::new(), JoinSet::new());
            for (at, (settings, servers)) in registries.into_iter().enumerate() {
                let (registry, driver) = zk_bridge::open_only(settings, interfaces.clone());
                tokio::spawn(driver.run());
                tokio::spawn(show(registry.clone(), at, told.clone()));
                if let Some(caller) = caller.clone() {
                    shown.spawn(references::show(registry.clone(), servers, caller, services.clone()));
                }
                opened.push(registry);
            }
            if is_heeded {
                tokio::spawn(heed::follow(opened.clone(), told.clone()));
            }
            while let Some(listing) = told.upgrade() {
                listing.look(Instant::now());
                drop(listing);
                // Who dropped it ends it too.
                if tokio::time::timeout(LOOK, ending.wait_for(|is_ending| *is_ending)).await.is_ok() {
                    break;
                }
            }
            shown.shutdown().await;
            references::withdraw(opened).await;
        });
        drop(alive);
    })?;
    Ok((listing, end))
}

/// Lists every change of the view of registry number `at`.
async fn show(registry: Arc<dyn Registry>, at: usize, told: Weak<Listing>) {
    let mut views = registry.view();
    while views.changed().await.is_ok() {
        let view = views.borrow_and_update().clone();
        let Some(listing) = told.upgrade() else { return };
        listing.shows(at, view);
    }
}
