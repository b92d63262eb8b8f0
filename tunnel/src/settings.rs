//! One `[[hub]]` of a gateway's configuration: what was typed, and the address that is true of it. All mistakes of a section
//! are told at once. It dials nothing.
//!
//! ```toml
//! [[hub]]
//! url = "https://hub.example.com"
//! key = ["highway-pub-1:…"]       # several where several hubs, or an old and a new key, answer there
//! transport = "auto"              # or "ws", "h2", "h1", "post"; see `transport/mod.rs` and `path/mod.rs`
//! server_name = "hub.internal"    # where the certificate has another name than the URL
//! ca_file = "ca.pem"              # a private authority; without, the system's roots
//! proxy = "http://10.1.2.3:3128"  # a proxy on the way out; see `proxy.rs` for what stands if it is not said
//! proxy_credentials_file = "proxy.credentials"
//! post.encoding = "multipart"     # for firewalls that refuse bodies of bytes; the hub's policy has to allow it
//! host = "hub.example.com"        # for boxes that go by a name, where the URL has an address
//! headers = { X-Team = "shop" }   # what boxes on the way want to see; secret ones, one a line, in headers_file
//! models = false                  # every call whole, whatever it has in common with others
//! compress = "auto"               # this end packs calls and answers while the link is full, "on": always, where the hub does not say "off", the default
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderMap;
use http::uri::Authority;
use serde::Deserialize;

use crate::key::PublicKey;
use crate::proxy::Proxy;
use crate::{Compress, Encoding, HubAddress, Transport, headers, tls};

/// One `[[hub]]` as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubConfig {
    url: Option<String>,
    key: Option<Vec<String>>,
    transport: Option<Transport>,
    post: PostConfig,
    server_name: Option<String>,
    ca_file: Option<PathBuf>,
    proxy: Option<String>,
    proxy_credentials_file: Option<PathBuf>,
    host: Option<String>,
    headers: BTreeMap<String, String>,
    headers_file: Option<PathBuf>,
    models: Option<bool>,
    compress: Compress,
}

/// `post` in a section: how that transport does its work.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PostConfig {
    encoding: Encoding,
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

    /// Settles the section; `folder` is the one of the configuration file. Reads the authority's file, or the system's. `secret` gives
    /// the content of a file that its owner alone may read, by its key here and its path as typed; why it cannot it tells itself.
    ///
    /// # Errors
    /// Every mistake of the section, none where it was `secret` that could not.
    pub fn settle(
        &self,
        folder: &Path,
        mut secret: impl FnMut(&str, &Path) -> Option<Vec<u8>>,
    ) -> Result<HubAddress, Vec<HubMistake>> {
        let mut mistakes = Vec::new();
        let url = self.sound_url(&mut mistakes);
        let keys = self.keys(&mut mistakes);
        let mut is_read = true;
        let mut read = |key: &str, file: &Option<PathBuf>| {
            let content = file.as_deref().map(|file| secret(key, file));
            is_read &= content != Some(None);
            content.flatten()
        };
        let credentials = read("proxy_credentials_file", &self.proxy_credentials_file);
        let secret_headers = read("headers_file", &self.headers_file);
        let proxy = self.proxy(credentials.as_deref(), &mut mistakes);
        let headers = self.headers(secret_headers.as_deref(), &mut mistakes);
        let host = self.host(&mut mistakes);
        self.encoding_is_used(&mut mistakes);
        let tls =
            if url.is_some_and(|url| url.starts_with("https://")) { self.roots(folder, &mut mistakes) } else { None };
        match url {
            Some(url) if mistakes.is_empty() && is_read => Ok(HubAddress {
                server_name: self.server_name.clone(),
                tls,
                transport: self.transport.unwrap_or_default(),
                encoding: self.post.encoding,
                host,
                headers,
                proxy,
                models: self.models.unwrap_or(true),
                compress: self.compress,
                ..HubAddress::new(url, keys)
            }),
            _ => Err(mistakes),
        }
    }

    fn sound_url(&self, mistakes: &mut Vec<HubMistake>) -> Option<&str> {
        let Some(url) = self.url.as_deref() else {
            tell(mistakes, "url", "missing, wanted the hub's address, such as \"https://hub.example.com\"");
            return None;
        };
        if let Err(what) = HubAddress::is_open(url) {
            tell(mistakes, "url", what);
            return None;
        }
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

    fn proxy(&self, credentials: Option<&[u8]>, mistakes: &mut Vec<HubMistake>) -> Option<Proxy> {
        if self.proxy.is_none() && self.proxy_credentials_file.is_some() {
            tell(mistakes, "proxy_credentials_file", "found no proxy beside it, wanted proxy = \"http://HOST:PORT\"");
        }
        let found = match &self.proxy {
            Some(address) => Proxy::configured(address, credentials),
            // What is wrong with the URL is told already.
            None => self
                .url
                .as_deref()
                .and_then(|url| url.parse().ok())
                .map_or(Ok(None), |url| Proxy::from_environment(&url)),
        };
        found.map_err(|what| tell(mistakes, "proxy", what)).ok().flatten()
    }

    fn headers(&self, secret: Option<&[u8]>, mistakes: &mut Vec<HubMistake>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            if let Err(what) = headers::put(&mut headers, name, value) {
                tell(mistakes, format!("headers.{name}"), what);
            }
        }
        if let Some(text) = secret
            && let Err(what) = headers::put_lines(&mut headers, text)
        {
            tell(mistakes, "headers_file", what);
        }
        if let Err(what) = headers::within_bounds(&headers) {
            tell(mistakes, "headers", what);
        }
        headers
    }

    fn host(&self, mistakes: &mut Vec<HubMistake>) -> Option<String> {
        let host = self.host.as_deref()?;
        if host.parse::<Authority>().is_ok_and(|authority| !authority.as_str().contains('@')) {
            return Some(host.to_owned());
        }
        tell(mistakes, "host", format!("found {host:?}, wanted the name of a host, such as \"hub.example.com\""));
        None
    }

    fn encoding_is_used(&self, mistakes: &mut Vec<HubMistake>) {
        let transport = self.transport.unwrap_or_default();
        if self.post.encoding == Encoding::Multipart && !matches!(transport, Transport::Post | Transport::Auto) {
            let what = format!(
                "found \"multipart\" beside transport = {:?}, which sends no POSTs of this kind; wanted transport = \"post\" or \"auto\"",
                transport.name()
            );
            tell(mistakes, "post.encoding", what);
        }
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

    fn no_secret(key: &str, _: &Path) -> Option<Vec<u8>> {
        unreachable!("{key}")
    }

    fn mistakes(hub: &HubConfig, folder: &Path) -> Vec<String> {
        let told = hub.settle(folder, no_secret).map(|_| ()).unwrap_err();
        told.into_iter().map(|mistake| format!("{}: {}", mistake.key, mistake.what)).collect()
    }

    #[test]
    fn a_url_and_a_key_are_enough() {
        let address = hub("http://127.0.0.1:8443", &[&public(), &public()]).settle(Path::new(""), no_secret).unwrap();
        assert_eq!((address.keys.len(), address.transport, address.models), (2, Transport::Auto, true));
        assert_eq!(address.compress, Compress::Off);
        assert!(address.tls.is_none());
    }

    #[test]
    fn bodies_are_forms_only_where_that_is_written_and_means_something() {
        let typed: HubConfig =
            serde_json::from_str(r#"{"url": "http://hub", "post": {"encoding": "multipart"}}"#).unwrap();
        let typed = HubConfig { key: Some(vec![public()]), ..typed };
        let encoding = |typed: &HubConfig| typed.settle(Path::new(""), no_secret).unwrap().encoding;
        assert_eq!(encoding(&typed), Encoding::Multipart);
        assert_eq!(encoding(&hub("http://hub", &[&public()])), Encoding::Plain);
        let typed = HubConfig { transport: Some(Transport::H2), ..typed };
        let told = mistakes(&typed, Path::new(""));
        assert!(told[0].starts_with("post.encoding: found \"multipart\" beside transport = \"h2\""), "{told:?}");
        assert!(serde_json::from_str::<HubConfig>(r#"{"post": {"encoding": "base64"}}"#).is_err());
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
    fn credentials_in_an_address_are_refused_and_not_told() {
        for url in [
            "https://shop:sesame@hub.example.com",
            "https://shop:sesame/34@hub.example.com",
            "https://shop:12/sesame@hub.example.com",
            "http:/shop:sesame@hub.example.com",
            "http:///shop:sesame@hub.example.com",
        ] {
            let told = mistakes(&hub(url, &[&public()]), Path::new("")).join("\n");
            assert!(told.starts_with("url: found credentials") && !told.contains("sesame"), "{told}");
        }
        let told = mistakes(&hub("https://hub.example.com/?token=sesame", &[&public()]), Path::new("")).join("\n");
        assert!(told.starts_with("url: found a query") && !told.contains("sesame"), "{told}");
    }

    #[test]
    fn boxes_on_the_way_get_what_they_want_to_see() {
        let mut typed = hub("http://10.1.1.1:8443", &[&public()]);
        typed.proxy = Some("10.1.2.3:3128".to_owned());
        typed.proxy_credentials_file = Some("proxy".into());
        typed.host = Some("hub.example.com".to_owned());
        typed.headers = [("X-Team".to_owned(), "shop".to_owned())].into();
        typed.headers_file = Some("headers".into());
        let secret = |key: &str, file: &Path| match (key, file.to_str()) {
            ("proxy_credentials_file", Some("proxy")) => Some(b"shop:sesame\n".to_vec()),
            ("headers_file", Some("headers")) => Some(b"X-Token: open\n".to_vec()),
            other => panic!("{other:?}"),
        };
        let address = typed.settle(Path::new(""), secret).unwrap();
        assert_eq!(address.proxy.unwrap().to_string(), "10.1.2.3:3128");
        assert_eq!(address.host.as_deref(), Some("hub.example.com"));
        assert_eq!(
            (&address.headers["x-team"], &address.headers["x-token"]),
            (&"shop".parse().unwrap(), &"open".parse().unwrap())
        );
        let unread = typed.settle(Path::new(""), |_, _| None).map(|_| ()).unwrap_err();
        assert_eq!(unread, [], "whoever could not read it has told why");
    }

    #[test]
    fn what_no_box_on_the_way_can_be_told_is_refused() {
        let mut typed = hub("http://10.1.1.1:8443", &[&public()]);
        typed.proxy = Some("socks5://10.1.2.3:1080".to_owned());
        typed.host = Some("a b".to_owned());
        typed.headers = [("Upgrade".to_owned(), "h2c".to_owned())].into();
        let told = mistakes(&typed, Path::new(""));
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("proxy: found \"socks5://"), "{told:?}");
        assert!(told[1].starts_with("headers.Upgrade: "), "{told:?}");
        assert!(told[2].starts_with("host: found \"a b\""), "{told:?}");
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
        assert!(typed.settle(folder.path(), no_secret).unwrap().tls.is_some());
    }
}
