//! What there is in a kept lab: places, addresses, processes, links.

use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{World, lock};
use crate::net::{Isolation, Place};
use crate::program::Program;

/// All of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Why islands are not kept apart; nothing where they are.
    pub not_isolated: Option<String>,
    /// Logs, data and configurations.
    pub folder: String,
    /// The keeper's process.
    pub keeper: u32,
    /// Seconds since 1970 at which the lab was ready.
    pub began: u64,
    /// The box on the way to the hub, with what it does.
    pub r#box: Option<String>,
    /// How much goes each way of each island.
    pub thin: Option<String>,
    /// Packets so far from islands to the hub, or the box, and from one island into another: none, if the firewall is worth its name.
    /// Nothing where islands are not kept apart.
    pub packets: Option<(u64, u64)>,
    /// What is broken just now.
    pub broken: Option<String>,
    /// The hub first, then the islands.
    pub places: Vec<Standing>,
}

/// One place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    /// The hub, or the island.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its network namespace.
    pub namespace: Option<String>,
    /// What runs there, each with its process and where it is asked.
    pub processes: Vec<Runs>,
    /// Links of this place as the hub sees them.
    pub links: Vec<Value>,
}

/// One process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Runs {
    /// What it is called.
    pub name: String,
    /// Its id; nothing where it does not run.
    pub pid: Option<u32>,
    /// Where it is reached.
    pub at: String,
}

impl World {
    /// As it is now.
    #[must_use]
    pub fn status(&self) -> Status {
        let not_isolated = match self.line.lab.net.isolation() {
            Isolation::Namespaces => None,
            Isolation::None { reason } => Some(reason.clone()),
        };
        let hub = self.line.hub.status().unwrap_or_default();
        let links = |island: &str| -> Vec<Value> {
            let all = hub["hub"]["links"].as_array().cloned().unwrap_or_default();
            all.into_iter().filter(|link| link["island"] == island).collect()
        };
        let mut places = vec![standing(self.line.lab.net.hub(), vec![program(&self.line.hub)], Vec::new())];
        for one in &self.islands {
            let island = self.line.island(one.name);
            let mut processes = vec![Runs {
                name: format!("zookeeper-{}", one.name),
                pid: island.zookeeper.id(),
                at: island.zookeeper.url(),
            }];
            processes.extend(island.gateways().map(program));
            processes[1].at += &format!(", consumers {}", island.egress_url());
            let java = |name: &str, pid| Runs {
                name: format!("{name}-in-{}", one.name),
                pid,
                at: format!("Dubbo {}", one.release.version()),
            };
            processes.push(java("provider", lock(&one.provider).as_ref().and_then(|peer| peer.process().running())));
            processes.push(java("consumer", one.consumer.process().running()));
            processes.extend(one.rust.iter().map(|rust| Runs {
                name: format!("rust-provider-in-{}", one.name),
                pid: rust.running(),
                at: "highway-sdk".to_owned(),
            }));
            places.push(standing(island.place(), processes, links(one.name)));
        }
        Status {
            not_isolated,
            folder: self.line.lab.folder().display().to_string(),
            keeper: std::process::id(),
            began: self.began.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            r#box: self.r#box.as_ref().map(|running| format!("{}: {}", running.kind().name, running.kind().about)),
            thin: self.wish.thin.clone(),
            packets: self.line.lab.net.packets_to_hub().ok().zip(self.line.lab.net.packets_between_islands().ok()),
            broken: lock(&self.broken).as_ref().map(super::Fault::text),
            places,
        }
    }
}

fn standing(place: &Place, processes: Vec<Runs>, links: Vec<Value>) -> Standing {
    Standing {
        name: place.name().to_owned(),
        address: place.address().to_string(),
        namespace: place.namespace().map(str::to_owned),
        processes,
        links,
    }
}

fn program(program: &Program) -> Runs {
    Runs { name: program.name().to_owned(), pid: program.id(), at: format!("admin http://{}", program.admin()) }
}

impl Status {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = match &self.not_isolated {
            None => "up; each island is a network namespace that may dial the hub alone\n".to_owned(),
            Some(why) => format!("up, with NO ISOLATION: all islands are this machine with several ports ({why})\n"),
        };
        let lines = [("box", &self.r#box), ("thin", &self.thin), ("broken", &self.broken)];
        for (name, what) in lines.into_iter().filter_map(|(name, what)| Some((name, what.as_ref()?))) {
            text += &format!("{name}: {what}\n");
        }
        text += &format!("logs and configurations: {}\nkeeper: process {}\n", self.folder, self.keeper);
        for place in &self.places {
            let Standing { name, address, namespace, processes, links } = place;
            text += &format!("\n{name}  {address}  {}\n", namespace.as_deref().unwrap_or("this machine"));
            for Runs { name, pid, at } in processes {
                let pid = pid.map_or_else(|| "does not run".to_owned(), |pid| format!("process {pid}"));
                text += &format!("  {name:26} {pid:16} {at}\n");
            }
            for link in links {
                let word = |key: &str| link[key].as_str().unwrap_or("no connection").to_owned();
                let (name, transport, rtt_us) = (word("name"), word("transport"), link["rtt_us"].as_u64().unwrap_or(0));
                text += &format!("  link of {name}: {transport}, round trip {rtt_us} µs\n");
            }
        }
        text
    }
}
