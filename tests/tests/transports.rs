//! Each transport by itself, with none to fall back to, through boxes that let some of them pass: what passes carries calls over a restart of
//! the box, what does not says what it found and what to ask for.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use highway_tests::boxes::{Extent, Leg, Stage, line};
use lab::boxes::Kind;
use lab::process::until;
use lab::program::Program;

/// A handshake that waits is given up after ten seconds.
const TOLD: Duration = Duration::from_secs(40);
/// From the start of a gateway until it is linked.
const READY: Duration = Duration::from_secs(30);

/// One stage for this file, and one test at a time at it: each changes what gateways are told.
fn with_leg(name: &str, test: impl FnOnce(&Stage, &Leg)) {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let kinds = ["nginx-h2", "waf-forms", "squid-443", "mitm-buffer"].map(|name| Kind::of(name).unwrap());
    let stage = STAGE.get_or_init(|| Stage::start(&kinds).unwrap());
    test(stage, stage.leg(name).unwrap());
}

/// Both gateways of a leg with this under `[[hub]]` in place of what they had; what a test before wrote goes.
fn tell(stage: &Stage, leg: &Leg, transport: &str, encoding: &str) {
    for gateway in [stage.ingress(leg), stage.egress(leg)] {
        let typed = fs::read_to_string(gateway.configuration()).unwrap();
        let is_kept = |line: &&str| !line.starts_with("transport = ") && !line.starts_with("post.encoding = ");
        let kept: String = typed.lines().filter(is_kept).map(|line| format!("{line}\n")).collect();
        let told = format!("[[hub]]\ntransport = \"{transport}\"\n{encoding}");
        fs::write(gateway.configuration(), kept.replacen("[[hub]]\n", &told, 1)).unwrap();
        gateway.stop().unwrap();
        gateway.start().unwrap();
    }
}

fn passes(name: &str, transport: &str, encoding: &str) {
    with_leg(name, |stage, leg| {
        tell(stage, leg, transport, encoding);
        stage.ingress(leg).ready(READY).unwrap_or_else(|error| panic!("{error:#}\n{}", stage.last_words(leg)));
        let figures = stage.trial(leg, Extent::Short).unwrap();
        print!("{}", line(&figures));
        assert_eq!((figures.failures(), figures.transport.as_str()), (0, transport), "{}", stage.last_words(leg));
    });
}

/// No gateway is linked, and both say this.
fn says(name: &str, transport: &str, sentence: &str) {
    with_leg(name, |stage, leg| {
        tell(stage, leg, transport, "");
        for gateway in [stage.egress(leg), stage.ingress(leg)] {
            let page = |gateway: &Program| gateway.status().map(|status| status.to_string()).unwrap_or_default();
            until(sentence, TOLD, || page(gateway).contains(sentence).then_some(()))
                .unwrap_or_else(|error| panic!("{error:#}: {}", page(gateway)));
        }
    });
}

/// nginx keeps the head of an answer in its TLS buffer until the answer's first bytes come.
#[test]
fn h2_passes_an_nginx_that_ends_tls() {
    passes("nginx-h2", "h2", "");
}

#[test]
fn ws_passes_an_nginx_that_ends_tls() {
    passes("nginx-h2", "ws", "");
}

#[test]
fn post_passes_an_nginx_that_ends_tls() {
    passes("nginx-h2", "post", "");
}

#[test]
fn post_passes_a_proxy_that_is_asked_by_connect_and_wants_credentials() {
    passes("squid-443", "post", "");
}

/// It shows a certificate of its own authority, and stores every body.
#[test]
fn post_passes_a_proxy_that_looks_into_tls() {
    passes("mitm-buffer", "post", "");
}

#[test]
fn h1_says_that_an_nginx_that_holds_requests_lets_no_stream_pass() {
    says("nginx-h2", "h1", "no answer within 10s: a box on the way holds requests, or answers, until they are whole");
}

#[test]
fn a_firewall_with_the_core_rules_passes_posts_that_are_forms() {
    passes("waf-forms", "post", "post.encoding = \"multipart\"\n");
}

#[test]
fn a_firewall_with_the_core_rules_refuses_plain_posts_and_the_gateway_says_what_to_ask_for() {
    says(
        "waf-forms",
        "post",
        "a firewall on the way refuses POSTs of application/octet-stream to /highway/link/post; ask for an exclusion of this path",
    );
}
