//! The gateways' side of a ZooKeeper registry: a few shared cells between the handles and the one driver.
//!
//! ```text
//!   publish / withdraw / leave ──▶ order (number, what) ──▶ driver
//!   view, documents ◀── watch channels ◀────────────────── driver
//!   withdraw waits for ◀── done (number) ◀──────────────── driver
//! ```
//!
//! A new order replaces an older one that was not yet carried out. Nothing here waits for a server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::center::Documents;
use crate::registry::{Desired, Registry, RegistryFailure, Status, VirtualProvider, Work};
use crate::view::View;

/// How long a caller waits for its order to be carried out. It stays an order when the caller has gone.
const CARRIED_OUT_WITHIN: Duration = Duration::from_secs(10);

/// What the gateway wants.
#[derive(Debug, Clone, Default)]
pub(crate) enum Wish {
    /// It never said anything: nothing is written.
    #[default]
    Silent,
    /// These and no others.
    Publish(Arc<Desired>),
    /// Nothing of ours; the persistent rest stays. The desired state is empty, and says who asks.
    Withdraw(Arc<Desired>),
    /// Nor anything persistent of the gateway's.
    Leave(Arc<Desired>),
}

impl Wish {
    /// What shall be there; `None` where nothing was ever wished.
    pub(crate) fn desired(&self) -> Option<&Arc<Desired>> {
        match self {
            Self::Silent => None,
            Self::Publish(desired) | Self::Withdraw(desired) | Self::Leave(desired) => Some(desired),
        }
    }
}

/// A numbered wish.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) wish: Wish,
}

/// What the driver holds.
pub(crate) struct DriverSide {
    pub(crate) view: watch::Sender<Arc<View>>,
    pub(crate) orders: watch::Receiver<Order>,
    pub(crate) done: watch::Sender<u64>,
    pub(crate) status: Arc<Mutex<Status>>,
    pub(crate) documents: watch::Sender<Arc<Documents>>,
    /// What is wrong with the documents.
    pub(crate) of_documents: Arc<Mutex<Vec<String>>>,
    pub(crate) documents_wanted: watch::Receiver<bool>,
}

struct Handle {
    name: String,
    view: watch::Receiver<Arc<View>>,
    orders: watch::Sender<Order>,
    done: watch::Receiver<u64>,
    status: Arc<Mutex<Status>>,
    documents: watch::Receiver<Arc<Documents>>,
    of_documents: Arc<Mutex<Vec<String>>>,
    documents_wanted: watch::Sender<bool>,
}

/// A handle and its driver's side.
pub(crate) fn pair(name: &str) -> (Arc<dyn Registry>, DriverSide) {
    let (view_in, view) = watch::channel(Arc::new(View::unread()));
    let (orders, orders_out) = watch::channel(Order::default());
    let (done_in, done) = watch::channel(0);
    let status = Status { name: name.to_owned(), problems: vec!["not connected yet".into()], ..Status::default() };
    let status = Arc::new(Mutex::new(status));
    let (documents_in, documents) = watch::channel(Arc::new(Documents::default()));
    let (documents_wanted, wanted) = watch::channel(false);
    let of_documents = Arc::new(Mutex::new(Vec::new()));
    let driver = DriverSide {
        view: view_in,
        orders: orders_out,
        done: done_in,
        status: Arc::clone(&status),
        documents: documents_in,
        of_documents: Arc::clone(&of_documents),
        documents_wanted: wanted,
    };
    let name = name.to_owned();
    (Arc::new(Handle { name, view, orders, done, status, documents, of_documents, documents_wanted }), driver)
}

impl Handle {
    /// Gives an order made from the one before and returns its number.
    fn order(&self, next: impl FnOnce(&Wish) -> Option<Wish>) -> u64 {
        let mut number = 0;
        self.orders.send_if_modified(|order| {
            let Some(wish) = next(&order.wish) else {
                number = order.number;
                return false;
            };
            *order = Order { number: order.number + 1, wish };
            number = order.number;
            true
        });
        number
    }

    async fn carried_out(&self, number: u64) -> Result<(), RegistryFailure> {
        let began = Instant::now();
        let mut done = self.done.clone();
        let waited = tokio::time::timeout(CARRIED_OUT_WITHIN, done.wait_for(|done| *done >= number)).await;
        match waited {
            Ok(Ok(done)) if *done == number => Ok(()),
            Ok(Ok(_)) => Err(RegistryFailure::Superseded(self.name.clone())),
            Ok(Err(_)) => Err(RegistryFailure::Stopped(self.name.clone())),
            Err(_) => {
                let why = self.status().problems.join("; ");
                Err(RegistryFailure::NotYet { registry: self.name.clone(), waited: began.elapsed(), why })
            }
        }
    }
}

/// The empty state on behalf of whoever spoke before.
fn emptied(wish: &Wish) -> Option<Arc<Desired>> {
    let said = wish.desired()?;
    Some(Arc::new(Desired { gateway: said.gateway.clone(), epoch: said.epoch, ..Desired::default() }))
}

impl Registry for Handle {
    fn name(&self) -> &str {
        &self.name
    }

    fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    fn documents(&self) -> watch::Receiver<Arc<Documents>> {
        self.documents_wanted.send_if_modified(|is_wanted| !std::mem::replace(is_wanted, true));
        self.documents.clone()
    }

    fn publish(&self, desired: Desired) {
        self.order(|before| match before {
            Wish::Publish(same) if **same == desired => None,
            _ => Some(Wish::Publish(Arc::new(desired))),
        });
    }

    fn settled(&self) -> Work<'_> {
        let number = self.orders.borrow().number;
        Box::pin(self.carried_out(number))
    }

    fn withdraw(&self) -> Work<'_> {
        let number = self.order(|before| match before {
            Wish::Silent | Wish::Withdraw(_) | Wish::Leave(_) => None,
            Wish::Publish(_) => emptied(before).map(Wish::Withdraw),
        });
        Box::pin(self.carried_out(number))
    }

    fn keep_only(&self, stays: &dyn Fn(&VirtualProvider) -> bool) -> Work<'_> {
        let number = self.order(|before| {
            let Wish::Publish(said) = before else { return None };
            let providers: Vec<_> = said.providers.iter().filter(|provider| stays(provider)).cloned().collect();
            let is_less = providers.len() < said.providers.len();
            is_less.then(|| Wish::Publish(Arc::new(Desired { providers, ..Desired::clone(said) })))
        });
        Box::pin(self.carried_out(number))
    }

    fn leave(&self) -> Work<'_> {
        let number = self.order(|before| match before {
            Wish::Silent | Wish::Leave(_) => None,
            Wish::Publish(_) | Wish::Withdraw(_) => emptied(before).map(Wish::Leave),
        });
        Box::pin(self.carried_out(number))
    }

    fn status(&self) -> Status {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.documents = self.documents.borrow().all().len();
        status.problems.extend(self.of_documents.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(epoch: u64) -> Desired {
        Desired { gateway: "gw".into(), epoch, ..Desired::default() }
    }

    #[tokio::test]
    async fn saying_the_same_again_is_no_new_order() {
        let (registry, mut driver) = pair("r");
        registry.publish(desired(1));
        assert!(driver.orders.has_changed().unwrap());
        driver.orders.mark_unchanged();
        registry.publish(desired(1));
        assert!(!driver.orders.has_changed().unwrap());
        registry.publish(desired(2));
        assert!(driver.orders.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_withdrawal_ends_when_the_driver_has_carried_it_out() {
        let (registry, driver) = pair("r");
        registry.publish(desired(1));
        let withdrawal = registry.withdraw();
        let number = driver.orders.borrow().number;
        assert!(matches!(driver.orders.borrow().wish, Wish::Withdraw(_)));
        driver.done.send_replace(number);
        withdrawal.await.unwrap();
    }

    #[tokio::test]
    async fn what_stays_is_kept_and_where_all_stays_nothing_is_ordered() {
        let (registry, mut driver) = pair("r");
        let provider = |port| VirtualProvider { port, ..VirtualProvider::default() };
        registry.publish(Desired { providers: vec![provider(1), provider(2)], ..desired(1) });
        driver.orders.mark_unchanged();
        let first = driver.orders.borrow().number;
        driver.done.send_replace(first);
        registry.keep_only(&|_| true).await.unwrap();
        assert!(!driver.orders.has_changed().unwrap());
        let kept = registry.keep_only(&|provider| provider.port == 2);
        let number = driver.orders.borrow().number;
        let Wish::Publish(said) = driver.orders.borrow().wish.clone() else { panic!("still published") };
        assert_eq!(said.providers, [provider(2)]);
        driver.done.send_replace(number);
        kept.await.unwrap();
    }

    #[tokio::test]
    async fn a_withdrawal_that_was_overtaken_says_so() {
        let (registry, driver) = pair("r");
        registry.publish(desired(1));
        let withdrawal = registry.withdraw();
        registry.publish(desired(2));
        driver.done.send_replace(driver.orders.borrow().number);
        assert_eq!(withdrawal.await, Err(RegistryFailure::Superseded("r".into())));
    }

    #[tokio::test]
    async fn nothing_published_is_withdrawn_at_once() {
        let (registry, _driver) = pair("r");
        registry.withdraw().await.unwrap();
    }

    #[tokio::test]
    async fn an_ended_driver_is_said_and_not_waited_for() {
        let (registry, driver) = pair("r");
        registry.publish(desired(1));
        let withdrawal = registry.withdraw();
        drop(driver);
        assert_eq!(withdrawal.await, Err(RegistryFailure::Stopped("r".into())));
    }
}
