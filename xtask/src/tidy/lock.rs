//! Crates that may not be in a lock file, however they came in: those that deny.toml bans.
//!
//! Here as well as in `cargo deny`, because this needs nothing installed and looks at the fuzz workspaces too.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};
use toml::Table;

use super::{Finding, text};

const LOCKS: [&str; 4] = ["Cargo.lock", "wire/fuzz/Cargo.lock", "tunnel/fuzz/Cargo.lock", "route/fuzz/Cargo.lock"];

/// Banned crates in the lock files that are there.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let banned = banned(&text(root, "deny.toml")?)?;
    let mut findings = Vec::new();
    for lock in LOCKS {
        if lock == LOCKS[0] || root.join(lock).is_file() {
            findings.extend(find(&banned, lock, &text(root, lock)?)?);
        }
    }
    Ok(findings)
}

fn banned(deny: &str) -> Result<BTreeSet<String>> {
    let deny: Table = deny.parse()?;
    let list = deny.get("bans").and_then(|bans| bans.get("deny")).and_then(|list| list.as_array());
    let name = |entry: &toml::Value| entry.get("name").unwrap_or(entry).as_str().map(str::to_owned);
    let names: BTreeSet<_> = list.into_iter().flatten().filter_map(name).collect();
    if names.is_empty() {
        bail!("deny.toml bans nothing, wanted a list `deny` in its section [bans]");
    }
    Ok(names)
}

fn find(banned: &BTreeSet<String>, file: &str, lock: &str) -> Result<Vec<Finding>> {
    let lock: Table = lock.parse()?;
    let packages = lock.get("package").and_then(|list| list.as_array()).into_iter().flatten();
    let names = packages.filter_map(|package| package.get("name")?.as_str());
    let found: BTreeSet<_> = names.filter(|name| banned.contains(*name)).collect();
    let sentence =
        |name| Finding::new(file, format!("{name} is banned by deny.toml (`cargo tree -i {name}` shows who wants it)"));
    Ok(found.into_iter().map(sentence).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[bans]\ndeny = [{ name = \"native-tls\" }, \"serde_yaml\"]";

    #[test]
    fn a_banned_crate_in_the_lock_is_a_finding() {
        let lock = "version = 4\n[[package]]\nname = \"serde_yaml\"\n[[package]]\nname = \"serde\"\n";
        let findings = find(&banned(DENY).unwrap(), "Cargo.lock", lock).unwrap();
        assert_eq!(
            findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["Cargo.lock: serde_yaml is banned by deny.toml (`cargo tree -i serde_yaml` shows who wants it)"]
        );
    }

    #[test]
    fn a_list_that_bans_nothing_is_an_error() {
        assert!(banned("[bans]\ndeny = []").is_err());
        assert!(banned("").is_err());
    }

    #[test]
    fn the_real_list_bans_what_was_decided() {
        let banned = banned(&text(&crate::step::root(), "deny.toml").unwrap()).unwrap();
        for name in ["openssl-sys", "native-tls", "serde_yaml", "hessian_rs", "serde-hessian", "zookeeper-async"] {
            assert!(banned.contains(name), "{name}");
        }
    }
}
