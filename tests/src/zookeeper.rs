//! A real ZooKeeper server inside an island: a process of its own that can be killed, frozen and started again with its data.
//!
//! Ticks are short (half a second, so sessions end within ten), the disk is not waited for; all else is as released.

use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::install::Toolbox;
use crate::net::Place;
use crate::process::{Process, Stdout};

/// From the start of the process until it serves; a second on an idle machine.
const SERVING: Duration = Duration::from_secs(60);
/// For ending when asked to.
const ENDING: Duration = Duration::from_secs(20);

/// One server.
#[derive(Debug)]
pub struct ZooKeeper {
    place: Place,
    address: SocketAddrV4,
    java: PathBuf,
    jars: PathBuf,
    folder: PathBuf,
    process: Mutex<Option<Process>>,
}

impl ZooKeeper {
    /// Starts one and waits until it serves. Its data and its log lie in the folder.
    ///
    /// # Errors
    /// It does not start, or does not serve in time.
    pub fn start(place: &Place, tools: &Toolbox, folder: &Path) -> Result<Self> {
        let server = ZooKeeper {
            place: place.clone(),
            address: place.listen(2181)?,
            java: tools.java.clone(),
            jars: tools.zookeeper.clone(),
            folder: folder.to_owned(),
            process: Mutex::new(None),
        };
        fs::create_dir_all(server.data())?;
        fs::write(server.configuration(), server.settings())?;
        server.again()?;
        Ok(server)
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// As Dubbo wants it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("zookeeper://{}", self.address)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&self) {
        self.process().take();
    }

    /// Ends it gracefully.
    ///
    /// # Errors
    /// It did not end in time.
    pub fn stop(&self) -> Result<()> {
        let Some(process) = self.process().take() else { return Ok(()) };
        process.terminate(ENDING).map(drop)
    }

    /// Starts it again on its old data, after [`kill`](Self::kill) or [`stop`](Self::stop), and waits until it serves.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn again(&self) -> Result<()> {
        let mut command = self.place.command(&self.java);
        command
            .args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"])
            .args(["-Dzookeeper.forceSync=no", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"])
            .arg("-cp")
            .arg(format!("{}/*", self.jars.display()))
            .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
            .arg(self.configuration());
        let process =
            Process::start(&format!("zookeeper-{}", self.place.name()), &self.folder, command, Stdout::Logged)?;
        if let Err(error) = self.place.zookeeper_serving(self.address, SERVING) {
            return Err(error.context(process.last_words(20)));
        }
        *self.process() = Some(process);
        Ok(())
    }

    /// Freezes it: its port stays open and nothing is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Paths of all ephemeral nodes: what is registered just now.
    ///
    /// # Errors
    /// It does not answer.
    pub fn ephemerals(&self) -> Result<Vec<String>> {
        let dump = self.place.ask_zookeeper(self.address, "dump")?;
        Ok(dump.lines().map(str::trim).filter(|line| line.starts_with('/')).map(str::to_owned).collect())
    }

    /// Its last lines, for a report.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.process().as_ref().map_or_else(String::new, |process| process.last_words(15))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        self.process().as_ref().context("the ZooKeeper does not run")?.signal(signal)
    }

    fn settings(&self) -> String {
        format!(
            "tickTime=500\ndataDir={}\nclientPort={}\nclientPortAddress={}\nadmin.enableServer=false\n\
             maxClientCnxns=0\n4lw.commands.whitelist=srvr,ruok,dump,cons,wchs\n",
            self.data().display(),
            self.address.port(),
            self.address.ip(),
        )
    }

    fn data(&self) -> PathBuf {
        self.folder.join(format!("zookeeper-{}", self.place.name()))
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join(format!("zookeeper-{}.cfg", self.place.name()))
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
