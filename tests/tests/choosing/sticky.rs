//! Calls that stay together: equal keys go to one island, whichever line of Dubbo makes the call and whichever gateway it comes through.
//!
//! ```text
//!   island d: a consumer of each line ⇒ egress 1, egress 2 ⇒ b, c
//! ```
//! The machine of d has several addresses here, and both gateways listen on all: who dials an address of its own machine comes from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Result;
use lab::line::Line;
use lab::peer::{Application, Call, Peer};
use lab::process::{together, until};

use super::documents::Documents;
use super::references::names_itself;
use super::stage::{FOLLOWED, OFFERERS, hello, island_in, refer, runtimes, stage, until_answered_by};

/// Further addresses of the machine of d.
const SOURCES: [Ipv4Addr; 6] = [
    Ipv4Addr::new(10, 78, 0, 1),
    Ipv4Addr::new(10, 78, 0, 2),
    Ipv4Addr::new(10, 78, 0, 3),
    Ipv4Addr::new(10, 78, 0, 4),
    Ipv4Addr::new(10, 78, 0, 5),
    Ipv4Addr::new(10, 78, 0, 6),
];
/// Its gateways.
const GATEWAYS: [usize; 2] = [0, 1];
/// Calls with one key in a row.
const CALLS: u32 = 5;
const USERS: usize = 24;
/// From the start of a gateway until it is ready, on a busy machine.
const READY: Duration = Duration::from_secs(30);

/// The reference to this gateway at this address.
fn via(gateway: usize, address: Ipv4Addr) -> String {
    format!("via-{gateway}-at-{address}")
}

/// Consumers in island d, by their release, each with a reference to each gateway at each address.
fn consumers(line: &Line) -> &'static [(String, Peer)] {
    static ALL: OnceLock<Vec<(String, Peer)>> = OnceLock::new();
    ALL.get_or_init(|| start(line).unwrap())
}

fn start(line: &Line) -> Result<Vec<(String, Peer)>> {
    let island = line.island("d");
    let own = island.place().address();
    for address in further(line) {
        island.place().also_at(*address)?;
    }
    let listen: Vec<String> = addresses(line).map(|address| format!("\"{address}\"")).collect();
    for egress in &island.egresses {
        let typed = std::fs::read_to_string(egress.configuration())?;
        let (before, after) = (format!("listen = [\"{own}\"]"), format!("listen = [{}]", listen.join(", ")));
        assert!(typed.contains(&before), "{typed}");
        let all = typed.replace(&before, &format!("{after}\nadvertise = \"{own}\""));
        std::fs::write(egress.configuration(), all)?;
        egress.stop()?;
        egress.start()?;
        egress.ready(READY)?;
    }
    together(runtimes(), |(name, runtime)| {
        let consumer = line.application("d", Application::new(&format!("sticky-{name}"), runtime))?;
        for gateway in GATEWAYS {
            for address in addresses(line) {
                let url = island.egresses[gateway].url_at(address);
                consumer.refer(&refer(&via(gateway, address)).url(url))?;
                let there = hello(&via(gateway, address)).attachment("highway.target", "b");
                until_answered_by(&name, &consumer, &there, "b");
            }
        }
        Ok((name, consumer))
    })
}

/// A machine that all islands share has no further ones.
fn further(line: &Line) -> &'static [Ipv4Addr] {
    if line.island("d").place().namespace().is_some() { &SOURCES } else { &[] }
}

/// All addresses of the machine of d, the usual one first.
fn addresses(line: &Line) -> impl Iterator<Item = Ipv4Addr> {
    std::iter::once(line.island("d").place().address()).chain(further(line).iter().copied())
}

/// A split in halves by this key, which both gateways obey.
fn split<'a>(line: &'a Line, name: &str, sticky: &str) -> Documents<'a> {
    let documents = Documents::named(line, name, super::stage::BOTH).in_island("d");
    documents.act(&format!("split: {{ to: {{ b: 50, c: 50 }}, sticky: {sticky} }}"));
    for egress in &line.island("d").egresses {
        let is_obeyed = || {
            let status = egress.status().ok()?;
            let mut rules = status["egress"]["rules"].as_array()?.iter();
            rules.any(|document| document["name"] == *name && document["rules"] == 1).then_some(())
        };
        until("the gateway obeys the document", FOLLOWED, is_obeyed).unwrap();
    }
    documents
}

/// The islands that answer such calls.
fn islands(consumer: &Peer, call: Call) -> BTreeSet<String> {
    let tally = consumer.many(&call).unwrap();
    assert_eq!(tally.failed, 0, "{:?}", tally.errors);
    tally.results.keys().map(|text| island_in(text)).collect()
}

/// Where calls with each key went, who asked and through which gateway.
#[derive(Default)]
struct Places(BTreeMap<String, String>);

impl Places {
    /// All calls of one key went to one island, and to no other than those before.
    fn note(&mut self, key: &str, who: &str, went: &BTreeSet<String>) {
        let island = went.first().unwrap();
        assert_eq!(went.len(), 1, "{key} of {who} went to {went:?}");
        let before = self.0.entry(key.to_owned()).or_insert_with(|| island.clone());
        assert_eq!(before, island, "{key} of {who} goes elsewhere than that of others");
    }

    fn are_in_both(&self) {
        println!("{:?}", self.0);
        assert_eq!(self.0.values().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(OFFERERS));
    }
}

/// Calls that a gateway has brought to their provider so far.
fn answered(line: &Line, gateway: usize) -> u64 {
    let metrics = line.island("d").egresses[gateway].metrics().unwrap();
    let of_answered =
        metrics.lines().filter(|line| line.starts_with("highway_egress_calls_total{") && line.contains("\"answered\""));
    of_answered.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[test]
fn a_key_goes_to_one_island_through_both_gateways() {
    let (_stage, line, _mine) = stage();
    let consumers = consumers(&line);
    let _documents = split(&line, "sticky-user", "{ attachment: user }");
    let own = line.island("d").place().address();
    let before = GATEWAYS.map(|gateway| answered(&line, gateway));
    let mut places = Places::default();
    for (name, consumer) in consumers {
        for user in 0..USERS {
            let user = format!("u{user}");
            for gateway in GATEWAYS {
                let call = hello(&via(gateway, own)).attachment("user", &user).threads(1, CALLS);
                places.note(&user, &format!("{name} through gateway {gateway}"), &islands(consumer, call));
            }
        }
    }
    places.are_in_both();
    for (gateway, before) in GATEWAYS.into_iter().zip(before) {
        let brought = answered(&line, gateway) - before;
        println!("gateway {gateway} brought {brought} calls");
        assert_eq!(brought, consumers.len() as u64 * USERS as u64 * u64::from(CALLS), "gateway {gateway}");
    }
}

#[test]
fn an_address_goes_to_one_island_through_both_gateways() {
    let (_stage, line, _mine) = stage();
    let consumers = consumers(&line);
    let _documents = split(&line, "sticky-source", "source");
    let mut places = Places::default();
    for (name, consumer) in consumers {
        for address in addresses(&line) {
            for gateway in GATEWAYS {
                let call = hello(&via(gateway, address)).threads(1, 2 * CALLS);
                places.note(
                    &address.to_string(),
                    &format!("{name} through gateway {gateway}"),
                    &islands(consumer, call),
                );
            }
        }
    }
    if further(&line).is_empty() {
        println!("LEFT OUT: several addresses: all islands share this machine. All calls went to {:?}", places.0);
        return;
    }
    places.are_in_both();
}

/// 2.6 and dubbo-go do not name theirs, and no registry knows them: each call goes by the weights.
#[test]
fn an_application_goes_to_one_island_through_both_gateways_and_a_nameless_one_to_all() {
    let (_stage, line, _mine) = stage();
    let consumers = consumers(&line);
    let _documents = split(&line, "sticky-application", "application");
    let mut places = Places::default();
    for (name, consumer) in consumers {
        for gateway in GATEWAYS {
            for address in addresses(&line) {
                let call = |calls| hello(&via(gateway, address)).threads(1, calls);
                if names_itself(name) {
                    let who = format!("at {address} through gateway {gateway}");
                    places.note(name, &who, &islands(consumer, call(2 * CALLS)));
                } else {
                    // By chance it is one alone once in 2^59 runs.
                    assert_eq!(islands(consumer, call(60)).len(), 2, "{name} at {address} through gateway {gateway}");
                }
            }
        }
    }
    places.are_in_both();
}
