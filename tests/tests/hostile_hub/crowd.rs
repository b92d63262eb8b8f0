//! Too many of everything: connections that say nothing, streams, pings, refused calls, and peers that never read.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lab::process::until;
use tunnel::Role;
use wire::tunnel::record;
use wire::tunnel::{End, Head, RecordType};

use crate::SOON;
use crate::world::beside_a_healthy_caller;

/// What one source address may have that is no link yet.
const OF_ONE_SOURCE: usize = 256;

#[test]
fn thousands_of_connections_that_say_nothing_get_a_share_and_a_time() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    world
        .place()
        .inside(|| {
            let mut crowd: Vec<TcpStream> = Vec::new();
            for number in 0..3000 {
                let mut one = TcpStream::connect(world.hub).unwrap();
                one.set_nonblocking(true).unwrap();
                if number % 2 == 0 {
                    let _ = one.write(b"GET /highway/li");
                }
                crowd.push(one);
            }
            let open = |crowd: &mut Vec<TcpStream>| {
                crowd.retain(|one| {
                    let mut stream: &TcpStream = one;
                    let read = stream.read(&mut [0; 100]);
                    // A trickle, a letter at a time.
                    let _ = stream.write(b"x");
                    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
                });
                crowd.len()
            };
            until("only its share is left", SOON, || (open(&mut crowd) <= OF_ONE_SOURCE).then_some(())).unwrap();
            let limit = Duration::from_secs(25);
            until("nobody is left", limit, || (open(&mut crowd) == 0).then_some(())).unwrap();
        })
        .unwrap();
    beside.nobody_noticed();
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An HTTP/2 frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Sends until the hub ends the connection; what it said.
fn abuse(stream: &mut TcpStream, piece: &[u8], times: usize) -> Vec<u8> {
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let _ = stream.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat());
    for _ in 0..times {
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    said
}

#[test]
fn http2_that_opens_and_resets_without_end_is_ended() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    world
        .place()
        .inside(|| {
            let dial = || TcpStream::connect(world.hub).unwrap();
            // :method GET, :scheme http, :path / from the static table (RFC 7541, appendix A), then RST_STREAM with CANCEL.
            let resets: Vec<u8> = (0..5000u32)
                .flat_map(|number| {
                    let stream = number * 2 + 1;
                    [frame(1, 5, stream, &[0x82, 0x86, 0x84]), frame(3, 0, stream, &8u32.to_be_bytes())].concat()
                })
                .collect();
            let said = abuse(&mut dial(), &resets, 1);
            // GOAWAY with ENHANCE_YOUR_CALM (11).
            assert!(said.windows(4).any(|code| code == 11u32.to_be_bytes()), "{} bytes without a reason", said.len());
            // Settings and pings by the hundred thousand, whose answers nobody reads; headers that never end.
            abuse(&mut dial(), &frame(4, 0, 0, &[]).repeat(10_000), 20);
            abuse(&mut dial(), &frame(6, 0, 0, &[0; 8]).repeat(10_000), 20);
            let endless = [frame(1, 1, 1, &[0x82, 0x86, 0x84]), frame(9, 0, 1, &[0; 16_000]).repeat(100)].concat();
            abuse(&mut dial(), &endless, 10);
            // Streams that stay open and send, all on one connection.
            let streams: Vec<u8> = (0..1000u32)
                .flat_map(|number| {
                    let path = [&[0x83, 0x86, 0x04, 13][..], b"/highway/link"].concat();
                    [frame(1, 4, number * 2 + 1, &path), frame(0, 0, number * 2 + 1, &[0xff; 1000])].concat()
                })
                .collect();
            abuse(&mut dial(), &streams, 1);
        })
        .unwrap();
    beside.nobody_noticed();
}

#[test]
fn a_gateway_that_pings_without_end_and_never_reads_costs_little() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    world.hostile(|shard| async move {
        let mut link = world.link(&shard, Role::Egress).await;
        let mut pings = Vec::new();
        for stamp in 0..10_000u64 {
            record::push(&mut pings, RecordType::Ping, End::No, 0, &[&stamp.to_be_bytes()]);
        }
        for _ in 0..30 {
            link.send(&pings).await.unwrap();
        }
        // Calls that the hub refuses: each answer is longer than its question, and nobody takes one.
        let mut head = Vec::new();
        let call = Head {
            remaining_ms: 10_000,
            destination: "b",
            service: "org.secret.Service",
            method: "m",
            ..Head::default()
        };
        call.encode_into(&mut head).unwrap();
        let ended = async {
            for generation in 1.. {
                let mut calls = Vec::new();
                for slot in 0..100u64 {
                    record::push(&mut calls, RecordType::Open, End::Yes, generation << 25 | slot << 1, &[&head]);
                }
                if link.send(&calls).await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(SOON * 2, ended).await.expect("the hub keeps a peer that takes nothing");
    });
    let lines = world.audit().into_iter().filter(|line| line["outcome"] == "refused").count();
    assert!(lines < 10_000, "{lines} lines in the audit");
    beside.nobody_noticed();
}
