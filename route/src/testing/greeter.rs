//! A world of islands for the tests of rules: what comes of a call of the greeter in it. No rule is checked here.

use std::sync::Arc;
use std::time::SystemTime;

use super::{imports, known, offer, service};
use crate::Call;
use crate::decide::{decide, explain};
use crate::import::Verdict;
use crate::rules::{Rules, parse};
use crate::snapshot::{Health, Known, Snapshot};

pub const GREETER: &str = "g1/com.acme.Greeter:1.0.0";

/// Island `cloud`; shanghai and beijing are up, shenzhen is down, nobody imports from mars, and only the Home is here too.
pub fn world(documents: &[(&str, &str)]) -> Known {
    let of = |island, health| (GREETER, offer(island, health));
    let offers = [
        of("shanghai", Health::Healthy),
        of("beijing", Health::Healthy),
        of("shenzhen", Health::Unhealthy),
        of("mars", Health::Healthy),
    ];
    let imports = imports(&[("mars", "*", Verdict::Leave), ("*", "*", Verdict::Import)]);
    Known { rules: Arc::new(rules(documents)), ..known(imports, offers) }
}

pub fn rules(documents: &[(&str, &str)]) -> Rules {
    let documents = documents.iter().map(|(name, text)| Arc::new(parse(name, text).unwrap()));
    Rules::new(documents, SystemTime::UNIX_EPOCH).unwrap()
}

/// What comes of a call of the greeter under one document of one rule with this act.
pub fn acted(act: &str, change: impl FnOnce(&mut Known)) -> String {
    decided(&[("shop", &format!("rules: [{{name: r, act: {{{act}}}}}]"))], change, |call| call)
}

pub fn decided(
    documents: &[(&str, &str)],
    change: impl FnOnce(&mut Known),
    ask: impl FnOnce(Call<'static>) -> Call<'static>,
) -> String {
    let mut known = world(documents);
    change(&mut known);
    let key = Box::leak(Box::new(service(GREETER)));
    let call = ask(Call { service: Some(key), method: "sayHello", application: Some("shop"), ..Call::default() });
    let snapshot = Snapshot::new(1, known);
    let explained = explain(&call, &snapshot);
    assert_eq!(explained.outcome, decide(&call, &snapshot), "an explanation is what happens");
    match explained.outcome {
        Ok(plan) => format!("{} by {}", plan.choice, plan.reason),
        Err(refusal) => refusal.to_string(),
    }
}

pub fn as_it_is(_: &mut Known) {}

pub fn with_local(known: &mut Known) {
    known.local.insert(service(GREETER).into());
}
