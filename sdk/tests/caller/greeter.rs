//! A provider on a runtime of its own, and a reference to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use highway_sdk::provider::{self, Invocation, Provider, Thrown};
use highway_sdk::{Builder, CallOptions, Highway, Service};
use tokio::runtime::{self, Runtime};
use tokio::sync::Notify;

pub struct Greeter {
    pub runtime: Runtime,
    _provider: Provider,
    pub highway: Highway,
    pub service: Service,
    pub address: String,
    pub noted: Arc<Notify>,
}

pub fn greeter() -> Greeter {
    greeter_called_by(|highway| highway)
}

/// Says more of the process that calls.
pub fn greeter_called_by(with: impl FnOnce(Builder) -> Builder) -> Greeter {
    crate::seen::listen();
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let noted = Arc::new(Notify::new());
    let provider = Provider::builder().listen("127.0.0.1:0").application("p").serve(served(noted.clone())).start();
    let provider = runtime.block_on(provider).unwrap();
    let patient = CallOptions::new().timeout(Duration::from_secs(30));
    let highway = with(Highway::builder().application("caller").options(patient)).build().unwrap();
    let address = provider.address().to_string();
    let service = highway.service("com.acme.Greeter").address(&address).build().unwrap();
    Greeter { runtime, _provider: provider, highway, service, address, noted }
}

fn served(noted: Arc<Notify>) -> provider::Service {
    provider::Service::new("com.acme.Greeter")
        .method("greet", |call: Invocation| async move {
            let (name,): (String,) = call.args()?;
            call.reply_attachment("back", "yes");
            Ok(format!("hello {name}"))
        })
        .method("attachments", |call: Invocation| async move {
            Ok(call.attachments().into_iter().collect::<BTreeMap<_, _>>())
        })
        .method("fail", |_: Invocation| async move {
            Err::<(), _>(Thrown::of("java.lang.IllegalStateException", "not today"))
        })
        .method("silent", |_: Invocation| async move {
            std::future::pending::<()>().await;
            Ok(())
        })
        .method("note", move |_: Invocation| {
            let noted = noted.clone();
            async move {
                noted.notify_one();
                Ok(())
            }
        })
}
