//! Bytes of a connection that its peer does not take, as something unfinished of a budget. It holds no bytes and only counts them
//! once a socket is full.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;

use crate::Budget;
use crate::budget::Unread;

/// What becomes of a connection whose peer does not take its bytes, when the budget has no room for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// It ends: what waits is for that peer alone.
    Ends,
    /// It goes on and says so (`Conn::has_room`), so that what it owes is not lost; whoever appends to it stops. All such
    /// connections together have [`Budget::unread_limit`].
    Told,
}

/// What is charged for one connection.
#[derive(Default)]
pub(crate) struct Untaken {
    budget: OnceCell<(Budget, NoRoom)>,
    permit: RefCell<Option<Unread>>,
    /// Whether some of it is not charged, as far as is known.
    lacks_room: Cell<bool>,
}

impl Untaken {
    /// From now on, and to no other one.
    pub(crate) fn charge_to(&self, budget: &Budget, no_room: NoRoom) {
        let _ = self.budget.set((budget.clone(), no_room));
    }

    /// Whether all of it was charged when last something was written.
    pub(crate) fn has_room(&self) -> bool {
        !self.lacks_room.get()
    }

    /// Has `len` bytes charged that the peer does not take.
    ///
    /// # Errors
    /// There is no room, and the connection is to end.
    pub(crate) fn charge(&self, len: usize) -> io::Result<()> {
        let Some((budget, no_room)) = self.budget.get() else { return Ok(()) };
        let mut permit = self.permit.borrow_mut();
        let most = match no_room {
            NoRoom::Ends => budget.unfinished_limit(),
            NoRoom::Told => budget.unread_limit(),
        };
        let fits = permit.get_or_insert_with(|| budget.unread()).resize(len, most);
        self.lacks_room.set(!fits);
        if fits || *no_room == NoRoom::Told {
            return Ok(());
        }
        let why = format!("the peer does not read: {len} bytes wait for it, and there is no room to hold them");
        Err(io::Error::other(why))
    }

    /// The peer has taken everything, or is gone.
    pub(crate) fn taken(&self) {
        self.permit.take();
        self.lacks_room.set(false);
    }
}
