//! Who gets a link and who does not, and what they are told.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use highway_tunnel::key::PrivateKey;
use highway_tunnel::{DialConfig, Dialer, Role, Seal, Transport, dial, tls};
use pair::relay::eventually;
use pair::{Noted, Pair, Relayed, body, head, on_shard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn last_error(dialer: &Dialer) -> Option<String> {
    dialer.status()[0].last_error.clone()
}

/// Dials with what `change` made of a good pair, and returns what the gateway is told.
fn refused(change: impl Fn(&mut Pair)) -> String {
    let told = Rc::new(std::cell::RefCell::new(String::new()));
    let result = told.clone();
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        change(&mut pair);
        let dialer = pair.gateway(&shard, &at_gateway, hub.local(), Transport::Ws);
        eventually("refused", || last_error(&dialer).is_some()).await;
        assert!(at_gateway.ups.borrow().is_empty() && at_hub.ups.borrow().is_empty());
        *told.borrow_mut() = last_error(&dialer).unwrap();
    });
    result.take()
}

#[test]
fn who_is_not_welcome_is_told_why() {
    let error = refused(|pair| pair.dial.key = Arc::new(PrivateKey::generate().unwrap()));
    assert!(error.contains("is not listed"), "{error}");
    let error = refused(|pair| pair.directory.keys.borrow_mut().clear());
    assert!(error.contains("is not listed"), "{error}");
    let error = refused(|pair| pair.dial.island = "shanghai".to_owned());
    assert!(error.contains("belongs to island beijing, not shanghai"), "{error}");
    let error = refused(|pair| pair.dial.role = Role::Ingress);
    assert!(error.contains("belongs to egress, not ingress"), "{error}");
    let error = refused(|pair| pair.dial.island = "No Island".to_owned());
    assert!(error.contains("1 to 32 of a-z"), "{error}");
}

#[test]
fn a_hub_without_the_pinned_key_gets_no_link_and_learns_nothing() {
    let error = refused(|pair| pair.hub_key = Arc::new(PrivateKey::generate().unwrap()));
    assert!(error.contains("does not have the key that is pinned"), "{error}");
}

#[test]
fn something_other_than_a_hub_is_named() {
    on_shard(|shard| async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        shard.run(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello").await;
            }
        });
        let pair = Pair::new();
        let dialer = pair.gateway(&shard, &Noted::new(), at, Transport::Ws);
        eventually("noticed", || last_error(&dialer).is_some()).await;
        let error = last_error(&dialer).unwrap();
        assert!(error.contains("status 200 instead of 101"), "{error}");
    });
}

#[test]
fn a_replayed_first_message_changes_nothing() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let Relayed { at_hub, at_gateway, hub, relay, dialer: _dialer } = pair.relayed(&shard, Transport::Ws).await;
        let link = at_gateway.link().await;
        at_hub.link().await;
        let recorded = relay.heard.borrow().clone();
        // Everything the gateway has said so far, word for word, over a connection of somebody else.
        let mut replay = tokio::net::TcpStream::connect(hub.local()).await.unwrap();
        replay.write_all(&recorded).await.unwrap();
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(15), replay.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "the hub kept a replayed connection");
        assert!(answer.starts_with(b"HTTP/1.1 101"), "it was answered as far as anybody is");
        assert_eq!((at_hub.ups.borrow().len(), hub.links().len()), (1, 1));
        link.open(&head(3), &[b"abc"], 1).unwrap();
        at_gateway.until("the real link works on", |noted| noted.finished.borrow().len() == 1).await;
        assert_eq!(link.status().connections, 1);
    });
}

#[test]
fn what_is_no_link_reads_where_links_are_and_what_they_are() {
    on_shard(|shard| async move {
        let hub = Pair::new().hub(&shard, &Noted::new());
        for (path, status, words) in [
            ("/", "HTTP/1.1 404", "This is a Highway hub; links are at /highway/link."),
            ("/highway/link", "HTTP/1.1 426", "A link is a WebSocket (version 13) or made of POSTs."),
        ] {
            let mut stranger = tokio::net::TcpStream::connect(hub.local()).await.unwrap();
            let asked = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            stranger.write_all(asked.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stranger.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(status) && answer.contains(words), "{answer}");
        }
    });
}

#[test]
fn a_first_message_that_was_changed_on_the_way_is_refused_in_words() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let Relayed { at_hub, at_gateway, hub, relay, dialer: _dialer } = pair.relayed(&shard, Transport::Ws).await;
        at_gateway.link().await;
        let mut said = relay.heard.borrow().clone();
        // Behind the request: a masked binary message with its length in two bytes, which ends with the seal of the first message.
        let at = said.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let [0x82, 0xfe, high, low] = said[at..at + 4] else { panic!("{:?}", &said[at..at + 4]) };
        said.truncate(at + 8 + usize::from(u16::from_be_bytes([high, low])));
        *said.last_mut().unwrap() ^= 1;
        let mut changed = tokio::net::TcpStream::connect(hub.local()).await.unwrap();
        changed.write_all(&said).await.unwrap();
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(15), changed.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "the hub kept the connection");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("the first message cannot be read: it was changed on the way"), "{answer}");
        assert_eq!(at_hub.ups.borrow().len(), 1);
    });
}

/// Files of a private authority and a certificate for `hub.example`.
fn certificate() -> (tempfile::TempDir, [std::path::PathBuf; 3]) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["hub.example".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = ["ca.pem", "hub.pem", "hub.key"].map(|name| folder.path().join(name));
    std::fs::write(&files[0], root.pem()).unwrap();
    std::fs::write(&files[1], leaf.pem()).unwrap();
    std::fs::write(&files[2], key.serialize_pem()).unwrap();
    (folder, files)
}

#[test]
fn under_tls_of_a_private_authority_records_need_no_second_seal() {
    for transport in [Transport::Ws, Transport::H2] {
        on_shard(|shard| async move {
            let (_folder, [ca, certificate, key]) = certificate();
            let mut pair = Pair::new();
            pair.accept.tls = Some(tls::server(&certificate, &key).unwrap());
            pair.accept.seal = Seal::Auto;
            pair.dial.seal = Seal::Auto;
            let (at_hub, at_gateway) = (Noted::new(), Noted::new());
            let hub = pair.hub(&shard, &at_hub);
            let mut address = pair.address(hub.local(), transport);
            address.url = format!("https://{}", hub.local());
            address.server_name = Some("hub.example".to_owned());
            address.tls = Some(tls::client(Some(&ca)).unwrap());
            let config = DialConfig { hubs: vec![address.clone()], ..pair.dial.clone() };
            let dialer = dial(&shard, config, at_gateway.clone());
            let link = at_gateway.link().await;
            let status = link.status();
            assert!(status.tls && !status.sealed, "{status:?}");
            let large = body(1, 1_000_000);
            link.open(&head(large.len()), &[&large], 1).unwrap();
            at_gateway.until("the answer", |noted| noted.finished.borrow().len() == 1).await;
            assert!(at_gateway.replies.borrow()[&1] == large);
            drop(dialer);
            // An authority that did not sign it.
            let (_folder, [other, ..]) = self::certificate();
            address.tls = Some(tls::client(Some(&other)).unwrap());
            let config = DialConfig { hubs: vec![address], ..pair.dial.clone() };
            let dialer = dial(&shard, config, Noted::new());
            eventually("refused", || last_error(&dialer).is_some()).await;
            assert!(last_error(&dialer).unwrap().contains("certificate"), "{:?}", last_error(&dialer));
        });
    }
}

/// Authorities sign for some weeks, and a hub runs for longer.
#[test]
fn a_renewed_certificate_is_shown_to_who_comes_next_and_links_stay() {
    on_shard(|shard| async move {
        let (_before, [old_ca, certificate, key]) = certificate();
        let (_after, [new_ca, new_certificate, new_key]) = self::certificate();
        let mut pair = Pair::new();
        pair.accept.tls = Some(tls::server(&certificate, &key).unwrap());
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let trusting = |ca: &Path| {
            let mut address = pair.address(hub.local(), Transport::Ws);
            address.url = format!("https://{}", hub.local());
            address.server_name = Some("hub.example".to_owned());
            address.tls = Some(tls::client(Some(ca)).unwrap());
            DialConfig { hubs: vec![address], ..pair.dial.clone() }
        };
        let _dialer = dial(&shard, trusting(&old_ca), at_gateway.clone());
        let link = at_gateway.link().await;
        hub.renew(tls::server(&new_certificate, &new_key).unwrap());
        let at_next = Noted::new();
        let _next = dial(&shard, trusting(&new_ca), at_next.clone());
        at_next.link().await;
        let late = dial(&shard, trusting(&old_ca), Noted::new());
        eventually("refused", || last_error(&late).is_some()).await;
        assert!(last_error(&late).unwrap().contains("certificate"), "{:?}", last_error(&late));
        assert!(link.connected() && at_gateway.downs.get() == 0);
    });
}

#[test]
fn without_tls_records_are_sealed_unless_both_ends_say_off() {
    for (hub_seal, gateway_seal, sealed) in [
        (Seal::Auto, Seal::Auto, true),
        (Seal::Off, Seal::Auto, true),
        (Seal::Auto, Seal::Off, true),
        (Seal::On, Seal::Off, true),
        (Seal::Off, Seal::Off, false),
    ] {
        on_shard(|shard| async move {
            let mut pair = Pair::new();
            pair.accept.seal = hub_seal;
            pair.dial.seal = gateway_seal;
            let Relayed { at_hub: _at_hub, at_gateway, hub: _hub, relay, dialer: _dialer } =
                pair.relayed(&shard, Transport::H2).await;
            let link = at_gateway.link().await;
            assert_eq!(link.status().sealed, sealed, "{hub_seal:?} {gateway_seal:?}");
            link.open(&head(40), &[b"a-sentence-that-must-not-be-seen-in-clear"], 1).unwrap();
            at_gateway.until("the answer", |noted| noted.finished.borrow().len() == 1).await;
            let heard = relay.heard.borrow();
            let is_seen = heard.windows(20).any(|window| window == b"must-not-be-seen-in-");
            assert_eq!(is_seen, !sealed);
        });
    }
}

#[test]
fn a_connection_that_never_says_anything_is_not_kept() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.connections = 1;
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let mut mute = tokio::net::TcpStream::connect(hub.local()).await.unwrap();
        mute.write_all(b"G").await.unwrap();
        let dialer = pair.gateway(&shard, &at_gateway, hub.local(), Transport::Ws);
        eventually("over the limit", || last_error(&dialer).is_some()).await;
        assert!(at_gateway.ups.borrow().is_empty());
        drop(mute);
        at_gateway.until("its place is free again", |noted| noted.ups.borrow().len() == 1).await;
    });
}

#[test]
fn a_revoked_key_loses_its_link_and_gets_no_other() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let dialer = pair.gateway(&shard, &at_gateway, hub.local(), Transport::Ws);
        at_gateway.link().await;
        let at_hub_link = at_hub.link().await;
        pair.directory.keys.borrow_mut().clear();
        at_hub_link.close("the key was revoked");
        at_gateway.until("over", |noted| noted.downs.get() == 1).await;
        eventually("refused", || last_error(&dialer).is_some()).await;
        assert!(last_error(&dialer).unwrap().contains("is not listed"));
        assert_eq!((dialer.links().len(), hub.links().len(), at_gateway.ups.borrow().len()), (0, 0, 1));
    });
}

#[test]
fn where_tls_is_ended_on_the_way_records_are_sealed() {
    on_shard(|shard| async move {
        let (_folder, [ca, certificate, key]) = certificate();
        let mut pair = Pair::new();
        pair.accept.seal = Seal::Auto;
        pair.dial.seal = Seal::Auto;
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let acceptor = tokio_rustls::TlsAcceptor::from(tls::server(&certificate, &key).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, to) = (listener.local_addr().unwrap(), hub.local());
        shard.run(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut near = acceptor.accept(stream).await.unwrap();
            let mut far = tokio::net::TcpStream::connect(to).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
        let mut address = pair.address(at, Transport::Ws);
        address.url = format!("https://{at}");
        address.server_name = Some("hub.example".to_owned());
        address.tls = Some(tls::client(Some(&ca)).unwrap());
        let config = DialConfig { hubs: vec![address], ..pair.dial.clone() };
        let _dialer = dial(&shard, config, at_gateway.clone());
        let status = at_gateway.link().await.status();
        assert!(status.tls && status.sealed, "{status:?}");
        let at_hub = at_hub.link().await.status();
        assert!(!at_hub.tls && at_hub.sealed, "{at_hub:?}");
    });
}
