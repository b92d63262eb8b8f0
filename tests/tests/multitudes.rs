//! Ten thousand services at once, through both registries and the hub, with what it takes of time and memory; the memory is bounded.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::time::{Duration, Instant};

use lab::line::{Line, Plan};
use lab::peer::DUBBO_PORT;
use lab::process::until;
use lab::program::Program;

const MANY: usize = 10_000;
/// A debug build on a busy machine; see `docs/zookeeper.md` for what it took there.
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn ten_thousand_services_cross_the_line_survive_a_restart_and_leave() {
    let line = Line::start(Plan::new("a", "b")).unwrap();
    let _heard = line.watched();
    let (a, b) = (line.island("a"), line.island("b"));
    let programs: [(&str, &Program, u64); 3] =
        [("hub", &line.hub, 64), ("egress in a", a.egress(), 256), ("ingress in b", b.ingress(), 160)];
    let idle = programs.map(|(_, program, _)| program.memory().unwrap());
    let memory = |when: &str| {
        for ((name, program, most), idle) in programs.iter().zip(idle) {
            let over = |memory: u64| memory.saturating_sub(idle) >> 20;
            let (now, peak) = (over(program.memory().unwrap()), over(program.peak_memory().unwrap()));
            println!("{when}: {name}: {now} MiB over idle, {peak} at most; it may have {most}");
            assert!(peak <= *most, "{name} took {peak} MiB over idle until {when}, of {most} for {MANY} services");
        }
    };

    let address = b.place().address();
    let lines = (0..MANY).flat_map(|number| {
        let service = format!("com.example.warehouse.Service{number:05}");
        let folder = format!("/dubbo/{service}");
        let node =
            format!("dubbo%3A%2F%2F{address}%3A{DUBBO_PORT}%2F{service}%3Fapplication%3Dwarehouse%26methods%3Dhello");
        [format!("create {folder}"), format!("create {folder}/providers"), format!("create {folder}/providers/{node}")]
    });
    let lines: Vec<String> = std::iter::once("create /dubbo".to_owned()).chain(lines).collect();
    let _ = b.zookeeper.command_line(&lines[..1]);
    b.zookeeper.command_line(&lines[1..]).unwrap();
    let registered = Instant::now();
    published(a.egress(), MANY);
    println!("{MANY} services: published in a, {:?} after the last one was registered in b", registered.elapsed());
    memory("published");

    for island in [a, b] {
        island.zookeeper.kill();
        until("told", PATIENCE, || (published_of(island.egress()).is_none()).then_some(())).unwrap();
        island.zookeeper.again().unwrap();
        let back = Instant::now();
        published(a.egress(), MANY);
        println!("{MANY} services: whole {:?} after the server in {} was back", back.elapsed(), island.name());
    }
    memory("after restarts");

    let removed = Instant::now();
    b.zookeeper.command_line(&["deleteall /dubbo".to_owned()]).unwrap();
    published(a.egress(), 0);
    println!("{MANY} services: gone from a {:?} after their removal in b began", removed.elapsed());
    memory("gone");
    a.egress().stop().unwrap();
}

/// How many virtual providers stand at both levels; none while the registry is not connected.
fn published_of(egress: &Program) -> Option<u64> {
    let status = egress.status().ok()?;
    let registry = &status["egress"]["registries"][0];
    let both = [&registry["published"], &registry["published_as_instance"], &registry["desired"]];
    let [one, two, wanted] = both.map(|number| number.as_u64().unwrap_or_default());
    (registry["connected"] == true && one == two && one == wanted).then_some(one)
}

fn published(egress: &Program, count: usize) {
    until(&format!("{count} are published"), PATIENCE, || {
        (published_of(egress) == u64::try_from(count).ok()).then_some(())
    })
    .unwrap();
}
