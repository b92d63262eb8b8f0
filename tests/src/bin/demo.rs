//! `demo`: two islands, a hub, and unchanged Java applications that call each other across it, on this machine.
//!
//! Prints each call, its answer and where its time went, and ends with 0; `--keep` leaves everything running until Ctrl-C.
//! It stands on the same lab as the tests and knows no shortcut that they do not know.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::install::Release;
use lab::line::{Line, Plan};
use lab::net::{Isolation, Place};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service};
use lab::process::until;
use lab::program::{self, Program};
use serde_json::{Value, json};

/// The two islands, and the Dubbo of their applications.
const ISLANDS: [(&str, Release); 2] = [("shanghai", Release::V2_7_23), ("beijing", Release::V3_3_6)];
/// Calls each way; the first one carries the start of everything lazy.
const CALLS: u32 = 5;
/// The hub hands its lines to the disk in batches.
const AUDITED: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = lab::helper::answer(&arguments) {
        return ExitCode::from(code);
    }
    let keep = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Keep::No,
        ["--keep"] => Keep::Yes,
        _ => {
            eprintln!("usage: demo [--keep]");
            return ExitCode::from(2);
        }
    };
    match demo(keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    No,
    Yes,
}

/// One direction: a consumer, and the provider it finds in its own ZooKeeper.
struct Way {
    from: (&'static str, Release),
    to: (&'static str, Release),
    consumer: Peer,
}

fn demo(keep: Keep) -> Result<()> {
    let begin = Instant::now();
    println!("starting two islands with a ZooKeeper each, the hub between them and four gateways …");
    let [one, two] = ISLANDS;
    let line = Line::start(Plan::new(one.0, two.0))?;
    show_places(&line);
    println!("starting a Java provider in each island …");
    let _providers = [provider(&line, one)?, provider(&line, two)?];
    for (island, _) in ISLANDS {
        line.island(island).finds(GREETING)?;
    }
    println!("each island's ZooKeeper now shows the other's service; starting a Java consumer in each …");
    let ways = [way(&line, one, two)?, way(&line, two, one)?];
    println!("ready after {:.1} s\n", begin.elapsed().as_secs_f64());

    // Both directions at the same time; what they say is printed one after the other.
    let said: Vec<Result<String>> = std::thread::scope(|scope| {
        let both: Vec<_> = ways.iter().map(|way| scope.spawn(|| calls(&line, way))).collect();
        both.into_iter()
            .map(|one| one.join().unwrap_or_else(|_| anyhow::bail!("a direction ended in a panic")))
            .collect()
    });
    for text in said {
        println!("{}", text?);
    }
    if let Isolation::Namespaces = line.lab.net.isolation() {
        let (between, to_hub) = (line.lab.net.packets_between_islands()?, line.lab.net.packets_to_hub()?);
        println!("packets from the islands to the hub: {to_hub}, from one island into the other: {between}");
        ensure!(between == 0, "{between} packets went from one island into the other, wanted none");
    }
    if keep == Keep::Yes {
        show_addresses(&line)?;
        loop {
            std::thread::park();
        }
    }
    println!("done in {:.1} s; everything is stopped now", begin.elapsed().as_secs_f64());
    Ok(())
}

fn provider(line: &Line, (island, release): (&str, Release)) -> Result<Peer> {
    let port = line.island(island).place().listen(DUBBO_PORT)?.port();
    let label = format!("the provider in {island} on Dubbo {}", release.version());
    let application = Application::new(&format!("greeter-in-{island}"), release);
    line.application(island, application.port(port).service(Service::new(GREETING, &label).group(island)))
}

fn way(line: &Line, from: (&'static str, Release), to: (&'static str, Release)) -> Result<Way> {
    let consumer = line.application(from.0, Application::new(&format!("caller-in-{}", from.0), from.1))?;
    consumer.refer(&Refer::new("greeting", GREETING).group(to.0))?;
    Ok(Way { from, to, consumer })
}

/// Makes the calls of one direction, one after the other, and tells of each.
fn calls(line: &Line, way: &Way) -> Result<String> {
    let (from, to) = (way.from, way.to);
    let mut text = format!(
        "{} (consumer on Dubbo {}) ─▶ {} (provider on Dubbo {})\n",
        from.0,
        from.1.version(),
        to.0,
        to.1.version()
    );
    for number in 1..=CALLS {
        let asked = format!("{} {number}", from.0);
        let answer = way.consumer.call(&Call::new("greeting", "sayHello", [json!(asked)]))?;
        if let Some(thrown) = answer.thrown {
            anyhow::bail!("sayHello(\"{asked}\") from {}: {}: {}", from.0, thrown.class, thrown.text());
        }
        let wanted = json!(format!("Hello {asked}, this is the provider in {} on Dubbo {}", to.0, to.1.version()));
        ensure!(answer.result == wanted, "sayHello(\"{asked}\") gave {}, wanted {wanted}", answer.result);
        let audited = audited(line, from.0, number)?;
        text +=
            &format!("  sayHello(\"{asked}\") = {}\n      {}\n", answer.result, hops(way, answer.elapsed(), &audited)?);
    }
    Ok(text)
}

/// The hub's line on the so-manieth call from an island.
fn audited(line: &Line, from: &str, number: u32) -> Result<Value> {
    let nth = usize::try_from(number)? - 1;
    let found = || {
        line.audit().ok()?.into_iter().filter(|audit| audit["from"] == from && audit["method"] == "sayHello").nth(nth)
    };
    until("the hub's line on the call", AUDITED, found)
}

/// Where a call's time went: each part is what one end measured less what the next one did.
fn hops(way: &Way, whole: Duration, audited: &Value) -> Result<String> {
    let micros = |key: &str| {
        audited[key]
            .as_u64()
            .map(Duration::from_micros)
            .with_context(|| format!("the hub's line has no {key}: {audited}"))
    };
    let (hub, provider) = (micros("hub_us")?, micros("provider_us")?);
    let millis = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    Ok(format!(
        "{} = {} and its gateway to the hub and back {} + hub to {} and back {} + provider {}",
        millis(whole),
        way.from.0,
        millis(whole.saturating_sub(hub)),
        way.to.0,
        millis(hub.saturating_sub(provider)),
        millis(provider),
    ))
}

fn show_places(line: &Line) {
    match line.lab.net.isolation() {
        Isolation::Namespaces => println!(
            "the islands are network namespaces; a firewall lets them dial one port of the hub and nothing else"
        ),
        Isolation::None { reason } => {
            println!("NO ISOLATION: this machine allows no namespaces ({reason}); the islands are only different ports")
        }
    }
    let show = |name: &str, place: &Place| {
        println!("  {name:10} {:12} {}", place.address(), place.namespace().unwrap_or("this machine"));
    };
    show("hub", line.lab.net.hub());
    for island in &line.islands {
        show(island.name(), island.place());
    }
}

fn show_addresses(line: &Line) -> Result<()> {
    let highway = program::folder()?.join("highway");
    let ask = |place: &Place, program: &Program| {
        let enter = place.namespace().map_or_else(String::new, |name| format!("ip netns exec {name} "));
        format!("{enter}{} status --admin http://{}", highway.display(), program.admin())
    };
    println!("\nleft running until Ctrl-C; logs and configurations are in {}", line.lab.folder().display());
    println!("  hub\n    {}", ask(line.lab.net.hub(), &line.hub));
    for island in &line.islands {
        println!("  {}", island.name());
        println!("    egress    {}", ask(island.place(), island.egress()));
        println!("    ingress   {}", ask(island.place(), island.ingress()));
        println!("    registry  zookeeper://{}", island.zookeeper.address());
        println!("    consumers without a registry call {}", island.egress_url());
    }
    Ok(())
}
