//! What is persistent, a gateway's, and named by nothing any more: old metadata, and the mappings that went with it.
//!
//! A metadata node is also the record of which mappings were ours: when it goes, its interfaces' mappings lose the
//! application, unless somebody still exports them there. So nothing is forgotten over a restart. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::wanted::Wanted;
use super::{Current, Mapping, MetadataName, Op, Step, is_of_gateways};
use crate::layout::Layout;

/// Our metadata that no instance names, neither one that is there nor one that shall be.
pub(super) fn unused(wanted: &Wanted, current: &Current) -> BTreeSet<MetadataName> {
    let there = current.instances.iter().map(|((application, _), node)| (application.as_str(), node.revision.as_str()));
    let soon = wanted.instances.iter().map(|((application, _), it)| (application.as_str(), it.revision.as_str()));
    let named: BTreeSet<(&str, &str)> = there.chain(soon).collect();
    ours(current)
        .filter(|(application, revision)| !named.contains(&(application.as_str(), revision.as_str())))
        .cloned()
        .collect()
}

/// The metadata of gateways. Another application's belongs to all of its processes.
pub(super) fn ours(current: &Current) -> impl Iterator<Item = &MetadataName> {
    current.metadata.keys().filter(|(application, _)| is_of_gateways(application))
}

/// The steps that take away `due` metadata and the mappings that nobody needs without it.
pub(super) fn removal(layout: &Layout, wanted: &Wanted, current: &Current, due: &BTreeSet<MetadataName>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lost: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let still_wanted = wanted.mappings();
    for name @ (application, revision) in due {
        let Some(metadata) = current.metadata.get(name) else { continue };
        for interface in &metadata.interfaces {
            let ours = still_wanted.get(interface.as_str()).is_some_and(|it| it.contains(application.as_str()));
            let theirs = current.of_others.contains(&(application.clone(), interface.clone()))
                || current.unknown_of_others.contains(application);
            if !ours && !theirs {
                lost.entry(interface).or_default().insert(application);
            }
        }
        let java = metadata.for_java.then(|| layout.metadata(application, revision));
        let go = metadata.for_go.then(|| layout.go_metadata(application, revision)).flatten();
        // Last, so that the record outlives a failure of what it records.
        steps.push(java.into_iter().chain(go).map(|path| Op::Delete { path, version: None }).collect());
    }
    let mappings = lost.into_iter().filter_map(|(interface, applications)| {
        without(current.mappings.get(interface)?, &applications, layout.mapping(interface))
    });
    mappings.map(|op| vec![op]).chain(steps).collect()
}

/// The folders that are empty once everything of ours is gone.
pub(super) fn folders(layout: &Layout, current: &Current) -> Vec<Step> {
    let of_metadata = ours(current).map(|(application, _)| application);
    let applications = current.folders.iter().chain(of_metadata).collect::<BTreeSet<_>>();
    let mut paths = BTreeSet::new();
    for application in applications {
        paths.insert(layout.application(application));
        paths.extend([layout.metadata(application, ""), layout.go_metadata(application, "").unwrap_or_default()]);
    }
    let paths = paths.into_iter().map(|path| path.trim_end_matches('/').to_owned()).filter(|path| !path.is_empty());
    paths.map(|path| vec![Op::DeleteEmpty { path }]).collect()
}

/// The mapping without `applications`: written anew, or gone where nobody is left in it.
fn without(mapping: &Mapping, applications: &BTreeSet<&str>, path: String) -> Option<Op> {
    let left: Vec<&str> =
        mapping.applications.iter().map(String::as_str).filter(|name| !applications.contains(name)).collect();
    if left.len() == mapping.applications.len() {
        return None;
    }
    let version = Some(mapping.version);
    Some(match &left[..] {
        [] => Op::Delete { path, version },
        _ => Op::Set { path, data: left.join(","), version },
    })
}
