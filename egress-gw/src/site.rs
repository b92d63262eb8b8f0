//! One registry of the island, as the control loop holds it: its handle, its view and rule documents, whether it was ever read.
//!
//! Never writes; what stands in a registry is decided by `publish` and written by `zk-bridge`.

use std::sync::Arc;
use std::task::Poll;

use chassis::Process;
use chassis::admin::Condition;
use tokio::sync::watch;
use zk_bridge::Registry;

use crate::demand::Demand;
use crate::knowledge::{Consumers, Heeded};

/// A registry of this island.
pub struct Site {
    pub registry: Arc<dyn Registry>,
    pub view: watch::Receiver<Arc<zk_bridge::View>>,
    /// The rule documents of its config center.
    pub documents: watch::Receiver<Arc<zk_bridge::Documents>>,
    pub ready: Condition,
    /// What was last taken to be there: [`Site::keep`].
    kept: Arc<zk_bridge::View>,
    /// Whether everything in it has been read once; before that its local providers are unknown.
    pub read_once: bool,
    /// What its consumers want, where that is asked.
    pub demand: Demand,
}

impl Site {
    /// A registry whose readiness belongs to `process`.
    pub fn new(registry: Arc<dyn Registry>, process: &Process) -> Self {
        let ready = process.ready.condition(format!("registry {}", registry.name()));
        ready.unmet("it was not read yet");
        let (view, documents) = (registry.view(), registry.documents());
        let (kept, demand) = (Arc::default(), Demand::default());
        Self { registry, view, documents, ready, kept, read_once: false, demand }
    }

    /// Opens a registry; its driver belongs to `process`.
    pub fn open(settings: &zk_bridge::RegistrySettings, process: &Process) -> Self {
        let (registry, driver) = zk_bridge::open(settings.clone());
        let drive = async move {
            driver.run().await;
            Ok(())
        };
        process.tasks.spawn(format!("registry {}", settings.name()), drive).keep();
        Self::new(registry, process)
    }

    /// What is taken to be there now: what was listed stays for as long as it was not read to the end.
    pub fn keep(&mut self) -> Arc<zk_bridge::View> {
        // Once it was read calls go on with that, connected or not; only changes wait.
        if self.view.borrow().is_complete() && !self.read_once {
            self.read_once = true;
            self.ready.met();
        }
        self.kept = self.view.borrow().after(&self.kept);
        self.kept.clone()
    }

    /// Resolves when its view or its documents have changed.
    async fn changed(&mut self) {
        // A driver that has ended is reported by its own task.
        tokio::select! {
            Ok(()) = self.view.changed() => {}
            Ok(()) = self.documents.changed() => {}
            else => std::future::pending().await,
        }
    }
}

/// Resolves when any registry's view or rule documents have changed; never where there is no registry.
pub async fn any_change(sites: &mut [Site]) {
    let mut changes: Vec<_> = sites.iter_mut().map(|site| Box::pin(site.changed())).collect();
    std::future::poll_fn(|cx| {
        for change in &mut changes {
            if change.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })
    .await;
}

/// Every reference of every registry's consumers.
pub fn consumers(sites: &[Site], heeded: &Heeded<'_>) -> Consumers {
    let mut consumers = Consumers::default();
    for site in sites {
        site.view.borrow().consumers().iter().for_each(|node| consumers.add_node(node, heeded));
    }
    consumers
}
