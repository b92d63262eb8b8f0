//! Who offers what: the providers of each service as a registry or a configuration lists them. An immutable snapshot; it
//! never knows whether a provider is reachable.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustc_hash::FxHashMap;

/// Weight of a provider that names none. Source: `Constants.DEFAULT_WEIGHT` of apache/dubbo.
pub const DEFAULT_WEIGHT: u32 = 100;
/// Warm-up of a provider that names none. Source: `Constants.DEFAULT_WARMUP` of apache/dubbo.
pub const DEFAULT_WARM_UP: Duration = Duration::from_secs(600);

/// Where a provider listens. Names are resolved at each attempt to connect.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// A name or an address, IPv6 without brackets.
    pub host: Arc<str>,
    /// The TCP port.
    pub port: u16,
    /// What is spoken there.
    pub security: Security,
}

/// What lies between a connection and its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Security {
    /// Nothing.
    Plain,
    /// TLS, as `ssl-enabled=true` says of a provider.
    Tls,
}

impl Endpoint {
    /// An endpoint without TLS.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.into(), port, security: Security::Plain }
    }

    /// The same with TLS.
    #[must_use]
    pub fn with_tls(self) -> Self {
        Self { security: Security::Tls, ..self }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }?;
        f.write_str(if self.security == Security::Tls { " (TLS)" } else { "" })
    }
}

/// A provider's token: what its callers must show. It prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl Token {
    /// A token.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The token itself, for the attachment alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A provider that was just started gets its weight little by little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmUp {
    /// When the provider started.
    pub since: SystemTime,
    /// How long until it has its whole weight.
    pub within: Duration,
}

/// One service at one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Where.
    pub endpoint: Endpoint,
    /// What the provider looks up; mostly the interface.
    pub path: Arc<str>,
    /// The methods it lists; empty where it lists none.
    pub methods: Arc<[Arc<str>]>,
    /// Its share beside others; 0 is for when no other has a share.
    pub weight: u32,
    /// Whether it is still warming up.
    pub warm_up: Option<WarmUp>,
    /// `disabled=true` or `enabled=false` in the registry takes it out.
    pub enabled: bool,
    /// What callers must show.
    pub token: Option<Token>,
}

impl Offer {
    /// An offer with every default.
    #[must_use]
    pub fn new(endpoint: Endpoint, path: &str) -> Self {
        Self {
            endpoint,
            path: path.into(),
            methods: Arc::from([]),
            weight: DEFAULT_WEIGHT,
            warm_up: None,
            enabled: true,
            token: None,
        }
    }

    /// What a registry lists: `says` gives the value of a parameter of the provider's URL, where it has one; `methods` are those it names.
    #[must_use]
    pub fn listed<'p>(
        endpoint: Endpoint,
        path: &str,
        methods: impl IntoIterator<Item = &'p str>,
        says: impl Fn(&str) -> Option<&'p str>,
    ) -> Self {
        let number = |key: &str| says(key).and_then(|text| text.parse::<u64>().ok());
        let within = number("warmup").map_or(DEFAULT_WARM_UP, Duration::from_millis);
        let started = number("timestamp").and_then(|at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(at)));
        Self {
            endpoint,
            path: path.into(),
            methods: methods.into_iter().map(Arc::from).collect(),
            weight: says("weight").and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_WEIGHT),
            warm_up: started.map(|since| WarmUp { since, within }),
            enabled: is_enabled(&says),
            token: says("token").map(Token::new),
        }
    }

    /// Whether the provider lists this method.
    #[must_use]
    pub fn lists(&self, method: &str) -> bool {
        self.methods.iter().any(|known| &**known == method)
    }

    /// The weight at `now`: at least 1 while it warms up, 0 if it is to get nothing. It grows in a straight line, as 2.6 and
    /// 3.x have it (2.7.23 squares the share, which only lengthens the beginning).
    /// Source: `AbstractLoadBalance.calculateWarmupWeight` of apache/dubbo.
    #[must_use]
    pub fn weight_at(&self, now: SystemTime) -> u32 {
        let (false, Some(warm_up)) = (self.weight == 0, self.warm_up) else { return self.weight };
        // A clock that is behind the provider's counts as just started.
        let up = now.duration_since(warm_up.since).unwrap_or_default();
        if up >= warm_up.within {
            return self.weight;
        }
        let share = up.as_secs_f64() / warm_up.within.as_secs_f64() * f64::from(self.weight);
        (share as u32).clamp(1, self.weight)
    }
}

/// Whether a provider was not switched off: `disabled=true` or `enabled=false`.
pub fn is_enabled<'p>(says: impl Fn(&str) -> Option<&'p str>) -> bool {
    let is = |key: &str, wanted: &str| says(key).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
    !is("disabled", "true") && !is("enabled", "false")
}

/// All offers, by service key `[group/]interface[:version]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderList {
    /// The offers of each service. Of two offers of one service at one endpoint the first counts.
    pub services: FxHashMap<Arc<str>, Vec<Offer>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer::new(Endpoint::new("10.0.0.1", 20880), "com.acme.Greeter")
    }

    #[test]
    fn a_provider_that_just_started_grows_into_its_weight() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut offer = offer();
        offer.warm_up = Some(WarmUp { since, within: Duration::from_secs(600) });
        let at = |seconds: i64| match seconds {
            0.. => offer.weight_at(since + Duration::from_secs(seconds as u64)),
            _ => offer.weight_at(since - Duration::from_secs(seconds.unsigned_abs())),
        };
        assert_eq!([at(-5), at(0), at(6), at(300), at(599), at(600), at(9999)], [1, 1, 1, 50, 99, 100, 100]);
    }

    #[test]
    fn weight_zero_stays_zero_while_warming_up() {
        let mut offer = offer();
        offer.weight = 0;
        offer.warm_up = Some(WarmUp { since: SystemTime::now(), within: DEFAULT_WARM_UP });
        assert_eq!(offer.weight_at(SystemTime::now()), 0);
    }

    #[test]
    fn an_offer_says_what_its_providers_url_says() {
        let says = |said: &'static [(&'static str, &'static str)]| {
            move |key: &str| said.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
        };
        let listed = |said| Offer::listed(Endpoint::new("h1", 20880), "a.B", ["b", "a"], says(said));
        let offer = listed(&[("weight", "7"), ("timestamp", "1000"), ("warmup", "2000"), ("token", "hush")]);
        assert_eq!((offer.weight, offer.enabled, offer.token), (7, true, Some(Token::new("hush"))));
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        assert_eq!(offer.warm_up, Some(WarmUp { since, within: Duration::from_secs(2) }));
        assert_eq!(offer.methods.iter().map(|method| &**method).collect::<Vec<_>>(), ["b", "a"]);
        for off in [&[("disabled", "TRUE")], &[("enabled", "false")]] {
            assert!(!listed(off).enabled, "{off:?}");
        }
        let nonsense = listed(&[("weight", "-1"), ("timestamp", "99999999999999999999"), ("enabled", "perhaps")]);
        assert_eq!((nonsense.weight, nonsense.warm_up, nonsense.enabled), (DEFAULT_WEIGHT, None, true));
    }

    #[test]
    fn a_token_never_prints() {
        let mut offer = offer();
        offer.token = Some(Token::new("hush"));
        assert!(!format!("{offer:?}").contains("hush"));
    }

    #[test]
    fn an_ipv6_endpoint_is_written_with_brackets() {
        assert_eq!(Endpoint::new("::1", 20880).to_string(), "[::1]:20880");
        assert_eq!(Endpoint::new("db", 20880).to_string(), "db:20880");
        assert_eq!(Endpoint::new("::1", 20880).with_tls().to_string(), "[::1]:20880 (TLS)");
    }
}
