//! The steps from what is there to what shall be there. A pure function of the two.
//!
//! ```text
//!   1  metadata and instance, together     metadata is never missing for an instance that names it
//!   2  mappings                            an application is named once it has an instance
//!   3  instances that shall go
//!   4  interface nodes, a folder at a time new ones first, so that no list is ever empty in between
//!   5  what is persistent and due
//! ```
//!
//! Instances stand before interface nodes, so that where a local provider appeared at interface level only the entry
//! that would take every call from it goes first.
//!
//! What an earlier start of this gateway left behind has an older epoch. Its interface node is replaced by one with the
//! new epoch. Its instance is deleted and comes back a moment later: consumers keep their dead connection to an address
//! that never went away. What an earlier *session* of this start left behind has the same epoch and is replaced at once,
//! since its connections live.

use std::collections::{BTreeMap, BTreeSet};

use super::sound::sound;
use super::wanted::{Instance, Publisher, Wanted, wanted};
use super::{Current, InstanceName, MetadataName, Op, OwnNode, Owner, Plan, Step, is_of_gateways, remains};
use crate::layout::{Category, Layout};
use crate::registry::Desired;

/// What a plan depends on besides the tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Circumstances {
    /// Instances that were taken away a moment ago and shall not come back yet.
    pub(crate) resting: BTreeSet<InstanceName>,
    /// Metadata that has been unused for long enough.
    pub(crate) due: BTreeSet<MetadataName>,
    /// Whether everything persistent goes at once.
    pub(crate) ending: Ending,
    /// How much of the tree is known.
    pub(crate) sight: Sight,
}

/// How much of the tree is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All of it, as who publishes virtual providers has to.
    #[default]
    Whole,
    /// Some interfaces.
    Narrow,
}

/// Whether the gateway will be back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It stays, or will be back.
    #[default]
    None,
    /// It leaves for good.
    Leaving,
}

/// What to do.
pub(crate) fn plan(layout: &Layout, desired: &Desired, current: &Current, circumstances: &Circumstances) -> Plan {
    if let Some(problem) = younger_self(desired, current) {
        return Plan { problems: vec![problem], ..Plan::default() };
    }
    let mut sound = sound(desired);
    if circumstances.sight == Sight::Narrow && !sound.providers.is_empty() {
        let count = std::mem::take(&mut sound.providers).len();
        sound.problems.push(format!(
            "{count} virtual providers are not published: found a registry that is read for some interfaces, wanted one that is read as a whole"
        ));
    }
    let publisher = Publisher { gateway: &desired.gateway, epoch: desired.epoch };
    let mut wanted = wanted(&sound, publisher, current);
    let mut problems = sound.problems;
    problems.append(&mut wanted.problems);
    let mut plan = Plan { problems, ..Plan::default() };
    instances(&mut plan, layout, desired.epoch, &wanted, current, &circumstances.resting);
    mappings(&mut plan, layout, &wanted, current);
    unwanted_instances(&mut plan, layout, &wanted, current);
    interface_nodes(&mut plan, layout, &wanted, current);
    plan.unused = remains::unused(&wanted, current);
    let due = match circumstances.ending {
        Ending::None => plan.unused.intersection(&circumstances.due).cloned().collect(),
        Ending::Leaving => remains::ours(current).cloned().collect(),
    };
    plan.steps.append(&mut remains::removal(layout, &wanted, current, &due));
    if circumstances.ending == Ending::Leaving {
        plan.steps.append(&mut remains::folders(layout, current));
    }
    plan
}

/// A process with our id that started after us: two of one id would delete each other's nodes for ever.
fn younger_self(desired: &Desired, current: &Current) -> Option<String> {
    let instances = current.instances.iter().filter(|((application, _), _)| is_of_gateways(application));
    let nodes = current.interface_nodes.values().chain(instances.map(|(_, node)| node));
    let younger = nodes.filter(|node| node.owner == Owner::OldSession).find(|node| node.epoch > desired.epoch)?;
    Some(format!(
        "another process publishes as gateway {:?} and started later (epoch {}, ours is {}); wanted one process an id",
        desired.gateway, younger.epoch, desired.epoch
    ))
}

fn instances(
    plan: &mut Plan,
    layout: &Layout,
    epoch: u64,
    wanted: &Wanted,
    current: &Current,
    resting: &BTreeSet<InstanceName>,
) {
    let mut written = BTreeSet::new();
    for (name @ (application, id), instance) in &wanted.instances {
        let path = layout.instance(application, id);
        let data = || instance.data.clone();
        let mut step = missing_metadata(layout, application, instance, current, &mut written);
        match current.instances.get(name) {
            None if resting.contains(name) => {
                plan.resting += 1;
                continue;
            }
            None => step.push(Op::CreateEphemeral { path, data: data() }),
            Some(OwnNode { owner: Owner::ThisSession, revision, .. }) if *revision == instance.revision => {
                plan.published_as_instance += instance.services;
            }
            Some(OwnNode { owner: Owner::ThisSession, .. }) => step.push(Op::Set { path, data: data(), version: None }),
            // Nobody keeps a connection because of an instance that exports nothing.
            Some(OwnNode { owner: Owner::OldSession, epoch: theirs, .. })
                if *theirs == epoch || (instance.services == 0 && *theirs < epoch) =>
            {
                step.push(Op::Delete { path: path.clone(), version: None });
                step.push(Op::CreateEphemeral { path, data: data() });
            }
            Some(OwnNode { epoch: theirs, .. }) if *theirs > epoch => {
                plan.problems.push(format!(
                    "another process has registered {application} at {id} and started later (at {theirs}, we at {epoch}); wanted an address of its own"
                ));
                continue;
            }
            Some(OwnNode { owner: Owner::OldSession, .. }) => {
                step = vec![Op::Delete { path, version: None }];
                plan.to_rest.push(name.clone());
            }
        }
        if !step.is_empty() {
            plan.steps.push(step);
        }
    }
}

/// The metadata nodes that the instance names and that are not there, each once.
fn missing_metadata(
    layout: &Layout,
    application: &str,
    instance: &Instance,
    current: &Current,
    written: &mut BTreeSet<MetadataName>,
) -> Step {
    if instance.services == 0 {
        return Step::new();
    }
    let name = (application.to_owned(), instance.revision.clone());
    let there = current.metadata.get(&name);
    if !written.insert(name) {
        return Step::new();
    }
    let java = layout.metadata(application, &instance.revision);
    let go = layout.go_metadata(application, &instance.revision);
    let missing = [
        Some(java).filter(|_| !there.is_some_and(|it| it.for_java)),
        go.filter(|_| !there.is_some_and(|it| it.for_go)),
    ];
    missing.into_iter().flatten().map(|path| Op::CreatePersistent { path, data: instance.metadata.clone() }).collect()
}

fn mappings(plan: &mut Plan, layout: &Layout, wanted: &Wanted, current: &Current) {
    for (interface, applications) in wanted.mappings() {
        let there = current.mappings.get(interface);
        let known = there.map(|mapping| &mapping.applications);
        if applications.iter().all(|application| known.is_some_and(|known| known.contains(*application))) {
            continue;
        }
        let mut all: BTreeSet<&str> = known.into_iter().flatten().map(String::as_str).collect();
        all.extend(applications);
        let data = all.into_iter().collect::<Vec<_>>().join(",");
        let path = layout.mapping(interface);
        plan.steps.push(vec![match there {
            None => Op::CreatePersistent { path, data },
            Some(mapping) => Op::Set { path, data, version: Some(mapping.version) },
        }]);
    }
}

fn unwanted_instances(plan: &mut Plan, layout: &Layout, wanted: &Wanted, current: &Current) {
    for (application, id) in current.instances.keys().filter(|name| !wanted.instances.contains_key(*name)) {
        plan.steps.push(vec![Op::Delete { path: layout.instance(application, id), version: None }]);
    }
}

fn interface_nodes(plan: &mut Plan, layout: &Layout, wanted: &Wanted, current: &Current) {
    let mut there: BTreeMap<(&str, Category), BTreeMap<&str, Owner>> = BTreeMap::new();
    for ((folder, category, name), node) in &current.interface_nodes {
        there.entry((folder, *category)).or_default().insert(name, node.owner);
    }
    let mut folders: BTreeMap<(&str, Category), (Step, Step, Step)> = BTreeMap::new();
    let path =
        |(folder, category): (&str, Category), name: &str| format!("{}/{name}", layout.category(folder, category));
    for ((folder, category), names) in &wanted.interface_nodes {
        let folder = (folder.as_str(), *category);
        let known = there.remove(&folder).unwrap_or_default();
        let (new, replaced, old) = folders.entry(folder).or_default();
        for name in names {
            let create = |path: String| Op::CreateEphemeral { path, data: String::new() };
            match known.get(name.as_str()) {
                None => new.push(create(path(folder, name))),
                Some(Owner::ThisSession) => plan.published += 1,
                Some(Owner::OldSession) => {
                    let path = path(folder, name);
                    replaced.extend([Op::Delete { path: path.clone(), version: None }, create(path)]);
                }
            }
        }
        let unwanted = known.keys().filter(|name| !names.contains(**name));
        old.extend(unwanted.map(|name| Op::Delete { path: path(folder, name), version: None }));
    }
    for (folder, names) in there {
        let (_, _, old) = folders.entry(folder).or_default();
        old.extend(names.keys().map(|name| Op::Delete { path: path(folder, name), version: None }));
    }
    let steps = folders.into_values().map(|(new, replaced, old)| [new, replaced, old].concat());
    plan.steps.extend(steps.filter(|step| !step.is_empty()));
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
