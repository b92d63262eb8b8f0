//! Which path means what, and how paths are made.
//!
//! ```text
//!  /<root>/<enc(interface)>/{providers,consumers}/<enc(url)>    interface level, ephemeral leaves
//!  /<root>/mapping/<interface>                                  which applications export it, text
//!  /<root>/metadata/<application>/<revision>                    what an instance exports, JSON (Java, old dubbo-go)
//!  /<root>/metadata/<interface>/…/provider/<application>        methods and types of an interface, JSON
//!  /<root>/<application>/<revision>                             the same (new dubbo-go)
//!  /<services>/<application>/<host:port>                        instances, JSON, ephemeral leaves
//! ```
//!
//! `services` may be the same folder as `root`: Dubbo 3 does that when the registry has a group. Pure.

use std::collections::BTreeSet;

use crate::publish::NodeName;
use crate::url::{percent_decode, percent_encode};

/// Folders directly under the root that are no interfaces.
const RESERVED: [&str; 3] = ["metadata", "mapping", "config"];
/// Folders of an interface that are no instances and no revisions.
const CATEGORIES: [&str; 4] = ["providers", "consumers", "configurators", "routers"];
/// Every application that we publish has a name that begins like this.
pub(crate) const OWN_APPLICATION: &str = "highway-";

/// The two folders of a registry, without slashes around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    root: String,
    services: String,
}

/// One of the two folders of an interface that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Category {
    /// Who offers it.
    Providers,
    /// Who refers to it.
    Consumers,
}

/// What a changed path concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A root itself, or something above: everything may be different.
    Everything,
    /// An interface by the name of its folder.
    Interface(String),
    /// An application's list of instances; in a shared folder also an interface's.
    Application(String),
    /// An instance's data.
    Instance(String, String),
    /// The applications of an interface.
    Mapping(String),
    /// The metadata of an application under a revision.
    Metadata(String, String),
    /// Nothing that we read.
    Elsewhere,
}

impl Category {
    /// The folder's name.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Providers => "providers",
            Self::Consumers => "consumers",
        }
    }
}

impl Layout {
    /// From names without slashes around them.
    pub(crate) fn new(root: &str, services: &str) -> Self {
        Self { root: root.to_owned(), services: services.to_owned() }
    }

    /// `/dubbo`.
    pub(crate) fn root(&self) -> String {
        format!("/{}", self.root)
    }

    /// `/services`.
    pub(crate) fn services(&self) -> String {
        format!("/{}", self.services)
    }

    /// Whether interfaces and applications stand side by side in one folder.
    pub(crate) fn is_shared(&self) -> bool {
        self.root == self.services
    }

    /// The folders to watch: one where the other is inside of it.
    pub(crate) fn watched(&self) -> Vec<String> {
        let inside = |inner: &str, outer: &str| inner == outer || inner.starts_with(&format!("{outer}/"));
        match (self.root(), self.services()) {
            (root, services) if inside(&services, &root) => vec![root],
            (root, services) if inside(&root, &services) => vec![services],
            (root, services) => vec![root, services],
        }
    }

    /// The folder of an interface, by the folder's name.
    pub(crate) fn category(&self, folder: &str, category: Category) -> String {
        format!("/{}/{folder}/{}", self.root, category.folder())
    }

    /// A node at interface level.
    pub(crate) fn node(&self, (folder, category, name): &NodeName) -> String {
        format!("{}/{name}", self.category(folder, *category))
    }

    /// An application's instances.
    pub(crate) fn application(&self, application: &str) -> String {
        format!("/{}/{application}", self.services)
    }

    /// An instance.
    pub(crate) fn instance(&self, application: &str, id: &str) -> String {
        format!("/{}/{application}/{id}", self.services)
    }

    /// An interface's mapping; the name stands there as it is.
    pub(crate) fn mapping(&self, interface: &str) -> String {
        format!("/{}/mapping/{interface}", self.root)
    }

    /// What providers publish of an interface.
    pub(crate) fn definitions(&self, interface: &str) -> String {
        format!("/{}/metadata/{}", self.root, percent_encode(interface))
    }

    /// The folder of all metadata.
    pub(crate) fn all_metadata(&self) -> String {
        format!("/{}/metadata", self.root)
    }

    /// Where Java looks for metadata.
    pub(crate) fn metadata(&self, application: &str, revision: &str) -> String {
        format!("/{}/metadata/{application}/{revision}", self.root)
    }

    /// All metadata of an application where Java looks.
    pub(crate) fn metadata_of(&self, application: &str) -> String {
        format!("/{}/metadata/{application}", self.root)
    }

    /// Where dubbo-go 3.3 looks for metadata. `None` in a shared folder: a revision beside instances would be taken for
    /// an instance by every Java consumer, and one that cannot be read stops their references.
    pub(crate) fn go_metadata(&self, application: &str, revision: &str) -> Option<String> {
        (!self.is_shared()).then(|| format!("/{}/{application}/{revision}", self.root))
    }

    /// Whether a child of the root can be an interface.
    pub(crate) fn may_be_interface(folder: &str) -> bool {
        !RESERVED.contains(&folder) && !folder.starts_with(OWN_APPLICATION)
    }

    /// Whether a child of the services' folder can be an application.
    pub(crate) fn may_be_application(&self, name: &str) -> bool {
        !self.is_shared() || !RESERVED.contains(&name)
    }

    /// Whether a child of an application's folder can be an instance of Dubbo's: they are called `host:port`.
    pub(crate) fn may_be_instance(id: &str) -> bool {
        id.contains(':') && !id.contains('/') && !CATEGORIES.contains(&id)
    }

    /// What a changed path concerns.
    pub(crate) fn place(&self, path: &str) -> Place {
        let path = path.trim_start_matches('/');
        let below = |folder: &str| path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        let in_root = below(&self.root).map(Self::below_root);
        let in_services = below(&self.services).map(Self::below_services);
        match (in_root, in_services) {
            (Some(Place::Elsewhere), Some(found)) if self.is_shared() => found,
            (Some(found), Some(_)) if self.root.len() >= self.services.len() => found,
            (_, Some(found)) | (Some(found), None) => found,
            (None, None) => {
                let is_above =
                    |folder: &str| folder == path || path.is_empty() || folder.starts_with(&format!("{path}/"));
                if is_above(&self.root) || is_above(&self.services) { Place::Everything } else { Place::Elsewhere }
            }
        }
    }

    fn below_services(rest: &str) -> Place {
        match rest.split_once('/') {
            None => Place::Application(rest.to_owned()),
            Some((application, id)) if Self::may_be_instance(id) => {
                Place::Instance(application.to_owned(), id.to_owned())
            }
            Some(_) => Place::Elsewhere,
        }
    }

    fn below_root(rest: &str) -> Place {
        let mut parts = rest.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("mapping"), Some(interface), None) => Place::Mapping(interface.to_owned()),
            (Some("metadata"), Some(application), Some(revision)) => {
                Place::Metadata(application.to_owned(), revision.to_owned())
            }
            (Some(folder), None, None) if Self::may_be_interface(folder) => Place::Interface(folder.to_owned()),
            (Some(folder), Some("providers" | "consumers"), _) => Place::Interface(folder.to_owned()),
            (Some(application), Some(revision), None)
                if application.starts_with(OWN_APPLICATION) && !Self::may_be_instance(revision) =>
            {
                Place::Metadata(application.to_owned(), revision.to_owned())
            }
            _ => Place::Elsewhere,
        }
    }
}

/// The applications that the text of a mapping names.
pub(crate) fn applications_in(mapping: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(mapping);
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Whether a node can be called so.
pub(crate) fn is_one_segment(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '/' || c.is_control()) && name != "." && name != ".."
}

/// The folder of an interface.
pub(crate) fn folder_of(interface: &str) -> String {
    percent_encode(interface)
}

/// The interface of a folder.
pub(crate) fn interface_of(folder: &str) -> String {
    percent_decode(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_paths_say_what_to_read_again() {
        let layout = Layout::new("dubbo", "services");
        let place = |path| layout.place(path);
        assert_eq!(place("/dubbo"), Place::Everything);
        assert_eq!(place("/services"), Place::Everything);
        assert_eq!(place("/dubbo/com.acme.A"), Place::Interface("com.acme.A".into()));
        assert_eq!(place("/dubbo/com.acme.A/providers"), Place::Interface("com.acme.A".into()));
        assert_eq!(place("/dubbo/com.acme.A/consumers/consumer%3A"), Place::Interface("com.acme.A".into()));
        assert_eq!(place("/dubbo/com.acme.A/routers/x"), Place::Elsewhere);
        assert_eq!(place("/dubbo/metadata"), Place::Elsewhere);
        assert_eq!(place("/dubbo/metadata/app/r1"), Place::Metadata("app".into(), "r1".into()));
        assert_eq!(place("/dubbo/highway-b-1/r1"), Place::Metadata("highway-b-1".into(), "r1".into()));
        assert_eq!(place("/dubbo/highway-b-1"), Place::Elsewhere);
        assert_eq!(place("/dubbo/mapping/com.acme.A"), Place::Mapping("com.acme.A".into()));
        assert_eq!(place("/services/app"), Place::Application("app".into()));
        assert_eq!(place("/services/app/10.0.0.1:20880"), Place::Instance("app".into(), "10.0.0.1:20880".into()));
        assert_eq!(place("/zookeeper/quota"), Place::Elsewhere);
    }

    #[test]
    fn a_shared_folder_tells_interfaces_from_applications_by_what_is_below() {
        let layout = Layout::new("prod", "prod");
        assert_eq!(layout.watched(), ["/prod"]);
        assert_eq!(layout.place("/prod/com.acme.A/providers/x"), Place::Interface("com.acme.A".into()));
        assert_eq!(layout.place("/prod/app/10.0.0.1:1"), Place::Instance("app".into(), "10.0.0.1:1".into()));
        assert_eq!(layout.place("/prod/highway-b-1/10.0.0.1:1"), {
            Place::Instance("highway-b-1".into(), "10.0.0.1:1".into())
        });
        assert_eq!(layout.go_metadata("highway-b-1", "r"), None);
        // A rule document is no instance, whatever it is called.
        assert_eq!(layout.place("/prod/config/highway/com.acme.A:1.0"), Place::Elsewhere);
    }

    #[test]
    fn a_folder_inside_of_the_other_needs_one_watch() {
        assert_eq!(Layout::new("dubbo", "services").watched(), ["/dubbo", "/services"]);
        assert_eq!(Layout::new("a", "a/services").watched(), ["/a"]);
        assert_eq!(Layout::new("a/dubbo", "a").watched(), ["/a"]);
        let layout = Layout::new("a", "a/services");
        assert_eq!(layout.place("/a/services/app/h:1"), Place::Instance("app".into(), "h:1".into()));
        assert_eq!(layout.place("/a/com.acme.A/providers"), Place::Interface("com.acme.A".into()));
    }
}
