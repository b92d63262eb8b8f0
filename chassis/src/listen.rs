//! Listening sockets: several addresses, IPv4 and IPv6, one socket a shard on the same port.
//!
//! With `SO_REUSEPORT` the kernel spreads new connections over the sockets, so that shards share no accept queue. Sockets
//! come back non-blocking and as `std` types, ready for whichever runtime the shard has. An address means what it says:
//! `[::]` is IPv6 alone, so `0.0.0.0` may stand beside it. A socket that the service manager opened for an address is taken
//! in place of a new one (`inherited`). Nothing here accepts.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::inherited;

/// Connections that wait to be accepted, per socket; the kernel lowers it to `net.core.somaxconn`.
const BACKLOG_LEN: i32 = 4096;

/// Whether other sockets of this process may listen on the same port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// This socket alone has the port; a second process is refused.
    Alone,
    /// One socket a shard (`SO_REUSEPORT`).
    Shards,
}

/// An address that could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    /// The address as configured.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// One listening socket.
///
/// # Errors
/// The address is taken, not of this machine, or not permitted.
pub fn bind(address: SocketAddr, share: Share) -> Result<TcpListener, ListenError> {
    open(address, share).map_err(|source| ListenError { address, source })
}

/// One listening socket for each address, in their order.
///
/// # Errors
/// As [`bind`], for the first address that fails; the others are closed again.
pub fn bind_all(addresses: &[SocketAddr], share: Share) -> Result<Vec<TcpListener>, ListenError> {
    addresses.iter().map(|address| bind(*address, share)).collect()
}

/// `shards` sockets on one address. Port 0 is chosen once and shared. The port is probed alone first, so that a second
/// process on the same port is refused instead of taking half of the connections.
///
/// # Errors
/// As [`bind`].
pub fn bind_shards(address: SocketAddr, shards: usize) -> Result<Vec<TcpListener>, ListenError> {
    if let Some(first) = inherited::listener(address) {
        let more = (1..shards).filter_map(|_| inherited::listener(address));
        return std::iter::once(first)
            .chain(more)
            .collect::<io::Result<_>>()
            .map_err(|source| ListenError { address, source });
    }
    let port = {
        let probe = bind(address, Share::Alone)?;
        probe.local_addr().map_err(|source| ListenError { address, source })?.port()
    };
    let chosen = SocketAddr::new(address.ip(), port);
    (0..shards).map(|_| bind(chosen, Share::Shards)).collect()
}

fn open(address: SocketAddr, share: Share) -> io::Result<TcpListener> {
    if let Some(inherited) = inherited::listener(address) {
        return inherited;
    }
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    if share == Share::Shards {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG_LEN)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_port() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[test]
    fn shards_share_one_port() {
        let sockets = bind_shards(any_port(), 3).unwrap();
        let ports: Vec<_> = sockets.iter().map(|s| s.local_addr().unwrap().port()).collect();
        assert_eq!(ports.len(), 3);
        assert!(ports[0] != 0 && ports.iter().all(|port| *port == ports[0]));
    }

    #[test]
    fn a_second_process_on_the_port_is_refused() {
        let first = bind_shards(any_port(), 2).unwrap();
        let taken = first[0].local_addr().unwrap();
        let error = bind_shards(taken, 2).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen on {taken}: ")));
    }

    #[test]
    fn both_families_can_have_the_same_port() {
        let four = bind("0.0.0.0:0".parse().unwrap(), Share::Alone).unwrap();
        let port = four.local_addr().unwrap().port();
        match bind(SocketAddr::new("::".parse().unwrap(), port), Share::Alone) {
            Ok(six) => assert!(six.local_addr().unwrap().is_ipv6()),
            Err(error) => assert_ne!(error.source.kind(), io::ErrorKind::AddrInUse, "no IPv6 here is no fault of ours"),
        }
    }

    #[test]
    fn several_addresses_are_bound_in_order() {
        let sockets = bind_all(&[any_port(), any_port()], Share::Alone).unwrap();
        assert_eq!(sockets.len(), 2);
        assert_ne!(sockets[0].local_addr().unwrap(), sockets[1].local_addr().unwrap());
    }
}
