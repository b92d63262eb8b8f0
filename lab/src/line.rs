//! The whole line: islands, each with its ZooKeeper, its egress and its ingress gateways, and the hub between them.
//!
//! ```text
//!   island one                      hub                       island two
//!   ZooKeeper · egress · ingress ══▶ central-hub ◀══ ingress · egress · ZooKeeper
//! ```
//!
//! Keys are made by `highway key new`, files are what an operator writes. Applications are the caller's: see [`crate::peer`].

mod files;
mod watched;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::ops::Deref;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::ground::Lab;
use crate::net::{HUB_PORT, Place};
use crate::peer::{Application, Peer};
use crate::process::until;
use crate::program::{Kind, Program, highway};
use crate::zookeeper::ZooKeeper;

pub use files::{Grant, Plan, Role};
pub use watched::Watched;

/// From the start of a program until it is ready, on a busy machine.
const READY: Duration = Duration::from_secs(30);
/// From the start of a provider until the other island sees it.
const OFFERED: Duration = Duration::from_secs(45);

/// The hub's admin port; each program has its own, as each has in its default configuration.
const ADMIN: u16 = 20900;

/// Everything, running.
#[derive(Debug)]
pub struct Line {
    /// The programs go first, then what they stand on.
    pub hub: Program,
    /// Where it listens for links.
    pub hub_address: SocketAddrV4,
    /// The islands, in the order of the plan.
    pub islands: Vec<Island>,
    /// What they run in.
    pub lab: Lab,
    plan: Plan,
}

/// One island.
#[derive(Debug)]
pub struct Island {
    /// Its gateways, at least one of each role.
    pub egresses: Vec<Egress>,
    /// Where calls go out.
    pub ingresses: Vec<Program>,
    /// Its registry, or the first server of it.
    pub zookeeper: ZooKeeper,
    /// The others, where its registry is an ensemble.
    pub zookeepers: Vec<ZooKeeper>,
    /// Another registry beside it, where the plan has one.
    pub second_registry: Option<ZooKeeper>,
    place: Place,
}

/// Where consumers come in, and on which ports.
#[derive(Debug)]
pub struct Egress {
    program: Program,
    port: u16,
    /// Of islands that are separately addressed.
    others: BTreeMap<String, u16>,
}

impl Deref for Egress {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl Egress {
    /// Its usual Dubbo port, at an address of its machine.
    #[must_use]
    pub fn at(&self, address: Ipv4Addr) -> SocketAddr {
        (address, self.port).into()
    }

    /// Where it listens for Dubbo at an address of its machine, as a consumer without a registry would write it.
    #[must_use]
    pub fn url_at(&self, address: Ipv4Addr) -> String {
        format!("dubbo://{address}:{}", self.port)
    }
}

impl Line {
    /// Starts all of it and waits until every program is ready.
    ///
    /// # Errors
    /// Something cannot be made or does not get ready; the error ends with the last words of what failed.
    pub fn start(plan: Plan) -> Result<Self> {
        let line = Line::up_to_the_hub(plan)?;
        let gateways = || line.islands.iter().flat_map(Island::gateways);
        gateways().try_for_each(Program::start)?;
        gateways().try_for_each(|program| program.ready(READY))?;
        Ok(line)
    }

    /// Starts all but the gateways, which have their files.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn up_to_the_hub(plan: Plan) -> Result<Self> {
        let names: Vec<&str> = plan.islands.iter().map(String::as_str).collect();
        let lab = Lab::with_boxes(&names, plan.boxes)?;
        let hub = Program::new(Kind::CentralHub, "central-hub", lab.net.hub(), lab.folder(), ADMIN)?;
        let hub_address = lab.net.hub().listen(HUB_PORT)?;
        let islands = names.iter().map(|name| Island::new(&lab, &plan, name)).collect::<Result<_>>()?;
        let line = Line { hub, hub_address, islands, lab, plan };
        let hub_key = new_key(&line.hub)?;
        line.hub.configure(&files::hub(hub_address, &line.plan.hub))?;
        let mut listed = Vec::new();
        for island in &line.islands {
            listed.push((island.name().to_owned(), island.new_keys()?));
            island.configure(&line.plan, hub_address, &hub_key)?;
        }
        line.hub.write("islands.toml", &files::islands(&listed))?;
        line.write_grants(&line.plan.grants)?;
        line.hub.start()?;
        line.hub.ready(READY)?;
        Ok(line)
    }

    /// An island by its name.
    ///
    /// # Panics
    /// There is none of this name.
    #[must_use]
    pub fn island(&self, name: &str) -> &Island {
        let found = self.islands.iter().find(|island| island.name() == name);
        found.unwrap_or_else(|| panic!("the line has no island {name}"))
    }

    /// Replaces the grants; the hub reads a changed file by itself.
    ///
    /// # Errors
    /// The disk says no.
    pub fn write_grants(&self, grants: &[Grant]) -> Result<()> {
        self.hub.write("grants.toml", &files::grants(grants))
    }

    /// The hub's lines on calls so far.
    ///
    /// # Errors
    /// The file cannot be read, or a line is no JSON.
    pub fn audit(&self) -> Result<Vec<Value>> {
        let path = self.hub.folder().join("audit.jsonl");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // The last line may still be on its way.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Starts an application in an island, on its registry unless the application names one.
    ///
    /// # Errors
    /// As [`Application::start`].
    pub fn application(&self, island: &str, application: Application) -> Result<Peer> {
        let island = self.island(island);
        application.or_registry(island.registry_url()).start(&island.place, &self.lab.tools, self.lab.folder())
    }

    fn last_words(&self) -> String {
        let mut words = self.hub.last_words();
        for island in &self.islands {
            island.gateways().for_each(|gateway| words += &gateway.last_words());
            island.members().for_each(|member| words += &member.last_words());
            island.second_registry.iter().for_each(|second| words += &second.last_words());
        }
        words
    }
}

impl Island {
    fn new(lab: &Lab, plan: &Plan, name: &str) -> Result<Self> {
        let place = lab.net.island(name).clone();
        let program = |kind: Kind, role, number: u16| {
            let admin = ADMIN + 2 * number + u16::from(role == Role::Ingress) - 1;
            let number = if number == 1 { String::new() } else { format!("-{number}") };
            Program::new(kind, &format!("{}-{name}{number}", kind.name()), &place, lab.folder(), admin)
        };
        let egress = |number: u16| {
            // Each has a hundred ports for itself.
            let own = |port: u16| -> Result<u16> { Ok(place.listen(port + 100 * (number - 1))?.port()) };
            let others = plan.ports_of(name).into_iter().map(|(island, port)| Ok((island, own(port)?)));
            Ok(Egress {
                program: program(plan.egress_of(name), Role::Egress, number)?,
                port: own(20990)?,
                others: others.collect::<Result<_>>()?,
            })
        };
        let mut zookeepers = if plan.has_ensemble(name) { lab.ensemble(name)? } else { vec![lab.zookeeper(name)?] };
        Ok(Island {
            egresses: (1..=plan.count_of(Role::Egress, name)).map(egress).collect::<Result<_>>()?,
            ingresses: (1..=plan.count_of(Role::Ingress, name))
                .map(|number| program(Kind::IngressGw, Role::Ingress, number))
                .collect::<Result<_>>()?,
            zookeeper: zookeepers.remove(0),
            zookeepers,
            second_registry: plan.has_second_registry(name).then(|| lab.second_zookeeper(name)).transpose()?,
            place,
        })
    }

    /// Its first egress.
    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.egresses[0]
    }

    /// Its first ingress.
    #[must_use]
    pub fn ingress(&self) -> &Program {
        &self.ingresses[0]
    }

    /// All servers of its registry.
    pub fn members(&self) -> impl Iterator<Item = &ZooKeeper> {
        std::iter::once(&self.zookeeper).chain(&self.zookeepers)
    }

    /// Its registry as Dubbo wants it.
    #[must_use]
    pub fn registry_url(&self) -> String {
        let others: Vec<String> = self.zookeepers.iter().map(|member| member.address().to_string()).collect();
        let url = self.zookeeper.url();
        if others.is_empty() { url } else { format!("{url}?backup={}", others.join(",")) }
    }

    /// All its gateways.
    pub fn gateways(&self) -> impl Iterator<Item = &Program> {
        self.egresses.iter().map(Deref::deref).chain(&self.ingresses)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.place.name()
    }

    /// Where its processes run.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Where its egress listens for Dubbo, as a consumer without a registry would write it.
    #[must_use]
    pub fn egress_url(&self) -> String {
        self.egress().url_at(self.place.address())
    }

    /// The same on the port that its egress has for another island.
    ///
    /// # Panics
    /// The plan gives that island no port.
    #[must_use]
    pub fn egress_url_to(&self, other: &str) -> String {
        format!("dubbo://{}:{}", self.place.address(), self.egress().others[other])
    }

    /// Waits until a consumer of this island finds a virtual provider in its registry, registered for this interface.
    ///
    /// # Errors
    /// It does not appear in time.
    pub fn finds(&self, interface: &str) -> Result<()> {
        until(&format!("a virtual provider of {interface} in {}", self.name()), OFFERED, || {
            self.virtual_nodes(interface).pop().map(drop)
        })
    }

    /// Waits until the virtual providers of an interface are gone.
    ///
    /// # Errors
    /// They stay.
    pub fn loses(&self, interface: &str, within: Duration) -> Result<()> {
        let gone = || self.virtual_nodes(interface).is_empty().then_some(());
        until(&format!("no virtual provider of {interface} in {}", self.name()), within, gone)
    }

    /// The virtual providers of an interface in its registry just now; none if that does not answer.
    #[must_use]
    pub fn virtual_nodes(&self, interface: &str) -> Vec<String> {
        let folder = format!("/dubbo/{interface}/providers/");
        let all = self.members().find_map(|member| member.ephemerals().ok()).unwrap_or_default();
        all.into_iter().filter(|node| node.starts_with(&folder) && node.contains("highway%3D")).collect()
    }

    /// A new key for each gateway.
    fn new_keys(&self) -> Result<Vec<files::Listed>> {
        let egresses = (1..).zip(&self.egresses).map(|(number, egress)| (Role::Egress, number, &egress.program));
        let ingresses = (1..).zip(&self.ingresses).map(|(number, ingress)| (Role::Ingress, number, ingress));
        let listed = |(role, number, program): (Role, usize, &Program)| {
            Ok(files::Listed { id: files::id(self.name(), role, number), role, key: new_key(program)? })
        };
        egresses.chain(ingresses).map(listed).collect()
    }

    fn configure(&self, plan: &Plan, hub: SocketAddrV4, hub_key: &str) -> Result<()> {
        let registry: Vec<String> = self.members().map(|member| member.address().to_string()).collect();
        let registry = registry.join(",");
        let second = self.second_registry.as_ref().map(ZooKeeper::address);
        let about = |role, number| files::Gateway {
            island: self.name(),
            role,
            number,
            hub,
            hub_key,
            registry: &registry,
            second,
        };
        for (number, egress) in (1..).zip(&self.egresses) {
            let about = about(Role::Egress, number);
            egress.configure(&files::egress(&about, self.place.address(), egress.port, &egress.others, plan))?;
        }
        for (number, ingress) in (1..).zip(&self.ingresses) {
            ingress.configure(&files::ingress(&about(Role::Ingress, number), plan))?;
        }
        Ok(())
    }
}

/// A key file beside the program's configuration; gives the public half.
fn new_key(program: &Program) -> Result<String> {
    let file = program.folder().join("highway.key").display().to_string();
    highway(&["key", "new", "--out", &file])?;
    Ok(highway(&["key", "show", &file])?.trim().to_owned())
}
