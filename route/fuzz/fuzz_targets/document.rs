//! Any text as a document of rules: it is taken, or broken with a place for each mistake; and what is taken decides, explains,
//! differs in nothing from itself and can be checked, whatever it says.

#![no_main]

use std::sync::Arc;
use std::time::SystemTime;

use highway_route::rules::{Rules, check, difference, parse};
use highway_route::{Call, Known, Snapshot, decide, explain};
use wire::tunnel::catalogue::ServiceKey;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let document = match parse("shop", text) {
        Ok(document) => Arc::new(document),
        Err(broken) => {
            assert!(!broken.mistakes.is_empty());
            assert!(broken.to_string().lines().count() == 1, "{broken}");
            return;
        }
    };
    assert!(difference(Some(&document), Some(&document)).is_empty());
    let Ok(rules) = Rules::new([document.clone()], SystemTime::UNIX_EPOCH) else { return };
    let rules = Arc::new(rules);
    let _ = check(&document, &rules);
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let known = Known { rules, local: [greeter.clone().into()].into(), ..Known::default() };
    let snapshot = Snapshot::new(1, known);
    let call = Call { service: Some(&greeter), method: "greet", application: Some("shop"), ..Call::default() };
    assert_eq!(explain(&call, &snapshot).outcome, decide(&call, &snapshot));
});
