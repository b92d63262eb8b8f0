//! What was seen, and what is said of it: no network, and a sentence for each kind of box.

use std::time::{Duration, SystemTime};

use super::seen::{
    Connect, Cut, Flow, Heard, Inspection, Largest, Proxied, Seen, Stream, Times, Tls, TlsProblem, Upgrade, Who,
};
use super::sentences;
use super::verdict::verdict;
use super::{Mark, Step};

fn heard(who: Who, status: u16) -> Heard {
    let (server, location, reached) = (Some("nginx".to_owned()), None, None);
    Heard {
        who,
        status,
        server,
        location,
        is_html: false,
        reached,
        took: Duration::from_millis(3),
        here: SystemTime::UNIX_EPOCH,
        date: None,
    }
}

fn all(step: &Step) -> String {
    let parts = [Some(&step.saw), step.means.as_ref(), step.ask.as_ref()];
    parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn a_page_of_somebody_else_is_no_hub() {
    let portal = Heard { location: Some("http://login.example/in?ticket=sesame".to_owned()), ..heard(Who::Other, 302) };
    let page = Heard { is_html: true, ..heard(Who::Other, 200) };
    for seen in [portal, page] {
        let step = sentences::answer(&Ok(seen), "/highway/link");
        assert_eq!(step.mark, Mark::Bad);
        assert!(all(&step).contains("something other than the hub answers"), "{step:?}");
        assert!(!all(&step).contains("sesame"), "{step:?}");
    }
    let step = sentences::answer(&Ok(heard(Who::Other, 502)), "/highway/link");
    assert!(all(&step).contains("cannot reach it"), "{step:?}");
    let step = sentences::answer(&Ok(Heard { reached: Some("HTTP/1.0".to_owned()), ..heard(Who::Hub, 200) }), "/");
    assert_eq!((step.mark, all(&step).contains("HTTP/1.0")), (Mark::Note, true));
}

#[test]
fn an_upgrade_that_is_answered_with_a_page_gets_the_three_lines() {
    let step = sentences::upgrade(&Upgrade::Status(200));
    let text = all(&step);
    assert!(text.starts_with("status 200 instead of 101\nthe proxy does not pass WebSocket upgrades"), "{text}");
    for line in ["proxy_http_version 1.1;", "proxy_set_header Upgrade", "proxy_set_header Connection"] {
        assert!(text.contains(line), "{text}");
    }
    assert!(all(&sentences::upgrade(&Upgrade::Silent)).contains("frames do not pass"));
}

#[test]
fn a_firewall_is_told_by_what_it_refuses_and_the_line_has_the_path() {
    let by_type = Inspection { binary: Some(403), json: Some(200), spelling: Some(403) };
    let by_content = Inspection { binary: Some(200), json: Some(200), spelling: Some(403) };
    for (seen, words) in [(by_type, "by their content type"), (by_content, "looks into bodies")] {
        let text = all(&sentences::inspection(&seen, "/shop/highway/link"));
        assert!(text.contains(words) && text.contains("\"@beginsWith /shop/highway/link\""), "{text}");
    }
    let open = Inspection { binary: Some(200), json: Some(200), spelling: Some(200) };
    assert_eq!(sentences::inspection(&open, "/").mark, Mark::Good);
}

#[test]
fn a_proxy_that_wants_credentials_and_one_that_allows_no_such_port_are_two_things() {
    let of = |sentence: &str| {
        let (proxy, hub) = ("10.1.2.3:3128".to_owned(), "hub:8443".to_owned());
        all(&sentences::proxied(&Proxied { proxy, hub, refused: Some(sentence.to_owned()) }))
    };
    let unknown = of("proxy 10.1.2.3:3128 wants credentials (407); write them into a file");
    assert!(unknown.contains("whom it knows") && unknown.ends_with("\nwrite them into a file"), "{unknown}");
    let port = of("proxy 10.1.2.3:3128 does not allow CONNECT to hub:8443 (403); ask for this host and port");
    assert!(port.contains("do not allow this host and port"), "{port}");
}

#[test]
fn who_ends_tls_on_the_way_is_named() {
    let certificate = super::seen::Certificate {
        subject: "hub".to_owned(),
        issuer: "Acme Inspection".to_owned(),
        from: "2026-01-01T00:00:00Z".to_owned(),
        until: "2027-01-01T00:00:00Z".to_owned(),
        is_over: false,
        ends_soon: false,
        fingerprint: "ab".repeat(32),
    };
    let problem = Some(TlsProblem::UnknownIssuer);
    let (name, version) = ("hub".to_owned(), String::new());
    let text = all(&sentences::tls(&Tls { name, version, has_h2: false, certificate: Some(certificate), problem }));
    assert!(text.contains("TLS is ended on the way by Acme Inspection") && text.contains(&"ab".repeat(32)), "{text}");
}

#[test]
fn limits_are_told_with_what_passed_and_who_refused() {
    let seen = Largest { passed: Some(256 << 10), refused: Some((1 << 20, "413 by nginx".to_owned())) };
    let step = sentences::bodies(&seen);
    assert_eq!((step.mark, step.saw.as_str()), (Mark::Note, "up to 256 KB pass, 1 MB got 413 by nginx"));
    assert_eq!(sentences::bodies(&Largest { passed: Some(1 << 10), refused: None }).mark, Mark::Bad);
    assert_eq!(sentences::heads(&Largest { passed: Some(7 << 10), refused: None }).mark, Mark::Good);
    let cut = |cut| Times { cut: Some((Duration::from_secs(12), cut)), ..Times::default() };
    let text = |times: &Times| all(&sentences::times(times)[0]);
    assert!(text(&cut(Cut::Ended)).contains("idle connections are cut after 12 s"));
    assert!(text(&cut(Cut::Forgotten)).contains("flows are forgotten after about 12 s"));
    let late = Times { wait: Some((Duration::from_secs(60), Ok(504))), ..Times::default() };
    assert!(all(&sentences::times(&late)[1]).contains("answers must come within 60 s"));
}

#[test]
fn a_port_where_nobody_listens_is_not_one_that_a_firewall_drops() {
    let of = |error: &str| {
        let ended = Err(error.to_owned());
        all(&sentences::connect(&Connect { address: "10.0.0.1:443".parse().unwrap(), ended }))
    };
    assert!(of("connection refused").contains("nobody listens there"));
    assert!(of("no answer within 5s").contains("a firewall drops it"));
}

#[test]
fn the_verdict_names_what_passes_and_the_code_says_how_well() {
    let live = Stream::Live { slowest: Duration::from_millis(2) };
    let clean = Seen {
        answer: Some(Ok(heard(Who::Hub, 200))),
        upgrade: Some(Upgrade::Echoes { len: 100 << 10, took: Duration::from_millis(9) }),
        h2: Some(live.clone()),
        h1: Some(live),
        request_flow: Some(Flow::Live),
        bodies: Some(Largest { passed: Some(1 << 20), refused: None }),
        ..Seen::default()
    };
    let well = verdict(&clean, &[], None);
    assert_eq!((well.passes.as_slice(), well.code), (["ws", "h2", "h1", "post"].as_slice(), 0));

    let held = Seen {
        upgrade: Some(Upgrade::Status(200)),
        h2: Some(Stream::Silent),
        h1: Some(Stream::RequestHeld),
        request_flow: Some(Flow::Held),
        ..clean
    };
    let step = sentences::upgrade(&Upgrade::Status(200));
    let but = verdict(&held, std::slice::from_ref(&step), None);
    assert_eq!((but.passes.as_slice(), but.code), (["post"].as_slice(), 4));
    let set = verdict(&held, std::slice::from_ref(&step), Some("ws"));
    assert!(set.code == 3 && set.sentence.contains("transport = \"post\""), "{set:?}");

    let forms = verdict(&Seen { passes_forms: Some(true), ..Seen::default() }, std::slice::from_ref(&step), None);
    assert_eq!((forms.passes.as_slice(), forms.code), (["post"].as_slice(), 4));
    let refused = verdict(&Seen { passes_forms: Some(false), ..held }, std::slice::from_ref(&step), None);
    assert_eq!(
        (refused.passes.as_slice(), refused.code),
        ([].as_slice() as &[&str], 3),
        "bytes pass, and the gateway sends forms"
    );

    let nothing = verdict(&Seen::default(), &[step], None);
    assert_eq!(nothing.code, 3);
    assert_eq!(nothing.sentence, "no link can be made: the proxy does not pass WebSocket upgrades");
}
