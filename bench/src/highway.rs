//! Highway's three programs.
use crate::program::Program;
use anyhow::Result;
use std::net::SocketAddr;
use std::path::Path;

/// How the links are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    transport: Transport,
    cover: Cover,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Transport {
    Ws,
    H2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cover {
    Plain,
    Sealed,
    Tls,
}

impl Variant {
    /// WebSocket, neither sealed nor TLS: the like of a plain TCP relay.
    pub const PLAIN_WS: Self = Self { transport: Transport::Ws, cover: Cover::Plain };
    /// All of them, plain ones first.
    pub const ALL: [Self; 6] = {
        const fn of(transport: Transport, cover: Cover) -> Variant {
            Variant { transport, cover }
        }
        [
            Self::PLAIN_WS,
            of(Transport::H2, Cover::Plain),
            of(Transport::Ws, Cover::Sealed),
            of(Transport::H2, Cover::Sealed),
            of(Transport::Ws, Cover::Tls),
            of(Transport::H2, Cover::Tls),
        ]
    };

    /// As it is typed and printed.
    pub const fn name(self) -> &'static str {
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

/// Starts.
pub fn start(_v: Variant, _provider: SocketAddr, _programs: &Path, _dir: &Path) -> Result<(Vec<Program>, SocketAddr)> {
    anyhow::bail!("not yet")
}
