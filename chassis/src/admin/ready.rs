//! Readiness as named conditions, so that "not ready" always says what for.
//!
//! Conditions are made at start-up, before the process could be asked; one that was dropped no longer counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::drain::Drain;

/// All conditions of a process; clones are the same.
#[derive(Debug, Clone)]
pub struct Ready {
    drain: Drain,
    conditions: Arc<Mutex<Vec<Weak<Shared>>>>,
}

/// One thing that must hold before work should be sent here. Not met when made.
#[derive(Debug)]
pub struct Condition {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    /// Why it is not met, if it is not.
    waits_for: Mutex<Option<String>>,
}

impl Ready {
    /// No conditions yet; a process has one, see [`crate::Process`].
    #[must_use]
    pub fn new(drain: Drain) -> Self {
        Self { drain, conditions: Arc::default() }
    }

    /// A condition, not yet met.
    #[must_use]
    pub fn condition(&self, name: impl Into<String>) -> Condition {
        let waits_for = Mutex::new(Some("not yet".to_owned()));
        let shared = Arc::new(Shared { name: name.into(), waits_for });
        locked(&self.conditions).push(Arc::downgrade(&shared));
        Condition { shared }
    }

    /// Whether everything is met, and one line a condition: `name: met` or `name: why not`.
    #[must_use]
    pub fn report(&self) -> (bool, String) {
        let mut ready = true;
        let mut text = String::new();
        if self.drain.is_asked() {
            ready = false;
            text.push_str("drain: asked for\n");
        }
        let mut conditions = locked(&self.conditions);
        conditions.retain(|condition| condition.strong_count() > 0);
        for condition in conditions.iter().filter_map(Weak::upgrade) {
            let waits_for = locked(&condition.waits_for);
            ready &= waits_for.is_none();
            text.push_str(&format!("{}: {}\n", condition.name, waits_for.as_deref().unwrap_or("met")));
        }
        (ready, text)
    }
}

impl Condition {
    /// It holds.
    pub fn met(&self) {
        *locked(&self.shared.waits_for) = None;
    }

    /// It does not hold, because `why`.
    pub fn unmet(&self, why: impl Into<String>) {
        *locked(&self.shared.waits_for) = Some(why.into());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_every_condition_is_met() {
        let (_teller, drain) = crate::drain::pair();
        let ready = Ready::new(drain);
        let (hub, registry) = (ready.condition("hub"), ready.condition("registry"));
        hub.met();
        assert_eq!(ready.report(), (false, "hub: met\nregistry: not yet\n".to_owned()));
        registry.met();
        assert!(ready.report().0);
        hub.unmet("link lost");
        assert_eq!(ready.report(), (false, "hub: link lost\nregistry: met\n".to_owned()));
    }

    #[test]
    fn a_dropped_condition_no_longer_counts() {
        let (_teller, drain) = crate::drain::pair();
        let ready = Ready::new(drain);
        drop(ready.condition("old hub"));
        assert_eq!(ready.report(), (true, String::new()));
    }

    #[test]
    fn a_draining_process_is_not_ready() {
        let (teller, drain) = crate::drain::pair();
        let ready = Ready::new(drain);
        drop(teller);
        assert_eq!(ready.report(), (false, "drain: asked for\n".to_owned()));
    }
}
