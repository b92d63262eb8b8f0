//! What choosing an island costs at a thousand rules and ten thousand services: deciding anew, and a call of a kind that was
//! decided before.
//!
//! It runs the decision itself, without sockets and on one core. A gateway's own share of a kept plan is the same: the key of the
//! call, of which what rules look at is measured here, one look-up and the pick among shares.

use anyhow::Result;
use route::rules::{Rules, parse};
use route::{
    BesideLocal, Call, Choice, Health, ImportRule, Imports, Known, Offer, Plan, Snapshot, Verdict, View, decide,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use wire::tunnel::catalogue::ServiceKey;

const SERVICES: usize = 10_000;
const RULES: usize = 1_000;
/// Of them, those that are found by a pattern and not by their service.
const PATTERNS: usize = 50;
const ROUNDS: usize = 20;
const MEASURED: Duration = Duration::from_millis(50);

/// Measures and prints.
///
/// # Errors
/// When the rules that are made up here are not taken.
pub fn run() -> Result<()> {
    let (snapshot, services) = world()?;
    let texts: BTreeMap<String, String> =
        [("env".to_owned(), "blue".to_owned()), ("user".to_owned(), "bo".to_owned())].into();
    let call = |number: usize| Call {
        service: Some(&services[number % SERVICES]),
        method: "placeOrder",
        application: Some("shop-web"),
        attachments: &texts,
        ..Call::default()
    };
    // A prime step: each look at another service than the last, none in the order in which they were put in.
    let anew = nanoseconds(|turn| black_box(decide(&call(turn * 7919), &snapshot)).is_ok());
    let mut key = Vec::new();
    let mut kept: FxHashMap<Box<[u8]>, Plan> = FxHashMap::default();
    let put_key = |number: usize, key: &mut Vec<u8>| {
        key.clear();
        key.extend_from_slice(services[number % SERVICES].interface.as_bytes());
        snapshot.rules().reads().put_key(&texts, &(), None, key);
    };
    for number in 0..SERVICES {
        if let Ok(plan) = decide(&call(number), &snapshot) {
            put_key(number, &mut key);
            kept.insert(key.as_slice().into(), plan);
        }
    }
    let again = nanoseconds(|turn| {
        put_key(turn * 7919, &mut key);
        let to = kept.get(key.as_slice()).map(|plan| match &plan.choice {
            Choice::One(target) => target,
            Choice::Split(split) => split.pick(Some(b"bo"), 0),
            Choice::Ordered(targets) => &targets[0],
        });
        black_box(to).is_some()
    });
    println!("choosing at {RULES} rules ({PATTERNS} of them by pattern) and {SERVICES} services, one core:");
    println!("  decided before  {again:6.0} ns a call");
    println!("  decided anew    {anew:6.0} ns a kind of call");
    Ok(())
}

/// Nanoseconds of one turn in the fastest of some rounds: what else runs on the machine only ever adds.
fn nanoseconds(mut turn: impl FnMut(usize) -> bool) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let (began, mut turns, mut done) = (Instant::now(), 0, 0);
        while began.elapsed() < MEASURED {
            for _ in 0..256 {
                done += usize::from(turn(turns));
                turns += 1;
            }
        }
        assert_eq!(done, turns, "every call is decided");
        began.elapsed().as_nanos() as f64 / turns as f64
    });
    rounds.fold(f64::INFINITY, f64::min)
}

fn world() -> Result<(Snapshot, Vec<ServiceKey>)> {
    let service = |at| ServiceKey { interface: format!("com.acme.shop.orders.Service{at}"), ..ServiceKey::default() };
    let services: Vec<ServiceKey> = (0..SERVICES).map(service).collect();
    let mut text = "rules:\n".to_owned();
    for at in 0..RULES {
        let (about, act) = match at % (RULES / PATTERNS) {
            0 => (format!("com.acme.shop.o*.Service{at}x*"), "island: beijing"),
            1 => (format!("com.acme.shop.orders.Service{at}"), "failover: [shanghai, beijing]"),
            _ => (
                format!("com.acme.shop.orders.Service{at}"),
                "split: { to: { shanghai: 90, beijing: 10 }, sticky: { attachment: user } }",
            ),
        };
        let gray = if at % 4 == 2 { ", attachments: { env: 'gray*' }" } else { "" };
        writeln!(
            text,
            "- {{ name: r{at}, match: {{ service: '{about}', methods: ['get*', placeOrder]{gray} }}, act: {{ {act} }} }}"
        )?;
    }
    writeln!(text, "- {{ name: all, priority: -1, act: {{ island: shanghai }} }}")?;
    let rules = Rules::new([Arc::new(parse("shop", &text)?)], SystemTime::UNIX_EPOCH)?;
    let all = ImportRule {
        island: "*".parse()?,
        service: "com.acme.*".parse()?,
        verdict: Verdict::Import,
        beside_local: BesideLocal::Never,
        idempotent: Vec::new(),
    };
    let offers = services.iter().flat_map(|service| {
        let offer = |island: &str| Offer { island: island.into(), health: Health::Healthy };
        ["shanghai", "beijing"].map(|island| (service.clone().into(), offer(island)))
    });
    let known = Known {
        own_island: "cloud".into(),
        view: View::Complete,
        imports: Imports::new(vec![all]),
        offers: offers.collect(),
        rules: Arc::new(rules),
        ..Known::default()
    };
    Ok((Snapshot::new(1, known), services))
}
