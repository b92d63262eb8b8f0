//! From the copy of the tree to the lists of a view.
//!
//! One provider that registers at both levels counts once: same service, address and path. What the interface level says
//! stands, the instance level fills the gaps. Of several nodes of one provider at interface level (a restart before the
//! old session ended) the youngest counts. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::gateway::{Gateway, gateways};
use crate::interface_level::Registered;
use crate::mirror::Mirror;
use crate::registry::Level;
use crate::view::{Consumer, Provider, ServiceKey};

/// The same provider has the same place: protocol, service, address, path, and the tag of a virtual one.
type Identity<'m> = (&'m str, ServiceKey, String, u16, String, Option<String>);

/// Who is registered.
#[derive(Debug, Default)]
pub(crate) struct Assembled {
    /// Who speaks `dubbo://`, sorted by key, host and port.
    pub(crate) providers: Vec<Arc<Provider>>,
    /// What real providers offer over other protocols.
    pub(crate) foreign: BTreeSet<ServiceKey>,
    /// The part of it that is registered at interface level only.
    pub(crate) foreign_interface_only: BTreeSet<ServiceKey>,
    /// Where gateways stand.
    pub(crate) gateways: Vec<Gateway>,
}

/// Everybody who is registered.
pub(crate) fn providers(mirror: &Mirror) -> Assembled {
    let mut found: BTreeMap<Identity<'_>, Arc<Provider>> = BTreeMap::new();
    let nodes = mirror.interfaces.values().flat_map(|folder| folder.providers.nodes.values().flatten());
    for node in nodes {
        let identity = identity(&node.protocol, &node.provider);
        let known = found.entry(identity).or_insert_with(|| Arc::clone(&node.provider));
        if age(&node.provider) > age(known) {
            *known = Arc::clone(&node.provider);
        }
    }
    let at_instances: Vec<Registered> = mirror
        .instances()
        .flat_map(|(instance, node)| {
            node.info.iter().flat_map(|info| instance.providers(info, |interface| mirror.scope.has(interface)))
        })
        .collect();
    for Registered { protocol, provider } in &at_instances {
        found
            .entry(identity(protocol, provider))
            .and_modify(|known| *known = Arc::new(merged(known, provider)))
            .or_insert_with(|| Arc::clone(provider));
    }
    let mut assembled = Assembled { gateways: gateways(mirror), ..Assembled::default() };
    for ((protocol, ..), provider) in found {
        if protocol == "dubbo" {
            assembled.providers.push(provider);
        } else if !provider.is_virtual() {
            if provider.level == Level::Interface {
                assembled.foreign_interface_only.insert(provider.key.clone());
            }
            assembled.foreign.insert(provider.key.clone());
        }
    }
    assembled
}

/// All consumers' references.
pub(crate) fn consumers(mirror: &Mirror) -> Vec<Arc<Consumer>> {
    let nodes = mirror.interfaces.values().flat_map(|folder| folder.consumers.nodes.values().flatten());
    nodes.map(Arc::clone).collect()
}

fn identity<'m>(protocol: &'m str, provider: &Provider) -> Identity<'m> {
    let tag = provider.tag().filter(|_| provider.is_virtual()).map(str::to_owned);
    (protocol, provider.key.clone(), provider.host.clone(), provider.port, provider.path.clone(), tag)
}

/// The youngest counts: by the gateway's start, then by the process's.
fn age(provider: &Provider) -> (Option<u64>, Option<u64>) {
    let epoch = provider.parameters.get(crate::interface_level::EPOCH).and_then(|text| text.parse().ok());
    (epoch, provider.timestamp())
}

fn merged(known: &Provider, at_instance: &Provider) -> Provider {
    let mut merged = known.clone();
    if known.level == Level::Interface {
        merged.level = Level::Both;
    }
    for (key, value) in &at_instance.parameters.0 {
        merged.parameters.0.entry(key.clone()).or_insert_with(|| value.clone());
    }
    merged.application = merged.application.or_else(|| at_instance.application.clone());
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance_level::{Instance, instance_json};
    use crate::interface_level;
    use crate::metadata::{MetadataInfo, ServiceInfo};
    use crate::mirror::InstanceNode;
    use crate::url::percent_encode;

    fn at_interface(mirror: &mut Mirror, url: &str) {
        let name = percent_encode(url);
        let node = interface_level::registered("a.B", &name).map(Arc::new);
        mirror.interfaces.entry("a.B".into()).or_default().providers.nodes.insert(name, node);
    }

    fn at_instance(mirror: &mut Mirror, port: u16, parameters: &[(&str, &str)]) {
        let text = instance_json("app", ("10.0.0.1", port), None, "r", "", 0).replace(r#""highway":"""#, r#""x":"y""#);
        let instance = Instance::from_json("app", text.as_bytes()).map(Arc::new);
        let service = ServiceInfo {
            interface: "a.B".into(),
            protocol: "dubbo".into(),
            path: "a.B".into(),
            port,
            parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..ServiceInfo::default()
        };
        let info = Some(Arc::new(MetadataInfo { services: vec![service] }));
        let folder = mirror.applications.entry("app".into()).or_default();
        folder.instances.insert(format!("10.0.0.1:{port}"), InstanceNode::of(instance, info));
    }

    #[test]
    fn a_provider_at_both_levels_counts_once_and_keeps_what_each_level_says() {
        let mut mirror = Mirror::default();
        at_interface(&mut mirror, "dubbo://10.0.0.1:20880/a.B?application=shop&timestamp=7&weight=10");
        at_instance(&mut mirror, 20880, &[("weight", "99"), ("release", "3.3.6")]);
        at_instance(&mut mirror, 20881, &[]);
        let found = providers(&mirror).providers;
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].level, found[0].parameters.get("weight"), found[0].release()),
            (Level::Both, Some("10"), Some("3.3.6"))
        );
        assert_eq!(found[0].application.as_deref(), Some("shop"));
        assert_eq!((found[1].level, found[1].port), (Level::Instance, 20881));
    }

    #[test]
    fn of_two_nodes_of_one_provider_the_youngest_counts() {
        let mut mirror = Mirror::default();
        at_interface(&mut mirror, "dubbo://10.0.0.1:20880/a.B?application=shop&timestamp=8&weight=2");
        at_interface(&mut mirror, "dubbo://10.0.0.1:20880/a.B?application=shop&timestamp=9&weight=1");
        let found = providers(&mirror).providers;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].parameters.get("weight"), Some("1"));
    }

    #[test]
    fn another_group_version_or_path_is_another_provider() {
        let mut mirror = Mirror::default();
        for more in ["", "&group=g", "&version=1", "&group=g&version=1"] {
            at_interface(&mut mirror, &format!("dubbo://10.0.0.1:20880/a.B?x=1{more}"));
        }
        at_interface(&mut mirror, "dubbo://10.0.0.1:20880/ctx/a.B?interface=a.B");
        assert_eq!(providers(&mirror).providers.len(), 5);
    }

    #[test]
    fn a_triple_provider_is_nobody_to_call_but_a_local_provider() {
        let mut mirror = Mirror::default();
        at_interface(&mut mirror, "tri://10.0.0.1:50051/a.B?application=shop");
        at_interface(&mut mirror, "tri://10.0.0.1:50051/a.B?application=shop&group=marked&highway=gw-1");
        let found = providers(&mirror);
        assert!(found.providers.is_empty());
        let key = ServiceKey::new("a.B", None, None);
        assert_eq!((&found.foreign, &found.foreign_interface_only), (&[key.clone()].into(), &[key].into()));
    }
}
