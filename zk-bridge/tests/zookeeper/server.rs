//! Real ZooKeeper servers, alone or three together: started, killed, frozen, started again.
//!
//! Their jars are taken from the folders in `HIGHWAY_ZOOKEEPER_CLASSPATH`, a path like that of commands; `cargo xtask
//! test` sets it, and without it these tests fail. Every server listens on loopback and ends with the test process, even
//! a killed one: its shell waits for the end of its input.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zookeeper_client::Client;

use super::eventually;

/// What runs where no version is said: the newest.
const USUAL: &str = "3.9.5";

/// How a server is to be.
#[derive(Clone, Copy)]
pub struct Settings<'s> {
    pub version: &'s str,
    /// More lines of its configuration.
    pub more: &'s str,
    /// More flags of its JVM.
    pub flags: &'s str,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self { version: USUAL, more: "", flags: "" }
    }
}

/// A server of one process.
pub struct Server {
    folder: tempfile::TempDir,
    jars: String,
    port: u16,
    config: String,
    flags: String,
    process: Option<Child>,
}

impl Server {
    /// A running server.
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// A running server of a version.
    pub async fn of(version: &str) -> Self {
        Self::with(Settings { version, ..Settings::default() }).await
    }

    /// A running server.
    pub async fn with(settings: Settings<'_>) -> Self {
        let mut server = Self::new(settings, free_port());
        server.resume().await;
        server
    }

    fn new(settings: Settings<'_>, port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let config = format!(
            "tickTime=200\ndataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\nminSessionTimeout=400\n\
             maxSessionTimeout=60000\nmaxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\n{}",
            data.display(),
            settings.more
        );
        Self { folder, jars: jars(settings.version), port, config, flags: settings.flags.to_owned(), process: None }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the process with the data there is, and waits until it serves.
    pub async fn resume(&mut self) {
        self.spawn();
        self.serves().await;
    }

    fn spawn(&mut self) {
        let folder = self.folder.path();
        let config = folder.join("zoo.cfg");
        std::fs::write(&config, &self.config).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let java = format!(
            "java -Xmx160m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dzookeeper.forceSync=no {} -cp '{}/*' \
             org.apache.zookeeper.server.quorum.QuorumPeerMain '{}' & pid=$!; echo $pid > '{}'; cat > /dev/null; kill -9 $pid",
            self.flags,
            self.jars,
            config.display(),
            folder.join("pid").display()
        );
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(java).stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(shell.spawn().unwrap());
    }

    async fn serves(&self) {
        let port = self.port;
        eventually("the server answers", || async move { mode(port).await.is_some() }).await;
    }

    /// Ends the process as a power cut does; the data stays.
    pub async fn kill(&mut self) {
        let mut shell = self.process.take().unwrap();
        drop(shell.stdin.take());
        tokio::task::spawn_blocking(move || shell.wait().unwrap()).await.unwrap();
        let port = self.port;
        eventually("the port is free", || async move { TcpListener::bind(("127.0.0.1", port)).is_ok() }).await;
    }

    /// Loses everything that was stored.
    pub fn lose_everything(&self) {
        assert!(self.process.is_none());
        std::fs::remove_dir_all(self.folder.path().join("data")).unwrap();
    }

    /// Stops and continues the process: it is there and does not answer.
    pub fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).unwrap();
        assert!(Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
    }

    /// A client of the test's own.
    pub async fn client(&self) -> Client {
        client_of(&self.address()).await
    }

    /// Requests that it took until now.
    pub async fn received(&self) -> u64 {
        said(self.port, "Received: ").await.unwrap().parse().unwrap()
    }

    /// Packets that it sent until now, answers and events.
    pub async fn sent(&self) -> u64 {
        said(self.port, "Sent: ").await.unwrap().parse().unwrap()
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut shell) = self.process.take() {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }
}

/// Three servers that are one.
pub struct Ensemble(pub [Server; 3]);

impl Ensemble {
    /// Three running servers with a leader.
    pub async fn start() -> Self {
        let ports: Vec<u16> = (0..9).map(|_| free_port()).collect();
        let members: String =
            (1..=3).map(|id| format!("server.{id}=127.0.0.1:{}:{}\n", ports[2 + id], ports[5 + id])).collect();
        let more = format!("initLimit=25\nsyncLimit=10\n{members}");
        let mut servers = [0, 1, 2].map(|at| Server::new(Settings { more: &more, ..Settings::default() }, ports[at]));
        for (server, id) in servers.iter_mut().zip(1..) {
            std::fs::create_dir_all(server.folder.path().join("data")).unwrap();
            std::fs::write(server.folder.path().join("data/myid"), format!("{id}")).unwrap();
            server.spawn();
        }
        for server in &servers {
            server.serves().await;
        }
        Self(servers)
    }

    /// All three, as a client wants them.
    pub fn address(&self) -> String {
        self.0.iter().map(Server::address).collect::<Vec<_>>().join(",")
    }

    /// Which of them leads.
    pub async fn leader(&self) -> usize {
        for (at, server) in self.0.iter().enumerate() {
            if mode(server.port).await.as_deref() == Some("leader") {
                return at;
            }
        }
        panic!("nobody leads")
    }
}

pub async fn client_of(address: &str) -> Client {
    Client::connector()
        .with_session_timeout(Duration::from_secs(30))
        .with_server_version(3, 4, 0)
        .connect(address)
        .await
        .unwrap()
}

/// The folder of a version's jars.
fn jars(version: &str) -> String {
    let folders = std::env::var_os("HIGHWAY_ZOOKEEPER_CLASSPATH").unwrap_or_default();
    let of_version = |folder: &std::path::PathBuf| folder.join(format!("zookeeper-{version}.jar")).is_file();
    let found = std::env::split_paths(&folders).find(of_version).unwrap_or_else(|| {
        panic!(
            "HIGHWAY_ZOOKEEPER_CLASSPATH names no folder with the jars of ZooKeeper {version}; \
             `cargo xtask test -p highway-zk-bridge` installs them and says where"
        )
    });
    found.to_str().unwrap().to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What a server that serves says of itself in the line that begins so. A connection made while it starts may never be answered.
async fn said(port: u16, begin: &str) -> Option<String> {
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"srvr").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(Duration::from_secs(1), asked).await.ok()?.ok()?;
    answer.lines().find_map(|line| line.strip_prefix(begin)).map(str::to_owned)
}

/// What a server that serves is: `standalone`, `leader`, `follower`.
async fn mode(port: u16) -> Option<String> {
    said(port, "Mode: ").await
}
