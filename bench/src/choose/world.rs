//! The rules, services and calls of the measurement: what an egress gateway knows and what comes in at it, made up.
//!
//! Calls are whole frames as a 2.7 consumer writes them, read as the gateway reads them. Never sends one.

use anyhow::{Context, Result, bail};
use egress_gw::{Consumers, Heeded, Knowledge, LastVoice, Prefixes};
use route::rules::{Document, Rules, parse};
use route::{BesideLocal, Health, ImportRule, Imports, Known, Offer, Snapshot, Verdict, View};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::SystemTime;
use wire::dubbo::call::{Peeked, peek};
use wire::dubbo::frame::{Codec, HEADER_LEN, Header};
use wire::dubbo::request::Request;
use wire::tunnel::catalogue::ServiceKey;

/// Services that two islands offer.
pub const SERVICES: usize = 10_000;
/// Rules in force.
pub const RULES: usize = 1_000;
/// Of them, those that are found by a pattern and not by their service.
pub const PATTERNS: usize = 50;
/// References of consumers in the registry: one to each service, so many to a machine.
pub const CONSUMERS: usize = SERVICES;
/// Machines with consumers.
const MACHINES: usize = 500;
/// Each of so many references names an island; none of a service that a rule names.
const WORDS: usize = 4;
/// Each of so many services has a rule of its own, or a pattern made after it.
const EVERY: usize = SERVICES / RULES;

/// What the consumers' references in the registry are to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum References {
    /// They name no island, and no rule looks at their parameters: what they say is not asked for.
    Silent,
    /// One in [`WORDS`] names an island, and a rule looks at a parameter: each call asks its own.
    Asked,
}

/// The interface of a service by its number.
fn interface(number: usize) -> String {
    format!("com.acme.shop.orders.Service{number}")
}

/// Where the consumer of a service runs.
fn machine(number: usize) -> IpAddr {
    let [.., high, low] = (number % MACHINES).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(10, 1, high, low))
}

/// An application's name.
fn shop(application: usize) -> String {
    format!("shop-web-{application}")
}

/// The node of the consumer of a service, as 2.7 writes it.
fn node(number: usize, references: References) -> zk_bridge::Consumer {
    let zone = if number.is_multiple_of(7) { "cn-east-1" } else { "cn-north-1" };
    let mut parameters = vec![
        ("category", "consumers"),
        ("dubbo", "2.0.2"),
        ("methods", "placeOrder,getOrder"),
        ("pid", "4711"),
        ("release", "2.7.23"),
        ("side", "consumer"),
        ("timeout", "3000"),
        ("zone", zone),
    ];
    if references == References::Asked && number % WORDS == 1 {
        parameters.push(("highway.beijing", "ALL"));
    }
    zk_bridge::Consumer {
        application: Some(shop(0)),
        host: machine(number).to_string(),
        interface: interface(number),
        group: None,
        version: Some("1.0.0".to_owned()),
        parameters: zk_bridge::Parameters(
            parameters.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        ),
    }
}

/// One document of a thousand rules.
///
/// # Errors
/// It is not taken.
pub fn document(name: &str, references: References) -> Result<Document> {
    let mut text = "rules:\n".to_owned();
    for at in 0..RULES - 2 {
        let own = interface(at * EVERY);
        let (about, act) = match at % (RULES / PATTERNS) {
            0 => (format!("com.acme.shop.o*.Service{}x*", at * EVERY), "island: beijing"),
            1 => (own, "failover: [shanghai, beijing]"),
            _ => (own, "split: { to: { shanghai: 90, beijing: 10 }, sticky: { attachment: user } }"),
        };
        // Patterns look at attachments too: those are asked of every call.
        let when = match at % 40 {
            0 => ", attachments: { region: 'cn*' }",
            at if at % 4 == 2 => ", attachments: { env: 'blue*' }",
            _ => "",
        };
        writeln!(
            text,
            "- {{ name: r{at}, match: {{ service: '{about}', methods: ['get*', placeOrder]{when} }}, act: {{ {act} }} }}"
        )?;
    }
    // Of every service: its parameter is looked at in each call.
    let east = match references {
        References::Silent => "attachments: { region: 'us-east*' }",
        References::Asked => "parameters: { zone: 'cn-east*' }",
    };
    writeln!(text, "- {{ name: east, priority: -1, match: {{ {east} }}, act: {{ island: beijing }} }}")?;
    writeln!(text, "- {{ name: all, priority: -2, act: {{ island: shanghai }} }}")?;
    Ok(parse(name, &text)?)
}

/// What a gateway knows that is under these rules.
///
/// # Errors
/// The rules are not taken.
pub fn knowledge(references: References) -> Result<Knowledge> {
    let rules = Rules::new([Arc::new(document("shop", references)?)], SystemTime::UNIX_EPOCH)?;
    let all = ImportRule {
        island: "*".parse()?,
        service: "com.acme.*".parse()?,
        verdict: Verdict::Import,
        beside_local: BesideLocal::Never,
        idempotent: Vec::new(),
        plain: false,
    };
    let offers = (0..SERVICES).flat_map(|number| {
        let service = ServiceKey { interface: interface(number), version: "1.0.0".to_owned(), ..ServiceKey::default() };
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
    let snapshot = Arc::new(Snapshot::new(1, known));
    let heeded = Heeded { prefixes: &Prefixes::default(), parameters: snapshot.rules().parameters().collect() };
    let mut consumers = Consumers::default();
    (0..CONSUMERS).for_each(|number| consumers.add_node(&Arc::new(node(number, references)), &heeded));
    Ok(Knowledge { snapshot, consumers, ..Knowledge::default() })
}

/// The frames of calls to every service, or to those that have a rule of their own, by so many applications, each from its machine.
pub struct Frames {
    frames: Vec<(usize, Vec<u8>)>,
    machines: Vec<Machine>,
}

/// Where calls come from. All of its calls come on one connection, as those of a consumer's process do.
pub struct Machine {
    pub address: IpAddr,
    pub last: LastVoice,
}

impl Frames {
    /// Of every service, by `applications` of them.
    pub fn of_all(applications: usize) -> Self {
        let calls = (0..applications).flat_map(|application| (0..SERVICES).map(move |number| (number, application)));
        Self::of(calls)
    }

    /// Of the services that rules name.
    pub fn of_ruled() -> Self {
        Self::of((0..RULES).map(|at| (at * EVERY, 0)))
    }

    fn of(calls: impl Iterator<Item = (usize, usize)>) -> Self {
        let machine = |number| Machine { address: machine(number), last: LastVoice::default() };
        Self {
            frames: calls.map(|(number, application)| (number % MACHINES, frame(number, application))).collect(),
            machines: (0..MACHINES).map(machine).collect(),
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// The call in one of them, with where it comes from.
    ///
    /// # Errors
    /// A frame that cannot be read.
    #[inline]
    pub fn read(&self, at: usize) -> Result<(&Machine, Peeked<'_>)> {
        let (machine, frame) = &self.frames[at];
        let header = Header::decode(frame)?.context("a frame without a header")?;
        match peek(&header, &frame[HEADER_LEN..])? {
            Peeked::Opaque(serialization) => bail!("a call in {serialization}"),
            call => Ok((&self.machines[*machine], call)),
        }
    }
}

fn frame(number: usize, application: usize) -> Vec<u8> {
    let (service, application, user) = (interface(number), shop(application), format!("u{number}"));
    let attachments = [
        ("remote.application", application.as_str()),
        ("timeout", "3000"),
        ("traceid", "7f3b9a4c11d24e0fb2c6a85d3e9f0142"),
        ("env", "blue-7"),
        ("user", &user),
    ];
    let request = Request {
        codec: Codec::Hessian2,
        service: &service,
        version: Some("1.0.0"),
        group: None,
        method: "placeOrder",
        types: "",
        args: &[],
        attachments: &attachments,
    };
    let mut frame = Vec::new();
    request.append(&mut frame, 1);
    frame
}
