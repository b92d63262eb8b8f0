//! What a hub gives to whoever wants to see what the way to it lets through (`highway doctor`): it sends back what it is sent, as it comes.
//!
//! ```text
//!  …/highway/link/probe           POST: the body, piece by piece; WebSocket: every byte
//!  …/highway/link/probe/drip      POST: eight pieces of 16 bytes, one each 100 ms
//!  …/highway/link/probe/spread    POST: once the body is over, the milliseconds between its first piece and its last
//!  …/highway/link/probe/wait/N    POST: one piece after N seconds, at most 65
//! ```
//!
//! The first answers at once: some boxes send no more of a request whose answer has begun, so long bodies go to `spread`.
//!
//! It stands below the path of links so that one line of a firewall's rules is about both. Nobody proves who he is here, so nothing of the
//! hub is told but how the request came in, each probe counts as one more stranger, and none has more than 2 MiB or three minutes.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::{Either, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::time::{Instant, Interval, Sleep, interval, sleep, timeout};

use super::serve::{Body, Context, Door, words};
use super::{Transport, read_more};
use crate::strangers::Stranger;

const PROBE_PATH: &str = "/highway/link/probe";
/// Says that a hub has answered, and in which version of HTTP the request reached it.
const SIGN: HeaderName = HeaderName::from_static("x-highway-probe");
/// The most bytes of one probe in each direction.
const LEN: usize = 2 * 1024 * 1024;
/// The longest probe.
const TIME: Duration = Duration::from_secs(180);
const WAIT_LIMIT: Duration = Duration::from_secs(65);
const DRIPS: u32 = 8;
const DRIP: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    Echo,
    Drip,
    Spread,
    Wait(Duration),
}

/// Which probe stands at a path.
pub(super) fn asked(path: &str) -> Option<Probe> {
    let (_, rest) = path.rsplit_once(PROBE_PATH)?;
    match rest {
        "" => Some(Probe::Echo),
        "/drip" => Some(Probe::Drip),
        "/spread" => Some(Probe::Spread),
        _ => {
            let seconds = rest.strip_prefix("/wait/")?.parse().ok()?;
            Some(Probe::Wait(Duration::from_secs(seconds).min(WAIT_LIMIT)))
        }
    }
}

/// Answers a POST.
pub(super) async fn answer(probe: Probe, request: Request<Incoming>, context: Context, door: &Door) -> Response<Body> {
    let Some(stranger) = (door.probes)() else { return full() };
    let end = Instant::now() + TIME;
    let version = request.version();
    let mut body = request.into_body();
    if probe != Probe::Echo {
        let Ok(Some(spread)) = timeout(TIME, spread(&mut body)).await else {
            return words(StatusCode::PAYLOAD_TOO_LARGE, "A probe has at most 2 MiB.\n");
        };
        if probe == Probe::Spread {
            let text = spread.as_millis().to_string();
            return signed(version, Either::Left(Full::new(text.into())));
        }
    }
    let said = match probe {
        Probe::Drip => Said::Drips(interval(DRIP), DRIPS),
        Probe::Wait(wait) => Said::After(Box::pin(sleep(wait))),
        Probe::Echo | Probe::Spread => Said::Back { body, left: LEN },
    };
    let end = Box::pin(tokio::time::sleep_until(end));
    signed(version, Either::Right(Either::Right(Spoken { said, end, _held: (stranger, context.guard) })))
}

/// There are too many strangers.
pub(super) fn full() -> Response<Body> {
    words(StatusCode::TOO_MANY_REQUESTS, "Too many are at the door of this hub; ask again.\n")
}

/// Sends back what comes on an upgraded connection.
pub(super) async fn echo(mut transport: Box<dyn Transport>, _held: Stranger) {
    let work = async {
        let mut left = LEN;
        let mut bytes = Vec::new();
        while read_more(&mut *transport, &mut bytes).await.is_ok() && bytes.len() <= left {
            left -= bytes.len();
            transport.send(&[&bytes]);
            bytes.clear();
            if std::future::poll_fn(|cx| transport.poll_flush(cx)).await.is_err() {
                return;
            }
        }
        transport.goodbye();
        let _ = std::future::poll_fn(|cx| transport.poll_flush(cx)).await;
    };
    let _ = timeout(TIME, work).await;
}

/// Reads a body to its end; the time from its first piece to its last. `None`: it is too long, or was cut.
async fn spread(body: &mut Incoming) -> Option<Duration> {
    let (mut len, mut first, mut last) = (0, None, None);
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.ok()?;
        let now = Instant::now();
        len += frame.data_ref().map_or(0, Bytes::len);
        if len > LEN {
            return None;
        }
        first.get_or_insert(now);
        last = Some(now);
    }
    Some(last.zip(first).map_or(Duration::ZERO, |(last, first)| last - first))
}

fn signed(version: Version, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    if let Ok(version) = HeaderValue::try_from(format!("{version:?}")) {
        headers.insert(SIGN, version);
    }
    response
}

/// The body of an answer, made while it is read.
pub(super) struct Spoken {
    said: Said,
    end: Pin<Box<Sleep>>,
    _held: (Stranger, Rc<dyn std::any::Any>),
}

enum Said {
    Back { body: Incoming, left: usize },
    Drips(Interval, u32),
    After(Pin<Box<Sleep>>),
    Nothing,
}

impl http_body::Body for Spoken {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        let piece = || Bytes::from_static(b"sixteen of these");
        let bytes = match &mut self.said {
            Said::Nothing | Said::Drips(_, 0) => return Poll::Ready(None),
            Said::Drips(ticks, left) => {
                ready!(ticks.poll_tick(cx));
                *left -= 1;
                piece()
            }
            Said::After(wait) => {
                ready!(wait.as_mut().poll(cx));
                self.said = Said::Nothing;
                piece()
            }
            Said::Back { body, left } => {
                let Some(Ok(frame)) = ready!(Pin::new(body).poll_frame(cx)) else { return Poll::Ready(None) };
                let bytes = frame.into_data().unwrap_or_default();
                let Some(rest) = left.checked_sub(bytes.len()) else { return Poll::Ready(None) };
                *left = rest;
                bytes
            }
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_known_by_its_path_under_any_prefix_and_waits_no_longer_than_it_may() {
        assert_eq!(asked("/highway/link/probe"), Some(Probe::Echo));
        assert_eq!(asked("/shop/highway/link/probe/drip"), Some(Probe::Drip));
        assert_eq!(asked("/highway/link/probe/spread"), Some(Probe::Spread));
        assert_eq!(asked("/highway/link/probe/wait/9999999"), Some(Probe::Wait(WAIT_LIMIT)));
        for other in ["/highway/link", "/highway/link/probes", "/highway/link/probe/wait/-1", "/highway/link/post", ""]
        {
            assert_eq!(asked(other), None, "{other}");
        }
    }
}
