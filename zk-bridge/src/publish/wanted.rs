//! Every node that shall be there, with its content.
//!
//! Equal wishes give equal nodes: everything is sorted, and a revision is a digest of the application's name and the
//! content, since two applications with one revision text hide each other from consumers. Pure.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::bucket::{self, Item};
use super::sound::Sound;
use super::unmarked::unmarked;
use super::{Current, InstanceName};
use crate::instance_level::{NO_REVISION, instance_id, instance_json};
use crate::interface_level::{node_name, service_parameters};
use crate::layout::{Category, OWN_APPLICATION, folder_of};
use crate::metadata::{MetadataInfo, ServiceInfo};
use crate::registry::{Stand, VirtualProvider};

/// Who publishes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Publisher<'a> {
    pub(super) gateway: &'a str,
    pub(super) epoch: u64,
}

/// One instance that shall be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) revision: String,
    pub(crate) data: String,
    pub(crate) metadata: String,
    pub(crate) interfaces: BTreeSet<String>,
    /// How many providers stand in it. None in one that says where a gateway stands, which has no metadata either.
    pub(crate) services: usize,
}

/// Where the instances of an island are reached, and the tag of that port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Address<'a> {
    island: &'a str,
    at: (&'a str, u16),
    tag: Option<&'a str>,
}

/// Everything that shall be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Node names by interface folder and category.
    pub(super) interface_nodes: BTreeMap<(String, Category), BTreeSet<String>>,
    pub(super) instances: BTreeMap<InstanceName, Instance>,
    pub(super) problems: Vec<String>,
}

impl Wanted {
    /// Applications by interface, as the mappings shall have them.
    pub(super) fn mappings(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut mappings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ((application, _), instance) in &self.instances {
            for interface in &instance.interfaces {
                mappings.entry(interface).or_default().insert(application);
            }
        }
        mappings
    }
}

/// What sound wishes want of the tree.
pub(super) fn wanted(sound: &Sound<'_>, publisher: Publisher<'_>, current: &Current) -> Wanted {
    let mut wanted = of_gateway(&sound.providers, publisher, current);
    wanted.instances.extend(sound.stands.iter().map(|stand| standing(stand, publisher)));
    let mut own = unmarked(sound, publisher.epoch);
    for (folder, category, name) in own.nodes {
        wanted.interface_nodes.entry((folder, category)).or_default().insert(name);
    }
    wanted.instances.append(&mut own.instances);
    wanted.problems.append(&mut own.problems);
    wanted
}

/// What virtual providers want.
fn of_gateway(providers: &[&VirtualProvider], publisher: Publisher<'_>, current: &Current) -> Wanted {
    let mut wanted = Wanted::default();
    let mut groups: BTreeMap<Address<'_>, Vec<Item<ServiceInfo>>> = BTreeMap::new();
    for provider in providers {
        let folder = (folder_of(&provider.key.interface), Category::Providers);
        let folder = wanted.interface_nodes.entry(folder).or_default();
        folder.insert(node_name(provider, publisher.gateway, publisher.epoch));
        if current.interface_only.contains(&provider.key) {
            continue;
        }
        let service = service(provider, publisher);
        let len = MetadataInfo { services: vec![service.clone()] }.services_json().to_string().len();
        if len > bucket::CONTENT_MAX_LEN {
            let key = &provider.key;
            wanted.problems.push(format!("{key} is published at interface level only: it has {len} bytes of metadata"));
            continue;
        }
        let address =
            Address { island: &provider.island, at: (&provider.host, provider.port), tag: provider.tag.as_deref() };
        let group = groups.entry(address).or_default();
        group.push(Item { name: provider.key.to_string(), len, what: service });
    }
    for (address, items) in groups {
        let id = instance_id(address.at.0, address.at.1);
        for (number, items) in bucket::spread(items, &numbers_in_use(current, address.island, &id)) {
            let application = application(address.island, number);
            let services: Vec<ServiceInfo> = items.into_iter().map(|item| item.what).collect();
            let instance = instance(&application, address, services, publisher);
            wanted.instances.insert((application, id.clone()), instance);
        }
    }
    wanted
}

/// The number in the name of applications that say where gateways stand: no bucket has it. No mapping names them and their instances
/// export nothing, so no consumer ever looks there.
const STANDING: u32 = 0;

fn standing(stand: &Stand, Publisher { gateway, epoch }: Publisher<'_>) -> (InstanceName, Instance) {
    let Stand { island, host, port } = stand;
    let application = application(island, STANDING);
    let instance = Instance {
        revision: NO_REVISION.to_owned(),
        data: instance_json(&application, (host, *port), None, NO_REVISION, gateway, epoch),
        metadata: String::new(),
        interfaces: BTreeSet::new(),
        services: 0,
    };
    ((application, instance_id(host, *port)), instance)
}

/// `highway-<island>-<bucket>`.
fn application(island: &str, number: u32) -> String {
    format!("{OWN_APPLICATION}{island}-{number}")
}

/// The buckets of an island that our own instances at `id` have now.
fn numbers_in_use(current: &Current, island: &str, id: &str) -> BTreeSet<u32> {
    let prefix = format!("{OWN_APPLICATION}{island}-");
    let here = current.instances.keys().filter(|(_, at)| at == id);
    here.filter_map(|(application, _)| application.strip_prefix(&prefix)?.parse().ok()).collect()
}

fn service(provider: &VirtualProvider, publisher: Publisher<'_>) -> ServiceInfo {
    ServiceInfo {
        interface: provider.key.interface.clone(),
        group: provider.key.group.clone(),
        version: provider.key.version.clone(),
        protocol: "dubbo".into(),
        port: provider.port,
        path: provider.key.interface.clone(),
        parameters: service_parameters(provider, publisher.gateway, publisher.epoch),
    }
}

fn instance(
    application: &str,
    Address { at, tag, .. }: Address<'_>,
    services: Vec<ServiceInfo>,
    Publisher { gateway, epoch }: Publisher<'_>,
) -> Instance {
    let info = MetadataInfo { services };
    let revision = revision(application, &info);
    Instance {
        data: instance_json(application, at, tag, &revision, gateway, epoch),
        metadata: info.to_json(application, &revision),
        interfaces: info.services.iter().map(|service| service.interface.clone()).collect(),
        services: info.services.len(),
        revision,
    }
}

/// 32 hexadecimal digits, as long as the MD5 of real providers.
pub(super) fn revision(application: &str, info: &MetadataInfo) -> String {
    let mut digest = Sha256::new();
    digest.update(application.as_bytes());
    digest.update([0]);
    digest.update(info.services_json().to_string().as_bytes());
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
