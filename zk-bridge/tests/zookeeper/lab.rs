//! A real ZooKeeper server, a cable that can be pulled, and a look at the whole tree.
//!
//! The server's jars are taken from the folder in `HIGHWAY_ZOOKEEPER_CLASSPATH`; `cargo xtask test` sets it, and
//! without it these tests fail. Every server listens on loopback and ends with the test process, even a killed one: its
//! shell waits for the end of its input.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use zk_bridge::{Desired, Registry, RegistryConfig, ServiceKey, View, VirtualProvider};
use zookeeper_client::{Acls, Client, CreateMode, Error};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// A server of one process.
pub struct Server {
    folder: tempfile::TempDir,
    jars: String,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// A running server.
    pub async fn start() -> Self {
        let jars = std::env::var("HIGHWAY_ZOOKEEPER_CLASSPATH").expect(
            "HIGHWAY_ZOOKEEPER_CLASSPATH names no folder with ZooKeeper's jars; `cargo xtask test -p highway-zk-bridge` installs them and says where",
        );
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder: tempfile::tempdir().unwrap(), jars, port, process: None };
        server.resume().await;
        server
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the process with the data there is.
    pub async fn resume(&mut self) {
        let folder = self.folder.path();
        let config = folder.join("zoo.cfg");
        let text = format!(
            "tickTime=200\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\nminSessionTimeout=400\n\
             maxSessionTimeout=60000\nmaxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\n",
            folder.join("data").display(),
            self.port
        );
        std::fs::write(&config, text).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let java = format!(
            "java -Xmx160m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dzookeeper.forceSync=no -cp '{}/*' \
             org.apache.zookeeper.server.quorum.QuorumPeerMain '{}' & pid=$!; echo $pid > '{}'; cat > /dev/null; kill -9 $pid",
            self.jars,
            config.display(),
            folder.join("pid").display()
        );
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(java).stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(shell.spawn().unwrap());
        let port = self.port;
        eventually("the server answers", || async move { is_serving(port).await }).await;
    }

    /// Ends the process as a power cut does; the data stays.
    pub async fn kill(&mut self) {
        let mut shell = self.process.take().unwrap();
        drop(shell.stdin.take());
        tokio::task::spawn_blocking(move || shell.wait().unwrap()).await.unwrap();
        let port = self.port;
        eventually("the port is free", || async move { std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() })
            .await;
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

    /// A folder of the test's own, as an address with a chroot.
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

pub async fn client_of(address: &str) -> Client {
    Client::connector()
        .with_session_timeout(Duration::from_secs(30))
        .with_server_version(3, 4, 0)
        .connect(address)
        .await
        .unwrap()
}

/// A connection made while a server starts may never be answered.
async fn is_serving(port: u16) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"srvr").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer.contains("Mode:"))
    };
    tokio::time::timeout(Duration::from_secs(1), asked).await.is_ok_and(|answer| answer.unwrap_or(false))
}

/// The way to a server, which can be cut.
pub struct Cable {
    port: u16,
    whole: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Cable {
    pub async fn to(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, state) = watch::channel(true);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut wires = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (address, mut state) = (address.clone(), state.clone());
                wires.spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(address).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        Self { port, whole, _task: task }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

/// A registry with its driver running.
pub struct Running {
    pub registry: Arc<dyn Registry>,
    driver: Mutex<JoinSet<()>>,
}

impl Running {
    pub fn at(address: &str) -> Self {
        Self::of(&RegistryConfig { session_timeout: Some("6s".into()), ..RegistryConfig::at(address) })
    }

    pub fn of(config: &RegistryConfig) -> Self {
        let (registry, driver) = zk_bridge::open(config.settle(Path::new("/")).unwrap());
        let mut task = JoinSet::new();
        task.spawn(driver.run());
        Self { registry, driver: Mutex::new(task) }
    }

    /// Waits until the view is as wanted, and returns it. Says the last one when it never is.
    pub async fn view(&self, what: &str, is: impl Fn(&View) -> bool) -> Arc<View> {
        let mut view = self.registry.view();
        let seen = tokio::time::timeout(PATIENCE, view.wait_for(|view| is(view))).await;
        match seen.map(|seen| Arc::clone(&seen.unwrap())) {
            Ok(seen) => seen,
            Err(_) => panic!("never: {what}; {:#?} {:#?}", self.registry.status(), self.registry.view().borrow()),
        }
    }

    /// Waits until all of `desired` are there at interface level, and as many as said at instance level.
    pub async fn published(&self, at_interface: usize, as_instance: usize) {
        eventually("everything is published", || async {
            let status = self.registry.status();
            status.connected && (status.published, status.published_as_instance) == (at_interface, as_instance)
        })
        .await;
    }

    /// Ends the process, as far as the registry can tell.
    pub async fn kill(&self) {
        let mut driver = std::mem::take(&mut *self.driver.lock().unwrap());
        driver.shutdown().await;
    }
}

/// Waits for a condition that nobody announces.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut is: impl FnMut() -> F) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// Every node below `path`: its content and its owner.
pub async fn tree(client: &Client, path: &str) -> BTreeMap<String, (String, i64)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let names = match client.list_children(&folder).await {
            Ok(names) => names,
            Err(Error::NoNode) => continue,
            Err(error) => panic!("{folder}: {error}"),
        };
        for name in names {
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let Ok((data, stat)) = client.get_data(&path).await else { continue };
            found.insert(path.clone(), (String::from_utf8_lossy(&data).into_owned(), stat.ephemeral_owner));
            folders.push(path);
        }
    }
    found.retain(|path, _| !path.starts_with("/zookeeper"));
    found
}

/// Makes a node and the folders above it.
pub async fn create(client: &Client, path: &str, data: &str, mode: CreateMode) {
    let folder = path.rsplit_once('/').unwrap().0;
    if !folder.is_empty() {
        client.mkdir(folder, &CreateMode::Persistent.with_acls(Acls::anyone_all())).await.unwrap();
    }
    client.create(path, data.as_bytes(), &mode.with_acls(Acls::anyone_all())).await.unwrap();
}

/// Deletes everything below `path`, and `path`.
pub async fn delete_all(client: &Client, path: &str) {
    let mut paths: Vec<String> = tree(client, path).await.into_keys().collect();
    paths.push(path.to_owned());
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in paths {
        let _ = client.delete(&path, None).await;
    }
}

/// A node name as Java encodes it.
pub fn encoded(url: &str) -> String {
    url.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// The node of a real provider at interface level.
pub fn provider_node(interface: &str, port: u16) -> String {
    let url = format!(
        "dubbo://10.0.0.1:{port}/{interface}?application=shop&interface={interface}&methods=hello&side=provider"
    );
    format!("/dubbo/{interface}/providers/{}", encoded(&url))
}

/// The text of a real instance.
pub fn instance_text(application: &str, (host, port): (&str, u16), revision: &str, storage: &str) -> String {
    let parameters = format!(r#"{{\"version\":\"1.0.0\",\"port\":\"{port}\",\"protocol\":\"dubbo\"}}"#);
    format!(
        r#"{{"name":"{application}","id":"{host}:{port}","address":"{host}","port":{port},"sslPort":null,
        "payload":{{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance","id":"{host}:{port}","name":"{application}",
        "metadata":{{"dubbo.endpoints":"[{{\"port\":{port},\"protocol\":\"dubbo\"}}]","dubbo.metadata.revision":"{revision}",
        "dubbo.metadata.storage-type":"{storage}","dubbo.metadata-service.url-params":"{parameters}","timestamp":"1"}}}},
        "registrationTimeUTC":1,"serviceType":"DYNAMIC","uriSpec":null}}"#
    )
}

/// The text of a real metadata node with one service.
pub fn metadata_text(application: &str, revision: &str, interface: &str, port: u16) -> String {
    format!(
        r#"{{"app":"{application}","revision":"{revision}","services":{{"{interface}:dubbo":{{"name":"{interface}",
        "protocol":"dubbo","port":{port},"path":"{interface}","params":{{"side":"provider","release":"3.3.6"}}}}}}}}"#
    )
}

/// What a gateway wants of these interfaces.
pub fn desired(gateway: &str, epoch: u64, port: u16, interfaces: &[&str]) -> Desired {
    let provider = |interface: &&str| VirtualProvider {
        key: ServiceKey::new(*interface, None, None),
        island: "b".into(),
        host: "10.0.0.9".into(),
        port,
        methods: vec!["hello".into()],
        ..VirtualProvider::default()
    };
    Desired { gateway: gateway.into(), epoch, providers: interfaces.iter().map(provider).collect() }
}
