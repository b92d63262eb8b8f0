//! What the gateways see of any registry: a view in, a desired state out, a status for the operator.
//!
//! Nothing here knows ZooKeeper; Nacos can meet the same trait.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::center::Documents;
use crate::view::{Consumer, Provider, ServiceKey, View};

/// Work that a caller awaits, from a trait that stays object safe.
pub type Work<'a> = Pin<Box<dyn Future<Output = Result<(), RegistryFailure>> + Send + 'a>>;

/// A registry of Dubbo services.
///
/// Handles are cheap and shared; the work is done by the registry's driver. Every method may be called at any time,
/// connected or not.
pub trait Registry: Send + Sync + 'static {
    /// How logs and the status page call it.
    fn name(&self) -> &str;

    /// The last good state, at once and whenever it changes. It starts as [`View::unread`], and is never emptied because
    /// the servers are away: then [`View::is_connected`] turns false and the lists stay.
    fn view(&self) -> watch::Receiver<Arc<View>>;

    /// The last good rule documents of the registry's config center, at once and whenever they change. They are followed from
    /// the first call on: who obeys no rules needs no rights for them. As with the view, nothing is emptied because the servers
    /// are away, or because they lost their tree.
    fn documents(&self) -> watch::Receiver<Arc<Documents>>;

    /// Sets the state that shall be in the registry, as a whole. It replaces what was said before, is written as soon as
    /// there is a session, and healed for ever. Saying the same again costs nothing.
    fn publish(&self, desired: Desired);

    /// Waits until what was said last is there.
    ///
    /// # Errors
    /// [`RegistryFailure`]; the state is kept in mind and carried out as soon as that is possible.
    fn settled(&self) -> Work<'_>;

    /// Takes everything out that lives as long as the process (providers and consumers), for draining, and waits until others can see
    /// that. What is persistent (mapping, metadata) stays for the next start. Until the next [`Registry::publish`] nothing is written
    /// again.
    ///
    /// # Errors
    /// [`RegistryFailure`]; the state is kept in mind and carried out as soon as that is possible.
    fn withdraw(&self) -> Work<'_>;

    /// Takes those virtual providers out that do not stay, as [`Registry::withdraw`] does, and keeps the others.
    ///
    /// # Errors
    /// [`RegistryFailure`].
    fn keep_only(&self, stays: &dyn Fn(&VirtualProvider) -> bool) -> Work<'_>;

    /// [`Registry::withdraw`], and then all that is persistent and the gateway's goes too. What is persistent of plain providers
    /// belongs to their application, not to one process of it, and stays.
    ///
    /// # Errors
    /// [`RegistryFailure`].
    fn leave(&self) -> Work<'_>;

    /// How it goes, for people.
    fn status(&self) -> Status;
}

/// Why a registry did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryFailure {
    /// It could not be done within the time given; it is done as soon as that is possible.
    #[error("registry {registry} has not done it after {waited:?}: {why}")]
    NotYet {
        /// Which registry.
        registry: String,
        /// How long was waited.
        waited: Duration,
        /// What is known of the reason.
        why: String,
    },
    /// The driver has ended.
    #[error("registry {0} has been stopped")]
    Stopped(String),
    /// Something else was wanted before this was done.
    #[error("registry {0} was told something else meanwhile")]
    Superseded(String),
}

/// What shall be in the registry on behalf of one process: of a gateway, or of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// The gateway's id: the mark of its virtual providers. Empty where there are none.
    pub gateway: String,
    /// The start of this process in milliseconds since 1970; grows from start to start, and no two registries that are open in one process
    /// have the same.
    pub epoch: u64,
    /// Every virtual provider, in any order. They want a registry that is read as a whole.
    pub providers: Vec<VirtualProvider>,
    /// Where the gateway takes calls, whatever it offers: what [`crate::View::gateways`] of others shows where there is no virtual provider.
    pub stands: Vec<Stand>,
    /// What the process serves itself, in any order: registered as Java does, without a mark, at the level that each says. The application has
    /// to be said; `methods` is a parameter; what the parameters do not say is as usual (hessian2). Those of one application and
    /// address are one instance.
    pub plain: Vec<Provider>,
    /// The process's references, in any order; their parameters as they are said, such as `timeout` and `highway.<island>`.
    pub consumers: Vec<Consumer>,
}

/// A port of a gateway, for programs that look for gateways and not for a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stand {
    /// The island that the port is for, or [`crate::ANY_ISLAND`].
    pub island: String,
    /// The gateway's address as consumers reach it.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A service that a gateway offers on behalf of providers elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VirtualProvider {
    /// What consumers ask for.
    pub key: ServiceKey,
    /// Where the real providers are; part of the application's name at instance level.
    pub island: String,
    /// The gateway's address as consumers reach it.
    pub host: String,
    /// The gateway's port. A separately addressed island has one of its own.
    pub port: u16,
    /// `dubbo.tag`; only consumers that ask for the tag see the provider then.
    pub tag: Option<String>,
    /// The real providers' methods; 2.6 consumers need them beside a local provider.
    pub methods: Vec<String>,
    /// The real providers' timeout, where they say one.
    pub timeout: Option<Duration>,
    /// The same by method.
    pub method_timeouts: BTreeMap<String, Duration>,
    /// The real providers' retries, where they say them.
    pub retries: Option<u32>,
    /// The same by method.
    pub method_retries: BTreeMap<String, u32>,
    /// Serializations that all real providers accept, the preferred first; none means hessian2.
    pub serializations: Vec<String>,
}

/// At which level a provider is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// A node under the interface's `providers`: every release, and 3.x by default.
    Interface,
    /// An instance of an application, with its services in the metadata: 3.x and dubbo-go 3.1 and later.
    Instance,
    /// Both; it counts once.
    Both,
}

/// How a registry goes, for the status page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Which registry.
    pub name: String,
    /// Whether there is a session and the server answers.
    pub connected: bool,
    /// The session, `0x…`, once there was one.
    pub session: Option<String>,
    /// The server's version, once it is known.
    pub server_version: Option<String>,
    /// When the view last changed.
    pub last_change: Option<SystemTime>,
    /// Providers in the view, without our own.
    pub providers: usize,
    /// Consumers in the view.
    pub consumers: usize,
    /// Providers and references of ours that shall be there.
    pub desired: usize,
    /// Those that are there at interface level.
    pub published: usize,
    /// Those that are there at instance level.
    pub published_as_instance: usize,
    /// Rule documents that are held, where somebody asked for them.
    pub documents: usize,
    /// What is wrong, a sentence each; empty when all is well.
    pub problems: Vec<String>,
}
