//! What the listing makes of what comes and goes: services, providers, rules.

use std::time::SystemTime;

use route::rules::parse;
use wire::dubbo::frame::Codec;
use zk_bridge::{Level, Parameters, Provider};

use super::*;
use crate::forms::Forms;
use crate::request::{Reference, Request};
use crate::rulings::Rulings;

const GREETER: &str = "com.acme.Greeter";
const LEDGER: &str = "com.acme.Ledger";

fn service(interface: &str) -> Arc<ServiceKey> {
    Arc::new(ServiceKey::new(interface, None, None))
}

fn provider(interface: &str) -> Provider {
    Provider {
        key: ServiceKey::new(interface, None, None),
        host: "10.0.0.1".to_owned(),
        port: 20880,
        path: interface.to_owned(),
        level: Level::Interface,
        application: None,
        parameters: Parameters::default(),
        highway: None,
    }
}

/// A registry that is read for `wanted`, as far as `read`, in which these have a provider.
fn view(wanted: &[&str], read: &[&str], provided: &[&str]) -> Arc<View> {
    let providers = provided.iter().map(|interface| provider(interface)).collect();
    Arc::new(View::of(1, providers, Vec::new()).narrowed(wanted, read))
}

/// With one registry, and with these rules.
fn listing(rules: &str) -> Arc<Listing> {
    let document = Arc::new(parse("d", rules).unwrap());
    let rules = Rules::new([document], SystemTime::UNIX_EPOCH).unwrap();
    Listing::new(Vec::new(), vec![Arc::new(View::unread())], "".into(), Some(Arc::new(rules)), TlsWith::Marked)
}

/// For how long the greeter's provider counts as back.
fn back_for(listing: &Listing) -> Option<Duration> {
    let directory = listing.directory().borrow().clone();
    directory.ground.as_ref().unwrap().snapshot.local_for(&service_key(&service(GREETER)))
}

#[test]
fn a_call_is_written_once_as_soon_as_it_is_known_what_is_read() {
    let listing =
        Listing::new(Vec::new(), vec![Arc::new(View::unread())], "".into(), Some(Arc::default()), TlsWith::Marked);
    let (first, second) = (listing.want(service(GREETER), Vec::new()), listing.want(service(GREETER), Vec::new()));
    let given = listing.want(service(GREETER), vec![Endpoint::new("10.0.0.1", 20880)]);
    let forms = || [&first, &second, &given].map(|wanted| wanted.forms.get());
    let hessian2 = Forms::One(Codec::Hessian2);
    assert_eq!(forms(), [Forms::Both, Forms::Both, hessian2]);
    listing.shows(0, Arc::new(View::of(1, Vec::new(), Vec::new())));
    assert_eq!(forms(), [hessian2; 3]);
}

/// A client that was made anew waited for `back-after` before it called the provider that had been there all the time: while the registry
/// was read again for its service, the provider counted as gone.
#[test]
fn only_a_provider_that_was_seen_and_gone_is_back_when_it_comes() {
    let listing = listing("rules: [{name: r, act: {local-first: {then: [shanghai], back-after: 30s}}}]");
    let client = listing.want(service(GREETER), Vec::new());
    listing.shows(0, view(&[GREETER], &[GREETER], &[GREETER]));
    assert_eq!(back_for(&listing), None, "it was there when it was first looked for");
    drop(client);
    listing.shows(0, view(&[], &[], &[]));
    let client = listing.want(service(GREETER), Vec::new());
    listing.shows(0, view(&[GREETER], &[GREETER], &[GREETER]));
    assert_eq!(back_for(&listing), None, "a client made anew finds the same provider");
    let ledger = listing.want(service(LEDGER), Vec::new());
    listing.shows(0, view(&[GREETER, LEDGER], &[], &[]));
    listing.shows(0, view(&[GREETER, LEDGER], &[GREETER, LEDGER], &[GREETER]));
    assert_eq!(back_for(&listing), None, "another service is looked up as well");
    listing.shows(0, view(&[GREETER, LEDGER], &[GREETER, LEDGER], &[]));
    listing.shows(0, view(&[GREETER, LEDGER], &[GREETER, LEDGER], &[GREETER]));
    assert!(back_for(&listing).is_some(), "it was gone, and came");
    drop((client, ledger));
}

#[test]
fn of_services_that_nobody_calls_any_more_nothing_is_kept() {
    let listing = listing("rules: [{name: r, act: {island: local}}]");
    for number in 0..100 {
        let name = format!("com.acme.Service{number}");
        let _client = listing.want(service(&name), Vec::new());
        listing.shows(0, view(&[&name], &[&name], &[&name]));
        assert_eq!(listing.state().local.len(), 1);
    }
    assert_eq!(listing.state().local, BTreeSet::new());
}

/// It was judged by all interfaces together: a call waited for the registry to be read for another service, and was told that no
/// registry could be read.
#[test]
fn that_nobody_is_here_is_known_of_a_service_whatever_is_still_read_for_another() {
    let listing = listing("rules: [{name: r, match: {methods: [other]}, act: {refuse: no}}]");
    let _clients = [GREETER, LEDGER].map(|interface| listing.want(service(interface), Vec::new()));
    listing.shows(0, view(&[GREETER, LEDGER], &[GREETER], &[]));
    let directory = listing.directory().borrow().clone();
    let told = |interface: &str| {
        let request = Request::bare(ServiceKey::new(interface, None, None), "shop");
        let facts = directory.facts(&request);
        Rulings::default().begins(&request, Names::new(&service(interface), &[]).way(), Some("local"), facts)
    };
    let refused = told(GREETER).unwrap_err().to_string();
    assert!(refused.contains("has no provider of `com.acme.Greeter`"), "{refused}");
    assert!(matches!(told(LEDGER), Err(route::Refusal::NotYetKnown { .. })), "{:?}", told(LEDGER));
}

/// Calls to addresses that were given left before it was known that a switch stops them.
#[test]
fn calls_to_given_addresses_wait_for_the_rules_and_go_without_when_these_have_had_their_time() {
    let listing = Listing::new(Vec::new(), vec![Arc::new(View::unread())], "".into(), None, TlsWith::Marked);
    let began = Instant::now();
    let given = listing.want(service(GREETER), vec![Endpoint::new("10.0.0.1", 20880)]);
    let (application, names) = ("shop".to_owned(), given.names.clone());
    let of = Reference { service: service(GREETER), names, application, payload_len: 1 << 20 };
    let request = Request { of: Arc::new(of), ..Request::bare(ServiceKey::new(GREETER, None, None), "shop") };
    let begins = || {
        let directory = listing.directory().borrow().clone();
        Rulings::default().begins(&request, given.names.way(), None, directory.facts(&request))
    };
    assert!(matches!(begins(), Err(route::Refusal::NotYetKnown { .. })), "{:?}", begins());
    listing.look(began + RULES_WITHIN / 2);
    assert!(begins().is_err());
    listing.look(began + RULES_WITHIN + Duration::from_secs(1));
    assert_eq!(begins(), Ok(route::Near::Listed));
    let off = Arc::new(parse("d", "switches: [{name: s, say: closed}]").unwrap());
    listing.obeys(Arc::new(Rules::new([off], SystemTime::UNIX_EPOCH).unwrap()));
    assert!(matches!(begins(), Err(route::Refusal::SwitchedOff { .. })), "it comes late and counts: {:?}", begins());
}
