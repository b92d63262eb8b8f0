//! One attempt at a link: a connection over one transport, a handshake on it, and what becomes of both. When to make one, and over which transport,
//! others say.

use std::cell::Cell;
use std::io;

use tokio::sync::Notify;
use tokio::time::timeout;
use wire::tunnel::hello::{ClientHello, ClientPayload, MAX_HUBS, Resume, Role, VERSION, Welcome};

use super::{Attempt, Dialled, HubId, Inner};
use crate::handshake::{Answered, HANDSHAKE_LIMIT, HandshakeError, Initiator, initiate};
use crate::key::PublicKey;
use crate::link::{Connected, NewLink};
use crate::moved::Moved;
use crate::session::Side;
use crate::transport::connect::{self, Made, Target};
use crate::{Link, Peer, Transport, transport};

impl Inner {
    /// One connection, one handshake.
    pub(super) async fn attempt(&self, index: usize, transport: Transport) -> Result<Attempt, HandshakeError> {
        let work = async {
            let made = self.connect(index, transport).await?;
            self.shake_hands(index, transport, made).await
        };
        let late = || match transport {
            Transport::H2 | Transport::H1 => HandshakeError::Held,
            _ => HandshakeError::Timeout,
        };
        timeout(HANDSHAKE_LIMIT, work).await.unwrap_or_else(|_| Err(late()))
    }

    async fn connect(&self, index: usize, transport: Transport) -> io::Result<Made> {
        connect::over(&self.shard, Target::of(&self.config.hubs[index])?, transport).await
    }

    async fn shake_hands(&self, index: usize, via: Transport, made: Made) -> Result<Attempt, HandshakeError> {
        let Made { mut transport, exporter, is_tls } = made;
        let answered = self.ask(index, &mut *transport, exporter, |link| !link.connected()).await?;
        let hub = (answered.welcome.hub.clone(), answered.key);
        self.learn(index, &hub, &answered.welcome);
        if self.is_connected(|linked| *linked == hub) || !self.pending.borrow_mut().insert(hub.clone()) {
            let duplicates = &self.addresses[index].duplicates;
            duplicates.set(duplicates.get().saturating_add(1));
            return Ok(Attempt::Duplicate);
        }
        let pending = Pending { inner: self, hub: &hub };
        let position = answered.position();
        let established = answered.confirm(None).await?;
        let connected = Connected { transport, seal: established.seal, is_tls, rest: established.rest, guard: None };
        drop(pending);
        self.addresses[index].duplicates.set(0);
        self.take(index, via, hub, established.said, connected, position);
        Ok(Attempt::Linked)
    }

    /// Moves the link with this hub, which stands, to a connection over another transport. False: another hub has answered.
    pub(super) async fn move_to(&self, index: usize, hub: &HubId, via: Transport) -> Result<bool, HandshakeError> {
        let Made { mut transport, exporter, is_tls } = self.connect(index, via).await?;
        let answered = self.ask(index, &mut *transport, exporter, |_| true).await?;
        let is_same = (&answered.welcome.hub, &answered.key) == (&hub.0, &hub.1);
        let (Some(told), true) = (answered.welcome.resumed, is_same) else { return Ok(false) };
        let standing = |dialled: &&Dialled| dialled.hub == *hub && dialled.link.connected();
        let Some(link) = self.links.borrow().iter().find(standing).map(|dialled| dialled.link.clone()) else {
            return Ok(false);
        };
        if link.session_id() != answered.welcome.session || !self.pending.borrow_mut().insert(hub.clone()) {
            return Ok(false);
        }
        // From here on nothing moves: what has come and what is known to have come is what the new connection begins with.
        let (_gap, _pending) = (Gap(&self.lost), Pending { inner: self, hub });
        let [received, acknowledged] = link.let_go();
        let moved = Moved { received, acknowledged: acknowledged.max(told) };
        let mut established = answered.confirm(Some(moved)).await?;
        let connected = Connected { transport, seal: established.seal, is_tls, rest: established.rest, guard: None };
        established.said.resumed = Some(moved.acknowledged);
        self.take(index, via, hub.clone(), established.said, connected, moved.received);
        Ok(true)
    }

    /// Asks whoever answers for a link; sessions for which `goes_on` says so may go on over it.
    async fn ask<'a>(
        &self,
        index: usize,
        transport: &'a mut dyn transport::Transport,
        exporter: Option<String>,
        goes_on: impl Fn(&Link) -> bool,
    ) -> Result<Answered<'a>, HandshakeError> {
        let initiator = Initiator {
            key: &self.config.key,
            hub_keys: &self.config.hubs[index].keys,
            hello: ClientHello {
                version_min: VERSION,
                version_max: VERSION,
                features: self.config.hubs[index].features(),
                role: self.config.role,
                island: self.config.island.clone(),
                gateway: self.config.gateway.clone(),
                hub_key: String::new(),
            },
            payload: &|key| ClientPayload {
                seal: self.config.seal,
                exporter: exporter.clone(),
                start: self.config.start,
                exchanges: self.config.exchanges,
                resume: self.resumable(key, &goes_on),
            },
        };
        initiate(transport, initiator).await
    }

    /// Sessions with the hub of this key that may go on.
    fn resumable(&self, key: &PublicKey, goes_on: &dyn Fn(&Link) -> bool) -> Vec<Resume> {
        let links = self.links.borrow();
        let waiting =
            links.iter().filter(|dialled| dialled.hub.1 == *key && !dialled.link.is_over() && goes_on(&dialled.link));
        waiting
            .take(MAX_HUBS)
            .map(|dialled| Resume {
                hub: dialled.hub.0.clone(),
                session: dialled.link.session_id().to_owned(),
                received: dialled.link.received(),
            })
            .collect()
    }

    fn learn(&self, index: usize, hub: &HubId, welcome: &Welcome) {
        let mut seen = self.addresses[index].seen.borrow_mut();
        // A hub whose key was changed does not come back with the old one.
        seen.retain(|known| known.0 != hub.0 || self.is_connected(|linked| linked == known));
        seen.insert(hub.clone());
        *self.named.borrow_mut() = welcome.hubs.iter().take(MAX_HUBS).chain([&welcome.hub]).cloned().collect();
    }

    /// A hub has a connection: its session goes on, or a new one begins.
    fn take(&self, index: usize, via: Transport, hub: HubId, welcome: Welcome, connected: Connected, position: u64) {
        let is_chosen = self.config.hubs[index].transport == Transport::Auto;
        let old = self
            .links
            .borrow()
            .iter()
            .find(|dialled| dialled.hub == hub && !dialled.link.is_over())
            .map(|dialled| (dialled.via.replace(via), dialled.link.clone()));
        let lost = self.addresses[index].lost.take();
        if let Some((before, link)) = old {
            if before != via {
                self.config.traffic.went_over(via, lost);
            }
            match welcome.resumed {
                Some(received) if link.session_id() == welcome.session => {
                    link.attach(connected, position, received);
                    if is_chosen {
                        link.prove();
                    }
                    return;
                }
                _ => link.abandon("the hub does not know the session any more", welcome.ended),
            }
        }
        let peer = Peer { role: Role::Hub, island: "".into(), name: hub.0.as_str().into(), key: hub.1 };
        let new = NewLink {
            session_id: welcome.session,
            peer,
            side: Side::Dialler,
            exchanges: [welcome.exchanges, self.config.exchanges],
            features: welcome.features & self.config.hubs[index].features(),
            ping: self.config.ping,
            compress: self.config.hubs[index].compress,
            lost: self.lost.clone(),
            budget: self.config.budget.clone(),
            traffic: self.config.traffic.clone(),
        };
        let link = Link::new(&self.shard, self.handler.clone(), new);
        link.speak_each(self.addresses[index].idle.borrow().ping(self.config.ping));
        tracing::info!(hub = %welcome.hub, url = self.config.hubs[index].url, transport = via.name(), sealed = welcome.sealed, "link is up");
        self.links.borrow_mut().push(Dialled { hub, address: index, via: Cell::new(via), link: link.clone() });
        link.attach(connected, 0, 0);
        if is_chosen {
            link.prove();
        }
    }
}

/// A hub whose answer is being confirmed, until this is dropped.
struct Pending<'a> {
    inner: &'a Inner,
    hub: &'a HubId,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.inner.pending.borrow_mut().remove(self.hub);
    }
}

/// While a link has let its connection go for another: if that does not come about, it is dialled anew.
struct Gap<'a>(&'a Notify);

impl Drop for Gap<'_> {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}
