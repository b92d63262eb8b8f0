//! A service that is called: its key, and what is said of its calls.
//!
//! While one is held, its providers are looked up and connected.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use zk_bridge::ServiceKey;

use crate::args::Args;
use crate::builder::{BuildError, endpoint, setting};
use crate::call::{Call, told};
use crate::desk::ready::Question;
use crate::error::CallErrorKind;
use crate::highway::Shared;
use crate::job::Work;
use crate::listing::Wanted;
use crate::options::CallOptions;
use crate::request::Reference;

/// Longer is not waited.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A service. Clones are one reference count.
#[derive(Debug, Clone)]
pub struct Service(pub(crate) Arc<Referred>);

#[derive(Debug)]
pub(crate) struct Referred {
    pub shared: Arc<Shared>,
    /// What its calls say.
    pub said: Arc<Reference>,
    pub wanted: Wanted,
    pub options: CallOptions,
    pub methods: BTreeMap<String, CallOptions>,
}

/// Makes a [`Service`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ServiceBuilder {
    shared: Arc<Shared>,
    key: ServiceKey,
    addresses: Vec<String>,
    options: CallOptions,
    methods: BTreeMap<String, CallOptions>,
}

impl ServiceBuilder {
    pub(crate) fn new(shared: Arc<Shared>, key: ServiceKey) -> Self {
        let (addresses, options, methods) = (Vec::new(), CallOptions::default(), BTreeMap::new());
        Self { shared, key, addresses, options, methods }
    }

    /// The group; none by default.
    pub fn group(mut self, group: &str) -> Self {
        self.key = ServiceKey::new(self.key.interface, Some(group), self.key.version.as_deref());
        self
    }

    /// The version; none by default, which is what `0.0.0` means too.
    pub fn version(mut self, version: &str) -> Self {
        self.key = ServiceKey::new(self.key.interface, self.key.group.as_deref(), Some(version));
        self
    }

    /// A provider's address, `host:port`, and `host:port?ssl-enabled=true` where it speaks TLS ([`Builder::tls`](crate::Builder::tls)):
    /// the registries are not asked then. Several share the calls.
    pub fn address(mut self, address: &str) -> Self {
        self.addresses.push(address.to_owned());
        self
    }

    /// What holds of its calls, in place of what was said before.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// What holds of calls of one method, where it differs.
    pub fn method(mut self, method: &str, options: CallOptions) -> Self {
        self.methods.insert(method.to_owned(), options);
        self
    }

    /// How long callers of its methods wait.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// Where its calls go.
    pub fn target(mut self, target: &str) -> Self {
        self.options = self.options.target(target);
        self
    }

    /// Refers to the service: its providers are looked up from now on.
    ///
    /// # Errors
    /// [`BuildError`]: an address or a name is none.
    pub fn build(self) -> Result<Service, BuildError> {
        let Self { shared, key, addresses, options, methods } = self;
        let is_odd = |char: char| char.is_whitespace() || char.is_control() || matches!(char, '/' | ':' | '*');
        if key.interface.is_empty()
            || key.interface.contains(is_odd)
            || [key.group.as_deref(), key.version.as_deref()].contains(&Some("*"))
        {
            let what = format!("found `{key}`, wanted an interface and one group and version");
            return Err(setting("service", &what));
        }
        let direct = addresses.iter().map(|address| endpoint("address", address)).collect::<Result<_, _>>()?;
        for said in methods.values().chain([&options]) {
            if let Some(Err(error)) = &said.target {
                return Err(BuildError::Target(error.clone()));
            }
        }
        let key = Arc::new(key);
        let wanted = shared.listing.want(key.clone(), direct);
        let said = Reference {
            service: key,
            names: wanted.names.clone(),
            application: shared.application.clone(),
            payload_len: shared.payload_len,
        };
        Ok(Service(Arc::new(Referred { shared, said: Arc::new(said), wanted, options, methods })))
    }
}

impl Service {
    /// A call of `method`, which is made when it is awaited. What it gives is read as an `R`: a type of serde, or
    /// [`Value`](crate::Value) for anything.
    pub fn call<A: Args, R>(&self, method: impl Into<Arc<str>>, args: A) -> Call<A, R> {
        Call::new(self.clone(), method.into(), args)
    }

    /// Waits until a call without a target could be made: it is known who offers the service, and one of them is connected. For the
    /// start of a process that shall take no work before, and for pages of health; a call needs none of it, since it waits by itself.
    ///
    /// # Errors
    /// Why it could not at the end of that time: [`CallErrorKind::NoProvider`], [`CallErrorKind::Connection`];
    /// [`CallErrorKind::Ended`] where the threads have ended.
    pub async fn ready(&self, within: Duration) -> Result<(), CallErrorKind> {
        let Referred { shared, said, .. } = &*self.0;
        let (reply, answer) = oneshot::channel();
        let until = Instant::now() + within.min(LONGEST);
        shared.inbox.put(Work::Ready(Question { of: said.clone(), until, reply }))?;
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failure)) => Err(told(failure).1),
            Err(_) => Err(CallErrorKind::Ended),
        }
    }

    /// Its key, `[group/]interface[:version]`.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.said.service.to_string()
    }
}
