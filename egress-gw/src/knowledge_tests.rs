//! What consumers' nodes say of their calls, and for how long.

use super::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 8));

const ANYBODY: Caller<'_> = Caller {
    address: HERE,
    application: None,
    interface: "com.acme.Greeter",
    group: None,
    version: None,
    method: "greet",
};

fn reference(application: &str, timeout: u64) -> Reference {
    Reference {
        application: Some(application.into()),
        said: Arc::new(Said { timeout: Some(Duration::from_millis(timeout)), ..Said::default() }),
        ..Reference::default()
    }
}

#[test]
fn a_callers_own_reference_says_its_timeout() {
    let mut consumers = Consumers::default();
    consumers.add(HERE, "com.acme.Greeter", reference("shop", 300));
    consumers.add(HERE, "com.acme.Greeter", reference("billing", 5000));
    let ask = |application| consumers.timeout(&Caller { application, ..ANYBODY });
    let known = |longest, surely| {
        let [longest, surely] = [longest, surely].map(Duration::from_millis);
        Some(Known { longest, surely: Some(surely) })
    };
    assert_eq!(ask(Some("shop")), known(300, 300));
    assert_eq!(ask(Some("unheard-of")), None);
    assert_eq!(ask(None), known(5000, 300));
    assert_eq!(consumers.timeout(&Caller { address: THERE, ..ANYBODY }), None);
    assert_eq!(consumers.timeout(&Caller { interface: "com.acme.Other", ..ANYBODY }), None);
}

#[test]
fn a_methods_timeout_stands_over_the_references() {
    let mut consumers = Consumers::default();
    let said = Said {
        timeout: Some(Duration::from_millis(300)),
        method_timeouts: BTreeMap::from([("slow".to_owned(), Duration::from_secs(9))]),
        ..Said::default()
    };
    consumers.add(HERE, "com.acme.Greeter", Reference { said: Arc::new(said), ..reference("shop", 300) });
    let ask = |method| consumers.timeout(&Caller { application: Some("shop"), method, ..ANYBODY });
    assert_eq!(ask("slow").map(|known| known.longest), Some(Duration::from_secs(9)));
    assert_eq!(ask("greet").map(|known| known.longest), Some(Duration::from_millis(300)));
}

#[test]
fn a_reference_without_a_timeout_makes_that_of_another_no_certainty() {
    let mut consumers = Consumers::default();
    consumers.add(HERE, "com.acme.Greeter", reference("shop", 5000));
    consumers.add(HERE, "com.acme.Greeter", Reference { said: Arc::default(), ..reference("shop", 0) });
    let known = consumers.timeout(&ANYBODY);
    assert_eq!(known, Some(Known { longest: Duration::from_millis(5000), surely: None }));
}

#[test]
fn a_reference_to_another_group_or_version_says_nothing_of_this_one() {
    let mut consumers = Consumers::default();
    let of = |group: Option<&str>, version: Option<&str>, timeout| Reference {
        group: group.map(Arc::from),
        version: version.map(Arc::from),
        ..reference("shop", timeout)
    };
    for reference in
        [of(None, None, 1), of(Some("g"), None, 2), of(Some("h, i"), Some("1.0.0"), 3), of(Some("j"), Some("*"), 4)]
    {
        consumers.add(HERE, "com.acme.Greeter", reference);
    }
    let ask = |group, version| {
        consumers.timeout(&Caller { group, version, ..ANYBODY }).map(|known| known.longest.as_millis())
    };
    assert_eq!([ask(None, None), ask(None, Some("0.0.0"))], [Some(1), Some(1)]);
    assert_eq!([ask(Some("g"), None), ask(Some("i"), Some("1.0.0")), ask(Some("i"), None)], [Some(2), Some(3), None]);
    assert_eq!(ask(Some("j"), Some("7")), Some(4));
}

/// A registry was frozen until the consumers' sessions ended: until they registered again their calls waited for a link as if
/// they had said no timeout, and were lost where it took a second.
#[test]
fn what_a_reference_said_counts_for_a_while_after_its_node_is_gone() {
    let (now, keep) = (Instant::now(), Duration::from_secs(30));
    let with = |timeouts: &[u64]| {
        let mut consumers = Consumers::default();
        timeouts.iter().for_each(|timeout| consumers.add(HERE, "com.acme.Greeter", reference("shop", *timeout)));
        consumers
    };
    let ask = |consumers: &Consumers| consumers.timeout(&ANYBODY).map(|known| known.longest.as_millis());
    let gone = after(with(&[]), &with(&[5000]), now, keep);
    assert_eq!((ask(&gone), gone.only_application(HERE, "com.acme.Greeter")), (Some(5000), None));
    let later = |by| after(with(&[]), &gone, now + by, keep);
    assert_eq!(ask(&later(keep / 2)), Some(5000));
    assert_eq!(ask(&later(keep)), None, "that it was looked at meanwhile makes it no longer");
    let back = after(with(&[700]), &gone, now, keep);
    assert_eq!(ask(&back), Some(700));
    assert_eq!(ask(&after(with(&[]), &back, now, keep)), Some(700), "what it said before is over");
}

#[test]
fn a_reference_that_is_gone_says_its_timeout_beside_another_that_says_none() {
    let (now, keep) = (Instant::now(), Duration::from_secs(30));
    let before = with(vec![reference("pay", 120_000)]);
    let silent = Reference { said: Arc::default(), ..reference("shop", 0) };
    let consumers = after(with(vec![silent]), &before, now, keep);
    assert_eq!(consumers.timeout(&ANYBODY).map(|known| known.longest), Some(Duration::from_secs(120)));
}

#[test]
fn an_application_is_known_only_where_it_is_the_only_one() {
    let mut consumers = Consumers::default();
    consumers.add(HERE, "com.acme.Greeter", reference("shop", 300));
    consumers.add(HERE, "com.acme.Greeter", reference("shop", 400));
    assert_eq!(consumers.only_application(HERE, "com.acme.Greeter"), Some("shop"));
    consumers.add(HERE, "com.acme.Greeter", reference("billing", 400));
    assert_eq!(consumers.only_application(HERE, "com.acme.Greeter"), None);
    assert_eq!(consumers.only_application(THERE, "com.acme.Greeter"), None);
}

/// Calls of 2.6 and dubbo-go name no application: theirs is that of the only reference at their address.
#[test]
fn the_node_of_an_sdk_makes_no_second_application_of_an_address() {
    let mut consumers = Consumers::default();
    for (application, release) in [("shop", "2.6.12"), ("tools", "highway-sdk-0.1.0")] {
        consumers.add_node(&node(application, &[("release", release)]), &heeding(&Prefixes::default(), &[]));
    }
    assert_eq!(consumers.only_application(HERE, "com.acme.Greeter"), Some("shop"));
}

#[test]
fn a_hub_leads_to_an_island_that_it_shows_or_that_nobody_shows() {
    let mut knowledge = Knowledge::default();
    assert!(knowledge.leads_to("hub-1", "shanghai"));
    knowledge.hubs.insert("shanghai".to_owned(), vec!["hub-2".to_owned()]);
    assert!(!knowledge.leads_to("hub-1", "shanghai"));
    assert!(knowledge.leads_to("hub-2", "shanghai"));
}

/// Where rules look at these parameters.
fn heeding<'a>(prefixes: &'a Prefixes, parameters: &[&'a str]) -> Heeded<'a> {
    Heeded { prefixes, parameters: parameters.iter().copied().collect() }
}

/// A reference of an application with these parameters, of which rules look at `zone` and `label`.
fn saying(application: &str, parameters: &[(&str, &str)]) -> Reference {
    Reference::of(&node(application, parameters), &heeding(&Prefixes::default(), &["zone", "label"]))
}

/// The node of an application with these parameters.
fn node(application: &str, parameters: &[(&str, &str)]) -> Arc<zk_bridge::Consumer> {
    let parameters = zk_bridge::Parameters(parameters.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect());
    Arc::new(zk_bridge::Consumer {
        application: Some(application.to_owned()),
        host: HERE.to_string(),
        interface: "com.acme.Greeter".to_owned(),
        group: None,
        version: None,
        parameters,
    })
}

/// `now` after `before`, where rules look at `zone`.
fn after(present: Consumers, before: &Consumers, now: Instant, keep: Duration) -> Consumers {
    present.after(before, now, keep, &heeding(&Prefixes::default(), &["zone"]))
}

fn with(references: Vec<Reference>) -> Consumers {
    let mut consumers = Consumers::default();
    references.into_iter().for_each(|reference| consumers.add(HERE, "com.acme.Greeter", reference));
    consumers
}

/// Releases before 2.7 do not name their application in a call: one application's word moved the calls of another on the same machine.
#[test]
fn of_a_caller_that_may_be_one_of_several_nobodys_word_counts() {
    let shop = || saying("shop", &[("highway.shanghai", "ALL")]);
    let consumers = with(vec![shop()]);
    let nameless = |consumers: &Consumers| consumers.made(ANYBODY).word().map(|word| format!("{word:?}"));
    assert_eq!(nameless(&consumers).as_deref(), Some("Island(\"shanghai\")"));
    let consumers = with(vec![shop(), saying("billing", &[])]);
    assert_eq!(nameless(&consumers), None);
    let named = Caller { application: Some("shop"), ..ANYBODY };
    assert_eq!(consumers.made(named).word(), Some(Word::Island("shanghai")));
}

#[test]
fn a_callers_own_reference_says_which_island_its_call_is_for() {
    let consumers = with(vec![
        saying("shop", &[("highway.shanghai", "ALL")]),
        saying("billing", &[("highway.beijing", "pay")]),
        Reference { group: Some("g".into()), ..saying("shop", &[("highway.beijing", "ALL")]) },
    ]);
    let ask = |application, method| consumers.made(Caller { application: Some(application), method, ..ANYBODY }).word();
    assert_eq!(ask("shop", "greet"), Some(Word::Island("shanghai")));
    assert_eq!((ask("billing", "pay"), ask("billing", "greet")), (Some(Word::Island("beijing")), Some(Word::Local)));
    assert_eq!(ask("other", "greet"), None);
    let grouped = Caller { application: Some("shop"), group: Some("g"), ..ANYBODY };
    assert_eq!(consumers.made(grouped).word(), Some(Word::Island("beijing")));
    assert_eq!(consumers.made(Caller { address: THERE, ..grouped }).word(), None);
    assert_eq!(consumers.made(Caller { interface: "com.acme.Other", ..grouped }).word(), None);
}

#[test]
fn references_that_cannot_be_told_apart_and_say_two_things_say_both() {
    let consumers = with(vec![
        saying("shop", &[("highway.shanghai", "ALL")]),
        saying("shop", &[("highway.beijing", "pay")]),
        saying("shop", &[]),
    ]);
    let ask = |method| consumers.made(Caller { application: Some("shop"), method, ..ANYBODY }).word();
    assert_eq!(ask("pay"), Some(Word::Contradiction(["shanghai", "beijing"])));
    assert_eq!(ask("greet"), Some(Word::Contradiction(["shanghai", "local"])));
}

#[test]
fn what_a_reference_says_of_islands_counts_for_the_hold_down_after_its_node_is_gone() {
    let (now, keep) = (Instant::now(), Duration::from_secs(30));
    let gone = after(with(vec![]), &with(vec![saying("shop", &[("highway.shanghai", "ALL")])]), now, keep);
    assert_eq!(gone.made(ANYBODY).word(), Some(Word::Island("shanghai")));
    assert_eq!(after(with(vec![]), &gone, now + keep, keep).made(ANYBODY).word(), None);
    let anew = after(with(vec![saying("shop", &[])]), &gone, now, keep);
    assert_eq!(anew.made(ANYBODY).word(), None, "an application that has registered anew has said all");
}

#[test]
fn a_rule_that_comes_while_a_node_is_gone_finds_its_parameters() {
    use route::Lookup;
    let (now, keep) = (Instant::now(), Duration::from_secs(30));
    let gone = after(with(vec![]), &with(vec![saying("shop", &[("zone", "a"), ("rack", "r1")])]), now, keep);
    let rack = |consumers: &Consumers| Parameters(Some(consumers.made(ANYBODY))).get("rack").map(Cow::into_owned);
    assert_eq!(rack(&gone), None, "nobody looks at it");
    let heeded = Prefixes::default();
    let later = with(vec![]).after(&gone, now, keep, &heeding(&heeded, &["rack"]));
    assert_eq!(rack(&later).as_deref(), Some("r1"));
}

#[test]
fn a_parameter_of_the_consumers_node_counts_where_all_its_references_say_the_same() {
    use route::Lookup;
    let consumers = with(vec![
        saying("shop", &[("zone", "a"), ("label", "x")]),
        saying("shop", &[("zone", "a"), ("label", "y")]),
        saying("billing", &[("zone", "b")]),
    ]);
    let ask = |application, key: &str| {
        let caller = Caller { application: Some(application), ..ANYBODY };
        Parameters(Some(consumers.made(caller))).get(key).map(Cow::into_owned)
    };
    assert_eq!((ask("shop", "zone").as_deref(), ask("billing", "zone").as_deref()), (Some("a"), Some("b")));
    assert_eq!((ask("shop", "label"), ask("shop", "none")), (None, None));
    assert_eq!(Parameters(None).get("zone"), None);
}
