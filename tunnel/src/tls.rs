//! TLS for links, from files. It never trusts a certificate that its roots do not, and never logs a key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Where distributions keep the roots that everybody trusts.
const SYSTEM_ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Files that do not make a TLS configuration.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that cannot be read, or is no PEM.
    #[error("{file}: {error}", file = file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        error: rustls_pki_types::pem::Error,
    },
    /// A file without a certificate.
    #[error("{file}: no certificate in it", file = .0.display())]
    NoCertificate(PathBuf),
    /// No file with the system's roots.
    #[error("no root certificates on this system; name the authority's file")]
    NoSystemRoots,
    /// Certificates or a key that rustls does not take.
    #[error("{file}: {error}", file = file.display())]
    Refused {
        /// Which.
        file: PathBuf,
        /// Why.
        error: rustls::Error,
    },
    /// The protocol versions are not to be had.
    #[error("TLS is not available: {0}")]
    Unavailable(rustls::Error),
}

/// What a gateway trusts: the certificates of `ca_file`, or the system's roots.
///
/// # Errors
/// [`TlsError`] with the file's name.
pub fn client(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let file = match ca_file {
        Some(file) => file.to_owned(),
        None => SYSTEM_ROOTS.iter().map(PathBuf::from).find(|file| file.exists()).ok_or(TlsError::NoSystemRoots)?,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&file)? {
        let added = roots.add(certificate);
        // A system's bundle may hold one that rustls does not read; an authority that was named must be read.
        if ca_file.is_some() {
            added.map_err(|error| TlsError::Refused { file: file.clone(), error })?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unavailable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What a hub shows: the chain of `certificate_file` and the key of `key_file`. It speaks HTTP/2 and HTTP/1.1.
///
/// # Errors
/// [`TlsError`] with the file's name.
pub fn server(certificate_file: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(certificate_file)?;
    let key =
        PrivateKeyDer::from_pem_file(key_file).map_err(|error| TlsError::File { file: key_file.to_owned(), error })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unavailable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| TlsError::Refused { file: certificate_file.to_owned(), error })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What both ends of one TLS session, and nobody in between, can compute (RFC 5705), in hexadecimal.
pub(crate) fn exporter<D>(connection: &rustls::ConnectionCommon<D>) -> Option<String> {
    let bytes = connection.export_keying_material([0u8; 32], b"EXPORTER-highway-link", None).ok()?;
    Some(crate::random::hex(&bytes))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::File { file: file.to_owned(), error };
    let all: Vec<_> = CertificateDer::pem_file_iter(file).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    if all.is_empty() { Err(TlsError::NoCertificate(file.to_owned())) } else { Ok(all) }
}
