//! Where gateways of this island stand, read off the nodes that they marked.
//!
//! ```text
//!   instance         application highway-<island>-0, mark and address: it is there for this alone, for each port
//!                    application highway-<island>-<bucket>, mark and address, tag of the port
//!   interface node   mark and address, tag
//! ```
//!
//! A gateway has a port for every island that has none of its own, called [`ANY_ISLAND`] in the names of applications, and one for each
//! island that has. Addresses alone: what is offered there is for the providers of a view to say. Pure.

use std::collections::BTreeMap;

use crate::instance_level::Instance;
use crate::layout::OWN_APPLICATION;
use crate::mirror::Mirror;
use crate::view::Provider;

/// What stands in for the island in the names of instances on a gateway's port for all islands: no port is for an island of that name.
pub const ANY_ISLAND: &str = "default";

/// An address at which a gateway of this island takes calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gateway {
    /// The gateway's id.
    pub id: String,
    /// Its address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The island that the port is for; `None` where calls for any island may come in, or where only nodes without a tag
    /// are known of it.
    pub island: Option<String>,
    /// The tag of its nodes.
    pub tag: Option<String>,
}

/// Every address of a gateway that the tree names, each once, sorted.
pub(crate) fn gateways(mirror: &Mirror) -> Vec<Gateway> {
    let ours = mirror.applications.iter().filter(|(name, _)| name.starts_with(OWN_APPLICATION));
    let instances = ours.flat_map(|(_, folder)| folder.instances.values().filter_map(|node| node.instance.as_deref()));
    let nodes = mirror.interfaces.values().flat_map(|folder| folder.providers.nodes.values().flatten());
    each_once(instances.filter_map(of_instance).chain(nodes.filter_map(|node| of_provider(&node.provider))))
}

/// The same for a list of providers.
pub(crate) fn gateways_of<'p>(providers: impl IntoIterator<Item = &'p Provider>) -> Vec<Gateway> {
    each_once(providers.into_iter().filter_map(of_provider))
}

fn each_once(found: impl Iterator<Item = Gateway>) -> Vec<Gateway> {
    let mut known: BTreeMap<(String, String, u16), Gateway> = BTreeMap::new();
    for gateway in found {
        let place = (gateway.id.clone(), gateway.host.clone(), gateway.port);
        let known = known.entry(place).or_insert_with(|| gateway.clone());
        known.island = known.island.take().or(gateway.island);
        known.tag = known.tag.take().or(gateway.tag);
    }
    known.into_values().collect()
}

fn of_instance(instance: &Instance) -> Option<Gateway> {
    Some(Gateway {
        id: instance.highway()?.to_owned(),
        host: instance.host.clone(),
        port: instance.dubbo_port.unwrap_or(instance.port),
        island: island_of(&instance.application).map(str::to_owned),
        tag: instance.tag.clone(),
    })
}

fn of_provider(provider: &Provider) -> Option<Gateway> {
    let id = provider.highway.clone()?;
    // Nodes have the tag of their port, and that is the island.
    let tag = provider.tag().map(str::to_owned);
    Some(Gateway { id, host: provider.host.clone(), port: provider.port, island: tag.clone(), tag })
}

/// The island in `highway-<island>-<bucket>`.
fn island_of(application: &str) -> Option<&str> {
    let (island, bucket) = application.strip_prefix(OWN_APPLICATION)?.rsplit_once('-')?;
    let is_bucket = !bucket.is_empty() && bucket.bytes().all(|byte| byte.is_ascii_digit());
    Some(island).filter(|island| is_bucket && !island.is_empty() && *island != ANY_ISLAND)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::instance_level::instance_json;
    use crate::interface_level;
    use crate::mirror::InstanceNode;
    use crate::url::percent_encode;

    fn instance(mirror: &mut Mirror, application: &str, port: u16, tag: Option<&str>) {
        let text = instance_json(application, ("10.0.0.9", port), tag, "r", "gw-1", 1);
        let instance = Instance::from_json(application, text.as_bytes()).map(Arc::new);
        let folder = mirror.applications.entry(application.to_owned()).or_default();
        folder.instances.insert(format!("10.0.0.9:{port}"), InstanceNode::of(instance, None));
    }

    #[test]
    fn one_address_counts_once_and_says_what_instances_and_nodes_say_of_it() {
        let mut mirror = Mirror::default();
        instance(&mut mirror, "highway-default-2", 20990, None);
        instance(&mut mirror, "highway-default-3", 20990, None);
        instance(&mut mirror, "highway-far-east-1", 20991, Some("far-east"));
        instance(&mut mirror, "highway-default-0", 20990, None);
        instance(&mut mirror, "highway-far-east-0", 20991, None);
        for url in [
            "dubbo://10.0.0.9:20990/a.B?highway=gw-1",
            "dubbo://10.0.0.9:20992/a.B?highway=gw-1&dubbo.tag=west",
            "dubbo://10.0.0.1:20880/a.B?application=shop",
        ] {
            let node = interface_level::registered("a.B", &percent_encode(url)).map(Arc::new);
            mirror.interfaces.entry("a.B".into()).or_default().providers.nodes.insert(url.into(), node);
        }
        let found = gateways(&mirror);
        let said: Vec<_> = found.iter().map(|it| (it.port, it.island.as_deref(), it.tag.as_deref())).collect();
        assert_eq!(
            said,
            [(20990, None, None), (20991, Some("far-east"), Some("far-east")), (20992, Some("west"), Some("west"))]
        );
        assert!(found.iter().all(|it| it.id == "gw-1" && it.host == "10.0.0.9"));
    }

    #[test]
    fn an_island_may_have_dashes_and_a_bucket_is_a_number() {
        assert_eq!(island_of("highway-far-east-12"), Some("far-east"));
        for none in ["highway-default-1", "highway-x", "highway--1", "highway-x-", "shop"] {
            assert_eq!(island_of(none), None, "{none}");
        }
    }
}
