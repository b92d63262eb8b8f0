//! A link that keeps what is sent on it, and sends nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wire::tunnel::failure::Failure;
use wire::tunnel::head::Head;

use super::until;
use crate::links::{Exchange, Uplink};

/// A link that keeps what is sent on it.
pub struct FakeLink {
    id: u64,
    hub: &'static str,
    pub usable: Cell<bool>,
    /// The next call is refused with this.
    pub refuses: RefCell<Option<Failure>>,
    pub opened: RefCell<Vec<Opened>>,
    pub cancelled: Cell<usize>,
}

/// A call that was sent.
#[derive(Debug, Clone)]
pub struct Opened {
    pub head: Vec<u8>,
    pub frame: Vec<u8>,
    pub token: u64,
}

impl Opened {
    pub fn head(&self) -> Head<'_> {
        Head::decode(&self.head).unwrap()
    }
}

impl FakeLink {
    pub fn new(id: u64, hub: &'static str) -> Rc<Self> {
        Rc::new(Self {
            id,
            hub,
            usable: Cell::new(true),
            refuses: RefCell::default(),
            opened: RefCell::default(),
            cancelled: Cell::new(0),
        })
    }

    /// Waits until `count` calls were sent, and returns them.
    pub async fn calls(&self, count: usize) -> Vec<Opened> {
        until(|| self.opened.borrow().len() >= count).await;
        assert_eq!(self.opened.borrow().len(), count);
        self.opened.borrow().clone()
    }
}

impl Uplink for FakeLink {
    fn id(&self) -> u64 {
        self.id
    }
    fn hub(&self) -> &str {
        self.hub
    }
    fn usable(&self) -> bool {
        self.usable.get()
    }
    fn open(&self, head: &[u8], body: &[u8], token: u64) -> Result<Exchange, Failure> {
        if let Some(failure) = self.refuses.borrow_mut().take() {
            return Err(failure);
        }
        self.opened.borrow_mut().push(Opened { head: head.to_vec(), frame: body.to_vec(), token });
        Ok(Exchange(None))
    }
    fn cancel(&self, _: Exchange) {
        self.cancelled.set(self.cancelled.get() + 1);
    }
}
