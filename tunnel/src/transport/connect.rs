//! Makes the HTTP connection of a link, at the dialling end. It never reuses a connection and never waits for ever.

use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::{
    ACCEPT, CONNECTION, CONTENT_TYPE, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, TE,
    UPGRADE, USER_AGENT,
};
use http::{HeaderValue, Method, Request, StatusCode, Uri, Version};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use shard::Shard;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::stream::Arriving;
use super::tcp::{self, CONNECT_LIMIT};
use super::through::through;
use super::ws::Ws;
use super::ws::framing::End;
use super::{BoxIo, Io, LINK_PATH, Transport, post, stream};
use crate::tls::exporter;
use crate::{Encoding, HubAddress, random};

/// Windows larger than all credit that is given, so that both directions can fill without waiting for each other
/// (design, middleboxes).
pub(crate) const WINDOW: u32 = 16 * 1024 * 1024;
/// The longest HTTP/2 frame, so that a batch needs few.
pub(crate) const FRAME_LEN: u32 = 64 * 1024;
/// Bytes that the HTTP/2 library may hold: long bodies wait where small calls can pass them.
pub(crate) const SEND_LEN: usize = 256 * 1024;
/// The kernel holds no more than this unsent, for the same reason.
const UNSENT_LEN: u32 = 128 * 1024;
/// What an HTTP connection has to come to an end after its link.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Where and how to connect.
#[derive(Clone)]
pub(crate) struct Target {
    uri: Uri,
    tls: Option<Arc<rustls::ClientConfig>>,
    address: HubAddress,
}

/// A connection with what its TLS session exports.
pub(crate) struct Made {
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) exporter: Option<String>,
    pub(crate) is_tls: bool,
}

impl Target {
    /// Reads the address's URL, `http://host:port/prefix`.
    ///
    /// # Errors
    /// Another scheme, no host, or `https` without roots.
    pub(crate) fn of(address: &HubAddress) -> io::Result<Target> {
        let url = &address.url;
        let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("hub url {url}: {why}"));
        let uri: Uri = url.parse().map_err(|error| wrong(&format!("{error}")))?;
        if uri.host().is_none() {
            return Err(wrong("found no host, wanted http://host:port or https://host:port"));
        }
        let tls = match uri.scheme_str() {
            Some("http") => None,
            Some("https") if address.tls.is_some() => address.tls.clone(),
            Some("https") => return Err(wrong("https without the certificates to trust")),
            _ => return Err(wrong("wanted http:// or https://")),
        };
        Ok(Target { uri, tls, address: address.clone() })
    }

    fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// What boxes on the way are told that this is for.
    pub(super) fn authority(&self) -> &str {
        let said = self.uri.authority().map_or("", |authority| authority.as_str());
        self.address.host.as_deref().unwrap_or(said)
    }

    /// What stands in front of the paths of a hub.
    pub(super) fn prefix(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }

    /// How small POSTs carry their bytes.
    pub(super) fn encoding(&self) -> Encoding {
        self.address.encoding
    }

    fn path(&self) -> String {
        format!("{}{LINK_PATH}", self.prefix())
    }

    pub(super) async fn connect(&self, shard: &Shard, alpn: &[u8]) -> io::Result<(BoxIo, Option<String>)> {
        let port = self.uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let Some(proxy) = &self.address.proxy else {
            return self.secure(dial(self.host(), port).await?, alpn).await;
        };
        let stream = dial(proxy.host(), proxy.port())
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("proxy {proxy}: {error}")))?;
        let hub = format!("{}:{port}", self.uri.host().unwrap_or_default());
        self.secure(through(shard, stream, proxy, &hub).await?, alpn).await
    }

    /// Speaks TLS on a connection, where the URL says so.
    async fn secure<T: Io>(&self, stream: T, alpn: &[u8]) -> io::Result<(BoxIo, Option<String>)> {
        let Some(config) = &self.tls else { return Ok((Box::new(stream), None)) };
        let mut config = rustls::ClientConfig::clone(config);
        config.alpn_protocols = vec![alpn.to_vec()];
        let name = self.address.server_name.clone().unwrap_or_else(|| self.host().to_owned());
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let stream = timeout(CONNECT_LIMIT, TlsConnector::from(Arc::new(config)).connect(name, stream)).await??;
        let connection = stream.get_ref().1;
        if alpn == b"h2" && connection.alpn_protocol() != Some(alpn) {
            return Err(io::Error::other(
                "the other end of TLS does not speak HTTP/2; use ws, or ask who ends TLS on the way",
            ));
        }
        let exporter = exporter(connection);
        Ok((Box::new(stream), exporter))
    }
}

/// A connection that is set up as links want it.
async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = tcp::dial(host, port).await?;
    hold_little(&stream)?;
    Ok(stream)
}

/// Keeps the kernel from holding more than a bounded amount that has not been sent: a small call cannot pass it there.
pub(crate) fn hold_little(stream: &tokio::net::TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_LEN)
}

/// Makes the connection of a link over this transport; over WebSocket, where any will do.
///
/// # Errors
/// What stood in the way, in a sentence.
pub(crate) async fn over(shard: &Shard, target: Target, transport: crate::Transport) -> io::Result<Made> {
    match transport {
        crate::Transport::Auto | crate::Transport::Ws => ws(shard, &target).await,
        crate::Transport::H2 => h2(shard, &target).await,
        crate::Transport::H1 => h1(shard, &target).await,
        crate::Transport::Post => post(shard, target),
    }
}

/// Upgrades a connection to WebSocket.
///
/// # Errors
/// What stood in the way, in a sentence.
pub(crate) async fn ws(shard: &Shard, target: &Target) -> io::Result<Made> {
    let (stream, exporter) = target.connect(shard, b"http/1.1").await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    shard.run(until(async move { drop(connection.with_upgrades().await) }, Rc::new(Notify::new())));
    let key = generate_key();
    let request = head(target, Method::GET)
        .uri(target.path())
        .header(HOST, target.authority())
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(io::Error::other(format!(
            "status {} instead of 101: something on the way does not pass WebSocket upgrades, or no hub answers at {}",
            response.status().as_u16(),
            target.path()
        )));
    }
    if response
        .headers()
        .get(SEC_WEBSOCKET_ACCEPT)
        .is_none_or(|accept| accept.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
    {
        return Err(io::Error::other("an upgrade that does not answer this request"));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(io::Error::other)?;
    let parts = upgraded
        .downcast::<TokioIo<BoxIo>>()
        .map_err(|_| io::Error::other("an upgraded connection of unknown kind"))?;
    let transport = Ws::new(parts.io.into_inner(), End::Client, parts.read_buf.to_vec(), random::number()?);
    Ok(Made { transport: Box::new(transport), exporter, is_tls: target.tls.is_some() })
}

/// A stream of small POSTs. It is made without a word: the first request is the handshake's.
///
/// # Errors
/// The system gives no randomness for its name.
pub(crate) fn post(shard: &Shard, target: Target) -> io::Result<Made> {
    let is_tls = target.tls.is_some();
    let transport = post::dialled::Post::new(shard, target)?;
    // What a box on the way sees of TLS says nothing of the others: each request may have another connection.
    Ok(Made { transport: Box::new(transport), exporter: None, is_tls })
}

/// Opens one long POST over HTTP/2.
///
/// # Errors
/// What stood in the way, in a sentence.
pub(crate) async fn h2(shard: &Shard, target: &Target) -> io::Result<Made> {
    let (stream, exporter) = target.connect(shard, b"h2").await?;
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(Local)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_frame_size(FRAME_LEN)
        .max_send_buf_size(SEND_LEN)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let done = Rc::new(Notify::new());
    shard.run(until(async move { drop(connection.await) }, done.clone()));
    let (half, body) = stream::outgoing();
    let scheme = if target.tls.is_some() { "https" } else { "http" };
    let request = head(target, Method::POST)
        .version(Version::HTTP_2)
        .uri(format!("{scheme}://{}{}", target.authority(), target.path()))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .body(body)
        .map_err(io::Error::other)?;
    let transport =
        half.with("h2", awaited(target, async move { sender.send_request(request).await }), Some(done), None);
    Ok(Made { transport: Box::new(transport), exporter, is_tls: target.tls.is_some() })
}

/// Opens the same POST over HTTP/1.1, where both bodies are chunks.
///
/// # Errors
/// What stood in the way, in a sentence.
pub(crate) async fn h1(shard: &Shard, target: &Target) -> io::Result<Made> {
    let (stream, exporter) = target.connect(shard, b"http/1.1").await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let done = Rc::new(Notify::new());
    shard.run(until(async move { drop(connection.await) }, done.clone()));
    let (half, body) = stream::outgoing();
    let request = head(target, Method::POST)
        .uri(target.path())
        .header(HOST, target.authority())
        .header(CONTENT_TYPE, "application/octet-stream")
        .body(body)
        .map_err(io::Error::other)?;
    let transport =
        half.with("h1", awaited(target, async move { sender.send_request(request).await }), Some(done), None);
    Ok(Made { transport: Box::new(transport), exporter, is_tls: target.tls.is_some() })
}

/// The body of an answer that is still to come.
fn awaited(
    target: &Target,
    answer: impl Future<Output = hyper::Result<http::Response<Incoming>>> + 'static,
) -> Arriving {
    let path = target.path();
    Arriving::Awaited(Box::pin(async move {
        let response = answer.await.map_err(io::Error::other)?;
        if response.status() == StatusCode::OK {
            return Ok(response.into_body());
        }
        Err(io::Error::other(format!(
            "status {} instead of 200: something on the way does not pass streams, or no hub answers at {path}",
            response.status().as_u16(),
        )))
    }))
}

/// What every request of a link has in its head.
pub(super) fn head(target: &Target, method: Method) -> http::request::Builder {
    let mut head = Request::builder().method(method);
    if let Some(headers) = head.headers_mut() {
        headers.insert(USER_AGENT, HeaderValue::from_static(super::USER_AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.extend(target.address.headers.clone());
    }
    head
}

/// Runs an HTTP connection's own future; after `done` it has a moment to come to its end.
pub(crate) async fn until(connection: impl Future<Output = ()>, done: Rc<Notify>) {
    tokio::pin!(connection);
    tokio::select! {
        () = &mut connection => {}
        () = done.notified() => drop(timeout(END_LIMIT, connection).await),
    }
}

/// Runs the HTTP library's tasks on this shard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        // Each ends with its connection, whose own task this shard owns.
        tokio::task::spawn_local(async move { drop(future.await) });
    }
}
