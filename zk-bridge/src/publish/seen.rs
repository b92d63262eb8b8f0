//! What is there of the nodes that carry no mark: each is looked at by its path, since nothing else tells whose it is.
//!
//! ```text
//!   owner                     a node                             an instance
//!   this session              stays                              stays, or has a new revision set
//!   an earlier one of ours    replaced                           replaced
//!   somebody else             taken for there while wanted,      replaced while wanted: the address is ours,
//!                             else left alone                    unless who wrote it started later; else left alone
//! ```
//!
//! It remembers what this process ever wanted until that is gone, over sessions: what is not wanted any more has to go, and no mark would tell.
//! Never lists a folder.

use std::collections::{BTreeMap, BTreeSet};

use zookeeper_client::Error;

use super::unmarked::Unmarked;
use super::{Current, InstanceName, NodeName, OwnMetadata, OwnNode, Owner};
use crate::instance_level::Instance;
use crate::layout::Layout;
use crate::session::Session;

/// Sessions of ours that are remembered; the server has ended older ones long ago.
const SESSIONS_MAX: usize = 16;

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    nodes: BTreeSet<NodeName>,
    instances: BTreeSet<InstanceName>,
    /// The sessions that this process had, the present one last.
    sessions: Vec<i64>,
    /// By path; `None` where nothing is there.
    found: BTreeMap<String, Option<Found>>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    owner: i64,
    /// Of an instance.
    revision: String,
    epoch: u64,
}

impl Seen {
    /// Another session begins.
    pub(crate) fn new_session(&mut self, id: i64) {
        self.forget();
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.remove(0);
        }
        self.sessions.push(id);
    }

    /// Everything has to be looked at again.
    pub(crate) fn forget(&mut self) {
        self.found.clear();
    }

    /// Takes note of a changed path; `false` where it is none of these.
    pub(crate) fn touch(&mut self, path: &str) -> bool {
        self.found.remove(path).is_some()
    }

    /// Reads what is not known of what `wanted` and earlier wishes are about, and adds it to what is there.
    ///
    /// # Errors
    /// The connection or session is lost.
    pub(crate) async fn add_to(
        &mut self,
        current: &mut Current,
        session: &Session,
        layout: &Layout,
        wanted: &Unmarked,
    ) -> Result<(), Error> {
        self.nodes.extend(wanted.nodes.iter().cloned());
        self.instances.extend(wanted.instances.keys().cloned());
        let nodes = self.nodes.iter().map(|name| layout.node(name));
        let instances = self.instances.iter().map(|(application, id)| layout.instance(application, id));
        let metadata = wanted.metadata_paths(layout).into_iter().map(|(path, ..)| path);
        self.read(session, nodes.chain(instances).chain(metadata).collect()).await?;
        self.add_nodes(current, layout, wanted);
        self.add_instances(current, layout, wanted);
        for (path, is_go, name) in wanted.metadata_paths(layout) {
            if self.at(&path).is_some() {
                let known: &mut OwnMetadata = current.metadata.entry(name).or_default();
                known.for_go |= is_go;
                known.for_java |= !is_go;
            }
        }
        Ok(())
    }

    async fn read(&mut self, session: &Session, paths: BTreeSet<String>) -> Result<(), Error> {
        self.found.retain(|path, _| paths.contains(path));
        let unknown: Vec<String> = paths.into_iter().filter(|path| !self.found.contains_key(path)).collect();
        let answers = session.each(&unknown, |path| session.client.get_data(path)).await?;
        for (path, answer) in unknown.into_iter().zip(answers) {
            let found = match answer {
                Ok((data, stat)) => {
                    let instance = Instance::from_json("", &data);
                    let epoch = instance.as_ref().map_or(0, Instance::epoch);
                    let revision = instance.map(|instance| instance.revision).unwrap_or_default();
                    Some(Found { owner: stat.ephemeral_owner, revision, epoch })
                }
                Err(Error::NoNode) => None,
                // It is there, and whoever made it does not show it to us.
                Err(_) => Some(Found { owner: 0, revision: String::new(), epoch: 0 }),
            };
            self.found.insert(path, found);
        }
        Ok(())
    }

    fn add_nodes(&mut self, current: &mut Current, layout: &Layout, wanted: &Unmarked) {
        for name in std::mem::take(&mut self.nodes) {
            let is_wanted = wanted.nodes.contains(&name);
            let owner = self.at(&layout.node(&name)).map(|found| self.owner(found));
            let owner = match owner {
                Some(Some(ours)) => Some(ours),
                Some(None) if is_wanted => Some(Owner::ThisSession),
                _ => None,
            };
            if let Some(owner) = owner {
                let node = OwnNode { owner, epoch: 0, revision: String::new() };
                current.interface_nodes.insert(name.clone(), node);
            }
            if is_wanted || owner.is_some() {
                self.nodes.insert(name);
            }
        }
    }

    fn add_instances(&mut self, current: &mut Current, layout: &Layout, wanted: &Unmarked) {
        for name in std::mem::take(&mut self.instances) {
            let is_wanted = wanted.instances.contains_key(&name);
            let found = self.at(&layout.instance(&name.0, &name.1)).map(|found| (found.clone(), self.owner(found)));
            let node = found.filter(|(_, owner)| is_wanted || owner.is_some()).map(
                |(Found { revision, epoch, .. }, owner)| OwnNode {
                    owner: owner.unwrap_or(Owner::OldSession),
                    epoch,
                    revision,
                },
            );
            if is_wanted || node.is_some() {
                self.instances.insert(name.clone());
            }
            current.instances.extend(node.map(|node| (name, node)));
        }
    }

    fn at(&self, path: &str) -> Option<&Found> {
        self.found.get(path)?.as_ref()
    }

    /// Which of our sessions; `None` where it is somebody else's.
    fn owner(&self, found: &Found) -> Option<Owner> {
        let position = self.sessions.iter().rposition(|session| *session == found.owner)?;
        Some(if position + 1 == self.sessions.len() { Owner::ThisSession } else { Owner::OldSession })
    }
}

impl Unmarked {
    /// Where its metadata stands: path, whether it is dubbo-go's place, name.
    fn metadata_paths(&self, layout: &Layout) -> Vec<(String, bool, super::MetadataName)> {
        let mut paths = Vec::new();
        for ((application, _), instance) in &self.instances {
            let name = (application.clone(), instance.revision.clone());
            paths.extend(layout.go_metadata(application, &instance.revision).map(|path| (path, true, name.clone())));
            paths.push((layout.metadata(application, &instance.revision), false, name));
        }
        paths
    }

    /// What tells that something of it was taken away or changed.
    pub(crate) fn watched(&self, layout: &Layout) -> impl Iterator<Item = String> {
        let nodes = self.nodes.iter().map(|name| layout.node(name));
        let instances = self.instances.keys().map(|(application, id)| layout.instance(application, id));
        let interfaces = self.instances.values().flat_map(|instance| &instance.interfaces);
        let mappings = interfaces.map(|interface| layout.mapping(interface));
        let metadata = self.metadata_paths(layout).into_iter().map(|(path, ..)| path);
        nodes.chain(instances).chain(mappings).chain(metadata).collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Category;

    fn name(name: &str) -> NodeName {
        ("a.B".into(), Category::Consumers, name.into())
    }

    fn instance(port: u16) -> InstanceName {
        ("shop".into(), format!("10.0.0.7:{port}"))
    }

    /// What is there where these are wanted and all of them are found with an owner and an epoch.
    fn current(seen: &mut Seen, wanted: (&[&str], &[u16]), found: &[(String, i64)]) -> Current {
        let layout = Layout::new("dubbo", "services");
        let what = crate::publish::wanted::Instance {
            revision: "r".into(),
            data: String::new(),
            metadata: String::new(),
            interfaces: BTreeSet::new(),
            services: 1,
        };
        let mut unmarked = Unmarked::default();
        unmarked.nodes.extend(wanted.0.iter().map(|it| name(it)));
        unmarked.instances.extend(wanted.1.iter().map(|port| (instance(*port), what.clone())));
        seen.nodes.extend(unmarked.nodes.iter().cloned());
        seen.instances.extend(unmarked.instances.keys().cloned());
        let there = |owner| Some(Found { owner, revision: "r".into(), epoch: 5 });
        seen.found = found.iter().map(|(path, owner)| (path.clone(), there(*owner))).collect();
        let mut current = Current::default();
        seen.add_nodes(&mut current, &layout, &unmarked);
        seen.add_instances(&mut current, &layout, &unmarked);
        current
    }

    #[test]
    fn what_an_earlier_session_of_ours_made_is_ours_and_what_another_process_made_is_left_alone() {
        let layout = Layout::new("dubbo", "services");
        let mut seen = Seen::default();
        seen.new_session(1);
        seen.new_session(2);
        let at = |node: &str| layout.node(&name(node));
        let of = |port| layout.instance("shop", &instance(port).1);
        let found = [(at("now"), 2), (at("before"), 1), (at("theirs"), 9), (of(1), 2), (of(2), 1), (of(3), 9)];
        let there = current(&mut seen, (&["now", "before", "theirs", "absent"], &[1, 2, 3, 4]), &found);
        let owner = |current: &Current, node: &str| current.interface_nodes.get(&name(node)).map(|it| it.owner);
        let owner_of = |current: &Current, port| current.instances.get(&instance(port)).map(|it| it.owner);
        assert_eq!(owner(&there, "now"), Some(Owner::ThisSession));
        assert_eq!(owner(&there, "before"), Some(Owner::OldSession));
        assert_eq!(owner(&there, "theirs"), Some(Owner::ThisSession), "it is there, whoever made it");
        assert_eq!((owner(&there, "absent"), owner_of(&there, 4)), (None, None));
        assert_eq!((owner_of(&there, 1), owner_of(&there, 2)), (Some(Owner::ThisSession), Some(Owner::OldSession)));
        assert_eq!(owner_of(&there, 3), Some(Owner::OldSession), "the address is ours");

        // Wanted no more: what is ours is known, to be taken away, until it is gone; the rest is forgotten.
        let there = current(&mut seen, (&[], &[]), &found);
        assert_eq!((there.interface_nodes.len(), there.instances.len()), (2, 2));
        assert_eq!((owner(&there, "theirs"), owner_of(&there, 3)), (None, None));
        let there = current(&mut seen, (&[], &[]), &[]);
        assert_eq!((there.interface_nodes.len(), there.instances.len()), (0, 0));
        assert_eq!((seen.nodes.len(), seen.instances.len()), (0, 0));
    }
}
