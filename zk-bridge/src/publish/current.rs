//! What is there of ours: from the mirror, and from the few nodes that only a publisher reads.
//!
//! What was read is kept until somebody says that it changed; who owns one of our nodes is asked once, since a node
//! that this session made is this session's until it is deleted.

use std::collections::{BTreeMap, BTreeSet};

use zookeeper_client::Error;

use super::seen::Seen;
use super::{Current, Mapping, MetadataName, NodeName, OwnMetadata, OwnNode, Owner, is_of_gateways, unmarked};
use crate::interface_level::{EPOCH, MARK};
use crate::layout::{Category, Layout, Place, applications_in, is_one_segment};
use crate::metadata::MetadataInfo;
use crate::mirror::{InstanceNode, Mirror};
use crate::registry::Desired;
use crate::session::Session;
use crate::view::ServiceKey;

/// The folders of gateways' applications in which no other gateway stands.
fn own_folders(mirror: &Mirror, gateway: &str) -> BTreeSet<String> {
    let is_ours = |node: &InstanceNode| node.instance.as_ref().is_some_and(|it| it.highway() == Some(gateway));
    let of_gateways = mirror.applications.iter().filter(|(name, _)| is_of_gateways(name));
    let own = of_gateways.filter(|(_, folder)| folder.instances.values().all(is_ours));
    own.map(|(name, _)| name.clone()).collect()
}

/// What only a publisher reads, kept for one session.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Interface nodes that are this session's, by path.
    mine: BTreeSet<String>,
    /// By interface; `None` where there is no node.
    mappings: BTreeMap<String, Option<Mapping>>,
    /// Ours, if it was read.
    metadata: Option<BTreeMap<MetadataName, OwnMetadata>>,
    /// What has no mark.
    seen: Seen,
}

impl Known {
    /// Another session begins.
    pub(crate) fn new_session(&mut self, id: i64) {
        self.forget();
        self.seen.new_session(id);
    }

    fn forget(&mut self) {
        self.mine.clear();
        self.seen.forget();
        self.doubt();
    }

    /// Takes note of a changed place; `false` where it concerns nobody here.
    pub(crate) fn touch(&mut self, place: &Place) -> bool {
        match place {
            Place::Mapping(interface) => self.mappings.remove(interface).is_some(),
            Place::Metadata(application, _) if is_of_gateways(application) => self.metadata.take().is_some(),
            Place::Everything => {
                self.forget();
                true
            }
            _ => false,
        }
    }

    /// Takes note of a node that came, went or was written; `false` where it concerns nobody here.
    pub(crate) fn touch_node(&mut self, path: &str) -> bool {
        self.mine.remove(path) | self.seen.touch(path)
    }

    /// Forgets what a poll has to find out again; who owns what stays known.
    pub(crate) fn doubt(&mut self) {
        self.mappings.clear();
        self.metadata = None;
        self.seen.forget();
    }

    /// Reads what is not known and puts everything together. `interface_only` are the services with a real
    /// provider that is registered at interface level only.
    ///
    /// # Errors
    /// The connection or session is lost.
    pub(crate) async fn current(
        &mut self,
        session: &Session,
        layout: &Layout,
        mirror: &Mirror,
        desired: &Desired,
        interface_only: &BTreeSet<ServiceKey>,
    ) -> Result<Current, Error> {
        let gateway = desired.gateway.as_str();
        let unmarked = unmarked(desired);
        let metadata = if gateway.is_empty() {
            // Who is no gateway marks nothing.
            BTreeMap::new()
        } else {
            self.own_metadata(session, layout, gateway).await?.clone()
        };
        let wanted = desired.providers.iter().map(|provider| provider.key.interface.clone());
        let wanted = wanted.chain(unmarked.instances.values().flat_map(|instance| instance.interfaces.iter().cloned()));
        let recorded = metadata.values().flat_map(|it| it.interfaces.iter().cloned());
        let interfaces: BTreeSet<String> = wanted.chain(recorded).filter(|name| is_one_segment(name)).collect();
        let mappings = self.read_mappings(session, layout, &interfaces).await?;
        let (of_others, unknown_of_others) = others(mirror, gateway);
        let mut current = Current {
            interface_nodes: self.own_interface_nodes(session, layout, mirror, gateway).await?,
            instances: own_instances(session, mirror, gateway),
            folders: own_folders(mirror, gateway),
            metadata,
            mappings,
            interface_only: interface_only.clone(),
            of_others,
            unknown_of_others,
        };
        self.seen.add_to(&mut current, session, layout, &unmarked).await?;
        Ok(current)
    }

    async fn own_interface_nodes(
        &mut self,
        session: &Session,
        layout: &Layout,
        mirror: &Mirror,
        gateway: &str,
    ) -> Result<BTreeMap<NodeName, OwnNode>, Error> {
        let mut nodes = Vec::new();
        for (folder, content) in &mirror.interfaces {
            let ours = content.providers.nodes.iter().filter_map(|(name, node)| Some((name, node.as_ref()?)));
            for (name, node) in ours.filter(|(_, node)| node.provider.highway.as_deref() == Some(gateway)) {
                let epoch = node.provider.parameters.get(EPOCH).and_then(|text| text.parse().ok()).unwrap_or(0);
                let name = (folder.clone(), Category::Providers, name.clone());
                nodes.push((layout.node(&name), name, epoch));
            }
        }
        let unknown: Vec<&String> =
            nodes.iter().map(|(path, ..)| path).filter(|path| !self.mine.contains(*path)).collect();
        let stats = session.each(&unknown, |path| session.client.check_stat(path)).await?;
        let mut vanished = BTreeSet::new();
        let mut mine = Vec::new();
        for (path, stat) in unknown.into_iter().zip(stats) {
            match stat {
                Ok(Some(stat)) if stat.ephemeral_owner == session.id() => mine.push(path.clone()),
                Ok(Some(_)) | Err(_) => {}
                Ok(None) => {
                    vanished.insert(path.clone());
                }
            }
        }
        self.mine.extend(mine);
        let owner = |path: &String| if self.mine.contains(path) { Owner::ThisSession } else { Owner::OldSession };
        let there = nodes.into_iter().filter(|(path, ..)| !vanished.contains(path));
        Ok(there
            .map(|(path, name, epoch)| (name, OwnNode { owner: owner(&path), epoch, revision: String::new() }))
            .collect())
    }

    async fn read_mappings(
        &mut self,
        session: &Session,
        layout: &Layout,
        interfaces: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Mapping>, Error> {
        let unknown: Vec<&String> = interfaces.iter().filter(|name| !self.mappings.contains_key(*name)).collect();
        let answers = session.each(&unknown, |name| session.client.get_data(&layout.mapping(name))).await?;
        for (interface, answer) in unknown.into_iter().zip(answers) {
            let mapping = match answer {
                Ok((data, stat)) => Some(Mapping { applications: applications_in(&data), version: stat.version }),
                Err(_) => None,
            };
            self.mappings.insert(interface.clone(), mapping);
        }
        self.mappings.retain(|name, _| interfaces.contains(name));
        let there = self.mappings.iter().filter_map(|(name, mapping)| Some((name.clone(), mapping.clone()?)));
        Ok(there.collect())
    }

    async fn own_metadata(
        &mut self,
        session: &Session,
        layout: &Layout,
        gateway: &str,
    ) -> Result<&BTreeMap<MetadataName, OwnMetadata>, Error> {
        if self.metadata.is_none() {
            self.metadata = Some(read_metadata(session, layout, gateway).await?);
        }
        Ok(self.metadata.get_or_insert_default())
    }
}

/// Every metadata node with our mark, at both places.
async fn read_metadata(
    session: &Session,
    layout: &Layout,
    gateway: &str,
) -> Result<BTreeMap<MetadataName, OwnMetadata>, Error> {
    let folders = [layout.all_metadata(), layout.root()];
    let answers = session.each(&folders, |path| session.client.list_children(path)).await?;
    let mut applications = BTreeSet::new();
    for names in answers.into_iter().flatten() {
        applications.extend(names.into_iter().filter(|name| is_of_gateways(name)));
    }
    let mut names = BTreeSet::new();
    for application in applications {
        let java = layout.metadata(&application, "");
        let go = layout.go_metadata(&application, "");
        let folders: Vec<String> =
            [Some(java), go].into_iter().flatten().map(|it| it.trim_end_matches('/').into()).collect();
        let answers = session.each(&folders, |path| session.client.list_children(path)).await?;
        names.extend(answers.into_iter().flatten().flatten().map(|revision| (application.clone(), revision)));
    }
    let mut places = Vec::new();
    for (application, revision) in names {
        let go = layout.go_metadata(&application, &revision).map(|path| (path, true));
        let java = (layout.metadata(&application, &revision), false);
        let both = [Some(java), go].into_iter().flatten();
        places.extend(both.map(|(path, is_go)| (path, is_go, (application.clone(), revision.clone()))));
    }
    let answers = session.each(&places, |(path, ..)| session.client.get_data(path)).await?;
    let mut ours: BTreeMap<MetadataName, OwnMetadata> = BTreeMap::new();
    for ((_, is_go, name), answer) in places.into_iter().zip(answers) {
        let Ok((data, _)) = answer else { continue };
        let Ok(info) = MetadataInfo::from_json(&data) else { continue };
        if !info.services.iter().any(|service| service.parameters.get(MARK).is_some_and(|mark| mark == gateway)) {
            continue;
        }
        let known = ours.entry(name).or_default();
        known.for_go |= is_go;
        known.for_java |= !is_go;
        known.interfaces.extend(info.services.into_iter().map(|service| service.interface));
    }
    Ok(ours)
}

fn own_instances(session: &Session, mirror: &Mirror, gateway: &str) -> BTreeMap<super::InstanceName, OwnNode> {
    let mut ours = BTreeMap::new();
    for (application, folder) in mirror.applications.iter().filter(|(name, _)| is_of_gateways(name)) {
        for (id, node) in &folder.instances {
            let Some(instance) = node.instance.as_ref().filter(|it| it.highway() == Some(gateway)) else { continue };
            let owner = if node.owner == session.id() { Owner::ThisSession } else { Owner::OldSession };
            let (epoch, revision) = (instance.epoch(), instance.revision.clone());
            ours.insert((application.clone(), id.clone()), OwnNode { owner, epoch, revision });
        }
    }
    ours
}

/// What other gateways export at instance level, and the applications of which that is not known.
fn others(mirror: &Mirror, gateway: &str) -> (BTreeSet<(String, String)>, BTreeSet<String>) {
    let mut exported = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    for (instance, node) in mirror.instances() {
        if !is_of_gateways(&instance.application) || instance.highway() == Some(gateway) {
            continue;
        }
        match &node.info {
            None => {
                unknown.insert(instance.application.clone());
            }
            Some(info) => {
                let interfaces = info.services.iter().map(|service| service.interface.clone());
                exported.extend(interfaces.map(|interface| (instance.application.clone(), interface)));
            }
        }
    }
    (exported, unknown)
}
