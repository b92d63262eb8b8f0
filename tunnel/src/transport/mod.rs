//! What moves the bytes of a link, in batches, over HTTP. It never knows what a record is.
//!
//! ```text
//!  ws      binary messages on an upgraded HTTP/1.1 connection
//!  h2, h1  one POST whose two bodies stream at once: over HTTP/2, or as chunks over HTTP/1.1; boxes turn one into the other
//!  post    many small POSTs, each answered whole: for boxes that hold every body, or end what lasts
//! ```
//!
//! A transport carries a stream: its messages, frames and chunks mean nothing, since boxes cut and join them.

pub(crate) mod connect;
pub(crate) mod post;
mod probe;
pub(crate) mod serve;
pub(crate) mod stream;
mod tcp;
mod through;
pub(crate) mod ws;

pub(crate) use through::through;

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::Encoding;

/// The path of links on a hub.
pub(crate) const LINK_PATH: &str = "/highway/link";
/// The path of small POSTs, below that of links so that one line of a firewall's rules is about both.
const POSTS_PATH: &str = "/highway/link/post";
/// How this software names itself to boxes on the way.
pub(crate) const USER_AGENT: &str = concat!("highway/", env!("CARGO_PKG_VERSION"));

/// A byte stream in both directions.
pub(crate) trait Transport {
    /// Reads what is there into `scratch` behind its first `kept` bytes, which the caller has put there. Returns where the
    /// stream's bytes are now, the kept ones in front; more than was kept.
    ///
    /// # Errors
    /// The stream has ended ([`io::ErrorKind::UnexpectedEof`]) or broken.
    fn poll_read(&mut self, cx: &mut Context<'_>, scratch: &mut [u8], kept: usize) -> Poll<io::Result<Range<usize>>>;

    /// Takes a batch; [`Transport::poll_flush`] writes it.
    fn send(&mut self, parts: &[&[u8]]);

    /// Writes what was taken. `Pending`: woken when there is room, or when it is done.
    ///
    /// # Errors
    /// The stream has broken.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Bytes taken and not written yet.
    fn unwritten_len(&self) -> usize;

    /// Takes the words with which this transport says goodbye, if it has any.
    fn goodbye(&mut self) {}

    /// `ws`, `h2`, `h1` or `post`, for people.
    fn name(&self) -> &'static str;

    /// How it carries bytes, where there is a choice.
    fn encoding(&self) -> Encoding {
        Encoding::Plain
    }

    /// Whether what it carries is sealed whatever the configuration says.
    fn seals(&self) -> bool {
        false
    }

    /// The other end has proved who it is: more is held for it from now on.
    fn proven(&mut self) {}

    /// Bytes a ping should have at least, for boxes that end what is too quiet.
    fn ping_len(&self) -> usize {
        0
    }
}

/// What a connection must be able to do.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// A connection of whatever kind.
pub(crate) type BoxIo = Box<dyn Io>;

/// Reads until at least one more byte is there; for handshakes, before a task of its own reads the stream.
pub(crate) async fn read_more(transport: &mut dyn Transport, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut scratch = vec![0; 8 * 1024];
    let range = poll_fn(|cx| transport.poll_read(cx, &mut scratch, 0)).await?;
    buffer.extend_from_slice(&scratch[range]);
    Ok(())
}

fn ended(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what.to_owned())
}
