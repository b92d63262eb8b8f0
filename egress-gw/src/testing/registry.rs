//! A registry that shows what the test says and keeps what it is told. It knows no ZooKeeper.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use zk_bridge::{Consumer, Desired, Level, Parameters, Provider, Registry, RegistryFailure, Status, Work};

/// A registry that keeps what it is told.
#[derive(Default)]
pub struct FakeRegistry {
    pub view: watch::Sender<Arc<zk_bridge::View>>,
    pub documents: watch::Sender<Arc<zk_bridge::Documents>>,
    pub desired: Mutex<Option<Desired>>,
    pub withdrawn: Mutex<bool>,
    pub kept: Mutex<Option<Vec<String>>>,
}

impl FakeRegistry {
    /// One that nobody has read yet.
    pub fn unread() -> Arc<Self> {
        let view = watch::channel(Arc::new(zk_bridge::View::unread())).0;
        Arc::new(Self { view, ..Self::default() })
    }
}

impl Registry for FakeRegistry {
    fn name(&self) -> &str {
        "fake"
    }
    fn view(&self) -> watch::Receiver<Arc<zk_bridge::View>> {
        self.view.subscribe()
    }
    fn documents(&self) -> watch::Receiver<Arc<zk_bridge::Documents>> {
        self.documents.subscribe()
    }
    fn publish(&self, desired: Desired) {
        *self.desired.lock().unwrap() = Some(desired);
    }
    fn settled(&self) -> Work<'_> {
        Box::pin(async { Ok(()) })
    }
    fn withdraw(&self) -> Work<'_> {
        *self.withdrawn.lock().unwrap() = true;
        Box::pin(async { Err(RegistryFailure::Stopped("fake".to_owned())) })
    }
    fn keep_only(&self, stays: &dyn Fn(&zk_bridge::VirtualProvider) -> bool) -> Work<'_> {
        let published = self.desired.lock().unwrap().clone().map(|desired| desired.providers).unwrap_or_default();
        let kept = published.iter().filter(|own| stays(own)).map(|own| own.key.to_string()).collect();
        *self.kept.lock().unwrap() = Some(kept);
        Box::pin(async { Ok(()) })
    }
    fn leave(&self) -> Work<'_> {
        self.withdraw()
    }
    fn status(&self) -> Status {
        Status::default()
    }
}

/// A provider of Dubbo; `highway` is the gateway whose virtual one it is.
pub fn provider(interface: &str, host: &str, highway: Option<&str>) -> Provider {
    Provider {
        key: zk_bridge::ServiceKey::new(interface, None, None),
        host: host.to_owned(),
        port: 20880,
        path: interface.to_owned(),
        level: Level::Interface,
        application: None,
        parameters: Parameters::default(),
        highway: highway.map(str::to_owned),
    }
}

/// A consumer in application `shop` that refers to this interface.
pub fn reference(interface: &str, parameters: &[(&str, &str)]) -> Consumer {
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Consumer {
        application: Some("shop".to_owned()),
        host: "10.0.0.7".to_owned(),
        interface: interface.to_owned(),
        group: None,
        version: None,
        parameters: Parameters(parameters.collect()),
    }
}

/// One document of rules, as a config center shows it.
pub fn document(text: &str) -> Arc<zk_bridge::Documents> {
    let (name, text) = ("shop".to_owned(), text.to_owned());
    let version = "0x1".parse().unwrap();
    Arc::new(zk_bridge::Documents::read(vec![Arc::new(zk_bridge::Document {
        name,
        text,
        version,
        written: std::time::SystemTime::UNIX_EPOCH,
    })]))
}
