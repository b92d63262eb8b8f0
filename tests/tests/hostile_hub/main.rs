//! A hostile island at the hub's real socket, beside a healthy Java caller whose calls cross that hub and who must not notice.
//!
//! ```text
//!   island a: healthy consumer ──▶ egress ══ hub ══ ingress ──▶ provider :island b
//!   mallory: nobody's program, two listed keys, one revoked ──▶ ║      whatever bytes a test wants
//! ```
//! Each test has the line for itself, asserts the exact answer, and ends with the healthy caller's tally and the memory of every
//! program. What is answered stands for people in `docs/bad-input.md`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod crowd;
mod records;
mod world;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use lab::process::until;
use tunnel::key::PrivateKey;
use tunnel::scripted::Scripted;
use tunnel::{DialConfig, Role};
use wire::tunnel::RecordType;

use world::{World, beside_a_healthy_caller};

/// From a mistake of a peer to its consequence, on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

async fn refused(shard: &shard::Shard, config: &DialConfig) -> String {
    match Scripted::link(shard, config).await {
        Ok(_) => panic!("the hub takes {config:?}", config = config.gateway),
        Err(why) => why,
    }
}

#[test]
fn a_key_that_is_not_listed_or_says_it_is_another_is_refused_in_words() {
    let beside = beside_a_healthy_caller();
    let world: &World = beside.world;
    let before = world.links();
    world.hostile(|shard| async move {
        let honest = world.gateway(Role::Egress);
        let stranger = std::sync::Arc::new(PrivateKey::generate().unwrap());
        let public = stranger.public().unwrap();
        let elsewhere = vec![tunnel::HubAddress { keys: vec![public], ..honest.hubs[0].clone() }];
        let wrong = [
            (
                DialConfig { key: stranger, ..honest.clone() },
                format!(
                    "no gateway has the key {public}; ask the hub's operator to list it under island `mallory`: [[island.gateway]] with id = \"out\", role = \"egress\", key = \"{public}\""
                ),
            ),
            (
                DialConfig { key: world.revoked_key.clone(), gateway: "old".to_owned(), ..honest.clone() },
                "the key of gateway `old` is revoked".to_owned(),
            ),
            (
                DialConfig { role: Role::Ingress, ..honest.clone() },
                "this key is of an egress gateway, found an ingress; each role has a key of its own".to_owned(),
            ),
            (
                DialConfig { island: "a".to_owned(), ..honest.clone() },
                "this key is of island `mallory`, found `a`; correct `island.id`".to_owned(),
            ),
            (
                DialConfig { gateway: "a-egress-1".to_owned(), ..honest.clone() },
                "this key is of gateway `out`, found `a-egress-1`; correct `island.gateway`".to_owned(),
            ),
            (DialConfig { role: Role::Hub, ..honest.clone() }, "a hub does not link to a hub".to_owned()),
            (
                DialConfig { hubs: elsewhere, ..honest.clone() },
                format!("the hub does not have the key that is pinned for it ({public})"),
            ),
        ];
        for (config, words) in wrong {
            let why = refused(&shard, &config).await;
            assert!(why.ends_with(&words), "found {why:?}, wanted {words:?}");
        }
    });
    assert!(world.links() <= before, "no link has come about");
    beside.nobody_noticed();
}

/// Passes one connection on to the hub; what the dialler sent, once it is over.
fn overhear(world: &World, listener: &TcpListener) -> Vec<u8> {
    let (mut near, _) = listener.accept().unwrap();
    let mut far = TcpStream::connect(world.hub).unwrap();
    let (mut back, mut answers) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(len @ 1..) = near.read(&mut piece) {
        heard.extend_from_slice(&piece[..len]);
        if far.write_all(&piece[..len]).is_err() {
            break;
        }
    }
    let _ = far.shutdown(std::net::Shutdown::Both);
    heard
}

#[test]
fn a_recorded_handshake_opens_nothing_and_ends_nothing() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    let heard = world
        .place()
        .inside(|| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            std::thread::scope(|scope| {
                let dialler = scope.spawn(move || {
                    shard::runtime().unwrap().block_on(async {
                        let shard = shard::Shard::on_this_thread(0);
                        let mut config = world.gateway(Role::Egress);
                        config.hubs[0].url = format!("http://{address}");
                        let link = Scripted::link(&shard, &config).await.unwrap();
                        until("the link is there", SOON, || (world.connected() == 1).then_some(())).unwrap();
                        drop(link);
                    });
                });
                let heard = overhear(world, &listener);
                dialler.join().unwrap();
                heard
            })
        })
        .unwrap();
    assert!(heard.len() > 300, "{} bytes were overheard", heard.len());
    until("the link has lost its connection", SOON, || (world.connected() == 0).then_some(())).unwrap();
    let before = world.links();
    world
        .place()
        .inside(|| {
            for _ in 0..20 {
                let mut replay = TcpStream::connect(world.hub).unwrap();
                replay.set_read_timeout(Some(SOON)).unwrap();
                replay.write_all(&heard).unwrap();
                // The upgrade, one answer of the handshake, and the end: its keys are others, so its "go" is none.
                let mut answer = Vec::new();
                let _ = replay.read_to_end(&mut answer);
                assert!(answer.starts_with(b"HTTP/1.1 101"), "{:?}", String::from_utf8_lossy(&answer));
            }
        })
        .unwrap();
    assert_eq!(world.connected(), 0, "nothing was resumed");
    assert!(world.links() <= before, "no link has come about");
    beside.nobody_noticed();
}

#[test]
fn what_is_no_link_gets_an_answer_in_http_or_none() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(500));
    let wrong_frame = [
        &b"GET /highway/link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
           Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"[..],
        &[0x82, 0x84, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
    ]
    .concat();
    let asked: [(&[u8], &str); 6] = [
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 404"),
        (b"GET /highway/link HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 426"),
        (long.as_bytes(), "HTTP/1.1 431"),
        (many.as_bytes(), "HTTP/1.1 431"),
        (b"\xda\xbb\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\r\n\r\n", "HTTP/1.1 400"),
        (&wrong_frame, "HTTP/1.1 101"),
    ];
    world
        .place()
        .inside(|| {
            for (bytes, wanted) in asked {
                let mut stream = TcpStream::connect(world.hub).unwrap();
                stream.set_read_timeout(Some(SOON)).unwrap();
                let _ = stream.write_all(bytes);
                let mut answer = Vec::new();
                // Until the hub closes: a reset, where it did not read all, is an end too.
                let _ = stream.read_to_end(&mut answer);
                let answer = String::from_utf8_lossy(&answer);
                assert!(answer.starts_with(wanted), "found {answer:?}, wanted {wanted}");
            }
        })
        .unwrap();
    beside.nobody_noticed();
}

/// Reads until the hub says why it ends the link.
pub async fn last_words(link: &mut Scripted) -> String {
    let read = async {
        loop {
            let (kind, _, payload) = link.next().await.expect("the hub ends the link without a word");
            if kind == RecordType::GoAway {
                return String::from_utf8_lossy(&payload[9..]).into_owned();
            }
        }
    };
    tokio::time::timeout(SOON, read).await.expect("the hub keeps the link")
}
