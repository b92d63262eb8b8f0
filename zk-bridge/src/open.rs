//! How a registry is opened: read as a whole, or for some interfaces.
//!
//! It reads nothing and starts nothing: that is for the driver, once it is run.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

use crate::config::RegistrySettings;
use crate::driver::Driver;
use crate::handle;
use crate::registry::Registry;
use crate::scope::Interest;

/// A registry in ZooKeeper, read as a whole: a handle for the gateway and the driver that does its work.
#[must_use]
pub fn open(settings: RegistrySettings) -> (Arc<dyn Registry>, Driver) {
    opened(settings, Interest::Everything)
}

/// The same of which only the providers of some `interfaces` are read, at both levels, and where gateways stand
/// ([`crate::View::gateways`]); no consumers. The set may grow and shrink at any time: the view follows, and says of an
/// interface by [`crate::View::is_read`] when it has. The last set stands when its sender is gone. A name that no interface
/// can have is a problem in the status and has no providers. Rule documents are read as ever.
///
/// As for Dubbo 3, an interface without a mapping has its interface level alone.
#[must_use]
pub fn open_only(
    settings: RegistrySettings,
    interfaces: watch::Receiver<BTreeSet<String>>,
) -> (Arc<dyn Registry>, Driver) {
    opened(settings, Interest::only(interfaces))
}

fn opened(settings: RegistrySettings, interest: Interest) -> (Arc<dyn Registry>, Driver) {
    let (registry, side) = handle::pair(settings.name());
    (registry, Driver::new(settings, interest, side))
}
