//! Providers that were there before a session began and are not there yet: each is kept for a while of connected time.
//!
//! ```text
//!   read ── a session begins ──▶ held ── read again ──▶ held no longer than until the same time
//!                                 │ a session timeout of connected time, in however many sessions it passes
//!                                 ▼
//!                                gone
//! ```
//!
//! Where a server lost its tree, or every session ended with ours, the processes of others are about to register again, and
//! their absence says nothing about them. They need a server for that, so time without one does not count; and they had their
//! time when it is over, so another session does not give them more. It knows no server and no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::assemble::Assembled;
use crate::gateway::Gateway;
use crate::scope::Interest;
use crate::view::{Provider, ServiceKey, View};

/// The same provider, of whatever path, has the same place.
type Place = (ServiceKey, String, u16);

/// Whom a registry's user calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// Real providers: gateways do not call gateways.
    Real,
    /// Virtual ones too, and gateways.
    Everybody,
}

impl Whom {
    /// Who is interested in a part of the registry alone calls what stands there; a gateway calls real providers.
    pub(super) const fn of(interest: &Interest) -> Self {
        match interest {
            Interest::Everything => Self::Real,
            Interest::Only { .. } => Self::Everybody,
        }
    }
}

/// What was there before.
pub(super) struct Holding {
    /// How long each is kept.
    time: Duration,
    providers: BTreeMap<(Place, String), Held<Arc<Provider>>>,
    foreign: BTreeMap<ServiceKey, Held<()>>,
    gateways: BTreeMap<Gateway, Held<()>>,
    /// Whom it holds.
    whom: Whom,
    /// Connected time up to the last disconnect.
    passed: Duration,
    /// Since when there is a connection.
    connected_since: Option<Instant>,
}

struct Held<T> {
    what: T,
    /// In connected time.
    until: Duration,
    /// It was not there when the tree was last read.
    is_missing: bool,
}

impl Holding {
    pub(super) const fn new(time: Duration, whom: Whom) -> Self {
        Self {
            time,
            providers: BTreeMap::new(),
            foreign: BTreeMap::new(),
            gateways: BTreeMap::new(),
            whom,
            passed: Duration::ZERO,
            connected_since: None,
        }
    }

    /// There is a connection from `now` on.
    pub(super) fn connected(&mut self, now: Instant) {
        self.connected_since.get_or_insert(now);
    }

    /// There is none any more.
    pub(super) fn disconnected(&mut self, now: Instant) {
        self.passed = self.connected_time(now);
        self.connected_since = None;
    }

    /// A session begins: what `before` shows is held. What was held and missing already stays only as long as it had left.
    pub(super) fn hold(&mut self, before: &View, now: Instant) {
        let until = self.connected_time(now) + self.time;
        let is_everybody = self.whom == Whom::Everybody;
        let held = before.providers.iter().filter(|provider| is_everybody || !provider.is_virtual());
        let held = held.map(|provider| ((place(provider), provider.path.clone()), Arc::clone(provider)));
        renew(&mut self.providers, held, until);
        renew(&mut self.foreign, before.foreign.iter().map(|key| (key.clone(), ())), until);
        let gateways = before.gateways.iter().filter(|_| is_everybody);
        renew(&mut self.gateways, gateways.map(|gateway| (gateway.clone(), ())), until);
    }

    /// Adds what is held and missing; `true` where there was something to add.
    pub(super) fn add(&mut self, assembled: &mut Assembled, now: Instant) -> bool {
        let time = self.connected_time(now);
        self.providers.retain(|_, held| held.until > time);
        self.foreign.retain(|_, held| held.until > time);
        self.gateways.retain(|_, held| held.until > time);
        let Assembled { providers, foreign, gateways, .. } = assembled;
        let there: BTreeSet<Place> = providers.iter().map(|provider| place(provider)).collect();
        let count = providers.len() + foreign.len() + gateways.len();
        for ((place, _), held) in &mut self.providers {
            held.is_missing = !there.contains(place);
            if held.is_missing {
                providers.push(Arc::clone(&held.what));
            }
        }
        for (key, held) in &mut self.foreign {
            held.is_missing = foreign.insert(key.clone());
        }
        for (gateway, held) in &mut self.gateways {
            let at = |known: &Gateway| (&known.host, known.port) == (&gateway.host, gateway.port);
            held.is_missing = !gateways.iter().any(at);
            if held.is_missing {
                gateways.push(gateway.clone());
            }
        }
        if providers.len() + foreign.len() + gateways.len() == count {
            return false;
        }
        providers.sort_by_cached_key(|provider| place(provider));
        gateways.sort();
        true
    }

    /// When something held has to go, as far as can be said now.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let untils = self.providers.values().map(|held| held.until);
        let untils = untils.chain(self.foreign.values().chain(self.gateways.values()).map(|held| held.until));
        Some(self.connected_since? + untils.min()?.saturating_sub(self.passed))
    }

    fn connected_time(&self, now: Instant) -> Duration {
        self.passed + self.connected_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

fn place(provider: &Provider) -> Place {
    (provider.key.clone(), provider.host.clone(), provider.port)
}

fn renew<K: Ord, T>(held: &mut BTreeMap<K, Held<T>>, there: impl Iterator<Item = (K, T)>, until: Duration) {
    let mut before = std::mem::take(held);
    held.extend(there.map(|(key, what)| match before.remove(&key) {
        Some(missing) if missing.is_missing => (key, missing),
        _ => (key, Held { what, until, is_missing: false }),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Level;

    const TIME: Duration = Duration::from_secs(10);

    fn provider(port: u16) -> Arc<Provider> {
        Arc::new(Provider {
            key: ServiceKey::new("com.acme.A", None, None),
            host: "10.0.0.1".into(),
            port,
            path: "com.acme.A".into(),
            level: Level::Interface,
            application: None,
            parameters: Default::default(),
            highway: None,
        })
    }

    /// What is shown where these ports are read.
    fn shown(holding: &mut Holding, read: &[u16], now: Instant) -> View {
        let foreign = read.iter().map(|port| ServiceKey::new(format!("tri-{port}"), None, None)).collect();
        let providers = read.iter().map(|port| provider(*port)).collect();
        let mut assembled = Assembled { providers, foreign, ..Assembled::default() };
        holding.add(&mut assembled, now);
        View { providers: assembled.providers, foreign: assembled.foreign, ..View::default() }
    }

    fn ports(view: &View) -> Vec<u16> {
        assert_eq!(view.providers.len(), view.foreign.len());
        view.providers.iter().map(|provider| provider.port).collect()
    }

    fn after(seconds: u64, since: Instant) -> Instant {
        since + Duration::from_secs(seconds)
    }

    /// A new session held what the one before held: where sessions came and went, who was gone was never gone.
    #[test]
    fn who_does_not_come_back_is_gone_however_many_sessions_begin() {
        let (mut holding, began) = (Holding::new(TIME, Whom::Real), Instant::now());
        let mut view = shown(&mut holding, &[1, 2], began);
        for seconds in [0, 4, 8] {
            let now = after(seconds, began);
            holding.connected(now);
            holding.hold(&view, now);
            view = shown(&mut holding, &[1], now);
            assert_eq!(ports(&view), [1, 2]);
        }
        assert_eq!(holding.next_due(), Some(after(10, began)));
        view = shown(&mut holding, &[1], after(10, began));
        assert_eq!(ports(&view), [1]);
    }

    #[test]
    fn time_without_a_server_does_not_count() {
        let (mut holding, began) = (Holding::new(TIME, Whom::Real), Instant::now());
        let mut view = shown(&mut holding, &[1], began);
        holding.connected(began);
        holding.hold(&view, began);
        view = shown(&mut holding, &[], began);
        holding.disconnected(after(2, began));
        assert_eq!(holding.next_due(), None);
        let back = after(600, began);
        holding.connected(back);
        holding.hold(&view, back);
        assert_eq!(holding.next_due(), Some(after(8, back)));
        view = shown(&mut holding, &[], after(7, back));
        assert_eq!(ports(&view), [1]);
        assert_eq!(ports(&shown(&mut holding, &[], after(8, back))), [] as [u16; 0]);
    }

    #[test]
    fn virtual_providers_and_gateways_are_held_for_those_who_call_them_and_for_nobody_else() {
        for (whom, held) in [(Whom::Real, 0), (Whom::Everybody, 1)] {
            let (mut holding, began) = (Holding::new(TIME, whom), Instant::now());
            let marked = Provider { highway: Some("gw-1".into()), ..Provider::clone(&provider(1)) };
            let before = View::of(1, vec![marked], Vec::new());
            holding.connected(began);
            holding.hold(&before, began);
            let mut nothing = Assembled::default();
            assert_eq!(holding.add(&mut nothing, began), held > 0);
            assert_eq!((nothing.providers.len(), nothing.gateways.len()), (held, held), "{whom:?}");
            let mut later = Assembled::default();
            assert!(!holding.add(&mut later, after(10, began)));
        }
    }

    #[test]
    fn who_was_read_in_between_is_held_anew_and_who_goes_soon_after_a_session_began_is_held_on() {
        let (mut holding, began) = (Holding::new(TIME, Whom::Real), Instant::now());
        let mut view = shown(&mut holding, &[1], began);
        holding.connected(began);
        holding.hold(&view, began);
        // The server had not ended its session yet.
        view = shown(&mut holding, &[1], began);
        assert_eq!(ports(&view), ports(&shown(&mut holding, &[], after(1, began))));
        shown(&mut holding, &[1], after(2, began));
        let later = after(9, began);
        holding.hold(&view, later);
        assert_eq!(ports(&shown(&mut holding, &[], after(9, later))), [1]);
        assert_eq!(ports(&shown(&mut holding, &[], after(10, later))), [] as [u16; 0]);
    }
}
