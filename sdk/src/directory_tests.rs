//! Who stands in which list, and what their words on time come to.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use route::Known;
use route::rules::{Rules, parse};
use zk_bridge::Level;
use zk_bridge::Parameters;

use super::*;

const GREETER: &str = "com.acme.Greeter";

fn provider(port: u16, says: &[(&str, &str)]) -> Provider {
    let parameters = says.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Provider {
        key: ServiceKey::new(GREETER, None, None),
        host: "10.0.0.1".to_owned(),
        port,
        path: GREETER.to_owned(),
        level: Level::Interface,
        application: None,
        parameters: Parameters(parameters),
        highway: None,
    }
}

fn gateway_at(port: u16, tag: &str) -> Provider {
    Provider { highway: Some("egress-1".to_owned()), ..provider(port, &[("dubbo.tag", tag)]) }
}

fn called(direct: &[Endpoint]) -> (Names, BTreeMap<Names, Called>) {
    let service = Arc::new(ServiceKey::new(GREETER, None, None));
    let names = Names::new(&service, direct);
    (names.clone(), BTreeMap::from([(names, Called { service, direct: direct.into(), forms: Arc::default() })]))
}

fn directory(providers: Vec<Provider>) -> (Names, Directory) {
    let (names, called) = called(&[]);
    let view = Arc::new(View::of(1, providers, Vec::new()));
    (names, Directory::of(&called, &[], &[view], TlsWith::Marked))
}

fn ports(directory: &Directory, name: &str) -> Vec<u16> {
    let offers = directory.list.services.get(name).map(Vec::as_slice).unwrap_or_default();
    offers.iter().map(|offer| offer.endpoint.port).collect()
}

#[test]
fn calls_without_a_target_go_to_all_without_a_tag_and_local_ones_to_real_providers() {
    let tagged = provider(3, &[("dubbo.tag", "gray")]);
    let off = provider(4, &[("enabled", "false")]);
    let (names, directory) =
        directory(vec![provider(1, &[]), gateway_at(2, ""), tagged, off, gateway_at(5, "shanghai")]);
    assert_eq!(ports(&directory, &names.anybody), [1, 2]);
    assert_eq!(ports(&directory, &names.local), [1]);
    assert!(
        directory.has_looked_for(&names.anybody, &names.anybody)
            && !directory.has_looked_for("com.acme.Other", "com.acme.Other")
    );
}

#[test]
fn an_island_with_a_port_of_its_own_has_the_other_gateways_beside_it() {
    let (_, directory) = directory(vec![gateway_at(1, ""), gateway_at(2, "shanghai"), provider(3, &[])]);
    assert_eq!(ports(&directory, GATEWAYS), [1]);
    assert_eq!(ports(&directory, &directory.gateways_for("shanghai")), [1, 2]);
    assert_eq!(directory.gateways_for("beijing"), GATEWAYS);
}

#[test]
fn given_addresses_stand_whatever_the_registries_say() {
    let (names, called) = called(&[Endpoint::new("h1", 1), Endpoint::new("h2", 2)]);
    let view = Arc::new(View::of(1, vec![provider(9, &[])], Vec::new()));
    let directory = Directory::of(&called, &[], &[view], TlsWith::Marked);
    assert_eq!((ports(&directory, &names.anybody), &names.local), (vec![1, 2], &names.anybody));
}

#[test]
fn without_a_registry_every_call_goes_to_the_gateways_that_were_given() {
    let (names, called) = called(&[]);
    let directory = Directory::of(&called, &[Endpoint::new("g", 7)], &[], TlsWith::Marked);
    assert_eq!((ports(&directory, &names.anybody), ports(&directory, GATEWAYS)), (vec![7], vec![7]));
    assert!(ports(&directory, &names.local).is_empty());
}

#[test]
fn nothing_is_known_to_be_absent_before_all_registries_were_read() {
    let (names, called) = called(&[]);
    let views = [Arc::new(View::of(1, vec![provider(1, &[])], Vec::new())), Arc::new(View::unread())];
    let directory = Directory::of(&called, &[], &views, TlsWith::Marked);
    assert!(!directory.has_looked_for(&names.anybody, &names.anybody));
    assert_eq!(ports(&directory, &names.anybody), [1], "who is known is called");
}

#[test]
fn the_longest_time_that_a_provider_says_holds_for_its_methods() {
    let second = Duration::from_secs(1);
    let (names, directory) = directory(vec![
        provider(1, &[("timeout", "2000"), ("slow.timeout", "9000"), ("quick.timeout", "100")]),
        provider(2, &[("default.timeout", "4000"), ("methods.go.timeout", "6s")]),
        provider(3, &[("timeout", "99000"), ("disabled", "true")]),
        gateway_at(4, ""),
    ]);
    for (method, wanted) in [("any", 4), ("slow", 9), ("go", 6), ("quick", 4)] {
        assert_eq!(directory.timeout(&names.anybody, method), Some(second * wanted), "{method}");
        assert_eq!(directory.timeout(&names.local, method), Some(second * wanted), "{method}");
    }
    assert_eq!(directory.timeout("com.acme.Other", "any"), None);
}

#[test]
fn times_that_are_none_say_nothing() {
    let (names, directory) =
        directory(vec![provider(1, &[("timeout", "0"), ("a.timeout", "soon"), (".timeout", "-1")])]);
    assert_eq!(directory.timeout(&names.anybody, "a"), None);
}

#[test]
fn no_service_has_the_name_of_another_list() {
    let key = ServiceKey::new("gateways", None, None);
    let names = Names::new(&key, &[]);
    assert!(![&names.anybody, &names.local].iter().any(|name| name.starts_with(GATEWAYS)));
}

#[test]
fn where_rules_are_in_force_nothing_is_decided_of_a_service_before_it_was_looked_up() {
    let ruled = || {
        let document = Arc::new(parse("d", "rules: [{name: r, act: {island: local}}]").unwrap());
        let rules = Arc::new(Rules::new([document], SystemTime::UNIX_EPOCH).unwrap());
        Ground { snapshot: route::Snapshot::new(0, Known { rules, ..Known::default() }), source: None }
    };
    let (_, called) = called(&[]);
    let (read, unread) = (Arc::new(View::of(1, vec![provider(1, &[])], Vec::new())), Arc::new(View::unread()));
    for (views, ground, is_decided) in [
        (vec![unread.clone()], None, false),
        (vec![unread.clone()], Some(ruled()), false),
        (vec![unread.clone()], Some(Ground::default()), true),
        (vec![read.clone(), unread], Some(ruled()), true),
        (vec![read], Some(ruled()), true),
    ] {
        let directory = Directory { ground, ..Directory::of(&called, &[], &views, TlsWith::Marked) };
        let request = Request::bare(ServiceKey::new(GREETER, None, None), "shop");
        assert_eq!(directory.facts(&request).ground.is_some(), is_decided, "{directory:?}");
    }
}

fn tagged(tag: &str) -> Request {
    let attachments = vec![("dubbo.tag".into(), tag.to_owned())];
    Request { attachments, ..Request::bare(ServiceKey::new(GREETER, None, None), "shop") }
}

#[test]
fn a_tag_may_name_an_island_unless_a_provider_here_has_it_or_no_gateway_could_know() {
    let own = provider(3, &[("dubbo.tag", "gray")]);
    let there = |providers: Vec<Provider>, tag: &str| {
        let (_, directory) = directory(providers);
        directory.facts(&tagged(tag)).tagged.map(str::to_owned)
    };
    let any = |providers: &[Provider]| [providers, &[provider(1, &[]), gateway_at(2, "")]].concat();
    assert_eq!(there(any(&[]), "shanghai").as_deref(), Some("shanghai"));
    assert_eq!(there(any(std::slice::from_ref(&own)), "gray"), None, "it is the team's own");
    assert_eq!(there(any(&[gateway_at(5, "gray")]), "gray").as_deref(), Some("gray"));
    for none in ["", "local", "Shanghai", "a b"] {
        assert_eq!(there(any(&[]), none), None, "{none:?}");
    }
    assert_eq!(there(vec![provider(1, &[])], "shanghai"), None, "nobody knows islands");
    assert_eq!(there(vec![gateway_at(5, "shanghai")], "shanghai").as_deref(), Some("shanghai"));
    let (_, called) = called(&[]);
    let unread = Directory::of(&called, &[], &[Arc::new(View::unread())], TlsWith::Marked);
    assert_eq!(unread.facts(&tagged("shanghai")).tagged, Some("shanghai"), "a gateway may still come");
}

#[test]
fn a_call_with_a_tag_waits_until_it_is_known_whose_tag_it_is() {
    let (_, called) = called(&[]);
    let (read, unread) = (Arc::new(View::of(1, vec![gateway_at(2, "")], Vec::new())), Arc::new(View::unread()));
    for (view, is_decided) in [(unread, false), (read, true)] {
        let directory =
            Directory { ground: Some(Ground::default()), ..Directory::of(&called, &[], &[view], TlsWith::Marked) };
        assert_eq!(directory.facts(&tagged("gray")).ground.is_some(), is_decided, "{directory:?}");
    }
}

const FASTJSON2: &[(&str, &str)] = &[("serialization", "fastjson2"), ("prefer.serialization", "fastjson2")];
const BOTH: &[(&str, &str)] = &[("prefer.serialization", "fastjson2,hessian2")];

#[test]
fn a_call_is_written_in_what_the_nodes_of_its_service_read() {
    let (hessian2, fastjson2) = (Forms::One(Codec::Hessian2), Forms::One(Codec::Fastjson2));
    let gray = [FASTJSON2, &[("dubbo.tag", "gray")]].concat();
    let off = [FASTJSON2, &[("enabled", "false")]].concat();
    let other = &[("serialization", "kryo")][..];
    for (nodes, wanted) in [
        (&[][..], hessian2),
        (&[&[], BOTH, other], hessian2),
        (&[FASTJSON2, FASTJSON2], fastjson2),
        (&[FASTJSON2, &[]], Forms::Both),
        (&[FASTJSON2, BOTH], Forms::Both),
        (&[other, FASTJSON2], Forms::Both),
        (&[&[], &gray, &off], hessian2),
    ] {
        let (names, directory) = directory(nodes.iter().zip(1..).map(|(says, port)| provider(port, says)).collect());
        assert_eq!(directory.forms(&names.anybody), wanted, "{nodes:?}");
    }
    let (names, called) = called(&[]);
    let unread = Directory::of(&called, &[], &[Arc::new(View::unread())], TlsWith::Marked);
    assert_eq!(unread.forms(&names.anybody), Forms::Both, "nobody knows yet");
    assert_eq!(Directory::of(&called, &[], &[], TlsWith::Marked).forms(&names.anybody), hessian2, "nobody will know");
}

#[test]
fn of_both_forms_each_address_gets_what_it_reads_and_each_island_what_its_gateways_say() {
    let gateway = |port, tag, says: &[(&str, &str)]| {
        let says = [says, &[("dubbo.tag", tag)]].concat();
        Provider { highway: Some("egress-1".to_owned()), ..provider(port, &says) }
    };
    let (names, directory) = directory(vec![
        provider(1, FASTJSON2),
        provider(2, BOTH),
        gateway(3, "", &[]),
        gateway(3, "beijing", FASTJSON2),
        gateway(4, "shanghai", BOTH),
    ]);
    let reads_by = |key: &'static str, name: &str, port: u16, target: &str| {
        let request = Request {
            attachments: vec![(key.into(), target.to_owned())],
            ..Request::bare(ServiceKey::new(GREETER, None, None), "shop")
        };
        directory.reads(&request, name, &Endpoint::new("10.0.0.1", port))
    };
    let reads = |name: &str, port: u16, target: &str| reads_by(TARGET, name, port, target);
    assert_eq!(
        [1, 2, 3].map(|port| reads(&names.anybody, port, "")),
        [Codec::Fastjson2, Codec::Hessian2, Codec::Hessian2]
    );
    assert_eq!(reads(GATEWAYS, 3, ""), Codec::Hessian2);
    assert_eq!(reads(GATEWAYS, 3, "beijing"), Codec::Fastjson2);
    assert_eq!(reads(&directory.gateways_for("shanghai"), 4, "shanghai"), Codec::Hessian2);
    assert_eq!(reads_by("dubbo.tag", GATEWAYS, 3, "beijing"), Codec::Fastjson2);
    assert_eq!(reads(GATEWAYS, 3, "atlantis"), Codec::Hessian2, "as those without a tag");
}

#[test]
fn tls_is_spoken_where_an_address_says_it_or_else_its_node_and_with_everybody_but_gateways_where_that_is_wanted() {
    let secured = |port, says: &str| provider(port, &[("ssl-enabled", says)]);
    let view = Arc::new(View::of(1, vec![secured(1, "true"), secured(2, "false"), gateway_at(3, "")], Vec::new()));
    let (names, looked_up) = called(&[]);
    let spoken = |given: &[Endpoint], gateways: &[Endpoint], tls| {
        let (_, direct) = called(given);
        let all =
            if given.is_empty() { looked_up.clone() } else { looked_up.clone().into_iter().chain(direct).collect() };
        let directory = Directory::of(&all, gateways, std::slice::from_ref(&view), tls);
        let services = &directory.list.services;
        let listed = services.get(&names.anybody).into_iter().chain(services.get(GATEWAYS)).flatten();
        let mut found: Vec<String> = listed.map(|offer| offer.endpoint.to_string()).collect();
        found.sort();
        found
    };
    let [one, two, three] = [1, 2, 3].map(|port| Endpoint::new("10.0.0.1", port));
    let text = |all: &[&Endpoint]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let [one_tls, two_tls, three_tls] = [&one, &two, &three].map(|plain| plain.clone().with_tls());
    assert_eq!(spoken(&[], &[], TlsWith::Marked), text(&[&one_tls, &two, &three, &three]));
    assert_eq!(spoken(&[], &[], TlsWith::Everybody), text(&[&one_tls, &two_tls, &three, &three]));
    // The process's own word goes before that of the registry.
    assert_eq!(
        spoken(&[one, two_tls.clone()], &[], TlsWith::Marked)[..2],
        text(&[&Endpoint::new("10.0.0.1", 1), &two_tls])
    );
    let with_gateway = spoken(&[], std::slice::from_ref(&three_tls), TlsWith::Marked);
    assert_eq!(with_gateway, text(&[&one_tls, &two, &three_tls, &three_tls]));
}
