//! Links between gateways and hubs, both halves. They never read a Dubbo frame and never decide who may call whom.
//!
//! ```text
//!   Handler ◀─ callbacks on the shard ─ Link ─ session ─ seal ─ transport ─▶ one HTTP connection at a time
//!              slices of the read buffer        records, numbers, acknowledgements, credit, resend
//! ```
//!
//! A [`Link`] is a session that outlives its connections and belongs to one shard. [`dial`] keeps a link to every hub,
//! [`accept`] takes those that come. Nothing here waits: what cannot be sent within a bound is failed at once, and every
//! exchange ends in a reply, a failure or a cancel.
//!
//! * An *exchange* is opened by one end ([`Link::open`], token of its choice) and shows at the other as
//!   [`Handler::opened`]; it ends with the last piece of the reply, a [`Failure`](wire::tunnel::Failure), or a cancel.
//! * Bodies up to 64 KiB are one record. Longer ones go in pieces under credit, between everybody else's; gateways put
//!   them together with [`Assembly`], the hub passes pieces on as they come and gives credit back when the next hop has
//!   taken them ([`Link::consumed`], [`Handler::drained`]).
//! * When a session is lost, each open exchange fails: *not sent* if the peer cannot have it, *unknown* otherwise.

mod accept;
mod address;
mod ask;
mod assembly;
mod dial;
mod exchange;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod handshake;
mod headers;
pub mod key;
mod link;
mod listing;
mod moved;
mod path;
mod peer;
mod proxy;
mod random;
#[cfg(feature = "scripted")]
pub mod scripted;
mod seal;
mod session;
mod settings;
mod strangers;
pub mod tls;
mod traffic;
mod transport;

pub use accept::{AcceptConfig, Acceptor, Directory, OfOneKey, accept};
pub use address::{Compress, Encoding, HubAddress, Transport};
pub use ask::{Asker, NoLink, Welcomed, ask};
pub use assembly::{Assembly, AssemblyError};
pub use dial::{DialConfig, Dialer, HubStatus, dial};
pub use exchange::{ExchangeId, Handler, Open, Reply};
pub use link::{Link, LinkStatus, RoundTrip};
pub use listing::Listing;
pub use path::{FILE as PATHS_FILE, Finding, Found};
pub use peer::Peer;
pub use proxy::Proxy;
pub use settings::{HubConfig, HubMistake};
pub use traffic::{Figure, Traffic};
pub use wire::tunnel::hello::{ClientHello, Refusal, RefusalReason, Role, Seal};
pub use wire::tunnel::record::End;
