//! How providers with TLS are known, and what they are shown.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use shard::tls::{self, ClientConfig, Pem, ServerName, TlsError};
use thiserror::Error;

/// How providers with TLS are known.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Whom to trust and what to show: [`shard::tls::client`].
    pub config: Arc<ClientConfig>,
    /// The name that every provider's certificate must have; the host of its address unless said.
    pub server_name: Option<ServerName<'static>>,
    made_of: u64,
}

/// Why it cannot be made.
#[derive(Debug, Error)]
pub enum TrustError {
    /// No certificate can have this name.
    #[error("found {0:?}, wanted a host name or an address")]
    ServerName(String),
    /// Of the files.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Trust {
    /// This configuration.
    #[must_use]
    pub fn new(config: Arc<ClientConfig>, server_name: Option<ServerName<'static>>) -> Self {
        Self { config, server_name, made_of: 0 }
    }

    /// Reads the authorities, the system's where there is no `ca_file`, and what is shown: certificate and key.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn read(
        ca_file: Option<&Path>,
        own: Option<(&Path, &Path)>,
        server_name: Option<&str>,
    ) -> Result<Self, TrustError> {
        let own = own.map(|(certificate, key)| (Pem::File(certificate), Pem::File(key)));
        Self::of(ca_file.map(Pem::File), own, server_name)
    }

    /// The same of PEM wherever it stands.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn of(
        authorities: Option<Pem<'_>>,
        own: Option<(Pem<'_>, Pem<'_>)>,
        server_name: Option<&str>,
    ) -> Result<Self, TrustError> {
        // Before it is read: what changes in between is seen with the next look.
        let made_of = Self::would_be_made_of(authorities, own, server_name);
        let wrong = |name: &str| TrustError::ServerName(name.to_owned());
        let server_name =
            server_name.map(|name| ServerName::try_from(name.to_owned()).map_err(|_| wrong(name))).transpose()?;
        Ok(Self { made_of, ..Self::new(tls::client_of(authorities, own)?, server_name) })
    }

    /// What [`made_of`](Self::made_of) would say of what stands there now.
    #[must_use]
    pub fn would_be_made_of(
        authorities: Option<Pem<'_>>,
        own: Option<(Pem<'_>, Pem<'_>)>,
        server_name: Option<&str>,
    ) -> u64 {
        let mut made_of = DefaultHasher::new();
        server_name.hash(&mut made_of);
        for pem in [authorities.or(tls::system_bundle().map(Pem::File)), own.map(|own| own.0), own.map(|own| own.1)] {
            match pem {
                // A file that cannot be read is said by who reads it, with its name.
                Some(Pem::File(file)) => std::fs::read(file).ok().hash(&mut made_of),
                Some(Pem::Bytes(_, bytes)) => Some(bytes).hash(&mut made_of),
                None => None::<&[u8]>.hash(&mut made_of),
            }
        }
        made_of.finish()
    }

    /// The same number where it was read from the same name and the same PEM; only ever compared with another of this process.
    #[must_use]
    pub fn made_of(&self) -> u64 {
        self.made_of
    }
}
