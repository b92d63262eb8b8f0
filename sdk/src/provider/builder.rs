//! A provider that runs: how it is made, where it listens, how it ends.
//!
//! ```text
//!  Builder ─ start ─▶ Provider ─┬─ drain: readonly to all, wait for the calls in hand, close
//!                               └─ drop: close
//!  a drain begins in the registries, so that nobody finds it any more
//! ```
//!
//! It never runs a call itself.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use client::Token;
use shard::Shards;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use zk_bridge::{RegistryConfig, RegistryFailure, RegistrySettings};

use super::core::{Limits, Place};
use super::lookup::Services;
use super::registered::Registered;
use super::shard_thread::{self, Makings, Order};
use super::{Offer, Service, token};

/// Dubbo's default `payload`.
const PAYLOAD_LEN: usize = 8 * 1024 * 1024;
/// Five times the threads of a Java provider: a task costs less than a thread.
const CALLS: usize = 1000;
/// As many as a shard can tell apart.
const CALLS_MAX: usize = 1 << 24;
const HELD_LEN: usize = 256 * 1024 * 1024;
const CONNECTIONS: usize = 10_000;
/// What a drain gives to registries that are away.
const WITHDRAWING: Duration = Duration::from_secs(5);

/// A provider that is not started yet.
#[must_use]
pub struct Builder {
    application: String,
    listen: Option<Result<TcpListener, (String, io::Error)>>,
    services: Vec<Service>,
    registries: Vec<RegistryConfig>,
    host: Option<String>,
    place: Option<Place>,
    limits: Limits,
    token: Option<Token>,
}

/// Why a provider cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Nothing says where to listen.
    #[error("found no address to listen at, wanted one: call `listen` before `start`")]
    NoAddress,
    /// The address cannot be had.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// The address as it was given.
        address: String,
        /// The system's reason.
        error: io::Error,
    },
    /// A service is wrong.
    #[error("the service {service}: {mistake}")]
    Service {
        /// Which.
        service: String,
        /// What was found and what was wanted.
        mistake: String,
    },
    /// A registry's setting is wrong.
    #[error("registry {key}: {what}")]
    Registry {
        /// Which setting.
        key: String,
        /// What was found and what was wanted.
        what: String,
    },
    /// A registry shows applications, and this one has no name.
    #[error("found a registry and no name of the application, wanted both: call `application`")]
    NoApplication,
    /// A registry shows addresses, and this one is none that consumers could dial.
    #[error("found the address {address} and a registry, wanted an address that consumers reach: call `host`")]
    NoHost {
        /// Where it listens.
        address: SocketAddr,
    },
    /// There is no runtime here.
    #[error(
        "found no tokio runtime here for the handlers, wanted one: start the provider inside of one, or give it by `runtime`"
    )]
    NoRuntime,
    /// The system refuses a thread or an event queue.
    #[error("the provider's thread cannot start: {0}")]
    Thread(#[from] io::Error),
}

impl Builder {
    /// The name of the application, which registries want.
    pub fn application(mut self, name: &str) -> Self {
        name.clone_into(&mut self.application);
        self
    }

    /// Listens here: `"0.0.0.0:20880"`; port 0 takes a free one.
    pub fn listen(mut self, address: impl ToSocketAddrs + ToString) -> Self {
        self.listen = Some(TcpListener::bind(&address).map_err(|error| (address.to_string(), error)));
        self
    }

    /// Listens on a socket that was opened elsewhere.
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listen = Some(Ok(listener));
        self
    }

    /// Serves this too.
    pub fn serve(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Stands in the registry of these servers while it runs: `zk1:2181,zk2:2181/chroot`, with `zookeeper://` in front or not. Several are
    /// possible.
    pub fn registry(self, address: &str) -> Self {
        let address = address.strip_prefix("zookeeper://").unwrap_or(address);
        self.registry_with(RegistryConfig { address: Some(address.to_owned()), ..RegistryConfig::default() })
    }

    /// The same with all that can be said of a registry: group, login.
    pub fn registry_with(mut self, registry: RegistryConfig) -> Self {
        self.registries.push(registry);
        self
    }

    /// Is known in registries by this name or address of its machine; without a word it is the one at which it listens.
    pub fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Lets in who shows this and nobody else, as Dubbo's `token` does. Registries tell it to consumers and to the ingress gateway, which put it
    /// into their calls by themselves; where no registry is, callers say it as the attachment `token`. Handlers do not see it.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(Token::new(token));
        self
    }

    /// Runs handlers on this runtime; without a word it is the one in which the provider starts.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.place = Some(Place::Runtime(runtime));
        self
    }

    /// Runs handlers on the provider's own thread, between its sockets: for those that never block and compute little.
    pub fn inline(mut self) -> Self {
        self.place = Some(Place::Shard);
        self
    }

    /// At most so many calls in hand, 1000 without a word and never over 16 million; what is over that is refused at once.
    pub fn calls(mut self, calls: usize) -> Self {
        self.limits.calls = calls.clamp(1, CALLS_MAX);
        self
    }

    /// Bytes of a request's and of an answer's body at most: Dubbo's `payload`, 8 MiB without a word.
    pub fn payload(mut self, len: usize) -> Self {
        self.limits.payload_len = len.min(i32::MAX as usize);
        self
    }

    /// Bytes of requests and answers that are held at most, 256 MiB without a word; what is over that is refused at once.
    pub fn held(mut self, len: usize) -> Self {
        self.limits.held_len = len;
        self
    }

    /// Connections at most, 10 000 without a word; those over it are closed as they come.
    pub fn connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// Starts it: consumers can call when this returns. It waits for no registry.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<Provider, StartError> {
        let listener = self.listen.ok_or(StartError::NoAddress)?;
        let listener = listener.map_err(|(address, error)| StartError::Listen { address, error })?;
        let address = listener.local_addr()?;
        check(&self.services)?;
        let mistake = self.token.as_ref().and_then(token::mistake);
        if let (Some(mistake), Some(service)) = (mistake, self.services.first()) {
            return Err(StartError::Service { service: service.name(), mistake: format!("its token: {mistake}") });
        }
        let offers: Vec<_> = self.services.iter().map(|service| Offer::of(service, address)).collect();
        let registries = settled(&self.registries)?;
        let host = self.host.or_else(|| (!address.ip().is_unspecified()).then(|| address.ip().to_string()));
        let standing = match (registries.is_empty(), host) {
            (true, _) => None,
            (false, _) if self.application.is_empty() => return Err(StartError::NoApplication),
            (false, host) => Some(host.ok_or(StartError::NoHost { address })?),
        };
        let place = match self.place {
            Some(place) => place,
            None => Place::Runtime(Handle::try_current().map_err(|_| StartError::NoRuntime)?),
        };
        let (orders_in, orders) = mpsc::channel(1);
        let (ready_in, ready) = oneshot::channel();
        let services = Services::new(self.services, self.token.clone());
        let makings = Makings { services, place, limits: self.limits, listener, orders, ready: ready_in };
        let makings = Arc::new(Mutex::new(Some(makings)));
        let shards = shard::spawn(1, "highway-sdk-provider", move |shard| {
            let makings = makings.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move {
                if let Some(makings) = makings {
                    shard_thread::run(shard, makings).await;
                }
            }
        })?;
        let ended = || io::Error::other("it ended as it began");
        ready.await.unwrap_or_else(|_| Err(ended()))?;
        tracing::info!(application = self.application, %address, "the provider takes calls");
        let stand =
            |host: String| Registered::start(registries, &self.application, &host, &offers, self.token.as_ref());
        let registered = standing.map(stand).transpose()?;
        Ok(Provider { address, offers, registered, orders: orders_in, shards })
    }
}

fn check(services: &[Service]) -> Result<(), StartError> {
    for (at, service) in services.iter().enumerate() {
        let is_same = |other: &Service| other.name() == service.name();
        let twice = services[..at].iter().any(is_same).then(|| "found it twice, wanted it once".to_owned());
        if let Some(mistake) = service.mistake().or(twice) {
            return Err(StartError::Service { service: service.name(), mistake });
        }
    }
    Ok(())
}

fn settled(registries: &[RegistryConfig]) -> Result<Vec<RegistrySettings>, StartError> {
    let (settled, mistakes) = zk_bridge::settle_all(registries, Path::new("."));
    match mistakes.into_iter().next() {
        None => Ok(settled),
        Some((_, mistake)) => Err(StartError::Registry { key: mistake.key.to_string(), what: mistake.what }),
    }
}

/// A running provider. Dropping it closes its connections; calls in hand are given up.
pub struct Provider {
    address: SocketAddr,
    offers: Vec<Offer>,
    registered: Option<Registered>,
    orders: mpsc::Sender<Order>,
    shards: Shards,
}

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Calls that were not answered in time, and whose consumers lost their connection.
    pub cut_off: usize,
}

impl Provider {
    /// One that is not started yet.
    pub fn builder() -> Builder {
        let limits = Limits { calls: CALLS, payload_len: PAYLOAD_LEN, held_len: HELD_LEN, connections: CONNECTIONS };
        Builder {
            application: String::new(),
            listen: None,
            services: Vec::new(),
            registries: Vec::new(),
            host: None,
            place: None,
            limits,
            token: None,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves, as registries are told.
    #[must_use]
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Waits until it stands in all its registries.
    ///
    /// # Errors
    /// One of them did not do it within some seconds; it is done as soon as that is possible.
    pub async fn registered(&self) -> Result<(), RegistryFailure> {
        match &self.registered {
            Some(registered) => registered.settled().await,
            None => Ok(()),
        }
    }

    /// Ends it without harm: it goes out of its registries, consumers are told that no new calls are welcome (Dubbo's `R`), what they still
    /// send is answered, and when no call is in hand and none has come for a second, or after `within` in any case, the connections are
    /// closed. dubbo-go does not heed the word and calls until the registry or the end of the connection tells it.
    pub async fn drain(mut self, within: Duration) -> Drained {
        let begun = Instant::now();
        if let Some(registered) = self.registered.take() {
            registered.withdraw(WITHDRAWING.min(within / 2)).await;
        }
        let within = within.saturating_sub(begun.elapsed());
        let (cut_in, cut) = oneshot::channel();
        let _ = self.orders.send(Order::Drain(within, cut_in)).await;
        let cut_off = cut.await.unwrap_or_default();
        self.shards.ended().await;
        Drained { cut_off }
    }
}
