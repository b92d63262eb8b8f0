//! The links of one shard to the hubs, and which of them a call takes.
//!
//! A link whose hub shows the target island comes before one whose hub does not; among equals the consumer's connection
//! decides, so that calls of one connection stay on one link and keep their order. Never dials: that is the tunnel's.

use std::cell::RefCell;
use std::rc::Rc;

use tunnel::{ExchangeId, Link};
use wire::tunnel::failure::Failure;

use crate::knowledge::Knowledge;

/// An exchange that was opened; nothing where a test stands in for the tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange(pub Option<ExchangeId>);

/// What a call needs of a link.
pub trait Uplink {
    /// A number of this link, unique in the process.
    fn id(&self) -> u64;
    /// The hub at its other end.
    fn hub(&self) -> &str;
    /// Whether a new call makes sense on it now.
    fn usable(&self) -> bool;
    /// Sends a call.
    ///
    /// # Errors
    /// Always *not sent*.
    fn open(&self, head: &[u8], body: &[u8], token: u64) -> Result<Exchange, Failure>;
    /// Loses interest in a call.
    fn cancel(&self, exchange: Exchange);
}

impl Uplink for Link {
    fn id(&self) -> u64 {
        Link::id(self)
    }

    fn hub(&self) -> &str {
        &self.peer().name
    }

    fn usable(&self) -> bool {
        Link::usable(self)
    }

    fn open(&self, head: &[u8], body: &[u8], token: u64) -> Result<Exchange, Failure> {
        Link::open(self, head, &[body], token).map(|id| Exchange(Some(id)))
    }

    fn cancel(&self, exchange: Exchange) {
        if let Some(id) = exchange.0 {
            Link::cancel(self, id);
        }
    }
}

/// Links that a call was sent on already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tried {
    links: [u64; Self::MAX],
    len: usize,
}

impl Tried {
    /// A call is sent on so many links at most.
    pub const MAX: usize = 4;

    /// Remembers a link; the last that is remembered is the last that is tried.
    pub fn add(&mut self, link: u64) {
        if let Some(place) = self.links.get_mut(self.len) {
            *place = link;
            self.len += 1;
        }
    }

    /// Whether there were enough.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len == Self::MAX
    }

    fn contains(&self, link: u64) -> bool {
        self.links[..self.len].contains(&link)
    }
}

/// The links of a shard.
#[derive(Default)]
pub struct Links {
    up: RefCell<Vec<Rc<dyn Uplink>>>,
}

/// What a link must lead to.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The island.
    pub island: &'a str,
    /// The number of the consumer's connection.
    pub consumer: usize,
    /// Links that are out of the question.
    pub tried: &'a Tried,
    /// Hubs of which one is wanted; empty for any.
    pub hubs: &'a [String],
}

impl Links {
    /// A new session.
    pub fn add(&self, link: Rc<dyn Uplink>) {
        self.up.borrow_mut().push(link);
    }

    /// A session is over.
    pub fn remove(&self, id: u64) {
        self.up.borrow_mut().retain(|link| link.id() != id);
    }

    /// The link of this number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Rc<dyn Uplink>> {
        self.up.borrow().iter().find(|link| link.id() == id).cloned()
    }

    /// Whether any link takes calls now.
    #[must_use]
    pub fn any_usable(&self) -> bool {
        self.up.borrow().iter().any(|link| link.usable())
    }

    /// The link for a call, if one takes it now.
    #[must_use]
    pub fn pick(&self, wanted: &Wanted<'_>, knowledge: &Knowledge) -> Option<Rc<dyn Uplink>> {
        let up = self.up.borrow();
        if let [only] = up.as_slice() {
            return fits(&**only, wanted).then(|| only.clone());
        }
        let leads = |link: &&Rc<dyn Uplink>| fits(&***link, wanted) && knowledge.leads_to(link.hub(), wanted.island);
        nth(up.iter().filter(leads), wanted.consumer)
            .or_else(|| nth(up.iter().filter(|link| fits(&***link, wanted)), wanted.consumer))
            .cloned()
    }
}

fn fits(link: &dyn Uplink, wanted: &Wanted<'_>) -> bool {
    link.usable()
        && !wanted.tried.is_full()
        && !wanted.tried.contains(link.id())
        && (wanted.hubs.is_empty() || wanted.hubs.iter().any(|hub| hub == link.hub()))
}

/// The same one of `links` for the same number as long as they stay.
fn nth<'a, T>(links: impl Iterator<Item = &'a T> + Clone, number: usize) -> Option<&'a T> {
    let mut links = links;
    let count = links.clone().count();
    links.nth(number.checked_rem(count)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeLink;

    fn links(hubs: &[&'static str]) -> (Links, Vec<Rc<FakeLink>>) {
        let links = Links::default();
        let made: Vec<Rc<FakeLink>> = (1..).zip(hubs).map(|(id, hub)| FakeLink::new(id, hub)).collect();
        for link in &made {
            links.add(link.clone());
        }
        (links, made)
    }

    fn wanted<'a>(consumer: usize, tried: &'a Tried, hubs: &'a [String]) -> Wanted<'a> {
        Wanted { island: "shanghai", consumer, tried, hubs }
    }

    fn picked(links: &Links, wanted: &Wanted<'_>, knowledge: &Knowledge) -> Option<u64> {
        links.pick(wanted, knowledge).map(|link| link.id())
    }

    #[test]
    fn one_connection_stays_on_one_link_and_many_spread() {
        let (links, _) = links(&["hub-1", "hub-2"]);
        let (knowledge, tried) = (Knowledge::default(), Tried::default());
        let of = |consumer| picked(&links, &wanted(consumer, &tried, &[]), &knowledge);
        assert_eq!([of(0), of(0), of(1), of(1), of(2)], [Some(1), Some(1), Some(2), Some(2), Some(1)]);
    }

    #[test]
    fn a_hub_that_shows_the_island_is_preferred_but_not_required() {
        let (links, made) = links(&["hub-1", "hub-2"]);
        let mut knowledge = Knowledge::default();
        knowledge.hubs.insert("shanghai".to_owned(), vec!["hub-2".to_owned()]);
        let tried = Tried::default();
        assert_eq!(picked(&links, &wanted(0, &tried, &[]), &knowledge), Some(2));
        made[1].usable.set(false);
        assert_eq!(picked(&links, &wanted(0, &tried, &[]), &knowledge), Some(1));
        made[0].usable.set(false);
        assert_eq!(picked(&links, &wanted(0, &tried, &[]), &knowledge), None);
        assert!(!links.any_usable());
    }

    #[test]
    fn a_link_that_was_tried_is_not_tried_again_and_named_hubs_are_obeyed() {
        let (links, _) = links(&["hub-1", "hub-2", "hub-3"]);
        let knowledge = Knowledge::default();
        let mut tried = Tried::default();
        tried.add(1);
        let hubs = ["hub-1".to_owned(), "hub-3".to_owned()];
        assert_eq!(picked(&links, &wanted(0, &tried, &hubs), &knowledge), Some(3));
        tried.add(3);
        assert_eq!(picked(&links, &wanted(0, &tried, &hubs), &knowledge), None);
    }

    #[test]
    fn a_call_is_not_tried_for_ever() {
        let (links, _) = links(&["hub-1"]);
        let mut tried = Tried::default();
        for link in 10..10 + Tried::MAX as u64 {
            assert_eq!(picked(&links, &wanted(0, &tried, &[]), &Knowledge::default()), Some(1));
            tried.add(link);
        }
        assert_eq!(picked(&links, &wanted(0, &tried, &[]), &Knowledge::default()), None);
    }

    #[test]
    fn a_link_that_is_gone_is_not_picked() {
        let (links, _) = links(&["hub-1"]);
        links.remove(1);
        assert_eq!(picked(&links, &wanted(0, &Tried::default(), &[]), &Knowledge::default()), None);
        assert!(links.get(1).is_none());
    }
}
