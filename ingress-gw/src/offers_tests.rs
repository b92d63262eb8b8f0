//! What is exported of what is listed.

use std::time::SystemTime;

use client::{Security, TlsWith, Token, WarmUp};
use wire::pattern::ServicePattern;
use zk_bridge::{Level, Parameters};

use super::*;
use crate::export::{Action, ExportPolicy, ExportRule};

const GATEWAY: &str = "in-1";

fn exports(
    gateway: &str,
    policy: &ExportPolicy,
    statics: &[StaticProvider],
    registries: &[Vec<Arc<Provider>>],
) -> Exports {
    let listed = Listed { policy, statics, registries, tls: TlsWith::Marked, down: &BTreeSet::new() };
    super::exports(gateway, listed)
}

fn provider(interface: &str, host: &str, parameters: &[(&str, &str)]) -> Provider {
    Provider {
        key: zk_bridge::ServiceKey::new(interface, None, Some("1.0.0")),
        host: host.to_owned(),
        port: 20880,
        path: interface.to_owned(),
        level: Level::Both,
        application: Some("shop".to_owned()),
        parameters: Parameters(parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()),
        highway: None,
    }
}

fn rule(service: &str, terms: Terms) -> ExportRule {
    let service: ServicePattern = service.parse().unwrap();
    ExportRule { service, application: None, action: Action::Allow, terms }
}

fn all() -> ExportPolicy {
    ExportPolicy { rules: vec![rule("*", Terms::default())] }
}

fn listed(providers: Vec<Provider>) -> Vec<Vec<Arc<Provider>>> {
    vec![providers.into_iter().map(Arc::new).collect()]
}

fn hosts(exports: &Exports, key: &str) -> Vec<String> {
    exports.providers.services.get(key).into_iter().flatten().map(|offer| offer.endpoint.host.to_string()).collect()
}

#[test]
fn only_what_a_rule_allows_is_offered_and_in_the_catalogue() {
    let policy = ExportPolicy { rules: vec![rule("com.acme.A", Terms::default())] };
    let registries = listed(vec![provider("com.acme.A", "h1", &[]), provider("com.acme.B", "h1", &[])]);
    let exports = exports(GATEWAY, &policy, &[], &registries);
    assert_eq!(exports.providers.services.keys().map(|key| key.to_string()).collect::<Vec<_>>(), ["com.acme.A:1.0.0"]);
    assert_eq!(exports.entries.keys().map(ServiceKey::to_string).collect::<Vec<_>>(), ["com.acme.A:1.0.0"]);
    let mut key = String::new();
    assert!(exports.service("com.acme.A", "", "1.0.0", &mut key).is_some());
    assert!(exports.service("com.acme.B", "", "1.0.0", &mut key).is_none());
    assert!(exports.service("com.acme.A", "", "", &mut key).is_none(), "no version is another service");
}

#[test]
fn a_virtual_node_is_never_exported_and_never_called() {
    let mut virtual_one = provider("com.acme.A", "h1", &[]);
    virtual_one.highway = Some("eg-1".to_owned());
    assert_eq!(exports(GATEWAY, &all(), &[], &listed(vec![virtual_one.clone()])), Exports::default());
    let both = exports(GATEWAY, &all(), &[], &listed(vec![virtual_one, provider("com.acme.A", "h2", &[])]));
    assert_eq!(hosts(&both, "com.acme.A:1.0.0"), ["h2"]);
}

#[test]
fn a_tagged_provider_gets_no_call_that_does_not_name_its_tag() {
    let registries =
        listed(vec![provider("com.acme.A", "h1", &[("dubbo.tag", "gray")]), provider("com.acme.A", "h2", &[])]);
    assert_eq!(hosts(&exports(GATEWAY, &all(), &[], &registries), "com.acme.A:1.0.0"), ["h2"]);
}

#[test]
fn a_token_is_kept_only_where_the_policy_says_that_it_is_supplied() {
    let registries = listed(vec![provider("com.acme.A", "h1", &[("token", "hush")])]);
    let token = |policy: &ExportPolicy| {
        exports(GATEWAY, policy, &[], &registries).providers.services["com.acme.A:1.0.0"][0].token.clone()
    };
    assert_eq!(token(&all()), None);
    let supplied = ExportPolicy { rules: vec![rule("*", Terms { supply_token: true, ..Terms::default() })] };
    assert_eq!(token(&supplied), Some(Token::new("hush")));
}

#[test]
fn what_providers_say_reaches_their_offers() {
    let said = [("weight", "7"), ("disabled", "true"), ("methods", "b,a"), ("timestamp", "1000"), ("warmup", "2000")];
    let exports = exports(GATEWAY, &all(), &[], &listed(vec![provider("com.acme.A", "h1", &said)]));
    let offer = &exports.providers.services["com.acme.A:1.0.0"][0];
    assert_eq!((offer.weight, offer.enabled), (7, false));
    assert!(offer.lists("a") && offer.lists("b") && !offer.lists("c"));
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    assert_eq!(offer.warm_up, Some(WarmUp { since, within: Duration::from_secs(2) }));
    assert!(!exports.entries.values().next().unwrap().healthy, "its only provider is switched off");
}

#[test]
fn the_catalogue_says_what_is_safe_with_every_provider() {
    let one = [
        ("methods", "hello,bye"),
        ("timeout", "1000"),
        ("hello.timeout", "9000"),
        ("retries", "2"),
        ("prefer.serialization", "fastjson2,hessian2"),
        ("release", "3.2.16"),
    ];
    let two = [("methods", "hello,new"), ("timeout", "3000"), ("retries", "0"), ("serialization", "hessian2")];
    let registries = listed(vec![provider("com.acme.A", "h1", &one), provider("com.acme.A", "h2", &two)]);
    let exports = exports(GATEWAY, &all(), &[], &registries);
    let entry = exports.entries.values().next().unwrap();
    assert_eq!(entry.methods, ["bye", "hello", "new"]);
    assert_eq!(entry.serializations, ["hessian2"]);
    assert_eq!((entry.timeout_ms, entry.retries), (Some(3000), Some(0)));
    assert_eq!(entry.per_method["hello"], MethodSettings { timeout_ms: Some(9000), retries: None });
    assert_eq!((&*entry.release, &*entry.application, &*entry.gateway), ("3.2.16", "shop", GATEWAY));
    assert!(entry.healthy);
}

#[test]
fn a_provider_of_two_registries_counts_once() {
    let mut registries = listed(vec![provider("com.acme.A", "h1", &[])]);
    registries.extend(listed(vec![provider("com.acme.A", "h1", &[]), provider("com.acme.A", "h2", &[])]));
    assert_eq!(hosts(&exports(GATEWAY, &all(), &[], &registries), "com.acme.A:1.0.0"), ["h1", "h2"]);
}

#[test]
fn a_service_is_found_by_its_providers_path_too() {
    let mut elsewhere = provider("com.acme.A", "h1", &[]);
    elsewhere.path = "shop/com.acme.A".to_owned();
    let exports = exports(GATEWAY, &all(), &[], &listed(vec![elsewhere]));
    let mut key = String::new();
    for path in ["com.acme.A", "shop/com.acme.A"] {
        assert_eq!(&*exports.service(path, "", "1.0.0", &mut key).unwrap().interface, "com.acme.A", "{path}");
    }
    assert_eq!(exports.entries.values().next().unwrap().path, "shop/com.acme.A");
}

#[test]
fn a_static_provider_needs_no_registry_but_a_rule() {
    let key = ServiceKey { interface: "com.acme.A".into(), ..ServiceKey::default() };
    let offer = Offer::new(Endpoint::new("h1", 20880), "com.acme.A");
    let fixed = StaticProvider { key, offer, timeout: None, application: String::new() };
    let statics = std::slice::from_ref(&fixed);
    assert_eq!(hosts(&exports(GATEWAY, &all(), statics, &[]), "com.acme.A"), ["h1"]);
    assert_eq!(exports(GATEWAY, &ExportPolicy::default(), statics, &[]), Exports::default());
}

#[test]
fn terms_hold_only_where_every_provider_has_them() {
    let mut bank = provider("com.acme.A", "h2", &[]);
    bank.application = Some("bank".to_owned());
    let mut open = rule("*", Terms { opaque: true, ..Terms::default() });
    open.application = Some("shop".parse().unwrap());
    let policy = ExportPolicy { rules: vec![open, rule("*", Terms::default())] };
    let mut key = String::new();
    let mut opaque = |providers: Vec<Provider>| {
        exports(GATEWAY, &policy, &[], &listed(providers))
            .service("com.acme.A", "", "1.0.0", &mut key)
            .unwrap()
            .terms
            .opaque
    };
    assert!(opaque(vec![provider("com.acme.A", "h1", &[])]));
    assert!(!opaque(vec![provider("com.acme.A", "h1", &[]), bank.clone()]));
    bank.host = "h1".to_owned();
    assert!(!opaque(vec![provider("com.acme.A", "h1", &[]), bank]), "the same provider, listed twice");
}

#[test]
fn a_call_that_nobody_can_read_goes_only_to_a_provider_that_offers_nothing_else() {
    let open = rule("com.acme.Open*", Terms { opaque: true, ..Terms::default() });
    let policy = ExportPolicy { rules: vec![open.clone()] };
    let opaque = |policy: &ExportPolicy, providers: Vec<Provider>| {
        hosts(&exports(GATEWAY, policy, &[], &listed(providers)), OPAQUE_KEY)
    };
    let two = vec![provider("com.acme.Open1", "h1", &[]), provider("com.acme.Open2", "h1", &[])];
    assert_eq!(opaque(&policy, two.clone()), ["h1"]);
    // The same provider has a service that no rule exports.
    let hidden = [two.clone(), vec![provider("com.acme.Hidden", "h1", &[])]].concat();
    assert!(opaque(&policy, hidden.clone()).is_empty());
    // Or one that may not be called so.
    let checked = ExportPolicy { rules: vec![open, rule("*", Terms::default())] };
    assert!(opaque(&checked, hidden).is_empty());
    // Or one for callers that name a tag, which no rule is asked about.
    let tagged = [two.clone(), vec![provider("com.acme.Open3", "h1", &[("dubbo.tag", "gray")])]].concat();
    assert!(opaque(&policy, tagged).is_empty());
    // Nor does it help that the other service is listed with TLS, or this one: the port is the same.
    let secured = |provider: &Provider| {
        let mut secured = provider.clone();
        secured.parameters.0.insert("ssl-enabled".to_owned(), "true".to_owned());
        secured
    };
    let hidden_tls = [two.clone(), vec![secured(&provider("com.acme.Hidden", "h1", &[]))]].concat();
    assert!(opaque(&policy, hidden_tls).is_empty());
    let open_tls = [two.iter().map(secured).collect(), vec![provider("com.acme.Hidden", "h1", &[])]].concat();
    assert!(opaque(&policy, open_tls).is_empty());
    // Or there are two that are not alike.
    let unlike = [two, vec![provider("com.acme.Open1", "h2", &[])]].concat();
    assert!(opaque(&policy, unlike).is_empty());
}

/// A call that one of them could not take was tried at the other, which is the same.
#[test]
fn a_provider_that_is_listed_with_tls_and_without_is_one_with_tls() {
    let marked = provider("com.acme.A", "h1", &[("ssl-enabled", "true")]);
    for registries in [
        [vec![provider("com.acme.A", "h1", &[])], vec![marked.clone()]],
        [vec![marked], vec![provider("com.acme.A", "h1", &[])]],
    ] {
        let registries = registries.map(|providers| providers.into_iter().map(Arc::new).collect());
        let exports = exports(GATEWAY, &all(), &[], &registries);
        let offers = &exports.providers.services["com.acme.A:1.0.0"];
        assert_eq!(offers.iter().map(|offer| offer.endpoint.to_string()).collect::<Vec<_>>(), ["h1:20880 (TLS)"]);
    }
}

/// Whoever may write to a registry cut a provider of the configuration off by listing its address with `ssl-enabled=true`.
#[test]
fn no_registry_says_whether_an_address_of_the_configuration_speaks_tls() {
    let own = |endpoint| StaticProvider {
        key: ServiceKey { interface: "com.acme.Own".into(), ..ServiceKey::default() },
        offer: Offer::new(endpoint, "com.acme.Own"),
        timeout: None,
        application: String::new(),
    };
    let policy = all();
    for security in [Security::Plain, Security::Tls] {
        let endpoint = Endpoint { security, ..Endpoint::new("h1", 20880) };
        let statics = [own(endpoint.clone())];
        for (said, tls) in [
            (&[("ssl-enabled", "true")][..], TlsWith::Marked),
            (&[("ssl-enabled", "false")], TlsWith::Marked),
            (&[], TlsWith::Everybody),
        ] {
            let registries = listed(vec![provider("com.acme.A", "h1", said)]);
            let down = BTreeSet::new();
            let listed = Listed { policy: &policy, statics: &statics, registries: &registries, tls, down: &down };
            let services = super::exports(GATEWAY, listed).providers.services.clone();
            let at = |service: &str| services[service].iter().map(|offer| offer.endpoint.clone()).collect::<Vec<_>>();
            assert_eq!((at("com.acme.Own"), at("com.acme.A:1.0.0")), (vec![endpoint.clone()], vec![endpoint.clone()]));
        }
    }
}

#[test]
fn a_service_with_too_many_methods_for_a_record_is_told_without_them() {
    let methods: Vec<String> = (0..5_000).map(|number| format!("aRatherLongMethodName{number}")).collect();
    let said = methods.join(",");
    let registries = listed(vec![
        provider("com.acme.A", "h1", &[("methods", &said)]),
        provider("com.acme.B", "h1", &[("methods", "b")]),
    ]);
    let exports = exports(GATEWAY, &all(), &[], &registries);
    let counts: Vec<usize> = exports.entries.values().map(|entry| entry.methods.len()).collect();
    assert_eq!(counts, [0, 1]);
    let origin = wire::tunnel::catalogue::Origin { island: "i".into(), gateway: GATEWAY.into(), start: u64::MAX };
    let catalogue = crate::catalogue::Catalogue::first(origin, exports.entries.clone());
    assert!(catalogue.update_from(0).unwrap().encode().unwrap().left_out.is_empty());
    assert_eq!(
        exports.providers.services["com.acme.A:1.0.0"][0].methods.len(),
        5_000,
        "calls are still matched by method"
    );
}

#[test]
fn a_service_is_healthy_as_long_as_one_of_its_providers_can_be_reached() {
    let providers = vec![provider("com.acme.A", "h1", &[]), provider("com.acme.A", "h2", &[])];
    let registries = listed(providers);
    let seen = |down: &[&str]| {
        let down = down.iter().map(|host| Endpoint::new(host, 20880)).collect();
        let policy = all();
        let listed =
            Listed { policy: &policy, statics: &[], registries: &registries, tls: TlsWith::Marked, down: &down };
        super::exports(GATEWAY, listed)
    };
    let healthy = |exports: &Exports| exports.entries.values().next().unwrap().healthy;
    let (all_up, one_down, all_down) = (seen(&[]), seen(&["h1"]), seen(&["h1", "h2"]));
    assert_eq!((healthy(&all_up), healthy(&one_down), healthy(&all_down)), (true, true, false));
    assert!(all_up.leads_as(&all_down), "calls go where they went: the pool knows better than a list");
    assert_ne!(all_up, all_down);
}

#[test]
fn who_says_ssl_enabled_is_called_with_tls_and_so_are_all_where_the_configuration_says_so() {
    let providers = vec![provider("com.acme.A", "h1", &[("ssl-enabled", "true")]), provider("com.acme.A", "h2", &[])];
    let registries = listed(providers);
    let security = |tls| {
        let policy = all();
        let listed = Listed { policy: &policy, statics: &[], registries: &registries, tls, down: &BTreeSet::new() };
        let exports = super::exports(GATEWAY, listed);
        let offers = exports.providers.services["com.acme.A:1.0.0"].clone();
        offers.iter().map(|offer| offer.endpoint.security).collect::<Vec<_>>()
    };
    assert_eq!(security(TlsWith::Marked), [Security::Tls, Security::Plain]);
    assert_eq!(security(TlsWith::Everybody), [Security::Tls, Security::Tls]);
}
