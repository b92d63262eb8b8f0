//! Every value of every type that teams declare, to a Java provider that declares it and back. The values are Java's own, in the
//! hessian-lite of each release; what arrives and what comes back is what that release makes of them where Java itself sent them.

use std::collections::BTreeMap;

use highway_sdk::hessian2::from_slice;
use highway_sdk::{CallError, Outcome, Service, Value};
use highway_tests::values::{Values, Written};
use lab::install::Release;
use lab::peer::Peer;
use serde_json::{Value as Json, json};

use crate::providers::{PATIENT, providers, wait};

/// Null, which every class takes.
const NULL: &[u8] = b"N";
/// As many calls as there are of each release at least.
const LEAST: usize = 240;
/// What has no form in Rust: half a surrogate pair in text.
const NO_TEXT: &str = "no text";
/// What is one object twice becomes two, which `highway_sdk::hessian2` says.
const TWICE: &str = "one object twice";
/// Java reads another class than the method declares, and throws: so it does with its own consumers.
const UNFIT: &str = "another class than declared";
/// 3.3 checks classes strictly: of a list or map whose class it does not know for harmless it makes its usual one.
const NOT_LET_IN: &str = "its class is not let in";
/// Every call that ends otherwise than all others: of which case, how, and how many.
const DIFFER: [(&str, &str, usize); 7] = [
    ("empty", UNFIT, 1),
    ("letters", NO_TEXT, 1),
    ("object", TWICE, 2),
    ("object.cycle", TWICE, 1),
    ("object.shared", TWICE, 3),
    ("queue", UNFIT, 3),
    ("text.half-a-pair", NO_TEXT, 3),
];

/// Makes one call; whether it was as all others, or how it was not.
fn call(types: &Service, peer: &Peer, release: Release, key: &str, call: &[Written]) -> Option<&'static str> {
    let name = &call[0].case;
    let Ok(args) = call.iter().map(|one| from_slice(&one.bytes())).collect::<Result<Vec<Value>, _>>() else {
        return Some(NO_TEXT);
    };
    let made = types.call::<_, Value>(&*call[0].method, args).types(&call[0].types).attachment("lab.key", key);
    let ended = wait(made.into_future());
    let is_unfit = call.iter().any(|one| one.declared.is_null() && one.bytes() != NULL);
    let is_cast = |error: &CallError| error.outcome() == Outcome::Executed && error.to_string().contains("ClassCast");
    let back = match ended {
        Err(error) if is_cast(&error) && is_unfit => return Some(UNFIT),
        Err(error) if is_cast(&error) && release == Release::V3_3_6 => return Some(NOT_LET_IN),
        Ok(back) if !is_unfit => ordered(back),
        other => panic!("{name}: {other:?}"),
    };
    let mut backs = call.iter().map(|one| ordered(from_slice(&one.back()).unwrap()));
    let wanted = match &*call[0].types {
        [_] => backs.next().unwrap(),
        _ => Value::List { name: None, items: backs.collect() },
    };
    let (back, wanted) = (unnamed(back), unnamed(wanted));
    if release == Release::V3_3_6 && format!("{back:?}") != format!("{wanted:?}") {
        assert_eq!(format!("{:?}", plain(back)), format!("{:?}", plain(wanted)), "{name}");
        return Some(NOT_LET_IN);
    }
    assert_eq!(format!("{back:?}"), format!("{wanted:?}"), "{name}");
    let seen = peer.ask(json!({ "op": "seen", "key": key }), PATIENT).unwrap();
    let declared: Vec<&Json> = call.iter().map(|one| &one.declared).collect();
    if seen["arguments"] == json!([declared]) {
        return None;
    }
    assert!(
        json!(declared).to_string().contains("\"again\""),
        "{name}: {} arrived for {declared:?}",
        seen["arguments"]
    );
    Some(TWICE)
}

/// In a `HashMap` the order is an accident of each process.
fn ordered(value: Value) -> Value {
    match value {
        Value::Map { name, entries } => {
            let entries = entries.into_iter().map(|(key, value)| (ordered(key), ordered(value)));
            let mut entries: Vec<_> = entries.collect();
            if name.is_none() {
                entries.sort_by_cached_key(|(key, _)| format!("{key:?}"));
            }
            Value::Map { name, entries }
        }
        Value::List { name, items } => Value::List { name, items: items.into_iter().map(ordered).collect() },
        Value::Object { class, fields } => {
            let fields = fields.into_iter().map(|(name, value)| (name, ordered(value))).collect();
            Value::Object { class, fields }
        }
        other => other,
    }
}

/// Some releases write the name of an `ArrayList`.
fn unnamed(value: Value) -> Value {
    match value {
        Value::List { name: Some(name), items } if name == "java.util.ArrayList" => Value::List { name: None, items },
        other => other,
    }
}

/// Without the class of a list or map.
fn plain(value: Value) -> Value {
    match value {
        Value::List { items, .. } => Value::List { name: None, items },
        Value::Map { entries, .. } => ordered(Value::Map { name: None, entries }),
        other => other,
    }
}

#[test]
fn javas_own_values_arrive_and_come_back_as_if_java_had_sent_them() {
    providers().on_each_with_types(|types, peer, release: Release| {
        let written = Values::start(release).unwrap().written().unwrap();
        let (mut rest, mut calls, mut differ) = (&*written, 0, BTreeMap::new());
        while let Some(first) = rest.first() {
            let (args, others) = rest.split_at(first.types.len());
            rest = others;
            calls += 1;
            if let Some(how) = call(types, peer, release, &format!("sdk-{calls}"), args) {
                *differ.entry((first.case.clone(), how)).or_insert(0) += 1;
            }
        }
        println!("{}: {} values in {calls} calls, all alike but {differ:?}", release.version(), written.len());
        assert!(calls >= LEAST, "{calls} calls of {}", release.version());
        let not_let_in = differ.extract_if(.., |(_, how), _| *how == NOT_LET_IN).count();
        assert_eq!(not_let_in > 0, release == Release::V3_3_6, "{}", release.version());
        // It reads every class as it is, unless it does not let it in.
        let holds = |how: &str| how != UNFIT || release != Release::V3_3_6;
        let wanted = DIFFER.iter().filter(|(_, how, _)| holds(how));
        let wanted = wanted.map(|(case, how, count)| (((*case).to_owned(), *how), *count)).collect();
        assert_eq!(differ, wanted, "{}", release.version());
    });
}
