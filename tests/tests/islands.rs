//! An island comes to a running hub, changes and goes again: the commands of docs/islands.md, word for word, after those of the README,
//! with calls of a Java consumer in between and what each program says of it.
//!
//! ```text
//!   README: hub, shanghai (consumer), beijing (provider)      docs/islands.md: chengdu (provider) is added, limited, gets another key, goes
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use highway_tests::walk::{Ends, Step, steps, walk};
use lab::Lab;
use lab::install::{self, Release};
use lab::net::{Isolation, Net, Place, Site};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service};
use lab::process::{Process, until};
use serde_json::{Value, json};

const HUB: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
const SITES: [Site<'_>; 3] = [
    Site { name: "shanghai", address: Ipv4Addr::new(10, 20, 0, 5) },
    Site { name: "beijing", address: Ipv4Addr::new(10, 30, 0, 5) },
    Site { name: "chengdu", address: Ipv4Addr::new(10, 40, 0, 5) },
];
const HEALING: Duration = Duration::from_secs(60);
/// What an island's first answered call may take, in commands.
const COMMANDS_MOST: usize = 4;

/// The sections of a page by their titles, each with its steps.
fn sections(page: &str) -> Vec<(String, Vec<Step>)> {
    let titled = page.split("\n## ").skip(1).map(|section| {
        let (title, rest) = section.split_once('\n').unwrap();
        (title.to_owned(), steps(rest).unwrap())
    });
    titled.filter(|(_, steps)| !steps.is_empty()).collect()
}

struct World<'a> {
    lab: &'a Lab,
    places: Vec<Place>,
    consumer: Option<Peer>,
    running: Vec<Process>,
}

impl World<'_> {
    fn walk(&mut self, steps: &[Step]) {
        let folder = self.lab.folder().join("walk");
        let more = walk(steps, &self.places, &folder).unwrap_or_else(|error| {
            let words: String = self.running.iter().map(|process| process.last_words(20)).collect();
            panic!("{error:#}\n{words}")
        });
        self.running.extend(more);
    }

    fn words(&self) -> String {
        self.running.iter().map(|process| process.last_words(30)).collect()
    }

    fn status(&self, place: &str) -> String {
        let place = self.places.iter().find(|one| one.name() == place).unwrap();
        place.highway(&["status"]).unwrap_or_else(|error| format!("{error:#}"))
    }

    /// What a call to chengdu ends with: its answer, or the words of a refusal.
    fn called(&self) -> Result<Value, String> {
        let call = Call::new("greeting", "sayHello", [json!("world")]).attachment("highway.target", "chengdu");
        let answer = self.consumer.as_ref().unwrap().call(&call).map_err(|error| format!("{error:#}"))?;
        match &answer.thrown {
            Some(thrown) => Err(thrown.text().to_owned()),
            None => Ok(answer.returned()),
        }
    }

    fn answers(&self, what: &str) {
        let mut last = None;
        let answered = || {
            let called = self.called();
            let is_there = called == Ok(json!("Hello world, this is chengdu"));
            last = Some(called);
            is_there.then_some(())
        };
        let done = until(what, HEALING, answered);
        done.unwrap_or_else(|error| panic!("{error:#}: {last:?}\n{}", self.words()));
    }

    fn says(&self, place: &str, wanted: &[&str]) {
        let says = || wanted.iter().all(|wanted| self.status(place).contains(wanted)).then_some(());
        let said = until("its status says so", HEALING, says);
        said.unwrap_or_else(|error| {
            panic!("{error:#}: wanted {wanted:?} in\n{}\n{}", self.status(place), self.words())
        });
    }
}

#[test]
fn an_island_comes_changes_and_goes_by_the_commands_of_its_page() {
    let read = |file: &str| std::fs::read_to_string(install::workspace().join(file)).unwrap();
    let readme = steps(&read("README.md")).unwrap();
    let page = sections(&read("docs/islands.md"));
    let titles: Vec<_> = page.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Add an island", "Change an island", "Change a key", "Remove an island"]);
    let [add, change, key, remove] = [0, 1, 2, 3].map(|at| page[at].1.as_slice());
    let commands = add.iter().filter(|step| matches!(step, Step::Commands { .. })).count();
    assert!(commands <= COMMANDS_MOST, "{commands} commands to add an island");

    let net = Net::at(HUB, &SITES).unwrap();
    if let Isolation::None { reason } = net.isolation() {
        println!("not shown on this machine: {reason}");
        return;
    }
    let lab = Lab::on(install::install(&[], &[]).unwrap(), net).unwrap();
    let registries = SITES.map(|site| lab.zookeeper(site.name).unwrap());
    let provide = |at: usize| {
        let provider = Application::new("greeter", Release::V3_3_6).registry(registries[at].url()).port(DUBBO_PORT);
        let provider = provider.service(Service::new(GREETING, SITES[at].name));
        provider.start(lab.net.island(SITES[at].name), &lab.tools, lab.folder()).unwrap()
    };
    let _providers = [provide(1), provide(2)];
    let places = [lab.net.hub().clone()].into_iter().chain(SITES.map(|site| lab.net.island(site.name).clone()));
    let mut world = World { lab: &lab, places: places.collect(), consumer: None, running: Vec::new() };
    world.walk(&readme);
    let consumer = Application::new("caller", Release::V2_7_23).registry(registries[0].url());
    let consumer = consumer.start(lab.net.island("shanghai"), &lab.tools, lab.folder()).unwrap();
    consumer.refer(&Refer::new("greeting", GREETING).patient()).unwrap();
    world.consumer = Some(consumer);

    let began = Instant::now();
    world.walk(add);
    world.answers("the new island answers");
    println!(
        "from the first command for a new island to its first answered call: {commands} commands, {:?}",
        began.elapsed()
    );
    world.says("hub", &["chengdu-ingress-1", "beijing-ingress-1", "ready"]);
    world.says("chengdu", &["hub-1", "here", GREETING]);
    world.says("shanghai", &["chengdu", GREETING]);

    world.walk(change);
    world.answers("the limited island answers");
    world.walk(key);
    world.answers("the island answers with its new key");
    world.says("chengdu", &["hub-1", "sealed"]);

    let hub_alone =
        remove.iter().position(|step| matches!(step, Step::Commands { place, .. } if place != "hub")).unwrap();
    world.walk(&remove[..hub_alone]);
    until("calls to the island that went are refused", HEALING, || world.called().err()).unwrap();
    world.says("chengdu", &["refused by the hub", "[[island.gateway]] with id = \"chengdu-ingress-1\""]);
    let hub = world.status("hub");
    assert!(!hub.contains("chengdu"), "{hub}");
    assert!(matches!(&remove[hub_alone], Step::Commands { ends: Ends::Yes, .. }));
    world.walk(&remove[hub_alone..]);
    let tree = registries[0].tree().unwrap();
    let left: Vec<_> = tree.iter().filter(|(_, node)| node.text().contains("highway-")).map(|(path, _)| path).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(lab.net.packets_between_islands().unwrap(), 0);
}
