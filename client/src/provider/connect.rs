//! Connecting, again and again: as long as the provider is listed, with a pause that grows and is never the same for two.
//!
//! It never gives up by itself and never connects faster than the shortest pause, however many calls wait.

use std::rc::Rc;
use std::time::{Duration, Instant};

use shard::Conn;
use shard::tls::Layer;

use super::Provider;
use crate::channel::Channel;

/// Keeps one connection for as long as the provider is listed.
pub(super) async fn keep_connected(provider: Rc<Provider>) {
    let (shortest, longest) = provider.core.config.backoff;
    let mut pause = shortest;
    while provider.listed.get() {
        let attempt = tokio::select! {
            attempt = provider.connect() => attempt,
            () = provider.until_unlisted() => return,
        };
        match attempt {
            Ok(channel) => {
                let began = Instant::now();
                provider.connected(&channel);
                channel.until_ended().await;
                // A connection that lived was no accident of its provider: the next is tried almost at once.
                pause = if began.elapsed() >= shortest { shortest / 8 } else { (pause * 2).clamp(shortest, longest) };
            }
            Err(why) => {
                provider.connect_failed(why);
                pause = (pause * 2).clamp(shortest, longest);
            }
        }
        tokio::select! {
            () = provider.pause(provider.jitter(pause)) => {}
            () = provider.until_unlisted() => return,
        }
    }
}

impl Provider {
    async fn connect(self: &Rc<Self>) -> Result<Rc<Channel>, String> {
        let limit = self.core.config.connect_timeout;
        let resolve = tokio::net::lookup_host((&*self.endpoint.host, self.endpoint.port));
        let mut addresses = match tokio::time::timeout(limit, resolve).await {
            Ok(found) => found.map_err(|error| format!("its name cannot be resolved: {error}"))?,
            Err(_) => return Err(format!("its name was not resolved within {limit:?}")),
        };
        let address = addresses.next().ok_or("its name has no address")?;
        let stream = shard::connect(address, limit).await.map_err(|error| error.to_string())?;
        let channel = Channel::new(&self.core, Rc::downgrade(self));
        let conn =
            Conn::start(&self.core.shard, stream, Layer::Plain, channel.clone()).map_err(|error| error.to_string())?;
        channel.attach(conn);
        Ok(channel)
    }

    fn connected(&self, channel: &Rc<Channel>) {
        self.core.counts.connected.add(1);
        tracing::debug!(provider = %self.endpoint, "connected to a provider");
        if !self.listed.get() {
            return channel.drain();
        }
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
        let shortest = self.jitter(self.core.config.backoff.0).min(pause);
        tokio::time::sleep(shortest).await;
        if !self.waiting.borrow().is_empty() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause - shortest) => {}
            () = self.nudged.notified() => {}
        }
    }

    /// A fifth more or less.
    fn jitter(&self, pause: Duration) -> Duration {
        let draw = (self.core.draws.next() >> 40) as f64 / f64::from(1 << 24);
        pause.mul_f64(0.8 + 0.4 * draw)
    }
}
