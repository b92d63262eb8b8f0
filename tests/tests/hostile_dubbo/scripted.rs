//! Providers of island b that follow a script, each a service of its own on a port of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lab::net::Place;
use wire::dubbo::frame::{Codec, FrameKind, HEADER_LEN, Header, Serialization, Status, put_heartbeat_reply};

/// What a provider does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Answers with `hi`.
    Echo,
    /// Answers with a mebibyte.
    Much,
    /// Reads, counts and says nothing.
    Silent,
    WrongMagic,
    WrongId,
    Twice,
    /// Half an answer, then the end.
    Truncated,
    /// A byte over the limit, then goes on.
    TooLong,
    BeyondReason,
    EmptyBody,
    UnknownStatus,
    UnreadableValue,
    /// Asks the gateway instead of answering.
    Asks,
    /// An answer that goes on for ever, a byte at a time.
    Trickles,
    /// Closes each connection as it comes.
    ClosesAtOnce,
    /// Does not listen.
    Refuses,
}

pub const SCRIPTS: [Script; 16] = [
    Script::Echo,
    Script::Much,
    Script::Silent,
    Script::WrongMagic,
    Script::WrongId,
    Script::Twice,
    Script::Truncated,
    Script::TooLong,
    Script::BeyondReason,
    Script::EmptyBody,
    Script::UnknownStatus,
    Script::UnreadableValue,
    Script::Asks,
    Script::Trickles,
    Script::ClosesAtOnce,
    Script::Refuses,
];

pub const LIMIT_LEN: usize = 8 << 20;

pub struct Scripted {
    script: Script,
    service: String,
    address: SocketAddrV4,
    frames: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
}

impl Scripted {
    pub fn start(place: &Place, script: Script) -> Scripted {
        let bind = || TcpListener::bind((place.address(), 0)).unwrap();
        let listener = place.inside(bind).unwrap();
        let address = SocketAddrV4::new(place.address(), listener.local_addr().unwrap().port());
        let (frames, connections) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        if script != Script::Refuses {
            let (frames, connections) = (frames.clone(), connections.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    connections.fetch_add(1, Ordering::Relaxed);
                    let frames = frames.clone();
                    std::thread::spawn(move || serve(script, stream, &frames));
                }
            });
        }
        Scripted { script, service: format!("com.example.{script:?}"), address, frames, connections }
    }

    pub fn script(&self) -> Script {
        self.script
    }

    pub fn service(&self) -> &str {
        &self.service
    }

    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Connections that were ever made to it.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Calls that it has read.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
}

/// Runs until the gateway goes away or the script says so.
fn serve(script: Script, mut stream: TcpStream, frames: &AtomicU64) {
    let mut head = [0; HEADER_LEN];
    while script != Script::ClosesAtOnce && stream.read_exact(&mut head).is_ok() {
        let Ok(Some(asked)) = Header::decode(&head) else { return };
        let mut body = vec![0; asked.body_len as usize];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let mut heartbeat = Vec::new();
        match asked.kind() {
            FrameKind::EventCall => {
                put_heartbeat_reply(&mut heartbeat, &asked);
                let _ = stream.write_all(&heartbeat);
                continue;
            }
            FrameKind::Call | FrameKind::OneWay => frames.fetch_add(1, Ordering::Relaxed),
            _ => continue,
        };
        if asked.kind() == FrameKind::Call && act(script, &mut stream, &asked).is_err() {
            return;
        }
    }
}

/// An OK reply with this value.
fn answer(asked: &Header, value: &[u8]) -> Vec<u8> {
    reply(asked, Status::OK, &[&[0x91], value].concat())
}

fn reply(asked: &Header, status: Status, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap();
    let mut frame = Header::reply(Serialization::HESSIAN2, status, asked.id, len).encode().to_vec();
    frame.extend_from_slice(body);
    frame
}

fn act(script: Script, stream: &mut TcpStream, asked: &Header) -> std::io::Result<()> {
    let hi = answer(asked, b"\x02hi");
    match script {
        Script::Echo => stream.write_all(&hi),
        Script::Much => {
            let mut value = Vec::new();
            wire::dubbo::hessian2::writer::put_text(&mut value, &"m".repeat(1 << 20));
            stream.write_all(&answer(asked, &value))
        }
        Script::Silent | Script::Refuses => Ok(()),
        Script::WrongMagic => stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Script::WrongId => stream.write_all(&answer(&Header { id: asked.id ^ (1 << 40), ..*asked }, b"\x02no")),
        Script::Twice => stream.write_all(&[hi.clone(), hi].concat()),
        Script::Truncated => {
            stream.write_all(&hi[..hi.len() - 1])?;
            Err(ErrorKind::Other.into())
        }
        Script::TooLong => stream.write_all(&reply(asked, Status::OK, &vec![0xda; LIMIT_LEN + 1])),
        Script::BeyondReason => {
            stream.write_all(&Header::reply(Serialization::HESSIAN2, Status::OK, asked.id, i32::MAX as u32).encode())
        }
        Script::EmptyBody => stream.write_all(&reply(asked, Status::OK, b"")),
        Script::UnknownStatus => stream.write_all(&reply(asked, Status(77), b"\x04what")),
        Script::UnreadableValue => stream.write_all(&answer(asked, &[0x43, 0xff, 0xff, 0xff])),
        Script::Asks => stream.write_all(&crate::talker::request(Codec::Hessian2, 5, b"\x02hi")),
        Script::Trickles => {
            stream.write_all(&reply(asked, Status::OK, &vec![0; 1 << 20])[..100_000])?;
            loop {
                std::thread::sleep(Duration::from_millis(100));
                stream.write_all(&[0])?;
            }
        }
        Script::ClosesAtOnce => Err(ErrorKind::Other.into()),
    }
}
