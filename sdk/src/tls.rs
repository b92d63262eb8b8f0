//! How providers with TLS are known, and what they are shown.
//!
//! It is read when a process gets its [`Highway`](crate::Highway), and again whenever a file of it has changed, since certificates are renewed while
//! processes run. Nothing here shows a key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Weak;
use std::sync::Arc;
use std::time::Duration;

use client::{TlsWith, Trust, TrustError};
use shard::tls::Pem;

/// How providers with TLS are known, and what they are shown. See [`Builder::tls`](crate::Builder::tls).
///
/// Files that change are read again within a second or two: connections that were made before get no new call and close with their last answer.
/// Where they cannot be used, what was read before stays, and the log says why.
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

/// How often its files are looked at, as gateways do.
const LOOK: Duration = Duration::from_secs(1);

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
    pub(crate) fn trusted(self) -> Result<Trusted, TrustError> {
        Ok(Trusted { trust: self.trust()?, tls: self })
    }

    fn trust(&self) -> Result<Trust, TrustError> {
        Trust::of(self.authorities.as_ref().map(Kept::pem), self.own_pems(), self.server_name.as_deref())
    }

    /// What [`Trust::made_of`] would say if it were read now.
    fn made_of(&self) -> u64 {
        let authorities = self.authorities.as_ref().map(Kept::pem);
        Trust::would_be_made_of(authorities, self.own_pems(), self.server_name.as_deref())
    }

    fn own_pems(&self) -> Option<(Pem<'_>, Pem<'_>)> {
        self.own.as_ref().map(|(certificate, key)| (certificate.pem(), key.pem()))
    }

    /// Whether there is a file of it that may change while the process runs; where there is none, the system's authorities are those of the start.
    fn has_files(&self) -> bool {
        let own = self.own.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.authorities.iter().chain(own).any(|kept| matches!(kept, Kept::File(_)))
    }
}

/// What was read, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Trusted {
    pub trust: Trust,
    tls: Tls,
}

impl Trusted {
    /// Tells `whom` of each change of the files that can be read, for as long as it is there. What cannot be read changes nothing, and is
    /// logged once.
    pub async fn follow<T>(self, whom: Weak<T>, renewed: impl Fn(&T, Trust)) {
        let Self { trust, tls } = self;
        let (tls, mut seen) = (Arc::new(tls), trust.made_of());
        while tls.has_files() {
            tokio::time::sleep(LOOK).await;
            let again = tls.clone();
            // Files are not read where calls are made.
            let looked = tokio::task::spawn_blocking(move || {
                let made_of = again.made_of();
                (made_of, (made_of != seen).then(|| again.trust()))
            });
            let Ok((made_of, read)) = looked.await else { return };
            seen = made_of;
            match read {
                None => {}
                Some(Ok(trust)) => {
                    tracing::info!("files of `tls` have changed and are obeyed from now on");
                    let Some(whom) = whom.upgrade() else { return };
                    renewed(&whom, trust);
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "files of `tls` have changed and cannot be used, what was read before stays");
                }
            }
        }
    }
}
