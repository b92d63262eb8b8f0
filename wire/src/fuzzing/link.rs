//! What crosses a link: heads, records in sequence, catalogue updates.

use crate::tunnel::catalogue::{Entry, MethodSettings, Origin, ServiceKey, Update};
use crate::tunnel::failure::{Kind, Outcome, Stage};
use crate::tunnel::head::{Flags, Stamp};
use crate::tunnel::model::{MODELS, Model};
use crate::tunnel::question::{AskedCall, Providers, Verdict};
use crate::tunnel::record::{self, End, HEADER_LEN, RecordType, Said};
use crate::tunnel::{Failure, Head, Notice, ReplyHead};

use super::{Dice, text, wound};

const KINDS: [RecordType; 14] = [
    RecordType::Open,
    RecordType::Data,
    RecordType::Reply,
    RecordType::Failure,
    RecordType::Cancel,
    RecordType::Credit,
    RecordType::Ack,
    RecordType::Ping,
    RecordType::Pong,
    RecordType::Catalogue,
    RecordType::Notice,
    RecordType::GoAway,
    RecordType::Accepted,
    RecordType::Inquire,
];

/// A head, perhaps wounded.
#[must_use]
pub fn head(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut out = whole_head(dice);
    wound(dice, &mut out);
    out
}

fn whole_head(dice: &mut Dice<'_>) -> Vec<u8> {
    let texts: [String; 10] = std::array::from_fn(|_| if dice.once_in(3) { String::new() } else { text(dice) });
    let [destination, source, service, interface, group, version, method, generic, application, traceparent] = &texts;
    let head = Head {
        hops: dice.byte(),
        attempt: dice.byte(),
        flags: Flags(u16::from(dice.byte())),
        priority: dice.byte(),
        serialization: *dice.pick(&[2, 23, 31]),
        protocol: Head::DUBBO,
        remaining_ms: dice.number() as u32,
        body_len: dice.below(1 << 12) as u32,
        stamp: Stamp { start: dice.number(), counter: dice.number() },
        destination,
        source,
        service,
        interface,
        group,
        version,
        method,
        generic,
        application,
        traceparent,
    };
    let mut out = Vec::new();
    // One that is too long has nothing appended, which is an input like any other.
    let _ = head.encode_into(&mut out);
    out
}

/// Records one after the other, each with the payload that belongs in it, perhaps wounded.
#[must_use]
pub fn records(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut models = [None, None];
    for _ in 0..1 + dice.below(12) {
        let kind = *dice.pick(&KINDS);
        let payload = payload(dice, kind);
        let end = if dice.once_in(3) { End::No } else { End::Yes };
        let at = out.len();
        record::push(&mut out, kind, end, exchange(dice), &[&payload]);
        match kind {
            RecordType::Open => say(dice, kind, &mut models[0], &mut out, at),
            RecordType::Reply => say(dice, kind, &mut models[1], &mut out, at),
            _ => {}
        }
    }
    wound(dice, &mut out);
    out
}

/// A call or an answer mostly as it is, sometimes as a model or by the last one, and now and then by one of which nobody knows.
fn say(dice: &mut Dice<'_>, kind: RecordType, model: &mut Option<Model>, out: &mut Vec<u8>, at: usize) {
    let payload = &out[at + HEADER_LEN..];
    let said = match dice.below(6) {
        0 | 1 => match Model::keep(kind, payload) {
            Ok(kept) => {
                *model = Some(kept);
                Said::AsModel(0)
            }
            Err(_) => return,
        },
        2 | 3 => match model.as_ref().and_then(|model| Some((model, model.common(payload)?))) {
            Some((model, common)) => {
                model.shorten(out, at + HEADER_LEN, common);
                Said::Like(0)
            }
            None => return,
        },
        4 if dice.once_in(4) => Said::Like(dice.below(MODELS) as u16),
        _ => return,
    };
    record::mark(&mut out[at..], said);
}

/// Mostly one of the first few of either side, so that records meet.
fn exchange(dice: &mut Dice<'_>) -> u64 {
    if dice.once_in(12) { dice.number() } else { dice.below(6) as u64 }
}

fn payload(dice: &mut Dice<'_>, kind: RecordType) -> Vec<u8> {
    let mut out = Vec::new();
    match kind {
        RecordType::Open => {
            out = whole_head(dice);
            some(dice, &mut out);
        }
        RecordType::Reply => {
            let head = ReplyHead { body_len: dice.below(1 << 12) as u32, provider_us: dice.number() as u32 };
            out.extend(head.encode());
            some(dice, &mut out);
        }
        RecordType::Failure => {
            let (stage, kind) = (*dice.pick(Stage::ALL), *dice.pick(Kind::ALL));
            let mut failure = Failure::new(stage, kind, *dice.pick(Outcome::ALL), text(dice));
            failure.hubs = (0..dice.below(4)).map(|_| text(dice)).collect();
            failure.encode_into(&mut out);
        }
        RecordType::Notice => {
            out = notice(dice).encode();
        }
        RecordType::Catalogue => out = whole_update(dice),
        RecordType::Credit | RecordType::Ack | RecordType::Ping | RecordType::Pong => {
            out.extend(if dice.once_in(6) { dice.number() } else { dice.below(1 << 10) as u64 }.to_be_bytes());
        }
        _ => some(dice, &mut out),
    }
    out
}

fn notice(dice: &mut Dice<'_>) -> Notice {
    match dice.below(10) {
        0 => Notice::PolicyChanged { revision: dice.number() },
        1 => Notice::GoingAway { reason: text(dice) },
        2 => Notice::CatalogueTold,
        3 => Notice::Reachable { island: text(dice) },
        4 => Notice::Distance { island: text(dice), micros: dice.number() },
        5 => Notice::Forgery {
            source: text(dice),
            stamp_start: dice.number(),
            stamp_counter: dice.number(),
            claimed: text(dice),
            found: text(dice),
        },
        6 => Notice::Asked { question: dice.number(), call: Box::new(asked(dice)) },
        7 => Notice::Judged { question: dice.number(), verdict: Box::new(verdict(dice)) },
        8 => Notice::Staffed { question: dice.number(), gateway: text(dice), providers: providers(dice) },
        _ => Notice::Other,
    }
}

fn asked(dice: &mut Dice<'_>) -> AskedCall {
    AskedCall {
        destination: text(dice),
        service: text(dice),
        interface: text(dice),
        group: text(dice),
        version: text(dice),
        method: text(dice),
        generic: text(dice),
        application: text(dice),
        serialization: dice.byte(),
        flags: u16::from(dice.byte()),
    }
}

fn verdict(dice: &mut Dice<'_>) -> Verdict {
    let perhaps = |dice: &mut Dice<'_>| (!dice.once_in(2)).then(|| dice.number() as u32);
    Verdict {
        grant: (!dice.once_in(2)).then(|| text(dice)),
        refused: (!dice.once_in(2)).then(|| text(dice)),
        calls_per_second: perhaps(dice),
        concurrent_calls: perhaps(dice),
        open_calls: dice.number() as u32,
        gateways: (0..dice.below(24)).map(|_| text(dice)).collect(),
    }
}

fn providers(dice: &mut Dice<'_>) -> Providers {
    Providers {
        listed: dice.number() as u32,
        up: dice.number() as u32,
        ejected: dice.number() as u32,
        addresses: (0..dice.below(24)).map(|_| text(dice)).collect(),
    }
}

fn some(dice: &mut Dice<'_>, out: &mut Vec<u8>) {
    let len = dice.below(64);
    out.extend(dice.take(len));
}

/// An update, perhaps wounded.
#[must_use]
pub fn update(dice: &mut Dice<'_>) -> Vec<u8> {
    let mut out = whole_update(dice);
    wound(dice, &mut out);
    out
}

fn whole_update(dice: &mut Dice<'_>) -> Vec<u8> {
    let update = Update {
        origin: Origin { island: text(dice), gateway: text(dice), start: dice.number() },
        revision: dice.number(),
        base: dice.below(4) as u64,
        added: (0..dice.below(6)).map(|_| entry(dice)).collect(),
        removed: (0..dice.below(4)).map(|_| key(dice)).collect(),
        complete: !dice.once_in(3),
    };
    update.encode().ok().and_then(|encoded| encoded.parts.into_iter().next()).unwrap_or_default()
}

fn key(dice: &mut Dice<'_>) -> ServiceKey {
    ServiceKey { interface: text(dice), group: text(dice), version: text(dice) }
}

fn entry(dice: &mut Dice<'_>) -> Entry {
    let settings = |dice: &mut Dice<'_>| (!dice.once_in(2)).then(|| dice.number() as u32);
    Entry {
        key: key(dice),
        path: text(dice),
        methods: (0..dice.below(4)).map(|_| text(dice)).collect(),
        serializations: (0..dice.below(3)).map(|_| text(dice)).collect(),
        timeout_ms: settings(dice),
        retries: settings(dice),
        per_method: (0..dice.below(3))
            .map(|_| (text(dice), MethodSettings { timeout_ms: settings(dice), retries: settings(dice) }))
            .collect(),
        release: text(dice),
        healthy: dice.once_in(2),
        gateway: text(dice),
        application: text(dice),
    }
}
