//! Rubbish by the thousand: the memory of every program stays bounded, and what is answered is answered once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lab::process::until;
use rustix::net::sockopt::{set_socket_linger, set_socket_recv_buffer_size};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wire::dubbo::frame::{Codec, Header, Serialization, Status, put_heartbeat_request};

use crate::scripted::Script;
use crate::talker::{Talker, Told, call, call_in, hello, one_way};
use crate::world::{World, beside_a_healthy_caller};

const PATIENCE: Duration = Duration::from_secs(30);
/// Of each connection: more than its sockets hold.
const HEARTBEATS: i64 = 300_000;
/// Bodies that are too slow while room is short are given up well within this.
const GIVING_UP: Duration = Duration::from_secs(6);

fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}

fn connections(world: &World) -> u64 {
    gauge(world, "highway_egress_connections")
}

/// A number of the egress gateway's, of all its shards.
fn gauge(world: &World, name: &str) -> u64 {
    let page = world.line.island("a").egress().metrics().unwrap();
    let lines = page.lines().filter_map(|line| line.strip_prefix(name));
    lines.filter_map(|rest| rest.split_whitespace().last()?.parse::<u64>().ok()).sum()
}

/// Writes until the peer takes no more, or all is written; how much.
fn pour(peer: &mut Talker, bytes: &[u8]) -> usize {
    peer.0.set_nonblocking(true).unwrap();
    let (mut at, mut last) = (0, Instant::now());
    while at < bytes.len() && last.elapsed() < Duration::from_millis(200) {
        match peer.0.write(&bytes[at..]) {
            Ok(written) => {
                at += written;
                last = Instant::now();
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(5))
            }
            Err(_) => break,
        }
    }
    peer.0.set_nonblocking(false).unwrap();
    at
}

#[test]
fn ten_thousand_silent_connections_are_held_and_the_next_is_served() {
    let beside = beside_a_healthy_caller();
    raise_open_files();
    let before = connections(beside.world);
    let mut silent = beside.world.dial_many(10_000);
    // Some have begun to speak: a byte, half a header, a header.
    let header = Header::request(Serialization::HESSIAN2, 1, 100).encode();
    for (peer, begun) in silent.iter_mut().zip([1, 2, 8, 15].into_iter().cycle().take(3000)) {
        peer.send(&header[..begun]);
    }
    until("all are held", PATIENCE, || (connections(beside.world) >= before + 10_000).then_some(())).unwrap();
    let mut next = beside.world.dial();
    next.stays();
    for peer in silent.iter_mut().skip(3000).step_by(1000) {
        peer.stays();
    }
    drop(silent);
    until("none is left", PATIENCE, || (connections(beside.world) <= before + 1).then_some(())).unwrap();
    beside.nobody_noticed();
}

/// Each announces a body and sends a part of it; some go on with a byte now and then.
#[test]
fn thousands_of_bodies_that_never_end_hold_what_they_may_and_are_given_up() {
    let beside = beside_a_healthy_caller();
    raise_open_files();
    let mut peers = beside.world.dial_many(3000);
    for (number, peer) in (0_u32..).zip(&mut peers) {
        // Small ones first, so that there is room for many.
        let body_len = if number < 2000 { 10_000 } else { 8 << 20 };
        let header = Header::request(Serialization::HESSIAN2, i64::from(number), body_len).encode();
        peer.send(&[&header[..], &[0x4e; 4000]].concat());
    }
    let mut trickling: Vec<Talker> = peers[..50].iter().map(|peer| Talker::new(peer.0.try_clone().unwrap())).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let trickle = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            trickling.iter_mut().for_each(|peer| drop(peer.0.write(&[0x4e])));
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    let end = Instant::now() + GIVING_UP;
    for (number, peer) in (0_i64..).zip(&mut peers) {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        peer.0.set_read_timeout(Some(left)).unwrap();
        let end = match peer.try_frame().map(|(header, body)| Told::of(&header, &body)) {
            None => "has time, now that there is room again",
            Some(told) if told.status == Status::OVERLOADED => {
                assert_eq!(told.id, number);
                assert!(told.text.contains(" bytes are held at this egress gateway, at most 25165824 are allowed; call less at once, or raise limits.held (the call was not executed)"), "{}", told.text);
                "refused by its header"
            }
            Some(told) => {
                assert_eq!((told.id, told.status), (number, Status::SERVER_ERROR));
                assert!(told.text.contains(" bytes comes too slowly to wait for it: "), "{}", told.text);
                assert!(told.text.ends_with("; the connection is closed (the call was not executed)"), "{}", told.text);
                peer.closed();
                "given up"
            }
        };
        *ends.entry(end).or_default() += 1;
    }
    println!("{ends:?}");
    assert!(ends["given up"] >= 500 && ends["refused by its header"] >= 900, "{ends:?}");
    stop.store(true, Ordering::Relaxed);
    trickle.join().unwrap();
    beside.world.dial().stays();
    beside.nobody_noticed();
}

#[test]
fn resets_in_the_middle_of_a_frame_leave_nothing_behind() {
    let beside = beside_a_healthy_caller();
    let before = connections(beside.world);
    for (number, mut peer) in beside.world.dial_many(1000).into_iter().enumerate() {
        // A whole call whose answer finds nobody, and a part of another.
        let frame = hello(1, &"x".repeat(500));
        peer.send(&[&frame[..], &frame[..number % frame.len()]].concat());
        set_socket_linger(&peer.0, Some(Duration::ZERO)).unwrap();
    }
    until("none is left", PATIENCE, || (connections(beside.world) <= before).then_some(())).unwrap();
    beside.nobody_noticed();
}

#[test]
fn heartbeats_without_end_are_answered_as_far_as_they_are_read() {
    let beside = beside_a_healthy_caller();
    let mut flood = Vec::new();
    for id in 0..HEARTBEATS {
        put_heartbeat_request(&mut flood, id, Codec::Hessian2);
    }
    let heartbeat_len = flood.len() / HEARTBEATS as usize;
    let mut peers = beside.world.dial_many(8);
    // The less the sockets hold, the more the gateway has to.
    peers.iter().for_each(|peer| set_socket_recv_buffer_size(&peer.0, 256 * 1024).unwrap());
    let poured: Vec<usize> = std::thread::scope(|scope| {
        let flood = &flood;
        let pouring: Vec<_> = peers.iter_mut().map(|peer| scope.spawn(move || pour(peer, flood))).collect();
        pouring.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let mut whole = 0;
    for (peer, poured) in peers.iter_mut().zip(poured) {
        peer.0.shutdown(Shutdown::Write).unwrap_or_default();
        let mut answers = Vec::new();
        // Who is left for not reading has its answers cut; nobody has one twice.
        let _ = peer.0.read_to_end(&mut answers);
        let asked = i64::try_from(poured / heartbeat_len).unwrap();
        for (wanted, answer) in (0..).zip(answers.chunks_exact(heartbeat_len)) {
            let header = Header::decode(answer).unwrap().unwrap();
            assert!(
                header.id == wanted && header.is_event() && wanted < asked,
                "{header:?}, wanted {wanted} of {asked}"
            );
        }
        whole += answers.len() / heartbeat_len;
    }
    println!("{whole} heartbeats were answered");
    assert!(whole > 0);
    beside.world.dial().stays();
    beside.nobody_noticed();
}

#[test]
fn one_way_calls_without_end_are_carried_or_dropped_and_hold_nothing() {
    let beside = beside_a_healthy_caller();
    let sink = beside.world.scripted(Script::Silent);
    let before = sink.frames();
    let flood = one_way(call(1, sink.service(), &"x".repeat(200), &[])).repeat(5_000);
    let mut peers = beside.world.dial_many(4);
    std::thread::scope(|scope| {
        peers.iter_mut().for_each(|peer| {
            let flood = &flood;
            scope.spawn(move || peer.send(flood));
        });
    });
    // Behind its own flood each is still served, and none of the flood is answered.
    peers.iter_mut().for_each(Talker::stays);
    let carried = sink.frames() - before;
    println!("{carried} of 20000 one-way calls were carried");
    assert!((1..=20_000).contains(&carried), "{carried}");
    beside.nobody_noticed();
}

#[test]
fn answers_that_nobody_reads_are_held_as_far_as_there_is_room() {
    let beside = beside_a_healthy_caller();
    let much = beside.world.scripted(Script::Much);
    let before = (connections(beside.world), much.frames());
    let calls: Vec<u8> = (0..6).flat_map(|id| call(id, much.service(), "x", &[("timeout", "20000")])).collect();
    let mut peers = beside.world.dial_many(8);
    peers.iter().for_each(|peer| set_socket_recv_buffer_size(&peer.0, 256 * 1024).unwrap());
    peers.iter_mut().for_each(|peer| peer.send(&calls));
    // Two calls at once are the healthy caller's.
    let settled =
        || (much.frames() >= before.1 + 8 && gauge(beside.world, "highway_egress_in_flight") <= 2).then_some(());
    until("every call has its answer", PATIENCE, settled).unwrap();
    let (mut values, mut words, mut left) = (0, 0, 0);
    for peer in &mut peers {
        let mut ids = BTreeSet::new();
        // Who is left for not reading has its answers cut; nobody has one twice.
        while ids.len() < 6 {
            let Some((header, body)) = peer.try_frame() else {
                left += 1;
                break;
            };
            assert!((0..6).contains(&header.id) && ids.insert(header.id), "answered twice: {header:?}");
            if body.len() > 1 << 20 {
                values += 1;
                continue;
            }
            words += 1;
            let told = Told::of(&header, &body);
            assert_eq!((told.status, told.class), (Status::OK, "java.lang.RuntimeException"), "{told:?}");
            assert!(told.text.ends_with("(the call was executed, only its answer is missing)"), "{told:?}");
            assert!(told.text.contains("no room to hold it") || told.text.contains("does not fit: "), "{told:?}");
        }
    }
    println!("{values} answers, {words} in words, {left} connections left");
    assert!(values > 0, "nobody was answered");
    let mut reader = beside.world.dial();
    reader.send(&call(1, much.service(), "x", &[("timeout", "20000")]));
    assert!(reader.answered(1).len() > 1 << 20);
    reader.stays();
    drop(peers);
    until("none is left", PATIENCE, || (connections(beside.world) <= before.0 + 1).then_some(())).unwrap();
    beside.nobody_noticed();
}

#[test]
fn of_too_many_calls_at_once_each_is_answered_once() {
    let beside = beside_a_healthy_caller();
    let silent = beside.world.scripted(Script::Silent);
    let mut peer = beside.world.dial();
    let calls: Vec<u8> = (0..5000).flat_map(|id| call(id, silent.service(), "x", &[("timeout", "2000")])).collect();
    peer.send(&calls);
    let full = Told::status(
        0,
        Status::OVERLOADED,
        "4096 calls of this connection wait at this egress gateway, at most 4096 are allowed; call less at once, or raise limits.in_flight_per_connection (the call was not executed)",
    );
    let mut answers: BTreeMap<i64, Told> = BTreeMap::new();
    for _ in 0..5000 {
        let told = peer.told();
        assert!(answers.insert(told.id, told).is_none(), "answered twice");
    }
    let refused = answers.values().filter(|told| told.status == Status::OVERLOADED);
    assert_eq!(refused.clone().count(), 904);
    for told in refused {
        assert_eq!(*told, Told { id: told.id, ..full.clone() });
    }
    peer.stays();
    beside.nobody_noticed();
}

/// Decisions are remembered by names, and callers may make up names without end.
#[test]
fn names_that_are_made_up_do_not_fill_any_programs_memory() {
    let beside = beside_a_healthy_caller();
    let echo = beside.world.scripted(Script::Echo).service();
    let mut peers = beside.world.dial_many(2);
    std::thread::scope(|scope| {
        for (number, peer) in peers.iter_mut().enumerate() {
            scope.spawn(move || {
                for round in 0..120 {
                    let long = |what: usize| format!("{number}-{round}-{what}-{}", "n".repeat(3800));
                    let mut asked = Vec::new();
                    for what in 0..25 {
                        let (service, method) = (format!("com.example.{}", long(what)), long(what));
                        asked.extend(call_in(Codec::Hessian2, 1, &service, "hi", "x", &[]));
                        asked.extend(call_in(Codec::Hessian2, 2, echo, &method, "x", &[]));
                    }
                    peer.send(&asked);
                    (0..50).for_each(|_| drop(peer.frame()));
                }
            });
        }
    });
    peers.iter_mut().for_each(Talker::stays);
    beside.nobody_noticed();
}
