//! What counts as good: nothing lost, nothing run twice, nothing answered that did not run, and healed in time. Pure.
//!
//! ```text
//!  healed after   from the fault until the last call failed
//!  in time        a sole gateway is started again: within HEALED; all else: at all, within the patience of a trial
//! ```
//! It never forgives a slow machine: a test that runs on one adds what its yardstick measured.

use std::time::Duration;

use super::fault::{Fault, Gateways};
use super::tally::Figures;

/// From the end of a sole gateway that is started again until the last call failed, at most.
const HEALED: Duration = Duration::from_secs(12);

impl Fault {
    /// Within what time everything has to be healed after this; `None` where it only has to heal.
    #[must_use]
    pub fn healed_within(self, gateways: Gateways) -> Option<Duration> {
        match (self, gateways) {
            (Fault::Egress(_) | Fault::Ingress(_), Gateways::One) => Some(HEALED),
            _ => None,
        }
    }
}

impl Figures {
    /// What is not as it should be, in words; `None` if all is.
    #[must_use]
    pub fn wrong(&self, healed_within: Option<Duration>) -> Option<String> {
        let Figures { lost, twice, never_ran, .. } = self;
        if lost + twice + never_ran > 0 {
            return Some(format!(
                "lost {lost}, executed twice {twice}, answered and never run {never_ran}; wanted 0 of each"
            ));
        }
        let Some(healed) = self.healed_ms.map(Duration::from_millis) else {
            return Some("calls still failed in the end".to_owned());
        };
        let late = healed_within.filter(|within| healed > *within)?;
        Some(format!("healed after {healed:.1?}, wanted at most {late:.1?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{End, Side};

    #[test]
    fn only_a_sole_gateway_that_is_started_again_has_twelve_seconds() {
        for end in [End::Killed, End::Stopped] {
            for fault in [Fault::Egress(end), Fault::Ingress(end)] {
                assert_eq!(fault.healed_within(Gateways::One), Some(Duration::from_secs(12)));
                assert_eq!(fault.healed_within(Gateways::Two), None);
            }
        }
        assert_eq!(Fault::Silent(Side::Consumers, 33).healed_within(Gateways::One), None);
    }

    #[test]
    fn what_heals_late_or_never_is_wrong() {
        let healed = |healed_ms| Figures { healed_ms, ..Figures::default() };
        assert_eq!(healed(Some(12_000)).wrong(Some(HEALED)), None);
        assert_eq!(healed(Some(12_100)).wrong(Some(HEALED)).unwrap(), "healed after 12.1s, wanted at most 12.0s");
        assert_eq!(healed(Some(12_100)).wrong(None), None);
        assert_eq!(healed(None).wrong(None).unwrap(), "calls still failed in the end");
        for wrong in [
            Figures { lost: 1, ..healed(Some(0)) },
            Figures { twice: 1, ..healed(Some(0)) },
            Figures { never_ran: 1, ..healed(Some(0)) },
        ] {
            assert!(wrong.wrong(None).is_some(), "{wrong:?}");
        }
    }
}
