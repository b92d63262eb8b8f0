//! Who is asked, and who is told to come again.

use std::rc::Weak;

use client::{Answer, Answers, Endpoint, Lost, Offer, PoolConfig};
use shard::{Budget, Shard};
use wire::dubbo::frame::{Codec, Header};
use wire::dubbo::request::Request;
use wire::tunnel::catalogue::ServiceKey;

use super::*;
use crate::export::{Action, ExportPolicy, ExportRule, Terms};
use crate::listed::{Listed, StaticProvider};
use crate::offers::exports;
use crate::verify::verify;

struct Nobody;

impl Answers for Nobody {
    fn answer(&self, _: u64, _: Answer<'_>) {}
    fn lost(&self, _: u64, _: Lost) {}
}

const HESSIAN2: u8 = 2;

fn on_a_shard(test: impl FnOnce(&Pool, &Picker)) {
    shard::runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        test(&Pool::new(&shard, PoolConfig::default(), Budget::new(1), Weak::<Nobody>::new()), &Picker::new());
    });
}

fn frame(service: &str) -> Vec<u8> {
    let request = Request {
        codec: Codec::Hessian2,
        service,
        version: None,
        group: None,
        method: "hello",
        types: "",
        args: &[],
        attachments: &[],
    };
    let mut frame = Vec::new();
    request.append(&mut frame, 1);
    frame
}

/// What becomes of a call without arguments.
fn ask(picker: &Picker, pool: &Pool, service: &str) -> Decision {
    let frame = frame(service);
    let body_len = frame.len() as u32;
    let names = Head { service, method: "hello", ..Head::default() };
    let head = Head { protocol: Head::DUBBO, serialization: HESSIAN2, body_len, ..names };
    picker.decide(pool, &head, &verify(&head, &frame).unwrap())
}

fn ask_unread(picker: &Picker, pool: &Pool) -> Decision {
    let serialization = Serialization::new(3);
    let header = Header::request(serialization, 1, 0);
    let verified = Verified { header, frame: &[], peeked: Peeked::Opaque(serialization) };
    picker.decide(pool, &Head { serialization: 3, ..Head::default() }, &verified)
}

/// Exports `com.acme.Open` at one provider, opaque calls included.
fn open(pool: &Pool, picker: &Picker) {
    let terms = Terms { opaque: true, ..Terms::default() };
    let rule =
        ExportRule { service: "com.acme.Open".parse().unwrap(), application: None, action: Action::Allow, terms };
    let provider = StaticProvider {
        key: ServiceKey { interface: "com.acme.Open".into(), ..ServiceKey::default() },
        offer: Offer::new(Endpoint::new("127.0.0.1", 9), "com.acme.Open"),
        timeout: None,
        application: String::new(),
    };
    let policy = ExportPolicy { rules: vec![rule] };
    let listed = Listed {
        policy: &policy,
        statics: &[provider],
        registries: &[],
        tls: client::TlsWith::Marked,
        down: &std::collections::BTreeSet::new(),
    };
    let exports = Arc::new(exports("in-1", listed));
    pool.update(exports.providers.clone());
    picker.export(exports);
}

#[track_caller]
fn refused(decision: Decision) -> Failure {
    let Err(failure) = decision else { panic!("it was let through") };
    assert_eq!((failure.stage, failure.outcome), (Stage::Pick, Outcome::NotSent));
    (*failure).clone()
}

#[test]
fn a_caller_that_makes_up_services_cannot_fill_the_memory() {
    on_a_shard(|pool, picker| {
        picker.know_all();
        for number in 0..2 * REMEMBERED {
            let refusal = refused(ask(picker, pool, &format!("com.acme.Made{number}")));
            assert_eq!(refusal.kind, Kind::NotOffered);
            assert!(picker.known.borrow().len() <= REMEMBERED);
        }
        assert!(picker.known.borrow().len() > 1, "and it remembers at all");
    });
}

#[test]
fn a_decision_on_a_very_long_name_is_not_remembered() {
    on_a_shard(|pool, picker| {
        picker.know_all();
        refused(ask(picker, pool, &"a".repeat(KEY_LEN + 1)));
        assert_eq!(picker.known.borrow().len(), 0);
        refused(ask(picker, pool, &"a".repeat(KEY_LEN / 4)));
        assert_eq!(picker.known.borrow().len(), 1);
    });
}

#[test]
fn what_is_not_known_may_come_again_until_the_registries_were_read() {
    on_a_shard(|pool, picker| {
        open(pool, picker);
        for _ in 0..2 {
            let early = refused(ask(picker, pool, "com.acme.Late"));
            assert_eq!(early.kind, Kind::NoLink);
            assert!(early.text.contains("has just started and is reading its registry"), "{}", early.text);
        }
        assert!(ask(picker, pool, "com.acme.Open").is_ok(), "what is known is called");
        picker.know_all();
        assert_eq!(refused(ask(picker, pool, "com.acme.Late")).kind, Kind::NotOffered);
    });
}

#[test]
fn an_opaque_call_waits_until_it_is_known_what_its_provider_offers() {
    on_a_shard(|pool, picker| {
        open(pool, picker);
        assert_eq!(refused(ask_unread(picker, pool)).kind, Kind::NoLink);
        picker.know_all();
        assert_eq!(&*ask_unread(picker, pool).ok().unwrap().service, OPAQUE_KEY);
        picker.export(Arc::default());
        assert_eq!(refused(ask_unread(picker, pool)).kind, Kind::NotGranted);
    });
}

/// The first eight bytes are a constant of rustc-hash: whatever its seed, it has one hash for all of these.
#[test]
fn keys_that_were_made_to_collide_do_not() {
    use std::hash::BuildHasher;
    let key = |number: u64| [0x243f_6a88_85a3_08d3_u64, number, 0, 0].map(u64::to_le_bytes).concat();
    let (one, other) = (Picker::new(), Picker::new());
    let hash = |picker: &Picker, number| picker.known.borrow().hasher().hash_one(key(number));
    let hashes: std::collections::HashSet<u64> = (0..1000).map(|number| hash(&one, number)).collect();
    assert_eq!(hashes.len(), 1000);
    assert_ne!(hash(&one, 0), hash(&other, 0), "a seed of its own");
}
