//! The other end of the gateway's Dubbo connections: a consumer or a provider that says what the test says, byte by byte.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Serialization, Status};

use super::PATIENCE;
use super::frames::ok_reply;

/// A consumer, or a provider, that says what the test says.
pub struct Peer {
    stream: Box<dyn Stream>,
}

/// What a consumer's bytes go through: a socket, or TLS on one.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl Peer {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: Box::new(TcpStream::connect(address).await.unwrap()) }
    }

    /// With TLS, as `dubbo.ssl` makes a consumer.
    pub async fn connect_with_tls(address: SocketAddr, config: Arc<rustls::ClientConfig>) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = shard::tls::ServerName::try_from("localhost").unwrap();
        Ok(Self { stream: Box::new(tokio_rustls::TlsConnector::from(config).connect(name, stream).await?) })
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next whole frame.
    pub async fn frame(&mut self) -> Vec<u8> {
        let read = async {
            let mut frame = vec![0; HEADER_LEN];
            self.stream.read_exact(&mut frame).await.unwrap();
            let header = Header::decode(&frame).unwrap().unwrap();
            frame.resize(header.frame_len(), 0);
            self.stream.read_exact(&mut frame[HEADER_LEN..]).await.unwrap();
            frame
        };
        tokio::time::timeout(PATIENCE, read).await.expect("a frame comes")
    }

    /// As a provider: `hi`, in answer to the call that it got.
    pub async fn reply_to(&mut self, got: &[u8]) {
        let mut reply = ok_reply(b"\x02hi");
        reply[4..12].copy_from_slice(&got[4..12]);
        self.send(&reply).await;
    }

    /// The next frame as status, id and text.
    pub async fn answer(&mut self) -> Told {
        told(&self.frame().await)
    }

    /// A heartbeat comes back as the very next frame: nothing else was answered.
    pub async fn nothing_but_a_heartbeat(&mut self) {
        let mut asked = Vec::new();
        wire::dubbo::frame::put_heartbeat_request(&mut asked, 4242, Codec::Hessian2);
        self.send(&asked).await;
        let frame = self.frame().await;
        let header = Header::decode(&frame).unwrap().unwrap();
        assert!(header.is_event() && header.id == 4242, "{header:?}");
    }

    /// The gateway closes the connection without another byte.
    pub async fn closed(&mut self) {
        let mut rest = Vec::new();
        let read =
            tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.expect("it is closed in time");
        assert!(read.is_err() || rest.is_empty(), "{rest:?}");
    }
}

/// What a consumer was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub id: i64,
    pub status: Status,
    pub serialization: Serialization,
    /// The error text, or the message of the exception.
    pub text: String,
}

fn told(frame: &[u8]) -> Told {
    let header = Header::decode(frame).unwrap().unwrap();
    let body = &frame[HEADER_LEN..];
    assert!(!body.is_empty(), "an empty body ends a dubbo-go session");
    let text = match header.status() {
        Status::OK => {
            let answer = wire::dubbo::answer::peek(&header, body).unwrap().unwrap();
            assert_eq!(answer.kind, wire::dubbo::answer::AnswerType::Exception);
            readable(&body[answer.value])
        }
        _ => wire::dubbo::answer::error_text(&header, body).unwrap().into_owned(),
    };
    Told { id: header.id, status: header.status(), serialization: header.serialization(), text }
}

/// The text inside an exception, without the bytes around it.
fn readable(exception: &[u8]) -> String {
    let text = String::from_utf8_lossy(exception).into_owned();
    let from = text.find("highway: ").expect("a text of the gateway");
    let end = text[from..].find(')').map_or(text.len(), |end| from + end + 1);
    text[from..end].to_owned()
}

/// A provider's end of the connection that the gateway makes to it.
pub async fn accepted(listener: &TcpListener) -> Peer {
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await.expect("the gateway connects");
    Peer { stream: Box::new(accepted.unwrap().0) }
}

/// The same with TLS.
pub async fn accepted_with_tls(listener: &TcpListener, config: Arc<rustls::ServerConfig>) -> Peer {
    let accepted = async {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_rustls::TlsAcceptor::from(config).accept(stream).await.unwrap()
    };
    let stream = tokio::time::timeout(PATIENCE, accepted).await.expect("the gateway connects");
    Peer { stream: Box::new(stream) }
}
