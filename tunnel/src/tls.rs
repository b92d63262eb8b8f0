//! TLS for links. Files are read as everywhere ([`shard::tls`]); here stands what only a link has.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, ServerConfig};
pub use shard::tls::TlsError;
use shard::tls::{self, Identity};

/// What a gateway trusts: the certificates of `ca_file`, or the system's roots.
///
/// # Errors
/// [`TlsError`] with the file's name.
pub fn client(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    tls::client(ca_file, None)
}

/// What a hub shows: the chain of `certificate_file` and the key of `key_file`. It speaks HTTP/2 and HTTP/1.1.
///
/// # Errors
/// [`TlsError`] with the file's name.
pub fn server(certificate_file: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = tls::server(Identity { certificate_file, key_file }, None)?;
    Arc::make_mut(&mut config).alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What both ends of one TLS session, and nobody in between, can compute (RFC 5705), in hexadecimal.
pub(crate) fn exporter<D>(connection: &rustls::ConnectionCommon<D>) -> Option<String> {
    let bytes = connection.export_keying_material([0u8; 32], b"EXPORTER-highway-link", None).ok()?;
    Some(crate::random::hex(&bytes))
}
