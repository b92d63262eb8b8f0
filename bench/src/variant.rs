//! The ways in which Highway's links are carried, by the names that are typed and printed.
//!
//! Knows nothing of configuration files.

/// How the links are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    /// What moves the bytes.
    pub transport: Transport,
    /// What keeps others from reading them.
    pub cover: Cover,
    /// Whether calls and answers are packed on them.
    pub packing: Packing,
}

/// Whether calls and answers are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Packing {
    /// No: the default.
    Off,
    /// `compress = "on"` at both ends of both links.
    On,
}

/// What moves the bytes of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// WebSocket messages.
    Ws,
    /// One streaming HTTP/2 POST.
    H2,
}

/// What keeps others from reading a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// Nothing: `seal = "off"` over `http://`.
    Plain,
    /// Records are sealed by the link's own keys over `http://`.
    Sealed,
    /// `https://`, not sealed a second time.
    Tls,
}

impl Variant {
    /// WebSocket, neither sealed nor TLS: the like of a plain TCP relay.
    pub const PLAIN_WS: Self = of(Transport::Ws, Cover::Plain);
    /// The same with calls and answers packed; for thin links alone.
    pub const PACKED_WS: Self = Self { packing: Packing::On, ..Self::PLAIN_WS };
    /// All of them, plain ones first.
    pub const ALL: [Self; 6] = [
        Self::PLAIN_WS,
        of(Transport::H2, Cover::Plain),
        of(Transport::Ws, Cover::Sealed),
        of(Transport::H2, Cover::Sealed),
        of(Transport::Ws, Cover::Tls),
        of(Transport::H2, Cover::Tls),
    ];

    /// As it is typed and printed.
    pub const fn name(self) -> &'static str {
        if matches!(self.packing, Packing::On) {
            return "ws, packed";
        }
        match (self.transport, self.cover) {
            (Transport::Ws, Cover::Plain) => "ws",
            (Transport::H2, Cover::Plain) => "h2",
            (Transport::Ws, Cover::Sealed) => "ws-sealed",
            (Transport::H2, Cover::Sealed) => "h2-sealed",
            (Transport::Ws, Cover::Tls) => "ws-tls",
            (Transport::H2, Cover::Tls) => "h2-tls",
        }
    }

    /// The variant of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|variant| variant.name() == name);
        found.ok_or_else(|| format!("found link `{name}`, wanted one of {}", known()))
    }
}

const fn of(transport: Transport, cover: Cover) -> Variant {
    Variant { transport, cover, packing: Packing::Off }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_is_found_by_its_name_and_no_two_share_one() {
        for variant in Variant::ALL {
            assert_eq!(Variant::parse(variant.name()), Ok(variant));
        }
        assert!(Variant::parse("post").unwrap_err().contains("ws, h2, ws-sealed"));
    }
}
