//! The files of the line, as an operator would write them: the least that each program needs, all else by default.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::program::Kind;

/// What the line is to be: by default every island has one gateway of each role, imports, exports and may call everything under
/// `com.example`.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) islands: Vec<String>,
    pub(super) grants: Vec<Grant>,
    /// More TOML at the end of the hub's file.
    pub(super) hub: String,
    /// More TOML in the section `[[hub]]`.
    in_hub: String,
    imports: BTreeMap<String, Vec<String>>,
    exports: BTreeMap<String, Vec<String>>,
    ports: BTreeMap<String, BTreeMap<String, u16>>,
    /// More TOML in the section `[egress]`.
    in_egress: BTreeMap<String, String>,
    gateways: BTreeMap<(Role, String), Gateways>,
    registries: BTreeMap<String, Registry>,
    egresses: BTreeMap<String, Kind>,
    /// Places for boxes between islands and hub.
    pub(super) boxes: usize,
}

/// The ZooKeeper of an island.
#[derive(Debug, Clone, Default)]
struct Registry {
    is_ensemble: bool,
    has_second: bool,
    /// More TOML in the section that names it.
    more: String,
}

/// Which of the two programs of an island.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Consumers come in here.
    Egress,
    /// Calls go out to providers here.
    Ingress,
}

impl Role {
    /// As the policy and the gateways' ids say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Egress => "egress",
            Role::Ingress => "ingress",
        }
    }
}

/// The gateways of one role in an island.
#[derive(Debug, Clone)]
struct Gateways {
    count: u16,
    /// More TOML at the end of each one's file.
    more: String,
}

impl Default for Gateways {
    fn default() -> Self {
        Gateways { count: 1, more: String::new() }
    }
}

/// Who may call what.
#[derive(Debug, Clone)]
pub struct Grant {
    id: String,
    from: String,
    to: String,
    services: Vec<String>,
}

const EVERYTHING: &str = "com.example.*";

impl Plan {
    /// Two islands of these names.
    #[must_use]
    pub fn new(one: &str, two: &str) -> Self {
        Plan::of(&[one, two])
    }

    /// Islands of these names.
    #[must_use]
    pub fn of(islands: &[&str]) -> Self {
        let all = || islands.iter().map(|&name| (name.to_owned(), owned(&[EVERYTHING]))).collect();
        let pairs = islands.iter().flat_map(|&from| islands.iter().map(move |&to| (from, to)));
        Plan {
            grants: pairs
                .filter(|(from, to)| from != to)
                .map(|(from, to)| Grant::new(&format!("{from}-to-{to}"), from, to, &[EVERYTHING]))
                .collect(),
            hub: String::new(),
            in_hub: String::new(),
            imports: all(),
            exports: all(),
            ports: BTreeMap::new(),
            in_egress: BTreeMap::new(),
            gateways: BTreeMap::new(),
            registries: BTreeMap::new(),
            egresses: BTreeMap::new(),
            boxes: 0,
            islands: owned(islands),
        }
    }

    /// So many places for boxes between islands and hub, see [`Net::boxes`](crate::net::Net::boxes).
    #[must_use]
    pub fn boxes(mut self, count: usize) -> Self {
        self.boxes = count;
        self
    }

    /// So many gateways of this role in an island.
    #[must_use]
    pub fn gateways(mut self, role: Role, island: &str, count: u16) -> Self {
        self.gateways.entry((role, island.to_owned())).or_default().count = count;
        self
    }

    /// More TOML at the end of the file of each gateway of this role in an island.
    #[must_use]
    pub fn also(mut self, role: Role, island: &str, toml: &str) -> Self {
        self.gateways.entry((role, island.to_owned())).or_default().more += toml;
        self
    }

    /// The egress of an island is this program: one of `examples/`, with handlers of its own.
    #[must_use]
    pub fn egress_program(mut self, island: &str, name: &'static str) -> Self {
        self.egresses.insert(island.to_owned(), Kind::OwnEgress(name));
        self
    }

    /// The ZooKeeper of an island is an ensemble of three.
    #[must_use]
    pub fn ensemble(mut self, island: &str) -> Self {
        self.registries.entry(island.to_owned()).or_default().is_ensemble = true;
        self
    }

    /// An island has another registry beside its first, and its gateways work with both.
    #[must_use]
    pub fn second_registry(mut self, island: &str) -> Self {
        self.registries.entry(island.to_owned()).or_default().has_second = true;
        self
    }

    /// More TOML in the section `[[registry]]` of each gateway of an island.
    #[must_use]
    pub fn also_registry(mut self, island: &str, toml: &str) -> Self {
        self.registries.entry(island.to_owned()).or_default().more += toml;
        self
    }

    /// More TOML at the end of the hub's file, which ends with its section `[hub]`.
    #[must_use]
    pub fn also_hub(mut self, toml: &str) -> Self {
        self.hub += toml;
        self
    }

    /// More TOML in the section `[[hub]]` of every gateway.
    #[must_use]
    pub fn in_hub(mut self, toml: &str) -> Self {
        self.in_hub += toml;
        self
    }

    /// The egress of an island gives another island a port of its own.
    #[must_use]
    pub fn port(mut self, island: &str, other: &str, port: u16) -> Self {
        self.ports.entry(island.to_owned()).or_default().insert(other.to_owned(), port);
        self
    }

    /// More TOML in the section `[egress]` of each egress of an island, such as `tag = false`.
    #[must_use]
    pub fn in_egress(mut self, island: &str, toml: &str) -> Self {
        *self.in_egress.entry(island.to_owned()).or_default() += toml;
        self
    }

    /// These grants and no others.
    #[must_use]
    pub fn grants(mut self, grants: Vec<Grant>) -> Self {
        self.grants = grants;
        self
    }

    /// An island imports these services, `[group/]interface[:version]`, and no others.
    #[must_use]
    pub fn imports(mut self, island: &str, services: &[&str]) -> Self {
        self.imports.insert(island.to_owned(), owned(services));
        self
    }

    /// An island exports these services and no others.
    #[must_use]
    pub fn exports(mut self, island: &str, services: &[&str]) -> Self {
        self.exports.insert(island.to_owned(), owned(services));
        self
    }

    pub(super) fn count_of(&self, role: Role, island: &str) -> u16 {
        self.gateways.get(&(role, island.to_owned())).map_or(1, |gateways| gateways.count)
    }

    pub(super) fn egress_of(&self, island: &str) -> Kind {
        self.egresses.get(island).copied().unwrap_or(Kind::EgressGw)
    }

    pub(super) fn has_second_registry(&self, island: &str) -> bool {
        self.registries.get(island).is_some_and(|registry| registry.has_second)
    }

    pub(super) fn ports_of(&self, island: &str) -> BTreeMap<String, u16> {
        self.ports.get(island).cloned().unwrap_or_default()
    }

    pub(super) fn more_of(&self, role: Role, island: &str) -> &str {
        self.gateways.get(&(role, island.to_owned())).map_or("", |gateways| &gateways.more)
    }

    pub(super) fn has_ensemble(&self, island: &str) -> bool {
        self.registries.get(island).is_some_and(|registry| registry.is_ensemble)
    }

    fn more_of_registry(&self, island: &str) -> &str {
        self.registries.get(island).map_or("", |registry| &registry.more)
    }

    pub(super) fn imports_of(&self, island: &str) -> &[String] {
        self.imports.get(island).map_or(&[], Vec::as_slice)
    }

    pub(super) fn exports_of(&self, island: &str) -> &[String] {
        self.exports.get(island).map_or(&[], Vec::as_slice)
    }
}

impl Grant {
    /// One island may call these services of another.
    #[must_use]
    pub fn new(id: &str, from: &str, to: &str, services: &[&str]) -> Self {
        Grant { id: id.to_owned(), from: from.to_owned(), to: to.to_owned(), services: owned(services) }
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// What every gateway is told.
pub(super) struct Gateway<'a> {
    pub(super) island: &'a str,
    pub(super) role: Role,
    /// From 1, where there are several of a role.
    pub(super) number: usize,
    pub(super) hub: SocketAddrV4,
    pub(super) hub_key: &'a str,
    /// The servers, with commas between them.
    pub(super) registry: &'a str,
    /// Another one beside it.
    pub(super) second: Option<SocketAddrV4>,
}

/// A gateway as the policy lists it.
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) role: Role,
    pub(super) key: String,
}

pub(super) fn hub(listen: SocketAddrV4, more: &str) -> String {
    format!(
        "[policy]\nfiles = [\"islands.toml\", \"grants.toml\"]\n\n[audit]\nfile = \"audit.jsonl\"\n\n\
         [hub]\nid = \"hub-1\"\nlisten = [\"{listen}\"]\nkey_file = \"highway.key\"\n{more}"
    )
}

pub(super) fn islands(islands: &[(String, Vec<Listed>)]) -> String {
    let mut text = String::new();
    for (island, gateways) in islands {
        let _ = writeln!(text, "[[island]]\nid = \"{island}\"");
        for Listed { id, role, key } in gateways {
            let role = role.name();
            let _ = writeln!(text, "  [[island.gateway]]\n  id = \"{id}\"\n  role = \"{role}\"\n  key = \"{key}\"");
        }
        text.push('\n');
    }
    text
}

pub(super) fn grants(grants: &[Grant]) -> String {
    let mut text = String::new();
    for Grant { id, from, to, services } in grants {
        let _ =
            writeln!(text, "[[grant]]\nid = \"{id}\"\nfrom = [\"{from}\"]\nto = [\"{to}\"]\nservice = {services:?}\n");
    }
    text
}

pub(super) fn egress(
    about: &Gateway<'_>,
    address: Ipv4Addr,
    port: u16,
    others: &BTreeMap<String, u16>,
    plan: &Plan,
) -> String {
    let mut text = about.head(plan);
    let more = plan.in_egress.get(about.island).map_or("", String::as_str);
    let _ = writeln!(text, "[egress]\nlisten = [\"{address}\"]\n{more}\n[egress.ports]\ndefault = {port}");
    for (island, port) in others {
        let _ = writeln!(text, "{island} = {port}");
    }
    for service in plan.imports_of(about.island) {
        let _ = writeln!(text, "\n[[import.rule]]\nisland = \"*\"\nservice = \"{service}\"");
    }
    text + plan.more_of(Role::Egress, about.island)
}

pub(super) fn ingress(about: &Gateway<'_>, plan: &Plan) -> String {
    let mut text = about.head(plan);
    for service in plan.exports_of(about.island) {
        let _ = writeln!(text, "[[export.rule]]\nservice = \"{service}\"\n");
    }
    text + plan.more_of(Role::Ingress, about.island)
}

/// A gateway's id: what the policy lists and virtual nodes are marked with.
pub(super) fn id(island: &str, role: Role, number: usize) -> String {
    format!("{island}-{}-{number}", role.name())
}

impl Gateway<'_> {
    fn head(&self, plan: &Plan) -> String {
        let Gateway { island, role, number, hub, hub_key, registry, second } = *self;
        let more = plan.more_of_registry(island);
        let id = id(island, role, number);
        let second = second.map(|second| format!("[[registry]]\naddress = \"{second}\"\n\n")).unwrap_or_default();
        format!(
            "[island]\nid = \"{island}\"\ngateway = \"{id}\"\n\n\
             [[hub]]\nurl = \"http://{hub}\"\nkey = [\"{hub_key}\"]\n{}\n\
             [link]\nkey_file = \"highway.key\"\n\n\
             [[registry]]\naddress = \"{registry}\"\n{more}\n{second}",
            plan.in_hub
        )
    }
}
