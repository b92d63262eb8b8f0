//! What stands between an island and the hub, for real: proxies, balancers, firewalls, a cache, devices that forget or are thin.
//!
//! ```text
//!   island a: load ─▶ egress ──▶ box ──▶ hub ◀── box ◀── ingress ─▶ echo :island b
//!   kind      one box as the lab knows it: name, programs or rules, what a gateway is told
//!   running   one that stands in a place, and can be started again
//!   nginx, haproxy, envoy, apache, varnish, squid, mitm, device, rude    the kinds, a file for each program
//!   papers    the certificates of those that end TLS
//!   stage     a line whose gateways each reach the hub through a box of their own
//!   load      calls, every answer checked; echo, the provider that answers them
//!   trial     what a box does to calls: at rest, started again, cut, slowed, in silence
//!   table     figures for people
//! ```
//!
//! A box is built as its manual and its package have it, and knows nothing of Highway but where the hub is. What operators can do at
//! each of them stands in `docs/middleboxes.md`.

mod apache;
mod device;
mod echo;
mod envoy;
mod haproxy;
mod kind;
mod load;
mod mitm;
mod nginx;
mod papers;
mod rude;
mod running;
mod squid;
mod stage;
mod table;
mod trial;
mod varnish;

pub(crate) use rude::relay;

pub use kind::{Kind, Spot, Way};
pub use load::{Load, Outcome};
pub use running::Running;
pub use stage::{Leg, Stage};
pub use table::{document, line};
pub use trial::{Extent, Figures};
