//! A ZooKeeper that fails under a line at work: calls go on as they were, and what was missed is caught up with within seconds.
//!
//! ```text
//!   island a: an ensemble of three, consumers on 2.7 and 3.3   ⇄   island b: one server, a provider on 3.3
//!             egress                                                         ingress
//! ```
//! The gateways' sessions in b live a second, so that an outage of a dozen seconds is as to them what minutes are to others. `HIGHWAY_OUTAGE=600s`
//! (or `10m`) makes the outage of a whole registry as long as that.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use lab::install::Release;
use lab::line::{Island, Line, Plan, Watched};
use lab::net::Isolation;
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service};
use lab::process::until;
use lab::program::Program;
use serde_json::{Value, json};

/// From the end of an outage until what happened meanwhile has arrived in the other island.
const CAUGHT_UP: Duration = Duration::from_secs(20);

/// How long a registry is away where the environment does not say it.
const OUTAGE: Duration = Duration::from_secs(13);

struct Everything {
    consumers: Vec<(String, Peer)>,
    _provider: Peer,
    line: Line,
}

/// One line for this file; the tests take turns.
fn everything() -> (&'static Everything, Watched<'static>, MutexGuard<'static, ()>) {
    static ALL: OnceLock<Everything> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let all = ALL.get_or_init(|| start().unwrap());
    (all, all.line.watched(), mine)
}

fn start() -> anyhow::Result<Everything> {
    let line = Line::start(Plan::new("a", "b").ensemble("a").also_registry("b", "session_timeout = \"1s\"\n"))?;
    let port = line.island("b").place().listen(DUBBO_PORT)?.port();
    let provider = Application::new("provider", Release::V3_3_6).port(port).service(Service::new(GREETING, "b"));
    let provider = line.application("b", provider)?;
    line.island("a").finds(GREETING)?;
    let mut consumers = Vec::new();
    for release in Release::OLD_AND_NEW {
        let name = format!("consumer-{}", release.version());
        let peer = line.application("a", Application::new(&name, release))?;
        peer.refer(&Refer::new("greeting", GREETING))?;
        consumers.push((name, peer));
    }
    Ok(Everything { consumers, _provider: provider, line })
}

impl Everything {
    /// Every consumer calls for so long while something happens, and every call is answered.
    fn all_answered(&self, what: &str, lasting: Duration, meanwhile: impl FnOnce()) {
        let load = Call::new("greeting", "sayHello", [json!(what)]).lasting(2, lasting, Duration::from_millis(20));
        std::thread::scope(|scope| {
            let loads: Vec<_> =
                self.consumers.iter().map(|(name, peer)| (name, scope.spawn(|| peer.many(&load)))).collect();
            meanwhile();
            for (name, load) in loads {
                let tally = load.join().unwrap().unwrap();
                println!("{what}: {name}: {} answered, {} failed", tally.ok, tally.failed);
                assert!(tally.ok > 0 && tally.failed == 0, "{what}: {name}: {:?}", tally.errors);
            }
        });
    }

    /// What is registered in b is seen in a: both registries work.
    fn catches_up(&self, what: &str, service: &str) {
        let since = Instant::now();
        let virtual_nodes = || self.line.island("a").virtual_nodes(service).pop().map(drop);
        until(&format!("{what}: {service} is published"), CAUGHT_UP, virtual_nodes).unwrap();
        println!("{what}: caught up {:?} after the return", since.elapsed());
    }

    /// A provider's node of a service of this name in b, beside the real one.
    fn node_of(&self, service: &str) -> String {
        let address = self.line.island("b").place().address();
        let port = self.line.island("b").place().listen(DUBBO_PORT).map_or(DUBBO_PORT, |it| it.port());
        let url = format!(
            "dubbo://{address}:{port}/{service}?application=more&interface={service}&methods=hello&side=provider"
        );
        let encoded =
            url.replace(':', "%3A").replace('/', "%2F").replace('?', "%3F").replace('=', "%3D").replace('&', "%26");
        format!("/dubbo/{service}/providers/{encoded}")
    }

    /// The lines of ZooKeeper's command line that register services in b.
    fn registering(&self, services: &[String]) -> Vec<String> {
        let lines = services.iter().flat_map(|service| {
            let folder = format!("/dubbo/{service}");
            [
                format!("create {folder}"),
                format!("create {folder}/providers"),
                format!("create {}", self.node_of(service)),
            ]
        });
        lines.collect()
    }

    fn register(&self, service: &str) {
        self.line.island("b").zookeeper.command_line(&self.registering(&[service.to_owned()])).unwrap();
    }
}

/// The part of a gateway's status that is about its registry.
fn registry_of(gateway: &Program) -> Value {
    let status = gateway.status().unwrap_or_default();
    let all = if status["egress"].is_null() { &status["registries"] } else { &status["egress"]["registries"] };
    all[0].clone()
}

fn is_connected(gateway: &Program) -> bool {
    registry_of(gateway)["connected"] == json!(true)
}

/// Waits until a gateway says whether it is connected.
fn says(gateway: &Program, connected: bool) {
    let told = || (is_connected(gateway) == connected).then_some(());
    until(&format!("the status says connected: {connected}"), Duration::from_secs(30), told).unwrap();
}

fn leader(island: &Island) -> &lab::zookeeper::ZooKeeper {
    until("somebody leads", Duration::from_secs(30), || island.members().find(|member| member.leads().unwrap_or(false)))
        .unwrap()
}

#[test]
fn a_leader_that_is_killed_costs_no_call() {
    let (all, line, _mine) = everything();
    let island = line.island("a");
    let killed = leader(island);
    all.all_answered("leader killed", Duration::from_secs(6), || {
        killed.kill();
        says(island.egress(), true);
    });
    all.register("com.example.AfterTheLeader");
    all.catches_up("leader killed", "com.example.AfterTheLeader");
    killed.again().unwrap();
}

#[test]
fn a_member_that_hangs_and_a_majority_that_is_lost_cost_no_call() {
    let (all, line, _mine) = everything();
    let island = line.island("a");
    let members: Vec<_> = island.members().collect();
    all.all_answered("majority frozen", Duration::from_secs(9), || {
        members.iter().take(2).for_each(|member| member.freeze().unwrap());
        says(island.egress(), false);
        members.iter().take(2).for_each(|member| member.thaw().unwrap());
    });
    all.register("com.example.WithoutMajority");
    all.catches_up("majority frozen", "com.example.WithoutMajority");
}

#[test]
fn an_outage_many_times_as_long_as_a_session_costs_no_call_and_is_caught_up_with_at_once() {
    let (all, line, _mine) = everything();
    let island = line.island("b");
    let outage = match std::env::var("HIGHWAY_OUTAGE") {
        Ok(typed) => lasting(&typed).unwrap_or_else(|| panic!("found HIGHWAY_OUTAGE={typed}, wanted 600s or 10m")),
        Err(_) => OUTAGE,
    };
    all.all_answered(&format!("b away for {outage:?}"), outage + Duration::from_secs(3), || {
        island.zookeeper.kill();
        says(island.ingress(), false);
        std::thread::sleep(outage);
        assert!(island.ingress().ready(Duration::from_secs(1)).is_ok(), "what was read counts: it stays ready");
        let problems = registry_of(island.ingress())["problems"].to_string();
        assert!(problems.contains("not connected"), "{problems}");
    });
    island.zookeeper.again().unwrap();
    all.register("com.example.AfterTheOutage");
    all.catches_up(&format!("b away for {outage:?}, sessions of 1 s"), "com.example.AfterTheOutage");
    let log = island.ingress().last_words();
    assert!(
        log.matches("the registry has a problem").count() <= 8,
        "a line for each change, not for each attempt:\n{log}"
    );
}

/// Seconds or minutes, as people type them.
fn lasting(typed: &str) -> Option<Duration> {
    let (number, unit) = typed.split_at_checked(typed.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        _ => return None,
    };
    number.parse::<u32>().ok().filter(|number| *number > 0).map(|number| Duration::from_secs(u64::from(number) * unit))
}

#[test]
fn how_long_an_outage_lasts_is_read_as_people_type_it() {
    assert_eq!(lasting("600s"), Some(Duration::from_secs(600)));
    assert_eq!(lasting("10m"), lasting("600s"));
    for typed in ["", "s", "0s", "600", "-1s", "1.5s", "9 s", "5µ"] {
        assert_eq!(lasting(typed), None, "{typed}");
    }
}

/// Pauses of servers, shorter and longer than the gateways' sessions of a second.
#[test]
fn pauses_of_a_server_cost_no_call() {
    let (all, line, _mine) = everything();
    let island = line.island("b");
    for pause in [Duration::from_millis(500), Duration::from_secs(5)] {
        all.all_answered(&format!("b frozen for {pause:?}"), pause + Duration::from_secs(2), || {
            island.zookeeper.freeze().unwrap();
            std::thread::sleep(pause);
            island.zookeeper.thaw().unwrap();
        });
        says(island.ingress(), true);
    }
    all.register("com.example.AfterThePause");
    all.catches_up("b frozen", "com.example.AfterThePause");
}

/// Everything in a's registry is deleted: ours comes back, and consumers never lose the address that they have.
#[test]
fn an_emptied_tree_gets_our_nodes_back_and_costs_no_call() {
    let (all, line, _mine) = everything();
    let island = line.island("a");
    let before = island.virtual_nodes(GREETING);
    assert_eq!(before.len(), 1);
    all.all_answered("a emptied", Duration::from_secs(6), || {
        let deleted = ["/dubbo", "/services"].map(|folder| format!("deleteall {folder}"));
        island.zookeeper.command_line(&deleted).unwrap();
        let emptied = Instant::now();
        until("ours is back", CAUGHT_UP, || (island.virtual_nodes(GREETING) == before).then_some(())).unwrap();
        println!("a emptied: ours is back {:?} later", emptied.elapsed());
    });
    let others: Vec<String> = island.zookeeper.ephemerals().unwrap();
    assert!(others.iter().all(|node| node.contains("highway") || node.contains("consumer%3A")), "{others:#?}");
}

/// Rights that are lost in b: what was read stays, and the rest arrives as soon as they are back.
#[test]
fn rights_that_are_lost_cost_no_call_and_are_used_when_they_are_back() {
    let (all, line, _mine) = everything();
    let island = line.island("b");
    let folder = format!("/dubbo/{GREETING}/providers");
    let denied = || registry_of(island.ingress())["problems"].to_string().contains("may not read");
    all.all_answered("rights lost", Duration::from_secs(8), || {
        let acl = |rights: &str| format!("setAcl {folder} world:anyone:{rights}");
        // Something has to happen there: nobody is told of rights.
        island.zookeeper.command_line(&[acl("ca"), format!("create {folder}/touched")]).unwrap();
        until("it is told", CAUGHT_UP, || denied().then_some(())).unwrap();
        island.zookeeper.command_line(&[acl("cdrwa")]).unwrap();
    });
    let back = Instant::now();
    until("nothing is denied any more", CAUGHT_UP, || (!denied()).then_some(())).unwrap();
    println!("rights lost: read again {:?} after they were back", back.elapsed());
}

/// The name of a server that has moved is looked up again at each attempt.
#[test]
fn a_name_that_changes_is_followed() {
    let (all, line, _mine) = everything();
    let island = line.island("b");
    let ingress = island.ingress();
    let address = island.zookeeper.address();
    let before = std::fs::read_to_string(ingress.configuration()).unwrap();
    if let Isolation::None { reason } = line.lab.net.isolation() {
        println!("left out: names cannot be changed for one process alone ({reason})");
        return;
    }
    ingress.kill();
    ingress.resolve("registry.test", Ipv4Addr::new(127, 0, 0, 77)).unwrap();
    let named = before.replace(&address.to_string(), &format!("registry.test:{}", address.port()));
    ingress.write("ingress-gw.toml", &named).unwrap();
    ingress.start().unwrap();
    let told = || registry_of(ingress)["problems"].to_string().contains("takes a session").then_some(());
    until("it is told", CAUGHT_UP, told).unwrap();
    ingress.resolve("registry.test", *address.ip()).unwrap();
    let moved = Instant::now();
    says(ingress, true);
    println!("a name that changed: connected {:?} later", moved.elapsed());
    ingress.ready(CAUGHT_UP).unwrap();
    all.register("com.example.AfterTheMove");
    all.catches_up("a name that changed", "com.example.AfterTheMove");
    ingress.kill();
    ingress.write("ingress-gw.toml", &before).unwrap();
    ingress.start().unwrap();
    ingress.ready(CAUGHT_UP).unwrap();
}
