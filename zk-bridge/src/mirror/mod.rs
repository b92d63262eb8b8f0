//! Our copy of what a registry's tree holds, and which parts of it have to be read again.
//!
//! ```text
//!   event or poll ─▶ Stale ─▶ read::refresh (session) ─▶ Mirror ─▶ assemble ─▶ View
//! ```
//!
//! A part is taken off the stale list only once it has been read: whatever goes wrong on the way is read again. What
//! may not be read keeps its last good state and is said.

mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::instance_level::Instance;
use crate::interface_level::Registered;
use crate::layout::{Layout, Place};
use crate::metadata::MetadataInfo;
use crate::view::Consumer;

/// The last good state of the tree.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    /// By the name of the folder.
    pub(crate) interfaces: BTreeMap<String, InterfaceFolder>,
    /// By application.
    pub(crate) applications: BTreeMap<String, ApplicationFolder>,
    /// What has to be read again.
    pub(crate) stale: Stale,
    /// Paths that we may not read.
    pub(crate) denied: BTreeSet<String>,
    /// Whether the tree has been read as a whole in this session.
    pub(crate) is_whole: bool,
    /// Whether there are more nodes than are read.
    pub(crate) is_overfull: bool,
}

/// The two folders of an interface.
#[derive(Debug, Default)]
pub(crate) struct InterfaceFolder {
    pub(crate) providers: Folder<Registered>,
    pub(crate) consumers: Folder<Consumer>,
}

/// The children of a folder, decoded.
#[derive(Debug)]
pub(crate) struct Folder<T> {
    /// Changes with every child that comes or goes; `None` while the folder was never read or is not there.
    changed_at: Option<i64>,
    /// By node name; `None` where the name says nothing to us.
    pub(crate) nodes: BTreeMap<String, Option<Arc<T>>>,
}

/// The instances of an application.
#[derive(Debug, Default)]
pub(crate) struct ApplicationFolder {
    changed_at: Option<i64>,
    /// By node name, `host:port`.
    pub(crate) instances: BTreeMap<String, InstanceNode>,
}

/// An instance and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct InstanceNode {
    /// Changes with every write.
    written_at: i64,
    /// The session that the node lives and dies with.
    pub(crate) owner: i64,
    /// `None` where it is none of Dubbo's.
    pub(crate) instance: Option<Arc<Instance>>,
    /// The last metadata that was known for it, perhaps of an older revision.
    pub(crate) info: Option<Arc<MetadataInfo>>,
}

/// What has to be read again.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    /// The lists of interfaces and applications themselves.
    roots: bool,
    /// Known to have changed.
    interfaces: BTreeSet<String>,
    /// Perhaps changed: a look at the folder's state will tell.
    doubtful_interfaces: BTreeSet<String>,
    applications: BTreeSet<String>,
    doubtful_applications: BTreeSet<String>,
    /// Application and id of instances whose data changed.
    instances: BTreeSet<(String, String)>,
}

impl<T> Default for Folder<T> {
    fn default() -> Self {
        Self { changed_at: None, nodes: BTreeMap::new() }
    }
}

impl Stale {
    /// Everything has to be looked at: a new session, a reconnect, a poll.
    pub(crate) fn doubt_everything(&mut self) {
        self.roots = true;
    }

    /// Takes note of a changed path; `false` where we do not read it.
    pub(crate) fn touch(&mut self, place: &Place, layout: &Layout) -> bool {
        match place {
            Place::Everything => self.roots = true,
            Place::Interface(folder) => {
                self.interfaces.insert(folder.clone());
                if layout.is_shared() {
                    self.applications.insert(folder.clone());
                }
            }
            Place::Application(application) => {
                self.applications.insert(application.clone());
            }
            Place::Instance(application, id) => {
                self.applications.insert(application.clone());
                self.instances.insert((application.clone(), id.clone()));
            }
            Place::Mapping(_) | Place::Metadata(..) | Place::Elsewhere => return false,
        }
        true
    }

    /// Whether something has to be read again.
    pub(crate) fn is_any(&self) -> bool {
        self.roots
            || !self.interfaces.is_empty()
            || !self.doubtful_interfaces.is_empty()
            || !self.applications.is_empty()
            || !self.doubtful_applications.is_empty()
            || !self.instances.is_empty()
    }
}

impl Mirror {
    /// Every instance of Dubbo's, with its node.
    pub(crate) fn instances(&self) -> impl Iterator<Item = (&Arc<Instance>, &InstanceNode)> {
        let nodes = self.applications.values().flat_map(|folder| folder.instances.values());
        nodes.filter_map(|node| Some((node.instance.as_ref()?, node)))
    }

    /// The same, to note what became known of them.
    pub(crate) fn instances_mut(&mut self) -> impl Iterator<Item = &mut InstanceNode> {
        self.applications.values_mut().flat_map(|folder| folder.instances.values_mut())
    }

    /// What we may not read has to be tried again: nobody tells when it is opened.
    pub(crate) fn doubt_denied(&mut self, layout: &Layout) {
        for path in &self.denied {
            self.stale.touch(&layout.place(path), layout);
        }
    }

    /// How many nodes are kept.
    fn node_count(&self) -> usize {
        let interfaces = self.interfaces.values();
        let instances = self.applications.values().map(|folder| folder.instances.len()).sum::<usize>();
        interfaces.map(|folder| folder.providers.nodes.len() + folder.consumers.nodes.len()).sum::<usize>() + instances
    }
}

#[cfg(test)]
impl InstanceNode {
    /// A node of nobody's, for tests.
    pub(crate) fn of(instance: Option<Arc<Instance>>, info: Option<Arc<MetadataInfo>>) -> Self {
        Self { written_at: 0, owner: 0, instance, info }
    }
}
