//! A listed gateway that breaks the rules of a link, lies about its calls, and offers more than anybody could.

use std::time::Duration;

use lab::peer::GREETING;
use lab::process::until;
use tunnel::Role;
use tunnel::scripted::Scripted;
use wire::dubbo::frame::Codec;
use wire::dubbo::request::Request;
use wire::tunnel::catalogue::{Entry, Origin, ServiceKey, Update};
use wire::tunnel::hello::feature;
use wire::tunnel::record::{self, SEGMENT_LEN};
use wire::tunnel::{Beside, End, Failure, Head, Kind, Outcome, Packed, RecordType, ReplyHead, Said};

use crate::world::{MALLORY, SINK, World, beside_a_healthy_caller};
use crate::{SOON, last_words};

fn one(kind: RecordType, end: End, exchange: u64, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    record::push(&mut out, kind, end, exchange, parts);
    out
}

fn head(method: &str, body_len: usize) -> Vec<u8> {
    head_to("b", method, body_len)
}

fn head_to(destination: &str, method: &str, body_len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let head = Head {
        protocol: Head::DUBBO,
        serialization: 2,
        remaining_ms: 10_000,
        body_len: body_len as u32,
        destination,
        service: GREETING,
        method,
        ..Head::default()
    };
    head.encode_into(&mut out).unwrap();
    out
}

/// The id of a gateway's exchange in this slot.
fn id(slot: u64) -> u64 {
    1 << 25 | slot << 1
}

/// A link that is alive still answers.
async fn stays(link: &mut Scripted) {
    link.send(&one(RecordType::Ping, End::No, 0, &[&7u64.to_be_bytes()])).await.unwrap();
    let answered = async {
        loop {
            let (kind, _, payload) = link.next().await.expect("the hub has ended the link");
            if kind == RecordType::Pong {
                return assert_eq!(payload, 7u64.to_be_bytes());
            }
        }
    };
    tokio::time::timeout(SOON, answered).await.expect("the hub does not answer");
}

#[test]
fn a_record_that_breaks_a_rule_ends_its_link_with_the_reason() {
    let beside = beside_a_healthy_caller();
    let world: &World = beside.world;
    let open = head("sayHello", 0);
    let mut unknown = one(RecordType::Notice, End::No, 0, &[b"{}"]);
    unknown[0] = 200;
    let mut reserved = one(RecordType::Notice, End::No, 0, &[b"{}"]);
    reserved[2] = 1;
    let mut endless = one(RecordType::Data, End::No, id(0), &[]);
    endless[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    let twice =
        [one(RecordType::Open, End::No, id(0), &[&open]), one(RecordType::Open, End::No, id(0), &[&open])].concat();
    let cases: [(&str, Vec<u8>); 10] = [
        ("record of unknown type 200, which is not marked as optional", unknown),
        (
            "record with flags 0x00 and model 0x0100, wanted known flags, and a model below 128 with one of its two flags alone",
            reserved,
        ),
        ("record payload of 4294967295 bytes is over the limit of 81920 bytes", endless),
        ("exchange id 0x3 is not one that this end may use here", one(RecordType::Open, End::Yes, 3, &[&open])),
        ("exchange id 0x2000000 is not one that this end may use here", twice),
        (
            "exchange slot 300000 is over the limit of 262144 exchanges at once",
            one(RecordType::Open, End::Yes, id(300_000), &[&open]),
        ),
        (
            "Open record of exchange 0x2000000 that cannot be read: head of 2 bytes, wanted 36",
            one(RecordType::Open, End::Yes, id(0), &[&[0, 0]]),
        ),
        (
            "credit for more bytes than the window has",
            one(RecordType::Credit, End::No, 0, &[&5_000_000u32.to_be_bytes()]),
        ),
        ("99 records acknowledged of 0 written", one(RecordType::Ack, End::No, 0, &[&99u64.to_be_bytes()])),
        (
            "catalogue update that cannot be read: expected ident at line 1 column 2",
            one(RecordType::Catalogue, End::No, 0, &[b"nonsense"]),
        ),
    ];
    world.hostile(|shard| async move {
        for (words, bytes) in cases {
            let mut link = world.link(&shard, Role::Egress).await;
            link.send(&bytes).await.unwrap();
            assert_eq!(last_words(&mut link).await, words);
        }
    });
    beside.nobody_noticed();
}

#[test]
fn a_call_that_is_said_by_a_model_in_a_way_that_cannot_be_ends_its_link() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    let call = [head("sayHello", 0), vec![0; 100]].concat();
    let said = |said, number: u64, payload: &[u8]| {
        let mut bytes = one(RecordType::Open, End::Yes, id(number), &[payload]);
        record::mark(&mut bytes, said);
        bytes
    };
    let too_much = [said(Said::AsModel(5), 0, &call), said(Said::Like(5), 1, &[0xff; 60])].concat();
    let cases = [
        (0, "record that is said by models, which this link did not agree on", said(Said::AsModel(5), 0, &call)),
        (feature::MODELS, "record that is said to be like model 5, which was not kept", said(Said::Like(5), 0, &call)),
        (feature::MODELS, "record that takes 65535 and 65535 bytes of a model with 84 and 100", too_much),
        (
            feature::MODELS,
            "record of 2 bytes that cannot be a model: its head or its frame is too short or too long for one",
            said(Said::AsModel(5), 0, &[0, 0]),
        ),
    ];
    world.hostile(|shard| async move {
        for (features, words, bytes) in cases {
            let mut link = world.link_with(&shard, Role::Egress, features).await;
            link.send(&bytes).await.unwrap();
            assert_eq!(last_words(&mut link).await, words);
        }
    });
    beside.nobody_noticed();
}

#[test]
fn a_call_that_is_packed_in_a_way_that_cannot_be_ends_its_link() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    let call = [head("sayHello", 0), vec![0; 100]].concat();
    let whole = one(RecordType::Open, End::Yes, id(0), &[&call]);
    let packed = |said, payload: &[u8]| {
        let mut bytes = one(RecordType::Open, End::Yes, id(1), &[payload]);
        record::mark(&mut bytes, said);
        record::mark_packed(&mut bytes);
        bytes
    };
    let of = |dictionary, beside, len, rest: &[u8]| {
        [&Packed::head(dictionary, beside, 36, len)[..], &call[..36], rest].concat()
    };
    let like = |len| packed(Said::Like(5), &of(1, Beside::Model, len, b"garbage"));
    let mut model = whole;
    record::mark(&mut model, Said::AsModel(5));
    // A frame of zstd that is sound, without a dictionary: a block of one letter, 65 536 times; and ten of them.
    let bomb = |blocks: usize| {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
        for block in 1..=blocks {
            let is_last = u32::from(block == blocks);
            frame.extend(&(65_536 << 3 | 1 << 1 | is_last).to_le_bytes()[..3]);
            frame.push(b'a');
        }
        frame
    };
    let plain = |len, rest: &[u8]| packed(Said::Whole, &of(1, Beside::Dictionary, len, rest));
    let cases = [
        (feature::MODELS, "packed record, which this link did not agree on", plain(200, &[])),
        (
            feature::KNOWN,
            "packed record of 5 bytes that says too little of what it packs",
            packed(Said::Whole, &[0; 5]),
        ),
        (
            feature::KNOWN,
            "packed record that says it is 4294967295 bytes long, wanted 36 to 81920",
            plain(u32::MAX as usize, b"garbage"),
        ),
        (
            feature::KNOWN,
            "record that is packed by dictionary 9, wanted 1",
            packed(Said::Whole, &of(9, Beside::Dictionary, 200, b"garbage")),
        ),
        (
            feature::KNOWN,
            "record that is packed beside a model, and is not like one that was kept",
            packed(Said::Whole, &of(1, Beside::Model, 200, b"garbage")),
        ),
        (feature::KNOWN, "record that is packed beside a model, and is not like one that was kept", like(200)),
        (feature::KNOWN, "packed record whose bytes do not come to the 200 that it says", [model, like(200)].concat()),
        (feature::KNOWN, "packed record whose bytes do not come to the 200 that it says", plain(200, b"garbage")),
        (feature::KNOWN, "packed record whose bytes do not come to the 200 that it says", plain(200, &bomb(1))),
        (feature::KNOWN, "packed record whose bytes do not come to the 81920 that it says", plain(81_920, &bomb(10))),
    ];
    world.hostile(|shard| async move {
        for (features, words, bytes) in cases {
            let mut link = world.link_with(&shard, Role::Egress, features).await;
            link.send(&bytes).await.unwrap();
            assert_eq!(last_words(&mut link).await, words);
        }
    });
    beside.nobody_noticed();
}

/// Until the hub opens an exchange.
async fn opened(link: &mut Scripted) {
    while link.next().await.expect("the hub has ended the link").0 != RecordType::Open {}
}

#[test]
fn a_body_that_outruns_its_credit_ends_the_link_it_comes_on() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    world.hostile(|shard| async move {
        // A provider's island that gives no credit: what goes there stops, and so does the credit for more of it.
        let mut sink = world.sink(&shard).await;
        let entry = Entry {
            key: ServiceKey { interface: GREETING.to_owned(), ..ServiceKey::default() },
            healthy: true,
            ..Entry::default()
        };
        let origin = Origin { island: SINK.to_owned(), gateway: "in".to_owned(), start: 1 };
        let update = Update { origin, revision: 1, base: 0, added: vec![entry], removed: Vec::new(), complete: true };
        tell(&mut sink, update.encode().unwrap().parts.into_iter()).await;
        until("the hub has heard it", SOON, || (world.offers(SINK) == 1).then_some(())).unwrap();
        let mut link = world.link(&shard, Role::Egress).await;
        let piece = vec![0; SEGMENT_LEN];
        let open = head_to(SINK, "sayHello", 1 << 30);
        let mut exchange = 0;
        for slot in 0.. {
            exchange = id(slot);
            link.send(&one(RecordType::Open, End::No, exchange, &[&open, &piece])).await.unwrap();
            // Refused until the hub has taken over what it has heard.
            if tokio::time::timeout(Duration::from_millis(200), opened(&mut sink)).await.is_ok() {
                break;
            }
        }
        for _ in 0..100 {
            link.send(&one(RecordType::Data, End::No, exchange, &[&piece])).await.unwrap();
        }
        let words = last_words(&mut link).await;
        let left = words.strip_prefix("65536 bytes arrived where credit was left for ").expect(&words);
        assert!(left.parse::<usize>().unwrap() < SEGMENT_LEN, "{words}");
    });
    beside.nobody_noticed();
}

#[test]
fn what_is_said_of_exchanges_of_others_is_heard_by_nobody() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    world.hostile(|shard| async move {
        let mut link = world.link(&shard, Role::Ingress).await;
        let failure = Failure::new(wire::tunnel::Stage::Pick, Kind::NotOffered, Outcome::NotSent, "a lie");
        let reply = ReplyHead { body_len: 5, provider_us: 1 }.encode();
        let (mut lie, mut said) = (Vec::new(), Vec::new());
        failure.encode_into(&mut lie);
        // Every id that the hub may have given to the honest ingress, and many more: they are of another link.
        for slot in 0..64 {
            for generation in 1..64u64 {
                let theirs = generation << 25 | slot << 1 | 1;
                said.extend(one(RecordType::Failure, End::Yes, theirs, &[&lie]));
                said.extend(one(RecordType::Reply, End::Yes, theirs, &[&reply, b"a lie"]));
                said.extend(one(RecordType::Data, End::Yes, theirs ^ 1, &[b"a lie"]));
                said.extend(one(RecordType::Cancel, End::Yes, theirs ^ 1, &[]));
            }
        }
        link.send(&said).await.unwrap();
        stays(&mut link).await;
    });
    beside.nobody_noticed();
}

#[test]
fn a_head_that_contradicts_its_frame_is_refused_counted_and_written_down() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    let mut frame = Vec::new();
    let request = Request {
        codec: Codec::Hessian2,
        service: GREETING,
        version: None,
        group: None,
        method: "dropEverything",
        types: "",
        args: &[],
        attachments: &[],
    };
    request.append(&mut frame, 1);
    let words = "the call's head says method \"sayHello\", its frame \"dropEverything\"; the gateway that sent it is faulty or lies";
    world.hostile(|shard| async move {
        let mut link = world.link(&shard, Role::Egress).await;
        link.send(&one(RecordType::Open, End::Yes, id(0), &[&head("sayHello", frame.len()), &frame])).await.unwrap();
        let failure = loop {
            let (kind, exchange, payload) = tokio::time::timeout(SOON, link.next()).await.unwrap().unwrap();
            if kind == RecordType::Failure {
                assert_eq!(exchange, id(0));
                break Failure::decode(&payload).unwrap();
            }
        };
        assert_eq!((failure.kind, failure.outcome, &*failure.text), (Kind::Forged, Outcome::NotSent, words));
    });
    let line = until("the audit's line", SOON, || world.audit().into_iter().find(|line| line["outcome"] == "forged"));
    let line = line.unwrap();
    assert_eq!((&line["reason"], &line["egress"], &line["to"]), (&words.into(), &"out".into(), &"b".into()));
    until("the count", SOON, || (beside.world.counter("highway_hub_forgeries_total") >= 1.0).then_some(())).unwrap();
    beside.nobody_noticed();
}

/// Sends parts of a catalogue within the credit that the hub gives.
async fn tell(link: &mut Scripted, parts: impl Iterator<Item = Vec<u8>>) {
    let mut under_way = 0;
    for part in parts {
        let bytes = one(RecordType::Catalogue, End::No, 0, &[&part]);
        under_way += bytes.len();
        link.send(&bytes).await.unwrap();
        while under_way > 3 * 1024 * 1024 {
            let (kind, exchange, payload) = tokio::time::timeout(SOON, link.next()).await.unwrap().unwrap();
            if kind == RecordType::Credit && exchange == 0 {
                under_way -= u32::from_be_bytes(payload[..4].try_into().unwrap()) as usize;
            }
        }
    }
}

#[test]
fn of_a_million_services_the_hub_keeps_what_fits() {
    let beside = beside_a_healthy_caller();
    let world = beside.world;
    let part = |revision: u64, first: usize, count: usize, name_len: usize, complete: bool| {
        let entry = |number: usize| Entry {
            key: ServiceKey { interface: format!("com.example.{number:0>name_len$}"), ..ServiceKey::default() },
            healthy: true,
            ..Entry::default()
        };
        let origin = Origin { island: "a".to_owned(), gateway: "a lie".to_owned(), start: 1 };
        let added = (first..first + count).map(entry).collect();
        let update = Update { origin, revision, base: 0, added, removed: Vec::new(), complete };
        update.encode().unwrap().parts.remove(0)
    };
    world.hostile(|shard| async move {
        let mut link = world.link(&shard, Role::Ingress).await;
        tell(&mut link, (0..2000).map(|at| part(1, at * 500, 500, 1, at == 1999))).await;
        until("the hub has heard it", SOON, || (world.offers(MALLORY) > 0).then_some(())).unwrap();
        let kept = world.offers(MALLORY);
        assert!((10_000..100_000).contains(&kept), "the hub keeps {kept} of a million services");
        stays(&mut link).await;
        // Names of sixty thousand letters, one a record.
        tell(&mut link, (0..500).map(|at| part(2, at, 1, 60_000, at == 499))).await;
        until("the hub has heard it", SOON, || (world.offers(MALLORY) < 1000).then_some(())).unwrap();
        assert!(world.offers(MALLORY) > 100, "{} services", world.offers(MALLORY));
        stays(&mut link).await;
    });
    // What it says of its origin is not believed.
    let status = world.line.hub.status().unwrap();
    let offers = status["hub"]["offers"].as_array().unwrap();
    assert!(offers.iter().all(|offer| offer["gateway"] != "a lie"), "{offers:?}");
    assert!(offers.iter().any(|offer| offer["island"] == MALLORY));
    beside.nobody_noticed();
}
