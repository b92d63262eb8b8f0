//! The HTTP proxy through which a network lets its programs out: which one it is, and how it knows them.
//!
//! ```text
//!  configuration says     an address                  that proxy, for a hub of whatever address
//!                         "none"                      no proxy
//!                         nothing                     HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, unless NO_PROXY names the hub or the hub is
//!                                                     on this machine
//! ```
//!
//! It never shows credentials. Only plain HTTP to the proxy and Basic credentials are spoken; the link inside is what `[[hub]]` says.

use std::fmt;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use shard::Shard;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::transport::through;

/// The word for no proxy, whatever the environment says.
const NONE: &str = "none";
/// Where HTTP is, where an address says no port.
const HTTP_PORT: u16 = 80;

/// A proxy that is asked for a connection to the hub (`CONNECT`).
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// What goes into `Proxy-Authorization`.
    credentials: Option<HeaderValue>,
}

impl Proxy {
    /// What the configuration says: an address such as `http://10.1.2.3:3128`, or `none`. `credentials` are `USER:PASSWORD`.
    ///
    /// # Errors
    /// What was found and what was wanted; no byte of the credentials.
    pub fn configured(address: &str, credentials: Option<&[u8]>) -> Result<Option<Proxy>, String> {
        if address == NONE {
            return Ok(None);
        }
        if address.contains('@') {
            return Err(
                "found credentials in the address, wanted http://HOST:PORT and a proxy_credentials_file".to_owned()
            );
        }
        let with_scheme = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let wrong = || format!("found {address:?}, wanted http://HOST:PORT or \"{NONE}\"");
        let uri: Uri = with_scheme.parse().map_err(|_| wrong())?;
        if uri.path().len() > 1 || uri.query().is_some() {
            return Err(wrong());
        }
        let credentials = credentials.map(basic).transpose()?;
        Proxy::at(&uri, credentials).map(Some).map_err(|_| wrong())
    }

    /// What the variables of the environment say of a hub.
    ///
    /// # Errors
    /// They name a proxy of another kind.
    pub fn from_environment(hub: &Uri) -> Result<Option<Proxy>, String> {
        Proxy::matched(&Matcher::from_env(), hub)
    }

    fn matched(matcher: &Matcher, hub: &Uri) -> Result<Option<Proxy>, String> {
        if is_here(hub) {
            return Ok(None);
        }
        let Some(proxy) = matcher.intercept(hub) else { return Ok(None) };
        Proxy::at(proxy.uri(), proxy.basic_auth().cloned()).map(Some)
    }

    fn at(uri: &Uri, credentials: Option<HeaderValue>) -> Result<Proxy, String> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = uri.host().filter(|host| !host.is_empty());
        let (Some(host), "http") = (host, scheme) else {
            return Err(format!(
                "the environment names a proxy of scheme {scheme:?}, wanted http; set proxy in this section, or \"{NONE}\""
            ));
        };
        let port = uri.port_u16().unwrap_or(HTTP_PORT);
        Ok(Proxy { host: host.to_owned(), port, credentials })
    }

    /// Its host, without the brackets of IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks it, at the other end of `stream`, for a connection to `hub`, which is `HOST:PORT`.
    ///
    /// # Errors
    /// It does not answer, or not with a connection: what it said, and what to ask for.
    pub async fn open(
        &self,
        shard: &Shard,
        stream: TcpStream,
        hub: &str,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static + use<>> {
        through(shard, stream, self, hub).await
    }

    pub(crate) fn credentials(&self) -> Option<&HeaderValue> {
        self.credentials.as_ref()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Whether a hub is on this machine: no proxy can reach it there.
fn is_here(hub: &Uri) -> bool {
    let host = hub.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Basic credentials (RFC 7617) of `USER:PASSWORD`.
fn basic(credentials: &[u8]) -> Result<HeaderValue, String> {
    let text = std::str::from_utf8(credentials).unwrap_or_default().trim_end_matches(['\r', '\n']);
    if !text.contains(':') || text.chars().any(char::is_control) {
        return Err("the credentials are not one line USER:PASSWORD".to_owned());
    }
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(text)))
        .map_err(|_| "the credentials are too long".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(url: &str) -> Uri {
        url.parse().unwrap()
    }

    #[test]
    fn an_address_is_taken_with_and_without_its_scheme_and_port() {
        for (address, told) in [
            ("http://10.1.2.3:3128", "10.1.2.3:3128"),
            ("proxy.acme.example:8080", "proxy.acme.example:8080"),
            ("http://proxy.acme.example/", "proxy.acme.example:80"),
            ("http://[fd00::1]:3128", "[fd00::1]:3128"),
        ] {
            let proxy = Proxy::configured(address, None).unwrap().unwrap();
            assert_eq!(proxy.to_string(), told);
        }
        assert_eq!(Proxy::configured("http://[fd00::1]:3128", None).unwrap().unwrap().host(), "fd00::1");
        assert_eq!(Proxy::configured("none", None), Ok(None));
    }

    #[test]
    fn what_is_no_proxy_is_told_and_credentials_are_not() {
        for address in ["socks5://10.1.2.3:1080", "https://10.1.2.3", "http://", "http://10.1.2.3:3128/path", "a b"] {
            let told = Proxy::configured(address, None).unwrap_err();
            assert_eq!(told, format!("found {address:?}, wanted http://HOST:PORT or \"none\""));
        }
        let told = Proxy::configured("http://shop:secret@10.1.2.3:3128", None).unwrap_err();
        assert!(told.contains("proxy_credentials_file") && !told.contains("secret"), "{told}");
        for credentials in [&b"secret"[..], b"shop:sec\nret", b"shop:\xff"] {
            let told = Proxy::configured("http://10.1.2.3:3128", Some(credentials)).unwrap_err();
            assert_eq!(told, "the credentials are not one line USER:PASSWORD");
        }
    }

    #[test]
    fn credentials_go_into_the_request_and_nowhere_else() {
        let proxy = Proxy::configured("http://10.1.2.3:3128", Some(b"Aladdin:open sesame\n")).unwrap().unwrap();
        assert_eq!(proxy.credentials().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(format!("{proxy:?} {:?}", proxy.credentials()), "Proxy(10.1.2.3:3128) Some(Sensitive)");
    }

    #[test]
    fn the_environment_names_a_proxy_for_hubs_elsewhere_alone() {
        let matcher = Matcher::builder()
            .https("http://shop:sec%20ret@10.1.2.3:3128")
            .http("http://10.1.2.4:3128")
            .no("acme.example, 10.9.0.0/16")
            .build();
        let of = |url: &str| Proxy::matched(&matcher, &hub(url)).unwrap();
        let proxy = of("https://hub.example.com").unwrap();
        assert_eq!(proxy.to_string(), "10.1.2.3:3128");
        assert_eq!(proxy.credentials().unwrap(), "Basic c2hvcDpzZWMgcmV0");
        assert_eq!(of("http://hub.example.com:8443").unwrap().to_string(), "10.1.2.4:3128");
        let direct = [
            "https://hub.acme.example",
            "https://10.9.1.1:8443",
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "https://localhost",
        ];
        for url in direct {
            assert_eq!(of(url), None, "{url}");
        }
        let socks = Matcher::builder().all("socks5://10.1.2.3:1080").build();
        let told = Proxy::matched(&socks, &hub("https://hub.example.com")).unwrap_err();
        assert!(told.contains("\"socks5\"") && told.contains("wanted http"), "{told}");
    }
}
