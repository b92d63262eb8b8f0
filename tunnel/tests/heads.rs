//! A box that keeps the head of an answer until the first bytes of the answer come, as nginx does where it ends TLS: whoever waited for the
//! head before he says anything would wait for ever, since a hub has nothing to say before.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use highway_tunnel::Transport;
use pair::relay::eventually;
use pair::{Noted, Pair, body, head, on_shard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[test]
fn a_gateway_says_hello_before_it_has_seen_the_head_of_the_answer() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, to) = (listener.local_addr().unwrap(), hub.local());
        shard.run(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::task::spawn_local(keeps_heads(near, TcpStream::connect(to).await.unwrap()));
            }
        });
        let _dialer = pair.gateway(&shard, &at_gateway, at, Transport::H1);
        let link = at_gateway.link().await;
        assert_eq!(link.status().transport, Some("h1"));
        link.open(&head(300), &[&body(1, 300)], 1).unwrap();
        at_gateway.until("an answer", |noted| noted.finished.borrow().len() == 1).await;
    });
}

async fn keeps_heads(near: TcpStream, far: TcpStream) {
    let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.into_split(), far.into_split());
    let down = async {
        let mut kept = Vec::new();
        let is_body_there = |kept: &[u8]| {
            let end = kept.windows(4).position(|four| four == b"\r\n\r\n");
            end.is_some_and(|at| kept.len() > at + 4)
        };
        while !is_body_there(&kept) {
            if far_in.read_buf(&mut kept).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let _ = near_out.write_all(&kept).await;
        let _ = tokio::io::copy(&mut far_in, &mut near_out).await;
    };
    tokio::join!(down, tokio::io::copy(&mut near_in, &mut far_out)).1.unwrap_or_default();
}

#[test]
fn who_answers_with_another_status_is_told_of_in_the_reason() {
    on_shard(|shard| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        shard.run(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::task::spawn_local(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
                });
            }
        });
        let dialer = Pair::new().gateway(&shard, &Noted::new(), at, Transport::H1);
        let told = || dialer.status()[0].last_error.clone().unwrap_or_default();
        eventually("a reason", || !told().is_empty()).await;
        assert!(told().starts_with("status 403 instead of 200: something on the way"), "{}", told());
    });
}
