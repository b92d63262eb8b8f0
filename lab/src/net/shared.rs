//! All places on this machine, told apart by ports only: for machines that do not allow namespaces. It isolates nothing.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use anyhow::{Context, Result};

use super::{Isolation, Net, Place, Site};

pub(super) fn make(islands: &[Site<'_>], reason: String) -> Result<Net> {
    let address = own_address();
    Ok(Net {
        hub: Place::new("hub", address, None),
        islands: islands.iter().map(|site| Place::new(site.name, address, None)).collect(),
        boxes: Vec::new(),
        router: None,
        isolation: Isolation::None { reason },
    })
}

/// The machine's address, not 127.0.0.1: a Java consumer that finds a loopback address in a registry dials its own outer address instead.
fn own_address() -> Ipv4Addr {
    // Connecting a UDP socket sends nothing; it only asks the routing table. The address is one that is never used.
    let asked = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    match asked {
        Ok(SocketAddr::V4(own)) => *own.ip(),
        _ => Ipv4Addr::LOCALHOST,
    }
}

pub(super) fn free_port(address: Ipv4Addr) -> Result<u16> {
    let listener = TcpListener::bind((address, 0)).with_context(|| format!("no port is free on {address}"))?;
    Ok(listener.local_addr()?.port())
}
