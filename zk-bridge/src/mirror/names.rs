//! Which interfaces and applications there are to read: all that the two folders list, or what a narrow scope leads to.
//!
//! ```text
//!   Everything    children of /<root>, children of /<services>
//!   Only          the interfaces themselves; the applications that their mappings name, and those of gateways
//! ```
//!
//! Each of them is in doubt then. What may not be listed keeps its last names.

use std::collections::{BTreeMap, BTreeSet};

use zookeeper_client::Error;

use super::Mirror;
use crate::layout::{Layout, OWN_APPLICATION, applications_in, folder_of, is_one_segment};
use crate::scope::Scope;
use crate::session::Session;

impl Mirror {
    /// Finds out the names again, where they are in doubt.
    ///
    /// # Errors
    /// The connection or session is lost, or the server answered something odd.
    pub(crate) async fn read_names(&mut self, session: &Session, layout: &Layout) -> Result<(), Error> {
        if !self.stale.roots {
            return Ok(());
        }
        let [interfaces, applications] = match self.scope.clone() {
            Scope::Everything => {
                let listed = self.list(session, [layout.root(), layout.services()]).await?;
                let [interfaces, applications] = listed;
                let interfaces = interfaces.map(|names| only(names, Layout::may_be_interface));
                [interfaces, applications.map(|names| only(names, |name| layout.may_be_application(name)))]
            }
            Scope::Only(interfaces) => {
                self.read_mappings(session, layout, &interfaces).await?;
                let [listed] = self.list(session, [layout.services()]).await?;
                let known = || self.applications.keys().cloned().collect();
                let mut applications = only(listed.unwrap_or_else(known), |name| name.starts_with(OWN_APPLICATION));
                applications.extend(self.exporters().map(str::to_owned));
                [Some(interfaces.iter().map(|interface| folder_of(interface)).collect()), Some(applications)]
            }
        };
        if let Some(names) = interfaces {
            self.interfaces.retain(|name, _| names.contains(name));
            self.stale.doubtful_interfaces = names;
        }
        if let Some(names) = applications {
            self.applications.retain(|name, _| names.contains(name));
            self.stale.doubtful_applications = names;
        }
        self.stale.roots = false;
        self.is_named = true;
        Ok(())
    }

    /// The children of folders; `None` for one that we may not list.
    async fn list<const N: usize>(
        &mut self,
        session: &Session,
        folders: [String; N],
    ) -> Result<[Option<BTreeSet<String>>; N], Error> {
        let answers = session.each(&folders, |path| session.client.list_children(path)).await?;
        let mut listed = [const { None }; N];
        for ((path, answer), listed) in folders.iter().zip(answers).zip(&mut listed) {
            *listed = self.allowed(path, answer).map(|names| names.unwrap_or_default().into_iter().collect());
        }
        Ok(listed)
    }

    /// Who exports the interfaces.
    async fn read_mappings(
        &mut self,
        session: &Session,
        layout: &Layout,
        interfaces: &BTreeSet<String>,
    ) -> Result<(), Error> {
        let mut before = std::mem::take(&mut self.mappings);
        let names: Vec<&String> = interfaces.iter().collect();
        let answers = session.each(&names, |name| session.client.get_data(&layout.mapping(name))).await;
        let Ok(answers) = answers else {
            self.mappings = before;
            return answers.map(drop);
        };
        let mut mappings = BTreeMap::new();
        for (&interface, answer) in names.iter().zip(answers) {
            let found = self.allowed(&layout.mapping(interface), answer);
            let applications = match found {
                Some(found) => {
                    let named = found.map_or_else(BTreeSet::new, |(data, _)| applications_in(&data));
                    only(named, |name| is_one_segment(name) && layout.may_be_application(name))
                }
                None => before.remove(interface).unwrap_or_default(),
            };
            mappings.insert(interface.clone(), applications);
        }
        self.mappings = mappings;
        Ok(())
    }
}

fn only(names: BTreeSet<String>, is: impl Fn(&str) -> bool) -> BTreeSet<String> {
    names.into_iter().filter(|name| is(name)).collect()
}
