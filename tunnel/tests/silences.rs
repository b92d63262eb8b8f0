//! A box that cuts whatever is silent for a while, sooner than the configured ping: a gateway learns it, says something more often, and remembers it.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use highway_tunnel::{DialConfig, Transport, dial};
use pair::relay::eventually;
use pair::{Noted, Pair, on_shard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// The box's patience; a gateway that knows it speaks twice in it.
const SILENCE: Duration = Duration::from_millis(1500);
/// The configured ping is longer.
const PING: Duration = Duration::from_secs(6);

/// Passes a connection on until nothing has come from either end for so long.
async fn cuts_silence(mut near: TcpStream, hub: SocketAddr) {
    let mut far = TcpStream::connect(hub).await.unwrap();
    let (mut up, mut down) = ([0; 16384], [0; 16384]);
    loop {
        let passes = async {
            tokio::select! {
                read = near.read(&mut up) => match read {
                    Ok(len) if len > 0 => far.write_all(&up[..len]).await.is_ok(),
                    _ => false,
                },
                read = far.read(&mut down) => match read {
                    Ok(len) if len > 0 => near.write_all(&down[..len]).await.is_ok(),
                    _ => false,
                },
            }
        };
        if !timeout(SILENCE, passes).await.unwrap_or(false) {
            return;
        }
    }
}

#[test]
fn a_link_speaks_more_often_where_silence_is_cut_and_the_next_process_does_from_its_start() {
    on_shard(|shard| async move {
        let folder = tempfile::tempdir().unwrap();
        let mut pair = Pair::new();
        (pair.accept.ping, pair.dial.ping) = (PING, PING);
        pair.dial.memory = Some(folder.path().join("paths.json"));
        let hub = pair.hub(&shard, &Noted::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, to) = (listener.local_addr().unwrap(), hub.local());
        shard.run(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::task::spawn_local(cuts_silence(near, to));
            }
        });
        let gateway = |noted: &Rc<Noted>| {
            let hubs = vec![pair.address(at, Transport::Ws)];
            dial(&shard, DialConfig { hubs, ..pair.dial.clone() }, noted.clone())
        };
        let at_gateway = Noted::new();
        let dialer = gateway(&at_gateway);
        let link = at_gateway.link().await;
        let learnt = || dialer.status()[0].cut_after_silence_ms;
        eventually("the silence is known", || learnt().is_some()).await;
        assert!((1000..=1800).contains(&learnt().unwrap()), "{:?}", learnt());
        eventually("the link is back", || link.connected()).await;
        let before = link.status().connections;
        sleep(SILENCE * 3).await;
        assert_eq!((link.status().connections, link.connected()), (before, true), "nothing was silent any more");
        let text = || std::fs::read_to_string(folder.path().join("paths.json")).unwrap_or_default();
        eventually("it is written down", || text().contains("silences")).await;
        drop(dialer);
        let later = Noted::new();
        let dialer = gateway(&later);
        let link = later.link().await;
        assert!(dialer.status()[0].cut_after_silence_ms.is_some());
        sleep(SILENCE * 2).await;
        assert_eq!(link.status().connections, 1, "it knew it from its start");
    });
}
