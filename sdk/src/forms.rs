//! In which serializations the arguments of a call are written: the caller writes them before anybody knows who gets them, so he asks
//! what those read who stand in the registry for the service.
//!
//! ```text
//!   all read hessian2                   hessian2
//!   none does, and all read fastjson2   fastjson2
//!   some do; or nobody knows yet        both, and who gets the call decides
//! ```
//!
//! It never looks at what a service without a node would read: hessian2, as every release does.

use std::sync::atomic::{AtomicU8, Ordering};

use client::Endpoint;
use rustc_hash::{FxHashMap, FxHashSet};
use wire::dubbo::frame::Codec;
use zk_bridge::Provider;

/// What a call is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forms {
    One(Codec),
    Both,
}

/// The same, as calls of a service find it: whoever knows more sets it.
#[derive(Debug)]
pub(crate) struct CurrentForms(AtomicU8);

/// What a service's nodes read, where some of them read fastjson2 and no hessian2.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    /// Where those stand that calls without a target go to.
    fastjson2: FxHashSet<Endpoint>,
    /// What is read behind gateways, by the tag of their nodes; empty for those without.
    beyond: FxHashMap<Box<str>, Codec>,
    all: FxHashSet<Codec>,
}

impl Default for CurrentForms {
    fn default() -> Self {
        let known = Self(AtomicU8::default());
        known.set(Forms::Both);
        known
    }
}

impl CurrentForms {
    const ALL: [Forms; 3] = [Forms::Both, Forms::One(Codec::Hessian2), Forms::One(Codec::Fastjson2)];

    pub fn set(&self, forms: Forms) {
        let at = Self::ALL.iter().position(|one| *one == forms).unwrap_or_default();
        self.0.store(at as u8, Ordering::Relaxed);
    }

    pub fn get(&self) -> Forms {
        Self::ALL[usize::from(self.0.load(Ordering::Relaxed)) % Self::ALL.len()]
    }
}

impl Readers {
    /// Of these nodes; `None` where all of them read hessian2.
    pub fn of<'p>(nodes: impl Iterator<Item = &'p Provider>) -> Option<Self> {
        let mut readers = Self::default();
        for node in nodes {
            let (codec, tag) = (wanted(node), node.tag().unwrap_or_default());
            readers.all.insert(codec);
            if codec == Codec::Fastjson2 && tag.is_empty() {
                readers.fastjson2.insert(Endpoint::new(&node.host, node.port));
            }
            if node.is_virtual() {
                // Of several gateways, which pass on what they are given, all say the same but for a moment.
                readers.beyond.insert(tag.into(), codec);
            }
        }
        readers.all.contains(&Codec::Fastjson2).then_some(readers)
    }

    /// What calls are written in for these; `may_leave`: whether there are gateways, which may be given calls to islands that no node of
    /// theirs says anything of.
    pub fn forms(&self, may_leave: bool) -> Forms {
        let is_told = self.beyond.contains_key("") || !may_leave;
        if self.all.contains(&Codec::Hessian2) || !is_told { Forms::Both } else { Forms::One(Codec::Fastjson2) }
    }

    /// What is read at this address.
    pub fn at(&self, endpoint: &Endpoint) -> Codec {
        let is_there = self.fastjson2.iter().any(|one| one.host == endpoint.host && one.port == endpoint.port);
        if is_there { Codec::Fastjson2 } else { Codec::Hessian2 }
    }

    /// What is read behind the gateways of this island.
    pub fn beyond(&self, island: &str) -> Codec {
        let said = self.beyond.get(island).or_else(|| self.beyond.get(""));
        said.copied().unwrap_or(Codec::Hessian2)
    }
}

/// As a consumer of 3.x does: what the node says, hessian2 where that is none that is written here.
fn wanted(node: &Provider) -> Codec {
    let reads = node.serializations();
    if !reads.contains(&"hessian2") && reads.contains(&"fastjson2") { Codec::Fastjson2 } else { Codec::Hessian2 }
}
