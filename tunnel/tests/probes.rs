//! What a hub sends back to whoever probes the way to it, over bare sockets, and what bounds him.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::net::SocketAddr;

use pair::{Noted, Pair, on_shard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn sent(to: SocketAddr, head: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(head.replace('\n', "\r\n").as_bytes()).await.unwrap();
    // It may be ended in the middle.
    let _ = stream.write_all(body).await;
    stream
}

async fn answer(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

fn text(answer: &[u8]) -> String {
    String::from_utf8_lossy(&answer[..answer.len().min(600)]).to_lowercase()
}

#[test]
fn a_body_comes_back_over_http_1_0_without_chunks_and_says_how_it_came() {
    on_shard(|shard| async move {
        let hub = Pair::new().hub(&shard, &Noted::new());
        let head = "POST /shop/highway/link/probe HTTP/1.0\nHost: hub\nContent-Length: 5\n\n";
        let told = answer(sent(hub.local(), head, b"hello").await).await;
        let told = text(&told);
        assert!(told.starts_with("http/1.0 200") && told.ends_with("\r\n\r\nhello"), "{told}");
        for header in ["x-highway-probe: http/1.0", "cache-control: no-store", "x-accel-buffering: no"] {
            assert!(told.contains(header), "{told}");
        }
        assert!(!told.contains("chunked"), "{told}");
    });
}

#[test]
fn a_piece_comes_back_before_the_next_is_sent() {
    on_shard(|shard| async move {
        let hub = Pair::new().hub(&shard, &Noted::new());
        let head = "POST /highway/link/probe HTTP/1.1\nHost: hub\nTransfer-Encoding: chunked\n\n";
        let mut stream = sent(hub.local(), head, b"3\r\none\r\n").await;
        let mut seen = Vec::new();
        for (piece, next) in [("3\r\none\r\n", "3\r\ntwo\r\n"), ("3\r\ntwo\r\n", "0\r\n\r\n")] {
            while !String::from_utf8_lossy(&seen).ends_with(piece) {
                assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "{}", text(&seen));
            }
            stream.write_all(next.as_bytes()).await.unwrap();
        }
    });
}

#[test]
fn a_probe_has_so_many_bytes() {
    on_shard(|shard| async move {
        let hub = Pair::new().hub(&shard, &Noted::new());
        for (len, comes_back) in [(2 << 20, true), ((2 << 20) + 1, false)] {
            let head = format!("POST /highway/link/probe HTTP/1.0\nHost: hub\nContent-Length: {len}\n\n");
            let stream = TcpStream::connect(hub.local()).await.unwrap();
            let (mut read, mut write) = stream.into_split();
            let body = vec![7; len];
            let send = async {
                write.write_all(head.replace('\n', "\r\n").as_bytes()).await.unwrap();
                let _ = write.write_all(&body).await;
            };
            let mut told = Vec::new();
            let (_, ()) = tokio::join!(read.read_to_end(&mut told), send);
            let back = told.iter().rev().take_while(|&&byte| byte == 7).count();
            assert_eq!(back == len, comes_back, "{back} of {len}");
        }
    });
}

#[test]
fn each_probe_is_a_stranger_and_there_are_only_so_many() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        // Half of them may be without a link: a connection with its probe, and a second one for which there is no more room.
        pair.accept.connections = 6;
        let hub = pair.hub(&shard, &Noted::new());
        let head = "POST /highway/link/probe/wait/30 HTTP/1.1\nHost: hub\nContent-Length: 0\n\n";
        let mut first = sent(hub.local(), head, b"").await;
        let mut told = [0; 15];
        first.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"HTTP/1.1 200 OK");
        let mut second = sent(hub.local(), head, b"").await;
        let mut told = Vec::new();
        while !told.ends_with(b"ask again.\n") {
            assert!(second.read_buf(&mut told).await.unwrap() > 0, "{}", text(&told));
        }
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("HTTP/1.1 429"), "{told}");
        assert!(told.ends_with("Too many are at the door of this hub; ask again.\n"), "{told}");
    });
}
