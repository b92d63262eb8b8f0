//! A provider's place in registries: its services stand there while it runs, at both levels, and go before it drains.
//!
//! ```text
//!  start ─▶ publish ─▶ driver of each registry, on a thread of its own, heals it ─▶ drain: withdraw ─▶ others do not see it any more
//! ```
//!
//! It never waits for a registry that is away, and reads nothing of one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use client::Token;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use zk_bridge::{Desired, Level, Parameters, Registry, RegistryFailure, RegistrySettings, ServiceKey};

use super::Offer;
use super::token::TOKEN;
use crate::epoch::epoch;

/// Registries in which a provider stands. Dropping it ends their sessions.
pub(super) struct Registered {
    registries: Vec<Arc<dyn Registry>>,
    runtime: Handle,
    /// The interfaces that are read there: none, for as long as this is here.
    _reads: watch::Sender<BTreeSet<String>>,
}

impl Registered {
    /// Has these services stand in each registry. `host` is how consumers reach this machine.
    pub(super) fn start(
        registries: Vec<RegistrySettings>,
        application: &str,
        host: &str,
        offers: &[Offer],
        token: Option<&Token>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (reads, nothing) = watch::channel(BTreeSet::new());
        let plain: Vec<_> = offers.iter().map(|offer| plain(offer, application, host, token)).collect();
        let opened = registries.into_iter().map(|settings| zk_bridge::open_only(settings, nothing.clone()));
        let (registries, drivers): (Vec<_>, Vec<_>) = opened.unzip();
        for registry in &registries {
            registry.publish(Desired { epoch: epoch(), plain: plain.clone(), ..Desired::default() });
        }
        let handle = runtime.handle().clone();
        thread::Builder::new().name("highway-registry".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let mut running = JoinSet::new();
                drivers.into_iter().for_each(|driver| drop(running.spawn(driver.run())));
                while running.join_next().await.is_some() {}
            });
        })?;
        Ok(Self { registries, runtime: handle, _reads: reads })
    }

    /// Waits until it stands in all of them.
    pub(super) async fn settled(&self) -> Result<(), RegistryFailure> {
        self.each(|registry| async move { registry.settled().await }).await
    }

    /// Takes it out of all of them, and waits for that at most so long.
    pub(super) async fn withdraw(&self, within: Duration) {
        let withdrawn = self.each(move |registry| async move {
            let over = RegistryFailure::Stopped(registry.name().to_owned());
            tokio::time::timeout(within, registry.withdraw()).await.unwrap_or(Err(over))
        });
        if let Err(error) = withdrawn.await {
            tracing::warn!(%error, "a registry may show a provider that has ended, until its session expires");
        }
    }

    /// Does it with all at once, on the registries' own runtime: the caller's may have no clock.
    async fn each<F, Fut>(&self, work: F) -> Result<(), RegistryFailure>
    where
        F: Fn(Arc<dyn Registry>) -> Fut,
        Fut: Future<Output = Result<(), RegistryFailure>> + Send + 'static,
    {
        let begun: Vec<_> =
            self.registries.iter().map(|registry| (registry, self.runtime.spawn(work(registry.clone())))).collect();
        let mut failed = Ok(());
        for (registry, done) in begun {
            let done = done.await.unwrap_or_else(|_| Err(RegistryFailure::Stopped(registry.name().to_owned())));
            failed = failed.and(done);
        }
        failed
    }
}

fn plain(offer: &Offer, application: &str, host: &str, token: Option<&Token>) -> zk_bridge::Provider {
    let says = [
        ("methods", offer.methods.join(",")),
        // What is read, as 3.3 says it: consumers call in the first that they have.
        ("prefer.serialization", "hessian2,fastjson2".to_owned()),
    ];
    let token = token.map(|token| (TOKEN, token.reveal().to_owned()));
    zk_bridge::Provider {
        key: ServiceKey::new(&offer.interface, offer.group.as_deref(), offer.version.as_deref()),
        host: host.to_owned(),
        port: offer.address.port(),
        path: String::new(),
        level: Level::Both,
        application: Some(application.to_owned()),
        parameters: Parameters(says.into_iter().chain(token).map(|(key, value)| (key.to_owned(), value)).collect()),
        highway: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_what_is_read_hessian2_first() {
        let address = "10.0.0.1:20880".parse().unwrap();
        let (interface, methods) = ("com.acme.Greeter".to_owned(), vec!["greet".to_owned()]);
        let offer = Offer { interface, group: None, version: None, methods, address };
        assert_eq!(plain(&offer, "shop", "10.0.0.1", None).serializations(), ["hessian2", "fastjson2"]);
    }
}
