//! Providers of the own island: what is known of them, and the ports where they are or are not.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use wire::tunnel::Keyed;

use super::known::snapshot_with;
use crate::knowledge::Knowledge;
use crate::local::{Local, LocalTls, Own};

/// What is known where these providers of Greeter are in this island; each with parameters of its URL.
pub fn with_providers(providers: &[(SocketAddr, &[(&str, &str)])]) -> Knowledge {
    knowing(local_of(providers))
}

/// What is known where these are the providers of this island.
pub fn knowing(local: Arc<Local>) -> Knowledge {
    Knowledge { snapshot: Arc::new(snapshot_with(1, served(&local))), local, ..Knowledge::default() }
}

/// What the catalogue calls the services of these providers.
pub fn served(local: &Local) -> HashSet<Keyed> {
    local.services().map(|key| Keyed::from(crate::publish::catalogue_key(key))).collect()
}

/// The same providers alone.
pub fn local_of(providers: &[(SocketAddr, &[(&str, &str)])]) -> Arc<Local> {
    local_with(providers, LocalTls::default())
}

/// The same, where those with TLS are known so.
pub fn local_with(providers: &[(SocketAddr, &[(&str, &str)])], tls: LocalTls) -> Arc<Local> {
    local_listed(providers.iter().map(|(address, said)| provider("com.acme.Greeter", *address, said)), tls)
}

/// Providers of these services.
pub fn local_of_services(providers: &[(&str, SocketAddr)]) -> Arc<Local> {
    local_listed(providers.iter().map(|(service, address)| provider(service, *address, &[])), LocalTls::default())
}

fn provider(service: &str, address: SocketAddr, said: &[(&str, &str)]) -> zk_bridge::Provider {
    zk_bridge::Provider {
        key: zk_bridge::ServiceKey::new(service, None, None),
        host: address.ip().to_string(),
        port: address.port(),
        path: service.to_owned(),
        level: zk_bridge::Level::Interface,
        application: None,
        parameters: zk_bridge::Parameters(said.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()),
        highway: None,
    }
}

fn local_listed(providers: impl Iterator<Item = zk_bridge::Provider>, tls: LocalTls) -> Arc<Local> {
    let view = zk_bridge::View::of(1, providers.collect(), vec![]);
    let names = crate::own_names::OwnNames::default();
    let own = Own { advertise: None, listen: &[], ports: &[], names: &names };
    Arc::new(Local::of(vec![Arc::new(view)], own, tls))
}

/// A port where a provider may be.
pub async fn provider_port() -> (tokio::net::TcpListener, SocketAddr) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port at which nobody listens, for as long as the socket lives.
pub fn closed_port() -> (tokio::net::TcpSocket, SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}
