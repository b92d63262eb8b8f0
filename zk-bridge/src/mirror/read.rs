//! Reading the stale parts of the tree again: what changed at once, what perhaps changed after a look at its state.
//!
//! Requests are sent many at a time and answered in order. It stops at the first lost connection; what was read until
//! then is kept, the rest stays stale. A folder that is not there is an empty one.

use std::collections::BTreeSet;
use std::sync::Arc;

use zookeeper_client::{Error, Stat};

use super::{ApplicationFolder, Folder, InstanceNode, Mirror};
use crate::instance_level::Instance;
use crate::interface_level;
use crate::layout::{Category, Layout, interface_of};
use crate::session::Session;

/// Nodes that are kept of one registry; beyond it nothing more is read, and that is said.
const NODES_MAX: usize = 500_000;

impl Mirror {
    /// Reads everything stale, the names having been read.
    ///
    /// # Errors
    /// The connection or session is lost, or the server answered something odd.
    pub(crate) async fn refresh(&mut self, session: &Session, layout: &Layout) -> Result<(), Error> {
        self.settle_doubts(session, layout).await?;
        self.read_interfaces(session, layout).await?;
        self.read_applications(session, layout).await?;
        self.read_instances(session, layout).await?;
        self.is_whole |= self.is_named;
        self.is_overfull = self.node_count() > NODES_MAX;
        Ok(())
    }

    /// Looks at the state of what is in doubt; what is new or different is read then. Since 3.8 a server does not show
    /// the state of what is closed to us: reading finds that out and says so.
    async fn settle_doubts(&mut self, session: &Session, layout: &Layout) -> Result<(), Error> {
        let unsure = self.stale.doubtful_interfaces.iter().filter(|name| !self.stale.interfaces.contains(*name));
        let doubtful = self.folders(unsure);
        let answers = session
            .each(&doubtful, |(name, category)| session.client.check_stat(&layout.category(name, *category)))
            .await?;
        for ((name, category), answer) in doubtful.into_iter().zip(answers) {
            let closed = answer.is_err();
            let now = answer.ok().flatten().map(|stat| stat.pzxid);
            let known = self.interfaces.get(&name).and_then(|folder| match category {
                Category::Providers => folder.providers.changed_at,
                Category::Consumers => folder.consumers.changed_at,
            });
            if closed || now != known {
                self.stale.interfaces.insert(name);
            }
        }
        self.stale.doubtful_interfaces.clear();

        let doubtful: Vec<String> = self.stale.doubtful_applications.iter().cloned().collect();
        let answers = session.each(&doubtful, |name| session.client.check_stat(&layout.application(name))).await?;
        for (name, answer) in doubtful.iter().zip(answers) {
            let closed = answer.is_err();
            let now = answer.ok().flatten().map(|stat| stat.pzxid);
            if closed || now != self.applications.get(name).and_then(|folder| folder.changed_at) {
                self.stale.applications.insert(name.clone());
            }
        }
        let known: Vec<(String, String)> = doubtful
            .iter()
            .filter_map(|name| Some((name, self.applications.get(name)?)))
            .flat_map(|(name, folder)| folder.instances.keys().map(|id| (name.clone(), id.clone())))
            .collect();
        let answers = session.each(&known, |(name, id)| session.client.check_stat(&layout.instance(name, id))).await?;
        for ((name, id), answer) in known.into_iter().zip(answers) {
            let closed = answer.is_err();
            let now = answer.ok().flatten().map(|stat| stat.mzxid);
            if closed
                || now
                    != self.applications.get(&name).and_then(|folder| folder.instances.get(&id)).map(|it| it.written_at)
            {
                self.stale.applications.insert(name.clone());
                self.stale.instances.insert((name, id));
            }
        }
        self.stale.doubtful_applications.clear();
        Ok(())
    }

    async fn read_interfaces(&mut self, session: &Session, layout: &Layout) -> Result<(), Error> {
        let names: Vec<String> = self.stale.interfaces.iter().cloned().collect();
        for names in names.chunks(64) {
            let folders = self.folders(names);
            let path = |(name, category): &(String, Category)| layout.category(name, *category);
            let answers = session.each(&folders, |folder| session.client.get_children(&path(folder))).await?;
            let room = self.node_count() < NODES_MAX;
            for (folder, answer) in folders.iter().zip(answers) {
                let Some(found) = self.allowed(&path(folder), answer) else { continue };
                let known = self.interfaces.entry(folder.0.clone()).or_default();
                let interface = interface_of(&folder.0);
                match folder.1 {
                    Category::Providers => {
                        known.providers.take(found, room, |name| interface_level::registered(&interface, name));
                    }
                    Category::Consumers => {
                        known.consumers.take(found, room, |name| interface_level::consumer(&interface, name));
                    }
                }
            }
            for name in names {
                self.stale.interfaces.remove(name);
                let is_gone = self.interfaces.get(name).is_some_and(|folder| {
                    folder.providers.changed_at.is_none() && folder.consumers.changed_at.is_none()
                });
                // An application of dubbo-go's, or an interface with neither folder: looked at again when it changes.
                if is_gone {
                    self.interfaces.remove(name);
                }
            }
        }
        Ok(())
    }

    async fn read_applications(&mut self, session: &Session, layout: &Layout) -> Result<(), Error> {
        let names: Vec<String> = self.stale.applications.iter().cloned().collect();
        let answers = session.each(&names, |name| session.client.get_children(&layout.application(name))).await?;
        for (name, answer) in names.iter().zip(answers) {
            let Some(found) = self.allowed(&layout.application(name), answer) else {
                self.stale.applications.remove(name);
                continue;
            };
            match found {
                None => {
                    self.applications.remove(name);
                }
                Some((ids, stat)) => {
                    let ids: BTreeSet<String> = ids.into_iter().filter(|id| Layout::may_be_instance(id)).collect();
                    let folder = self.applications.entry(name.clone()).or_default();
                    folder.changed_at = Some(stat.pzxid);
                    folder.instances.retain(|id, _| ids.contains(id));
                    let new = ids.into_iter().filter(|id| !folder.instances.contains_key(id));
                    self.stale.instances.extend(new.map(|id| (name.clone(), id)));
                }
            }
            self.stale.applications.remove(name);
        }
        Ok(())
    }

    async fn read_instances(&mut self, session: &Session, layout: &Layout) -> Result<(), Error> {
        let places: Vec<(String, String)> = self.stale.instances.iter().cloned().collect();
        let room = self.node_count() < NODES_MAX;
        let answers = session.each(&places, |(name, id)| session.client.get_data(&layout.instance(name, id))).await?;
        for (place, answer) in places.into_iter().zip(answers) {
            let found = self.allowed(&layout.instance(&place.0, &place.1), answer);
            self.stale.instances.remove(&place);
            let (application, id) = place;
            match found {
                None => {}
                Some(None) => {
                    if let Some(folder) = self.applications.get_mut(&application) {
                        folder.instances.remove(&id);
                    }
                }
                Some(Some(_)) if !room => {}
                Some(Some((data, stat))) => {
                    let instance = Instance::from_json(&application, &data).map(Arc::new);
                    let folder: &mut ApplicationFolder = self.applications.entry(application).or_default();
                    let info = folder.instances.get(&id).and_then(|known| known.info.clone());
                    let owner = stat.ephemeral_owner;
                    folder.instances.insert(id, InstanceNode { written_at: stat.mzxid, owner, instance, info });
                }
            }
        }
        Ok(())
    }

    /// The folders of interfaces that are read.
    fn folders<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Vec<(String, Category)> {
        let categories = self.scope.categories();
        names.into_iter().flat_map(|name| categories.iter().map(|category| (name.clone(), *category))).collect()
    }

    /// What was answered; `None` inside where there is no such node, `None` outside where we may not read it.
    pub(super) fn allowed<T>(&mut self, path: &str, answer: Result<T, Error>) -> Option<Option<T>> {
        match answer {
            Ok(found) => {
                self.denied.remove(path);
                Some(Some(found))
            }
            Err(Error::NoNode) => {
                self.denied.remove(path);
                Some(None)
            }
            Err(_) => {
                self.denied.insert(path.to_owned());
                None
            }
        }
    }
}

impl<T> Folder<T> {
    /// Takes the children over; those that are known are not decoded again.
    fn take(&mut self, found: Option<(Vec<String>, Stat)>, room: bool, decode: impl Fn(&str) -> Option<T>) {
        let Some((names, stat)) = found else {
            *self = Self::default();
            return;
        };
        let mut before = std::mem::take(&mut self.nodes);
        for name in names {
            let node = match before.remove(&name) {
                Some(known) => known,
                None if !room => continue,
                None => decode(&name).map(Arc::new),
            };
            self.nodes.insert(name, node);
        }
        self.changed_at = Some(stat.pzxid);
    }
}
