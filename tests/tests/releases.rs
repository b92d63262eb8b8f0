//! Every released Dubbo is served by every other one through the line: one consumer and one provider of each, all pairs.
//!
//! What a call may carry is looked at elsewhere; this holds that each release finds, calls and answers at all.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use highway_tests::install::Release;
use highway_tests::line::{Line, Plan};
use highway_tests::peer::{Application, Call, DUBBO_PORT, GREETING, JavaPeer, Refer, Service};
use serde_json::json;

fn provider(line: &Line, release: Release, port: u16) -> JavaPeer {
    let name = format!("provider-{}", release.version());
    let place = line.island("b").place();
    let application = Application::new(&name, release)
        .port(place.listen(port).unwrap().port())
        .service(Service::new(GREETING, &name).group(release.version()));
    line.application("b", application).unwrap()
}

#[test]
fn every_release_is_answered_by_every_other() {
    let line = Line::start(Plan::new("a", "b")).unwrap();
    let line = &line.watched();
    let _providers: Vec<JavaPeer> = std::thread::scope(|scope| {
        let starting: Vec<_> = Release::ALL
            .into_iter()
            .zip(DUBBO_PORT..)
            .map(|(release, port)| scope.spawn(move || provider(line, release, port)))
            .collect();
        starting.into_iter().map(|one| one.join().unwrap()).collect()
    });
    line.island("a").finds(GREETING).unwrap();
    for release in Release::ALL {
        let consumer =
            line.application("a", Application::new(&format!("consumer-{}", release.version()), release)).unwrap();
        for other in Release::ALL {
            let group = other.version();
            consumer.refer(&Refer::new(group, GREETING).group(group).unchecked()).unwrap();
            let hello = consumer.call(&Call::new(group, "sayHello", [json!("all")])).unwrap().returned();
            assert_eq!(hello, json!(format!("Hello all, this is provider-{group}")), "{}", release.version());
        }
    }
}
