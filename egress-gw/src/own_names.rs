//! The names of this machine, for those who write its address as one: what it is called, and what its own table of hosts calls the
//! addresses at which the gateway listens.
//!
//! Nothing is asked of a name server: what it answers may be slow, and another a moment later.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// A longer table is read so far.
const HOSTS_MAX_LEN: usize = 1 << 20;

/// Host names, as [`normal`] writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnNames(BTreeSet<String>);

impl OwnNames {
    /// Those of this machine; `is_own` says which addresses the gateway listens at.
    #[must_use]
    pub fn read(is_own: impl Fn(IpAddr) -> bool) -> Self {
        let text = |path| std::fs::read(path).unwrap_or_default();
        let (host, hosts) = (text("/proc/sys/kernel/hostname"), text("/etc/hosts"));
        let hosts = &hosts[..hosts.len().min(HOSTS_MAX_LEN)];
        Self::of(&String::from_utf8_lossy(&host), &String::from_utf8_lossy(hosts), is_own)
    }

    /// What a machine of this name with this table of hosts is called.
    #[must_use]
    pub fn of(host: &str, hosts: &str, is_own: impl Fn(IpAddr) -> bool) -> Self {
        let lines = hosts.lines().filter_map(|line| line.split('#').next());
        let listed = lines.flat_map(|line| {
            let mut words = line.split_whitespace();
            let is_listed = words.next().and_then(|word| word.parse().ok()).is_some_and(&is_own);
            words.filter(move |_| is_listed)
        });
        let names = listed.chain([host.trim()]).map(normal).filter(|name| !name.is_empty());
        Self(names.collect())
    }

    /// Whether this machine is called so.
    #[must_use]
    pub fn has(&self, host: &str) -> bool {
        self.0.contains(&normal(host))
    }
}

/// Names are the same in capitals, and with the dot of the root.
fn normal(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_called_by_its_name_and_by_what_its_table_calls_its_addresses() {
        let hosts =
            "127.0.0.1 localhost\n10.0.0.9\tGate-1.acme.example gate # ours\n10.0.0.8 other\n# 10.0.0.9 off\nx y\n";
        let own = ["127.0.0.1", "10.0.0.9"].map(|one| one.parse::<IpAddr>().unwrap());
        let names = OwnNames::of("box-7\n", hosts, |address| own.contains(&address));
        for name in ["box-7", "localhost", "gate-1.acme.example", "GATE-1.acme.example.", "gate"] {
            assert!(names.has(name), "{name}");
        }
        for name in ["other", "off", "ours", "", "y", "10.0.0.8"] {
            assert!(!names.has(name), "{name}");
        }
    }
}
