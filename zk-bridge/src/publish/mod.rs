//! Writing nodes: what shall be there, what is there, and the steps from one to the other.
//!
//! ```text
//!   Desired ─▶ sound ─▶ wanted ─┐
//!                               ├─▶ plan (pure) ─▶ steps ─▶ apply ─▶ what changed is read again, and planned again,
//!   mirror, session ─▶ current ─┘                                    until there are no steps
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | `sound` | which wishes can be written at all |
//! | `bucket` | how many services share one application at instance level |
//! | `wanted` | every node that shall be there, with its content |
//! | `unmarked` | those of a process that is no gateway: its providers and its references |
//! | `plan` | the steps, in an order in which no consumer sees a half-made thing |
//! | `remains` | what is persistent and no longer named by anything |
//! | `current` | what is there of ours |
//! | `seen` | what is there of ours without a mark |
//! | `apply` | how a step is carried out |
//!
//! A node is ours by its mark, never by its place; one without a mark by its path and its owner. It never writes to a node of
//! somebody else, but for the text of a mapping, and that by compare-and-set.

pub(crate) mod apply;
mod bucket;
pub(crate) mod current;

pub(crate) mod plan;
mod remains;
mod seen;
mod sound;
mod unmarked;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::{Category, OWN_APPLICATION};
use crate::registry::Desired;
use crate::view::ServiceKey;

pub(crate) use self::unmarked::Unmarked;

/// Interface folder, category and name of a node at interface level.
pub(crate) type NodeName = (String, Category, String);

/// Application and id of an instance node.
pub(crate) type InstanceName = (String, String);
/// Application and revision of metadata.
pub(crate) type MetadataName = (String, String);

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// A node that lives as long as the session.
    CreateEphemeral { path: String, data: String },
    /// A node that stays.
    CreatePersistent { path: String, data: String },
    /// New content; with a version only if that is still the node's.
    Set { path: String, data: String, version: Option<i32> },
    /// Gone; with a version only if that is still the node's.
    Delete { path: String, version: Option<i32> },
    /// A folder of ours, gone if nothing is in it.
    DeleteEmpty { path: String },
}

/// Writes that belong together: all or none where the server can, else one after the other.
pub(crate) type Step = Vec<Op>;

/// Whose an ephemeral node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This session's: it stays.
    ThisSession,
    /// An older session's: it will vanish when that one expires.
    OldSession,
}

/// One of our ephemeral nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnNode {
    pub(crate) owner: Owner,
    /// The start of the process that wrote it.
    pub(crate) epoch: u64,
    /// The revision that an instance names; empty at interface level.
    pub(crate) revision: String,
}

/// The text of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) applications: BTreeSet<String>,
    pub(crate) version: i32,
}

/// One of our metadata nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OwnMetadata {
    /// Whether it is where Java looks.
    pub(crate) for_java: bool,
    /// Whether it is where dubbo-go looks.
    pub(crate) for_go: bool,
    /// The interfaces in it.
    pub(crate) interfaces: BTreeSet<String>,
}

/// What is there, as far as a plan needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Current {
    /// Our nodes at interface level.
    pub(crate) interface_nodes: BTreeMap<NodeName, OwnNode>,
    /// Our instances.
    pub(crate) instances: BTreeMap<InstanceName, OwnNode>,
    /// Applications of gateways that have a folder for instances, empty ones too: what stood there may have gone with its session.
    pub(crate) folders: BTreeSet<String>,
    /// Our metadata, and what is there of the metadata that our unmarked instances name.
    pub(crate) metadata: BTreeMap<MetadataName, OwnMetadata>,
    /// By interface.
    pub(crate) mappings: BTreeMap<String, Mapping>,
    /// Services with a local provider that is registered at interface level only.
    pub(crate) interface_only: BTreeSet<ServiceKey>,
    /// Application and interface of what other gateways export at instance level.
    pub(crate) of_others: BTreeSet<(String, String)>,
    /// Applications of other gateways of which it is not known what they export.
    pub(crate) unknown_of_others: BTreeSet<String>,
}

/// What the process shall register of itself; what cannot be written is not in it.
pub(crate) fn unmarked(desired: &Desired) -> Unmarked {
    if desired.plain.is_empty() && desired.consumers.is_empty() {
        // A gateway has ten thousand virtual providers to look at, and nothing of this.
        return Unmarked::default();
    }
    unmarked::unmarked(&sound::sound(desired), desired.epoch)
}

/// Whether an application is of gateways.
pub(crate) fn is_of_gateways(application: &str) -> bool {
    application.starts_with(OWN_APPLICATION)
}

/// What to do, and how far it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// In this order.
    pub(crate) steps: Vec<Step>,
    /// Instances that the steps take away and that may come back only after a while.
    pub(crate) to_rest: Vec<InstanceName>,
    /// Metadata that nothing names.
    pub(crate) unused: BTreeSet<MetadataName>,
    /// Instances that shall be there and rest.
    pub(crate) resting: usize,
    /// Nodes at interface level that are there.
    pub(crate) published: usize,
    /// Providers whose instance is there.
    pub(crate) published_as_instance: usize,
    /// What is wrong, a sentence each.
    pub(crate) problems: Vec<String>,
}
