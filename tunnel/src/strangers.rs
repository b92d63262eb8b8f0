//! How many who have not proved who they are may wait for a link at once: connections without one and handshakes under way, by
//! where they come from. It never counts a link, so that whoever is linked loses nothing to a crowd at the door.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;

/// Strangers of one source at once. Many gateways may stand behind one address; each is a stranger for the time of a handshake.
const OF_ONE_SOURCE: usize = 256;

/// All strangers of an acceptor.
#[derive(Debug)]
pub(crate) struct Strangers {
    by_source: RefCell<HashMap<IpAddr, usize>>,
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
        Rc::new(Strangers { by_source: RefCell::default(), limit })
    }

    /// Lets one more in; `None` if there are too many already.
    pub(crate) fn enter(self: &Rc<Self>, address: IpAddr) -> Option<Stranger> {
        let source = source(address);
        let mut by_source = self.by_source.borrow_mut();
        let all: usize = by_source.values().sum();
        let of_source = by_source.get(&source).copied().unwrap_or(0);
        if all >= self.limit || of_source >= OF_ONE_SOURCE {
            return None;
        }
        by_source.insert(source, of_source + 1);
        Some(Stranger { all: self.clone(), source })
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut by_source = self.all.by_source.borrow_mut();
        if let Some(count) = by_source.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                by_source.remove(&self.source);
            }
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
    }
}
