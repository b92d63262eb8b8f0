//! Which links there are and which one a call takes. It never opens or closes one.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use chassis::metrics::tally::{Tallied, Tally};
use rustc_hash::FxHashMap;
use tunnel::{Link, Role};

use crate::catalogue::{Catalogue, Shown, Who};
use crate::distance::{Distance, is_news};
use crate::limits::{Limit, Limits};

/// Calls by which the link that was taken last may exceed the others before one of them is taken: a batch that was read
/// together goes on together, and wakes one shard (measured at 1 x 32: 11.0 instead of 6.6 us CPU a call without this
/// and the acknowledgements that were not asked for).
const STAY: u32 = 32;

/// All links of this hub.
#[derive(Default)]
pub struct Links {
    egress: FxHashMap<u64, Egress>,
    ingress: FxHashMap<Rc<str>, Vec<Ingress>>,
}

/// A link calls come in on.
pub struct Egress {
    /// The link.
    pub link: Link,
    /// What its island may send.
    pub limit: Rc<Limit>,
    /// What it has been told of the catalogue.
    pub shown: Shown,
    /// Whether it was told that this is everything.
    pub whole: Told,
    /// How far it was told that islands are.
    distances: FxHashMap<Rc<str>, Duration>,
}

/// Whether an egress knows that it was told everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was told so.
    Yes,
    /// Not yet.
    No,
}

/// A link calls go out on.
struct Ingress {
    link: Link,
    who: Who,
    /// Calls that wait for a reply on it.
    open: Rc<Cell<u32>>,
    /// Whether the last call took it.
    last: Cell<bool>,
    services: Rc<Services>,
    /// Whether all that its gateway offers was told on this link.
    told: bool,
    distance: Distance,
}

/// The services of one gateway, to be asked by the three names of a head without allocating.
#[derive(Default)]
struct Services {
    names: FxHashMap<Box<[u8]>, Rc<Service>>,
    /// Whether the gateway has said anything yet.
    known: bool,
}

/// What came of the calls to one service of an island, over whichever of its links.
struct Service {
    /// `[group/]interface[:version]`.
    key: Box<str>,
    tally: Rc<Tally>,
}

/// Why no link can take a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLink {
    /// The island has no link here.
    Island,
    /// It has links, but its catalogue is not here yet.
    NoCatalogue,
    /// It has links, but those of the gateways that offer the service take no calls just now.
    Away,
    /// It has links, and nobody there offers the service.
    Service,
}

/// The link a call takes, and its count of calls.
pub struct Chosen {
    /// The link.
    pub link: Link,
    /// Counts this call until it is dropped.
    pub open: Counted,
    /// What comes of calls to this service there.
    pub tally: Rc<Tally>,
}

/// One call on a link; uncounted with its drop.
pub struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Links {
    /// Adds a link that came up.
    pub fn add(&mut self, link: &Link, limits: &Limits) {
        let peer = link.peer();
        match peer.role {
            Role::Ingress => {
                let who = Who { island: peer.island.to_string(), gateway: peer.name.to_string() };
                let ingress = Ingress {
                    link: link.clone(),
                    who,
                    open: Rc::default(),
                    last: Cell::new(false),
                    services: Rc::default(),
                    told: false,
                    distance: Distance::default(),
                };
                self.ingress.entry(peer.island.clone()).or_default().push(ingress);
            }
            Role::Egress | Role::Hub => {
                let (limit, shown) = (limits.of(&peer.island), Shown::default());
                let distances = FxHashMap::default();
                let egress = Egress { link: link.clone(), limit, shown, whole: Told::No, distances };
                self.egress.insert(link.id(), egress);
            }
        }
    }

    /// Takes a link out that is gone. False: it was never in.
    pub fn remove(&mut self, link: &Link) -> bool {
        if self.egress.remove(&link.id()).is_some() {
            return true;
        }
        let Some(island) = self.ingress.get_mut(&link.peer().island) else { return false };
        let before = island.len();
        island.retain(|ingress| ingress.link != *link);
        let is_out = island.len() < before;
        if island.is_empty() {
            self.ingress.remove(&link.peer().island);
        }
        is_out
    }

    /// All that the gateway offers was told on this link.
    pub fn told(&mut self, link: &Link) {
        let island = self.ingress.get_mut(&link.peer().island).into_iter().flatten();
        island.filter(|ingress| ingress.link == *link).for_each(|ingress| ingress.told = true);
    }

    /// Takes over what the gateway offers, for those of its links that have told all of it: what an earlier process of it
    /// offered says nothing of one that has just started.
    pub fn learn(&mut self, who: &Who, catalogue: &Catalogue) {
        let services = Rc::new(Services::of(who, catalogue, self.of(&who.island)));
        let links = self.ingress.get_mut(who.island.as_str()).into_iter().flatten();
        for ingress in links.filter(|ingress| ingress.told && ingress.who == *who) {
            ingress.services = services.clone();
        }
    }

    /// Whether calls can go to this island: it has links, and each of them has said what it offers, so that none is refused
    /// for want of that.
    pub fn reach(&self, island: &str) -> bool {
        let mut usable = self.of(island).iter().filter(|one| one.link.usable()).peekable();
        usable.peek().is_some() && usable.all(|one| one.services.known)
    }

    /// The limit of the island behind an egress link.
    pub fn limit(&self, link: &Link) -> Option<Rc<Limit>> {
        self.egress.get(&link.id()).map(|egress| egress.limit.clone())
    }

    /// An egress link by its number.
    pub fn egress_link(&self, id: u64) -> Option<Link> {
        self.egress.get(&id).map(|egress| egress.link.clone())
    }

    /// The egress links.
    pub fn egress(&self) -> Vec<Link> {
        self.egress.values().map(|egress| egress.link.clone()).collect()
    }

    /// Notes that an egress link hears that it was told everything; false where it has heard so.
    pub fn hears_whole(&mut self, link: &Link) -> bool {
        let egress = self.egress.get_mut(&link.id());
        egress.is_some_and(|egress| std::mem::replace(&mut egress.whole, Told::Yes) == Told::No)
    }

    /// What an egress link has been told, to be changed and put back.
    pub fn shown(&mut self, link: &Link) -> Option<&mut Shown> {
        self.egress.get_mut(&link.id()).map(|egress| &mut egress.shown)
    }

    /// Looks how far every island is now, and gives what egresses have to be told: of islands that they see, what is notably otherwise.
    pub fn measure(&mut self) -> Vec<(Link, Rc<str>, Duration)> {
        let mut nearest: FxHashMap<Rc<str>, Duration> = FxHashMap::default();
        for (island, links) in &mut self.ingress {
            for ingress in links.iter_mut() {
                ingress.distance =
                    ingress.distance.with(ingress.link.round_trip().filter(|_| ingress.link.connected()));
            }
            let known = links.iter().filter(|ingress| ingress.link.connected()).filter_map(|one| one.distance.get());
            nearest.extend(known.min().map(|distance| (island.clone(), distance)));
        }
        let mut news = Vec::new();
        for Egress { link, shown, distances, .. } in self.egress.values_mut() {
            for island in shown.islands() {
                let Some((island, distance)) = nearest.get_key_value(island) else { continue };
                if is_news(distances.get(island).copied(), *distance) {
                    distances.insert(island.clone(), *distance);
                    news.push((link.clone(), island.clone(), *distance));
                }
            }
        }
        news
    }

    /// All links.
    pub fn all(&self) -> impl Iterator<Item = &Link> {
        self.egress
            .values()
            .map(|egress| &egress.link)
            .chain(self.ingress.values().flatten().map(|ingress| &ingress.link))
    }

    /// The link of this island that offers the service: the one taken last, until another has far fewer calls open.
    ///
    /// # Errors
    /// Why there is none.
    pub fn choose(&self, island: &str, name: &[u8]) -> Result<Chosen, NoLink> {
        let links = self.of(island);
        let load = |one: &&Ingress| one.open.get() + if one.last.get() { 0 } else { STAY };
        match offering(links, name).min_by_key(|(one, _)| load(one)) {
            Some((one, service)) => {
                if !one.last.get() {
                    links.iter().for_each(|other| other.last.set(false));
                    one.last.set(true);
                }
                one.open.set(one.open.get() + 1);
                Ok(Chosen { link: one.link.clone(), open: Counted(one.open.clone()), tally: service.tally.clone() })
            }
            None => Err(why_none(links, name)),
        }
    }

    /// A link of each gateway from which [`Links::choose`] would take one; it counts nothing.
    ///
    /// # Errors
    /// Why there is none.
    pub fn gateways(&self, island: &str, name: &[u8]) -> Result<Vec<Link>, NoLink> {
        let links = self.of(island);
        let mut gateways: Vec<Link> = Vec::new();
        for (one, _) in offering(links, name) {
            if !gateways.iter().any(|known| known.peer().name == one.link.peer().name) {
                gateways.push(one.link.clone());
            }
        }
        if gateways.is_empty() { Err(why_none(links, name)) } else { Ok(gateways) }
    }

    /// What came of calls, by island and service; of services that are offered now, and that were called.
    pub fn tallied(&self) -> Vec<((String, String), Tallied)> {
        let mut all: FxHashMap<(&str, &str), Tallied> = FxHashMap::default();
        for (island, links) in &self.ingress {
            for service in links.iter().flat_map(|one| one.services.names.values()) {
                let tallied = service.tally.get();
                if tallied.calls > 0 {
                    // All gateways of an island, and all names of a service, share what is counted.
                    all.insert((&**island, &*service.key), tallied);
                }
            }
        }
        all.into_iter().map(|((island, key), tallied)| ((island.to_owned(), key.to_owned()), tallied)).collect()
    }

    fn of(&self, island: &str) -> &[Ingress] {
        self.ingress.get(island).map_or(&[][..], Vec::as_slice)
    }
}

/// Links on which a call of this service may go out now.
fn offering<'a>(links: &'a [Ingress], name: &[u8]) -> impl Iterator<Item = (&'a Ingress, &'a Service)> {
    let usable = links.iter().filter(|one| one.link.usable());
    usable.filter_map(move |one| Some((one, &**one.services.names.get(name)?)))
}

/// Why none of them takes a call of this service.
fn why_none(links: &[Ingress], name: &[u8]) -> NoLink {
    let mut usable = links.iter().filter(|one| one.link.usable()).peekable();
    if usable.peek().is_none() {
        return NoLink::Island;
    }
    if usable.any(|one| !one.services.known) {
        return NoLink::NoCatalogue;
    }
    // A link that lost its connection still says what its gateway offers: it may be back in a moment.
    if links.iter().any(|one| one.services.names.contains_key(name)) { NoLink::Away } else { NoLink::Service }
}

impl Services {
    /// What a gateway offers; what was counted of a service goes on, whichever of the island's `links` knows it.
    fn of(who: &Who, catalogue: &Catalogue, links: &[Ingress]) -> Services {
        let mut names = FxHashMap::default();
        for entry in catalogue.entries(who) {
            let (group, version) = (&entry.key.group, &entry.key.version);
            let own: Box<[u8]> = name(group, &entry.key.interface, version, Vec::new()).into();
            let known = links.iter().find_map(|one| one.services.names.get(&own));
            let new = || Rc::new(Service { key: entry.key.to_string().into(), tally: Rc::default() });
            let service = known.cloned().unwrap_or_else(new);
            if !entry.path.is_empty() {
                names.insert(name(group, &entry.path, version, Vec::new()).into(), service.clone());
            }
            names.insert(own, service);
        }
        Services { names, known: catalogue.is_known(who) }
    }
}

/// The three names of a service as one key, written into `buffer`.
pub fn name(group: &str, service: &str, version: &str, mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.clear();
    for part in [group, service, version] {
        buffer.extend_from_slice(part.as_bytes());
        buffer.push(0);
    }
    buffer
}
