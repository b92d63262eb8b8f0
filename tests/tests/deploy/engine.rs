//! An engine for containers in a place of the lab: each island has one of its own, as it would have a machine of its own.
//!
//! It lives in namespaces of mounts and processes that go with it, and with them whatever runs in it. The network is the place's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use lab::install::{self, Need};
use lab::net::Place;
use lab::process::{Process, Stdout, until};

use crate::run;

/// From the start of the engine until it answers; less than a second on an idle machine.
const ANSWERS: Duration = Duration::from_secs(60);

pub struct Engine {
    place: Place,
    socket: PathBuf,
    // Dropped last: it ends everything.
    process: Process,
}

impl Engine {
    /// Starts one, or says why none can run here.
    pub fn start(place: &Place, folder: &Path) -> Result<Self> {
        install::also(Need::Docker)?;
        install::also(Need::Compose)?;
        let namespace = place.namespace().context("an engine wants a network namespace")?;
        let home = folder.join(format!("engine-{}", place.name()));
        std::fs::create_dir_all(&home)?;
        let socket = home.join("socket");
        // Not by `ip netns exec`, which hides the control groups.
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{namespace}"));
        command.args(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "dockerd"]);
        command.arg("--data-root").arg(home.join("data")).arg("--exec-root").arg(home.join("exec"));
        command.arg("--pidfile").arg(home.join("pid")).arg("-H").arg(format!("unix://{}", socket.display()));
        let process = Process::start(&format!("dockerd-{}", place.name()), folder, command, Stdout::Logged)?;
        let engine = Engine { place: place.clone(), socket, process };
        let answers = until("the engine answers", ANSWERS, || {
            if engine.process.ended().ok()?.is_some() {
                return Some(false);
            }
            engine.docker(&["version"]).output().is_ok_and(|answer| answer.status.success()).then_some(true)
        });
        match answers {
            Ok(true) => Ok(engine),
            _ => anyhow::bail!("no engine runs here:\n{}", engine.process.last_words(15)),
        }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// `docker WORDS` against it.
    pub fn docker(&self, words: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(words);
        self.asked_by(command)
    }

    /// `docker-compose` with this project, file and variables against it.
    pub fn compose(&self, project: &str, file: &Path, variables: &Path, words: &[&str]) -> Command {
        let mut command = Command::new("docker-compose");
        command.args(["--ansi", "never", "-p", project, "-f"]).arg(file).arg("--env-file").arg(variables).args(words);
        self.asked_by(command)
    }

    fn asked_by(&self, mut command: Command) -> Command {
        command.env("DOCKER_HOST", format!("unix://{}", self.socket.display()));
        // The builder that every engine has.
        command.env("DOCKER_BUILDKIT", "0").env("COMPOSE_DOCKER_CLI_BUILD", "0");
        command
    }

    /// The id of the container of a service.
    pub fn container(&self, project: &str, service: &str) -> String {
        let filters = [
            format!("label=com.docker.compose.project={project}"),
            format!("label=com.docker.compose.service={service}"),
        ];
        let found = run(&mut self.docker(&["ps", "-aq", "--no-trunc", "-f", &filters[0], "-f", &filters[1]]));
        found.lines().next().unwrap_or_else(|| panic!("no container of {project}/{service}")).to_owned()
    }

    /// What `docker inspect` says of it, in this form.
    pub fn inspect(&self, container: &str, form: &str) -> String {
        run(&mut self.docker(&["inspect", "-f", form, container])).trim().to_owned()
    }

    /// Waits until a container is healthy, after so many restarts at least.
    pub fn healthy(&self, container: &str, restarts: u32) {
        let state = || self.inspect(container, "{{.RestartCount}} {{.State.Health.Status}}");
        let is_well = || {
            let (count, health) =
                state().split_once(' ').map(|(count, health)| (count.to_owned(), health.to_owned()))?;
            (count.parse::<u32>().ok()? >= restarts && health == "healthy").then_some(())
        };
        if let Err(error) = until("the container is healthy", Duration::from_secs(120), is_well) {
            let logs = self.docker(&["logs", "--tail", "30", container]).output().unwrap();
            panic!("{error:#}: {}\n{}", state(), String::from_utf8_lossy(&logs.stderr));
        }
    }

    /// Ends its first process as a crash would: the engine was not asked, so it is for the engine to start it again.
    pub fn crash(&self, container: &str) {
        let of_container = |process: &std::fs::DirEntry| {
            let groups = std::fs::read_to_string(process.path().join("cgroup")).unwrap_or_default();
            groups.contains(container).then(|| process.file_name().to_string_lossy().parse::<i32>().ok()).flatten()
        };
        let all = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|process| of_container(&process));
        let first = all.min().unwrap_or_else(|| panic!("no process of container {container}"));
        let first = rustix::process::Pid::from_raw(first).unwrap();
        rustix::process::kill_process(first, rustix::process::Signal::KILL).unwrap();
    }
}
