//! Any text as a document of rules: it is taken, or broken with a place for each mistake; and what is taken decides, explains,
//! differs in nothing from itself and can be checked, whatever it says.

#![no_main]

use std::sync::Arc;
use std::time::SystemTime;

use highway_route::rules::{Rules, Surroundings, check, difference, parse, shadowed};
use highway_route::{Call, Known, Snapshot, View, decide, explain};
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
    let checked = check(&document, std::slice::from_ref(&document), SystemTime::UNIX_EPOCH);
    assert!(checked.is_ok(), "as many rules as before");
    let _ = shadowed(&document, &rules);
    let rules = Arc::new(rules);
    let greeter = ServiceKey { interface: "com.acme.Greeter".to_owned(), ..ServiceKey::default() };
    let local = [greeter.clone().into()].into();
    let known = Known { view: View::Complete, rules, local, ..Known::default() };
    let snapshot = Snapshot::new(1, known);
    let _ = Surroundings::of(&snapshot).nobody_offers(&document);
    let call = Call { service: Some(&greeter), method: "greet", application: Some("shop"), ..Call::default() };
    assert_eq!(explain(&call, &snapshot).outcome, decide(&call, &snapshot));
});
