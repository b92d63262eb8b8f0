//! Providers with TLS: a peer that is no code of ours proves that frames come and go.
#![allow(clippy::unwrap_used)] // tests, but clippy does not know it of their helpers

mod provider;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use highway_client::{Outcome, State, Trust};
use provider::*;
use shard::tls::{self, Identity, ServerConfig, ServerName};

/// A certificate for 127.0.0.1 and `provider.internal` that signs itself.
struct Own(tempfile::TempDir);

impl Own {
    fn new() -> Self {
        let names = ["127.0.0.1", "provider.internal"].map(str::to_owned);
        let own = rcgen::generate_simple_self_signed(names).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own.pem"), own.cert.pem()).unwrap();
        std::fs::write(folder.path().join("own.key"), own.signing_key.serialize_pem()).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn server(&self, client_ca: Option<&Own>) -> Arc<ServerConfig> {
        let (certificate, key) = (self.file("own.pem"), self.file("own.key"));
        let identity = Identity { certificate_file: &certificate, key_file: &key };
        tls::server(identity, client_ca.map(|own| own.file("own.pem")).as_deref()).unwrap()
    }

    /// Trusts this certificate, under this name if one is given, and shows that of `shown`.
    fn trust(&self, server_name: Option<&str>, shown: Option<&Own>) -> Trust {
        let files = shown.map(|own| (own.file("own.pem"), own.file("own.key")));
        let identity = files.as_ref().map(|(pem, key)| Identity { certificate_file: pem, key_file: key });
        let config = tls::client(Some(&self.file("own.pem")), identity).unwrap();
        Trust::new(config, server_name.map(|name| ServerName::try_from(name.to_owned()).unwrap()))
    }
}

fn with_tls(listening: &Listening) -> highway_client::Offer {
    let mut offer = listening.offer();
    offer.endpoint = offer.endpoint.with_tls();
    offer
}

#[test]
fn calls_and_answers_of_any_length_go_through_tls() {
    on_a_shard(|shard| async move {
        let own = Own::new();
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        caller.pool.trust(Some(own.trust(None, None)));
        let candidates = caller.list(&[with_tls(&listening)]);
        // It waits for the handshake, and nothing of it is lost.
        caller.call(&candidates, 1, b"first");
        let mut peer = listening.accept_tls(&own.server(None)).await.unwrap();
        peer.echo().await;
        assert_eq!(caller.ends.answered().await, (1, b"first".to_vec()));
        let long: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
        caller.call(&candidates, 2, &long);
        peer.echo().await;
        let (token, body) = caller.ends.answered().await;
        assert!(token == 2 && body == long);
        assert_eq!(caller.pool.status()[0].address, format!("{} (TLS)", listening.offer().endpoint));
    });
}

#[test]
fn the_configured_name_stands_for_every_providers() {
    on_a_shard(|shard| async move {
        let own = Own::new();
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        caller.pool.trust(Some(own.trust(Some("provider.internal"), None)));
        let candidates = caller.list(&[with_tls(&listening)]);
        listening.accept_tls(&own.server(None)).await.unwrap();
        caller.pool.trust(Some(own.trust(Some("another.internal"), None)));
        // The next connection wants the new name.
        assert!(listening.accept_tls(&own.server(None)).await.is_err());
        let provider = &candidates.list()[0].provider;
        until(|| provider.trouble().contains("not valid for name \"another.internal\"")).await;
    });
}

#[test]
fn a_provider_that_cannot_be_trusted_gets_no_call_and_the_reason_is_said() {
    on_a_shard(|shard| async move {
        let (own, other) = (Own::new(), Own::new());
        let mut config = quick();
        config.wait = Duration::from_millis(300);
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        let candidates = caller.list(&[with_tls(&listening)]);
        let provider = candidates.list()[0].provider.clone();
        until(|| provider.trouble().contains("nobody has said whom to trust: see [providers.tls]")).await;
        caller.pool.trust(Some(own.trust(None, None)));
        caller.call(&candidates, 1, b"x");
        assert!(listening.accept_tls(&other.server(None)).await.is_err());
        let (token, lost) = caller.ends.lost().await;
        assert_eq!((token, lost.outcome()), (1, Outcome::NotSent));
        until(|| provider.trouble().contains("TLS: invalid peer certificate")).await;
        assert_ne!(provider.state(), State::Up);
        assert_eq!(caller.pool.counts().sent.get(), 0);
    });
}

/// Whoever was trusted when the connection was made got calls for as long as it lived.
#[test]
fn a_provider_that_is_not_trusted_any_more_answers_what_it_has_and_gets_nothing_new() {
    on_a_shard(|shard| async move {
        let (own, other) = (Own::new(), Own::new());
        let mut config = quick();
        config.wait = Duration::from_millis(300);
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        caller.pool.trust(Some(own.trust(None, None)));
        let candidates = caller.list(&[with_tls(&listening)]);
        let mut before = listening.accept_tls(&own.server(None)).await.unwrap();
        caller.call(&candidates, 1, b"was trusted");
        until(|| caller.pool.counts().sent.get() == 1).await;

        caller.pool.trust(Some(other.trust(None, None)));
        assert_ne!(candidates.list()[0].provider.state(), State::Up);
        caller.call(&candidates, 2, b"not for it");
        assert!(listening.accept_tls(&own.server(None)).await.is_err(), "it proves itself anew, and cannot");
        let (token, lost) = caller.ends.lost().await;
        assert_eq!((token, lost.outcome()), (2, Outcome::NotSent));
        before.echo().await;
        assert_eq!(caller.ends.answered().await, (1, b"was trusted".to_vec()));
        assert!(before.is_closed_by_peer().await);
    });
}

#[test]
fn another_trust_costs_no_call_where_the_provider_is_known_by_it_too() {
    on_a_shard(|shard| async move {
        let own = Own::new();
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        caller.pool.trust(Some(own.trust(None, None)));
        let candidates = caller.list(&[with_tls(&listening)]);
        let mut before = listening.accept_tls(&own.server(None)).await.unwrap();
        caller.call(&candidates, 1, b"old");
        until(|| caller.pool.counts().sent.get() == 1).await;
        caller.pool.trust(Some(own.trust(Some("provider.internal"), None)));
        // What is under way holds nobody up.
        let mut after = listening.accept_tls(&own.server(None)).await.unwrap();
        caller.call(&candidates, 2, b"new");
        after.echo().await;
        assert_eq!(caller.ends.answered().await, (2, b"new".to_vec()));
        before.echo().await;
        assert_eq!(caller.ends.answered().await, (1, b"old".to_vec()));
        assert!(before.is_closed_by_peer().await);
        assert_eq!(candidates.list()[0].provider.state(), State::Up);
    });
}

#[test]
fn a_provider_that_asks_for_a_certificate_is_shown_one() {
    on_a_shard(|shard| async move {
        let (own, ours) = (Own::new(), Own::new());
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        caller.pool.trust(Some(own.trust(None, Some(&ours))));
        let candidates = caller.list(&[with_tls(&listening)]);
        let mut peer = listening.accept_tls(&own.server(Some(&ours))).await.unwrap();
        caller.call(&candidates, 1, b"x");
        peer.echo().await;
        caller.ends.answered().await;
    });
}

#[test]
fn a_provider_that_never_finishes_its_handshake_is_given_up_in_time() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.connect_timeout = Duration::from_millis(100);
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        caller.pool.trust(Some(Own::new().trust(None, None)));
        let candidates = caller.list(&[with_tls(&listening)]);
        let _silent = listening.accept().await;
        let provider = &candidates.list()[0].provider;
        until(|| provider.trouble().contains("its TLS handshake was not done within 100ms")).await;
        // It is tried again.
        let _again = listening.accept().await;
        assert_eq!((caller.pool.counts().connected.get(), caller.pool.counts().disconnected.get()), (0, 0));
    });
}

/// A connection without a call in flight was closed at once, with all that one-way calls had left to be written.
#[test]
fn one_way_calls_are_written_to_their_end_when_the_trust_changes() {
    on_a_shard(|shard| async move {
        let own = Own::new();
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, quick()));
        caller.pool.trust(Some(own.trust(None, None)));
        let candidates = caller.list(&[with_tls(&listening)]);
        let mut before = listening.accept_tls(&own.server(None)).await.unwrap();
        let provider = &candidates.list()[0].provider;
        until(|| provider.state() == State::Up).await;
        // More than its socket takes.
        for _ in 0..12 {
            send_one_way(provider, 1_000_000);
        }
        tokio::task::yield_now().await;
        caller.pool.trust(Some(own.trust(Some("provider.internal"), None)));
        for _ in 0..12 {
            assert_eq!(before.read().await.1.len(), 1_000_000);
        }
        assert!(before.is_closed_by_peer().await);
    });
}
