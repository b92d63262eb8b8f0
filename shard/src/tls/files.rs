//! TLS configurations from files, or from what stood in one. It never trusts a certificate that its roots do not, and never logs a key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
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
        error: pem::Error,
    },
    /// A file without a certificate.
    #[error("{file}: no certificate in it", file = .0.display())]
    NoCertificate(PathBuf),
    /// No file with the system's roots.
    #[error("no root certificates on this system; name the authority's file")]
    NoSystemRoots,
    /// A file without a private key.
    #[error("{file}: no private key in it", file = .0.display())]
    NoKey(PathBuf),
    /// Certificates or a key that rustls does not take.
    #[error("{file}: {error}", file = file.display())]
    Refused {
        /// Which.
        file: PathBuf,
        /// Why.
        error: rustls::Error,
    },
    /// Authorities that cannot be used to check a client's certificate.
    #[error("{file}: {error}", file = file.display())]
    Authority {
        /// Which.
        file: PathBuf,
        /// Why.
        error: rustls::server::VerifierBuilderError,
    },
    /// The protocol versions are not to be had.
    #[error("TLS is not available: {0}")]
    Unavailable(rustls::Error),
}

/// What one end shows of itself: a chain, its own certificate first, and the key that belongs to it. Both are PEM.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The chain.
    pub certificate_file: &'a Path,
    /// The private key.
    pub key_file: &'a Path,
}

/// PEM: a file, or what would stand in one.
#[derive(Clone, Copy)]
pub enum Pem<'a> {
    /// A file.
    File(&'a Path),
    /// What errors call it, and its bytes.
    Bytes(&'a str, &'a [u8]),
}

impl Pem<'_> {
    fn name(&self) -> PathBuf {
        match *self {
            Self::File(file) => file.to_owned(),
            Self::Bytes(name, _) => name.into(),
        }
    }
}

/// A key is never shown.
impl fmt::Debug for Pem<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Pem({})", self.name().display())
    }
}

/// An end that asks: it trusts the certificates of `ca_file`, or the system's roots, and shows `identity` where it is asked to.
///
/// # Errors
/// [`TlsError`] with the file's name.
pub fn client(ca_file: Option<&Path>, identity: Option<Identity<'_>>) -> Result<Arc<ClientConfig>, TlsError> {
    let own = identity.map(|own| (Pem::File(own.certificate_file), Pem::File(own.key_file)));
    client_of(ca_file.map(Pem::File), own)
}

/// [`client`] of PEM wherever it stands: the authorities, and the own chain with its key.
///
/// # Errors
/// [`TlsError`] with the name of what is wrong.
pub fn client_of(authorities: Option<Pem<'_>>, own: Option<(Pem<'_>, Pem<'_>)>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match authorities {
        Some(pem) => roots_of(pem)?,
        None => system_roots()?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unavailable)?
        .with_root_certificates(roots);
    Ok(Arc::new(match own {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let (chain, key) = read(certificate, key)?;
            let refused = |error| TlsError::Refused { file: certificate.name(), error };
            config.with_client_auth_cert(chain, key).map_err(refused)?
        }
    }))
}

/// An end that answers: it shows `identity`. With `client_ca_file` it only takes peers that show a certificate which one of
/// these authorities has signed.
///
/// # Errors
/// [`TlsError`] with the file's name.
pub fn server(identity: Identity<'_>, client_ca_file: Option<&Path>) -> Result<Arc<ServerConfig>, TlsError> {
    let (chain, key) = read(Pem::File(identity.certificate_file), Pem::File(identity.key_file))?;
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unavailable)?;
    let config = match client_ca_file {
        None => config.with_no_client_auth(),
        Some(file) => {
            let roots = Arc::new(roots_of(Pem::File(file))?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| TlsError::Authority { file: file.to_owned(), error })?;
            config.with_client_cert_verifier(verifier)
        }
    };
    let refused = |error| TlsError::Refused { file: identity.certificate_file.to_owned(), error };
    Ok(Arc::new(config.with_single_cert(chain, key).map_err(refused)?))
}

/// Authorities that were named: each must be read.
fn roots_of(pem: Pem<'_>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(|error| TlsError::Refused { file: pem.name(), error })?;
    }
    Ok(roots)
}

/// The file with the authorities that the system trusts, if it has one.
#[must_use]
pub fn system_bundle() -> Option<&'static Path> {
    SYSTEM_ROOTS.iter().map(Path::new).find(|file| file.exists())
}

/// The system's bundle, which may hold one that rustls does not read.
fn system_roots() -> Result<RootCertStore, TlsError> {
    let file = system_bundle().ok_or(TlsError::NoSystemRoots)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(Pem::File(file))?);
    Ok(roots)
}

fn read(
    certificate: Pem<'_>,
    key: Pem<'_>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(certificate)?;
    let found = match key {
        Pem::File(file) => PrivateKeyDer::from_pem_file(file),
        Pem::Bytes(_, bytes) => PrivateKeyDer::from_pem_slice(bytes),
    };
    let key = found.map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(key.name()),
        error => TlsError::File { file: key.name(), error },
    })?;
    Ok((chain, key))
}

fn certificates(pem: Pem<'_>) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::File { file: pem.name(), error };
    let all: Result<Vec<_>, _> = match pem {
        Pem::File(file) => CertificateDer::pem_file_iter(file).map_err(failed)?.collect(),
        Pem::Bytes(_, bytes) => CertificateDer::pem_slice_iter(bytes).collect(),
    };
    let all = all.map_err(failed)?;
    if all.is_empty() { Err(TlsError::NoCertificate(pem.name())) } else { Ok(all) }
}
