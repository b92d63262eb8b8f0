//! Who is at the other end of a link, as its key proves. It never says what that end claims of itself.

use std::rc::Rc;

use wire::tunnel::hello::Role;

use crate::key::PublicKey;

/// The other end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// What it is.
    pub role: Role,
    /// Its island; empty for a hub.
    pub island: Rc<str>,
    /// The gateway's id within its island, or the hub's id.
    pub name: Rc<str>,
    /// The key that proves it.
    pub key: PublicKey,
}
