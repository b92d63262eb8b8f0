//! `highway island`: what a new island needs to be known at the hub, and the files of its gateways.
//!
//! ```text
//!   island new    DIR/egress-gw.toml, DIR/ingress-gw.toml, DIR/egress.key, DIR/ingress.key    each only where it is not there yet
//!   island keys   DIR/egress.key, DIR/ingress.key                                             the same, for those configured by variables
//!   both print    what goes into the hub's policy, on standard output; what comes next, on standard error
//! ```
//!
//! Writes nothing else, changes no file that is there and tells the hub nothing: that is for who runs the hub.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use tunnel::{Listing, Role};

use crate::wrong::wrong;
use crate::{key, output};

/// The longest name of an island for which its gateways' names, made of it, are no longer than 32.
const ISLAND_LEN: usize = 32 - "-ingress-1".len();

/// The two kinds of gateways, as the hub's policy calls them.
const ROLES: [(&str, Role); 2] = [("egress", Role::Egress), ("ingress", Role::Ingress)];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes the files and keys of an island's two gateways, as far as they are not there; prints what the hub has to know of it.
    New(New),
    /// Makes the keys alone, as far as they are not there; prints the same.
    Keys(Named),
}

#[derive(Debug, Args)]
pub struct Named {
    /// The name of the island: up to 22 of a-z, 0-9 and `-`.
    id: String,
    /// The folder of the files; as root, keys are given to whom it belongs.
    #[arg(long, default_value = "/etc/highway")]
    dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct New {
    #[command(flatten)]
    island: Named,
    /// The hub, such as https://hub.example.com.
    #[arg(long)]
    hub: String,
    /// The public half of the hub's key, as `highway key show` prints it there.
    #[arg(long)]
    hub_key: String,
    /// The island's ZooKeeper, such as zk1:2181,zk2:2181.
    #[arg(long)]
    registry: String,
    /// What consumers here may call elsewhere: [group/]interface[:version], `*` stands for any characters. Once for each.
    #[arg(long)]
    import: Vec<String>,
    /// What others may call here, in the same form.
    #[arg(long)]
    export: Vec<String>,
    /// The address of this machine that consumers can reach [default: the one by which it reaches the registry].
    #[arg(long)]
    advertise: Option<IpAddr>,
}

/// Does it; the lines for the hub's policy, and what comes next.
pub fn run(command: &Command) -> Result<(String, String)> {
    let (island, is_whole) = match command {
        Command::New(new) => (&new.island, true),
        Command::Keys(island) => (island, false),
    };
    if !is_name(&island.id) {
        let what = format!("found island {:?}, wanted 1 to {ISLAND_LEN} of a-z, 0-9 and `-`", island.id);
        return Err(wrong(what));
    }
    if let Command::New(new) = command {
        for (role, _) in ROLES {
            write_new(&island.dir.join(format!("{role}-gw.toml")), &configuration(new, role))?;
        }
    }
    Ok((policy(island)?, next(&island.dir, is_whole)))
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=ISLAND_LEN).contains(&text.len()) && text.bytes().all(fits)
}

/// What the hub has to know, with the keys made that are not there.
fn policy(island: &Named) -> Result<String> {
    let id = &island.id;
    let mut policy = String::new();
    for (name, role) in ROLES {
        let key = key::made_or_kept(&island.dir.join(format!("{name}.key")))?;
        let listing = Listing { island: id, gateway: &format!("{id}-{name}-1"), role, key: &key };
        policy.push_str(&if policy.is_empty() { listing.entry() } else { listing.gateway_entry() });
    }
    policy.truncate(policy.trim_end().len());
    Ok(policy)
}

fn configuration(new: &New, role: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let id = &new.island.id;
    let mut text = format!(
        "[island]\nid = \"{id}\"\ngateway = \"{id}-{role}-1\"\n\n[[hub]]\nurl = {}\nkey = [{}]\n\n[link]\nkey_file = \"{role}.key\"\n\n[[registry]]\naddress = {}\n",
        quoted(&new.hub),
        quoted(&new.hub_key),
        quoted(&new.registry),
    );
    if role == "ingress" {
        for service in &new.export {
            text.push_str(&format!("\n[[export.rule]]\nservice = {}\n", quoted(service)));
        }
        return text;
    }
    if let Some(address) = new.advertise {
        text.push_str(&format!("\n[egress]\nadvertise = \"{address}\"\n"));
    }
    for service in &new.import {
        text.push_str(&format!("\n[[import.rule]]\nisland = \"*\"\nservice = {}\n", quoted(service)));
    }
    text
}

/// A file that is there stays as it is: somebody may have worked on it.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let made = fs::OpenOptions::new().write(true).create_new(true).open(path);
    match made {
        Ok(mut file) => file.write_all(text.as_bytes()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            output::say(format_args!("highway: {} is there and stays as it is", path.display()));
            Ok(())
        }
        Err(error) => Err(error),
    }
    .with_context(|| format!("cannot write {}", path.display()))
}

fn next(dir: &Path, is_whole: bool) -> String {
    let mut text = String::from(
        "\nhighway: next\n  at the hub   put the lines above into a file of its [policy] files, and a [[grant]] for who may call what where there is none;\n               \
         they count as soon as the file is written",
    );
    if is_whole {
        let dir = dir.display();
        text.push_str(&format!(
            "\n  here         systemctl enable --now highway-egress-gw highway-ingress-gw\n               \
             (without systemd: egress-gw {dir}/egress-gw.toml, ingress-gw {dir}/ingress-gw.toml)\n  \
             then         highway status says whether the links are up; highway doctor --config {dir}/egress-gw.toml why they are not"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_leaves_room_for_its_gateways() {
        assert!(is_name("shanghai-2") && is_name(&"a".repeat(22)));
        for wrong in ["", "Shanghai", "a b", "a\"", &"a".repeat(23)] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_was_typed_stays_one_value_of_the_file() {
        let new = New {
            island: Named { id: "east".into(), dir: PathBuf::new() },
            hub: "http://hub:8443\"\n[x]".into(),
            hub_key: "key".into(),
            registry: "zk:2181".into(),
            import: vec!["com.*".into()],
            export: vec![],
            advertise: Some("10.0.0.9".parse().unwrap()),
        };
        let text = configuration(&new, "egress");
        assert!(text.contains("url = \"http://hub:8443\\\"\\n[x]\"\n"), "{text}");
        assert!(text.contains("gateway = \"east-egress-1\"") && text.contains("advertise = \"10.0.0.9\""), "{text}");
        assert!(!configuration(&new, "ingress").contains("import"));
    }
}
