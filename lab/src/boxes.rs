//! What stands between an island and the hub, for real: proxies, balancers, firewalls, a cache, devices that forget or are thin.
//!
//! ```text
//!   island a: egress ──▶ box ──▶ hub ◀── box ◀── ingress :island b
//!   kind      one box as the lab knows it: name, programs or rules, what a gateway is told
//!   running   one that stands in a place, and can be started again
//!   nginx, haproxy, envoy, apache, varnish, squid, mitm, device, rude    the kinds, a file for each program
//!   papers    the certificates of those that end TLS
//! ```
//!
//! A box is built as its manual and its package have it, and knows nothing of Highway but where the hub is. What operators can do at
//! each of them stands in `docs/middleboxes.md`.

mod apache;
mod device;
mod envoy;
mod haproxy;
mod kind;
mod mitm;
mod nginx;
mod papers;
mod rude;
mod running;
mod squid;
mod varnish;

pub(crate) use rude::relay;

pub use kind::{Kind, NONE, Nature, Spot, Way};
pub use papers::Papers;
pub use running::Running;
