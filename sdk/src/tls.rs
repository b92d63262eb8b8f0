//! How providers with TLS are known, and what they are shown.
//!
//! It is read once, when a process gets its [`Highway`](crate::Highway); nothing here shows a key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use client::{TlsWith, Trust, TrustError};
use shard::tls::Pem;

/// How providers with TLS are known, and what they are shown. See [`Builder::tls`](crate::Builder::tls).
///
/// ```no_run
/// use highway_sdk::{Highway, Tls};
///
/// # fn f() -> Result<(), highway_sdk::BuildError> {
/// let tls = Tls::new().ca_file("providers-ca.pem").own_files("shop.pem", "shop.key");
/// let highway = Highway::builder().application("shop").registry("zk1:2181").tls(tls).build()?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tls {
    authorities: Option<Kept>,
    own: Option<(Kept, Kept)>,
    server_name: Option<String>,
    with: TlsWith,
}

/// PEM, before it is read.
#[derive(Clone)]
enum Kept {
    File(PathBuf),
    Bytes(&'static str, Arc<[u8]>),
}

impl Kept {
    fn pem(&self) -> Pem<'_> {
        match self {
            Self::File(file) => Pem::File(file),
            Self::Bytes(name, bytes) => Pem::Bytes(name, bytes),
        }
    }
}

/// A key is never shown.
impl fmt::Debug for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pem().fmt(out)
    }
}

impl Tls {
    /// Trusts the authorities that the system does, shows nothing, and asks each provider to prove that it has the name or the address
    /// under which it is called.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities in this file, PEM, and nobody else.
    #[must_use]
    pub fn ca_file(mut self, file: impl AsRef<Path>) -> Self {
        self.authorities = Some(Kept::File(file.as_ref().to_owned()));
        self
    }

    /// Trusts these authorities, PEM, and nobody else.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.authorities = Some(Kept::Bytes("the PEM of `ca_pem`", pem.as_ref().into()));
        self
    }

    /// Shows this chain, the own certificate first, to providers that ask for one, and proves it by its key: two files, PEM.
    #[must_use]
    pub fn own_files(mut self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.own = Some((Kept::File(certificate.as_ref().to_owned()), Kept::File(key.as_ref().to_owned())));
        self
    }

    /// The same of PEM that is here.
    #[must_use]
    pub fn own_pem(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        let certificate = Kept::Bytes("the certificate of `own_pem`", certificate.as_ref().into());
        self.own = Some((certificate, Kept::Bytes("the key of `own_pem`", key.as_ref().into())));
        self
    }

    /// The name in every provider's certificate, where that is not the host of its address.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.to_owned());
        self
    }

    /// Speaks TLS with all providers that a registry lists: Dubbo 3 with an `SslConfig` speaks it whatever its URL says. Without a word only
    /// with those whose URL says `ssl-enabled=true`. Gateways are called as before.
    #[must_use]
    pub fn with_everybody(mut self) -> Self {
        self.with = TlsWith::Everybody;
        self
    }

    pub(crate) fn with(&self) -> TlsWith {
        self.with
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is no certificate, key or name, with the file.
    pub(crate) fn trust(&self) -> Result<Trust, TrustError> {
        let own = self.own.as_ref().map(|(certificate, key)| (certificate.pem(), key.pem()));
        Trust::of(self.authorities.as_ref().map(Kept::pem), own, self.server_name.as_deref())
    }
}
