//! TLS under a [`crate::Conn`], for either end, by one mechanism: a session of rustls between the socket and the connection's
//! own buffers. A plain connection has none and pays a look at one tag.
//!
//! ```text
//!  socket ─read─▶ second scratch ─open─▶ scratch ─▶ Session::received          (a record is decrypted as it comes)
//!  socket ◀─write, up to 64 KiB─ sealed ◀─seal─ out-buffer                      (at the flush of the turn, never earlier)
//! ```
//!
//! What is sealed counts as written: nobody can say whether the peer has it. What waits for a handshake is not sealed, so
//! that a handshake that fails leaves every byte provably unsent.
//!
//! * [`files`]: certificates and keys become what rustls wants.
//! * `session`: bytes in, bytes out.
//!
//! It never falls back to plain bytes by itself: only [`Layer::Either`] takes both, told apart by the first byte.

pub mod files;
pub(crate) mod session;

use std::sync::Arc;

pub use files::{Identity, Pem, TlsError, client, client_of, server, system_bundle};
pub use rustls::{ClientConfig, ServerConfig};
pub use rustls_pki_types::ServerName;

/// The first byte of a TLS record that begins a handshake (RFC 8446, section 5.1). No Dubbo frame begins with it.
pub const HANDSHAKE_BYTE: u8 = 0x16;

/// What lies between a socket and its session.
#[derive(Debug, Clone)]
pub enum Layer {
    /// Nothing.
    Plain,
    /// TLS, asked for by this end; the peer has to prove that it has this name.
    Ask(Arc<ClientConfig>, ServerName<'static>),
    /// TLS if the peer's first byte begins a handshake, else nothing.
    Either(Arc<ServerConfig>),
}
