//! A real ZooKeeper server inside an island: a process of its own that can be killed, frozen and started again with its data.
//! Several of them can be one ensemble.
//!
//! Ticks are short (half a second, so sessions end within ten), the disk is not waited for; all else is as released.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::install::Toolbox;
use crate::net::Place;
use crate::process::{Process, Stdout};
use crate::tree::Tree;

/// From the start of the process until it serves; a second on an idle machine.
const SERVING: Duration = Duration::from_secs(60);
/// For ending when asked to.
const ENDING: Duration = Duration::from_secs(20);

/// One server.
#[derive(Debug)]
pub struct ZooKeeper {
    name: String,
    /// The lines of its configuration that name all members of its ensemble.
    members: String,
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
        let server = ZooKeeper::new(place, tools, folder, format!("zookeeper-{}", place.name()), 2181)?;
        server.prepare()?;
        server.again()?;
        Ok(server)
    }

    /// Starts one that has nothing to do with the other in its place.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn second(place: &Place, tools: &Toolbox, folder: &Path) -> Result<Self> {
        let server = ZooKeeper::new(place, tools, folder, format!("zookeeper-{}-second", place.name()), 2191)?;
        server.prepare()?;
        server.again()?;
        Ok(server)
    }

    /// Starts three that are one ensemble, and waits until it serves.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn ensemble(place: &Place, tools: &Toolbox, folder: &Path) -> Result<Vec<Self>> {
        let names = (1..=3).map(|id| (format!("zookeeper-{}-{id}", place.name()), 2180 + id));
        let mut servers: Vec<_> =
            names.map(|(name, port)| ZooKeeper::new(place, tools, folder, name, port)).collect::<Result<_>>()?;
        let mut members = "initLimit=20\nsyncLimit=10\n".to_owned();
        for id in 1..=3 {
            let (peers, votes) = (place.listen(2887 + id)?, place.listen(3887 + id)?);
            writeln!(members, "server.{id}={peers}:{}", votes.port())?;
        }
        for (id, server) in (1..).zip(&mut servers) {
            server.members.clone_from(&members);
            server.prepare()?;
            fs::write(server.data().join("myid"), format!("{id}"))?;
            *server.process() = Some(server.spawn()?);
        }
        servers.iter().try_for_each(|server| server.serves().map_err(|error| error.context(server.last_words())))?;
        Ok(servers)
    }

    fn new(place: &Place, tools: &Toolbox, folder: &Path, name: String, port: u16) -> Result<Self> {
        Ok(ZooKeeper {
            name,
            members: String::new(),
            place: place.clone(),
            address: place.listen(port)?,
            java: tools.java.clone(),
            jars: tools.zookeeper.clone(),
            folder: folder.to_owned(),
            process: Mutex::new(None),
        })
    }

    fn prepare(&self) -> Result<()> {
        fs::create_dir_all(self.data())?;
        Ok(fs::write(self.configuration(), self.settings())?)
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

    /// The id of its process; nothing where it does not run.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process().as_ref().and_then(Process::running)
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
        let process = self.spawn()?;
        if let Err(error) = self.serves() {
            return Err(error.context(process.last_words(20)));
        }
        *self.process() = Some(process);
        Ok(())
    }

    fn serves(&self) -> Result<()> {
        self.place.zookeeper_serving(self.address, SERVING)
    }

    fn spawn(&self) -> Result<Process> {
        let mut command = self.place.command(&self.java);
        command
            .args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"])
            .args(["-Dzookeeper.forceSync=no", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"])
            .arg("-cp")
            .arg(format!("{}/*", self.jars.display()))
            .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
            .arg(self.configuration());
        Process::start(&self.name, &self.folder, command, Stdout::Logged)
    }

    /// Gives ZooKeeper's own command line these lines, such as `create /path text`, and waits until it has done them.
    ///
    /// # Errors
    /// It does not connect, or ends in another way than by itself.
    pub fn command_line(&self, lines: &[String]) -> Result<()> {
        let mut command = self.place.command(&self.java);
        command
            .args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"])
            .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", &format!("{}/*", self.jars.display())])
            .args(["org.apache.zookeeper.ZooKeeperMain", "-waitforconnection", "-server", &self.address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start ZooKeeper's command line")?;
        let written = child.stdin.take().context("no pipe")?.write_all((lines.join("\n") + "\nquit\n").as_bytes());
        let status = child.wait()?;
        written?;
        ensure!(status.success(), "ZooKeeper's command line ended with {status}");
        Ok(())
    }

    /// Whether it leads its ensemble.
    ///
    /// # Errors
    /// It does not answer.
    pub fn leads(&self) -> Result<bool> {
        Ok(self.place.ask_zookeeper(self.address, "srvr")?.contains("Mode: leader"))
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

    /// Every node, with all that a client can know of it.
    ///
    /// # Errors
    /// It does not answer.
    pub fn tree(&self) -> Result<Tree> {
        self.below("/")
    }

    /// The same of the nodes below a folder.
    ///
    /// # Errors
    /// It does not answer.
    pub fn below(&self, folder: &str) -> Result<Tree> {
        self.place.zookeeper_tree(self.address, folder)
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
             maxClientCnxns=0\n4lw.commands.whitelist=srvr,ruok,dump,cons,wchs\n{}",
            self.data().display(),
            self.address.port(),
            self.address.ip(),
            self.members,
        )
    }

    fn data(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join(format!("{}.cfg", self.name))
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
