//! What is said to a Java peer and what it answers. Names of fields are those of `lab/java/peer/lab/Messages.java`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A service that an application exports. Its label stands in answers and counts, to tell providers apart.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Service {
    iface: String,
    label: String,
    group: Option<String>,
    version: Option<String>,
    delay_ms: u64,
    parameters: Option<BTreeMap<String, String>>,
}

impl Service {
    /// An interface the peer knows, and a label.
    #[must_use]
    pub fn new(interface: &str, label: &str) -> Self {
        Service { iface: interface.to_owned(), label: label.to_owned(), ..Service::default() }
    }

    /// In this group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// In this version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// Every method takes at least so long.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay_ms = millis(delay);
        self
    }

    /// One more parameter on its URL.
    #[must_use]
    pub fn parameter(mut self, key: &str, value: &str) -> Self {
        self.parameters.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        self
    }
}

/// A reference that an application makes. What is not set is left to Dubbo.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Refer {
    name: String,
    iface: String,
    url: Option<String>,
    group: Option<String>,
    version: Option<String>,
    tag: Option<String>,
    timeout_ms: Option<u64>,
    retries: Option<u32>,
    check: Option<bool>,
    generic: bool,
    generic_kind: Option<String>,
    later: Vec<String>,
    numbered: bool,
    one_way: Vec<String>,
    unsent: Vec<String>,
    timeouts_ms: BTreeMap<String, u64>,
    remote: bool,
    parameters: Option<BTreeMap<String, String>>,
}

impl Refer {
    /// To an interface; calls name the reference.
    #[must_use]
    pub fn new(name: &str, interface: &str) -> Self {
        Refer { name: name.to_owned(), iface: interface.to_owned(), ..Refer::default() }
    }

    /// Straight to an address, without a registry: `dubbo://host:port`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Of this group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// Of this version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.to_owned());
        self
    }

    /// With this tag.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = Some(tag.to_owned());
        self
    }

    /// With a timeout that a busy machine does not reach, where no timeout matters.
    #[must_use]
    pub fn patient(self) -> Self {
        self.timeout(Duration::from_secs(20))
    }

    /// With another timeout than Dubbo's second.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout_ms = Some(millis(timeout));
        self
    }

    /// With so many retries instead of two.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Made even while there is no provider.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.check = Some(false);
        self
    }

    /// For generic calls.
    #[must_use]
    pub fn generic(mut self) -> Self {
        self.generic = true;
        self
    }

    /// For generic calls of another kind than `true`.
    #[must_use]
    pub fn generic_kind(mut self, kind: &str) -> Self {
        self.generic_kind = Some(kind.to_owned());
        self
    }

    /// This method returns before its answer is there.
    #[must_use]
    pub fn later(mut self, method: &str) -> Self {
        self.later.push(method.to_owned());
        self
    }

    /// Who calls this one-way method does not wait until the call is sent.
    #[must_use]
    pub fn unsent(mut self, method: &str) -> Self {
        self.unsent.push(method.to_owned());
        self
    }

    /// This method has a timeout of its own.
    #[must_use]
    pub fn timeout_of(mut self, method: &str, timeout: Duration) -> Self {
        self.timeouts_ms.insert(method.to_owned(), millis(timeout));
        self
    }

    /// Over the network, even to a provider in the same process.
    #[must_use]
    pub fn remote(mut self) -> Self {
        self.remote = true;
        self
    }

    /// With a number of its own for each attempt of a call, which [`LEDGER`](crate::peer::LEDGER) writes down.
    #[must_use]
    pub fn numbered(mut self) -> Self {
        self.numbered = true;
        self
    }

    /// This method is called one-way.
    #[must_use]
    pub fn one_way(mut self, method: &str) -> Self {
        self.one_way.push(method.to_owned());
        self
    }

    /// One more parameter on the consumer's URL.
    #[must_use]
    pub fn parameter(mut self, key: &str, value: &str) -> Self {
        self.parameters.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        self
    }
}

/// A call, or many of the same.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Call {
    reference: String,
    method: String,
    types: Option<Vec<String>>,
    arguments: Vec<Value>,
    attachments: BTreeMap<String, String>,
    threads: u32,
    calls_per_thread: u32,
    for_ms: u64,
    pause_ms: u64,
}

impl Call {
    /// A method of a reference. A byte array is described as `{"length": n, "seed": s}`.
    #[must_use]
    pub fn new(reference: &str, method: &str, arguments: impl Into<Vec<Value>>) -> Self {
        Call {
            reference: reference.to_owned(),
            method: method.to_owned(),
            arguments: arguments.into(),
            threads: 1,
            calls_per_thread: 1,
            ..Call::default()
        }
    }

    /// The argument types: for generic calls, and to choose an overload.
    #[must_use]
    pub fn types(mut self, types: &[&str]) -> Self {
        self.types = Some(types.iter().map(|&each| each.to_owned()).collect());
        self
    }

    /// One more attachment on the request.
    #[must_use]
    pub fn attachment(mut self, key: &str, value: &str) -> Self {
        self.attachments.insert(key.to_owned(), value.to_owned());
        self
    }

    /// From so many threads at once, so many calls each.
    #[must_use]
    pub fn threads(mut self, threads: u32, calls_per_thread: u32) -> Self {
        self.threads = threads;
        self.calls_per_thread = calls_per_thread;
        self
    }

    /// From so many threads until a time has passed, each waiting a little after each call.
    #[must_use]
    pub fn lasting(mut self, threads: u32, time: Duration, pause: Duration) -> Self {
        self.threads = threads;
        self.for_ms = millis(time);
        self.pause_ms = millis(pause);
        self
    }

    pub(super) fn lasts(&self) -> Duration {
        Duration::from_millis(self.for_ms)
    }
}

/// How a call ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// What came back; `Null` if null did, or an exception.
    #[serde(default)]
    pub result: Value,
    /// What came with it.
    #[serde(default)]
    pub attachments: BTreeMap<String, String>,
    /// What was thrown instead.
    pub thrown: Option<Thrown>,
    elapsed_us: u64,
}

impl Answer {
    /// How long the caller waited.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_micros(self.elapsed_us)
    }

    /// The result, where one is expected.
    ///
    /// # Panics
    /// If an exception came.
    pub fn returned(self) -> Value {
        match self.thrown {
            None => self.result,
            Some(thrown) => panic!("the call threw {}: {}", thrown.class, thrown.message.unwrap_or_default()),
        }
    }

    /// The exception, where one is expected.
    ///
    /// # Panics
    /// If a result came.
    pub fn threw(self) -> Thrown {
        self.thrown.unwrap_or_else(|| panic!("the call returned {} and threw nothing", self.result))
    }
}

/// An exception as the caller saw it.
#[derive(Debug, Clone, Deserialize)]
pub struct Thrown {
    /// Its class.
    pub class: String,
    /// Its message.
    pub message: Option<String>,
    /// The field of the declared exception, if it is that one.
    pub code: Option<i64>,
}

impl Thrown {
    /// The message; empty if there was none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }
}

/// Many calls, counted.
#[derive(Debug, Clone, Deserialize)]
pub struct Tally {
    /// Calls that returned.
    pub ok: u64,
    /// Calls that threw.
    pub failed: u64,
    /// How often each result came; only the first twenty different ones are listed.
    pub results: BTreeMap<String, u64>,
    /// How often each exception came; only the first twenty different ones are listed.
    pub errors: BTreeMap<String, u64>,
    slowest_us: u64,
}

impl Tally {
    /// The longest that a caller waited.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest_us)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
