//! What a process has once: its name, its registries, its connections. Services are referred to from here.
//!
//! ```text
//!   Highway ── Listing ◀── views ── thread "highway-registry": one driver a registry
//!      │           └─ Directory ─▶┐
//!      └── Inbox ── calls ───────▶ Desk, on shard "highway-sdk": all connections
//! ```
//!
//! It never waits for a registry: calls do, as long as their time allows. All threads end with the last handle.

use std::fmt;
use std::sync::Arc;

use client::ProviderStatus;
use tokio::sync::oneshot;
use zk_bridge::ServiceKey;

use crate::builder::{BuildError, Builder};
use crate::error::CallErrorKind;
use crate::inbox::Inbox;
use crate::job::Work;
use crate::listing::Listing;
use crate::options::CallOptions;
use crate::registries::Ending;
use crate::reply::Attachments;
use crate::service::ServiceBuilder;

/// A process's way to Dubbo services. Clones are one reference count.
#[derive(Debug, Clone)]
pub struct Highway(Arc<Shared>);

/// What all references of a process share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub application: String,
    pub inbox: Arc<Inbox>,
    pub listing: Arc<Listing>,
    pub registries: Ending,
    pub options: CallOptions,
    pub outgoing: Option<Outgoing>,
    pub payload_len: usize,
}

/// What is done to the attachments of each call.
#[derive(Clone)]
pub(crate) struct Outgoing(Arc<dyn Fn(&mut Attachments) + Send + Sync>);

impl Outgoing {
    pub fn new(does: impl Fn(&mut Attachments) + Send + Sync + 'static) -> Self {
        Self(Arc::new(does))
    }

    pub fn add(&self, attachments: &mut Attachments) {
        (self.0)(attachments);
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Outgoing")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

impl Highway {
    /// A process of this name with this registry (`zk1:2181,zk2:2181`), and every default: [`Highway::builder`] is for who has more to say.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new(application: &str, registry: &str) -> Result<Self, BuildError> {
        Self::builder().application(application).registry(registry).build()
    }

    /// Begins with every default.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn of(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// A service, by its Java interface.
    pub fn service(&self, interface: &str) -> ServiceBuilder {
        ServiceBuilder::new(self.0.clone(), ServiceKey::new(interface, None, None))
    }

    /// How each provider and gateway stands that this process calls, or would: for pages of health and figures. One that nobody was
    /// called at yet is not connected.
    ///
    /// # Errors
    /// [`CallErrorKind::Busy`] where more calls come than are sent, [`CallErrorKind::Ended`] where the threads have ended.
    pub async fn providers(&self) -> Result<Vec<ProviderStatus>, CallErrorKind> {
        let (question, answer) = oneshot::channel();
        self.0.inbox.put(Work::Standing(question))?;
        answer.await.map_err(|_| CallErrorKind::Ended)
    }

    /// Ends it, for all clones and clients: calls in hand and later ones fail as [`CallErrorKind::Ended`], and the registries show no
    /// reference of this process any more when this returns, which is at most some seconds later. Where the last of them is dropped the
    /// same happens behind it; where the process ends at once, its references stay until its sessions expire.
    pub async fn close(self) {
        self.0.inbox.close();
        self.0.registries.withdrawn().await;
    }
}
