//! A TCP connection to whichever address of a name takes one first. Names are asked for anew each time, on a thread that may wait. An address
//! that does not answer costs a quarter of a second and no more: the next is tried beside it, of the other family first (RFC 8305).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// One attempt takes no longer.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long an attempt is alone before the next address is tried beside it (RFC 8305, section 8).
const STAGGER: Duration = Duration::from_millis(250);
/// Addresses of a name that are tried.
const ADDRESSES: usize = 8;

/// A connection to `host`.
///
/// # Errors
/// The name has no address, or none takes a connection: what the last one said.
pub(super) async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    first_of(by_turns(found))
        .await
        .unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::NotFound, format!("no address of {host}"))))
}

/// The families by turns, beginning with that of the first, since the system has put it there.
fn by_turns(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let leads = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| address.is_ipv6() == leads);
    let longest = one.len().max(other.len());
    let mut turns = Vec::new();
    let (mut one, mut other) = (one.drain(..), other.drain(..));
    for _ in 0..longest {
        turns.extend(one.next());
        turns.extend(other.next());
    }
    turns.truncate(ADDRESSES);
    turns
}

/// The first that takes a connection; `None` where there is no address.
async fn first_of(addresses: Vec<SocketAddr>) -> Option<io::Result<TcpStream>> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = None;
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn_local(async move { (address, shard::connect(address, CONNECT_LIMIT).await) });
        }
        let done = tokio::select! {
            done = attempts.join_next() => done,
            () = sleep(STAGGER), if waiting.len() > 0 => continue,
        };
        match done {
            Some(Ok((_, Ok(stream)))) => return Some(Ok(stream)),
            Some(Ok((address, Err(error)))) => {
                last = Some(Err(io::Error::new(error.kind(), format!("{address}: {error}"))));
            }
            Some(Err(_)) => {}
            None => return last,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_families_take_turns() {
        let addresses = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]);
        let wanted = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]);
        assert_eq!(by_turns(found), wanted);
        assert_eq!(by_turns(Vec::new()), []);
    }

    #[test]
    fn an_address_that_swallows_everything_costs_a_quarter_of_a_second() {
        shard::runtime().unwrap().block_on(async {
            // A full queue of a listener takes no further connection and says nothing, as a dead address does.
            let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            full.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
            full.listen(0).unwrap();
            let dead = full.local_addr().unwrap().as_socket().unwrap();
            let mut held = Vec::new();
            while let Ok(stream) = shard::connect(dead, Duration::from_millis(300)).await {
                held.push(stream);
            }
            let alive = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let since = Instant::now();
            let stream = first_of(vec![dead, alive.local_addr().unwrap()]).await.unwrap().unwrap();
            assert_eq!(stream.peer_addr().unwrap(), alive.local_addr().unwrap());
            assert!(since.elapsed() >= STAGGER && since.elapsed() < CONNECT_LIMIT, "{:?}", since.elapsed());
            // One that refuses costs nothing.
            let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
            let stream = first_of(vec![closed, alive.local_addr().unwrap()]).await.unwrap();
            assert!(stream.is_ok());
            let error = first_of(vec![closed]).await.unwrap().unwrap_err();
            assert!(error.to_string().starts_with(&closed.to_string()), "{error}");
            assert!(first_of(Vec::new()).await.is_none());
        });
    }
}
