//! The interface level: node names under `providers` and `consumers`, read and written.
//!
//! A name that is no provider's URL is nobody; simplified nodes lack most parameters, so the
//! interface falls back to the path of a provider and to the folder of a consumer. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::registry::{Level, VirtualProvider};
use crate::url::Url;
use crate::view::{Consumer, Parameters, Provider, ServiceKey};

/// The parameter that marks what a gateway wrote, with the gateway's id.
pub(crate) const MARK: &str = "highway";
/// The parameter that tells one start of a gateway from another. (Never a name that ends in `pid` or `timestamp`: 3.x
/// cuts those out of the middle of a name.)
pub(crate) const EPOCH: &str = "epoch";
/// The application of every interface-level node: rules for a gateway want one name for all its nodes.
pub(crate) const GATEWAY_APPLICATION: &str = "highway-egress";
/// An old start, so that consumers do not warm up to the gateway.
const OLD_TIMESTAMP: &str = "1600000000000";
/// The release whose ways the gateway has; 2.7 and later look at it.
pub(crate) const RELEASE: &str = "2.7.23";

/// Protocols of URLs that stand for no provider.
const NO_PROVIDERS: [&str; 6] = ["consumer", "empty", "override", "route", "script", "condition"];

/// A provider of any protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    /// `dubbo`, `tri`, `rest`, …
    pub(crate) protocol: String,
    pub(crate) provider: Arc<Provider>,
}

#[cfg(test)]
impl Registered {
    /// The provider, if it speaks the one protocol that we do.
    pub(crate) fn dubbo(&self) -> Option<&Provider> {
        (self.protocol == "dubbo").then_some(&*self.provider)
    }
}

/// Reads the name of a node under `providers` of `interface`.
pub(crate) fn registered(interface: &str, node_name: &str) -> Option<Registered> {
    let mut url = Url::decode(node_name)?;
    let category = url.parameters.get("category").is_none_or(|category| category.is_empty() || category == "providers");
    if NO_PROVIDERS.contains(&url.protocol.as_str()) || url.port == 0 || !category {
        return None;
    }
    let said = |url: &Url, key: &str| url.parameters.get(key).filter(|value| !value.is_empty()).cloned();
    let name = said(&url, "interface").unwrap_or_else(|| interface.to_owned());
    let key = ServiceKey::new(name, said(&url, "group").as_deref(), said(&url, "version").as_deref());
    let path = if url.path.is_empty() { key.interface.clone() } else { std::mem::take(&mut url.path) };
    let provider = Provider {
        key,
        host: url.host.clone(),
        port: url.port,
        path,
        level: Level::Interface,
        application: said(&url, "application"),
        highway: said(&url, MARK),
        parameters: Parameters(url.parameters),
    };
    Some(Registered { protocol: url.protocol, provider: Arc::new(provider) })
}

/// Reads the name of a node under `consumers` of `interface`.
pub(crate) fn consumer(interface: &str, node_name: &str) -> Option<Consumer> {
    let url = Url::decode(node_name)?;
    if url.protocol != "consumer" {
        return None;
    }
    let parameters = Parameters(url.parameters);
    let said = |key: &str| parameters.get(key).map(str::to_owned);
    Some(Consumer {
        application: said("application"),
        host: url.host,
        // The path is a lie in generic references of 2.6 and 2.7; the folder never is.
        interface: said("interface").unwrap_or_else(|| interface.to_owned()),
        group: said("group"),
        version: said("version").filter(|version| version != "0.0.0"),
        parameters,
    })
}

/// The name of a virtual provider's node.
pub(crate) fn node_name(provider: &VirtualProvider, gateway: &str, epoch: u64) -> String {
    let mut parameters = service_parameters(provider, gateway, epoch);
    let fixed = [
        ("anyhost", "true"),
        ("application", GATEWAY_APPLICATION),
        ("category", "providers"),
        ("dynamic", "true"),
        ("timestamp", OLD_TIMESTAMP),
    ];
    parameters.extend(fixed.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let url = Url {
        protocol: "dubbo".into(),
        host: provider.host.clone(),
        port: provider.port,
        path: provider.key.interface.clone(),
        parameters,
    };
    url.encode()
}

/// What every release of Dubbo speaks.
pub(crate) const DEFAULT_SERIALIZATION: &str = "hessian2";

/// What both levels say about a virtual provider, and nothing else: each other parameter of the real provider would
/// change how the consumer behaves.
pub(crate) fn service_parameters(provider: &VirtualProvider, gateway: &str, epoch: u64) -> BTreeMap<String, String> {
    let names = &provider.serializations[..];
    let preferred = if names.is_empty() { DEFAULT_SERIALIZATION.to_owned() } else { names.join(",") };
    // Consumers before 3.2 read only `serialization`, and those before 3.1 know nothing but hessian2.
    let plain = names.iter().find(|name| *name == DEFAULT_SERIALIZATION).or(names.first());
    let plain = plain.map_or(DEFAULT_SERIALIZATION, String::as_str).to_owned();
    let mut parameters: BTreeMap<String, String> = [
        ("dubbo", "2.0.2".to_owned()),
        (EPOCH, epoch.to_string()),
        (MARK, gateway.to_owned()),
        ("interface", provider.key.interface.clone()),
        ("methods", sorted(&provider.methods)),
        ("prefer.serialization", preferred),
        ("release", RELEASE.to_owned()),
        ("serialization", plain),
        ("side", "provider".to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    let mut say = |key: String, value: Option<String>| value.map(|value| parameters.insert(key, value));
    say("group".into(), provider.key.group.clone());
    say("version".into(), provider.key.version.clone());
    say("dubbo.tag".into(), provider.tag.clone());
    say("timeout".into(), provider.timeout.map(|time| time.as_millis().to_string()));
    say("retries".into(), provider.retries.map(|times| times.to_string()));
    for (method, time) in &provider.method_timeouts {
        say(format!("{method}.timeout"), Some(time.as_millis().to_string()));
    }
    for (method, times) in &provider.method_retries {
        say(format!("{method}.retries"), Some(times.to_string()));
    }
    parameters.retain(|_, value| !value.is_empty());
    parameters
}

/// In one order, each once: equal services have equal nodes.
fn sorted(methods: &[String]) -> String {
    let methods: std::collections::BTreeSet<&str> = methods.iter().map(String::as_str).collect();
    methods.into_iter().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::url::percent_encode;

    fn provider(interface: &str, node_name: &str) -> Option<Provider> {
        registered(interface, node_name)?.dubbo().cloned()
    }

    #[test]
    fn a_provider_of_3_3_is_read() {
        let node = percent_encode(
            "dubbo://10.0.0.7:20880/com.acme.Greeter?application=shop&deprecated=false&dubbo=2.0.2&dynamic=true&\
             generic=false&group=G&interface=com.acme.Greeter&methods=bye,hello&prefer.serialization=hessian2,fastjson2&\
             release=3.3.6&service-name-mapping=true&side=provider&timestamp=1795253830272&version=1.2.3&weight=50&\
             hello.timeout=700&timeout=1200&token=t",
        );
        let provider = provider("com.acme.Greeter", &node).unwrap();
        assert_eq!(provider.key.to_string(), "G/com.acme.Greeter:1.2.3");
        assert_eq!((provider.parameters.get("weight"), provider.timestamp()), (Some("50"), Some(1795253830272)));
        assert_eq!(provider.serializations(), ["hessian2", "fastjson2"]);
        assert_eq!(provider.parameters.timeout(Some("hello")), Some(Duration::from_millis(700)));
        assert_eq!(provider.parameters.timeout(Some("bye")), Some(Duration::from_millis(1200)));
        assert_eq!((provider.parameters.get("token"), provider.application.as_deref()), (Some("t"), Some("shop")));
        assert!(!provider.is_virtual());
    }

    #[test]
    fn a_simplified_provider_has_the_interface_of_its_path_or_folder() {
        let node = percent_encode("dubbo://10.0.0.7:20880/com.acme.Greeter2?application=a&version=0.0.0");
        let found = provider("com.acme.Greeter", &node).unwrap();
        assert_eq!(found.key, ServiceKey::new("com.acme.Greeter", None, None));
        assert_eq!(found.path, "com.acme.Greeter2");
        assert_eq!(provider("a.B", &percent_encode("dubbo://h:1?x=1")).unwrap().path, "a.B");
    }

    #[test]
    fn defaults_of_2_6_and_methods_of_dubbo_go_count() {
        let node = percent_encode(
            "dubbo://h:1/a.B?default.timeout=900&default.retries=0&methods.Say.timeout=3s&methods.Say.retries=1",
        );
        let found = provider("a.B", &node).unwrap();
        assert_eq!(found.parameters.timeout(None), Some(Duration::from_millis(900)));
        assert_eq!(found.parameters.timeout(Some("Say")), Some(Duration::from_secs(3)));
        assert_eq!((found.parameters.retries(None), found.parameters.retries(Some("Say"))), (Some(0), Some(1)));
    }

    #[test]
    fn other_protocols_and_other_categories_are_nobody() {
        for url in ["tri://h:1/a.B?x=1", "dubbo://h/a.B?x=1", "dubbo://h:1/a.B?category=routers", "empty://0.0.0.0/a.B"]
        {
            assert_eq!(provider("a.B", &percent_encode(url)), None, "{url}");
        }
        assert_eq!(provider("a.B", "no url"), None);
        assert_eq!(registered("a.B", &percent_encode("tri://h:1/a.B?x=1")).unwrap().protocol, "tri");
        assert_eq!(registered("a.B", &percent_encode("override://0.0.0.0:1/a.B?x=1")), None);
    }

    #[test]
    fn a_generic_consumer_of_2_7_refers_to_the_interface_it_says_not_to_its_path() {
        let node = percent_encode(
            "consumer://10.0.0.9/org.apache.dubbo.rpc.service.GenericService?application=caller&category=consumers&\
             generic=true&interface=com.acme.Greeter&highway.shanghai=ALL&fire.highway=Z&timeout=3000",
        );
        let consumer = consumer("com.acme.Greeter", &node).unwrap();
        assert_eq!((consumer.interface.as_str(), consumer.host.as_str()), ("com.acme.Greeter", "10.0.0.9"));
        assert_eq!(consumer.parameters.get("highway.shanghai"), Some("ALL"));
        assert_eq!(consumer.parameters.of_method(Some("fire"), "highway"), Some("Z"));
        assert!(!consumer.is_dubbo_go());
    }

    #[test]
    fn empty_values_of_dubbo_go_are_absent_and_its_times_have_units() {
        let node = percent_encode(
            "consumer://10.0.0.9/a.B?application=go&group=&version=&retries=&interface=a.B&timeout=3s&\
             release=dubbo-golang-3.3.2",
        );
        let consumer = consumer("a.B", &node).unwrap();
        assert_eq!((consumer.group.as_deref(), consumer.version.as_deref()), (None, None));
        assert_eq!(consumer.parameters.timeout(None), Some(Duration::from_secs(3)));
        assert!(consumer.is_dubbo_go());
    }

    #[test]
    fn a_virtual_provider_says_what_consumers_need_and_nothing_else() {
        let virtual_provider = VirtualProvider {
            key: ServiceKey::new("com.acme.Greeter", Some("G"), Some("1.0.0")),
            island: "shanghai".into(),
            host: "10.1.2.3".into(),
            port: 20990,
            methods: vec!["hello".into(), "bye".into(), "hello".into()],
            timeout: Some(Duration::from_millis(1500)),
            method_retries: [("bye".to_owned(), 0)].into(),
            ..VirtualProvider::default()
        };
        let name = node_name(&virtual_provider, "gw-1", 1795000000000);
        assert_eq!(
            Url::decode(&name).unwrap().text(),
            "dubbo://10.1.2.3:20990/com.acme.Greeter?anyhost=true&application=highway-egress&bye.retries=0&\
             category=providers&dubbo=2.0.2&dynamic=true&epoch=1795000000000&group=G&highway=gw-1&\
             interface=com.acme.Greeter&methods=bye,hello&prefer.serialization=hessian2&release=2.7.23&\
             serialization=hessian2&side=provider&timeout=1500&timestamp=1600000000000&version=1.0.0"
        );
        let read = provider("com.acme.Greeter", &name).unwrap();
        assert_eq!(read.highway.as_deref(), Some("gw-1"));
        assert_eq!(read.key, virtual_provider.key);
    }

    /// Seen with 3.2.16 providers, which prefer fastjson2: consumers before 3.2 took `serialization` for an order, and those before
    /// 3.1 have no fastjson2.
    #[test]
    fn what_providers_prefer_is_said_to_those_who_can_choose_and_hessian2_to_all_others() {
        let said = |serializations: &[&str]| {
            let serializations = serializations.iter().map(|&name| name.to_owned()).collect();
            let parameters =
                service_parameters(&VirtualProvider { serializations, ..VirtualProvider::default() }, "gw", 1);
            (parameters["serialization"].clone(), parameters["prefer.serialization"].clone())
        };
        let pair = |plain: &str, preferred: &str| (plain.to_owned(), preferred.to_owned());
        assert_eq!(said(&["fastjson2", "hessian2"]), pair("hessian2", "fastjson2,hessian2"));
        assert_eq!(said(&["fastjson2"]), pair("fastjson2", "fastjson2"));
        assert_eq!(said(&[]), pair("hessian2", "hessian2"));
    }

    #[test]
    fn no_parameter_of_ours_ends_where_dubbo_3_cuts() {
        let virtual_provider = VirtualProvider {
            key: ServiceKey::new("a.B", Some("G"), Some("1")),
            methods: vec!["getpid".into()],
            method_timeouts: [("getpid".to_owned(), Duration::from_secs(1))].into(),
            ..VirtualProvider::default()
        };
        for key in service_parameters(&virtual_provider, "gw", 1).keys() {
            assert!(!key.ends_with("pid") && !key.ends_with("timestamp"), "{key}");
        }
    }

    #[test]
    fn an_ungrouped_unversioned_service_says_neither() {
        let virtual_provider =
            VirtualProvider { key: ServiceKey::new("a.B", None, None), ..VirtualProvider::default() };
        let parameters = service_parameters(&virtual_provider, "gw", 1);
        assert!(!parameters.contains_key("group") && !parameters.contains_key("version"));
    }
}
