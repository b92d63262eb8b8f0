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
use zk_bridge::View;

use crate::listen::Order;
use crate::site::Site;

/// How often it is asked whether anything is in flight.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// Drains; returns when nothing is in flight and every connection is closed.
pub async fn run(sites: &[Site], orders: &[mpsc::Sender<Order>], gateway: &str, serve_at_least: Duration) {
    let served = tokio::time::Instant::now() + serve_at_least;
    let views: Vec<Arc<View>> = sites.iter().map(|site| site.view.borrow().clone()).collect();
    if views.iter().all(|view| has_other_addresses(view, gateway)) && !views.is_empty() {
        for order in orders {
            ask(order, Order::Readonly).await;
        }
    }
    for site in sites {
        if let Err(error) = site.registry.withdraw().await {
            tracing::warn!(%error, "this gateway's nodes may stay until its session ends");
        }
    }
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

/// Whether each service that this gateway publishes has another address in the same registry.
fn has_other_addresses(view: &View, gateway: &str) -> bool {
    let is_ours = |highway: Option<&str>| highway == Some(gateway);
    let mut ours = view.providers().iter().filter(|provider| is_ours(provider.highway.as_deref())).peekable();
    let published = ours.peek().is_some();
    published
        && ours.all(|own| {
            let tag = own.tag();
            let same = |other: &zk_bridge::Provider| other.tag() == tag && !other.is_disabled();
            view.providers_of(&own.key).iter().any(|other| !is_ours(other.highway.as_deref()) && same(other))
        })
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
    use zk_bridge::{Level, Parameters, Provider, ServiceKey};

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
        has_other_addresses(&View::of(1, providers, Vec::new()), "egress-1")
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
    fn nobody_is_told_where_nothing_is_published() {
        assert!(!others(Vec::new()));
        assert!(!others(vec![provider("a.A", "10.0.0.3", None, None)]));
    }
}
