//! How many who have not proved who they are may wait for a link at once: connections without one and handshakes under way, by
//! where they come from. It never counts a link, so that whoever is linked loses nothing to a crowd at the door.
//!
//! ```text
//!  connection ─ stranger ─▶ handshake, in its place ─ proved ─▶ carries a link: none ─ the last link is over ─▶ stranger
//!                    ▲                            ╰─ failed ─╮
//!                    ╰───────── unless it carries one ───────╯      handshakes beside the first: a stranger each
//! ```

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;

/// Strangers of one source at once. Many gateways may stand behind one address; each is a stranger for the time of a handshake.
const OF_ONE_SOURCE: usize = 256;

/// All strangers of an acceptor.
#[derive(Debug)]
pub(crate) struct Strangers {
    by_source: RefCell<HashMap<IpAddr, usize>>,
    len: Cell<usize>,
    /// Over all sources.
    limit: usize,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub(crate) struct Stranger {
    all: Rc<Strangers>,
    source: IpAddr,
}

impl Strangers {
    /// Room for `limit` over all sources.
    pub(crate) fn new(limit: usize) -> Rc<Strangers> {
        Rc::new(Strangers { by_source: RefCell::default(), len: Cell::new(0), limit })
    }

    /// Lets one more in; `None` if there are too many already.
    pub(crate) fn enter(self: &Rc<Self>, address: IpAddr) -> Option<Stranger> {
        let of_source = self.by_source.borrow().get(&source(address)).copied().unwrap_or(0);
        (self.len.get() < self.limit && of_source < OF_ONE_SOURCE).then(|| self.count(address))
    }

    /// One more, who is in already.
    fn count(self: &Rc<Self>, address: IpAddr) -> Stranger {
        let source = source(address);
        *self.by_source.borrow_mut().entry(source).or_insert(0) += 1;
        self.len.set(self.len.get() + 1);
        Stranger { all: self.clone(), source }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.all.len.set(self.all.len.get() - 1);
        let mut by_source = self.all.by_source.borrow_mut();
        if let Some(count) = by_source.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                by_source.remove(&self.source);
            }
        }
    }
}

/// A connection at the door. See the module's picture.
pub(crate) struct Arrival {
    strangers: Rc<Strangers>,
    address: IpAddr,
    stranger: Cell<Option<Stranger>>,
    /// Links that it carries: several where a box in between puts many on one connection.
    links: Cell<usize>,
}

/// A link on a connection, and what else is held as long as it is.
pub(crate) struct Carried {
    on: Rc<Arrival>,
    _guard: Rc<dyn Any>,
}

impl Arrival {
    /// A connection from this address; `None` if there are too many already.
    pub(crate) fn enter(strangers: &Rc<Strangers>, address: IpAddr) -> Option<Rc<Arrival>> {
        let stranger = Cell::new(Some(strangers.enter(address)?));
        Some(Rc::new(Arrival { strangers: strangers.clone(), address, stranger, links: Cell::new(0) }))
    }

    /// A handshake on it begins; `None` if there are too many already.
    pub(crate) fn handshake(&self) -> Option<Stranger> {
        self.stranger.take().or_else(|| self.strangers.enter(self.address))
    }

    /// A probe on it begins, which proves nothing: one more stranger; `None` if there are too many already.
    pub(crate) fn probe(&self) -> Option<Stranger> {
        self.strangers.enter(self.address)
    }

    /// It has failed.
    pub(crate) fn failed(&self, handshake: Stranger) {
        if self.links.get() == 0 {
            self.stranger.set(Some(handshake));
        }
    }

    /// It carries one more link, until that is dropped, and is no stranger meanwhile.
    pub(crate) fn carry(self: &Rc<Self>, guard: Rc<dyn Any>) -> Carried {
        self.links.set(self.links.get() + 1);
        drop(self.stranger.take());
        Carried { on: self.clone(), _guard: guard }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        let on = &self.on;
        on.links.set(on.links.get() - 1);
        if on.links.get() == 0 {
            on.stranger.set(Some(on.strangers.count(on.address)));
        }
    }
}

/// One sender: an IPv4 address, or the /64 that a host gets its IPv6 addresses from (RFC 6177).
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_has_its_share_and_others_theirs() {
        let strangers = Strangers::new(OF_ONE_SOURCE + 2);
        let of = |text: &str| strangers.enter(text.parse().unwrap());
        let first: Vec<_> = (0..OF_ONE_SOURCE).map(|_| of("10.0.0.1").unwrap()).collect();
        assert!(of("10.0.0.1").is_none() && of("::ffff:10.0.0.1").is_none());
        let six = of("2001:db8::1").unwrap();
        let another = of("2001:db8::ffff:1").unwrap();
        assert_eq!(strangers.by_source.borrow().len(), 2, "one source has many IPv6 addresses");
        assert!(of("10.0.0.2").is_none(), "there are too many in all");
        drop((first, six, another));
        assert!(strangers.by_source.borrow().is_empty());
        assert!(of("10.0.0.1").is_some());
        assert_eq!(strangers.len.get(), 0);
    }

    #[test]
    fn a_connection_is_a_stranger_exactly_while_it_carries_no_link() {
        let strangers = Strangers::new(2);
        let arrival = Arrival::enter(&strangers, "10.0.0.1".parse().unwrap()).unwrap();
        let first = arrival.handshake().unwrap();
        assert_eq!(strangers.len.get(), 1, "the handshake stands in the connection's place");
        let links = [arrival.carry(Rc::new(())), arrival.carry(Rc::new(()))];
        drop(first);
        assert_eq!(strangers.len.get(), 0);
        // Another stream of it, on which nobody proves anything.
        let failing = arrival.handshake().unwrap();
        assert_eq!(strangers.len.get(), 1);
        arrival.failed(failing);
        assert_eq!(strangers.len.get(), 0, "it still carries links");
        let [one, other] = links;
        drop(one);
        assert_eq!(strangers.len.get(), 0);
        let crowd: Vec<_> = (0..3).filter_map(|_| strangers.enter("10.0.0.2".parse().unwrap())).collect();
        drop(other);
        assert_eq!((crowd.len(), strangers.len.get()), (2, 3), "it is there, room or not");
        drop((crowd, arrival));
        assert_eq!(strangers.len.get(), 0);
    }
}
