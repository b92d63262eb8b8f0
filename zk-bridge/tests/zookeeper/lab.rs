//! A registry with its driver running, and what goes into a tree or comes out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use zk_bridge::{Desired, Driver, Registry, RegistryConfig, ServiceKey, View, VirtualProvider};
use zookeeper_client::{Acls, Client, CreateMode, Error};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

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
        Self::driven(zk_bridge::open(config.settle(Path::new("/")).unwrap()))
    }

    /// Of some interfaces alone.
    pub fn only(address: &str, interfaces: watch::Receiver<BTreeSet<String>>) -> Self {
        let config = RegistryConfig { session_timeout: Some("6s".into()), ..RegistryConfig::at(address) };
        Self::driven(zk_bridge::open_only(config.settle(Path::new("/")).unwrap(), interfaces))
    }

    fn driven((registry, driver): (Arc<dyn Registry>, Driver)) -> Self {
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
    Desired {
        gateway: gateway.into(),
        epoch,
        providers: interfaces.iter().map(provider).collect(),
        ..Desired::default()
    }
}

/// What is logged by this test: its runtime has one thread, and this subscriber is that thread's.
pub struct Log {
    written: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    pub fn here() -> Self {
        // With one subscriber in a process, `tracing` asks the thread that comes by first whether anybody wants a line.
        static SECOND: std::sync::Once = std::sync::Once::new();
        SECOND.call_once(|| {
            let silent = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
            let _ = tracing::subscriber::set_global_default(silent);
        });
        let written = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&written);
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter("info,zookeeper_client=error")
            .with_ansi(false)
            .with_writer(move || Written(Arc::clone(&writer)))
            .finish();
        Self { written, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }

    /// How many lines say this.
    pub fn lines(&self, what: &str) -> usize {
        self.text().lines().filter(|line| line.contains(what)).count()
    }
}

struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
