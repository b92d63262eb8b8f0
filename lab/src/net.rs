//! The networks of the lab: each island and the hub in a place of its own.
//!
//! ```text
//!   island a (10.77.2.2) ──┐                       forward: drop, but from an island to the hub's one port
//!   island b (10.77.3.2) ──┤ between (the router)  input:   drop
//!   hub      (10.77.1.2) ──┘                       nothing from hub to island but answers
//! ```
//! Where boxes are asked for (10.77.101.2, …), each is one more place: islands may dial it, and it the hub's one port.
//!
//! Every place is a network namespace with its own loopback; addresses exist only inside. Where namespaces are not allowed, all places
//! are this machine with ports of their own, which isolates nothing: [`Net::isolation`] says so, and whoever prints should too.
//! Nothing is changed outside the namespaces.

mod errands;
mod namespaces;
mod shared;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::helper;
use crate::process::{self, Process, Stdout};

/// The one port of the hub that islands may dial.
pub const HUB_PORT: u16 = 8443;
/// Where the hub is, unless something else is said.
const HUB: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 2);
/// The names that only what runs in one folder has, in that folder.
pub const HOSTS: &str = "hosts";

/// The networks; dropping them removes them.
#[derive(Debug)]
pub struct Net {
    hub: Place,
    islands: Vec<Place>,
    boxes: Vec<Place>,
    router: Option<namespaces::Router>,
    isolation: Isolation,
}

/// How far the islands are kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Isolation {
    /// Network namespaces with a firewall between them.
    Namespaces,
    /// None: one machine with several ports, and why.
    None {
        /// What forbids namespaces here.
        reason: String,
    },
}

/// An island to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site<'a> {
    /// Its name, at most 13 letters long: a network interface is named after it.
    pub name: &'a str,
    /// The address of its machine.
    pub address: Ipv4Addr,
}

/// Where a process runs: one namespace, or this machine.
#[derive(Debug, Clone)]
pub struct Place(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    address: Ipv4Addr,
    namespace: Option<String>,
}

/// What came of dialling an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dial {
    /// Somebody listens.
    Open,
    /// A machine is there and nobody listens.
    Refused,
    /// Nothing came back.
    Silent,
}

impl Net {
    /// Makes the hub's place (10.77.1.2) and one for each island (10.77.2.2, 10.77.3.2, …).
    ///
    /// # Errors
    /// Namespaces are allowed, but one cannot be made.
    pub fn new(islands: &[&str]) -> Result<Self> {
        Net::at(HUB, &in_a_row(islands, 2)?)
    }

    /// As [`new`](Self::new), with a place for each of so many boxes that stand between islands and hub.
    ///
    /// # Errors
    /// As [`new`](Self::new), and where namespaces are not allowed: a box on a shared machine stands in nobody's way.
    pub fn with_boxes(islands: &[&str], boxes: usize) -> Result<Self> {
        if boxes == 0 {
            return Net::new(islands);
        }
        if let Err(reason) = namespaces::allowed() {
            bail!("boxes between islands and hub want network namespaces: {reason}");
        }
        let names: Vec<String> = (1..=boxes).map(|number| format!("box{number}")).collect();
        let boxes: Vec<&str> = names.iter().map(String::as_str).collect();
        namespaces::make(HUB, &in_a_row(islands, 2)?, &in_a_row(&boxes, 101)?)
    }

    /// Makes the hub's place and the islands' at addresses of the caller's choice, each in a /24 network of its own.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn at(hub: Ipv4Addr, islands: &[Site<'_>]) -> Result<Self> {
        match namespaces::allowed() {
            Ok(()) => namespaces::make(hub, islands, &[]),
            Err(reason) => shared::make(islands, reason),
        }
    }

    /// Whether the islands are really apart.
    #[must_use]
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// Where the hub runs.
    #[must_use]
    pub fn hub(&self) -> &Place {
        &self.hub
    }

    /// Where an island's processes run.
    ///
    /// # Panics
    /// If no island of that name was asked for.
    #[must_use]
    pub fn island(&self, name: &str) -> &Place {
        let found = self.islands.iter().find(|place| place.name() == name);
        found.unwrap_or_else(|| panic!("the lab has no island {name}"))
    }

    /// Where the boxes stand, in their order.
    #[must_use]
    pub fn boxes(&self) -> &[Place] {
        &self.boxes
    }

    /// Bytes that went between two places since the start, there and back, with all that TCP/IP puts around them.
    ///
    /// # Errors
    /// There are no namespaces, or the counters cannot be read.
    pub fn bytes_between(&self, one: &Place, other: &Place) -> Result<u64> {
        self.router()?.bytes_between(one.name(), other.name())
    }

    /// Packets that went from one island into another since the start. Zero, if the firewall is worth its name.
    ///
    /// # Errors
    /// There are no namespaces, or the counters cannot be read.
    pub fn packets_between_islands(&self) -> Result<u64> {
        self.router()?.packets_between_islands()
    }

    /// Packets that went from an island to the hub since the start.
    ///
    /// # Errors
    /// There are no namespaces, or the counters cannot be read.
    pub fn packets_to_hub(&self) -> Result<u64> {
        self.router()?.packets_to_hub()
    }

    /// Cuts a place off, silently, as a pulled cable would, until it is [mended](Self::mend). One place at a time.
    ///
    /// # Errors
    /// There are no namespaces to cut.
    pub fn cut(&self, place: &Place) -> Result<()> {
        self.router()?.weather(place.name(), namespaces::Weather::Silent)
    }

    /// Answers whatever a place sends or is sent with a reset of the connection, until it is [mended](Self::mend).
    ///
    /// # Errors
    /// There are no namespaces.
    pub fn reset(&self, place: &Place) -> Result<()> {
        self.router()?.weather(place.name(), namespaces::Weather::Reset)
    }

    /// Joins every place again.
    ///
    /// # Errors
    /// There are no namespaces.
    pub fn mend(&self) -> Result<()> {
        self.router()?.weather("", namespaces::Weather::Fair)
    }

    /// Lets no more than this through each way of a place, as tc writes it (`30mbit`); what is too much waits up to 400 ms and is then
    /// dropped.
    ///
    /// # Errors
    /// There are no namespaces, or tc refuses.
    pub fn thin(&self, place: &Place, rate: &str) -> Result<()> {
        let router = self.router().context("a thin way wants network namespaces")?;
        router.thin(place.name(), rate)?;
        place.runs(&namespaces::bucket("eth0", rate))
    }

    fn router(&self) -> Result<&namespaces::Router> {
        self.router.as_ref().context("the islands share this machine, there is no network between them")
    }
}

/// One after the other: 10.77.`first`.2, and so on.
fn in_a_row<'a>(names: &[&'a str], first: usize) -> Result<Vec<Site<'a>>> {
    let site = |(&name, third): (&&'a str, usize)| -> Result<Site<'a>> {
        Ok(Site { name, address: Ipv4Addr::new(10, 77, u8::try_from(third)?, 2) })
    };
    names.iter().zip(first..).map(site).collect()
}

impl Site<'_> {
    /// The router's address on its cable.
    fn neighbour(self) -> Ipv4Addr {
        let [a, b, c, d] = self.address.octets();
        Ipv4Addr::new(a, b, c, if d == 1 { 254 } else { 1 })
    }

    fn network(self) -> String {
        let [a, b, c, _] = self.address.octets();
        format!("{a}.{b}.{c}.0/24")
    }
}

impl Place {
    fn new(name: &str, address: Ipv4Addr, namespace: Option<String>) -> Self {
        Place(Arc::new(Inner { name: name.to_owned(), address, namespace }))
    }

    /// `hub`, or the island.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its own address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.0.address
    }

    /// The namespace, to show to people.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }

    /// An address of this place: on the usual port, or on a free one where the machine is shared.
    ///
    /// # Errors
    /// No port is free.
    pub fn listen(&self, usual: u16) -> Result<SocketAddrV4> {
        let port = if self.0.namespace.is_some() { usual } else { shared::free_port(self.0.address)? };
        Ok(SocketAddrV4::new(self.0.address, port))
    }

    /// An address that only this place sees: on the usual port, or on a free one where the machine is shared.
    ///
    /// # Errors
    /// No port is free.
    pub fn listen_on_loopback(&self, usual: u16) -> Result<SocketAddrV4> {
        let port = if self.0.namespace.is_some() { usual } else { shared::free_port(Ipv4Addr::LOCALHOST)? };
        Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
    }

    /// Lets this place pass on packets that are for others, as a device does.
    ///
    /// # Errors
    /// The place is this machine.
    pub fn forwards(&self) -> Result<()> {
        self.runs(&["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    }

    /// Makes the firewall of this place what the text says, which nft reads.
    ///
    /// # Errors
    /// The place is this machine, or nft refuses.
    pub fn firewall(&self, rules: &str) -> Result<()> {
        namespaces::rules(self.own_namespace()?, rules)
    }

    /// Runs a command of the system here, such as `tc`, to its end.
    ///
    /// # Errors
    /// The place is this machine, or the command fails; its words are in the error.
    pub fn runs(&self, words: &[&str]) -> Result<()> {
        namespaces::inside(self.own_namespace()?, words).map(drop)
    }

    fn own_namespace(&self) -> Result<&str> {
        self.namespace().with_context(|| format!("{} is this machine", self.name()))
    }

    /// Gives this place one more address, which only it sees: who dials it from inside comes from it.
    ///
    /// # Errors
    /// The place is this machine, whose addresses are not ours, or it has that address.
    pub fn also_at(&self, address: Ipv4Addr) -> Result<()> {
        namespaces::also_at(self.own_namespace()?, address)
    }

    /// A command that will run in this place.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        match &self.0.namespace {
            None => Command::new(program),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(program);
                command
            }
        }
    }

    /// The same, with the names of the file [`HOSTS`] in this folder and no others, if there is one: what runs in a namespace has mounts of
    /// its own.
    #[must_use]
    pub fn command_with_names(&self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let hosts = folder.join(HOSTS);
        if self.namespace().is_none() || !hosts.exists() {
            return self.command(program);
        }
        let mut command = self.command("sh");
        command.args(["-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]).arg(hosts).arg(program);
        command
    }

    /// Listens on these ports and answers nothing: something to be dialled, where the question is whether anybody can.
    ///
    /// # Errors
    /// A port is taken.
    pub fn listener(&self, ports: &[u16], folder: &Path) -> Result<Process> {
        let mut command = self.command(helper::program()?);
        command.arg("listen").args(ports.iter().map(|port| SocketAddrV4::new(self.address(), *port).to_string()));
        let name = format!("listener-{}", self.name());
        let process = Process::start(&name, folder, command, Stdout::Logged)?;
        process::until("the listener listens", Duration::from_secs(10), || {
            process.log().contains("listening").then_some(())
        })?;
        Ok(process)
    }

    /// Does something on a thread of its own whose network is this place's. Sockets that are opened there stay of this place,
    /// wherever they are handed to.
    ///
    /// # Errors
    /// The thread cannot step into the namespace.
    ///
    /// # Panics
    /// As `work` does.
    pub fn inside<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R> {
        let there = || {
            self.enter()?;
            Ok(work())
        };
        std::thread::scope(|scope| match scope.spawn(there).join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    /// Moves the calling thread, and it alone, into this place's network.
    fn enter(&self) -> Result<()> {
        let Some(namespace) = &self.0.namespace else { return Ok(()) };
        let file = Path::new("/run/netns").join(namespace);
        let opened = File::open(&file).with_context(|| format!("cannot open {}", file.display()))?;
        move_into_link_name_space(opened.as_fd(), Some(LinkNameSpaceType::Network))
            .with_context(|| format!("cannot step into {namespace}"))
    }
}
