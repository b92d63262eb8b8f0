//! The way to a hub, walked one step at a time: names, addresses, proxy, TLS. It sends no request, and says nothing to a peer whose
//! certificate is not trusted: that one is only looked at, in a handshake that is never finished.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use http::Uri;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use shard::Shard;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tunnel::HubAddress;

use super::seen::{Certificate, Connect, Proxied, Tls, TlsProblem};
use crate::doctor::certificate;
use crate::doctor::names::{self, Names};

/// Of one step.
const STEP_LIMIT: Duration = Duration::from_secs(5);

pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}
pub type BoxIo = Box<dyn Io>;

/// Where to, and what is said on the way.
pub struct Way {
    pub shard: Shard,
    pub hub: HubAddress,
    uri: Uri,
    /// What was dialled last with success.
    pub at: Option<SocketAddr>,
}

/// A connection, and how it was made.
#[derive(Default)]
pub struct Opened {
    pub stream: Option<BoxIo>,
    pub proxied: Option<Proxied>,
    pub tls: Option<Tls>,
}

impl Way {
    /// # Errors
    /// The URL is none of a hub.
    pub fn new(shard: Shard, hub: HubAddress) -> Result<Way, String> {
        let wrong = || format!("found {:?}, wanted https://HOST:PORT or http://HOST:PORT", hub.url);
        let uri: Uri = hub.url.parse().map_err(|_| wrong())?;
        if uri.host().is_none_or(str::is_empty) || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong());
        }
        Ok(Way { shard, hub, uri, at: None })
    }

    pub fn is_tls(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// What boxes are told that requests are for.
    pub fn authority(&self) -> &str {
        let said = self.uri.authority().map_or("", |authority| authority.as_str());
        self.hub.host.as_deref().unwrap_or(said)
    }

    /// The path of links here, whatever prefix stands in front.
    pub fn link_path(&self) -> String {
        format!("{}/highway/link", self.uri.path().trim_end_matches('/'))
    }

    /// Looks up the name of whoever is dialled: the proxy, or the hub itself.
    pub async fn names(&self) -> Names {
        let (host, port) = match &self.hub.proxy {
            Some(proxy) => (proxy.host().to_owned(), proxy.port()),
            None => (self.host().to_owned(), self.port()),
        };
        names::lookup(&host, port).await
    }

    /// Dials each address; the first that takes a connection is the one for what follows.
    pub async fn connects(&mut self, names: &Names) -> Vec<Connect> {
        let port = self.hub.proxy.as_ref().map_or_else(|| self.port(), tunnel::Proxy::port);
        let mut all = Vec::new();
        for &address in names.found.as_deref().unwrap_or_default() {
            let address = SocketAddr::new(address, port);
            let start = Instant::now();
            let ended = match dial(address).await {
                Ok(_) => {
                    self.at.get_or_insert(address);
                    Ok(start.elapsed())
                }
                Err(error) => Err(said(&error)),
            };
            all.push(Connect { address, ended });
        }
        all
    }

    /// A connection with all that belongs to it.
    ///
    /// # Errors
    /// It cannot be dialled any more. What a proxy or TLS has against it is in what is given.
    pub async fn open(&self, alpn: &[&[u8]]) -> io::Result<Opened> {
        let at = self.at.ok_or_else(|| io::Error::other("no address takes a connection"))?;
        let stream = dial(at).await?;
        let _ = stream.set_nodelay(true);
        let mut opened = Opened::default();
        let stream: BoxIo = match &self.hub.proxy {
            None => Box::new(stream),
            Some(proxy) => {
                let hub = format!("{}:{}", self.uri.host().unwrap_or_default(), self.port());
                let through = proxy.open(&self.shard, stream, &hub).await;
                let refused = through.as_ref().err().map(|error| error.to_string());
                opened.proxied = Some(Proxied { proxy: proxy.to_string(), hub, refused });
                let Ok(stream) = through else { return Ok(opened) };
                Box::new(stream)
            }
        };
        let Some(config) = &self.hub.tls else {
            opened.stream = Some(stream);
            return Ok(opened);
        };
        let mut config = ClientConfig::clone(config);
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let (tls, stream) = self.secure(stream, config).await?;
        opened.tls = Some(tls);
        opened.stream = stream;
        Ok(opened)
    }

    async fn secure(&self, stream: BoxIo, config: ClientConfig) -> io::Result<(Tls, Option<BoxIo>)> {
        let name = self.hub.server_name.clone().unwrap_or_else(|| self.host().to_owned());
        let server = ServerName::try_from(name.clone()).map_err(io::Error::other)?;
        let none =
            || Tls { name: name.clone(), version: String::new(), has_h2: false, certificate: None, problem: None };
        match timeout(STEP_LIMIT, TlsConnector::from(Arc::new(config)).connect(server, stream)).await {
            Ok(Ok(stream)) => {
                let connection = stream.get_ref().1;
                let version = connection.protocol_version().map_or_else(String::new, |version| format!("{version:?}"));
                let first = connection.peer_certificates().and_then(<[_]>::first);
                let certificate = first.and_then(|first| certificate::read(first, SystemTime::now()));
                let has_h2 = connection.alpn_protocol() == Some(b"h2");
                let tls = Tls { version: version.replace("TLSv1_", "TLS 1."), has_h2, certificate, ..none() };
                Ok((tls, Some(Box::new(stream))))
            }
            Ok(Err(error)) => {
                let problem = Some(problem(&error));
                Ok((Tls { problem, ..none() }, None))
            }
            Err(_) => {
                let problem = Some(TlsProblem::Other(format!("no answer within {STEP_LIMIT:?}")));
                Ok((Tls { problem, ..none() }, None))
            }
        }
    }

    /// The certificate of a peer that is not trusted, from a handshake that ends as soon as it was seen.
    pub async fn shown(&self) -> Option<Certificate> {
        let look = Arc::new(Look::default());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(look.clone())
            .with_no_client_auth();
        let mut hub = self.hub.clone();
        hub.tls = Some(Arc::new(config));
        let way = Way { shard: self.shard.clone(), hub, uri: self.uri.clone(), at: self.at };
        let _ = way.open(&[]).await;
        let der = look.0.lock().ok()?.take()?;
        certificate::read(&der, SystemTime::now())
    }
}

async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let silent = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {STEP_LIMIT:?}"));
    timeout(STEP_LIMIT, TcpStream::connect(address)).await.unwrap_or_else(|_| Err(silent()))
}

/// Without the number of the system's error.
fn said(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

fn problem(error: &io::Error) -> TlsProblem {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsProblem::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsProblem::OtherName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsProblem::Time,
            CertificateError::Other(_) => TlsProblem::UnknownIssuer,
            other => TlsProblem::Other(other.to_string()),
        },
        _ => TlsProblem::Other(said(error)),
    }
}

/// Takes what is shown and trusts nothing.
#[derive(Debug, Default)]
struct Look(Mutex<Option<Vec<u8>>>);

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Ok(mut seen) = self.0.lock() {
            *seen = Some(shown.to_vec());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
