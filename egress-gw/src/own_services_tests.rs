//! Which services count as this island's own, and since when, as providers come, go and are read anew.

use zk_bridge::{Level, Parameters, Provider};

use super::*;

const GREETER: &str = "com.acme.Greeter";

fn own() -> OwnServices {
    OwnServices {
        host: None,
        listen: Vec::new(),
        ports: Vec::new(),
        names: OwnNames::default(),
        tls: LocalTls::default(),
        local: Arc::default(),
        memory: LocalMemory::new(Duration::from_secs(3600)),
        callable_again: Returned::default(),
        listed_again: Returned::default(),
    }
}

fn provider(host: &str, said: &[(&str, &str)]) -> Provider {
    Provider {
        key: zk_bridge::ServiceKey::new(GREETER, None, None),
        host: host.to_owned(),
        port: 20880,
        path: "greeter".to_owned(),
        level: Level::Interface,
        application: None,
        parameters: Parameters(said.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
        highway: None,
    }
}

fn key(interface: &str) -> ServiceKey {
    ServiceKey { interface: interface.to_owned(), ..ServiceKey::default() }
}

/// A provider with a tag takes no call to `local`, and once stood in for those that do.
#[test]
fn a_service_is_back_when_somebody_takes_its_calls_again_by_its_interface_and_by_its_path() {
    let (mut own, began, today, second) = (own(), Instant::now(), SystemTime::now(), Duration::from_secs(1));
    let tagged = provider("10.0.0.8", &[("dubbo.tag", "gray")]);
    let mut generation = 0;
    let mut shows = |own: &mut OwnServices, providers: Vec<Provider>, at: Instant| {
        generation += 1;
        own.observe(vec![Arc::new(View::of(generation, providers, Vec::new()))], at, today)
    };
    let untagged = || provider("10.0.0.7", &[]);
    assert!(shows(&mut own, vec![untagged(), tagged.clone()], began).is_new);
    assert!(own.back_for(began).is_empty(), "who was there from the beginning is not back");
    assert!(shows(&mut own, vec![tagged.clone()], began + second).is_new);
    assert_eq!(own.keys().count(), 0);
    assert!(shows(&mut own, vec![untagged(), tagged], began + 2 * second).is_new);
    let back = own.back_for(began + 5 * second);
    for name in [GREETER, "greeter"] {
        assert_eq!(back.get(&key(name)).copied(), Some(3 * second), "{name}");
    }
}

#[test]
fn a_service_that_only_other_protocols_serve_is_remembered_and_never_called() {
    let (mut own, now, today) = (own(), Instant::now(), SystemTime::now());
    let view = View::of(1, Vec::new(), Vec::new()).with_foreign([zk_bridge::ServiceKey::new(GREETER, None, None)]);
    let found = own.observe(vec![Arc::new(view)], now, today);
    assert_eq!(found.on_disk, OnDisk::Outdated);
    assert!(own.keep_their_calls(&key(GREETER), &Rules::default(), now, today));
    assert_eq!(own.keys().count(), 0);
}
