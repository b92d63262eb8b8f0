//! How a process gets its [`Highway`]: what can be said, what is wrong with it, and the threads that are started.
//!
//! It waits for no registry and no provider, and reads no file but those that it was given.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::{Endpoint, PoolConfig};
use thiserror::Error;
use wire::dubbo::frame::{BEYOND_REASON_LEN, HEADER_LEN};
use zk_bridge::{RegistryConfig, RegistrySettings};

use crate::desk::{self, Limits};
use crate::highway::{Highway, Outgoing, Shared};
use crate::inbox::Inbox;
use crate::options::CallOptions;
use crate::references::Caller;
use crate::registries::{self, Followed, Heeding};
use crate::reply::Attachments;
use crate::target::{NotATarget, Target};
use crate::tls::Tls;

/// The variable that names the target of calls of which nothing nearer says one.
pub const TARGET_VARIABLE: &str = "HIGHWAY_TARGET";

/// Dubbo's own limit of a body. Source: `Constants.DEFAULT_PAYLOAD` of apache/dubbo.
const DEFAULT_PAYLOAD_LEN: usize = 8 * 1024 * 1024;
/// Calls in hand at most.
const DEFAULT_CALLS: usize = 1 << 16;
/// A longer body ends its connection.
const PAYLOAD_LEN_MAX: usize = BEYOND_REASON_LEN - HEADER_LEN;
/// As many calls are told apart on one shard. Source: `shard::Slots`.
const CALLS_MAX: usize = 1 << 24;
/// Between these lie a heartbeat and an attempt to connect.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes that are held at most: answers that are long, calls that wait.
const DEFAULT_HELD_LEN: usize = 256 * 1024 * 1024;

/// Makes a [`Highway`].
#[derive(Debug, Clone)]
pub struct Builder {
    application: String,
    registries: Vec<RegistryConfig>,
    gateways: Vec<String>,
    island: String,
    rules: Heeding,
    options: CallOptions,
    outgoing: Option<Outgoing>,
    payload_len: usize,
    calls: usize,
    held_len: usize,
    heartbeat: Duration,
    connect_timeout: Duration,
    tls: Option<Tls>,
    nodes: Nodes,
    host: Option<String>,
}

/// Whether registries show what this process calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nodes {
    Shown,
    Hidden,
}

/// Why there is no [`Highway`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A setting is wrong.
    #[error("{key}: {what}")]
    Setting {
        /// Which.
        key: String,
        /// What was found and what was wanted.
        what: String,
    },
    /// A thread or an event queue cannot be made.
    #[error("the threads of the client cannot be started: {0}")]
    System(#[from] std::io::Error),
    /// The variable [`TARGET_VARIABLE`] names no target.
    #[error("{TARGET_VARIABLE}: {0}")]
    Target(NotATarget),
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            application: String::new(),
            registries: Vec::new(),
            gateways: Vec::new(),
            island: String::new(),
            rules: Heeding::Obeyed,
            options: CallOptions::default(),
            outgoing: None,
            payload_len: DEFAULT_PAYLOAD_LEN,
            calls: DEFAULT_CALLS,
            held_len: DEFAULT_HELD_LEN,
            heartbeat: PoolConfig::default().heartbeat,
            connect_timeout: PoolConfig::default().connect_timeout,
            tls: None,
            nodes: Nodes::Shown,
            host: None,
        }
    }

    /// What providers, rules and audits know this process by. Required.
    #[must_use]
    pub fn application(mut self, name: &str) -> Self {
        name.clone_into(&mut self.application);
        self
    }

    /// A registry by the addresses of its servers: `zk1:2181,zk2:2181/chroot`, with `zookeeper://` in front or not. Several are normal.
    #[must_use]
    pub fn registry(self, address: &str) -> Self {
        let address = address.strip_prefix("zookeeper://").unwrap_or(address);
        self.registry_with(RegistryConfig { address: Some(address.to_owned()), ..RegistryConfig::default() })
    }

    /// A registry with all that can be said of one: group, login, config center.
    #[must_use]
    pub fn registry_with(mut self, registry: RegistryConfig) -> Self {
        self.registries.push(registry);
        self
    }

    /// An egress gateway by its address, beside those that stand in the registries; without any registry all calls go to these. It is
    /// called with TLS where `?ssl-enabled=true` stands behind the address.
    #[must_use]
    pub fn gateway(mut self, address: &str) -> Self {
        self.gateways.push(address.to_owned());
        self
    }

    /// The name of the own island. With it, a rule or an emergency switch that names this island means its providers, as it does at the
    /// gateways. Without it, only one that names `local` does: a rule that names this island leads to its providers through a gateway.
    #[must_use]
    pub fn island(mut self, name: &str) -> Self {
        name.clone_into(&mut self.island);
        self
    }

    /// Obeys no rules and no emergency switches by itself: only gateways do, for the calls that come to them. By default those in the
    /// config centers of the registries are followed, and the first calls wait for them, at most for a second once the registry is read.
    #[must_use]
    pub fn without_rules(mut self) -> Self {
        self.rules = Heeding::Ignored;
        self
    }

    /// Has registries show nothing of what this process calls. By default each service that is looked up has a node there, as with Java's
    /// consumers, by which operators see who uses it; it needs the right to write there, and without that calls go all the same.
    #[must_use]
    pub fn without_consumer_nodes(mut self) -> Self {
        self.nodes = Nodes::Hidden;
        self
    }

    /// Is known in registries by this name or address of its machine; without a word it is the address that reaches the registry.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// How long callers wait where nothing nearer is said: the same as in [`Builder::options`], whatever else these say.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// What holds of every call of which nothing nearer is said, in place of what was said before.
    #[must_use]
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Is handed the attachments of each call last, and may add, change or take away. The span of the call is the current one then, so
    /// this is where a process puts its own trace context in; with `tracing-opentelemetry`:
    ///
    /// ```text
    /// Highway::builder().outgoing(|attachments| {
    ///     let context = tracing::Span::current().context();
    ///     let mut headers = HashMap::new();
    ///     opentelemetry::global::get_text_map_propagator(|w3c| w3c.inject_context(&context, &mut headers));
    ///     attachments.extend(headers); // traceparent, tracestate
    /// })
    /// ```
    ///
    /// It runs in the thread of the caller and must not block.
    #[must_use]
    pub fn outgoing(mut self, does: impl Fn(&mut Attachments) + Send + Sync + 'static) -> Self {
        self.outgoing = Some(Outgoing::new(does));
        self
    }

    /// The longest body of a request or answer in bytes, 8 MiB by default as with Dubbo.
    #[must_use]
    pub fn payload(mut self, len: usize) -> Self {
        self.payload_len = len;
        self
    }

    /// Calls in hand at most, 65 536 by default; one more fails at once.
    #[must_use]
    pub fn calls(mut self, most: usize) -> Self {
        self.calls = most;
        self
    }

    /// Bytes that are held at most for answers that are still to come whole and calls that wait for a connection; 256 MiB by default.
    #[must_use]
    pub fn held(mut self, len: usize) -> Self {
        self.held_len = len;
        self
    }

    /// After so much silence a provider is sent a heartbeat, after three times as much its connection ends; a minute by default as with Dubbo.
    #[must_use]
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = every;
        self
    }

    /// How long a connection may take to come about, 3 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, most: Duration) -> Self {
        self.connect_timeout = most;
        self
    }

    /// How providers with TLS are known, and what they are shown. Those whose URL says `ssl-enabled=true` are called with TLS and not
    /// otherwise, so none of them is called without this word.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Nothing could be called with these.
    fn check_limits(&self) -> Result<(), BuildError> {
        let wrong = |key: &str, found: &dyn Debug, wanted: &dyn Debug| {
            Err(setting(key, &format!("found {found:?}, wanted {wanted:?}")))
        };
        for (key, found, most) in [("payload", self.payload_len, PAYLOAD_LEN_MAX), ("calls", self.calls, CALLS_MAX)] {
            if !(1..=most).contains(&found) {
                return wrong(key, &found, &(1..=most));
            }
        }
        for (key, found) in [("heartbeat", self.heartbeat), ("connect_timeout", self.connect_timeout)] {
            if !(SHORTEST..=LONGEST).contains(&found) {
                return wrong(key, &found, &(SHORTEST..=LONGEST));
            }
        }
        Ok(())
    }

    /// Starts the threads. It waits for no registry and no provider.
    ///
    /// # Errors
    /// [`BuildError`]: a setting is wrong, or the system gives no thread.
    pub fn build(self) -> Result<Highway, BuildError> {
        if self.application.is_empty() {
            return Err(setting(
                "application",
                "found nothing, wanted the name that providers and rules know this process by",
            ));
        }
        self.check_limits()?;
        let registries = settled(&self.registries)?;
        let gateways = self.gateways.iter().map(|address| endpoint("gateway", address)).collect::<Result<_, _>>()?;
        if !self.island.is_empty() && !route::is_island_id(&self.island) {
            let what = format!("found {:?}, wanted an island's id (1 to 32 of a-z, 0-9 and -)", self.island);
            return Err(setting("island", &what));
        }
        let tls = self.tls.as_ref().map(Tls::with).unwrap_or_default();
        let trusted = self.tls.map(Tls::trusted).transpose().map_err(|error| setting("tls", &error.to_string()))?;
        let mut options = self.options;
        if options.target.is_none()
            && let Ok(name) = std::env::var(TARGET_VARIABLE)
        {
            Target::new(&name).map_err(BuildError::Target)?;
            options = options.target(&name);
        }
        let pool = PoolConfig {
            pending_limit: self.calls,
            heartbeat: self.heartbeat,
            connect_timeout: self.connect_timeout,
            frame_limit_len: self.payload_len + HEADER_LEN,
            ..PoolConfig::default()
        };
        let inbox = Arc::new(Inbox::new(self.calls));
        let island = self.island.into();
        let caller = Caller { application: self.application.clone(), host: self.host };
        let caller = (self.nodes == Nodes::Shown).then_some(caller);
        let followed = Followed { registries, gateways, island, rules: self.rules, tls, caller };
        let (listing, registries) = registries::start(followed)?;
        let limits = Limits { pool, trusted, held_len: self.held_len };
        let (jobs, directory) = (inbox.clone(), listing.directory());
        shard::spawn(1, "highway-sdk", move |shard| desk::run(shard, jobs.clone(), directory.clone(), limits.clone()))?;
        #[cfg(feature = "metrics")]
        crate::figures::describe();
        let Self { application, outgoing, payload_len, .. } = self;
        Ok(Highway::of(Shared { application, inbox, listing, registries, options, outgoing, payload_len }))
    }
}

/// Each with its servers, as they were typed.
fn settled(registries: &[RegistryConfig]) -> Result<Vec<(RegistrySettings, String)>, BuildError> {
    let (settled, mistakes) = zk_bridge::settle_all(registries, Path::new("."));
    let servers = registries.iter().map(|registry| registry.address.clone().unwrap_or_default());
    match mistakes.into_iter().next() {
        None => Ok(settled.into_iter().zip(servers).collect()),
        Some((_, mistake)) => Err(setting(&format!("registry {}", mistake.key), &mistake.what)),
    }
}

/// What stands behind an address where TLS is spoken, as in Dubbo's URLs.
const WITH_TLS: &str = "?ssl-enabled=true";

/// `host:port`, `[::1]:port`, with `dubbo://` in front or not, and with [`WITH_TLS`] behind or not.
pub(crate) fn endpoint(key: &str, address: &str) -> Result<Endpoint, BuildError> {
    let wrong = || setting(key, &format!("found {address:?}, wanted `host:port` or `host:port{WITH_TLS}`"));
    let plain = address.strip_prefix("dubbo://").unwrap_or(address);
    let (plain, is_secured) = plain.strip_suffix(WITH_TLS).map_or((plain, false), |plain| (plain, true));
    let (host, port) = plain.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if host.is_empty() || (bare.is_none() && host.contains([':', '/', ' '])) {
        return Err(wrong());
    }
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
    let endpoint = Endpoint::new(bare.unwrap_or(host), port);
    Ok(if is_secured { endpoint.with_tls() } else { endpoint })
}

pub(crate) fn setting(key: &str, what: &str) -> BuildError {
    BuildError::Setting { key: key.to_owned(), what: what.to_owned() }
}
