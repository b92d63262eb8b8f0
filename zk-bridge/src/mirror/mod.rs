//! Our copy of what a registry's tree holds, and which parts of it have to be read again.
//!
//! ```text
//!   event or poll ─▶ Stale ─▶ names::read_names ─▶ read::refresh (session) ─▶ Mirror ─▶ assemble ─▶ View
//! ```
//!
//! A part is taken off the stale list only once it has been read: whatever goes wrong on the way is read again. What
//! may not be read keeps its last good state and is said.

mod names;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::changes::{Depth, Watched};
use crate::instance_level::Instance;
use crate::interface_level::Registered;
use crate::layout::{Category, Layout, OWN_APPLICATION, Place, folder_of, interface_of};
use crate::metadata::MetadataInfo;
use crate::scope::Scope;
use crate::view::Consumer;

/// The last good state of the tree.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    /// By the name of the folder.
    pub(crate) interfaces: BTreeMap<String, InterfaceFolder>,
    /// By application.
    pub(crate) applications: BTreeMap<String, ApplicationFolder>,
    /// What of it is read.
    pub(crate) scope: Scope,
    /// Who exports the interfaces of a narrow scope, by interface; empty in a whole one.
    mappings: BTreeMap<String, BTreeSet<String>>,
    /// What has to be read again.
    stale: Stale,
    /// Paths that we may not read.
    pub(crate) denied: BTreeSet<String>,
    /// Whether the tree has been read as a whole in this session.
    pub(crate) is_whole: bool,
    /// Whether the names of everything have been read in this session.
    is_named: bool,
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
    /// Whether something has to be read again.
    fn is_any(&self) -> bool {
        self.roots
            || !self.interfaces.is_empty()
            || !self.doubtful_interfaces.is_empty()
            || !self.applications.is_empty()
            || !self.doubtful_applications.is_empty()
            || !self.instances.is_empty()
    }
}

impl Mirror {
    /// Nothing yet, of this scope.
    pub(crate) fn of(scope: Scope) -> Self {
        Self { scope, ..Self::default() }
    }

    /// From now on this is read.
    pub(crate) fn rescope(&mut self, scope: Scope) {
        self.scope = scope;
        self.denied.clear();
        self.stale = Stale { roots: true, ..Stale::default() };
    }

    /// Everything has to be looked at: a new session, a reconnect, a poll.
    pub(crate) fn doubt_everything(&mut self) {
        self.stale.roots = true;
    }

    /// Whether something has to be read again.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.is_any()
    }

    /// Takes note of a changed path; `false` where we do not read it.
    pub(crate) fn touch(&mut self, place: &Place, layout: &Layout) -> bool {
        match place {
            Place::Everything => self.stale.roots = true,
            Place::Interface(folder) => {
                let is_interface = self.scope.has(&interface_of(folder));
                if is_interface {
                    self.stale.interfaces.insert(folder.clone());
                }
                let is_application = layout.is_shared() && self.reads_instances_of(folder);
                if is_application {
                    self.stale.applications.insert(folder.clone());
                }
                return is_interface || is_application;
            }
            Place::Application(application) if self.reads_instances_of(application) => {
                self.stale.applications.insert(application.clone());
            }
            Place::Instance(application, id) if self.reads_instances_of(application) => {
                self.stale.applications.insert(application.clone());
                self.stale.instances.insert((application.clone(), id.clone()));
            }
            // Another application is to be read, or one less.
            Place::Mapping(interface) if self.mappings.contains_key(interface) => self.stale.roots = true,
            _ => return false,
        }
        true
    }

    /// Whether the application's instances are read; of gateways always, for their addresses.
    fn reads_instances_of(&self, application: &str) -> bool {
        application.starts_with(OWN_APPLICATION) || self.reads_metadata_of(application)
    }

    /// Whether what the application exports is read.
    fn reads_metadata_of(&self, application: &str) -> bool {
        match self.scope {
            Scope::Everything => true,
            Scope::Only(_) => self.mappings.values().any(|exporters| exporters.contains(application)),
        }
    }

    /// The applications that are named as exporting what is in a narrow scope; some of them more than once.
    fn exporters(&self) -> impl Iterator<Item = &str> {
        self.mappings.values().flatten().map(String::as_str)
    }

    /// The applications that export an interface of a narrow scope.
    pub(crate) fn exporters_of(&self, interface: &str) -> impl Iterator<Item = &str> {
        self.mappings.get(interface).into_iter().flatten().map(String::as_str)
    }

    /// What tells of all changes of what is read: the two folders, or in a narrow scope as little as does.
    pub(crate) fn watched(&self, layout: &Layout) -> Watched {
        let Scope::Only(interfaces) = &self.scope else {
            return layout.watched().into_iter().map(|folder| (folder, Depth::Tree)).collect();
        };
        let mut watched: Watched = [(layout.services(), Depth::Node)].into();
        for interface in interfaces {
            watched.insert(layout.category(&folder_of(interface), Category::Providers), Depth::Node);
            watched.insert(layout.mapping(interface), Depth::Node);
        }
        for application in self.exporters() {
            watched.insert(layout.application(application), Depth::Tree);
            watched.insert(layout.metadata_of(application), Depth::Tree);
        }
        for application in self.applications.keys() {
            watched.insert(layout.application(application), Depth::Tree);
        }
        watched
    }

    /// Every instance of Dubbo's of which we want to know what it exports, with its node.
    pub(crate) fn instances(&self) -> impl Iterator<Item = (&Arc<Instance>, &InstanceNode)> {
        let read = self.applications.iter().filter(|(name, _)| self.reads_metadata_of(name));
        let nodes = read.flat_map(|(_, folder)| folder.instances.values());
        let instances = nodes.filter_map(|node| Some((node.instance.as_ref()?, node)));
        instances.filter(|(instance, _)| !instance.exports_nothing())
    }

    /// Every instance, to note what became known of it.
    pub(crate) fn all_instances_mut(&mut self) -> impl Iterator<Item = &mut InstanceNode> {
        self.applications.values_mut().flat_map(|folder| folder.instances.values_mut())
    }

    /// What we may not read has to be tried again: nobody tells when it is opened.
    pub(crate) fn doubt_denied(&mut self, layout: &Layout) {
        for path in self.denied.clone() {
            self.touch(&layout.place(&path), layout);
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
