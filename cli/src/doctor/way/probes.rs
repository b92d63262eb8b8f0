//! What is tried of a hub that answers: upgrades, streams, sizes, what is looked into. Each has its limit, and gives what was seen.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

use super::ask::{self, Ask, Fed, Http, exchange, fed, head};
use super::connection::Way;
use super::seen::{Flow, Heard, Inspection, Largest, Stream, Upgrade, Who};

/// The kind of links' bodies over HTTP/1.1, and of streams over HTTP/2.
pub const OCTETS: &str = "application/octet-stream";
const GRPC: &str = "application/grpc";
const JSON: &str = "application/json";
/// A stream that has not begun by then does not pass.
const HEAD_LIMIT: Duration = Duration::from_secs(3);
/// The same of a piece that comes back.
const PIECE_LIMIT: Duration = Duration::from_secs(2);
/// Pieces that come apart, as they were sent, take at least this.
const APART: Duration = Duration::from_millis(350);
const BODIES: [usize; 4] = [1 << 20, 256 << 10, 48 << 10, 1 << 10];
const HEADS: [usize; 3] = [15 << 10, 7 << 10, 3 << 10];

pub fn probe_path(way: &Way) -> String {
    way.link_path() + "/probe"
}

/// Bytes that spell nothing: none is text.
pub fn opaque(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let byte = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8 | 0x80
    };
    std::iter::repeat_with(byte).take(len).collect()
}

/// Upgrades to WebSocket, and sends messages if somebody sends them back.
pub async fn upgrade(way: &Way, who: Who) -> Upgrade {
    let limit = HEAD_LIMIT + PIECE_LIMIT * 3;
    timeout(limit, try_upgrade(way, who)).await.unwrap_or_else(|_| Upgrade::Failed("no answer".to_owned()))
}

async fn try_upgrade(way: &Way, who: Who) -> Upgrade {
    let mut socket = match websocket(way, who).await {
        Ok(socket) => socket,
        Err(not) => return not,
    };
    if who != Who::Hub {
        return Upgrade::Upgraded;
    }
    let (mut len, start) = (0, Instant::now());
    for size in [1, 1 << 10, 100 << 10] {
        match timeout(PIECE_LIMIT, socket.echo(size)).await {
            Ok(Ok(())) => len = size,
            _ if len == 0 => return Upgrade::Silent,
            _ => break,
        }
    }
    Upgrade::Echoes { len, took: start.elapsed() }
}

/// A WebSocket at the probe's path.
pub struct Socket(TokioIo<hyper::upgrade::Upgraded>);

/// Makes one.
///
/// # Errors
/// What came in its place.
pub async fn websocket(way: &Way, who: Who) -> Result<Socket, Upgrade> {
    let path = if who == Who::Hub { probe_path(way) } else { way.link_path() };
    let request = head(way, Http::One, &Ask::get(path)).and_then(|head| {
        head.header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, generate_key())
            .body(http_body_util::Empty::new())
            .map_err(|error| error.to_string())
    });
    let response = exchange(way, Http::One, request.map_err(Upgrade::Failed)?).await.map_err(Upgrade::Failed)?;
    if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
        return Err(Upgrade::Status(response.status().as_u16()));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| Upgrade::Failed(error.to_string()))?;
    Ok(Socket(TokioIo::new(upgraded)))
}

impl Socket {
    /// Sends a message of this length and reads it back.
    ///
    /// # Errors
    /// The connection has ended, or other bytes came.
    pub async fn echo(&mut self, len: usize) -> std::io::Result<()> {
        let payload = opaque(len);
        // One final binary message, masked with a key (RFC 6455, section 5.2).
        let mask = [0x9a, 0xc3, 0xe5, 0x8f];
        let mut message = vec![0x82, 0xff];
        message.extend((len as u64).to_be_bytes());
        message.extend(mask);
        message.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.0.write_all(&message).await?;
        self.0.flush().await?;
        let mut back = Vec::with_capacity(len);
        while back.len() < len {
            let (opcode, piece) = self.message(len).await?;
            if opcode == 2 || opcode == 0 {
                back.extend(piece);
            }
        }
        if back == payload { Ok(()) } else { Err(std::io::Error::other("other bytes came back")) }
    }

    async fn message(&mut self, limit: usize) -> std::io::Result<(u8, Vec<u8>)> {
        let mut front = [0; 2];
        self.0.read_exact(&mut front).await?;
        let len = match front[1] & 0x7f {
            126 => usize::from(self.0.read_u16().await?),
            127 => usize::try_from(self.0.read_u64().await?).unwrap_or(usize::MAX),
            len => usize::from(len),
        };
        if len > limit.max(125) {
            return Err(std::io::Error::other("a message that nobody sent"));
        }
        let mut payload = vec![0; len];
        self.0.read_exact(&mut payload).await?;
        Ok((front[0] & 0x0f, payload))
    }
}

/// A POST whose bodies stream at once.
pub async fn stream(way: &Way, http: Http, who: Who) -> Stream {
    let limit = HEAD_LIMIT * 2 + PIECE_LIMIT * 5;
    timeout(limit, try_stream(way, http, who)).await.unwrap_or(Stream::Silent)
}

async fn try_stream(way: &Way, http: Http, who: Who) -> Stream {
    let mut open = match begin(way, http, who).await {
        Ok(open) => open,
        Err(not) => return not,
    };
    if who != Who::Hub {
        return Stream::Begins;
    }
    let mut slowest = Duration::ZERO;
    for len in [16, 16, 1 << 10, 100 << 10] {
        let start = Instant::now();
        if !open.echo(len).await {
            return Stream::AnswerHeld;
        }
        slowest = slowest.max(start.elapsed());
    }
    Stream::Live { slowest }
}

/// A stream whose answer has begun.
pub struct Open {
    feeder: mpsc::Sender<Bytes>,
    body: Incoming,
}

/// Opens one.
///
/// # Errors
/// What came in its place.
pub async fn begin(way: &Way, http: Http, who: Who) -> Result<Open, Stream> {
    let path = if who == Who::Hub { probe_path(way) } else { way.link_path() };
    let kind = if http == Http::Two { GRPC } else { OCTETS };
    let (feeder, body): (_, Fed) = fed();
    let request = head(way, http, &Ask::post(path, kind, "")).map_err(Stream::Failed)?;
    let request = request.body(body).map_err(|error| Stream::Failed(error.to_string()))?;
    // A box may wait for the first bytes before it does anything.
    let _ = feeder.send(Bytes::from(opaque(16))).await;
    let answer = exchange(way, http, request);
    tokio::pin!(answer);
    let response = match timeout(HEAD_LIMIT, &mut answer).await {
        Ok(response) => response.map_err(Stream::Failed)?,
        Err(_) => {
            drop(feeder);
            return Err(match timeout(HEAD_LIMIT, answer).await {
                Ok(Ok(response)) if response.status().is_success() => Stream::RequestHeld,
                Ok(Ok(response)) => Stream::Status(response.status().as_u16()),
                Ok(Err(error)) => Stream::Failed(error),
                Err(_) => Stream::Silent,
            });
        }
    };
    let is_ours = who != Who::Hub || response.headers().contains_key("x-highway-probe");
    if response.status() != http::StatusCode::OK || !is_ours {
        return Err(Stream::Status(response.status().as_u16()));
    }
    let mut open = Open { feeder, body: response.into_body() };
    if who == Who::Hub && !open.reads(16).await {
        return Err(Stream::AnswerHeld);
    }
    Ok(open)
}

impl Open {
    /// Sends so many bytes; whether they come back in time.
    pub async fn echo(&mut self, len: usize) -> bool {
        self.feeder.send(Bytes::from(opaque(len))).await.is_ok() && self.reads(len).await
    }

    async fn reads(&mut self, len: usize) -> bool {
        let work = async {
            let mut left = len;
            while left > 0 {
                match self.body.frame().await {
                    Some(Ok(frame)) => left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len)),
                    _ => return false,
                }
            }
            true
        };
        timeout(PIECE_LIMIT, work).await.unwrap_or(false)
    }
}

/// Whether the pieces of an answer come apart.
pub async fn answer_flow(way: &Way) -> Option<Flow> {
    let work = async {
        let ask = Ask::post(probe_path(way) + "/drip", OCTETS, "");
        let request = head(way, Http::One, &ask).ok()?.body(http_body_util::Empty::<Bytes>::new()).ok()?;
        let mut body = exchange(way, Http::One, request).await.ok()?.into_body();
        let (mut first, mut last, mut len) = (None, None, 0);
        while let Some(Ok(frame)) = body.frame().await {
            len += frame.data_ref().map_or(0, Bytes::len);
            first.get_or_insert_with(Instant::now);
            last = Some(Instant::now());
        }
        (len == 128).then_some(last? - first?)
    };
    timeout(Duration::from_secs(5), work).await.ok().flatten().map(flow)
}

/// Whether the pieces of a request come apart, as the hub counts.
pub async fn request_flow(way: &Way) -> Option<Flow> {
    let work = async {
        let ask = Ask::post(probe_path(way) + "/spread", OCTETS, "");
        let (feeder, body) = fed();
        let request = head(way, Http::One, &ask).ok()?.body(body).ok()?;
        let feed = async move {
            for _ in 0..8 {
                let _ = feeder.send(Bytes::from(opaque(16))).await;
                sleep(Duration::from_millis(100)).await;
            }
        };
        let (response, ()) = tokio::join!(exchange(way, Http::One, request), feed);
        let body = http_body_util::Limited::new(response.ok()?.into_body(), 64).collect().await.ok()?.to_bytes();
        std::str::from_utf8(&body).ok()?.parse().ok().map(Duration::from_millis)
    };
    timeout(Duration::from_secs(5), work).await.ok().flatten().map(flow)
}

fn flow(spread: Duration) -> Flow {
    if spread >= APART { Flow::Live } else { Flow::Held }
}

/// Bodies of one length that look like different things.
pub async fn inspection(way: &Way, http: Http) -> Inspection {
    let status = async |kind, body: Vec<u8>| {
        let heard = ask::whole(way, http, Ask::post(probe_path(way), kind, body)).await;
        heard.ok().map(|heard| heard.status)
    };
    let words = b"java.lang.Runtime java.lang.String java.lang.Object";
    let json = format!("\"{}\"", "a".repeat(words.len() - 2));
    Inspection {
        binary: status(OCTETS, opaque(words.len())).await,
        json: status(JSON, json.into_bytes()).await,
        spelling: status(OCTETS, words.to_vec()).await,
    }
}

/// The largest body that the hub gets whole, from the top. It answers when it has it: nginx sends no more of a request whose answer has begun.
pub async fn bodies(way: &Way, http: Http) -> Largest {
    let ask = |len| Ask::post(probe_path(way) + "/spread", OCTETS, opaque(len));
    largest(way, http, &BODIES, ask).await
}

/// The largest head that passes, from the top.
pub async fn heads(way: &Way, http: Http) -> Largest {
    let ask = |padding| Ask { padding, ..Ask::post(probe_path(way), OCTETS, opaque(16)) };
    largest(way, http, &HEADS, ask).await
}

async fn largest(way: &Way, http: Http, sizes: &[usize], ask: impl Fn(usize) -> Ask) -> Largest {
    let mut largest = Largest::default();
    for &size in sizes {
        match ask::whole(way, http, ask(size)).await {
            Ok(heard) if heard.who == Who::Hub && heard.status == 200 => {
                largest.passed = Some(size);
                break;
            }
            Ok(Heard { status, server, .. }) => {
                let by = server.map(|server| format!(" by {server}")).unwrap_or_default();
                largest.refused = Some((size, format!("{status}{by}")));
            }
            Err(error) => largest.refused = Some((size, error)),
        }
    }
    largest
}
