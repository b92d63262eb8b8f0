//! A box that stands in its place, and can be ended and started again. Dropping it ends it.

use std::fs;
use std::net::SocketAddrV4;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::kind::{Kind, Spot, Way};
use super::papers::Papers;
use crate::net::Place;
use crate::process::{Process, Stdout, until};

/// From the start of a program until it listens; Varnish compiles what it is to do, mitmproxy is Python.
const STARTING: Duration = Duration::from_secs(60);
/// All of them end at once where nothing keeps them, but a busy machine.
const ENDING: Duration = Duration::from_secs(60);

/// What runs in a place, in the order of its start.
pub(super) type Parts = Vec<Box<dyn Part>>;

/// What runs in a box's place.
pub(super) trait Part: Send + Sync + std::fmt::Debug {
    /// Starts it, and waits until it serves.
    fn start(&self) -> Result<()>;
    /// Ends it: connections through it are gone, or what it knew of them.
    fn stop(&self) -> Result<()>;
    /// What it said last.
    fn last_words(&self) -> String {
        String::new()
    }
}

/// A program that listens.
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    place: Place,
    folder: PathBuf,
    program: PathBuf,
    arguments: Vec<String>,
    listens: SocketAddrV4,
    process: Mutex<Option<Process>>,
}

impl Program {
    /// Not yet running. It listens here when it serves.
    pub(super) fn part(spot: &Spot, program: PathBuf, arguments: &[&str], listens: SocketAddrV4) -> Box<dyn Part> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Box::new(Program {
            name: format!("{name}-{}", listens.port()),
            place: spot.place.clone(),
            folder: spot.folder.clone(),
            program,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            listens,
            process: Mutex::new(None),
        })
    }

    fn with<R>(&self, what: impl FnOnce(&mut Option<Process>) -> R) -> R {
        what(&mut self.process.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Part for Program {
    fn start(&self) -> Result<()> {
        let mut command = self.place.command(&self.program);
        command.args(&self.arguments).current_dir(&self.folder);
        let process = Process::start(&self.name, &self.folder, command, Stdout::Logged)?;
        let listens = || self.place.inside(|| std::net::TcpStream::connect(self.listens).is_ok());
        let mut ended = false;
        until(&format!("{} listens", self.name), STARTING, || {
            ended = process.ended().is_ok_and(|status| status.is_some());
            (ended || listens().unwrap_or(false)).then_some(())
        })
        .with_context(|| process.last_words(30))?;
        if ended {
            let log = process.log();
            bail!("{} ended: {}", self.name, log.lines().last().unwrap_or("it said nothing"));
        }
        self.with(|running| *running = Some(process));
        Ok(())
    }

    fn stop(&self) -> Result<()> {
        // Not killed: some would leave their workers behind, which would go on serving.
        self.with(Option::take).map_or(Ok(()), |process| process.terminate(ENDING).map(drop))
    }

    fn last_words(&self) -> String {
        self.with(|running| running.as_ref().map_or_else(String::new, |process| process.last_words(20)))
    }
}

/// A box that runs.
#[derive(Debug)]
pub struct Running {
    kind: &'static Kind,
    spot: Spot,
    parts: Vec<Box<dyn Part>>,
}

impl Running {
    /// Installs what it needs, sets it up in this place in front of this hub, and starts it. Its files and logs are below this folder.
    ///
    /// # Errors
    /// A package cannot be had, a program does not start, or the rules are refused.
    pub fn start(
        kind: &'static Kind,
        place: &Place,
        hub: SocketAddrV4,
        folder: &Path,
        papers: &Papers,
    ) -> Result<Self> {
        let folder = folder.join(format!("box-{}", kind.name));
        fs::create_dir_all(&folder)?;
        // Boxes do not stay root; what is not theirs here they, and others, cannot replace.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777))?;
        let spot = Spot { place: place.clone(), folder, hub, papers: papers.clone() };
        let parts = (kind.parts)(&spot).with_context(|| format!("cannot set up {}", kind.name))?;
        let running = Running { kind, spot, parts };
        running
            .parts
            .iter()
            .try_for_each(|part| part.start())
            .with_context(|| format!("cannot start {}", kind.name))?;
        Ok(running)
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.spot.place
    }

    /// What a gateway is told to go through it.
    #[must_use]
    pub fn way(&self) -> Way {
        self.kind.way(&self.spot)
    }

    /// Ends it, and starts it as it was.
    ///
    /// # Errors
    /// It does not end, or does not start again.
    pub fn again(&self) -> Result<()> {
        self.parts.iter().rev().try_for_each(|part| part.stop())?;
        self.parts.iter().try_for_each(|part| part.start())
    }

    /// What its programs said last, for a report.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.parts.iter().map(|part| part.last_words()).collect()
    }
}
