//! The line through every box that may stand between an island and the hub, each started again under load: no call fails by a box, for
//! a link's session outlives its connections. The quick part of `cargo xtask middleboxes`.
//!
//! ```text
//!   island a: load ─▶ egress ──▶ box ──▶ hub ◀── box ◀── ingress ─▶ echo :island b       a pair of gateways for each box
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use highway_tests::boxes::{Extent, Stage, line};
use highway_tests::yardstick::Yardstick;
use lab::boxes::Kind;
use lab::install;

/// From the start of an egress to its first answer, at whatever box.
const FIRST: Duration = Duration::from_secs(5);
/// Longer than the shortest idle limits of the boxes: 5 s of a balancer, 10 s of a device that forgets.
const SILENT: Duration = Duration::from_secs(13);
/// What is called after a silence is answered within this: nothing had to be made anew.
const AWAKE: Duration = Duration::from_secs(1);

/// Tests of single boxes may run beside each other, but not beside a silence.
static SOUND: RwLock<()> = RwLock::new(());

/// One stage for this file; each test has a box of its own.
fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| Stage::start(&Kind::ALL).unwrap())
}

/// Calls go through a box, which is started again meanwhile.
fn no_call_fails(name: &str) {
    let stage = stage();
    let _sound = SOUND.read().unwrap_or_else(PoisonError::into_inner);
    let leg = stage.leg(name).unwrap();
    let yardstick = Yardstick::start();
    let began = std::time::Instant::now();
    let figures = stage.trial(leg, Extent::Short).unwrap();
    let stalled = yardstick.stalled(began, began + figures.first);
    print!("{}", line(&figures));
    assert_eq!(figures.failures(), 0, "{}\n{}", line(&figures), stage.last_words(leg));
    assert!(figures.answered >= 4_000, "{}", line(&figures));
    assert!(figures.first <= FIRST + stalled, "the machine stalled {stalled:?}: {}", line(&figures));
}

macro_rules! each_box {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[test]
            fn $test() {
                no_call_fails($name);
            }
        )*

        #[test]
        fn every_box_has_its_test() {
            assert_eq!(Kind::ALL.map(|kind| kind.name), [$($name),*]);
        }
    };
}

each_box! {
    no_call_fails_without_a_box: "none",
    no_call_fails_by_nginx_as_it_comes: "nginx-default",
    no_call_fails_by_nginx_that_passes_upgrades: "nginx-upgrade",
    no_call_fails_by_nginx_that_ends_tls: "nginx-h2",
    no_call_fails_by_nginx_in_cleartext_http2: "nginx-h2c",
    no_call_fails_by_a_balancer_that_cuts_after_5_s: "haproxy-idle5",
    no_call_fails_by_a_balancer_that_ends_tls: "haproxy-h2",
    no_call_fails_by_envoy: "envoy-h2",
    no_call_fails_by_envoy_with_its_time_limit: "envoy-timeout15",
    no_call_fails_by_a_web_application_firewall: "waf-crs",
    no_call_fails_by_a_firewall_that_takes_forms_alone: "waf-forms",
    no_call_fails_by_a_proxy_that_wants_credentials: "squid-443",
    no_call_fails_by_a_proxy_that_stores_bodies: "mitm-buffer",
    no_call_fails_by_apache_without_upgrades: "apache-http",
    no_call_fails_by_a_cache: "varnish-pipe",
    no_call_fails_by_a_device_that_forgets: "nat10",
    no_call_fails_by_connections_that_end_at_random: "rude-fin",
    no_call_fails_on_a_thin_line: "thin30",
}

/// Heartbeats are data to every box: whoever cuts what is silent has nothing to cut.
#[test]
fn links_outlive_a_silence_at_every_box() {
    let stage = stage();
    // Whoever starts a gateway or a box again makes new connections.
    let _silence = SOUND.write().unwrap_or_else(PoisonError::into_inner);
    assert!(stage.left_out.is_empty(), "{:?}", stage.left_out);
    assert_eq!(stage.silence(SILENT, AWAKE).unwrap(), [""; 0]);
}

/// What gets through it is then not let through by a firewall that sleeps.
#[test]
fn the_firewall_refuses_an_attack_that_nginx_lets_through() {
    let stage = stage();
    let asked = |name: &str| {
        let place = stage.leg(name).unwrap().running.place().clone();
        place.get(&format!("http://{}:8080/?q=%3Cscript%3Ealert(1)%3C/script%3E", place.address())).unwrap().0
    };
    assert_eq!((asked("waf-crs"), asked("nginx-upgrade")), (403, 404));
}

#[test]
fn the_document_tells_of_every_box() {
    let document = std::fs::read_to_string(install::workspace().join("docs/middleboxes.md")).unwrap();
    for kind in Kind::ALL {
        let row = format!("\n| `{}` | {} | ", kind.name, kind.about);
        assert!(document.contains(&row), "docs/middleboxes.md lacks{row}");
        let figures = document.split_once("\n## Figures").map_or("", |(_, behind)| behind);
        let row = format!("\n| {} | ", kind.name);
        assert!(
            figures.contains(&row),
            "docs/middleboxes.md lacks the figures of {}: cargo xtask middleboxes --write",
            kind.name
        );
    }
}
