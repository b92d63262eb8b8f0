//! The calls that providers have not answered yet: found by the token that the pool knows them by, and by the exchange
//! that the hub knows them by. It tells nobody anything.

use std::cell::RefCell;
use std::rc::Rc;

use client::{CallKey, Endpoint, Provider, Times};
use rustc_hash::FxHashMap;
use shard::{Key, Slots};
use tunnel::{ExchangeId, Link};
use wire::dubbo::reply::Asked;
use wire::tunnel::Stamp;

use crate::pick::Route;

/// A call on its way.
pub struct Carried {
    /// The link it came over.
    pub link: Link,
    /// Its exchange there.
    pub exchange: ExchangeId,
    /// Its name in logs and in the hub's audit.
    pub stamp: Stamp,
    /// What its caller can read.
    pub asked: Asked,
    /// Until when it is of use.
    pub times: Times,
    /// Where calls like it go.
    pub route: Rc<Route>,
    /// Who it was not sent to, each once.
    pub tried: Vec<Endpoint>,
    /// Who has it, once somebody does.
    pub provider: Option<(CallKey, Rc<Provider>)>,
}

/// The calls of one shard.
pub struct InFlight {
    calls: RefCell<Slots<Carried>>,
    by_exchange: RefCell<FxHashMap<(u64, ExchangeId), Key>>,
}

impl InFlight {
    /// Room for `limit` calls.
    pub fn new(limit: usize) -> Self {
        Self { calls: RefCell::new(Slots::new(limit)), by_exchange: RefCell::default() }
    }

    /// Calls on their way.
    pub fn len(&self) -> usize {
        self.calls.borrow().len()
    }

    /// Takes a call in; its token, or nothing at the limit.
    pub fn insert(&self, carried: Carried) -> Option<u64> {
        let exchange = (carried.link.id(), carried.exchange);
        let key = self.calls.borrow_mut().insert(carried).ok()?;
        self.by_exchange.borrow_mut().insert(exchange, key);
        Some(key.number())
    }

    /// Notes who has the call, and who could not take it.
    pub fn sent(&self, token: u64, call: CallKey, provider: Rc<Provider>, tried: Vec<Endpoint>) {
        if let Some(carried) = self.calls.borrow_mut().get_mut(Key::from_number(token)) {
            carried.provider = Some((call, provider));
            carried.tried = tried;
        }
    }

    /// Takes a call out.
    pub fn take(&self, token: u64) -> Option<Carried> {
        let carried = self.calls.borrow_mut().remove(Key::from_number(token))?;
        self.by_exchange.borrow_mut().remove(&(carried.link.id(), carried.exchange));
        Some(carried)
    }

    /// Takes the call of an exchange out.
    pub fn take_exchange(&self, link: &Link, exchange: ExchangeId) -> Option<Carried> {
        let key = self.by_exchange.borrow_mut().remove(&(link.id(), exchange))?;
        self.calls.borrow_mut().remove(key)
    }
}
