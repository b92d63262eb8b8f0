//! Listening and connecting on a shard. It never does anything with a connection but hand it over.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time;

use crate::tls::Layer;
use crate::{Conn, KEEPALIVE, Session, Shard};

/// What an accepted connection becomes.
pub enum Accepted {
    /// A [`Conn`] of this shard with this session.
    Serve(Layer, Rc<dyn Session>),
    /// Closed at once.
    Refuse,
}

/// Accepts connections until the returned future is dropped: run it with [`Shard::run`] beside a signal to stop.
/// Out of file descriptors it waits and goes on. `accept` gets the peer's address and the local one.
///
/// # Errors
/// The listener cannot be registered with this shard's event queue.
pub fn listen<F>(
    shard: &Shard,
    listener: std::net::TcpListener,
    mut accept: F,
) -> io::Result<impl Future<Output = ()> + use<F>>
where
    F: FnMut(SocketAddr, SocketAddr) -> Accepted + 'static,
{
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let shard = shard.clone();
    Ok(async move {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let Ok(local) = stream.local_addr() else { continue };
                    if let Accepted::Serve(layer, session) = accept(peer, local) {
                        let _ = Conn::start(&shard, stream, layer, session);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection; waiting a moment");
                    time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    })
}

/// Connects within `limit`. The socket has Nagle off and TCP keep-alive on, as all of ours have.
///
/// # Errors
/// The system's reason, or [`io::ErrorKind::TimedOut`].
pub async fn connect(peer: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let stream = time::timeout(limit, TcpStream::connect(peer))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection to {peer} within {limit:?}")))??;
    tune(&stream)?;
    Ok(stream)
}

pub(crate) fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEPALIVE))
}
