//! Where a hub is, and what is said to whoever stands on the way to it. It dials nothing.

use std::sync::Arc;

use http::HeaderMap;
use wire::tunnel::hello::feature;

use crate::key::PublicKey;
use crate::proxy::Proxy;

/// What carries a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Whichever of these works, the first of them where several do.
    #[default]
    Auto,
    /// WebSocket binary messages on HTTP/1.1.
    Ws,
    /// One long HTTP/2 POST, both bodies streaming.
    H2,
    /// The same over HTTP/1.1, where both bodies are chunks.
    H1,
    /// Many small HTTP/1.1 POSTs, each answered whole; always sealed.
    Post,
}

impl Transport {
    /// As it is configured.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Transport::Auto => "auto",
            Transport::Ws => "ws",
            Transport::H2 => "h2",
            Transport::H1 => "h1",
            Transport::Post => "post",
        }
    }
}

/// How small POSTs carry their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As they are.
    #[default]
    Plain,
    /// As the file of a form, for firewalls that refuse bodies of bytes. A hub takes it only of islands for which its policy says so, and no
    /// gateway chooses it by itself.
    Multipart,
}

/// Where a hub, or several behind one address, is reached.
#[derive(Clone)]
pub struct HubAddress {
    /// `http://host:port` or `https://host:port`; a path stands in front of `/highway/link`.
    pub url: String,
    /// The name in the hub's certificate, where it is not the URL's host.
    pub server_name: Option<String>,
    /// The public keys of the hubs that may answer there; one at least.
    pub keys: Vec<PublicKey>,
    /// Roots for `https`: [`crate::tls::client`].
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// What carries the link.
    pub transport: Transport,
    /// The name that boxes on the way are told (`Host`, `:authority`), where it is not the URL's.
    pub host: Option<String>,
    /// Headers for boxes on the way, besides what a request of a link has.
    pub headers: HeaderMap,
    /// The proxy through which this network's programs go out.
    pub proxy: Option<Proxy>,
    /// How `post` carries bytes.
    pub encoding: Encoding,
    /// Whether calls and answers are said by models, where the hub knows that.
    pub models: bool,
    /// Whether calls and answers are packed, where the hub agrees.
    pub compress: Compress,
}

/// Whether an end of a link packs calls and answers. It may where both ends say more than `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compress {
    /// Neither end packs anything on this link.
    #[default]
    Off,
    /// This end packs for as long as bandwidth is what holds up the calls of the link, where the other end does not have it off.
    Auto,
    /// This end packs what it sends, where the other end does not have it off.
    On,
}

impl Compress {
    /// What this end knows of [`feature`], and wants.
    pub(crate) fn features(self) -> u64 {
        if self == Compress::Off { feature::KNOWN & !feature::PACKING } else { feature::KNOWN }
    }
}

impl HubAddress {
    /// What a gateway knows of [`feature`], and wants with the hubs behind this address.
    pub(crate) fn features(&self) -> u64 {
        self.compress.features() & if self.models { u64::MAX } else { !feature::MODELS }
    }

    /// Whether a URL says nothing that may be a secret: it is shown in logs, on pages and by tools.
    ///
    /// # Errors
    /// What was found and what is wanted; nothing of the URL.
    pub fn is_open(url: &str) -> Result<(), String> {
        // As text, and wherever it stands: a password may have a `/`, and what cannot be read may hold one as well.
        let found = match (url.contains('@'), url.contains(['?', '#'])) {
            (true, _) => "credentials",
            (false, true) => "a query",
            (false, false) => return Ok(()),
        };
        let wanted =
            "wanted http://HOST:PORT or https://HOST:PORT; what boxes on the way want to see goes into headers_file";
        Err(format!("found {found} in the address, {wanted}"))
    }

    /// A hub at `url`, known by these keys: by whatever works, without TLS, straight.
    #[must_use]
    pub fn new(url: impl Into<String>, keys: Vec<PublicKey>) -> Self {
        let (server_name, tls, host, proxy) = Default::default();
        let (transport, headers, encoding) = Default::default();
        Self {
            url: url.into(),
            server_name,
            keys,
            tls,
            transport,
            host,
            headers,
            proxy,
            encoding,
            models: true,
            compress: Compress::Off,
        }
    }
}
