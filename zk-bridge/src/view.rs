//! What a registry holds, in the words of its users: services, providers, consumers and their parameters.
//!
//! Values only. Parameters are kept as they came and read when asked, as Dubbo reads them: an empty value is an absent
//! one, a method's value stands over the service's, `default.` in front is the provider's own default (2.6, 2.7).
//!
//! Long because: every value of a registry that others read stands here, each with its one reading.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::gateway::{Gateway, gateways_of};
use crate::registry::Level;

/// What a consumer asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceKey {
    /// The Java interface.
    pub interface: String,
    /// The group, `None` for none.
    pub group: Option<String>,
    /// The version, `None` for none: `0.0.0` and the empty text are none.
    pub version: Option<String>,
}

/// The parameters of a URL or of a service's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(pub BTreeMap<String, String>);

/// A provider, real or virtual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What it offers.
    pub key: ServiceKey,
    /// Its address.
    pub host: String,
    /// Its port for `dubbo://`.
    pub port: u16,
    /// The path it is exported under: mostly the interface, sometimes something else.
    pub path: String,
    /// Where it is registered.
    pub level: Level,
    /// Its application.
    pub application: Option<String>,
    /// Everything else it says.
    pub parameters: Parameters,
    /// The id of the gateway that wrote it; `None` for a real provider.
    pub highway: Option<String>,
}

/// A reference of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Its application.
    pub application: Option<String>,
    /// Its address.
    pub host: String,
    /// The interface it refers to.
    pub interface: String,
    /// The group; `*` and lists are possible.
    pub group: Option<String>,
    /// The version; `*` is possible.
    pub version: Option<String>,
    /// Everything else it says.
    pub parameters: Parameters,
}

/// The last good state of a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    pub(crate) generation: u64,
    pub(crate) connected: bool,
    pub(crate) complete: bool,
    pub(crate) providers: Vec<Arc<Provider>>,
    pub(crate) consumers: Vec<Arc<Consumer>>,
    pub(crate) foreign: BTreeSet<ServiceKey>,
    pub(crate) gateways: Vec<Gateway>,
    /// The interfaces that were read to the end, where not all are wanted.
    pub(crate) read: Option<BTreeSet<String>>,
}

impl ServiceKey {
    /// A key; empty texts and the version `0.0.0` become none.
    #[must_use]
    pub fn new(interface: impl Into<String>, group: Option<&str>, version: Option<&str>) -> Self {
        let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Self { interface: interface.into(), group: said(group), version: said(version).filter(|v| v != "0.0.0") }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = &self.group {
            write!(f, "{group}/")?;
        }
        f.write_str(&self.interface)?;
        self.version.as_ref().map_or(Ok(()), |version| write!(f, ":{version}"))
    }
}

impl Parameters {
    /// The value of `key`, or of `default.key`; an empty one is none.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let said = |key: &str| self.0.get(key).map(String::as_str).filter(|value| !value.is_empty());
        said(key).or_else(|| said(&format!("default.{key}")))
    }

    /// The value of `key` for `method`, else for the service. dubbo-go writes `methods.<method>.<key>`.
    #[must_use]
    pub fn of_method(&self, method: Option<&str>, key: &str) -> Option<&str> {
        method
            .and_then(|method| {
                self.get(&format!("{method}.{key}")).or_else(|| self.get(&format!("methods.{method}.{key}")))
            })
            .or_else(|| self.get(key))
    }

    /// Whether `key` says `true`.
    #[must_use]
    pub fn is_true(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// How long a call may take: milliseconds as Java writes them, or `3s` as dubbo-go does. Zero is none.
    #[must_use]
    pub fn timeout(&self, method: Option<&str>) -> Option<Duration> {
        self.of_method(method, "timeout").and_then(duration).filter(|time| !time.is_zero())
    }

    /// How often a failed call is repeated; a negative number is none.
    #[must_use]
    pub fn retries(&self, method: Option<&str>) -> Option<u32> {
        self.of_method(method, "retries")?.parse().ok()
    }

    /// Method names, without repetition, in their order; empty where none are said or `*` is.
    #[must_use]
    pub fn methods(&self) -> Vec<&str> {
        let mut methods: Vec<&str> = Vec::new();
        for method in self.get("methods").unwrap_or_default().split(',').map(str::trim) {
            if !method.is_empty() && method != "*" && !methods.contains(&method) {
                methods.push(method);
            }
        }
        methods
    }
}

impl Provider {
    /// Whether it says that it speaks TLS alone.
    #[must_use]
    pub fn wants_tls(&self) -> bool {
        self.parameters.get("ssl-enabled") == Some("true")
    }

    /// Its start, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(&self) -> Option<u64> {
        self.parameters.get("timestamp").and_then(|text| text.parse().ok())
    }

    /// The names of the serializations it says, the preferred first; hessian2 where it says none.
    #[must_use]
    pub fn serializations(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let preferred = self.parameters.get("prefer.serialization").unwrap_or_default().split(',');
        for name in preferred.chain(self.parameters.get("serialization")).map(str::trim) {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            names.push("hessian2");
        }
        names
    }

    /// The release of Dubbo behind it, where it says one.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.parameters.get("release")
    }

    /// `dubbo.tag`.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.parameters.get("dubbo.tag")
    }

    /// Whether a gateway wrote it.
    #[must_use]
    pub const fn is_virtual(&self) -> bool {
        self.highway.is_some()
    }
}

impl Consumer {
    /// What the release of Highway's own SDK begins with.
    pub const SDK: &str = "highway-sdk-";

    /// Whether it is dubbo-go, which waits 3 s where nothing is said.
    #[must_use]
    pub fn is_dubbo_go(&self) -> bool {
        self.is_of("dubbo-golang")
    }

    /// Whether it is Highway's own SDK, which says in every call who calls, for how long and where to: what its node says is for people.
    #[must_use]
    pub fn is_sdk(&self) -> bool {
        self.is_of(Self::SDK)
    }

    fn is_of(&self, kind: &str) -> bool {
        self.parameters.get("release").is_some_and(|release| release.starts_with(kind))
    }
}

impl View {
    /// What is known before anything was read: nothing.
    #[must_use]
    pub fn unread() -> Self {
        Self::default()
    }

    /// A view for tests of those who read it: connected, complete, sorted.
    #[must_use]
    pub fn of(generation: u64, mut providers: Vec<Provider>, consumers: Vec<Consumer>) -> Self {
        providers.sort_by(|a, b| (&a.key, &a.host, a.port).cmp(&(&b.key, &b.host, b.port)));
        Self {
            generation,
            connected: true,
            complete: true,
            gateways: gateways_of(&providers),
            read: None,
            providers: providers.into_iter().map(Arc::new).collect(),
            consumers: consumers.into_iter().map(Arc::new).collect(),
            foreign: BTreeSet::new(),
        }
    }

    /// The same view with services that only speak other protocols, for tests of those who read it.
    #[must_use]
    pub fn with_foreign(mut self, foreign: impl IntoIterator<Item = ServiceKey>) -> Self {
        self.foreign.extend(foreign);
        self
    }

    /// The same view of a registry that is opened for `wanted`, of which `read` were read, for tests of those who read it.
    #[must_use]
    pub fn narrowed(mut self, wanted: &[&str], read: &[&str]) -> Self {
        self.complete = wanted.iter().all(|interface| read.contains(interface));
        self.read = Some(read.iter().map(|&interface| interface.to_owned()).collect());
        self.providers.retain(|provider| read.contains(&&*provider.key.interface));
        self
    }

    /// Grows by one with every change.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the servers answer now; the lists are the last good ones either way.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Whether everything that is wanted and that we may read has been read. While it is false, absence proves nothing. A folder that is
    /// closed to us, and an application that has not told for a minute what it exports, are problems in the
    /// [`crate::Status`] and not waited for.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether everything that we may read about one interface has been read; what keeps another one waiting does not matter. In a
    /// registry that is opened for some interfaces ([`crate::open_only`]) it is false for every other one.
    #[must_use]
    pub fn is_read(&self, interface: &str) -> bool {
        self.read.as_ref().map_or(self.complete, |read| read.contains(interface))
    }

    /// Where gateways of this island take calls, each address once, sorted by gateway: what may be called with a target when the
    /// service has no virtual provider. They are read off what they registered, at both levels.
    #[must_use]
    pub fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }

    /// Every provider that speaks `dubbo://`, real and virtual, sorted by key, host and port.
    #[must_use]
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    /// The providers of one service, real and virtual.
    #[must_use]
    pub fn providers_of(&self, key: &ServiceKey) -> &[Arc<Provider>] {
        let from = self.providers.partition_point(|provider| provider.key < *key);
        let len = self.providers[from..].partition_point(|provider| provider.key == *key);
        &self.providers[from..from + len]
    }

    /// Whether a real provider offers the service here, over `dubbo://` or any other protocol.
    #[must_use]
    pub fn has_local_provider(&self, key: &ServiceKey) -> bool {
        self.foreign.contains(key) || self.providers_of(key).iter().any(|provider| !provider.is_virtual())
    }

    /// Services that a real provider offers over another protocol than `dubbo://` (Triple, REST): nobody to call from
    /// here, but a provider to local consumers.
    #[must_use]
    pub const fn foreign(&self) -> &BTreeSet<ServiceKey> {
        &self.foreign
    }

    /// What is taken to be there after `before` was shown: this view and, while it was not read to the end, also the providers and gateways
    /// that were listed before.
    #[must_use]
    pub fn after(self: &Arc<Self>, before: &View) -> Arc<Self> {
        if self.complete {
            return self.clone();
        }
        let place = |provider: &Provider| (provider.key.clone(), provider.host.clone(), provider.port);
        let listed: BTreeSet<_> = self.providers.iter().map(|provider| place(provider)).collect();
        let kept = before.providers.iter().filter(|provider| !listed.contains(&place(provider)));
        let mut both = Self::clone(self);
        both.providers.extend(kept.cloned());
        both.foreign.extend(before.foreign.iter().cloned());
        let stands =
            |gateway: &&Gateway| !self.gateways.iter().any(|it| (&it.host, it.port) == (&gateway.host, gateway.port));
        both.gateways.extend(before.gateways.iter().filter(stands).cloned());
        both.gateways.sort();
        both.providers.sort_by(|a, b| (&a.key, &a.host, a.port).cmp(&(&b.key, &b.host, b.port)));
        Arc::new(both)
    }

    /// Every consumer's reference.
    #[must_use]
    pub fn consumers(&self) -> &[Arc<Consumer>] {
        &self.consumers
    }
}

/// A timeout as consumers and providers write it: bare milliseconds, or numbers with units.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    text.parse().map(Duration::from_millis).ok().or_else(|| duration_with_unit(text))
}

/// `1m30s`, `500ms`, `1.5s`; no bare number.
pub(crate) fn duration_with_unit(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..letters] {
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[letters..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_version_has_three_spellings() {
        for version in [None, Some(""), Some("0.0.0")] {
            assert_eq!(ServiceKey::new("a.B", Some(""), version), ServiceKey::new("a.B", None, None));
        }
        assert_eq!(ServiceKey::new("a.B", Some("G"), Some("1.0")).to_string(), "G/a.B:1.0");
    }

    #[test]
    fn times_of_java_and_of_go_are_understood() {
        assert_eq!(duration("1500"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("3s"), Some(Duration::from_secs(3)));
        assert_eq!(duration("1m30s500ms"), Some(Duration::from_millis(90_500)));
        assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
        for text in ["", "s", "-1", "3 parsecs", "1e9s", "99999999999999999999h", "1..2s"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(duration_with_unit("15"), None);
    }

    #[test]
    fn a_zero_timeout_is_none_and_negative_retries_are_none() {
        let parameters = |key: &str, value: &str| Parameters([(key.to_owned(), value.to_owned())].into());
        assert_eq!(parameters("timeout", "0").timeout(None), None);
        assert_eq!(parameters("retries", "-1").retries(None), None);
        assert_eq!(parameters("methods", "a,*, b,a").methods(), ["a", "b"]);
    }

    #[test]
    fn an_incomplete_view_adds_and_never_removes() {
        let provider = |interface: &str, host: &str| Provider {
            key: ServiceKey::new(interface, None, None),
            host: host.into(),
            port: 20880,
            path: interface.into(),
            level: Level::Interface,
            application: None,
            parameters: Parameters::default(),
            highway: None,
        };
        let before = View::of(1, vec![provider("a.A", "h1"), provider("a.B", "h1")], vec![]);
        let marked =
            |host: &str| View::of(1, vec![Provider { highway: Some("gw".into()), ..provider("a.A", host) }], vec![]);
        let hosts = |view: &View| view.gateways.iter().map(|it| it.host.clone()).collect::<Vec<_>>();
        let part = |host| Arc::new(View { complete: false, ..marked(host) });
        assert_eq!(
            (hosts(&part("h2").after(&marked("h1"))), hosts(&part("h1").after(&marked("h1")))),
            (vec!["h1".to_owned(), "h2".into()], vec!["h1".into()])
        );
        let before = before.with_foreign([ServiceKey::new("a.C", None, None)]);
        let unread = Arc::new(View::unread()).after(&before);
        assert_eq!((&unread.providers, &unread.foreign), (&before.providers, &before.foreign));
        let part = View { complete: false, ..View::of(2, vec![provider("a.B", "h9")], vec![]) };
        let places = |view: &View, key: &str| {
            let of = view.providers_of(&ServiceKey::new(key, None, None));
            of.iter().map(|provider| provider.host.clone()).collect::<Vec<_>>()
        };
        let both = Arc::new(part.clone()).after(&before);
        assert_eq!(
            (places(&both, "a.A"), places(&both, "a.B")),
            (vec!["h1".to_owned()], vec!["h1".into(), "h9".into()])
        );
        let complete = Arc::new(View { complete: true, ..part });
        assert_eq!(complete.after(&before), complete);
    }

    #[test]
    fn a_service_finds_its_own_providers_and_no_others() {
        let provider = |interface: &str, port| Provider {
            key: ServiceKey::new(interface, None, None),
            host: "h".into(),
            port,
            path: interface.into(),
            level: Level::Interface,
            application: None,
            parameters: Parameters::default(),
            highway: (port == 9).then(|| "gw".to_owned()),
        };
        let view = View::of(1, vec![provider("c", 1), provider("b", 2), provider("b", 1), provider("a", 9)], vec![]);
        let ports =
            |interface| view.providers_of(&ServiceKey::new(interface, None, None)).iter().map(|it| it.port).collect();
        let (b, nobody): (Vec<u16>, Vec<u16>) = (ports("b"), ports("bb"));
        assert_eq!((b, nobody), (vec![1, 2], vec![]));
        assert!(!view.has_local_provider(&ServiceKey::new("a", None, None)), "a virtual one is not local");
        assert!(view.has_local_provider(&ServiceKey::new("c", None, None)));
    }
}
