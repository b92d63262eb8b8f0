//! Who may be called in this island.

use client::Security;
use zk_bridge::{Level, Parameters};

use super::*;

const PORTS: &[Port] = &[Port { number: 20990, island: None }];

fn own<'a>() -> Own<'a> {
    let listen = &[IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)];
    static NAMES: std::sync::LazyLock<OwnNames> = std::sync::LazyLock::new(|| OwnNames::of("gate-1", "", |_| false));
    Own { advertise: Some("10.0.0.9".parse().unwrap()), listen, ports: PORTS, names: &NAMES }
}

fn provider(interface: &str, host: &str, port: u16, said: &[(&str, &str)]) -> Provider {
    Provider {
        key: ServiceKey::new(interface, None, None),
        host: host.to_owned(),
        port,
        path: interface.to_owned(),
        level: Level::Both,
        application: None,
        parameters: Parameters(said.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()),
        highway: None,
    }
}

fn local(registries: Vec<Vec<Provider>>, tls: TlsWith) -> Local {
    let views = registries.into_iter().map(|providers| Arc::new(View::of(1, providers, vec![])));
    Local::of(views.collect(), own(), LocalTls { with: tls, ..LocalTls::default() })
}

fn hosts(local: &Local, interface: &str) -> Vec<String> {
    let offers = local.offers(&ServiceKey::new(interface, None, None));
    offers.iter().map(|offer| offer.endpoint.to_string()).collect()
}

#[test]
fn only_real_providers_that_take_calls_without_a_tag_are_local() {
    let virtual_one = Provider { highway: Some("egress-2".into()), ..provider("a.A", "h9", 20990, &[]) };
    let local = local(
        vec![vec![
            virtual_one,
            provider("a.A", "h1", 20880, &[("dubbo.tag", "gray")]),
            provider("a.A", "h2", 20880, &[("disabled", "true")]),
            provider("a.A", "h3", 20880, &[("weight", "7")]),
            provider("a.Off", "h2", 20880, &[("enabled", "false")]),
        ]],
        TlsWith::Marked,
    );
    assert_eq!(hosts(&local, "a.A"), ["h3:20880"]);
    assert_eq!(local.offers(&ServiceKey::new("a.A", None, None))[0].weight, 7);
    assert_eq!(local.services().map(ToString::to_string).collect::<Vec<_>>(), ["a.A"]);
}

/// A node that somebody wrote by hand for a gateway does not say that it is one.
#[test]
fn an_address_at_which_a_gateway_listens_is_never_called() {
    let other_gateway = Provider { highway: Some("egress-2".into()), ..provider("a.B", "10.0.0.8", 20990, &[]) };
    let local = local(
        vec![vec![
            other_gateway,
            provider("a.A", "10.0.0.8", 20990, &[]),
            provider("a.A", "10.0.0.9", 20990, &[]),
            provider("a.A", "127.0.0.1", 20990, &[]),
            provider("a.A", "Gate-1", 20990, &[]),
            provider("a.A", "10.0.0.9", 20880, &[]),
            provider("a.A", "gate-1", 20880, &[]),
            provider("a.A", "gate-2", 20990, &[]),
        ]],
        TlsWith::Marked,
    );
    assert_eq!(hosts(&local, "a.A"), ["10.0.0.9:20880", "gate-1:20880", "gate-2:20990"]);
}

#[test]
fn a_provider_under_another_path_is_found_by_both_names() {
    let mut elsewhere = provider("a.A", "h1", 20880, &[]);
    elsewhere.path = "shop/a.A".to_owned();
    let local = local(vec![vec![elsewhere]], TlsWith::Marked);
    let key = |interface: &str| ServiceKey::new(interface, None, None);
    assert_eq!(local.service(&key("shop/a.A")), Some(&key("a.A")));
    assert_eq!(local.service(&key("a.A")), Some(&key("a.A")));
    assert_eq!(local.service(&key("a.Other")), None);
    assert_eq!(&*local.offers(&key("a.A"))[0].path, "shop/a.A");
}

#[test]
fn two_registries_that_list_one_provider_make_one_offer_and_tls_is_a_matter_of_the_port() {
    let registries = || {
        vec![
            vec![provider("a.A", "h1", 20880, &[]), provider("a.B", "h1", 20880, &[("ssl-enabled", "true")])],
            vec![provider("a.A", "h1", 20880, &[]), provider("a.A", "h2", 20880, &[])],
        ]
    };
    let security = |tls| {
        let offers = local(registries(), tls).offers(&ServiceKey::new("a.A", None, None));
        offers.iter().map(|offer| offer.endpoint.security).collect::<Vec<_>>()
    };
    assert_eq!(security(TlsWith::Marked), [Security::Tls, Security::Plain]);
    assert_eq!(security(TlsWith::Everybody), [Security::Tls, Security::Tls]);
}
