//! A provider that runs: how it is made, where it listens, how it ends.
//!
//! ```text
//!  Builder ─ start ─▶ Provider ─┬─ drain: readonly to all, wait for the calls in hand, close
//!                               └─ drop: close
//! ```
//!
//! It never runs a call itself.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shard::Shards;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::core::{Limits, Place};
use super::lookup::Services;
use super::shard_thread::{self, Makings, Order};
use super::{Offer, Service};

/// Dubbo's default `payload`.
const PAYLOAD_LEN: usize = 8 * 1024 * 1024;
/// Five times the threads of a Java provider: a task costs less than a thread.
const CALLS: usize = 1000;
const HELD_LEN: usize = 256 * 1024 * 1024;
const CONNECTIONS: usize = 10_000;

/// A provider that is not started yet.
#[must_use]
pub struct Builder {
    application: String,
    listen: Option<Result<TcpListener, (String, io::Error)>>,
    services: Vec<Service>,
    place: Option<Place>,
    limits: Limits,
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
    /// The name of the application.
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

    /// At most so many calls in hand, 1000 without a word; what is over that is refused at once.
    pub fn calls(mut self, calls: usize) -> Self {
        self.limits.calls = calls;
        self
    }

    /// Bytes of a request's and of an answer's body at most: Dubbo's `payload`, 8 MiB without a word.
    pub fn payload(mut self, len: usize) -> Self {
        self.limits.payload_len = len;
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

    /// Starts it: consumers can call when this returns.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<Provider, StartError> {
        let listener = self.listen.ok_or(StartError::NoAddress)?;
        let listener = listener.map_err(|(address, error)| StartError::Listen { address, error })?;
        let address = listener.local_addr()?;
        check(&self.services)?;
        let offers = self.services.iter().map(|service| Offer::of(service, address)).collect();
        let place = match self.place {
            Some(place) => place,
            None => Place::Runtime(Handle::try_current().map_err(|_| StartError::NoRuntime)?),
        };
        let (orders_in, orders) = mpsc::channel(1);
        let (ready_in, ready) = oneshot::channel();
        let services = Services::new(self.services);
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
        Ok(Provider { address, offers, orders: orders_in, shards })
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

/// A running provider. Dropping it closes its connections; calls in hand are given up.
pub struct Provider {
    address: SocketAddr,
    offers: Vec<Offer>,
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
        Builder { application: String::new(), listen: None, services: Vec::new(), place: None, limits }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves, as a registry would be told.
    #[must_use]
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Ends it without harm: consumers are told that no new calls are welcome (Dubbo's `R`), what they still send is answered, and
    /// when no call is in hand and none has come for a second, or after `within` in any case, the connections are closed. Take it out of
    /// registries before. dubbo-go does not heed the word and calls until the connection closes.
    pub async fn drain(mut self, within: Duration) -> Drained {
        let (cut_in, cut) = oneshot::channel();
        let _ = self.orders.send(Order::Drain(within, cut_in)).await;
        let cut_off = cut.await.unwrap_or_default();
        self.shards.ended().await;
        Drained { cut_off }
    }
}
