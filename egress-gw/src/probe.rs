//! A call of Dubbo's own `$echo` through this gateway's own port: whether calls really get where `/explain` says that they go.
//!
//! It goes the whole way, as a consumer's would: port, decision, hub, the other island, a provider, and back. Providers answer it
//! themselves (`EchoFilter` of Dubbo); no code of the application runs. One connection for one call, closed behind it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::dubbo::answer::{self, AnswerType};
use wire::dubbo::frame::{Codec, FrameKind, HEADER_LEN, Header, Status};
use wire::dubbo::hessian2::Document;
use wire::dubbo::request::{Arg, Request};

/// From connecting to the last byte of the answer; below what the admin's callers wait.
const ANSWERED_WITHIN: Duration = Duration::from_secs(4);
/// An echo is some bytes; a refusal is a sentence.
const ANSWER_MAX_LEN: usize = 1 << 20;
/// Dubbo's name for it, with the one parameter that it has.
const ECHO: (&str, &str) = ("$echo", "Ljava/lang/Object;");

/// Where this gateway's own ports are.
#[derive(Debug, Clone, Default)]
pub struct Ports(Vec<(Option<Arc<str>>, SocketAddr)>);

/// Whom to call, and as whom.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// The Java interface, its group and its version.
    pub service: (&'a str, Option<&'a str>, Option<&'a str>),
    /// The application that is said to call.
    pub application: Option<&'a str>,
    /// The island whose port it goes to.
    pub port: Option<&'a str>,
    /// Where it goes: an island or `local`.
    pub target: &'a str,
}

/// What came back.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Echo {
    /// Whether a provider answered.
    pub answered: bool,
    /// In words.
    pub told: String,
    /// From the first byte to the last, in milliseconds.
    pub took_ms: u64,
}

impl Ports {
    /// These addresses, each with the island to which it is bound.
    #[must_use]
    pub fn new(addresses: Vec<(Option<Arc<str>>, SocketAddr)>) -> Self {
        Self(addresses)
    }

    /// The islands that have a port of their own.
    pub fn islands(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(bound, _)| bound.as_deref())
    }

    /// How this process itself reaches the port of an island, or the one for all.
    fn of(&self, island: Option<&str>) -> Option<SocketAddr> {
        let (_, address) = self.0.iter().find(|(bound, _)| bound.as_deref() == island)?;
        let host = match address.ip() {
            IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            host => host,
        };
        Some(SocketAddr::new(host, address.port()))
    }

    /// Sends the probe, and waits a while for what comes of it.
    pub async fn send(&self, probe: &Probe<'_>) -> Echo {
        let began = Instant::now();
        let told = match self.of(probe.port) {
            None => Err(format!("this gateway has no port for {}", probe.port.unwrap_or("all islands"))),
            Some(at) => match tokio::time::timeout(ANSWERED_WITHIN, exchange(at, probe)).await {
                Ok(told) => told.map_err(|why| format!("port {at}: {why}")),
                Err(_) => Err(format!("port {at}: no answer within {ANSWERED_WITHIN:?}")),
            },
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match told {
            Ok(()) => Echo { answered: true, told: "a provider answered `$echo`".to_owned(), took_ms },
            Err(told) => Echo { answered: false, told, took_ms },
        }
    }
}

async fn exchange(at: SocketAddr, probe: &Probe<'_>) -> Result<(), String> {
    let said = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(at).await.map_err(said)?;
    stream.set_nodelay(true).map_err(said)?;
    stream.write_all(&frame(probe)).await.map_err(said)?;
    let mut bytes = Vec::new();
    loop {
        if let Some(header) = Header::decode(&bytes).map_err(|error| error.to_string())? {
            if header.frame_len() > ANSWER_MAX_LEN {
                return Err(format!("an answer of {} bytes, wanted an echo", header.frame_len()));
            }
            if bytes.len() >= header.frame_len() {
                let rest = bytes.split_off(header.frame_len());
                if header.kind() == FrameKind::Reply {
                    return read(&header, bytes.get(HEADER_LEN..).unwrap_or_default());
                }
                // An event on a connection that soon ends.
                bytes = rest;
                continue;
            }
        }
        if stream.read_buf(&mut bytes).await.map_err(said)? == 0 {
            return Err("the connection was closed instead of an answer".to_owned());
        }
    }
}

fn frame(probe: &Probe<'_>) -> Vec<u8> {
    let (service, group, version) = probe.service;
    let timeout = ANSWERED_WITHIN.as_millis().to_string();
    let own = probe.application.map(|name| ("remote.application", name));
    let attachments: Vec<(&str, &str)> =
        [("highway.target", probe.target), ("timeout", &timeout)].into_iter().chain(own).collect();
    let request = Request {
        codec: Codec::Hessian2,
        service,
        version,
        group,
        method: ECHO.0,
        types: ECHO.1,
        args: &[Arg::Text("highway")],
        attachments: &attachments,
    };
    let mut frame = Vec::new();
    request.append(&mut frame, 1);
    frame
}

fn read(header: &Header, body: &[u8]) -> Result<(), String> {
    if header.status() != Status::OK {
        let text = answer::error_text(header, body).unwrap_or_default();
        return Err(format!("status {}: {}", header.status(), text.lines().next().unwrap_or_default()));
    }
    let answer = answer::peek(header, body).map_err(|error| error.to_string())?;
    let answer = answer.ok_or_else(|| format!("an answer in serialization {}", header.serialization()))?;
    match answer.kind {
        AnswerType::Value => Ok(()),
        AnswerType::Null => Err("null came back, wanted what was sent".to_owned()),
        AnswerType::Exception => Err(message(body.get(answer.value).unwrap_or_default())),
    }
}

/// The message of an exception.
fn message(bytes: &[u8]) -> String {
    let document = Document::read(bytes).ok();
    let text = document.as_ref().and_then(|document| {
        document
            .field(document.root(), "detailMessage")?
            .as_text()
            .map(|text| text.lines().next().unwrap_or_default().to_owned())
    });
    text.unwrap_or_else(|| "an exception without a message".to_owned())
}
