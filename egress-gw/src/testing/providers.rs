//! Providers of the own island, and calls that may go to several targets, for tests.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use wire::tunnel::Keyed;
use wire::tunnel::head::Head;

use super::{PATIENCE, Peer, snapshot_with};
use crate::answer::Repeat;
use crate::cache::{Course, Pick, Route, Way, Ways};
use crate::fallback::{Fallback, Handled, Request};
use crate::knowledge::Knowledge;
use crate::local::{Local, LocalTls, Own};
use crate::local_pool::LocalRoute;

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

/// A provider's end of the connection that the gateway makes to it.
pub async fn accepted(listener: &tokio::net::TcpListener) -> Peer {
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await.expect("the gateway connects");
    Peer { stream: Box::new(accepted.unwrap().0) }
}

/// The same with TLS.
pub async fn accepted_with_tls(listener: &tokio::net::TcpListener, config: Arc<rustls::ServerConfig>) -> Peer {
    let accepted = async {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_rustls::TlsAcceptor::from(config).accept(stream).await.unwrap()
    };
    let stream = tokio::time::timeout(PATIENCE, accepted).await.expect("the gateway connects");
    Peer { stream: Box::new(stream) }
}

/// Sends every call to the first of these targets, or to the next where it was not sent.
pub struct InOrder(pub &'static [&'static str]);

impl Fallback for InOrder {
    fn name(&self) -> &str {
        "in order"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        let way = |target: &&str| match *target {
            "local" => {
                let key = zk_bridge::ServiceKey::new("com.acme.Greeter", None, None);
                Way::Local(LocalRoute::new(key, "greet"))
            }
            island => {
                let mut head = Vec::new();
                let service = "com.acme.Greeter";
                Head { protocol: Head::DUBBO, destination: island, service, method: "greet", ..Head::default() }
                    .encode_into(&mut head)
                    .unwrap();
                Way::Island(Route { island: island.into(), head: head.into(), repeat: Repeat::Harmful })
            }
        };
        let ways = self.0.iter().map(way).collect();
        match request.decide() {
            Ok(mut decision) => {
                let generation = decision.course.generation();
                let label = "com.acme.Greeter#greet".into();
                let ways = Rc::new(Ways { label, ways, pick: Pick::First, generation, port: None });
                decision.course = Course::new(ways, |_| unreachable!());
                request.carry(decision)
            }
            Err(failure) => request.fail(&failure),
        }
    }
}
