//! The files of the line, as an operator would write them: the least that each program needs, all else by default.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};

/// What the line is to be: by default both islands import, export and may call everything under `com.example`.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) islands: [String; 2],
    pub(super) grants: Vec<Grant>,
    imports: BTreeMap<String, Vec<String>>,
    exports: BTreeMap<String, Vec<String>>,
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
        let islands = [one.to_owned(), two.to_owned()];
        let all = |_| vec![EVERYTHING.to_owned()];
        Plan {
            grants: vec![
                Grant::new(&format!("{one}-to-{two}"), one, two, &[EVERYTHING]),
                Grant::new(&format!("{two}-to-{one}"), two, one, &[EVERYTHING]),
            ],
            imports: islands.iter().cloned().map(|name| (name, all(()))).collect(),
            exports: islands.iter().cloned().map(|name| (name, all(()))).collect(),
            islands,
        }
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

/// What both gateways of an island are told.
pub(super) struct Gateway<'a> {
    pub(super) island: &'a str,
    pub(super) hub: SocketAddrV4,
    pub(super) hub_key: &'a str,
    pub(super) registry: SocketAddrV4,
}

pub(super) fn hub(listen: SocketAddrV4) -> String {
    format!(
        "[hub]\nid = \"hub-1\"\nlisten = [\"{listen}\"]\nkey_file = \"highway.key\"\n\n\
         [policy]\nfiles = [\"islands.toml\", \"grants.toml\"]\n\n[audit]\nfile = \"audit.jsonl\"\n"
    )
}

/// Island, public key of its egress, public key of its ingress.
pub(super) fn islands(keys: &[(String, String, String)]) -> String {
    let mut text = String::new();
    for (island, egress, ingress) in keys {
        let _ = writeln!(text, "[[island]]\nid = \"{island}\"");
        for (role, key) in [("egress", egress), ("ingress", ingress)] {
            let _ = writeln!(
                text,
                "  [[island.gateway]]\n  id = \"{island}-{role}-1\"\n  role = \"{role}\"\n  key = \"{key}\""
            );
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

pub(super) fn egress(about: &Gateway<'_>, address: Ipv4Addr, port: u16, imports: &[String]) -> String {
    let mut text = about.head("egress");
    let _ = writeln!(text, "[egress]\nlisten = [\"{address}\"]\n\n[egress.ports]\ndefault = {port}\n");
    for service in imports {
        let _ = writeln!(text, "[[import.rule]]\nisland = \"*\"\nservice = \"{service}\"\n");
    }
    text
}

pub(super) fn ingress(about: &Gateway<'_>, exports: &[String]) -> String {
    let mut text = about.head("ingress");
    for service in exports {
        let _ = writeln!(text, "[[export.rule]]\nservice = \"{service}\"\n");
    }
    text
}

impl Gateway<'_> {
    fn head(&self, role: &str) -> String {
        let Gateway { island, hub, hub_key, registry } = self;
        format!(
            "[island]\nid = \"{island}\"\ngateway = \"{island}-{role}-1\"\n\n\
             [[hub]]\nurl = \"http://{hub}\"\nkey = [\"{hub_key}\"]\n\n\
             [link]\nkey_file = \"highway.key\"\n\n\
             [[registry]]\naddress = \"{registry}\"\n\n"
        )
    }
}
