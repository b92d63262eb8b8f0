//! A certificate for `localhost` that signs itself, for both ends of TLS.

use std::path::PathBuf;
use std::sync::Arc;

use shard::tls::{self, Identity};

/// The certificate and its key, in a folder of their own.
pub struct SelfSigned {
    folder: tempfile::TempDir,
}

impl SelfSigned {
    pub fn new() -> Self {
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let signed = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(signed.certificate(), own.cert.pem()).unwrap();
        std::fs::write(signed.key(), own.signing_key.serialize_pem()).unwrap();
        signed
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("own.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("own.key")
    }

    /// For who shows it.
    pub fn server(&self) -> Arc<rustls::ServerConfig> {
        tls::server(Identity { certificate_file: &self.certificate(), key_file: &self.key() }, None).unwrap()
    }

    /// For a consumer that trusts nobody else.
    pub fn client(&self) -> Arc<rustls::ClientConfig> {
        tls::client(Some(&self.certificate()), None).unwrap()
    }

    /// For a gateway that trusts nobody else as a provider.
    pub fn trust(&self) -> client::Trust {
        client::Trust::read(Some(&self.certificate()), None, Some("localhost")).unwrap()
    }
}
