//! The end, written against what real consumers do: tell those who have somewhere else to go, leave the registry, serve
//! on for a while, close when nothing is in flight.
//!
//! ```text
//!  readonly (if every service has another address) ─▶ nodes withdrawn ─▶ at least 15 s ─▶ nothing in flight ─▶ closed
//! ```
//!
//! The readonly event moves consumers at once if there is a second address; without one 3.x consumers would fail every
//! call until they are told otherwise, so then it is not sent. Chassis bounds the whole by `[drain] within`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use zk_bridge::{Provider, View};

use crate::listen::Order;
use crate::site::Site;

/// How often it is asked whether anything is in flight.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// Drains; returns when nothing is in flight and every connection is closed.
pub async fn run(sites: &[Site], orders: &[mpsc::Sender<Order>], gateway: &str, serve_at_least: Duration) {
    let served = tokio::time::Instant::now() + serve_at_least;
    let views: Vec<Arc<View>> = sites.iter().map(|site| site.view.borrow().clone()).collect();
    if all_have_other_addresses(&views, gateway) {
        for order in orders {
            ask(order, Order::Readonly).await;
        }
    }
    withdraw(sites).await;
    tokio::time::sleep_until(served).await;
    while in_flight(orders).await > 0 {
        tokio::time::sleep(ASKED_EVERY).await;
    }
    for order in orders {
        // A shard that has ended has nobody to tell.
        let _ = order.send(Order::Close("the egress gateway ends".to_owned())).await;
        order.closed().await;
    }
}

/// Takes this gateway's nodes out of all registries at once: one that does not answer holds up no other.
async fn withdraw(sites: &[Site]) {
    let mut withdrawals = JoinSet::new();
    for site in sites {
        let registry = site.registry.clone();
        withdrawals.spawn(async move {
            if let Err(error) = registry.withdraw().await {
                tracing::warn!(%error, "this gateway's nodes may stay until its session ends");
            }
        });
    }
    withdrawals.join_all().await;
}

/// Whether each service that this gateway publishes, and there is one, has another address in the same registry.
fn all_have_other_addresses(views: &[Arc<View>], gateway: &str) -> bool {
    let is_ours = |provider: &Provider| provider.highway.as_deref() == Some(gateway);
    let published = |view: &Arc<View>| view.providers().iter().filter(|own| is_ours(own)).cloned().collect::<Vec<_>>();
    let has_another = |view: &View, own: &Provider| {
        let same = |other: &Provider| other.tag() == own.tag() && !other.is_disabled();
        view.providers_of(&own.key).iter().any(|other| !is_ours(other) && same(other))
    };
    // A registry that holds nothing of this gateway has nobody to lose an address.
    let mut ours = views.iter().flat_map(|view| published(view).into_iter().map(move |own| (view, own))).peekable();
    ours.peek().is_some() && ours.all(|(view, own)| has_another(view, &own))
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
    use zk_bridge::{Level, Parameters, ServiceKey};

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

    fn others(providers: Vec<Provider>) -> bool {
        others_in(vec![providers])
    }

    fn others_in(registries: Vec<Vec<Provider>>) -> bool {
        let view = |providers| Arc::new(View::of(1, providers, Vec::new()));
        all_have_other_addresses(&registries.into_iter().map(view).collect::<Vec<_>>(), "egress-1")
    }

    #[test]
    fn consumers_are_told_only_if_every_service_has_another_address() {
        let ours = provider("a.A", "10.0.0.9", Some("egress-1"), None);
        let twin = provider("a.A", "10.0.0.10", Some("egress-2"), None);
        let local = provider("a.A", "10.0.0.3", None, None);
        assert!(!others(vec![ours.clone()]));
        assert!(others(vec![ours.clone(), twin.clone()]));
        assert!(others(vec![ours.clone(), local]));
        let lone = provider("a.B", "10.0.0.9", Some("egress-1"), None);
        assert!(!others(vec![ours, twin, lone]));
    }

    #[test]
    fn an_address_under_another_tag_is_no_other_address() {
        let ours = provider("a.A", "10.0.0.9", Some("egress-1"), Some("shanghai"));
        let untagged = provider("a.A", "10.0.0.10", Some("egress-2"), None);
        let twin = provider("a.A", "10.0.0.10", Some("egress-2"), Some("shanghai"));
        assert!(!others(vec![ours.clone(), untagged]));
        assert!(others(vec![ours, twin]));
    }

    #[test]
    fn a_registry_without_our_nodes_keeps_nobody_from_being_told() {
        let ours = provider("a.A", "10.0.0.9", Some("egress-1"), None);
        let twin = provider("a.A", "10.0.0.10", Some("egress-2"), None);
        assert!(others_in(vec![vec![ours.clone(), twin.clone()], Vec::new()]));
        assert!(!others_in(vec![vec![ours.clone(), twin.clone()], vec![ours]]));
        assert!(!others_in(vec![vec![twin], Vec::new()]));
    }

    #[test]
    fn nobody_is_told_where_nothing_is_published() {
        assert!(!others(Vec::new()));
        assert!(!others(vec![provider("a.A", "10.0.0.3", None, None)]));
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
        fn publish(&self, _: zk_bridge::Desired) {}
        fn withdraw(&self) -> zk_bridge::Work<'_> {
            Box::pin(async {
                self.0.wait().await;
                Ok(())
            })
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
        let left = tokio::time::timeout(Duration::from_secs(10), withdraw(&sites));
        left.await.expect("neither waits for the other to be done");
    }
}
