//! What an operator says for an application in Dubbo's own config center, without a line of code.

use std::sync::Mutex;

use highway_tests::install::Release;
use highway_tests::line::Line;
use highway_tests::peer::{Application, GREETING, Runtime};
use highway_tests::zookeeper::ZooKeeper;

use super::stage::{BOTH, OFFERERS, hello, only, refer, runtimes, stage, together};

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

fn java(line: &Line, island: &str, purpose: &str, from: Release) -> Vec<(String, highway_tests::peer::Peer)> {
    let all = runtimes().into_iter().filter_map(|(name, runtime)| match runtime {
        Runtime::Java(release) if release >= from => Some((name, release)),
        _ => None,
    });
    let start = |(name, release): (String, Release)| {
        let peer = line.application(island, Application::new(&format!("{purpose}-{name}"), release))?;
        Ok((name, peer))
    };
    together(all.collect(), start).unwrap()
}

/// It is read at the start of an application: 2.7 and later; 2.6 has no config center.
#[test]
fn one_line_in_the_config_center_gives_a_reference_its_island() {
    let (_stage, line, _mine) = stage();
    for island in OFFERERS {
        let properties = runtimes().into_iter().map(|(name, _)| {
            let path = format!("/dubbo/config/configured-{island}-{name}/dubbo.properties");
            (path, format!("dubbo.reference.{GREETING}.tag={island}"))
        });
        put(&line.island("a").zookeeper, &properties.collect::<Vec<_>>());
        for (name, consumer) in java(&line, "a", &format!("configured-{island}"), Release::V2_7_23) {
            consumer.refer(&refer("configured")).unwrap();
            only(&name, &consumer, hello("configured"), island);
        }
    }
}

/// Where the ports of islands carry no tag, Dubbo's condition routes choose among them by the port: live, for one method or all.
#[test]
fn a_condition_route_on_the_port_leads_to_its_island() {
    static ROUTED: Mutex<()> = Mutex::new(());
    let _one = ROUTED.lock();
    let (_stage, line, _mine) = stage();
    let egress = |island: &str| line.island("d").egress_url_to(island).rsplit(':').next().unwrap().to_owned();
    let consumers = java(&line, "d", "routed", Release::V2_6_12);
    for (_, consumer) in &consumers {
        consumer.refer(&refer("routed")).unwrap();
    }
    let mut nodes = Vec::new();
    for (name, _) in &consumers {
        if name == Release::V2_6_12.version() {
            let rule = format!("method%253DsayHello%2520%253D%253E%2520port%253D{}", egress("c"));
            let url = format!(
                "route%3A%2F%2F0.0.0.0%2F{GREETING}%3Fcategory%3Drouters%26dynamic%3Dfalse%26enabled%3Dtrue%26force%3Dtrue%26group%3D{BOTH}%26name%3Dby-port%26priority%3D1%26router%3Dcondition%26rule%3D{rule}%26runtime%3Dtrue"
            );
            nodes.push((format!("/dubbo/{GREETING}/routers/{url}"), String::new()));
            continue;
        }
        let rule = format!(
            r#"'{{"configVersion":"v2.7","scope":"application","key":"routed-{name}","force":true,"runtime":true,"enabled":true,"priority":1,"conditions":["method=sayHello => port={}"]}}'"#,
            egress("c")
        );
        nodes.push((format!("/dubbo/config/dubbo/routed-{name}.condition-router"), rule));
    }
    put(&line.island("d").zookeeper, &nodes);
    for (name, consumer) in &consumers {
        only(name, consumer, hello("routed"), "c");
    }
}
