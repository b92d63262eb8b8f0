//! The classes of `examples/spring-boot` and `examples/dubbo-2.6`, on every line of Dubbo that can: the address of one call, and the forms of the
//! annotation.
//!
//! ```text
//!   island home: applications with Spring, an egress with a port for shanghai   ⇒   shanghai, beijing: a provider each
//! ```
//! Both islands offer the same service, so that a call without an address is refused: nothing goes anywhere by chance.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use lab::install::Release;
use lab::line::{Line, Plan, Watched};
use lab::peer::{Answer, Application, Call, DUBBO_PORT, GREETING, INTEROP, Peer, Service};
use lab::process::{together, until};
use serde_json::json;

/// A node of the registry is known to the gateway at once; a machine may be busy, and the node of an application that was killed stays for ten
/// seconds.
const KNOWN: Duration = Duration::from_secs(45);

struct Everything {
    providers: Vec<Peer>,
    line: Line,
}

impl Everything {
    /// How often this method of this provider has run.
    fn ran(&self, method: &str) -> u64 {
        self.providers.iter().filter_map(|provider| provider.counts().unwrap().get(method).copied()).sum()
    }
}

/// For one test at a time: 2.6 does not name its application in a call, so applications of several tests could not be told apart.
fn everything() -> (&'static Everything, Watched<'static>, MutexGuard<'static, ()>) {
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    static ALL: OnceLock<Everything> = OnceLock::new();
    let all = ALL.get_or_init(|| start().unwrap());
    (all, all.line.watched(), mine)
}

fn start() -> anyhow::Result<Everything> {
    let plan = Plan::of(&["home", "shanghai", "beijing"]).port("home", "shanghai", 20991);
    let line = Line::start(plan)?;
    let provider = |island: &str| {
        let application = Application::new(&format!("provider-{island}"), Release::V3_3_6)
            .port(line.island(island).place().listen(DUBBO_PORT)?.port())
            .service(Service::new(GREETING, island))
            .service(Service::new(INTEROP, island));
        line.application(island, application)
    };
    let providers = vec![provider("shanghai")?, provider("beijing")?];
    line.island("home").finds(GREETING)?;
    line.island("home").finds(INTEROP)?;
    Ok(Everything { providers, line })
}

/// An application of island home with these beans.
fn application(line: &Line, release: Release, beans: &[&str]) -> Peer {
    let name = format!("{}-{}", beans[0].rsplit('.').next().unwrap().to_lowercase(), release.version());
    let home = line.island("home");
    let authority = |url: String| url.trim_start_matches("dubbo://").to_owned();
    let application = Application::new(&name, release)
        .flag(&format!("-Degress={}", authority(home.egress_url())))
        .flag(&format!("-Degress.shanghai={}", authority(home.egress_url_to("shanghai"))));
    line.application("home", beans.iter().fold(application, |application, bean| application.bean(bean))).unwrap()
}

/// On every release that can, side by side.
fn on_each(can: impl Fn(Release) -> bool, does: impl Fn(Release) + Sync) {
    let releases = Release::ALL.into_iter().filter(|release| can(*release)).collect();
    let one = |release| {
        does(release);
        Ok(())
    };
    together(releases, one).unwrap();
}

fn call(peer: &Peer, bean: &str, method: &str, arguments: &[&str]) -> Answer {
    let arguments: Vec<_> = arguments.iter().map(|argument| json!(argument)).collect();
    peer.call(&Call::new(bean, method, arguments)).unwrap()
}

fn refused_for_want_of_an_address(answer: Answer, what: &str) {
    let thrown = answer.threw();
    assert!(thrown.text().contains("highway.target"), "{what}: {thrown:?}");
}

/// The sentences of the comment in `ForThisThread`.
#[test]
fn an_address_of_this_thread_is_for_one_call_and_gone_behind_it() {
    let (all, line, _mine) = everything();
    on_each(
        |_| true,
        |release| {
            let version = release.version();
            let peer = application(&all.line, release, &["examples.PerCall", "lab.OneThread"]);
            for island in ["shanghai", "beijing"] {
                let hello = call(&peer, "examples.PerCall", "greet", &[island, "bo"]).returned();
                assert_eq!(hello, json!(format!("Hello bo, this is {island}")), "{version}");
            }
            for method in ["behind", "second", "behindNone", "behindUrl"] {
                let answer = call(&peer, "lab.OneThread", method, &["shanghai"]);
                refused_for_want_of_an_address(answer, &format!("{version} {method}"));
            }
            let uncleared = call(&peer, "lab.OneThread", "behindUrlUncleared", &["shanghai"]);
            if release == Release::V2_7_23 {
                assert_eq!(uncleared.returned(), json!("Hello behind, this is shanghai"), "what the finally is for");
            } else {
                refused_for_want_of_an_address(uncleared, version);
            }
        },
    );
    drop(line);
}

#[test]
fn an_address_in_the_annotation_is_for_every_call() {
    let (all, line, _mine) = everything();
    on_each(
        |_| true,
        |release| {
            let forms: &[&str] =
                if has_tags(release) { &["examples.ByUrl", "examples.ByTag"] } else { &["examples.ByUrl"] };
            let peer = application(&all.line, release, forms);
            for form in forms {
                for name in ["bo", "li"] {
                    let hello = call(&peer, form, "greet", &[name]).returned();
                    assert_eq!(hello, json!(format!("Hello {name}, this is shanghai")), "{} {form}", release.version());
                }
            }
        },
    );
    drop(line);
}

/// Parameters are never on the wire: the gateway finds them in the registry. 2.6 does not say its application, and is alone at its address.
#[test]
fn an_address_in_the_parameters_of_a_reference_is_for_every_call_or_for_single_methods() {
    let (all, line, _mine) = everything();
    let does = |release: Release| {
        let version = release.version();
        let peer = application(&all.line, release, &["examples.ByParameter"]);
        let greet = || call(&peer, "examples.ByParameter", "greet", &["bo"]);
        let hello = json!("Hello bo, this is shanghai");
        until("the parameter is known", KNOWN, || (greet().result == hello).then_some(())).unwrap();
        assert_eq!(greet().returned(), hello, "{version}");
        drop(peer);

        let peer = application(&all.line, release, &["examples.ByMethod"]);
        let there = || call(&peer, "examples.ByMethod", "there", &["bo"]);
        until("the parameter is known", KNOWN, || (there().result == json!("bo")).then_some(())).unwrap();
        let before = all.ran("shanghai.text");
        assert_eq!(there().returned(), json!("bo"), "{version}");
        // Others call at the same time; nothing goes to the other island.
        assert!(all.ran("shanghai.text") > before, "{version}");
        assert_eq!(all.ran("beijing.text"), 0, "{version}");
        let here = call(&peer, "examples.ByMethod", "here", &["bo"]).threw();
        assert!(here.text().contains("local"), "{version}: {here:?}");
    };
    does(Release::V2_6_12);
    on_each(|release| release != Release::V2_6_12, does);
    drop(line);
}

/// The sentences of the comment in `ByTag`.
#[test]
fn a_tag_that_no_address_has_falls_to_one_without_unless_that_is_forbidden() {
    let (all, line, _mine) = everything();
    on_each(has_tags, |release| {
        let falls = application(&all.line, release, &["lab.Falls"]);
        refused_for_want_of_an_address(call(&falls, "lab.Falls", "greet", &["bo"]), release.version());
        let stays = application(&all.line, release, &["lab.Stays"]);
        if release == Release::V2_7_23 {
            refused_for_want_of_an_address(call(&stays, "lab.Stays", "greet", &["bo"]), "2.7 falls all the same");
        }
        let forced = if release == Release::V2_7_23 { "forced" } else { "greet" };
        let thrown = call(&stays, "lab.Stays", forced, &["bo"]).threw();
        assert!(thrown.text().contains("No provider available"), "{}: {thrown:?}", release.version());
    });
    drop(line);
}

/// A reference of 2.6 has none.
fn has_tags(release: Release) -> bool {
    release != Release::V2_6_12
}
