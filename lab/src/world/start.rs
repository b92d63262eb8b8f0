//! From nothing to the first call, each step told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use super::{Applications, ISLANDS, Wish, World, names};
use crate::boxes::{Kind, Papers, Running};
use crate::install::Release;
use crate::line::{Island, Line, Plan};
use crate::net::Isolation;
use crate::peer::{Application, DUBBO_PORT, GREETING, INTEROP, LEDGER, Peer, Refer, Service};
use crate::process::{Process, Stdout, together, until};
use crate::program::{self, Program};

/// From the start of a gateway until it is ready; they all start at once.
const READY: Duration = Duration::from_secs(60);
/// From the start of a provider until the other islands see it.
const OFFERED: Duration = Duration::from_secs(60);
/// How long a consumer waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Where a Rust provider listens, beside the Java one.
const RUST_PORT: u16 = DUBBO_PORT + 1;

impl Wish {
    /// The kind of box that is meant: by its whole name, or the first one whose name or sentence begins so.
    ///
    /// # Errors
    /// There is none; says which there are.
    pub fn kind(&self) -> Result<Option<&'static Kind>> {
        let Some(name) = &self.r#box else { return Ok(None) };
        // What people call it, where the lab's name says what it is made of.
        let name = if name == "modsecurity" { "waf" } else { name };
        let by = |found: fn(&str, &str) -> bool| Kind::ALL.into_iter().find(|kind| found(kind.name, name));
        let found = by(|kind, name| kind == name).or_else(|| by(|kind, name| kind.split('-').next() == Some(name)));
        let all = || Kind::ALL.map(|kind| kind.name).join(", ");
        found.map(Some).with_context(|| format!("found no box {name:?}, wanted one of {}", all()))
    }
}

impl Wish {
    /// The rate, if there is one, as tc takes it.
    ///
    /// # Errors
    /// It is none.
    pub fn rate(&self) -> Result<Option<&str>> {
        let Some(rate) = self.thin.as_deref() else { return Ok(None) };
        let unit = rate.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = rate[..rate.len() - unit.len()].parse::<u32>();
        if !number.is_ok_and(|number| number > 0) || !["kbit", "mbit", "gbit"].contains(&unit) {
            bail!("found {rate:?}, wanted a rate such as 30mbit, 512kbit or 1gbit");
        }
        Ok(Some(rate))
    }
}

impl World {
    /// Starts all of it.
    ///
    /// # Errors
    /// Something cannot be had or does not start; the error ends with the last words of what failed.
    pub fn start(wish: Wish, say: &(dyn Fn(String) + Sync)) -> Result<Self> {
        let (kind, rate) = (wish.kind()?, wish.rate()?);
        say("looking for Java, ZooKeeper and Dubbo, and fetching what is missing".to_owned());
        crate::install::install(&[Release::V2_7_23, Release::V3_3_6], &[])?;
        say("starting the hub and a ZooKeeper in each island".to_owned());
        let line = Line::up_to_the_hub(Plan::of(&names()).boxes(usize::from(kind.is_some())))?;
        match line.lab.net.isolation() {
            Isolation::Namespaces => {
                say("each island is a network of its own; a firewall lets it dial the hub alone".to_owned())
            }
            Isolation::None { reason } => say(format!(
                "NO ISOLATION: this machine allows no network namespaces ({reason}); the islands are only different ports"
            )),
        }
        if let Some(rate) = rate {
            say(format!("making each island's way to the hub {rate} thin"));
            names().iter().try_for_each(|name| line.lab.net.thin(line.lab.net.island(name), rate))?;
        }
        let r#box = kind.map(|kind| put(kind, &line, say)).transpose()?;
        say("starting two gateways in each island".to_owned());
        let gateways = || line.islands.iter().flat_map(Island::gateways);
        gateways().try_for_each(Program::start)?;
        gateways().try_for_each(|gateway| gateway.ready(READY))?;
        say("starting a Java provider and a Java consumer in each island".to_owned());
        let islands = together(ISLANDS.to_vec(), |(name, release)| applications(&line, name, release))?;
        say("waiting until each island's ZooKeeper shows the others' services, and the consumers have them".to_owned());
        for one in &islands {
            line.island(one.name).shows(LEDGER)?;
        }
        together(islands.iter().collect(), Applications::refer)?;
        let (broken, calling) = (Mutex::new(None), Mutex::new(()));
        Ok(World { islands, broken, calling, wish, began: SystemTime::now(), r#box, line })
    }

    /// Starts an island's provider again.
    pub(super) fn provide(&self, island: &str) -> Result<()> {
        let applications = self.applications(island)?;
        *super::lock(&applications.provider) = Some(provider(&self.line, applications.name, applications.release)?);
        Ok(())
    }
}

/// Puts a box in its place and leads every gateway through it.
fn put(kind: &'static Kind, line: &Line, say: &(dyn Fn(String) + Sync)) -> Result<Running> {
    say(format!("putting a box on the way to the hub: {}", kind.about));
    // Programs of boxes that give up their rights find the way to their folders.
    fs::set_permissions(line.lab.folder(), fs::Permissions::from_mode(0o711))?;
    let papers = Papers::new(line.lab.folder())?;
    let place = line.lab.net.boxes().first().context("the lab has a place for its box")?;
    let running = Running::start(kind, place, line.hub_address, line.lab.folder(), &papers)?;
    for gateway in line.islands.iter().flat_map(Island::gateways) {
        running.way().lead(gateway, line.hub_address)?;
    }
    Ok(running)
}

fn applications(line: &Line, name: &'static str, release: Release) -> Result<Applications> {
    let provider = Mutex::new(Some(provider(line, name, release)?));
    let consumer = line.application(name, Application::new(&format!("consumer-in-{name}"), release))?;
    Ok(Applications { name, release, consumer, provider, rust: rust_provider(line, name)? })
}

fn provider(line: &Line, name: &str, release: Release) -> Result<Peer> {
    let label = format!("the provider in {name} on Dubbo {}", release.version());
    let port = line.island(name).place().listen(DUBBO_PORT)?.port();
    // Each in the group of its island: a consumer that asks for group beijing is answered from there.
    let service = |interface: &str| Service::new(interface, &label).group(name);
    let application = Application::new(&format!("provider-in-{name}"), release)
        .port(port)
        .flag("-Dlab.ledger=/dev/null")
        .service(service(GREETING))
        .service(service(INTEROP))
        .service(service(LEDGER));
    line.application(name, application)
}

/// `examples/sdk`'s provider, where it is built.
fn rust_provider(line: &Line, name: &str) -> Result<Option<Process>> {
    let Ok(program) = program::binary("provider") else { return Ok(None) };
    let place = line.island(name).place();
    let mut command = place.command(program);
    command.arg(line.island(name).zookeeper.address().to_string()).arg(place.listen(RUST_PORT)?.to_string());
    let process = Process::start(&format!("rust-provider-in-{name}"), line.lab.folder(), command, Stdout::Logged)?;
    until("the Rust provider serves", READY, || {
        let ended = process.ended().ok().flatten();
        (process.log().contains("dubbo://") || ended.is_some()).then_some(())
    })?;
    if process.ended()?.is_some() {
        bail!("the Rust provider ended\n{}", process.last_words(20));
    }
    Ok(Some(process))
}

impl Island {
    /// Waits until this island's registry shows a service of every other island.
    fn shows(&self, interface: &str) -> Result<()> {
        for other in World::others(self.name()) {
            let group = format!("group%3D{other}");
            until(&format!("{other}'s {interface} in {}", self.name()), OFFERED, || {
                self.virtual_nodes(interface).iter().any(|node| node.contains(&group)).then_some(())
            })?;
        }
        Ok(())
    }
}

impl Applications {
    /// References to each other island's services.
    fn refer(&self) -> Result<()> {
        for other in World::others(self.name) {
            for (name, interface) in [("greeting", GREETING), ("interop", INTEROP), ("ledger", LEDGER)] {
                let reference = Refer::new(&format!("{name}-{other}"), interface).group(other);
                // Whoever wants to see what happens to a call wants to see it once.
                self.consumer.refer(&reference.timeout(TIMEOUT).retries(0))?;
            }
        }
        Ok(())
    }
}
