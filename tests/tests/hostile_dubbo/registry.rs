//! Puts the scripted providers into island b's ZooKeeper, as Dubbo 2.7 writes its own.

use lab::net::Place;
use lab::zookeeper::ZooKeeper;
use zookeeper_client::{Acls, Client, CreateMode};

use crate::scripted::Scripted;

pub fn register(zookeeper: &ZooKeeper, place: &Place, all: &[Scripted]) {
    let address = zookeeper.address().to_string();
    place
        .inside(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = Client::connect(&address).await.unwrap();
                let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
                for one in all {
                    let node = format!("/dubbo/{}/providers/{}", one.service(), escaped(&url(one)));
                    client.mkdir(&node, &options).await.unwrap();
                }
            });
        })
        .unwrap();
}

fn url(one: &Scripted) -> String {
    let (service, address) = (one.service(), one.address());
    format!(
        "dubbo://{address}/{service}?anyhost=true&application=scripted&deprecated=false&dubbo=2.0.2&dynamic=true&generic=false&interface={service}&methods=hi&release=2.7.23&side=provider&timestamp=1700000000000"
    )
}

/// As Java's `URLEncoder` does.
fn escaped(url: &str) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || b".-_*".contains(&byte);
    url.bytes().map(|byte| if keeps(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
