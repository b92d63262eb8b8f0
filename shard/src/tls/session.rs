//! One TLS session: sealed bytes of a socket in, opened bytes out, and the way back. It owns no socket and never waits.

use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::{AlertDescription, CertificateError, ClientConnection, Connection, InvalidMessage, ServerConnection};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use super::Layer;

/// Sealed bytes that one read can take. What comes out of them, with a record that had begun before, fits into the scratch
/// buffer beside the rest of a frame.
pub(crate) const SEALED_LEN: usize = 128 * 1024;
/// Opened and unread bytes of a peer never exceed what one call of [`Tls::open`] was given and one record (RFC 8446, section
/// 5.2: 2^14 bytes and 256 of overhead).
pub(crate) const RECORD_LEN: usize = (1 << 14) + 256;

/// What lies between a connection and its socket.
pub(crate) enum Cover {
    Plain,
    /// The peer's first byte says which.
    Undecided(Arc<rustls::ServerConfig>),
    Tls(Box<Tls>),
}

impl Cover {
    pub(crate) fn new(layer: Layer) -> io::Result<Self> {
        Ok(match layer {
            Layer::Plain => Cover::Plain,
            Layer::Either(config) => Cover::Undecided(config),
            Layer::Ask(config, name) => {
                let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
                Cover::Tls(Box::new(Tls(connection.into())))
            }
        })
    }

    /// The session that the peer has begun.
    pub(crate) fn answer(config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        Ok(Cover::Tls(Box::new(Tls(ServerConnection::new(config).map_err(io::Error::other)?.into()))))
    }
}

/// A session of rustls.
pub(crate) struct Tls(Connection);

/// What [`Tls::open`] found.
pub(crate) struct Opened {
    /// Bytes put into the buffer.
    pub(crate) len: usize,
    /// Whether the peer has said that nothing follows.
    pub(crate) closed: bool,
}

impl Tls {
    /// Whether nothing can be sealed yet.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Whether sealed bytes wait for the socket.
    pub(crate) fn wants_write(&self) -> bool {
        self.0.wants_write()
    }

    /// Opens what came from the socket. `plain` has room for as many bytes and [`RECORD_LEN`].
    ///
    /// # Errors
    /// A sentence; an alert for the peer may wait to be written.
    pub(crate) fn open(&mut self, mut sealed: &[u8], plain: &mut [u8]) -> Result<Opened, String> {
        let mut opened = Opened { len: 0, closed: false };
        while !sealed.is_empty() && !opened.closed {
            let taken = self.0.read_tls(&mut sealed).map_err(|error| format!("TLS: {error}"))?;
            let state = self.0.process_new_packets().map_err(|error| self.sentence(&error))?;
            let found = plain.get_mut(opened.len..opened.len + state.plaintext_bytes_to_read());
            let found = found.ok_or("TLS: more bytes came out of a read than went in")?;
            self.0.reader().read_exact(found).map_err(|error| format!("TLS: {error}"))?;
            opened.len += found.len();
            opened.closed = state.peer_has_closed() || taken == 0;
        }
        Ok(opened)
    }

    /// Seals bytes from the front; how many. No more than a few records are sealed before they are written.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.0.writer().write(plain)
    }

    /// Says that nothing follows.
    pub(crate) fn say_end(&mut self) {
        self.0.send_close_notify();
    }

    /// Writes what is sealed. `Pending`: the task of `cx` is woken when there is room.
    pub(crate) fn poll_write(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.0.wants_write() {
            match self.0.write_tls(&mut Socket { stream, cx }) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn sentence(&self, error: &rustls::Error) -> String {
        let hint = match (error, &self.0) {
            (rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType), Connection::Client(_))
                if self.0.is_handshaking() =>
            {
                "; what answers there does not speak TLS"
            }
            (rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer), _) => {
                "; it is signed by none of the authorities that this end trusts"
            }
            (rustls::Error::NoCertificatesPresented, _) => "; this end only takes peers that show a certificate",
            (rustls::Error::AlertReceived(AlertDescription::CertificateRequired), _) => {
                "; the peer only takes those that show a certificate"
            }
            (rustls::Error::AlertReceived(AlertDescription::UnknownCA), _) => {
                "; the peer does not trust who signed this end's certificate"
            }
            (rustls::Error::AlertReceived(AlertDescription::CertificateUnknown), _) => {
                "; the peer does not take this end's certificate, and its own log says why"
            }
            _ => "",
        };
        format!("TLS: {error}{hint}")
    }
}

/// The socket as rustls writes to it.
struct Socket<'a, 'b, 'c> {
    stream: &'a mut TcpStream,
    cx: &'b mut Context<'c>,
}

impl Socket<'_, '_, '_> {
    fn ready(done: Poll<io::Result<usize>>) -> io::Result<usize> {
        match done {
            Poll::Ready(done) => done,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Socket<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::ready(Pin::new(&mut *self.stream).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Self::ready(Pin::new(&mut *self.stream).poll_write_vectored(self.cx, parts))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
