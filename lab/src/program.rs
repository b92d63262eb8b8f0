//! One of our own programs, run as an operator would: its own folder, its TOML, its admin pages.
//!
//! It has to be built before (`cargo xtask test` and `cargo xtask demo` do that): a test builds nothing.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;

use crate::net::Place;
use crate::process::{Process, Stdout};

/// From the start of a program until its admin listener answers at all.
const LIVE: Duration = Duration::from_secs(20);
/// A drain ends within its own limit; this one is only for a program that hangs.
const ENDING: Duration = Duration::from_secs(90);

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who may call what.
    CentralHub,
    /// Consumers come in here.
    EgressGw,
    /// The same with handlers of its own, a program of this name: see `examples/`.
    OwnEgress(&'static str),
    /// Calls go out to providers here.
    IngressGw,
}

impl Kind {
    /// The name of the binary and of its file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::CentralHub => "central-hub",
            Kind::EgressGw => "egress-gw",
            Kind::OwnEgress(name) => name,
            Kind::IngressGw => "ingress-gw",
        }
    }
}

/// A program and its folder. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    kind: Kind,
    name: String,
    place: Place,
    folder: PathBuf,
    admin: SocketAddrV4,
    process: Mutex<Option<Process>>,
}

impl Program {
    /// A program in a place, not yet running. `name` tells several of a kind apart in a place.
    ///
    /// # Errors
    /// Its folder cannot be made, or no port is free for its admin listener.
    pub fn new(kind: Kind, name: &str, place: &Place, lab: &Path, admin_port: u16) -> Result<Self> {
        let folder = lab.join(name);
        fs::create_dir_all(&folder)?;
        let admin = place.listen_on_loopback(admin_port)?;
        Ok(Program { kind, name: name.to_owned(), place: place.clone(), folder, admin, process: Mutex::new(None) })
    }

    /// Its name, to show to people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder: configuration, state and whatever else it is to find beside them.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its admin pages are, seen from its place.
    #[must_use]
    pub fn admin(&self) -> SocketAddrV4 {
        self.admin
    }

    /// Its configuration file.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.folder.join(format!("{}.toml", self.kind.name()))
    }

    /// Writes a file into its folder.
    ///
    /// # Errors
    /// The disk says no.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.folder.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes its configuration, to which the admin and log sections are added.
    ///
    /// # Errors
    /// The disk says no.
    pub fn configure(&self, toml: &str) -> Result<()> {
        let admin = self.admin;
        let level = std::env::var("HIGHWAY_LAB_LOG").unwrap_or_else(|_| "info".to_owned());
        let common =
            format!("\n[admin]\nlisten = [\"{admin}\"]\n\n[state]\ndir = \"state\"\n\n[log]\nlevel = \"{level}\"\n");
        self.write(&format!("{}.toml", self.kind.name()), &format!("{toml}{common}"))
    }

    /// Lets it, and it alone, find this name at this address, and no other names, from its next start on; a later call moves
    /// the name under a running program. It takes a namespace: elsewhere names are the machine's.
    ///
    /// # Errors
    /// The disk says no.
    pub fn resolve(&self, name: &str, address: Ipv4Addr) -> Result<()> {
        self.write(crate::net::HOSTS, &format!("{address} {name}\n"))
    }

    /// The id of its process; nothing where it does not run.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process().as_ref().and_then(Process::running)
    }

    /// Starts it, or starts it again, and waits until it is alive; [`ready`](Self::ready) waits for more.
    ///
    /// # Errors
    /// It is not built, ends at once (its words are in the error), or does not answer.
    pub fn start(&self) -> Result<()> {
        self.process().take();
        let mut command = self.place.command_with_names(binary(self.kind.name())?, &self.folder);
        command.arg("--config").arg(self.configuration()).current_dir(&self.folder);
        let folder = self.folder.parent().unwrap_or(&self.folder);
        let process = Process::start(&self.name, folder, command, Stdout::Logged)?;
        if let Err(error) = self.place.ready(&self.url("livez"), LIVE) {
            return Err(error.context(process.last_words(30)));
        }
        *self.process() = Some(process);
        Ok(())
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// It does not in time; its last words are in the error.
    pub fn ready(&self, within: Duration) -> Result<()> {
        self.place.ready(&self.url("readyz"), within).map_err(|error| error.context(self.last_words()))
    }

    /// Its status page.
    ///
    /// # Errors
    /// It does not answer with one.
    pub fn status(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.page("status")?)?)
    }

    /// Its metrics page.
    ///
    /// # Errors
    /// It does not answer with one.
    pub fn metrics(&self) -> Result<String> {
        self.page("metrics")
    }

    /// The memory that it has just now, in bytes.
    ///
    /// # Errors
    /// It does not run.
    pub fn memory(&self) -> Result<u64> {
        self.number_of_status("VmRSS")
    }

    /// The most memory that it ever had, in bytes.
    ///
    /// # Errors
    /// It does not run.
    pub fn peak_memory(&self) -> Result<u64> {
        self.number_of_status("VmHWM")
    }

    /// The time that it has had on processors so far.
    ///
    /// # Errors
    /// It does not run.
    pub fn processor_time(&self) -> Result<Duration> {
        let id = self.process().as_ref().with_context(|| format!("{} does not run", self.name))?.id();
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        // Behind the name, which may hold anything, utime and stime are the 12th and 13th field.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().skip(11);
        let ticks: u64 = fields.take(2).map(str::parse::<u64>).sum::<Result<_, _>>()?;
        Ok(Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second())?)
    }

    fn number_of_status(&self, key: &str) -> Result<u64> {
        let id = self.process().as_ref().with_context(|| format!("{} does not run", self.name))?.id();
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        Ok(kib.with_context(|| format!("{} says no {key}", self.name))? * 1024)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&self) {
        self.process().take();
    }

    /// Ends it gracefully: SIGTERM, a drain, exit code 0.
    ///
    /// # Errors
    /// It does not run, did not end in time, or ended with another code.
    pub fn stop(&self) -> Result<()> {
        let process = self.process().take().with_context(|| format!("{} does not run", self.name))?;
        let status = process.terminate(ENDING)?;
        if !status.success() {
            bail!("{} ended with {status}\n{}", self.name, process.last_words(20));
        }
        Ok(())
    }

    /// Makes it read its configuration again.
    ///
    /// # Errors
    /// It does not run.
    pub fn reload(&self) -> Result<()> {
        self.process().as_ref().with_context(|| format!("{} does not run", self.name))?.signal(Signal::HUP)
    }

    /// All that it has logged since its last start; nothing if it does not run.
    #[must_use]
    pub fn log(&self) -> String {
        self.process().as_ref().map_or_else(String::new, Process::log)
    }

    /// Its last lines, for a report.
    #[must_use]
    pub fn last_words(&self) -> String {
        match self.process().as_ref() {
            Some(process) => process.last_words(40),
            None => format!("--- {} does not run\n", self.name),
        }
    }

    fn page(&self, name: &str) -> Result<String> {
        match self.place.get(&self.url(name))? {
            (200, body) => Ok(body),
            (status, body) => bail!("{} answers {status} for /{name}: {}", self.name, body.trim()),
        }
    }

    fn url(&self, page: &str) -> String {
        format!("http://{}/{page}", self.admin)
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the operator's command on this machine and gives what it printed.
///
/// # Errors
/// It is not built, or refuses; its words are in the error.
pub fn highway(arguments: &[&str]) -> Result<String> {
    printed(Command::new(binary("highway")?), arguments)
}

impl Place {
    /// Runs the operator's command here and gives what it printed.
    ///
    /// # Errors
    /// As [`highway`].
    pub fn highway(&self, arguments: &[&str]) -> Result<String> {
        printed(self.command(binary("highway")?), arguments)
    }
}

fn printed(mut highway: Command, arguments: &[&str]) -> Result<String> {
    let output = highway.args(arguments).output().context("cannot run highway")?;
    if !output.status.success() {
        bail!(
            "highway {} ended with {}: {}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim(),
            String::from_utf8_lossy(&output.stdout).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The folder with our programs in it.
///
/// # Errors
/// They are not built.
pub fn folder() -> Result<PathBuf> {
    let highway = binary("highway")?;
    Ok(highway.parent().context("a program lies in a folder")?.to_owned())
}

/// One of our programs: beside this one, as it is installed or built, else the newest in the profiles of the target folder that a test
/// lies in.
///
/// # Errors
/// It is not built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell which program this is")?;
    let beside = own.with_file_name(name);
    if beside.is_file() {
        return Ok(beside);
    }
    // target/debug/faults, or target/debug/deps/line-0123 for a test.
    let profiles = own.ancestors().skip(2).take(2).flat_map(|target| [target.join("release"), target.join("debug")]);
    let built = profiles.filter_map(|profile| {
        let file = profile.join(name);
        Some((fs::metadata(&file).ok()?.modified().ok()?, file))
    });
    let newest = built.max_by_key(|(built, _)| *built).map(|(_, file)| file);
    newest.with_context(|| {
        format!("{name} is not built beside {}; run: cargo build -p highway-central-hub -p highway-egress-gw -p highway-ingress-gw -p highway-cli", own.display())
    })
}
