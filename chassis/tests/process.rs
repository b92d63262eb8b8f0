//! What somebody who runs a program sees: exit codes, signals, reloads, the admin listener.
//!
//! The program is this test binary itself, started again with one variable set (see [`the_program`]); it goes through the
//! real [`highway_chassis::run`], as the real programs do.
//!
//! Long because: each test starts the program of this file.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands, in its helpers too")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use highway_chassis::config::{Mistakes, RawAdmin, RawDrain, RawLog};
use highway_chassis::metrics::{Counter, Gauge};
use highway_chassis::{Basics, Process, Program};
use serde::Deserialize;
use serde_json::Value;

const ARGUMENTS: &str = "CHASSIS_TEST_ARGUMENTS";
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    log: RawLog,
    admin: RawAdmin,
    drain: RawDrain,
    /// `idle`, `busy` (never lets go of its hold), `panic`, `stuck` (starts for ever).
    act: Option<String>,
    depth: Option<u32>,
}

struct Config {
    basics: Basics,
    act: String,
    depth: u32,
}

struct Diver {
    depth: Gauge,
    _dives: Counter,
}

impl Program for Diver {
    const NAME: &'static str = "diver";
    const ABOUT: &'static str = "Goes down and comes up, for tests.";
    type Raw = Raw;
    type Config = Config;

    fn settle(raw: Raw, mistakes: &mut Mistakes) -> Option<Config> {
        let depth = mistakes.require("depth", raw.depth, "how deep to dive, in metres");
        let basics = Basics {
            log: raw.log.settle(mistakes),
            admin: raw.admin.settle("127.0.0.1:0".parse().unwrap(), mistakes),
            drain_within: raw.drain.settle(),
        };
        Some(Config { basics, act: raw.act.unwrap_or_else(|| "idle".to_owned()), depth: depth? })
    }

    fn basics(config: &Config) -> Basics {
        config.basics.clone()
    }

    async fn start(config: Config, process: Process) -> anyhow::Result<Self> {
        let water = process.ready.condition("water");
        let depth = process.metrics.gauges("diver_depth_metres", "How deep", &[]).own(&[]);
        let dives = process.metrics.counters("diver_dives_total", "Dives", &["place"]).own(&["\"sea\""]);
        depth.set(config.depth.into());
        dives.add(1);
        process.status.source("dive", move || serde_json::json!({ "act": "on" }));
        process.routes.add(
            highway_chassis::admin::axum::Router::new()
                .route("/extra", highway_chassis::admin::axum::routing::get(async || "extra\n")),
        );
        match config.act.as_str() {
            "panic" => process.tasks.thread("shard 0", || panic!("out of air"))?,
            "busy" => {
                let hold = process.drain.hold();
                process.tasks.thread("shard 0", move || {
                    let _hold = hold;
                    loop {
                        std::thread::park();
                    }
                })?;
            }
            "stuck" => std::future::pending().await,
            "refuse" => anyhow::bail!("no water here"),
            _ => {}
        }
        water.met();
        std::mem::forget(water);
        Ok(Self { depth, _dives: dives })
    }

    async fn reload(&mut self, config: Config) -> anyhow::Result<()> {
        anyhow::ensure!(config.depth < 100, "{} m is too deep", config.depth);
        self.depth.set(config.depth.into());
        Ok(())
    }
}

/// Not a test by itself: with the variable set this is the program that the others start.
#[test]
fn the_program() {
    let Some(arguments) = std::env::var_os(ARGUMENTS) else { return };
    let arguments = arguments.into_string().unwrap();
    let code = highway_chassis::run::run_with::<Diver>(arguments.lines().map(OsString::from));
    std::process::exit(code.into());
}

struct Running {
    child: Child,
    lines: Receiver<String>,
    folder: tempfile::TempDir,
    seen: String,
}

impl Running {
    fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("diver.toml");
        std::fs::write(&file, format!("{config}\n[log]\nformat = \"json\"\n")).unwrap();
        Self::start_with(folder, &[file.to_str().unwrap()])
    }

    fn start_with(folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        Self::start_by(Command::new(std::env::current_exe().unwrap()), folder, arguments)
    }

    fn start_by(mut starter: Command, folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        let mut child = starter
            .args(["--exact", "the_program", "--nocapture"])
            .env(ARGUMENTS, arguments.join("\n"))
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = std::sync::mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).all(|line| tell.send(line).is_ok()));
        Self { child, lines, folder, seen: String::new() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("diver.toml")
    }

    fn rewrite(&self, config: &str) {
        std::fs::write(self.file(), format!("{config}\n[log]\nformat = \"json\"\n")).unwrap();
    }

    /// The next log line whose message begins so.
    fn line(&mut self, message: &str) -> Value {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else { panic!("no {message:?} after:\n{}", self.seen) };
            self.seen.push_str(&line);
            self.seen.push('\n');
            let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
            if value["message"].as_str().is_some_and(|text| text.starts_with(message)) {
                return value;
            }
        }
    }

    fn admin(&mut self) -> SocketAddr {
        let starts = self.line("diver starts");
        let address = starts["admin"].as_str().unwrap().trim_matches(['[', ']']).parse().unwrap();
        self.line("diver runs");
        address
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Exit code and everything said on stderr.
    fn end(mut self) -> (Option<i32>, String) {
        // Its stderr closes when it ends.
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.extend([line.as_str(), "\n"]),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("still runs after:\n{}", self.seen),
            }
        }
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: SocketAddr, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn depth_of(address: SocketAddr) -> String {
    let (_, page) = get(address, "/metrics", "");
    page.lines().find_map(|line| line.strip_prefix("diver_depth_metres ")).unwrap().to_owned()
}

#[test]
fn sigterm_ends_an_idle_program_with_0() {
    for signal in ["-TERM", "-INT"] {
        let mut running = Running::start("depth = 1");
        running.line("diver runs");
        running.signal(signal);
        let (code, said) = running.end();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("diver ended"), "{said}");
    }
}

#[test]
fn a_second_signal_ends_a_drain_at_once() {
    let mut running = Running::start("depth = 1\nact = \"busy\"\n[drain]\nwithin = \"1h\"");
    running.line("diver runs");
    running.signal("-TERM");
    assert_eq!(running.line("diver drains")["in_flight"], 1);
    running.signal("-TERM");
    assert_eq!(running.line("told twice")["left"], 1);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_drain_ends_at_its_deadline() {
    let mut running = Running::start("depth = 1\nact = \"busy\"\n[drain]\nwithin = \"50ms\"");
    running.line("diver runs");
    running.signal("-TERM");
    assert_eq!(running.line("the drain's deadline has passed")["left"], 1);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_program_can_be_ended_before_it_has_started() {
    let mut running = Running::start("depth = 1\nact = \"stuck\"");
    running.line("diver starts");
    running.signal("-TERM");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_panic_in_a_shard_ends_the_program_with_1() {
    let (code, said) = Running::start("depth = 1\nact = \"panic\"").end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("shard 0 failed: it panicked: out of air"), "{said}");
}

#[test]
fn a_program_that_cannot_start_ends_with_1() {
    let (code, said) = Running::start("depth = 1\nact = \"refuse\"").end();
    assert_eq!(code, Some(1));
    assert!(said.contains("no water here"), "{said}");
}

#[test]
fn a_bad_configuration_ends_with_2_and_every_mistake() {
    let (code, said) = Running::start("dept = 1\nact = 2").end();
    assert_eq!(code, Some(2));
    for mistake in ["diver.toml:1: dept: unknown key, did you mean `depth`", "act: found 2, wanted a text in quotes"] {
        assert!(said.contains(mistake), "{said}");
    }
}

#[test]
fn a_check_ends_with_0_or_2_and_starts_nothing() {
    for (config, wanted) in [("depth = 1", 0), ("depth = true", 2)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("diver.toml"), config).unwrap();
        let (code, said) = Running::start_with(folder, &["--check"]).end();
        assert_eq!(code, Some(wanted), "{said}");
        assert!(!said.contains("diver starts"), "{said}");
    }
}

#[test]
fn arguments_that_are_not_understood_end_with_2() {
    let (code, said) = Running::start_with(tempfile::tempdir().unwrap(), &["--loud"]).end();
    assert_eq!(code, Some(2));
    assert!(said.contains("unknown argument \"--loud\"") && said.contains("usage: diver"), "{said}");
}

#[test]
fn sighup_and_a_changed_file_reload() {
    let mut running = Running::start("depth = 1");
    let admin = running.admin();
    assert_eq!(depth_of(admin), "1");
    running.rewrite("depth = 2");
    running.line("a file has changed");
    running.line("the configuration was reloaded");
    assert_eq!(depth_of(admin), "2");
    running.signal("-HUP");
    running.line("the configuration was reloaded");
}

#[test]
fn a_reload_moves_the_admin_listener() {
    let mut running = Running::start("depth = 1");
    let admin = running.admin();
    running.rewrite("depth = 1\n[admin]\nlisten = [\"127.0.0.2:0\", \"127.0.0.1:0\"]");
    let moved = running.line("the admin listener has moved");
    let addresses = moved["admin"].as_str().unwrap().trim_matches(['[', ']']).to_owned();
    let four: SocketAddr = addresses.split(", ").last().unwrap().parse().unwrap();
    assert_eq!(get(four, "/livez", "").0, 200);
    assert!(TcpStream::connect(admin).is_err(), "the old one is closed");
}

#[test]
fn a_bad_reload_keeps_the_old_state_and_says_so() {
    let mut running = Running::start("depth = 1");
    let admin = running.admin();
    running.rewrite("depth = \"deep\"");
    let line = running.line("the configuration was not reloaded");
    assert!(line["why"].as_str().unwrap().contains("depth: found \"deep\", wanted a whole number"), "{line}");
    running.rewrite("depth = 100");
    let line = running.line("the configuration was not reloaded");
    assert_eq!(line["why"], "100 m is too deep");
    let (_, page) = get(admin, "/metrics", "");
    assert!(page.contains("diver_depth_metres 1\n"), "{page}");
    assert!(page.contains("highway_config_reloads_total{outcome=\"bad\"} 2\n"), "{page}");
    assert!(page.contains("highway_config_last_reload_good 0\n"), "{page}");
    running.rewrite("depth = 3");
    running.line("the configuration was reloaded");
    assert_eq!(depth_of(admin), "3");
}

#[test]
fn the_admin_listener_answers() {
    let mut running = Running::start("depth = 7");
    let admin = running.admin();
    assert_eq!(get(admin, "/livez", ""), (200, "alive\n".to_owned()));
    assert_eq!(get(admin, "/readyz", ""), (200, "water: met\n".to_owned()));
    assert_eq!(get(admin, "/extra", ""), (200, "extra\n".to_owned()));
    assert_eq!(get(admin, "/nothing", "").0, 404);
    let (_, page) = get(admin, "/metrics", "");
    assert!(page.contains("# TYPE diver_dives_total counter\ndiver_dives_total{place=\"\\\"sea\\\"\"} 1\n"), "{page}");
    let (code, status) = get(admin, "/status", "");
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!((code, &status["dive"]["act"], &status["process"]["program"]), (200, &"on".into(), &"diver".into()));
}

#[test]
fn with_a_token_only_livez_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hush\n").unwrap();
    Command::new("chmod").arg("600").arg(&token).status().unwrap();
    let listen = "listen = [\"127.0.0.1:0\"]";
    let mut running = Running::start(&format!("depth = 1\n[admin]\n{listen}\ntoken_file = {token:?}"));
    let admin = running.admin();
    assert_eq!(get(admin, "/livez", "").0, 200);
    for path in ["/readyz", "/metrics", "/status", "/extra", "/nothing"] {
        assert_eq!(get(admin, path, "").0, 401, "{path}");
        assert_eq!(get(admin, path, "Authorization: Bearer hus\r\n").0, 401, "{path}");
        assert_ne!(get(admin, path, "Authorization: Bearer hush\r\n").0, 401, "{path}");
    }
}

#[test]
fn a_stuck_program_is_alive_but_not_ready() {
    let mut running = Running::start("depth = 1\nact = \"stuck\"");
    let starts = running.line("diver starts");
    let admin = starts["admin"].as_str().unwrap().trim_matches(['[', ']']).parse().unwrap();
    assert_eq!(get(admin, "/livez", "").0, 200);
    assert_eq!(get(admin, "/readyz", ""), (503, "water: not yet\n".to_owned()));
}

#[test]
fn a_silent_connection_to_the_admin_listener_is_closed() {
    let mut running = Running::start("depth = 1");
    let admin = running.admin();
    let mut silent = TcpStream::connect(admin).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(silent, "GET /livez HTTP/1.1\r\n").unwrap();
    let mut answer = String::new();
    silent.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains("200"), "{answer}");
}

/// As systemd does with `Type=notify` and a socket unit: the socket is descriptor 3, and the datagrams are told apart.
#[test]
fn a_service_manager_hands_over_its_socket_and_hears_of_start_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = || {
        let mut bytes = [0; 512];
        let len = notify.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    };
    // Held here all the time: whoever bound this address anew would be refused.
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let file = folder.path().join("diver.toml");
    std::fs::write(&file, format!("depth = 1\n[admin]\nlisten = [\"{address}\"]\n[log]\nformat = \"json\"\n")).unwrap();
    let mut manager = Command::new("sh");
    manager.args(["-c", "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \"$@\""]);
    manager.arg(std::env::current_exe().unwrap()).stdin(OwnedFd::from(socket.try_clone().unwrap()));
    manager.env("NOTIFY_SOCKET", folder.path().join("notify"));
    let mut running = Running::start_by(manager, folder, &[file.to_str().unwrap()]);
    assert_eq!(running.admin(), address);
    assert_eq!(heard(), "READY=1\nSTATUS=runs\n");
    assert_eq!(get(address, "/livez", "").0, 200);
    running.signal("-TERM");
    assert!(heard().starts_with("STOPPING=1\nSTATUS=drains, "), "the end is told");
    assert_eq!(running.end().0, Some(0));
    let waiting = TcpStream::connect(address).unwrap();
    assert_eq!(socket.accept().unwrap().1, waiting.local_addr().unwrap(), "what comes while nobody runs waits");
}
