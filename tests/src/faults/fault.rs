//! What breaks. Each fault ends with everything in its place again; nobody but what broke is touched.

use std::fmt;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use super::stage::Stage;
use lab::program::Program;

/// How many there are of whatever can be several: egress gateways, ingress gateways, providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gateways {
    /// Each is the only one.
    One,
    /// Each has a twin, which the faults spare.
    Two,
}

impl Gateways {
    /// As a number.
    #[must_use]
    pub fn count(self) -> u16 {
        match self {
            Gateways::One => 1,
            Gateways::Two => 2,
        }
    }
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By `kill -9`.
    Killed,
    /// By SIGTERM.
    Stopped,
}

/// Whose cable to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The island with the consumers.
    Consumers,
    /// The island with the providers.
    Providers,
}

/// Something that breaks, and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The (first) egress ends and is started again.
    Egress(End),
    /// The (first) ingress ends and is started again.
    Ingress(End),
    /// The hub ends and is started again.
    Hub(End),
    /// The (first) provider ends and is started again.
    Provider(End),
    /// All connections to the hub are reset, and new ones for half a second.
    Reset(Side),
    /// The cable swallows everything for so many seconds.
    Silent(Side, u8),
}

/// Longer than a link lives without its connection.
const LONG: u8 = 33;
/// A link outlives this.
const SHORT: u8 = 8;
/// Between the end of a process and its next start, as a supervisor would have it.
const DOWN: Duration = Duration::from_secs(1);
/// For so long whoever sends is told that its connection is gone.
const RESETTING: Duration = Duration::from_millis(500);

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 14] = [
        Fault::Egress(End::Killed),
        Fault::Egress(End::Stopped),
        Fault::Ingress(End::Killed),
        Fault::Ingress(End::Stopped),
        Fault::Hub(End::Killed),
        Fault::Hub(End::Stopped),
        Fault::Provider(End::Killed),
        Fault::Provider(End::Stopped),
        Fault::Reset(Side::Consumers),
        Fault::Reset(Side::Providers),
        Fault::Silent(Side::Consumers, SHORT),
        Fault::Silent(Side::Providers, SHORT),
        Fault::Silent(Side::Consumers, LONG),
        Fault::Silent(Side::Providers, LONG),
    ];

    /// Breaks it and mends it; returns when everything runs again.
    ///
    /// # Errors
    /// Something does not end, or does not come back.
    pub fn inflict(self, stage: &Stage) -> Result<()> {
        let line = &stage.line;
        match self {
            Fault::Egress(end) => again(line.island("a").egress(), end),
            Fault::Ingress(end) => again(line.island("b").ingress(), end),
            Fault::Hub(end) => again(&line.hub, end),
            Fault::Provider(end) => stage.provider_again(end),
            Fault::Reset(side) => {
                line.lab.net.reset(line.island(side.island()).place())?;
                sleep(RESETTING);
                line.lab.net.mend()
            }
            Fault::Silent(side, seconds) => {
                line.lab.net.cut(line.island(side.island()).place())?;
                sleep(Duration::from_secs(seconds.into()));
                line.lab.net.mend()
            }
        }
    }
}

fn again(program: &Program, end: End) -> Result<()> {
    match end {
        End::Killed => program.kill(),
        End::Stopped => program.stop()?,
    }
    sleep(DOWN);
    program.start()
}

impl Side {
    fn island(self) -> &'static str {
        match self {
            Side::Consumers => "a",
            Side::Providers => "b",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Killed => "killed",
            End::Stopped => "stopped",
        })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Consumers => "consumers'",
            Side::Providers => "providers'",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Egress(end) => write!(f, "egress {end}"),
            Fault::Ingress(end) => write!(f, "ingress {end}"),
            Fault::Hub(end) => write!(f, "hub {end}"),
            Fault::Provider(end) => write!(f, "provider {end}"),
            Fault::Reset(side) => write!(f, "{side} link reset"),
            Fault::Silent(side, seconds) => write!(f, "{side} link silent {seconds} s"),
        }
    }
}
