//! The end, written against what real consumers do: send those away who have somewhere else to go, stay for the others as long
//! as this process can answer, close when nothing is in flight.
//!
//! ```text
//!  readonly (if every service has another address) ─▶ nodes with another address withdrawn ─▶ at least 15 s ─┐
//!                                                        where none has one ─────────────────────────────────┤
//!                        closed ◀── nothing in flight ◀── new calls refused (if some have no other address) ◀┘
//! ```
//!
//! The readonly event moves consumers at once if there is a second address; without one 3.x consumers would fail every
//! call until they are told otherwise, so then it is not sent.
//!
//! A node that is the only address of its service stays, and so does where the gateway stands if no other one does: without them
//! callers fail from the first moment of the drain on, and a drain takes longer than a restart. It goes with this process's
//! session, or is replaced by the next start under a new epoch, which is what consumers of every release follow within seconds; so
//! a restart costs what it takes and no more. Chassis bounds the whole by `[drain] within`.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use zk_bridge::{Provider, ServiceKey, View, VirtualProvider};

use crate::listen::Order;
use crate::site::Site;

/// How often it is asked whether anything is in flight.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// Drains; returns when nothing is in flight and every connection is closed.
pub async fn run(sites: &[Site], orders: &[mpsc::Sender<Order>], gateway: &str, serve_at_least: Duration) {
    let served = tokio::time::Instant::now() + serve_at_least;
    let alone: Vec<Alone> = sites.iter().map(|site| Alone::of(&site.view.borrow(), gateway)).collect();
    let published = alone.iter().map(|alone| alone.published).sum::<usize>();
    let lone = alone.iter().map(|alone| alone.services.len()).sum::<usize>();
    let is_last = alone.iter().any(|alone| alone.is_last);
    if published > 0 && lone == 0 {
        for order in orders {
            ask(order, Order::Readonly).await;
        }
    }
    withdraw(sites, &alone).await;
    if published > lone {
        tokio::time::sleep_until(served).await;
    }
    if lone > 0 || is_last {
        for order in orders {
            ask(order, Order::Refuse).await;
        }
    }
    while in_flight(orders).await > 0 {
        tokio::time::sleep(ASKED_EVERY).await;
    }
    for order in orders {
        // A shard that has ended has nobody to tell.
        let _ = order.send(Order::Close("the egress gateway ends".to_owned())).await;
        order.closed().await;
    }
}

/// Takes this gateway's nodes that have another address out of all registries at once: one that does not answer holds up no other.
async fn withdraw(sites: &[Site], alone: &[Alone]) {
    let mut withdrawals = JoinSet::new();
    for (site, alone) in sites.iter().zip(alone) {
        let (registry, services, is_last) = (site.registry.clone(), alone.services.clone(), alone.is_last);
        withdrawals.spawn(async move {
            let stays = |own: &VirtualProvider| services.contains(&(own.key.clone(), own.tag.clone()));
            let left = if services.is_empty() && !is_last { registry.withdraw() } else { registry.keep_only(&stays) };
            if let Err(error) = left.await {
                tracing::warn!(%error, "this gateway's nodes may stay until its session ends");
            }
        });
    }
    withdrawals.join_all().await;
}

/// What of this gateway stands in one registry.
#[derive(Debug, Default, PartialEq, Eq)]
struct Alone {
    /// So many services.
    published: usize,
    /// Those of them, with their tags, of which it is the only address.
    services: BTreeSet<(ServiceKey, Option<String>)>,
    /// Whether no other gateway stands there: programs that look for one have no other, and wait for it to come again.
    is_last: bool,
}

impl Alone {
    fn of(view: &View, gateway: &str) -> Self {
        let is_ours = |provider: &Provider| provider.highway.as_deref() == Some(gateway);
        let has_another = |own: &Provider| {
            let same =
                |other: &Provider| other.tag() == own.tag() && client::is_enabled(|key| other.parameters.get(key));
            view.providers_of(&own.key).iter().any(|other| !is_ours(other) && same(other))
        };
        let name = |own: &Provider| (own.key.clone(), own.tag().map(str::to_owned));
        let ours: Vec<_> = view.providers().iter().filter(|own| is_ours(own)).collect();
        let services = ours.iter().filter(|own| !has_another(own)).map(|own| name(own)).collect();
        let stands = view.gateways();
        Self {
            published: ours.iter().map(|own| name(own)).collect::<BTreeSet<_>>().len(),
            services,
            is_last: !stands.is_empty() && stands.iter().all(|stand| stand.id == gateway),
        }
    }
}

async fn in_flight(orders: &[mpsc::Sender<Order>]) -> usize {
    let mut sum = 0;
    for order in orders {
        sum += ask(order, Order::InFlight).await.unwrap_or(0);
    }
    sum
}

/// A shard's answer; `None` when it has ended.
async fn ask<T>(shard: &mpsc::Sender<Order>, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
    let (answer_in, answer) = oneshot::channel();
    shard.send(order(answer_in)).await.ok()?;
    answer.await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use zk_bridge::{Level, Parameters};

    use super::*;

    fn provider(interface: &str, host: &str, highway: Option<&str>, tag: Option<&str>) -> Provider {
        let tag = tag.map(|tag| ("dubbo.tag".to_owned(), tag.to_owned()));
        Provider {
            key: ServiceKey::new(interface, None, None),
            host: host.to_owned(),
            port: 20990,
            path: interface.to_owned(),
            level: Level::Both,
            application: None,
            parameters: Parameters(tag.into_iter().collect()),
            highway: highway.map(str::to_owned),
        }
    }

    fn alone(providers: Vec<Provider>) -> (usize, Vec<String>) {
        let alone = Alone::of(&View::of(1, providers, Vec::new()), "egress-1");
        let named = |(key, tag): &(ServiceKey, Option<String>)| match tag {
            Some(tag) => format!("{key} as {tag}"),
            None => key.to_string(),
        };
        (alone.published, alone.services.iter().map(named).collect())
    }

    #[test]
    fn a_service_is_alone_unless_somebody_else_offers_it_too() {
        let ours = provider("a.A", "10.0.0.9", Some("egress-1"), None);
        let twin = provider("a.A", "10.0.0.10", Some("egress-2"), None);
        let local = provider("a.A", "10.0.0.3", None, None);
        let lone = provider("a.B", "10.0.0.9", Some("egress-1"), None);
        assert_eq!(alone(vec![ours.clone()]), (1, vec!["a.A".to_owned()]));
        assert_eq!(alone(vec![ours.clone(), twin.clone()]), (1, vec![]));
        assert_eq!(alone(vec![ours.clone(), local]), (1, vec![]));
        assert_eq!(alone(vec![ours, twin, lone]), (2, vec!["a.B".to_owned()]));
    }

    #[test]
    fn an_address_under_another_tag_is_no_other_address() {
        let ours = provider("a.A", "10.0.0.9", Some("egress-1"), Some("shanghai"));
        let untagged = provider("a.A", "10.0.0.10", Some("egress-2"), None);
        let twin = provider("a.A", "10.0.0.10", Some("egress-2"), Some("shanghai"));
        assert_eq!(alone(vec![ours.clone(), untagged]), (1, vec!["a.A as shanghai".to_owned()]));
        assert_eq!(alone(vec![ours, twin]), (1, vec![]));
    }

    #[test]
    fn a_gateway_is_the_last_one_unless_another_stands_in_the_registry() {
        let is_last = |providers| Alone::of(&View::of(1, providers, Vec::new()), "egress-1").is_last;
        let ours = provider("a.A", "10.0.0.9", Some("egress-1"), None);
        let local = provider("a.A", "10.0.0.3", None, None);
        assert!(is_last(vec![ours.clone(), local]));
        assert!(!is_last(vec![ours, provider("a.B", "10.0.0.10", Some("egress-2"), None)]));
        assert!(!is_last(Vec::new()), "it is not there itself");
    }

    #[test]
    fn what_others_offer_is_nothing_of_ours() {
        assert_eq!(alone(Vec::new()), (0, vec![]));
        assert_eq!(alone(vec![provider("a.A", "10.0.0.3", None, None)]), (0, vec![]));
        assert_eq!(alone(vec![provider("a.A", "10.0.0.10", Some("egress-2"), None)]), (0, vec![]));
    }

    /// A registry that says when it was asked, and is done when all were.
    struct Asked(Arc<tokio::sync::Barrier>);

    impl zk_bridge::Registry for Asked {
        fn name(&self) -> &str {
            "asked"
        }
        fn view(&self) -> tokio::sync::watch::Receiver<Arc<View>> {
            tokio::sync::watch::channel(Arc::new(View::unread())).1
        }
        fn documents(&self) -> tokio::sync::watch::Receiver<Arc<zk_bridge::Documents>> {
            tokio::sync::watch::channel(Arc::new(zk_bridge::Documents::default())).1
        }
        fn publish(&self, _: zk_bridge::Desired) {}
        fn settled(&self) -> zk_bridge::Work<'_> {
            self.withdraw()
        }
        fn withdraw(&self) -> zk_bridge::Work<'_> {
            Box::pin(async {
                self.0.wait().await;
                Ok(())
            })
        }
        fn keep_only(&self, _: &dyn Fn(&VirtualProvider) -> bool) -> zk_bridge::Work<'_> {
            self.withdraw()
        }
        fn leave(&self) -> zk_bridge::Work<'_> {
            self.withdraw()
        }
        fn status(&self) -> zk_bridge::Status {
            zk_bridge::Status::default()
        }
    }

    #[tokio::test]
    async fn all_registries_are_left_at_once() {
        let (process, _teller) = chassis::Process::alone();
        let all_asked = Arc::new(tokio::sync::Barrier::new(2));
        let site = || Site::new(Arc::new(Asked(all_asked.clone())), &process);
        let sites = [site(), site()];
        let alone = [Alone::default(), Alone::default()];
        let left = tokio::time::timeout(Duration::from_secs(10), withdraw(&sites, &alone));
        left.await.expect("neither waits for the other to be done");
    }
}
