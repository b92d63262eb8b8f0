//! Providers that follow a script, byte by byte: where they listen, what they read, what they answer.

use std::fs;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::dubbo::call::{Call, Peeked, peek};
use wire::dubbo::frame::{HEADER_LEN, Header, Serialization, Status};

use super::{LONG_LEN, SERVICE};

/// A listening provider.
pub struct Provider(pub TcpListener);

impl Provider {
    pub async fn anywhere() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Listens at a port that another one has left.
    pub fn at(port: u16) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(format!("127.0.0.1:{port}").parse().unwrap()).unwrap();
        Self(socket.listen(16).unwrap())
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Its section of the configuration.
    pub fn section(&self, more: &str) -> String {
        section(self.port(), more)
    }

    pub async fn accept(&self) -> Connection {
        Connection(self.0.accept().await.unwrap().0)
    }
}

/// A certificate for `provider.internal` that signs itself, as PEM, and a provider's side of it.
pub fn certificate(folder: &Path) -> tokio_rustls::TlsAcceptor {
    let own = rcgen::generate_simple_self_signed(vec!["provider.internal".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("provider.pem"), folder.join("provider.key"));
    fs::write(&certificate, own.cert.pem()).unwrap();
    fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let identity = shard::tls::Identity { certificate_file: &certificate, key_file: &key };
    shard::tls::server(identity, None).unwrap().into()
}

pub fn section(port: u16, more: &str) -> String {
    format!("[[provider]]\naddress = \"127.0.0.1:{port}\"\nservice = \"{SERVICE}\"\n{more}\n")
}

/// A rule that exports the service.
pub const EXPORTED: &str = "[[export.rule]]\nservice = \"com.acme.*\"\n";

/// One connection of the gateway, as the provider sees it.
pub struct Connection<S = TcpStream>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub async fn read(&mut self) -> Vec<u8> {
        let mut frame = vec![0; HEADER_LEN];
        self.0.read_exact(&mut frame).await.unwrap();
        let header = Header::decode(&frame).unwrap().unwrap();
        frame.resize(header.frame_len(), 0);
        self.0.read_exact(&mut frame[HEADER_LEN..]).await.unwrap();
        frame
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Reads a call and answers it with a value and attachments.
    pub async fn answer(&mut self, value: &str) {
        let frame = self.read().await;
        self.write(&value_for(&frame, value, &[])).await;
    }

    pub async fn is_closed_by_peer(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]).await, Ok(0) | Err(_))
    }
}

/// An OK answer to `frame`.
pub fn value_for(frame: &[u8], value: &str, attachments: &[(&str, &str)]) -> Vec<u8> {
    use wire::dubbo::hessian2::writer::{put_binary, put_int, put_text, put_text_map};
    let asked = Header::decode(frame).unwrap().unwrap();
    let mut body = Vec::new();
    put_int(&mut body, 4);
    if value.len() > LONG_LEN {
        put_binary(&mut body, value.as_bytes())
    } else {
        put_text(&mut body, value)
    }
    put_text_map(&mut body, attachments.iter().copied());
    let header = Header::reply(Serialization::HESSIAN2, Status::OK, asked.id, body.len() as u32);
    [&header.encode()[..], &body].concat()
}

/// What a provider finds in a call.
pub fn read_call(frame: &[u8], look: impl FnOnce(&Header, &Call<'_>)) {
    let header = Header::decode(frame).unwrap().unwrap();
    match peek(&header, &frame[HEADER_LEN..]).unwrap() {
        Peeked::Call(call) => look(&header, &call),
        Peeked::Opaque(_) => panic!("opaque"),
    }
}
