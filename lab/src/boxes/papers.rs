//! The certificate of whoever ends TLS in the hub's place, and how a gateway is told to trust it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::kind::HUB;

/// Files of one authority and one certificate for the hub's name.
#[derive(Debug, Clone)]
pub struct Papers {
    folder: PathBuf,
}

impl Papers {
    /// New ones, in this folder.
    ///
    /// # Errors
    /// The disk says no, or there is no randomness.
    pub fn new(folder: &Path) -> Result<Self> {
        let key = rcgen::KeyPair::generate()?;
        let mut about = rcgen::CertificateParams::default();
        about.distinguished_name.push(rcgen::DnType::CommonName, "the lab's authority");
        about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        fs::write(folder.join("ca.pem"), about.self_signed(&key)?.pem())?;
        let issuer = rcgen::Issuer::new(about, key);
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(vec![HUB.to_owned()])?.signed_by(&key, &issuer)?;
        fs::write(folder.join("box.pem"), certificate.pem())?;
        fs::write(folder.join("box.key"), key.serialize_pem())?;
        // Some want both in one file.
        fs::write(folder.join("box-with-key.pem"), certificate.pem() + &key.serialize_pem())?;
        Ok(Papers { folder: folder.to_owned() })
    }

    /// The line of `[[hub]]` that trusts them.
    pub(super) fn trusted(&self) -> String {
        format!("ca_file = \"{}\"\n", self.folder.join("ca.pem").display())
    }

    /// The certificate.
    pub(super) fn certificate(&self) -> String {
        self.folder.join("box.pem").display().to_string()
    }

    /// Its key.
    pub(super) fn key(&self) -> String {
        self.folder.join("box.key").display().to_string()
    }

    /// Both in one file.
    pub(super) fn with_key(&self) -> String {
        self.folder.join("box-with-key.pem").display().to_string()
    }
}
