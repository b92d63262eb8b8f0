//! Values of a document that are written as one text: moments, lengths of time, networks, targets, services.
//!
//! Nothing here asks what time it is.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use wire::tunnel::catalogue::ServiceKey;

use crate::plan::{LOCAL, Target};
use crate::words::is_island_id;

/// What is wanted where a target is.
pub const A_TARGET: &str = "an island's id (1 to 32 of a-z, 0-9 and -) or `local`";
/// What is wanted where a moment is.
pub const A_MOMENT: &str = "a moment such as 2026-11-21T08:00:00Z or 2026-11-21T16:00:00+08:00";
/// What is wanted where a network is.
pub const A_NETWORK: &str = "an address or a network such as 10.1.0.0/16";

/// An island or `local`.
pub fn target(text: &str) -> Option<Target> {
    match text {
        LOCAL => Some(Target::Local),
        island if is_island_id(island) => Some(Target::Island(island.into())),
        _ => None,
    }
}

/// RFC 3339, with any offset.
pub fn moment(text: &str) -> Option<SystemTime> {
    let utc = |text: &str| humantime::parse_rfc3339(text).ok();
    if text.ends_with('Z') {
        return utc(text);
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = Duration::from_secs((hours * 60 + minutes) * 60);
    let moment = utc(&format!("{local}Z"))?;
    match sign {
        "+" => moment.checked_sub(offset),
        "-" => moment.checked_add(offset),
        _ => None,
    }
}

/// `30s`, `2m`, `500ms`, at most an hour.
pub fn length(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|length| *length <= Duration::from_secs(3600))
}

/// `[group/]interface[:version]` of one service.
pub fn service(text: &str) -> Option<ServiceKey> {
    let (group, rest) = text.split_once('/').unwrap_or(("", text));
    let (interface, version) = rest.split_once(':').unwrap_or((rest, ""));
    let is_name = |name: &str| !name.contains(|c: char| c.is_control() || c.is_whitespace() || "/:*?".contains(c));
    let sound = !interface.is_empty() && text.len() <= 512 && [group, interface, version].into_iter().all(is_name);
    sound.then(|| ServiceKey { interface: interface.into(), group: group.into(), version: version.into() })
}

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    prefix_len: u8,
}

impl Network {
    /// An address, or one with the length of its prefix.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix_len) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().ok()?;
        let longest = if first.is_ipv4() { 32 } else { 128 };
        let prefix_len = prefix_len.unwrap_or(longest);
        (prefix_len <= longest).then_some(Self { first, prefix_len })
    }

    /// Whether all of `other` are among them.
    pub fn covers(&self, other: &Self) -> bool {
        let prefix_len = |network: &Self| match (network.first, network.first.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(_)) => network.prefix_len.saturating_sub(96),
            _ => network.prefix_len,
        };
        self.contains(other.first) && prefix_len(self) <= prefix_len(other)
    }

    /// Whether `address` is one of them; an IPv4 address may be written as IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let mapped = if self.first.is_ipv6() { 96 } else { 0 };
                let alike = first.to_bits() ^ address.to_bits();
                alike.leading_zeros() >= u32::from(self.prefix_len).saturating_sub(mapped)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(self.prefix_len)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_in_every_zone() {
        let utc = moment("2026-11-21T08:00:00Z").unwrap();
        assert_eq!(moment("2026-11-21T16:00:00+08:00"), Some(utc));
        assert_eq!(moment("2026-11-20T22:30:00-09:30"), Some(utc));
        for wrong in [
            "",
            "tomorrow",
            "2026-11-21",
            "2026-11-21T08:00:00",
            "2026-13-21T08:00:00Z",
            "2026-11-21T08:00:00+24:00",
            "é+08:00",
            "1970-01-01T00:00:00+0é:00",
        ] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        let holds = |network: &str, address: &str| Network::parse(network).unwrap().contains(address.parse().unwrap());
        assert!(holds("10.1.0.0/16", "10.1.255.1") && !holds("10.1.0.0/16", "10.2.0.1"));
        assert!(holds("10.1.2.3", "10.1.2.3") && !holds("10.1.2.3", "10.1.2.2"));
        assert!(holds("0.0.0.0/0", "10.1.2.3") && !holds("0.0.0.0/0", "fd00::1"));
        assert!(holds("10.1.0.0/16", "::ffff:10.1.2.3") && holds("::ffff:10.1.0.0/112", "10.1.2.3"));
        assert!(holds("fd00::/8", "fd12::1") && !holds("fd00::/8", "fe80::1"));
        for wrong in ["", "10.1.0.0/33", "10.1.0/8", "fd00::/129", "10.1.0.0/", "x"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_network_covers_those_within_it() {
        let covers = |wide: &str, narrow: &str| Network::parse(wide).unwrap().covers(&Network::parse(narrow).unwrap());
        for (wide, narrow) in [
            ("10.0.0.0/8", "10.1.0.0/16"),
            ("10.1.0.0/16", "10.1.0.0/16"),
            ("10.1.0.0/16", "10.1.2.3"),
            ("10.0.0.0/8", "::ffff:10.1.0.0/112"),
            ("::ffff:10.0.0.0/104", "10.1.0.0/16"),
            ("0.0.0.0/0", "10.0.0.0/8"),
            ("::/0", "fd00::/8"),
        ] {
            assert!(covers(wide, narrow), "{wide} and {narrow}");
        }
        for (wide, narrow) in [
            ("10.1.0.0/16", "10.0.0.0/8"),
            ("10.1.0.0/16", "10.2.0.0/24"),
            ("10.1.2.3", "10.1.2.0/24"),
            ("0.0.0.0/0", "fd00::/8"),
            ("::/0", "10.0.0.0/8"),
            ("fd00::/16", "fd00::/8"),
            ("::ffff:10.1.0.0/112", "10.0.0.0/8"),
        ] {
            assert!(!covers(wide, narrow), "{wide} and {narrow}");
        }
    }

    #[test]
    fn a_service_is_one_and_no_pattern() {
        assert_eq!(service("g1/com.acme.Greeter:1.0.0").unwrap().to_string(), "g1/com.acme.Greeter:1.0.0");
        for wrong in ["", "g1/", "com.acme.*", "a b", "a/b/c", "a:b:c"] {
            assert_eq!(service(wrong), None, "{wrong}");
        }
    }
}
