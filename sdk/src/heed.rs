//! The rules in the config centers of the registries, as the gateways obey them: read, kept, and handed on when others hold.
//!
//! ```text
//!   a registry    no rule is known of it before it is reached; then its documents are,
//!                 or after a second it goes without: who may not read documents calls all the same
//! ```
//!
//! Last good state wins. Nothing is written and nothing outlives the process.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use route::rules::{Center, Observed, Rulebook};
use tokio::sync::{Notify, watch};
use zk_bridge::{Documents, Registry, View};

use crate::listing::Listing;

/// So long a registry that was read may take to give its documents, before calls go without.
const GRACE: Duration = Duration::from_secs(1);
/// While it is not known which rules there are, it is looked so often whether somebody's grace is over.
const LOOK: Duration = Duration::from_millis(100);
/// Time alone is looked at no rarer than that, since clocks are set.
const LOOK_AT_LEAST: Duration = Duration::from_secs(60);

/// A registry and its config center.
struct Watched {
    registry: Arc<dyn Registry>,
    documents: watch::Receiver<Arc<Documents>>,
    view: watch::Receiver<Arc<View>>,
    /// Since when it can be read.
    read: Option<Instant>,
}

/// How far it is known what a registry's rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grasp {
    /// It was never reached.
    Away,
    /// They may come in a moment.
    Coming,
    Known,
}

/// Tells the listing which rules hold, for as long as anybody refers to it.
pub(crate) async fn follow(registries: Vec<Arc<dyn Registry>>, told: Weak<Listing>) {
    let bell = Arc::new(Notify::new());
    let mut followed: Vec<Watched> = registries.into_iter().map(Watched::new).collect();
    for one in &followed {
        tokio::spawn(ring(one.documents.clone(), bell.clone()));
    }
    let mut book = Rulebook::default();
    let mut are_told = false;
    loop {
        let observed = observe(&mut book, &mut followed);
        are_told = are_told && observed == Observed::Same;
        let is_known = is_known(followed.iter_mut().map(|one| one.grasp(Instant::now())));
        if !are_told && is_known {
            let Some(listing) = told.upgrade() else { return };
            listing.obeys(book.rules().clone());
            are_told = true;
        }
        let most = if are_told { LOOK_AT_LEAST } else { LOOK };
        let wait = book.due_in(SystemTime::now()).map_or(most, |due| due.min(most));
        tokio::select! {
            () = bell.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Rings whenever documents change.
async fn ring(mut documents: watch::Receiver<Arc<Documents>>, bell: Arc<Notify>) {
    while documents.changed().await.is_ok() {
        bell.notify_one();
    }
}

fn observe(book: &mut Rulebook, followed: &mut [Watched]) -> Observed {
    let seen: Vec<Arc<Documents>> = followed.iter_mut().map(|one| one.documents.borrow_and_update().clone()).collect();
    let centers = followed.iter().zip(&seen).map(|(one, documents)| Center {
        registry: one.registry.name(),
        is_read: documents.is_read(),
        has_folder: documents.has_folder(),
        unsound: documents.unsound(),
        texts: documents.texts().collect(),
    });
    book.observe(&centers.collect::<Vec<_>>(), SystemTime::now())
}

/// Whether calls can go by what is known: a registry that is away keeps nobody waiting where another one is read.
fn is_known(grasps: impl Iterator<Item = Grasp>) -> bool {
    let grasps: Vec<Grasp> = grasps.collect();
    grasps.contains(&Grasp::Known) && !grasps.contains(&Grasp::Coming)
}

impl Watched {
    fn new(registry: Arc<dyn Registry>) -> Self {
        let (documents, view) = (registry.documents(), registry.view());
        Self { registry, documents, view, read: None }
    }

    fn grasp(&mut self, now: Instant) -> Grasp {
        if self.documents.borrow().is_read() {
            return Grasp::Known;
        }
        if self.read.is_none() && self.view.borrow().is_complete() {
            self.read = Some(now);
        }
        match self.read {
            None => Grasp::Away,
            Some(since) if now.saturating_duration_since(since) < GRACE => Grasp::Coming,
            Some(_) => Grasp::Known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_is_away_keeps_nobody_waiting_where_another_one_is_read() {
        use Grasp::{Away, Coming, Known};
        for (grasps, known) in [
            (&[Away][..], false),
            (&[Coming], false),
            (&[Known], true),
            (&[Away, Known], true),
            (&[Coming, Known], false),
            (&[Away, Coming], false),
        ] {
            assert_eq!(is_known(grasps.iter().copied()), known, "{grasps:?}");
        }
    }
}
