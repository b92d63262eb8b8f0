//! Connecting, again and again: as long as the provider is listed, with a pause that grows and is never the same for two.
//!
//! It never gives up by itself. Between two attempts there is at least the shortest pause, and an eighth of it after a connection that
//! lived for so long (each with a fifth added or taken at random), however many calls wait.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use shard::Conn;
use shard::tls::{Layer, ServerName};
use tokio::net::TcpStream;

use super::Provider;
use crate::Security;
use crate::channel::Channel;

/// Of a name with more addresses only so many are tried in one attempt.
const ADDRESSES_MAX: usize = 4;

/// Keeps one connection for as long as the provider is listed.
pub(super) async fn keep_connected(provider: Rc<Provider>) {
    let (shortest, longest) = provider.core.config.backoff;
    let mut pause = shortest;
    while provider.listed.get() {
        let attempt = tokio::select! {
            attempt = provider.connect() => attempt,
            () = provider.until_unlisted() => return,
        };
        provider.attempted.set(true);
        match attempt {
            Ok(channel) => {
                let began = Instant::now();
                provider.connected(&channel);
                channel.until_left().await;
                // A connection that lived was no accident of its provider: the next is tried almost at once.
                pause = if began.elapsed() >= shortest { shortest / 8 } else { (pause * 2).clamp(shortest, longest) };
            }
            Err(why) => {
                provider.connect_failed(why);
                pause = (pause * 2).clamp(shortest, longest);
            }
        }
        tokio::select! {
            () = provider.pause(provider.core.jitter(pause)) => {}
            () = provider.until_unlisted() => return,
        }
    }
}

impl Provider {
    async fn connect(self: &Rc<Self>) -> Result<Rc<Channel>, String> {
        let limit = self.core.config.connect_timeout;
        let (layer, trust_changes) = (self.layer()?, self.core.trust_changes.get());
        let resolve = tokio::net::lookup_host((&*self.endpoint.host, self.endpoint.port));
        let addresses = match tokio::time::timeout(limit, resolve).await {
            Ok(found) => found.map_err(|error| format!("its name cannot be resolved: {error}"))?,
            Err(_) => return Err(format!("its name was not resolved within {limit:?}")),
        };
        let stream = first_of(addresses, limit).await?;
        let channel = Channel::new(&self.core, Rc::downgrade(self));
        let is_plain = matches!(layer, Layer::Plain);
        let conn = Conn::start(&self.core.shard, stream, layer, channel.clone()).map_err(|error| error.to_string())?;
        channel.attach(conn);
        if is_plain {
            return Ok(channel);
        }
        let mut unfinished = Unfinished(Some(channel.clone()));
        if tokio::time::timeout(limit, channel.until_secured()).await.is_err() {
            return Err(format!("its TLS handshake was not done within {limit:?}"));
        }
        match channel.why_ended() {
            Some(why) => Err(why),
            None if self.core.trust_changes.get() != trust_changes => {
                Err("whom to trust has changed during its TLS handshake".to_owned())
            }
            None => {
                unfinished.0.take();
                Ok(channel)
            }
        }
    }

    fn layer(&self) -> Result<Layer, String> {
        if self.endpoint.security == Security::Plain {
            return Ok(Layer::Plain);
        }
        let trust = self.core.trust.borrow();
        let trust = trust.as_ref().ok_or("it wants TLS, and nobody has said whom to trust: see [providers.tls] of an ingress gateway, [local.tls] of an egress gateway, `Builder::tls` of highway-sdk")?;
        let host = &*self.endpoint.host;
        let name = match &trust.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned())
                .map_err(|_| format!("it wants TLS, and {host:?} is no name that a certificate can have"))?,
        };
        Ok(Layer::Ask(trust.config.clone(), name))
    }

    fn connected(&self, channel: &Rc<Channel>) {
        self.core.counts.connected.add(1);
        tracing::debug!(provider = %self.endpoint, "connected to a provider");
        if !self.listed.get() {
            return channel.drain();
        }
        channel.began();
        self.channels.borrow_mut().push(channel.clone());
        self.channels_changed("");
    }

    fn connect_failed(&self, why: String) {
        self.core.counts.connect_failed.add(1);
        tracing::debug!(provider = %self.endpoint, why, "cannot connect to a provider");
        if !self.is_usable() {
            *self.last_error.borrow_mut() = why;
            self.refuse_waiting();
        }
    }

    async fn until_unlisted(&self) {
        while self.listed.get() {
            self.unlisted.notified().await;
        }
    }

    /// Waits `pause`, or as little as the shortest backoff if a call waits.
    async fn pause(&self, pause: Duration) {
        let shortest = self.core.jitter(self.core.config.backoff.0).min(pause);
        tokio::time::sleep(shortest).await;
        if !self.waiting.borrow().is_empty() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause - shortest) => {}
            () = self.nudged.notified() => {}
        }
    }
}

/// Connects to the first of a name's addresses that takes it: a name may have one of each family, and a provider on one.
async fn first_of(addresses: impl Iterator<Item = SocketAddr>, limit: Duration) -> Result<TcpStream, String> {
    let mut why = "its name has no address".to_owned();
    for address in addresses.take(ADDRESSES_MAX) {
        match shard::connect(address, limit).await {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

/// A connection that is closed unless its handshake ends well: also when nobody waits for it any more.
struct Unfinished(Option<Rc<Channel>>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(channel) = &self.0 {
            channel.close("its TLS handshake is given up");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_address_of_a_name_is_tried_where_the_first_refuses() {
        shard::runtime().unwrap().block_on(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let taken = listener.local_addr().unwrap();
            let refusing = SocketAddr::new("::1".parse().unwrap(), taken.port());
            let limit = Duration::from_secs(5);
            let stream = first_of([refusing, taken].into_iter(), limit).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), taken);
            assert!(first_of([refusing].into_iter(), limit).await.is_err());
            assert_eq!(first_of([].into_iter(), limit).await.unwrap_err(), "its name has no address");
        });
    }
}
