//! `[egress.ports]`: one port for everybody and one for each separately addressed island.
//!
//! An island needs a port of its own because a reference's tag is not on the wire, and at instance level one ip:port is
//! one invoker.

use std::collections::BTreeMap;
use std::sync::Arc;

use chassis::Mistakes;

use super::{ID_FORM, is_id};

/// The name of the port that belongs to no island.
const DEFAULT: &str = "default";
/// Its number unless told otherwise.
const DEFAULT_PORT: u16 = 20990;

/// A port that is listened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its number; 0 lets the system choose.
    pub number: u16,
    /// The island to which calls go that come in on it; `None` for the port of all others.
    pub island: Option<Arc<str>>,
}

/// Whether virtual nodes on ports of islands carry `dubbo.tag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagging {
    /// The tag is the island's id, so that only consumers that ask for it are led there.
    ByIsland,
    /// No tag: the nodes are choices like any other.
    Off,
}

/// Checks the section. Without any key it is the default port alone.
pub fn settle(typed: BTreeMap<String, u16>, own_island: Option<&str>, mistakes: &mut Mistakes) -> Vec<Port> {
    if typed.is_empty() {
        return vec![Port { number: DEFAULT_PORT, island: None }];
    }
    let mut ports: Vec<Port> = Vec::new();
    for (name, number) in typed {
        let key = format!("egress.ports.{name}");
        if name != DEFAULT && !is_id(&name) {
            mistakes.wrong(&key, format_args!("the name {name:?}"), format_args!("`default`, or an island: {ID_FORM}"));
            continue;
        }
        if Some(name.as_str()) == own_island {
            mistakes.wrong(
                &key,
                "a port of the own island",
                "ports of other islands: local providers are called directly",
            );
            continue;
        }
        if number != 0 && ports.iter().any(|port| port.number == number) {
            mistakes.wrong(&key, format_args!("port {number} again"), "a port of its own for each island");
            continue;
        }
        ports.push(Port { number, island: (name != DEFAULT).then(|| name.into()) });
    }
    ports
}
