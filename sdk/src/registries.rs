//! The thread of the registries: one driver each keeps a session and a view, and every change of a view is listed.
//!
//! There is none where no registry is configured. It ends when nobody refers to the listing any more.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use client::Endpoint;
use zk_bridge::{RegistrySettings, View};

use crate::listing::Listing;

/// How often it is looked whether anybody is left.
const LOOK: Duration = Duration::from_millis(500);

/// Follows these registries, beside gateways that are known.
///
/// # Errors
/// The system gives no thread or event queue.
pub(crate) fn start(registries: Vec<RegistrySettings>, gateways: Vec<Endpoint>) -> std::io::Result<Arc<Listing>> {
    let listing = Listing::new(gateways, registries.iter().map(|_| Arc::new(View::unread())).collect());
    if registries.is_empty() {
        return Ok(listing);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (told, interfaces) = (Arc::downgrade(&listing), listing.interfaces());
    thread::Builder::new().name("highway-registry".to_owned()).spawn(move || {
        runtime.block_on(async move {
            for (at, settings) in registries.into_iter().enumerate() {
                let (registry, driver) = zk_bridge::open_only(settings, interfaces.clone());
                tokio::spawn(driver.run());
                let told = told.clone();
                tokio::spawn(async move {
                    let mut views = registry.view();
                    while views.changed().await.is_ok() {
                        let view = views.borrow_and_update().clone();
                        let Some(listing) = told.upgrade() else { return };
                        listing.shows(at, view);
                    }
                });
            }
            while told.strong_count() > 0 {
                tokio::time::sleep(LOOK).await;
            }
        });
    })?;
    Ok(listing)
}
