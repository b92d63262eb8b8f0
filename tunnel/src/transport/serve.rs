//! Takes the HTTP requests that become links, at the hub's end: an upgrade, a streaming POST or many small ones, on one port, over TLS or
//! not. It never does a handshake in the accept loop and never keeps a connection that carries no link.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::connect::{FRAME_LEN, Local, SEND_LEN, WINDOW, hold_little};
use super::post::served::{self, Streams};
use super::ws::Ws;
use super::ws::framing::End;
use super::{BoxIo, LINK_PATH, POSTS_PATH, Transport, probe, stream};
use crate::random;
use crate::strangers::Stranger;
use crate::tls::exporter;

/// A connection has this long to ask for a link, TLS and all; without one it is closed after as long again.
const LINK_LIMIT: Duration = Duration::from_secs(10);
/// The most headers of a request.
const HEADERS: usize = 100;
/// The longest head of a request.
const HEAD_LEN: usize = 16 * 1024;
/// Streams a box in between may put on one HTTP/2 connection.
const STREAMS: u32 = 256;
/// Streams that a peer opened and reset again before they were looked at, over which its connection is ended.
const RESET_STREAMS: usize = 20;
/// Streams that were reset here for what the peer did wrong, over which its connection is ended.
const WRONG_STREAMS: usize = 64;

pub(super) type Body = Either<Full<Bytes>, Either<stream::Outgoing, probe::Spoken>>;

/// What a request becomes.
pub(crate) struct Arrived {
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) exporter: Option<String>,
    pub(crate) is_tls: bool,
    /// Held as long as the link uses the connection.
    pub(crate) guard: Rc<dyn std::any::Any>,
}

/// What the requests of a connection lead to.
pub(crate) struct Door {
    /// Called for each link; must not block.
    pub(crate) arrived: Box<dyn Fn(Arrived)>,
    /// Says that the connection carries requests of a link that was made on another, until what it gives is dropped.
    pub(crate) carries: Box<dyn Fn() -> Rc<dyn std::any::Any>>,
    /// The streams of small POSTs.
    pub(crate) posts: Rc<Streams>,
    /// Lets one more probe in, unless there are too many strangers.
    pub(crate) probes: Box<dyn Fn() -> Option<Stranger>>,
}

/// Serves one connection until it has ended or has no use.
///
/// # Errors
/// Why TLS or HTTP ended it.
pub(crate) async fn serve(
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    slot: Rc<dyn std::any::Any>,
    door: Rc<Door>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    hold_little(&stream)?;
    let mut look = Instant::now() + LINK_LIMIT;
    let is_tls = tls.is_some();
    let (io, exporter): (BoxIo, _) = match tls {
        None => (Box::new(stream), None),
        Some(config) => {
            let stream = timeout_at(look, TlsAcceptor::from(config).accept(stream)).await??;
            let exporter = exporter(stream.get_ref().1);
            (Box::new(stream), exporter)
        }
    };
    let mut http = auto::Builder::new(Local);
    http.http1().timer(TokioTimer::new()).header_read_timeout(LINK_LIMIT).max_buf_size(HEAD_LEN).max_headers(HEADERS);
    http.http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_frame_size(FRAME_LEN)
        .max_send_buf_size(SEND_LEN)
        .max_header_list_size(HEAD_LEN as u32)
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESET_STREAMS)
        .max_local_error_reset_streams(WRONG_STREAMS);
    // Each link on this connection holds a clone.
    let in_use: Rc<dyn std::any::Any> = Rc::new(slot);
    let ended = Rc::new(Notify::new());
    let posting = Rc::new(Posting::default());
    let service = {
        let (in_use, ended, posting) = (in_use.clone(), ended.clone(), posting.clone());
        service_fn(move |request| {
            let exporter = exporter.clone();
            let (guard, ended, posting) = (in_use.clone(), ended.clone(), posting.clone());
            let context = Context { exporter, is_tls, guard, ended, posting };
            let door = door.clone();
            async move {
                let (path, is_post) = (request.uri().path(), request.method() == Method::POST);
                Ok::<_, Infallible>(match probe::asked(path) {
                    Some(probe) if is_post => probe::answer(probe, request, context, &door).await,
                    None if is_post && path.ends_with(POSTS_PATH) => served::answer(request, context, &door).await,
                    _ => answer(request, context, &door),
                })
            }
        })
    };
    let connection = http.serve_connection_with_upgrades(TokioIo::new(io), service);
    tokio::pin!(connection);
    loop {
        tokio::select! {
            result = &mut connection => return result.map_err(|error| io::Error::other(error.to_string())),
            () = ended.notified() => {}
            () = sleep_until(look) => look += LINK_LIMIT,
        }
        // One count is held here, one by the service.
        if Rc::strong_count(&in_use) <= 2 && !posting.rest() {
            connection.as_mut().graceful_shutdown();
            drop(timeout(Duration::from_secs(2), connection).await);
            return Ok(());
        }
    }
}

/// What a request may know of its connection.
pub(super) struct Context {
    exporter: Option<String>,
    pub(super) is_tls: bool,
    pub(super) guard: Rc<dyn std::any::Any>,
    ended: Rc<Notify>,
    pub(super) posting: Rc<Posting>,
}

/// Whether a connection carries small POSTs of a link: then it is kept from one to the next.
#[derive(Default)]
pub(super) struct Posting {
    carried: RefCell<Option<Rc<dyn std::any::Any>>>,
    is_used: Cell<bool>,
}

impl Posting {
    /// A request of a link was here.
    pub(super) fn note(&self, door: &Door) {
        self.is_used.set(true);
        self.carried.borrow_mut().get_or_insert_with(|| (door.carries)());
    }

    /// Whether one was here since the last time; if not, it carries none any more.
    fn rest(&self) -> bool {
        let is_used = self.is_used.take();
        if !is_used {
            self.carried.take();
        }
        is_used
    }
}

fn answer(mut request: Request<Incoming>, context: Context, door: &Rc<Door>) -> Response<Body> {
    let is_probe = probe::asked(request.uri().path()).is_some();
    if !is_probe && !request.uri().path().ends_with(LINK_PATH) {
        return words(StatusCode::NOT_FOUND, "This is a Highway hub; links are at /highway/link.\n");
    }
    if request.method() == Method::POST {
        if request.version() < Version::HTTP_11 {
            return words(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "A streaming POST wants HTTP/1.1 or HTTP/2 on the whole way.\n",
            );
        }
        let (half, body) = stream::outgoing();
        let name = if request.version() == Version::HTTP_2 { "h2" } else { "h1" };
        let body_up = stream::Arriving::There(request.into_body());
        let transport = half.with(name, body_up, Some(context.ended.clone()), Some(context.guard.clone()));
        (door.arrived)(Arrived {
            transport: Box::new(transport),
            exporter: context.exporter,
            is_tls: context.is_tls,
            guard: context.guard,
        });
        let mut response = Response::new(Either::Right(Either::Left(body)));
        let headers = response.headers_mut();
        let kind = if name == "h2" { "application/grpc" } else { "application/octet-stream" };
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
        headers.insert("x-accel-buffering", http::HeaderValue::from_static("no"));
        return response;
    }
    let Some(key) = upgrade_key(&request) else {
        return words(StatusCode::UPGRADE_REQUIRED, "A link is a WebSocket (version 13) or made of POSTs.\n");
    };
    let stranger = if is_probe { (door.probes)() } else { None };
    if is_probe && stranger.is_none() {
        return probe::full();
    }
    let accept = derive_accept_key(&key);
    let upgrade = hyper::upgrade::on(&mut request);
    let door = door.clone();
    tokio::task::spawn_local(async move {
        if let Ok(Ok(arrival)) = timeout(LINK_LIMIT, upgraded(upgrade, context)).await {
            match stranger {
                Some(stranger) => probe::echo(arrival.transport, stranger).await,
                None => (door.arrived)(arrival),
            }
        }
    });
    let mut response = words(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    headers.insert(CONNECTION, http::HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, http::HeaderValue::from_static("websocket"));
    if let Ok(accept) = http::HeaderValue::from_str(&accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

async fn upgraded(upgrade: hyper::upgrade::OnUpgrade, context: Context) -> io::Result<Arrived> {
    let upgraded = upgrade.await.map_err(io::Error::other)?;
    let parts = auto::upgrade::downcast::<TokioIo<BoxIo>>(upgraded)
        .map_err(|_| io::Error::other("an upgraded connection of unknown kind"))?;
    let transport = Ws::new(parts.io.into_inner(), End::Server, parts.read_buf.to_vec(), random::number()?);
    Ok(Arrived {
        transport: Box::new(transport),
        exporter: context.exporter,
        is_tls: context.is_tls,
        guard: context.guard,
    })
}

/// The key of a request that wants a WebSocket.
fn upgrade_key(request: &Request<Incoming>) -> Option<Vec<u8>> {
    let headers = request.headers();
    let is_upgrade = request.method() == Method::GET
        && names(headers, UPGRADE.as_str(), "websocket")
        && names(headers, CONNECTION.as_str(), "upgrade")
        && names(headers, SEC_WEBSOCKET_VERSION.as_str(), "13");
    let key = headers.get(SEC_WEBSOCKET_KEY)?.as_bytes();
    (is_upgrade && key.len() <= 64).then(|| key.to_vec())
}

fn names(headers: &HeaderMap, header: &str, wanted: &str) -> bool {
    let mut values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted)))
}

pub(super) fn words(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from_static(text.as_bytes()))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("text/plain"));
    response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}
