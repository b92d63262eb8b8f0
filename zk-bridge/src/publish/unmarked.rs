//! Nodes without a mark: what a process registers of itself, as any process of Dubbo does. Providers that it serves, and its references.
//!
//! ```text
//!   provider   /<root>/<interface>/providers/dubbo://…        a parameter that changes with every start, or 3.x keeps a dead connection
//!              /<services>/<application>/<host:port>          one instance for all that is served at an address
//!              /<root>/metadata/<application>/<revision>      without that parameter: equal processes share it
//!   consumer   /<root>/<interface>/consumers/consumer://…
//! ```
//!
//! What is persistent of them (metadata, mapping) belongs to the application and not to one process of it, so nobody takes it away, as
//! with Java. What is said in parameters stands; who it is and what it serves is not for them to say. Pure.
//! Source: nodes of released versions from 2.6 to 3.3.

use std::collections::{BTreeMap, BTreeSet};

use super::bucket::CONTENT_MAX_LEN;
use super::sound::Sound;
use super::wanted::{Instance, revision};
use super::{InstanceName, NodeName};
use crate::instance_level::{instance_id, plain_instance_json};
use crate::interface_level::{DEFAULT_SERIALIZATION, EPOCH, RELEASE};
use crate::layout::{Category, folder_of};
use crate::metadata::{MetadataInfo, ServiceInfo};
use crate::registry::Level;
use crate::url::Url;
use crate::view::{Consumer, Parameters, Provider, ServiceKey};

/// The version of the protocol that every release says.
const PROTOCOL_VERSION: &str = "2.0.2";

/// What a process registers of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unmarked {
    pub(crate) nodes: BTreeSet<NodeName>,
    pub(crate) instances: BTreeMap<InstanceName, Instance>,
    /// What is left out, a sentence each.
    pub(super) problems: Vec<String>,
}

/// What sound wishes make of it, for a process that started at `epoch`.
pub(crate) fn unmarked(sound: &Sound<'_>, epoch: u64) -> Unmarked {
    let mut made = Unmarked::default();
    for consumer in &sound.consumers {
        made.nodes.insert((folder_of(&consumer.interface), Category::Consumers, consumer_node(consumer, epoch)));
    }
    let mut served: BTreeMap<InstanceName, Vec<&Provider>> = BTreeMap::new();
    for provider in &sound.plain {
        if provider.level != Level::Instance {
            made.nodes.insert((
                folder_of(&provider.key.interface),
                Category::Providers,
                provider_node(provider, epoch),
            ));
        }
        if provider.level != Level::Interface {
            let application = provider.application.clone().unwrap_or_default();
            served.entry((application, instance_id(&provider.host, provider.port))).or_default().push(provider);
        }
    }
    for (name, providers) in served {
        let info = MetadataInfo { services: providers.iter().map(|provider| service(provider)).collect() };
        let len = info.services_json().to_string().len();
        if len > CONTENT_MAX_LEN {
            let (application, id) = &name;
            made.problems.push(format!("{application} has no instance at {id}: it has {len} bytes of metadata"));
        } else if let Some(first) = providers.first() {
            made.instances.insert(name.clone(), instance(&name.0, (&first.host, first.port), info, epoch));
        }
    }
    made
}

fn instance(application: &str, at: (&str, u16), info: MetadataInfo, epoch: u64) -> Instance {
    let revision = revision(application, &info);
    Instance {
        data: plain_instance_json(application, at, &revision, epoch),
        metadata: info.to_json(application, &revision),
        interfaces: info.services.iter().map(|service| service.interface.clone()).collect(),
        services: info.services.len(),
        revision,
    }
}

/// The name of a reference's node.
fn consumer_node(consumer: &Consumer, epoch: u64) -> String {
    let key = ServiceKey::new(consumer.interface.as_str(), consumer.group.as_deref(), consumer.version.as_deref());
    let mut parameters = filled(&consumer.parameters, &[("check", "false"), ("release", RELEASE)]);
    says_who(&mut parameters, &key, consumer.application.as_deref(), "consumer");
    parameters.insert("category".into(), "consumers".into());
    parameters.entry("timestamp".into()).or_insert_with(|| epoch.to_string());
    let url = Url {
        protocol: "consumer".into(),
        host: consumer.host.clone(),
        port: 0,
        path: consumer.interface.clone(),
        parameters,
    };
    url.encode()
}

/// The name of a provider's node.
fn provider_node(provider: &Provider, epoch: u64) -> String {
    let mut parameters = provider_parameters(provider);
    parameters.insert("anyhost".into(), "true".into());
    parameters.insert(EPOCH.into(), epoch.to_string());
    parameters.entry("timestamp".into()).or_insert_with(|| epoch.to_string());
    let url = Url {
        protocol: "dubbo".into(),
        host: provider.host.clone(),
        port: provider.port,
        path: path(provider),
        parameters,
    };
    url.encode()
}

fn service(provider: &Provider) -> ServiceInfo {
    let mut parameters = provider_parameters(provider);
    parameters.remove("timestamp");
    ServiceInfo {
        interface: provider.key.interface.clone(),
        group: provider.key.group.clone(),
        version: provider.key.version.clone(),
        protocol: "dubbo".into(),
        port: provider.port,
        path: path(provider),
        parameters,
    }
}

fn path(provider: &Provider) -> String {
    let path = if provider.path.is_empty() { &provider.key.interface } else { &provider.path };
    path.clone()
}

/// What both levels say of a provider.
fn provider_parameters(provider: &Provider) -> BTreeMap<String, String> {
    let usual = [
        ("deprecated", "false"),
        ("dynamic", "true"),
        ("generic", "false"),
        ("prefer.serialization", DEFAULT_SERIALIZATION),
        ("release", RELEASE),
        ("serialization", DEFAULT_SERIALIZATION),
        ("service-name-mapping", "true"),
    ];
    let mut parameters = filled(&provider.parameters, &usual);
    says_who(&mut parameters, &provider.key, provider.application.as_deref(), "provider");
    parameters
}

/// What is said, and the usual values of what is not.
fn filled(said: &Parameters, usual: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut parameters = said.0.clone();
    parameters.retain(|_, value| !value.is_empty());
    for (key, value) in usual {
        parameters.entry((*key).to_owned()).or_insert_with(|| (*value).to_owned());
    }
    parameters
}

fn says_who(parameters: &mut BTreeMap<String, String>, key: &ServiceKey, application: Option<&str>, side: &str) {
    let fixed = [
        ("application", application),
        ("dubbo", Some(PROTOCOL_VERSION)),
        ("group", key.group.as_deref()),
        ("interface", Some(key.interface.as_str())),
        ("side", Some(side)),
        ("version", key.version.as_deref()),
    ];
    for (name, value) in fixed {
        match value {
            Some(value) => parameters.insert(name.to_owned(), value.to_owned()),
            None => parameters.remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Desired;

    const EPOCH_OF_TEST: u64 = 1_795_000_000_000;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    fn provider(interface: &str) -> Provider {
        Provider {
            key: ServiceKey::new(interface, Some("G"), Some("1.0.0")),
            host: "10.0.0.7".into(),
            port: 20880,
            path: String::new(),
            level: Level::Both,
            application: Some("shop".into()),
            parameters: parameters(&[("methods", "bye,hello"), ("timeout", "700"), ("side", "consumer")]),
            highway: None,
        }
    }

    fn made(desired: &Desired) -> Unmarked {
        let sound = crate::publish::sound::sound(desired);
        assert_eq!(sound.problems, Vec::<String>::new());
        unmarked(&sound, desired.epoch)
    }

    fn text(made: &Unmarked) -> Vec<String> {
        made.nodes.iter().map(|(.., name)| Url::decode(name).unwrap().text()).collect()
    }

    #[test]
    fn a_provider_stands_at_both_levels_as_java_writes_it() {
        let desired = Desired {
            epoch: EPOCH_OF_TEST,
            plain: vec![provider("com.acme.Greeter"), provider("com.acme.Clock")],
            ..Desired::default()
        };
        let made = made(&desired);
        assert_eq!(
            text(&made)[1],
            "dubbo://10.0.0.7:20880/com.acme.Greeter?anyhost=true&application=shop&deprecated=false&dubbo=2.0.2&dynamic=true&\
             epoch=1795000000000&generic=false&group=G&interface=com.acme.Greeter&methods=bye,hello&\
             prefer.serialization=hessian2&release=2.7.23&serialization=hessian2&service-name-mapping=true&side=provider&\
             timeout=700&timestamp=1795000000000&version=1.0.0"
        );
        let instance = &made.instances[&("shop".to_owned(), "10.0.0.7:20880".to_owned())];
        assert_eq!((made.instances.len(), instance.services), (1, 2));
        let read = crate::instance_level::Instance::from_json("shop", instance.data.as_bytes()).unwrap();
        assert_eq!((read.highway(), read.epoch(), &read.revision), (None, EPOCH_OF_TEST, &instance.revision));
        let info = MetadataInfo::from_json(instance.metadata.as_bytes()).unwrap();
        let [clock, greeter] = &info.services[..] else { panic!("{info:?}") };
        assert_eq!((clock.interface.as_str(), greeter.interface.as_str()), ("com.acme.Clock", "com.acme.Greeter"));
        assert_eq!(
            (greeter.path.as_str(), greeter.port, greeter.group.as_deref()),
            ("com.acme.Greeter", 20880, Some("G"))
        );
        assert_eq!(greeter.parameters["side"], "provider");
        assert_eq!(greeter.parameters.get("timestamp").or(greeter.parameters.get(EPOCH)), None);
        // A restart changes nothing that the instance names.
        let later = self::made(&Desired { epoch: EPOCH_OF_TEST + 1, ..desired });
        let again = &later.instances[&("shop".to_owned(), "10.0.0.7:20880".to_owned())];
        assert_eq!((&again.revision, &again.metadata), (&instance.revision, &instance.metadata));
        assert_ne!(text(&later), text(&made));
    }

    #[test]
    fn a_provider_may_stand_at_one_level_alone() {
        let of = |level| {
            let plain = vec![Provider { level, ..provider("a.B") }];
            let made = made(&Desired { plain, ..Desired::default() });
            (made.nodes.len(), made.instances.len())
        };
        assert_eq!((of(Level::Interface), of(Level::Instance), of(Level::Both)), ((1, 0), (0, 1), (1, 1)));
    }

    #[test]
    fn a_reference_stands_as_java_writes_it_with_what_it_says() {
        let consumer = Consumer {
            application: Some("web".into()),
            host: "10.0.0.9".into(),
            interface: "com.acme.Greeter".into(),
            group: Some("*".into()),
            version: None,
            parameters: parameters(&[("highway.shanghai", "ALL"), ("timeout", "900"), ("category", "providers")]),
        };
        let made = made(&Desired { epoch: 7, consumers: vec![consumer], ..Desired::default() });
        assert_eq!(
            text(&made),
            [
                "consumer://10.0.0.9/com.acme.Greeter?application=web&category=consumers&check=false&dubbo=2.0.2&group=*&\
              highway.shanghai=ALL&interface=com.acme.Greeter&release=2.7.23&side=consumer&timeout=900&timestamp=7"
            ]
        );
        let (folder, category, name) = made.nodes.first().unwrap();
        assert_eq!((folder.as_str(), *category), ("com.acme.Greeter", Category::Consumers));
        let read = crate::interface_level::consumer(folder, name).unwrap();
        assert_eq!((read.application.as_deref(), read.group.as_deref(), read.version), (Some("web"), Some("*"), None));
    }
}
