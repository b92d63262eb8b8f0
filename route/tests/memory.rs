//! What rules weigh: a process of its own, so that what it grows by is theirs.

#![allow(clippy::unwrap_used)] // a test

use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

use highway_route::rules::{DOCUMENT_MAX_LEN, RULES_MAX, Rules, parse};

/// Rules as an operator writes them: a canary by label, a split, a failover, each about one service.
fn document(number: usize) -> String {
    let mut text = "application: 'shop-*'\nrules:\n".to_owned();
    for at in 0..RULES_MAX / 10 {
        let act = match at % 3 {
            0 => "split: { to: { shanghai: 90, beijing: 10 }, sticky: { attachment: user } }",
            1 => "failover: [shanghai, beijing, local]",
            _ => "island: shanghai",
        };
        write!(
            text,
            "- name: canary-{number}-{at}\n  match:\n    service: com.acme.shop.orders.Service{number}x{at}:1.0.0\n    methods: ['get*', placeOrder]\n    attachments: {{ env: 'gray*' }}\n  act: {{ {act} }}\n"
        )
        .unwrap();
    }
    assert!(text.len() <= DOCUMENT_MAX_LEN, "{}", text.len());
    text
}

/// The memory of this process that is in use, in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_thousand_rules_take_less_than_a_megabyte() {
    // The first one also fills what the allocator and the parser keep for themselves.
    let mut documents = vec![Arc::new(parse("d0", &document(0)).unwrap())];
    let before = resident();
    for number in 1..10 {
        documents.push(Arc::new(parse(&format!("d{number}"), &document(number)).unwrap()));
    }
    let rules = Rules::new(documents, SystemTime::UNIX_EPOCH).unwrap();
    let grown = resident() - before;
    assert_eq!(rules.len(), RULES_MAX);
    println!("{} KiB for a thousand rules", grown / 9);
    assert!((1..9 * 1024).contains(&grown), "{grown} KiB for nine thousand rules and the index of ten");
}
