//! An application on a released Dubbo: provider, consumer or both, in a process of its own, driven by JSON lines.
//!
//! Its settings are Dubbo's defaults but for the QoS port, which several applications of one island cannot share. The other side is
//! `lab/java`, or `lab/go` for dubbo-go; this side never interprets what they answer, it hands it on.

mod failed;
mod load;
mod messages;
mod pipe;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

pub use failed::Failed;
pub use load::{Load, Progress, Recorded};
pub use messages::{Answer, Call, Refer, Service, Tally, Thrown};

use crate::install::{Release, Toolbox};
use crate::net::Place;
use crate::process::{Process, Stdout};
use pipe::Pipe;

/// `com.example.GreetingService`: `String sayHello(String)`.
pub const GREETING: &str = "com.example.GreetingService";
/// `com.example.InteropService`: a method for each thing that a call can carry.
pub const INTEROP: &str = "com.example.InteropService";

/// `com.example.TypesService`: a method for each type that gives back what it got.
pub const TYPES: &str = "com.example.TypesService";

/// `com.example.LedgerService`: `String record(String)`, each run of which is a line in the file of `-Dlab.ledger`.
pub const LEDGER: &str = "com.example.LedgerService";

/// Dubbo's usual port.
pub const DUBBO_PORT: u16 = 20880;

/// Starting a JVM and Dubbo in it, on a machine that is busy with others of the kind.
const STARTING: Duration = Duration::from_secs(90);
/// For one call, longer than any timeout that a test sets.
const CALLING: Duration = Duration::from_secs(90);
/// Dubbo's own graceful stop waits up to ten seconds for calls and for its registry.
const ENDING: Duration = Duration::from_secs(40);

/// A running application.
#[derive(Debug)]
pub struct Peer {
    process: Process,
    pipe: Pipe,
}

/// What an application runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// A release for Java.
    Java(Release),
    /// dubbo-go 3.3.2, which has no overloads and shows no attachments of answers.
    Go,
}

impl From<Release> for Runtime {
    fn from(release: Release) -> Self {
        Runtime::Java(release)
    }
}

/// What an application is, before it runs.
#[derive(Debug, Clone)]
pub struct Application {
    name: String,
    runtime: Runtime,
    registry: Option<String>,
    port: u16,
    services: Vec<Service>,
    flags: Vec<String>,
    config_center: bool,
    interface_level: bool,
    beans: Vec<String>,
}

impl Application {
    /// One of this name on this release, without registry and without services.
    #[must_use]
    pub fn new(name: &str, runtime: impl Into<Runtime>) -> Self {
        let runtime = runtime.into();
        Application {
            name: name.to_owned(),
            runtime,
            registry: None,
            port: 0,
            services: Vec::new(),
            flags: Vec::new(),
            config_center: false,
            interface_level: false,
            beans: Vec::new(),
        }
    }

    /// Registers and looks up here: `zookeeper://…`.
    #[must_use]
    pub fn registry(mut self, url: impl Into<String>) -> Self {
        self.registry = Some(url.into());
        self
    }

    /// Registers and looks up here if it was told nowhere else.
    #[must_use]
    pub fn or_registry(mut self, url: impl Into<String>) -> Self {
        self.registry.get_or_insert_with(|| url.into());
        self
    }

    /// Listens for Dubbo here.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Exports one more service.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Gives Java one more flag, such as `-Ddubbo.…=…`.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Its registry is its config center too. Java's always is; dubbo-go has none unless it is asked for.
    #[must_use]
    pub fn config_center(mut self) -> Self {
        self.config_center = true;
        self
    }

    /// It registers and looks up at interface level alone. dubbo-go's: Java is told so by flags.
    #[must_use]
    pub fn interface_level(mut self) -> Self {
        self.interface_level = true;
        self
    }

    /// It has this class of the examples as a bean, in a Spring context in place of the peer: then a call names the class as its
    /// reference and one of its methods, and there are no other references.
    #[must_use]
    pub fn bean(mut self, class: &str) -> Self {
        self.beans.push(class.to_owned());
        self
    }

    /// Starts it in this place and waits until Dubbo has started; then all services are registered.
    ///
    /// # Errors
    /// Java or Dubbo refuses, or it takes too long; the error ends with the last lines of the log.
    pub fn start(self, place: &Place, tools: &Toolbox, folder: &Path) -> Result<Peer> {
        // One application may run in two islands.
        let called = format!("{}-in-{}", self.name, place.name());
        let home = folder.join(format!("{called}-home"));
        std::fs::create_dir_all(&home)?;
        let command = self.command(place, tools, &home)?;
        let process = Process::start(&called, folder, command, Stdout::Piped)?;
        let (stdin, stdout) = process.take_pipes()?;
        let peer = Peer { process, pipe: Pipe::new(stdin, stdout)? };
        let start = json!({
            "op": "start", "application": self.name, "registry": self.registry, "port": self.port, "services": self.services,
            "config_center": self.config_center, "interface_level": self.interface_level,
        });
        peer.ask(start, STARTING)?;
        Ok(peer)
    }

    fn command(&self, place: &Place, tools: &Toolbox, home: &Path) -> Result<std::process::Command> {
        let release = match self.runtime {
            Runtime::Java(release) => release,
            Runtime::Go => {
                let mut command = place.command(tools.go_peer()?);
                // It keeps a cache of the registry's metadata where it stands.
                command.current_dir(home).env("HOME", home);
                return Ok(command);
            }
        };
        let mut command = place.command(&tools.java);
        command
            .args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"])
            // Both lines of Dubbo ask for these two on Java 17.
            .args(["--add-opens", "java.base/java.lang=ALL-UNNAMED", "--add-opens", "java.base/java.math=ALL-UNNAMED"])
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            // Dubbo keeps caches at home, and two runs must not find each other's.
            .arg(format!("-Duser.home={}", home.display()))
            .args(&self.flags);
        if self.beans.is_empty() {
            command.args(["-cp", &tools.peer_class_path(release)?, "lab.Peer"]);
        } else {
            command.arg(format!("-Dlab.examples={}", self.beans.join(",")));
            command.args(["-cp", &tools.examples_class_path(release)?, "lab.Examples"]);
        }
        Ok(command)
    }
}

impl Peer {
    /// Makes a reference; Dubbo looks for providers and complains if there are none (unless told not to check).
    ///
    /// # Errors
    /// Dubbo's complaint.
    pub fn refer(&self, reference: &Refer) -> Result<()> {
        self.ask(with_op("refer", reference)?, CALLING).map(drop)
    }

    /// One call. An exception is an answer, not an error.
    ///
    /// # Errors
    /// There is no such reference or method, or the application is gone.
    pub fn call(&self, call: &Call) -> Result<Answer> {
        Ok(serde_json::from_value(self.ask(with_op("call", call)?, CALLING)?)?)
    }

    /// Calls from many threads, counted; how many and how long is in the call.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn many(&self, call: &Call) -> Result<Tally> {
        Ok(serde_json::from_value(self.ask(with_op("many", call)?, CALLING + call.lasts())?)?)
    }

    /// Begins to call steadily.
    ///
    /// # Errors
    /// There is no such reference, or the application is gone.
    pub fn begin_load(&self, load: &Load) -> Result<()> {
        self.ask(with_op("load", load)?, CALLING).map(drop)
    }

    /// How it goes so far.
    ///
    /// # Errors
    /// The application is gone.
    pub fn progress(&self) -> Result<Progress> {
        Ok(serde_json::from_value(self.ask(json!({ "op": "progress" }), CALLING)?)?)
    }

    /// Ends it and gives every call.
    ///
    /// # Errors
    /// The application is gone.
    pub fn end_load(&self) -> Result<Vec<Recorded>> {
        Ok(serde_json::from_value(self.ask(json!({ "op": "end" }), CALLING)?)?)
    }

    /// How often each `label.method` has run here.
    ///
    /// # Errors
    /// The application is gone.
    pub fn counts(&self) -> Result<BTreeMap<String, u64>> {
        Ok(serde_json::from_value(self.ask(json!({ "op": "counts" }), CALLING)?)?)
    }

    /// When each `label.method` began last here, in milliseconds since 1970. Java's alone.
    ///
    /// # Errors
    /// The application is gone.
    pub fn latest(&self) -> Result<BTreeMap<String, u64>> {
        Ok(serde_json::from_value(self.ask(json!({ "op": "latest" }), CALLING)?)?)
    }

    /// Ends it as SIGTERM does: Dubbo takes its services out of the registry first.
    ///
    /// # Errors
    /// It did not end in time, and was killed.
    pub fn stop(self) -> Result<()> {
        self.process.terminate(ENDING).map(drop)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(self) {
        self.process.kill();
    }

    /// The process, to signal it or to read its log.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Any request of its protocol.
    ///
    /// # Errors
    /// It refuses, does not answer in time, or is gone.
    pub fn ask(&self, request: Value, within: Duration) -> Result<Value> {
        self.pipe.ask(request, within).map_err(|error| error.context(self.process.last_words(12)))
    }
}

fn with_op(op: &str, message: &impl serde::Serialize) -> Result<Value> {
    let mut value = serde_json::to_value(message)?;
    value["op"] = json!(op);
    Ok(value)
}
