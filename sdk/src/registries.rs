//! The thread of the registries: one driver each keeps a session and a view, and every change of a view is listed; so are the rules, which
//! [`crate::heed`] follows.
//!
//! There is none where no registry is configured. It ends when nobody refers to the listing any more.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use client::Endpoint;
use zk_bridge::{Registry, RegistrySettings, View};

use crate::heed;
use crate::listing::Listing;

/// How often it is looked whether anybody is left, and whether it is time for something.
const LOOK: Duration = Duration::from_millis(500);

/// What is followed.
#[derive(Debug)]
pub(crate) struct Followed {
    pub registries: Vec<RegistrySettings>,
    /// Gateways that are known beside them.
    pub gateways: Vec<Endpoint>,
    /// The name of the own island; empty where nobody said it.
    pub island: Arc<str>,
    pub rules: Heeding,
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
pub(crate) fn start(followed: Followed) -> std::io::Result<Arc<Listing>> {
    let Followed { registries, gateways, island, rules } = followed;
    let is_heeded = rules == Heeding::Obeyed && !registries.is_empty();
    let views = registries.iter().map(|_| Arc::new(View::unread())).collect();
    let listing = Listing::new(gateways, views, island, (!is_heeded).then(Arc::default));
    if registries.is_empty() {
        return Ok(listing);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (told, interfaces) = (Arc::downgrade(&listing), listing.interfaces());
    thread::Builder::new().name("highway-registry".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let mut opened = Vec::new();
            for (at, settings) in registries.into_iter().enumerate() {
                let (registry, driver) = zk_bridge::open_only(settings, interfaces.clone());
                tokio::spawn(driver.run());
                tokio::spawn(show(registry.clone(), at, told.clone()));
                opened.push(registry);
            }
            if is_heeded {
                tokio::spawn(heed::follow(opened, told.clone()));
            }
            while let Some(listing) = told.upgrade() {
                listing.look(Instant::now());
                drop(listing);
                tokio::time::sleep(LOOK).await;
            }
        });
    })?;
    Ok(listing)
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
