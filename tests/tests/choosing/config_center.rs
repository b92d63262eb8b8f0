//! What an operator says for an application in Dubbo's own config center, without a line of code.

use std::sync::Mutex;
use std::time::Instant;

use lab::install::Release;
use lab::line::Line;
use lab::peer::{Application, GREETING, Peer, Runtime};
use lab::process::{together, until};
use lab::zookeeper::ZooKeeper;

use super::stage::{BOTH, FOLLOWED, OFFERERS, hello, only, refer, runtimes, stage, who};

/// Makes persistent nodes with their folders, as an operator would with ZooKeeper's own command line.
fn put(zookeeper: &ZooKeeper, nodes: &[(String, String)]) {
    let mut lines = Vec::new();
    for (path, text) in nodes {
        let folders = path.char_indices().skip(1).filter(|(_, letter)| *letter == '/').map(|(at, _)| &path[..at]);
        lines.extend(folders.map(|folder| format!("create {folder}")));
        lines.push(format!("create {path} {text}"));
    }
    zookeeper.command_line(&lines).unwrap();
}

fn reads_properties(name: &str) -> bool {
    name != Release::V2_6_12.version() && !name.starts_with("go-")
}

/// An application on each runtime, with the registry as its config center.
fn applications(line: &Line, island: &str, purpose: &str) -> Vec<(String, Peer)> {
    let start = |(name, runtime): (String, Runtime)| {
        let application = Application::new(&format!("{purpose}-{name}"), runtime).config_center();
        Ok((name, line.application(island, application)?))
    };
    together(runtimes(), start).unwrap()
}

/// It is read at the start of an application: 2.7 and later. 2.6 has no config center, and dubbo-go reads no such lines in its own: their
/// calls go as if nothing had been said.
#[test]
fn one_line_in_the_config_center_gives_a_reference_its_island() {
    let (_stage, line, _mine) = stage();
    for island in OFFERERS {
        let properties = runtimes().into_iter().map(|(name, _)| {
            let path = format!("/dubbo/config/configured-{island}-{name}/dubbo.properties");
            (path, format!("dubbo.reference.{GREETING}.tag={island}"))
        });
        put(&line.island("a").zookeeper, &properties.collect::<Vec<_>>());
        let applications = applications(&line, "a", &format!("configured-{island}"));
        let check = |(name, consumer): (String, Peer)| {
            consumer.refer(&refer("configured"))?;
            if reads_properties(&name) {
                only(&name, &consumer, hello("configured"), island);
            } else {
                let told = until("the provider is found", FOLLOWED, || {
                    Some(who(&consumer, &hello("configured"))).filter(|told| told.contains("names none of them"))
                });
                told?;
            }
            Ok(())
        };
        together(applications, check).unwrap();
    }
}

/// A condition route of this consumer's calls to this port: where it stands, and what is written there.
fn route(consumer: &str, port: &str) -> (String, String) {
    if consumer == Release::V2_6_12.version() {
        let rule = format!("method%253DsayHello%2520%253D%253E%2520port%253D{port}");
        let url = format!(
            "route%3A%2F%2F0.0.0.0%2F{GREETING}%3Fcategory%3Drouters%26dynamic%3Dfalse%26enabled%3Dtrue%26force%3Dtrue%26group%3D{BOTH}%26name%3Dby-port%26priority%3D1%26router%3Dcondition%26rule%3D{rule}%26runtime%3Dtrue"
        );
        return (format!("/dubbo/{GREETING}/routers/{url}"), String::new());
    }
    let rule = format!(
        r#"'{{"configVersion":"v2.7","scope":"application","key":"routed-{consumer}","force":true,"runtime":true,"enabled":true,"priority":1,"conditions":["method=sayHello => port={port}"]}}'"#
    );
    (format!("/dubbo/config/dubbo/routed-{consumer}.condition-router"), rule)
}

/// Where the ports of islands carry no tag, Dubbo's condition routes choose among them by the port: live, for one method or all. A route
/// that is changed takes the calls of consumers along that run, there and back again.
#[test]
fn a_condition_route_on_the_port_leads_to_its_island() {
    static ROUTED: Mutex<()> = Mutex::new(());
    let _one = ROUTED.lock();
    let (_stage, line, _mine) = stage();
    let zookeeper = &line.island("d").zookeeper;
    let consumers = applications(&line, "d", "routed");
    for (_, consumer) in &consumers {
        consumer.refer(&refer("routed")).unwrap();
    }
    let routes = |island: &str| -> Vec<(String, String)> {
        let url = line.island("d").egress_url_to(island);
        let port = url.rsplit(':').next().unwrap();
        consumers.iter().map(|(name, _)| route(name, port)).collect()
    };
    put(zookeeper, &routes("c"));
    for (before, island) in [("", "c"), ("c", "b"), ("b", "c")] {
        if !before.is_empty() {
            let changes = routes(before).into_iter().zip(routes(island));
            let lines = changes.flat_map(|((old, _), (new, text))| match old == new {
                true => vec![format!("set {new} {text}")],
                // The route of 2.6 is the name of its node.
                false => vec![format!("delete {old}"), format!("create {new}")],
            });
            zookeeper.command_line(&lines.collect::<Vec<_>>()).unwrap();
        }
        let changed = Instant::now();
        let check = |(name, consumer): &(String, Peer)| {
            only(name, consumer, hello("routed"), island);
            println!("{name}: all calls go to {island} {:?} after the route", changed.elapsed());
            Ok(())
        };
        together(consumers.iter().collect(), check).unwrap();
    }
}
