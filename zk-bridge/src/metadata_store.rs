//! What is known of metadata, by application and revision: all instances with one revision share it.
//!
//! ```text
//!   needed ─▶ node in the registry ─▶ known
//!                 │ not there
//!                 ▼
//!             storage local: a call to one of the instances ─▶ known
//!                 │ no answer, or an empty one
//!                 ▼
//!             missing, tried again after 10 s and as soon as a node appears
//! ```
//!
//! What an instance exported under its last revision stays until the new one is known. It never asks one provider twice
//! at a time, and never many providers at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use zookeeper_client::Error;

use crate::instance_level::{Instance, MetadataService};
use crate::layout::{Layout, Place};
use crate::metadata::MetadataInfo;
use crate::metadata_call;
use crate::mirror::Mirror;
use crate::publish::MetadataName;
use crate::session::Session;

/// Java's own pause before it reads metadata again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Calls at once.
const CALLS_MAX: usize = 16;
/// For so long a view counts as incomplete because of an application that does not tell what it exports.
const AWAITED: Duration = Duration::from_secs(60);

/// Metadata that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Missing {
    why: String,
    since: Instant,
    again: Instant,
}

/// Everything known of metadata.
#[derive(Debug, Default)]
pub(crate) struct Store {
    known: BTreeMap<MetadataName, Arc<MetadataInfo>>,
    missing: BTreeMap<MetadataName, Missing>,
    asked: BTreeSet<MetadataName>,
    calls: JoinSet<(MetadataName, Result<MetadataInfo, String>)>,
}

impl Store {
    /// Takes note of a metadata node that came; `true` where somebody waits for it.
    pub(crate) fn touch(&mut self, place: &Place) -> bool {
        let Place::Metadata(application, revision) = place else { return false };
        match self.missing.get_mut(&(application.clone(), revision.clone())) {
            Some(missing) => {
                missing.again = Instant::now();
                true
            }
            None => false,
        }
    }

    /// Reads what instances name and what is not known; asks those who keep it to themselves.
    ///
    /// # Errors
    /// The connection or session is lost.
    pub(crate) async fn resolve(&mut self, session: &Session, layout: &Layout, mirror: &Mirror) -> Result<(), Error> {
        let needed = self.needed(mirror);
        let names: Vec<&MetadataName> = needed.keys().collect();
        let java = |name: &&MetadataName| layout.metadata(&name.0, &name.1);
        let found = session.each(&names, |name| session.client.get_data(&java(name))).await?;
        let mut found: Vec<Option<Vec<u8>>> =
            found.into_iter().map(|answer| answer.ok().map(|(data, _)| data)).collect();
        let elsewhere: Vec<(usize, String)> = (names.iter().enumerate())
            .filter(|(at, _)| found[*at].is_none())
            .filter_map(|(at, name)| Some((at, layout.go_metadata(&name.0, &name.1)?)))
            .collect();
        let answers = session.each(&elsewhere, |(_, path)| session.client.get_data(path)).await?;
        for ((at, _), answer) in elsewhere.into_iter().zip(answers) {
            found[at] = answer.ok().map(|(data, _)| data);
        }
        for ((name, instances), data) in needed.into_iter().zip(found) {
            match data.map(|data| MetadataInfo::from_json(&data)) {
                Some(Ok(info)) => self.learn(name, info),
                Some(Err(why)) => self.miss(name, why),
                None => self.ask(name, &instances),
            }
        }
        Ok(())
    }

    /// The next answer of a provider. Cancel safe; pending for ever while nobody is asked.
    pub(crate) async fn answered(&mut self) {
        match self.calls.join_next().await {
            None => std::future::pending().await,
            Some(Ok((name, answer))) => {
                self.asked.remove(&name);
                match answer {
                    Ok(info) => self.learn(name, info),
                    Err(why) => self.miss(name, why),
                }
            }
            // A call that panicked or was aborted: it is asked again with the rest.
            Some(Err(_)) => self.asked.clear(),
        }
    }

    /// Gives every instance what is known of it, and forgets what no instance names of which we want to know it.
    pub(crate) fn settle(&mut self, mirror: &mut Mirror) {
        let named: BTreeSet<MetadataName> = mirror.instances().map(|(instance, _)| name_of(instance)).collect();
        for node in mirror.all_instances_mut() {
            let Some(instance) = &node.instance else { continue };
            if let Some(info) = self.known.get(&name_of(instance)) {
                node.info = Some(Arc::clone(info));
            }
        }
        self.known.retain(|name, _| named.contains(name));
        self.missing.retain(|name, _| named.contains(name));
    }

    /// When something has to be tried again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        // Whoever is being asked now has his answer or his deadline coming.
        let idle = self.missing.iter().filter(|(name, _)| !self.asked.contains(*name));
        idle.map(|(_, missing)| missing.again).min()
    }

    /// Whether somebody who may still tell has not told.
    pub(crate) fn is_waiting(&self) -> bool {
        let now = Instant::now();
        !self.asked.is_empty() || self.missing.values().any(|missing| now < missing.since + AWAITED)
    }

    /// Whether the application is one of these.
    pub(crate) fn is_waiting_for(&self, application: &str) -> bool {
        let now = Instant::now();
        let missing = self.missing.iter().filter(|(_, missing)| now < missing.since + AWAITED).map(|(name, _)| name);
        self.asked.iter().chain(missing).any(|(waiting, _)| waiting == application)
    }

    /// A sentence for each application that does not tell.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let sentence = |((application, revision), missing): (&MetadataName, &Missing)| {
            format!("what {application} exports under revision {revision} is not known: {}", missing.why)
        };
        self.missing.iter().map(sentence)
    }

    fn needed(&self, mirror: &Mirror) -> BTreeMap<MetadataName, Vec<Arc<Instance>>> {
        let now = Instant::now();
        let mut needed: BTreeMap<MetadataName, Vec<Arc<Instance>>> = BTreeMap::new();
        for (instance, _) in mirror.instances() {
            let name = name_of(instance);
            let waits = self.missing.get(&name).is_some_and(|missing| now < missing.again);
            if !waits && !self.known.contains_key(&name) && !self.asked.contains(&name) {
                needed.entry(name).or_default().push(Arc::clone(instance));
            }
        }
        needed
    }

    /// Asks one of the instances, another one each time.
    fn ask(&mut self, name: MetadataName, instances: &[Arc<Instance>]) {
        let (can, cannot): (Vec<_>, Vec<_>) =
            instances.iter().map(|instance| instance.metadata_service()).partition(Result::is_ok);
        let services: Vec<MetadataService> = can.into_iter().flatten().collect();
        if services.is_empty() {
            let why = cannot.into_iter().find_map(Result::err).unwrap_or_default();
            return self.miss(name, format!("there is no metadata node, and {why}"));
        }
        if self.calls.len() >= CALLS_MAX {
            let soon = Instant::now() + metadata_call::ANSWERED_WITHIN;
            return self.miss_until(name, "it waits until others have been asked".into(), soon);
        }
        let service = services[fastrand::usize(..services.len())].clone();
        self.asked.insert(name.clone());
        self.calls.spawn(async move {
            let answer = metadata_call::ask(&service, &name.1).await;
            (name, answer)
        });
    }

    fn learn(&mut self, name: MetadataName, info: MetadataInfo) {
        self.missing.remove(&name);
        self.known.insert(name, Arc::new(info));
    }

    fn miss(&mut self, name: MetadataName, why: String) {
        self.miss_until(name, why, Instant::now() + AGAIN_AFTER);
    }

    fn miss_until(&mut self, name: MetadataName, why: String, again: Instant) {
        let since = self.missing.get(&name).map_or_else(Instant::now, |missing| missing.since);
        self.missing.insert(name, Missing { why, since, again });
    }
}

fn name_of(instance: &Instance) -> MetadataName {
    (instance.application.clone(), instance.revision.clone())
}
