//! Who may connect: ranges of addresses, `10.0.0.0/8`, as in every firewall (RFC 4632, RFC 4291). No range means everybody.
//!
//! IPv4 addresses are meant as such, also where the socket gives them as `::ffff:10.0.0.1` (RFC 4291, section 2.5.5.2): a range of
//! those is refused, since `10.0.0.0/8` says the same.
//!
//! It looks at the address alone: it keeps a network out, it does not prove who somebody is.

use std::fmt;
use std::net::IpAddr;

use crate::Mistakes;

/// Bits in front of an IPv4 address in an IPv6 one that stands for it.
const MAPPED_LEN: u8 = 96;

/// The ranges that may connect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(Vec<Range>);

/// The addresses that share the first `len` bits of `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: IpAddr,
    len: u8,
}

impl Sources {
    /// Reads the list at `key`: `ADDRESS/BITS`, or an address alone.
    pub fn settle(key: &str, typed: &[String], mistakes: &mut Mistakes) -> Self {
        let mut ranges = Vec::with_capacity(typed.len());
        for (at, text) in typed.iter().enumerate() {
            match Range::read(text) {
                Ok(range) => ranges.push(range),
                Err(wanted) => mistakes.wrong(&format!("{key}[{at}]"), format_args!("{text:?}"), wanted),
            }
        }
        Self(ranges)
    }

    /// Whether this address may connect.
    #[must_use]
    pub fn allow(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.0.iter().any(|range| range.has(address.to_canonical()))
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Range { first, len }) in self.0.iter().enumerate() {
            write!(f, "{}{first}/{len}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Range {
    fn read(text: &str) -> Result<Self, String> {
        const FORM: &str = "a range such as \"10.0.0.0/8\" or \"fd00::/8\", or one address";
        let (address, len) = text.split_once('/').map_or((text, None), |(address, len)| (address, Some(len)));
        let address: IpAddr = address.parse().map_err(|_| FORM.to_owned())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let len = len.map_or(Ok(whole), str::parse).ok().filter(|len| *len <= whole).ok_or(FORM)?;
        let first = match address {
            IpAddr::V4(address) => IpAddr::V4((u32::from(address) & upper_bits_32(len)).into()),
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) & upper_bits_128(len)).into()),
        };
        if let IpAddr::V6(mapped) = first
            && let Some(meant) = mapped.to_ipv4_mapped()
            && let Some(len) = len.checked_sub(MAPPED_LEN)
        {
            return Err(format!("\"{meant}/{len}\": an IPv4 address is written as one"));
        }
        if first != address {
            return Err(format!("\"{first}/{len}\", the range that this is in"));
        }
        Ok(Self { first, len })
    }

    fn has(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (u32::from(first) ^ u32::from(address)) & upper_bits_32(self.len) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (u128::from(first) ^ u128::from(address)) & upper_bits_128(self.len) == 0
            }
            _ => false,
        }
    }
}

fn upper_bits_32(len: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)
}

fn upper_bits_128(len: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(typed: &[&str]) -> Sources {
        let mut mistakes = Mistakes::nowhere();
        let typed: Vec<String> = typed.iter().map(|&text| text.to_owned()).collect();
        let sources = Sources::settle("allow", &typed, &mut mistakes);
        assert!(mistakes.is_empty(), "{mistakes}");
        sources
    }

    #[test]
    fn a_range_ends_at_its_last_address() {
        let sources = sources(&["10.0.0.0/8", "192.0.2.64/26", "198.51.100.7", "fd00::/8", "2001:db8::/33"]);
        for inside in [
            "10.0.0.0",
            "10.255.255.255",
            "192.0.2.127",
            "198.51.100.7",
            "fdff::1",
            "2001:db8:7fff::",
            "::ffff:10.1.2.3",
        ] {
            assert!(sources.allow(inside.parse().unwrap()), "{inside}");
        }
        for outside in
            ["11.0.0.0", "9.255.255.255", "192.0.2.128", "192.0.2.63", "198.51.100.8", "fc00::1", "2001:db8:8000::"]
        {
            assert!(!sources.allow(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn no_range_is_everybody_and_the_whole_of_one_family_is_not_the_other() {
        assert!(sources(&[]).allow("203.0.113.1".parse().unwrap()));
        let four = sources(&["0.0.0.0/0"]);
        assert!(four.allow("203.0.113.1".parse().unwrap()) && !four.allow("::1".parse().unwrap()));
        let six = sources(&["::/0"]);
        assert!(six.allow("::1".parse().unwrap()) && !six.allow("203.0.113.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_told_with_what_was_wanted() {
        for (typed, wanted) in [
            ("10.1.2.3/8", "found \"10.1.2.3/8\", wanted \"10.0.0.0/8\", the range that this is in"),
            ("10.0.0.0/33", "found \"10.0.0.0/33\", wanted a range such as"),
            ("fd00::/", "wanted a range such as"),
            (
                "::ffff:10.0.0.0/104",
                "found \"::ffff:10.0.0.0/104\", wanted \"10.0.0.0/8\": an IPv4 address is written as one",
            ),
            ("::ffff:10.1.2.3", "wanted \"10.1.2.3/32\": an IPv4 address is written as one"),
            ("::ffff:0:0/96", "wanted \"0.0.0.0/0\": an IPv4 address is written as one"),
            ("10.0.0/8", "wanted a range such as"),
            ("localhost", "wanted a range such as"),
        ] {
            let mut mistakes = Mistakes::nowhere();
            Sources::settle("allow", &[typed.to_owned()], &mut mistakes);
            assert!(mistakes.to_string().contains(wanted), "{mistakes}");
        }
    }

    #[test]
    fn it_prints_as_it_is_typed() {
        assert_eq!(sources(&["10.0.0.0/8", "fd00::1"]).to_string(), "10.0.0.0/8, fd00::1/128");
    }
}
