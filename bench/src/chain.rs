//! What a call goes through between the load and the provider: nothing, three nginx, or Highway.
//!
//! A chain is started once, stays up while all chains take their turns, and ends when it is dropped.

use crate::highway;
use crate::idle;
use crate::nginx;
use crate::place::Place;
use crate::program::Program;
use crate::variant::Variant;
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::path::Path;

/// The interface that every call names.
pub const SERVICE: &str = "highway.bench.Echo";

/// Who takes part in a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    /// The load speaks to the provider: what everything else is compared with.
    Direct,
    /// Three plain TCP relays.
    Nginx,
    /// Highway's three programs.
    Highway(Variant),
}

impl Contender {
    /// Heading in tables, key in JSON.
    pub fn name(self) -> String {
        match self {
            Self::Direct => "direct".to_owned(),
            Self::Nginx => "nginx x 3".to_owned(),
            Self::Highway(variant) => format!("highway {}", variant.name()),
        }
    }
}

/// A chain that is up.
pub struct Chain {
    /// Who it is.
    pub contender: Contender,
    /// Where consumers connect to.
    pub entry: SocketAddr,
    /// The programs between consumer and provider, in the order of a call.
    pub relays: Vec<Program>,
}

impl Chain {
    /// Starts the programs and waits until calls are answered.
    ///
    /// # Errors
    /// When a program cannot be had, ends early, or calls are not answered within 30 s.
    pub fn start(contender: Contender, provider: SocketAddr, programs: &Path, dir: &Path) -> Result<Self> {
        Self::start_at(contender, &[Place::HERE; 3], provider, programs, dir)
    }

    /// The same, with each of its programs in its place.
    ///
    /// # Errors
    /// When a program cannot be had, ends early, or calls are not answered within 30 s.
    pub fn start_at(
        contender: Contender,
        places: &[Place; 3],
        provider: SocketAddr,
        programs: &Path,
        dir: &Path,
    ) -> Result<Self> {
        let (relays, entry) = match contender {
            Contender::Direct => (Vec::new(), provider),
            Contender::Nginx => nginx::start(places, provider, dir)?,
            Contender::Highway(variant) => highway::start(variant, places, provider, programs, dir)?,
        };
        let mut chain = Self { contender, entry, relays };
        let name = contender.name();
        idle::await_ready(entry, SERVICE, || chain.check()).with_context(|| format!("{name}: {}", chain.words()))?;
        Ok(chain)
    }

    /// Whether all its programs still run.
    ///
    /// # Errors
    /// Names the one that has ended.
    pub fn check(&mut self) -> Result<()> {
        self.relays.iter_mut().try_for_each(Program::check)
    }

    /// The processes of each relay.
    pub fn pids(&self) -> Vec<(String, Vec<u32>)> {
        self.relays.iter().map(|relay| (relay.name().to_owned(), relay.pids())).collect()
    }

    fn words(&self) -> String {
        self.relays.iter().map(|relay| format!("{}: {}\n", relay.name(), relay.last_words())).collect()
    }
}
