//! The README connects two networks: its files and its commands, word for word, in two namespaces, and a Java consumer that
//! then gets its answer from the other one.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::net::Ipv4Addr;
use std::time::Duration;

use highway_tests::walk::{steps, walk};
use lab::Lab;
use lab::install::{self, Release};
use lab::net::{Isolation, Net, Site};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Refer, Service};
use lab::process::until;
use serde_json::json;

/// The machines of the README.
const HUB: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
const SHANGHAI: Site<'_> = Site { name: "shanghai", address: Ipv4Addr::new(10, 20, 0, 5) };
const BEIJING: Site<'_> = Site { name: "beijing", address: Ipv4Addr::new(10, 30, 0, 5) };

#[test]
fn the_commands_of_the_readme_connect_two_networks() {
    let readme = page("README.md");
    let shown = steps(&readme).unwrap();
    assert!(shown.len() >= 6, "only {} blocks of the README name a machine", shown.len());
    for machine in [HUB, SHANGHAI.address, BEIJING.address] {
        assert!(readme.contains(&machine.to_string()), "the README does not name {machine}");
    }
    let net = Net::at(HUB, &[SHANGHAI, BEIJING]).unwrap();
    if let Isolation::None { reason } = net.isolation() {
        println!("not shown on this machine: {reason}");
        return;
    }
    let lab = Lab::on(install::install(&[], &[]).unwrap(), net).unwrap();
    let (shanghai, beijing) = (lab.net.island("shanghai"), lab.net.island("beijing"));
    let (near, far) = (lab.zookeeper("shanghai").unwrap(), lab.zookeeper("beijing").unwrap());
    let provider = Application::new("greeter", Release::V3_3_6).registry(far.url()).port(DUBBO_PORT);
    let _provider =
        provider.service(Service::new(GREETING, "beijing")).start(beijing, &lab.tools, lab.folder()).unwrap();

    let places = [lab.net.hub().clone(), shanghai.clone(), beijing.clone()];
    let running = walk(&shown, &places, &lab.folder().join("readme")).unwrap();

    let published = || {
        near.ephemerals()
            .ok()?
            .iter()
            .any(|node| node.starts_with(&format!("/dubbo/{GREETING}/providers/")))
            .then_some(())
    };
    until("the service of beijing is in the registry of shanghai", Duration::from_secs(60), published)
        .map_err(|error| error.context(running.iter().map(|process| process.last_words(30)).collect::<String>()))
        .unwrap();
    let consumer = Application::new("caller", Release::V2_7_23).registry(near.url());
    let consumer = consumer.start(shanghai, &lab.tools, lab.folder()).unwrap();
    consumer.refer(&Refer::new("greeting", GREETING).patient()).unwrap();
    let answer = consumer.call(&Call::new("greeting", "sayHello", [json!("world")])).unwrap();
    assert_eq!(answer.returned(), json!("Hello world, this is beijing"));

    // What other pages show is done to what now runs.
    for file in ["operations", "status", "explain", "doctor", "changing-rules"] {
        let shown = steps(&page(&format!("docs/{file}.md"))).unwrap();
        assert!(!shown.is_empty(), "no block of {file} names a machine");
        let walked = walk(&shown, &places, &lab.folder().join("readme"));
        assert!(walked.map_err(|error| error.context(file)).unwrap().is_empty());
    }
    assert_eq!(lab.net.packets_between_islands().unwrap(), 0);
}

/// Whoever reads Chinese does the very same.
#[test]
fn the_walk_in_chinese_has_the_files_and_commands_of_the_readme() {
    let [ours, theirs] = ["README.md", "docs/zh/start.md"].map(|file| steps(&page(file)).unwrap());
    assert!(!ours.is_empty());
    assert_eq!(ours, theirs);
}

fn page(file: &str) -> String {
    std::fs::read_to_string(install::workspace().join(file)).unwrap()
}
