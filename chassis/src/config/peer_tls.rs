//! A section that says how peers that answer with TLS are known, and what they are shown: which files, checked and watched. Nothing is made
//! of them here.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Mistakes, SecretFile};

/// The section as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPeerTls {
    /// Which peers speak TLS.
    pub with: Option<WithTls>,
    /// Who signed their certificates; the system's authorities unless said.
    pub ca_file: Option<PathBuf>,
    /// What is shown to peers that ask for it.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, mode 0600.
    pub key_file: Option<SecretFile>,
    /// The name in every certificate; the host of each peer's address unless said.
    pub server_name: Option<String>,
}

/// `with = …`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithTls {
    /// Those that say so of themselves.
    #[default]
    Marked,
    /// All.
    Everybody,
}

/// The section, settled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerTls {
    /// Which peers speak TLS.
    pub with: WithTls,
    /// The authorities, if not the system's.
    pub ca_file: Option<PathBuf>,
    /// Certificate and key to show.
    pub own: Option<(PathBuf, PathBuf)>,
    /// The name in every certificate.
    pub server_name: Option<String>,
}

impl RawPeerTls {
    /// Checks the section, which stands at `key`. The files are read, so that a change of one is noticed.
    pub fn settle(&self, key: &str, mistakes: &mut Mistakes) -> Option<PeerTls> {
        for (name, file) in [("ca_file", &self.ca_file), ("certificate_file", &self.certificate_file)] {
            if let Some(file) = file {
                mistakes.content(&format!("{key}.{name}"), file)?;
            }
        }
        let own = match (&self.certificate_file, &self.key_file) {
            (None, None) => None,
            (Some(certificate), Some(secret)) => {
                mistakes.secret(&format!("{key}.key_file"), secret)?;
                Some((mistakes.resolve(certificate), mistakes.resolve(secret.path())))
            }
            (Some(_), None) => {
                mistakes.missing(&format!("{key}.key_file"), "the certificate's private key, mode 0600");
                return None;
            }
            (None, Some(_)) => {
                mistakes.missing(&format!("{key}.certificate_file"), "the certificate of the key");
                return None;
            }
        };
        Some(PeerTls {
            with: self.with.unwrap_or_default(),
            ca_file: self.ca_file.as_deref().map(|file: &Path| mistakes.resolve(file)),
            own,
            server_name: self.server_name.clone(),
        })
    }
}
