//! The HTTP/1.1 connections on which small POSTs go: those that are kept open are used again, the last one first. It never uses one that was
//! quiet for long, since a box may have forgotten it without a word, and never waits for an answer without a limit.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use shard::Shard;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::ANSWER_LEN;
use super::frame::{TOLD_LEN, Told};
use super::part;
use crate::transport::POSTS_PATH;
use crate::transport::connect::{Target, head, until};
use crate::{Encoding, random};

/// A connection that was quiet for longer is not used again: half of the shortest silence after which boxes cut one
/// (design, middleboxes).
const FRESH: Duration = Duration::from_millis(2500);
/// The rest of an answer that has begun comes without longer pauses.
const PAUSE: Duration = Duration::from_secs(3);
/// Connections that wait for their next request.
const IDLE: usize = 6;

/// See the module's first line.
pub(super) struct Pool {
    shard: Shard,
    target: Target,
    path: String,
    idle: RefCell<Vec<(SendRequest<Full<Bytes>>, Instant)>>,
}

/// Why a request brought no answer of a hub.
#[derive(Debug)]
pub(super) enum Failed {
    /// A box does not take a body of this length.
    TooLong(String),
    /// The answer did not come in time, or a box ended the wait for it.
    Waited(String),
    /// Anything else.
    Other(String),
}

impl Pool {
    pub(super) fn new(shard: &Shard, target: Target) -> Pool {
        let path = format!("{}{}", target.prefix(), POSTS_PATH);
        Pool { shard: shard.clone(), target, path, idle: RefCell::default() }
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.target.encoding()
    }

    /// Sends a request, and gives what its answer says and brings. `limit`: the longest wait for the answer's head.
    pub(super) async fn post(&self, front: &[u8], bytes: &[u8], limit: Duration) -> Result<(Told, Bytes), Failed> {
        let body = self.body(front, bytes).map_err(|error| Failed::Other(error.to_string()))?;
        let (response, sender) = timeout(limit, self.send(body))
            .await
            .map_err(|_| Failed::Waited(format!("no answer to a POST within {limit:?}")))?
            .map_err(|error| Failed::Other(error.to_string()))?;
        let status = response.status();
        let server = response.headers().get(http::header::SERVER).and_then(|server| server.to_str().ok());
        if status != StatusCode::OK {
            return Err(self.refused(status, server));
        }
        let (told, bytes) = read(response.into_body()).await?;
        if !sender.is_closed() {
            let mut idle = self.idle.borrow_mut();
            if idle.len() < IDLE {
                idle.push((sender, Instant::now()));
            }
        }
        Ok((told, bytes))
    }

    /// What a request has for a body, and what that is called.
    fn body(&self, front: &[u8], bytes: &[u8]) -> io::Result<(HeaderValue, Bytes)> {
        Ok(match self.encoding() {
            Encoding::Plain => (HeaderValue::from_static("application/octet-stream"), [front, bytes].concat().into()),
            Encoding::Multipart => part::written(random::bytes()?, &[front, bytes]),
        })
    }

    async fn send(&self, body: (HeaderValue, Bytes)) -> io::Result<(Response<Incoming>, SendRequest<Full<Bytes>>)> {
        // A kept connection may end just when a request goes out on it: that request is repeated, which changes nothing.
        while let Some(mut sender) = self.kept() {
            if sender.ready().await.is_ok()
                && let Ok(response) = sender.send_request(self.request(body.clone())?).await
            {
                return Ok((response, sender));
            }
        }
        let (stream, _) = self.target.connect(&self.shard, b"http/1.1").await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        self.shard.run(until(async move { drop(connection.await) }, Rc::new(Notify::new())));
        let response = sender.send_request(self.request(body)?).await.map_err(io::Error::other)?;
        Ok((response, sender))
    }

    fn kept(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < FRESH);
        idle.pop().map(|(sender, _)| sender)
    }

    fn request(&self, (kind, body): (HeaderValue, Bytes)) -> io::Result<Request<Full<Bytes>>> {
        head(&self.target, Method::POST)
            .uri(&self.path)
            .header(HOST, self.target.authority())
            .header(CONTENT_TYPE, kind)
            .body(Full::new(body))
            .map_err(io::Error::other)
    }

    fn refused(&self, status: StatusCode, server: Option<&str>) -> Failed {
        let number = status.as_u16();
        let who = server.map_or_else(String::new, |server| format!(" (by {server})"));
        let path = &self.path;
        match status {
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                Failed::TooLong(format!("status {number}{who}: a box on the way does not take a POST of this length"))
            }
            // Some say so of one that is too long as well.
            StatusCode::BAD_REQUEST => Failed::TooLong(format!(
                "status 400{who}: a box on the way does not take such a POST, or none of this length"
            )),
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Failed::Waited(format!(
                "status {number}{who}: a box on the way did not wait for the hub, or found none"
            )),
            StatusCode::FORBIDDEN => Failed::Other(match self.encoding() {
                Encoding::Plain => format!(
                    "status 403{who}: a firewall on the way refuses POSTs of application/octet-stream to {path}; ask for an exclusion of this path"
                ),
                Encoding::Multipart => format!(
                    "status 403{who}: a firewall on the way refuses POSTs to {path} even as a form with a file; ask for an exclusion of this path"
                ),
            }),
            _ => Failed::Other(format!("status {number}{who} instead of 200: no hub answers POSTs at {path}")),
        }
    }
}

/// Reads an answer to its end.
async fn read(mut body: Incoming) -> Result<(Told, Bytes), Failed> {
    let mut all = Vec::new();
    loop {
        let frame = timeout(PAUSE, body.frame())
            .await
            .map_err(|_| Failed::Waited(format!("the answer to a POST stopped for {PAUSE:?}")))?;
        match frame {
            None => break,
            Some(Err(error)) => return Err(Failed::Waited(format!("the answer to a POST was cut: {error}"))),
            Some(Ok(frame)) => all.extend_from_slice(&frame.into_data().unwrap_or_default()),
        }
        if all.len() > TOLD_LEN + ANSWER_LEN {
            break;
        }
    }
    let told = all.first_chunk().and_then(Told::decode).ok_or_else(|| {
        Failed::Other("an answer with status 200 that is no hub's: something other than the hub answers".to_owned())
    })?;
    if told.len != all.len() - TOLD_LEN {
        return Err(Failed::Waited(format!(
            "an answer of {} bytes where {} were said",
            all.len() - TOLD_LEN,
            told.len
        )));
    }
    Ok((told, Bytes::from(all).slice(TOLD_LEN..)))
}
