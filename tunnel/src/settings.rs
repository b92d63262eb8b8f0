//! One `[[hub]]` of a gateway's configuration: what was typed, and the address that is true of it. All mistakes of a section
//! are told at once. It dials nothing.
//!
//! ```toml
//! [[hub]]
//! url = "https://hub.example.com"
//! key = ["highway-pub-1:…"]       # several where several hubs, or an old and a new key, answer there
//! transport = "ws"                # or "h2"
//! server_name = "hub.internal"    # where the certificate has another name than the URL
//! ca_file = "ca.pem"              # a private authority; without, the system's roots
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::key::PublicKey;
use crate::{HubAddress, Transport, tls};

/// One `[[hub]]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubConfig {
    url: Option<String>,
    key: Option<Vec<String>>,
    transport: Option<Transport>,
    server_name: Option<String>,
    ca_file: Option<PathBuf>,
}

/// What is wrong with a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubMistake {
    /// The key in the section: `url`, `key[1]`.
    pub key: String,
    /// What was found and what was wanted.
    pub what: String,
}

impl HubConfig {
    /// The file that [`HubConfig::settle`] reads, if it does: for whoever watches files for changes. Without `https` none is.
    #[must_use]
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref().filter(|_| self.is_https())
    }

    fn is_https(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Settles the section; `folder` is the one of the configuration file. Reads the authority's file, or the system's.
    ///
    /// # Errors
    /// Every mistake of the section.
    pub fn settle(&self, folder: &Path) -> Result<HubAddress, Vec<HubMistake>> {
        let mut mistakes = Vec::new();
        let url = self.sound_url(&mut mistakes);
        let keys = self.keys(&mut mistakes);
        let tls =
            if url.is_some_and(|url| url.starts_with("https://")) { self.roots(folder, &mut mistakes) } else { None };
        match url {
            Some(url) if mistakes.is_empty() => Ok(HubAddress {
                url: url.to_owned(),
                server_name: self.server_name.clone(),
                keys,
                tls,
                transport: self.transport.unwrap_or_default(),
            }),
            _ => Err(mistakes),
        }
    }

    fn sound_url(&self, mistakes: &mut Vec<HubMistake>) -> Option<&str> {
        let Some(url) = self.url.as_deref() else {
            tell(mistakes, "url", "missing, wanted the hub's address, such as \"https://hub.example.com\"");
            return None;
        };
        let is_sound = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        if !is_sound {
            tell(mistakes, "url", format!("found {url:?}, wanted http://HOST:PORT or https://HOST:PORT"));
        }
        is_sound.then_some(url)
    }

    fn keys(&self, mistakes: &mut Vec<HubMistake>) -> Vec<PublicKey> {
        let typed = self.key.as_deref().unwrap_or_default();
        if typed.is_empty() {
            tell(mistakes, "key", "missing, wanted the hub's public key, as `highway key show` prints it");
        }
        let mut keys = Vec::with_capacity(typed.len());
        for (at, text) in typed.iter().enumerate() {
            match text.parse() {
                Ok(key) => keys.push(key),
                Err(error) => tell(mistakes, format!("key[{at}]"), format!("{error}")),
            }
        }
        keys
    }

    fn roots(&self, folder: &Path, mistakes: &mut Vec<HubMistake>) -> Option<Arc<rustls::ClientConfig>> {
        let file = self.ca_file.as_deref().map(|file| folder.join(file));
        tls::client(file.as_deref()).map_err(|error| tell(mistakes, "ca_file", error.to_string())).ok()
    }
}

fn tell(mistakes: &mut Vec<HubMistake>, key: impl Into<String>, what: impl Into<String>) {
    mistakes.push(HubMistake { key: key.into(), what: what.into() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::PrivateKey;

    fn public() -> String {
        PrivateKey::generate().unwrap().public().unwrap().to_string()
    }

    fn hub(url: &str, keys: &[&str]) -> HubConfig {
        let key = Some(keys.iter().map(|&key| key.to_owned()).collect());
        HubConfig { url: Some(url.to_owned()), key, ..HubConfig::default() }
    }

    fn mistakes(hub: &HubConfig, folder: &Path) -> Vec<String> {
        let told = hub.settle(folder).map(|_| ()).unwrap_err();
        told.into_iter().map(|mistake| format!("{}: {}", mistake.key, mistake.what)).collect()
    }

    #[test]
    fn a_url_and_a_key_are_enough() {
        let address = hub("http://127.0.0.1:8443", &[&public(), &public()]).settle(Path::new("")).unwrap();
        assert_eq!((address.keys.len(), address.transport), (2, Transport::Ws));
        assert!(address.tls.is_none());
    }

    #[test]
    fn everything_that_is_wrong_with_a_section_is_told_at_once() {
        let told = mistakes(&hub("ftp://hub", &[&public(), "nonsense"]), Path::new(""));
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "url: found \"ftp://hub\", wanted http://HOST:PORT or https://HOST:PORT");
        assert!(told[1].starts_with("key[1]: "), "{told:?}");
        let told = mistakes(&HubConfig::default(), Path::new("")).join("\n");
        assert!(told.contains("url: missing") && told.contains("key: missing"), "{told}");
    }

    #[test]
    fn a_private_authority_is_read_from_the_folder_of_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let mut typed = hub("https://hub.example.com", &[&public()]);
        typed.ca_file = Some(PathBuf::from("ca.pem"));
        let told = mistakes(&typed, folder.path());
        assert!(told[0].starts_with("ca_file: ") && told[0].contains("ca.pem"), "{told:?}");
        let own = rcgen::generate_simple_self_signed(vec!["hub.example.com".to_owned()]).unwrap();
        std::fs::write(folder.path().join("ca.pem"), own.cert.pem()).unwrap();
        assert!(typed.settle(folder.path()).unwrap().tls.is_some());
    }
}
