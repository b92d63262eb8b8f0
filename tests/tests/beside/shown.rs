//! What stands in a registry of a group's service, as consumers find it: at interface level, at instance level.

use std::collections::BTreeSet;

use lab::peer::GREETING;
use lab::tree::Tree;
use serde_json::Value;

/// The mark of a tagged node, and of an untagged one.
pub const UNTAGGED: &str = "untagged";

/// Virtual nodes at interface level of this group: the tag of each, or [`UNTAGGED`].
pub fn at_interface_level(tree: &Tree, group: &str) -> BTreeSet<String> {
    nodes(tree, group).filter(|url| url.contains("highway%3D")).map(tag).collect()
}

/// The gateways that stand at interface level for this group.
pub fn gateways_at_interface_level(tree: &Tree, group: &str) -> BTreeSet<String> {
    nodes(tree, group).filter_map(|url| parameter(url, "highway")).collect()
}

/// The same at instance level, as far as an instance that is there names it.
pub fn at_instance_level(tree: &Tree, group: &str) -> BTreeSet<String> {
    let tag = |parameters: &Value| parameters["dubbo.tag"].as_str().unwrap_or(UNTAGGED).to_owned();
    services(tree, group).iter().map(tag).collect()
}

/// The gateways that stand at instance level for this group.
pub fn gateways_at_instance_level(tree: &Tree, group: &str) -> BTreeSet<String> {
    services(tree, group).iter().filter_map(|parameters| Some(parameters["highway"].as_str()?.to_owned())).collect()
}

/// The parameters of each of our services of this group at instance level.
fn services(tree: &Tree, group: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for (path, node) in tree.iter().filter(|(path, _)| path.starts_with("/services/highway-")) {
        let Some((application, _)) = path["/services/".len()..].split_once('/') else { continue };
        let instance: Value = serde_json::from_slice(&node.data).unwrap();
        let revision = instance["payload"]["metadata"]["dubbo.metadata.revision"].as_str().unwrap();
        // Read a moment later than the instance: it may have gone meanwhile.
        let Some(metadata) = tree.get(&format!("/dubbo/metadata/{application}/{revision}")) else { continue };
        let metadata: Value = serde_json::from_slice(&metadata.data).unwrap();
        for service in metadata["services"].as_object().unwrap().values() {
            if service["name"] == GREETING && service["group"] == group {
                found.push(service["params"].clone());
            }
        }
    }
    found
}

/// Real providers of this group at interface level.
pub fn local(tree: &Tree, group: &str) -> usize {
    nodes(tree, group).filter(|url| !url.contains("highway%3D")).count()
}

/// Tags, for comparing.
pub fn tags(tags: &[&str]) -> BTreeSet<String> {
    tags.iter().map(|&tag| tag.to_owned()).collect()
}

fn nodes<'a>(tree: &'a Tree, group: &str) -> impl Iterator<Item = &'a str> {
    let folder = format!("/dubbo/{GREETING}/providers/");
    let group = format!("group%3D{group}%26");
    let urls = tree.keys().filter_map(move |path| path.strip_prefix(&folder));
    urls.filter(move |url| format!("{url}%26").contains(&group))
}

fn tag(url: &str) -> String {
    parameter(url, "dubbo.tag").unwrap_or_else(|| UNTAGGED.to_owned())
}

fn parameter(url: &str, key: &str) -> Option<String> {
    let prefix = format!("{key}%3D");
    Some(url.split("%26").find_map(|pair| pair.strip_prefix(&prefix))?.to_owned())
}
