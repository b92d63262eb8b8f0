//! The references of consumers by where they call from and what they call: tens of thousands. Who decides a kind of call for the first time
//! looks here, and each call that says no timeout. Nearly always one reference stands in a place: it lies in the table itself.
//!
//! ```text
//!  address + interface ──one hash──▶ place │ One(reference)
//!                                          │ More ─▶ references
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashMap};

use crate::knowledge::Reference;

/// References by place. Interfaces are names that others make up, so the hash has a seed of its own.
#[derive(Debug, Default)]
pub struct Places(HashMap<Place, Few, RandomState>);

/// Where calls come from and what they call.
#[derive(Debug, Hash, PartialEq, Eq)]
struct Place {
    address: IpAddr,
    interface: Arc<str>,
}

/// A place that is looked for.
#[derive(Hash)]
struct Sought<'a> {
    address: IpAddr,
    interface: &'a str,
}

#[derive(Debug)]
enum Few {
    One(Reference),
    More(Vec<Reference>),
}

impl Equivalent<Place> for Sought<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        self.address == place.address && *self.interface == *place.interface
    }
}

impl Places {
    /// Adds a reference behind those of its place.
    pub fn add(&mut self, address: IpAddr, interface: &str, reference: Reference) {
        match self.0.get_mut(&Sought { address, interface }) {
            Some(Few::More(known)) => known.push(reference),
            Some(one) => {
                let Few::One(first) = std::mem::replace(one, Few::More(Vec::new())) else { return };
                *one = Few::More(vec![first, reference]);
            }
            None => _ = self.0.insert(Place { address, interface: interface.into() }, Few::One(reference)),
        }
    }

    /// The references of a place, in the order in which they came.
    #[must_use]
    pub fn at(&self, address: IpAddr, interface: &str) -> &[Reference] {
        self.0.get(&Sought { address, interface }).map_or(&[], Few::as_slice)
    }

    /// Every reference with its place.
    pub fn each(&self) -> impl Iterator<Item = ((IpAddr, &str), &Reference)> {
        self.0
            .iter()
            .flat_map(|(place, few)| few.as_slice().iter().map(|one| ((place.address, &*place.interface), one)))
    }
}

impl Few {
    fn as_slice(&self) -> &[Reference] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(all) => all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_a_place_are_found_in_their_order_and_no_others() {
        let [here, there] = [[10, 0, 0, 7], [10, 0, 0, 8]].map(IpAddr::from);
        let of = |application: &str| Reference { application: Some(application.into()), ..Reference::default() };
        let mut places = Places::default();
        let all = [(here, "a.A", "1"), (here, "a.A", "2"), (here, "a.A", "3"), (here, "a.B", "4"), (there, "a.A", "5")];
        all.iter().for_each(|(address, interface, application)| places.add(*address, interface, of(application)));
        let at = |address, interface| -> Vec<&str> {
            places.at(address, interface).iter().filter_map(|one| one.application.as_deref()).collect()
        };
        assert_eq!(at(here, "a.A"), ["1", "2", "3"]);
        assert_eq!((at(here, "a.B"), at(there, "a.A")), (vec!["4"], vec!["5"]));
        assert_eq!(at(there, "a.B"), [""; 0]);
        assert_eq!(places.each().count(), all.len());
    }
}
