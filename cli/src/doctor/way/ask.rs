//! Single requests over the way, each on a connection of its own, and what came back. It means nothing by it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, DATE, HOST, HeaderName, LOCATION, SERVER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::connection::Way;
use super::seen::{Heard, Who};

/// Of a whole request; the largest takes its time on a thin line.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// More of an answer is not read.
const ANSWER_LEN: usize = 4 << 20;
/// As links have it, for boxes that can refuse; more than their credit.
const WINDOW: u32 = 16 << 20;
const SIGN: &str = "x-highway-probe";
const USER_AGENT_VALUE: &str = concat!("highway/", env!("CARGO_PKG_VERSION"));
/// What a hub says, whatever its release, at the path of its links and elsewhere.
const HUB_SAYS: [&[u8]; 2] = [b"A link is ", b"This is a Highway hub"];

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    One,
    Two,
}

/// A request.
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub kind: Option<&'static str>,
    /// A header of this length beside the usual ones.
    pub padding: usize,
    pub body: Bytes,
}

impl Ask {
    pub fn post(path: String, kind: &'static str, body: impl Into<Bytes>) -> Ask {
        Ask { method: Method::POST, path, kind: Some(kind), padding: 0, body: body.into() }
    }

    pub fn get(path: String) -> Ask {
        Ask { method: Method::GET, path, kind: None, padding: 0, body: Bytes::new() }
    }
}

/// Asks and reads the whole answer.
///
/// # Errors
/// Why there is none, in a few words.
pub async fn whole(way: &Way, http: Http, ask: Ask) -> Result<Heard, String> {
    within(way, http, ask, ANSWER_LIMIT).await
}

/// As [`whole`], with a limit of its own.
pub async fn within(way: &Way, http: Http, ask: Ask, limit: Duration) -> Result<Heard, String> {
    let start = Instant::now();
    let work = async {
        let request = head(way, http, &ask)?.body(Full::new(ask.body)).map_err(|error| error.to_string())?;
        let response = exchange(way, http, request).await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_LEN).collect().await.map_err(|_| "the answer broke off".to_owned())?;
        let body = body.to_bytes();
        let text = |name: HeaderName| text(&parts.headers, name);
        let reached = text(HeaderName::from_static(SIGN));
        let is_known = HUB_SAYS.iter().any(|words| body.starts_with(words));
        let who = match (&reached, is_known) {
            (Some(_), _) => Who::Hub,
            (None, true) => Who::OldHub,
            (None, false) => Who::Other,
        };
        Ok(Heard {
            who,
            status: parts.status.as_u16(),
            server: text(SERVER),
            location: text(LOCATION),
            is_html: text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html")),
            reached,
            took: start.elapsed(),
            here: SystemTime::now(),
            date: text(DATE).and_then(|date| httpdate::parse_http_date(&date).ok()),
        })
    };
    timeout(limit, work).await.unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs())))
}

/// The head of an answer; its body streams.
pub async fn exchange<B>(way: &Way, http: Http, request: Request<B>) -> Result<Response<Incoming>, String>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let alpn: &[&[u8]] = if http == Http::Two { &[b"h2"] } else { &[b"http/1.1"] };
    let opened = way.open(alpn).await.map_err(|error| error.to_string())?;
    if http == Http::Two && opened.tls.as_ref().is_some_and(|tls| !tls.has_h2) {
        return Err("who ends TLS does not offer HTTP/2".to_owned());
    }
    let io = TokioIo::new(opened.stream.ok_or("the connection was refused on the way")?);
    let words = |error: hyper::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    };
    match http {
        Http::One => {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.map_err(words)?;
            way.shard.run(async move { drop(connection.with_upgrades().await) });
            sender.send_request(request).await.map_err(words)
        }
        Http::Two => {
            let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .handshake(io)
                .await
                .map_err(words)?;
            way.shard.run(async move { drop(connection.await) });
            sender.send_request(request).await.map_err(words)
        }
    }
}

/// What every request has in its head, as those of links.
pub fn head(way: &Way, http: Http, ask: &Ask) -> Result<http::request::Builder, String> {
    let mut head = Request::builder().method(ask.method.clone());
    head = match http {
        Http::One => head.uri(&ask.path).header(HOST, way.authority()),
        Http::Two => {
            let scheme = if way.is_tls() { "https" } else { "http" };
            head.uri(format!("{scheme}://{}{}", way.authority(), ask.path)).header("te", "trailers")
        }
    };
    let headers = head.headers_mut().ok_or_else(|| format!("no request can be made for {}", way.authority()))?;
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(kind) = ask.kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if ask.padding > 0 {
        let padding = HeaderValue::try_from("a".repeat(ask.padding)).map_err(|error| error.to_string())?;
        headers.insert("x-highway-padding", padding);
    }
    headers.extend(way.hub.headers.clone());
    Ok(head)
}

pub fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned())
}

/// A body that is given piece by piece and ends when its feeder is dropped.
pub struct Fed(mpsc::Receiver<Bytes>);

/// A body and its feeder.
pub fn fed() -> (mpsc::Sender<Bytes>, Fed) {
    let (feeder, pieces) = mpsc::channel(16);
    (feeder, Fed(pieces))
}

impl Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
