//! Connections with TLS at real sockets: both ends are ours, and between them a relay that sees what a network sees.
#![allow(clippy::unwrap_used)] // tests, but clippy does not know it of their helpers

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use highway_shard::tls::{self, Identity, Layer, ServerName};
use highway_shard::{Accepted, Close, Conn, Session, Shard, Taken, connect, listen, runtime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Remembers what arrives; the answering end sends it back.
#[derive(Default)]
struct Peer {
    echoes: bool,
    got: RefCell<Vec<u8>>,
    secured: Cell<usize>,
    closed: RefCell<Option<String>>,
    unwritten: RefCell<Vec<u8>>,
}

impl Session for Peer {
    fn received(&self, conn: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
        self.got.borrow_mut().extend_from_slice(bytes);
        if self.echoes {
            conn.append(&[bytes]);
            if bytes.ends_with(b"bye") {
                return Err(Close::Ours("asked to".to_owned()));
            }
        }
        Ok(Taken { used: bytes.len(), need: 0 })
    }

    fn secured(&self, _: &Rc<Conn>) {
        self.secured.set(self.secured.get() + 1);
    }

    fn closed(&self, conn: &Rc<Conn>, why: &Close) {
        *self.unwritten.borrow_mut() = conn.take_unwritten();
        *self.closed.borrow_mut() = Some(why.to_string());
    }

    fn may_pause(&self) -> bool {
        self.echoes
    }
}

/// Two authorities, each with a certificate that it signed, as files.
struct Papers {
    folder: tempfile::TempDir,
}

impl Papers {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for authority in ["ours", "others"] {
            let write = |end: &str, pem: String| {
                std::fs::write(folder.path().join(format!("{authority}.{end}")), pem).unwrap();
            };
            let key = rcgen::KeyPair::generate().unwrap();
            let mut about = rcgen::CertificateParams::default();
            about.distinguished_name.push(rcgen::DnType::CommonName, authority);
            about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            write("ca", about.self_signed(&key).unwrap().pem());
            let issuer = rcgen::Issuer::new(about, key);
            let key = rcgen::KeyPair::generate().unwrap();
            let about = rcgen::CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
            write("pem", about.signed_by(&key, &issuer).unwrap().pem());
            write("key", key.serialize_pem());
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// What the answering end shows; whom it asks for a certificate.
    fn server(&self, client_ca: Option<&str>) -> Arc<rustls::ServerConfig> {
        let (certificate, key) = (self.file("ours.pem"), self.file("ours.key"));
        let identity = Identity { certificate_file: &certificate, key_file: &key };
        tls::server(identity, client_ca.map(|name| self.file(name)).as_deref()).unwrap()
    }

    /// An end that trusts an authority, and shows the certificate that another one signed.
    fn ask(&self, ca: &str, own: Option<&str>, name: &str) -> Layer {
        let files = own.map(|own| (self.file(&format!("{own}.pem")), self.file(&format!("{own}.key"))));
        let identity = files.as_ref().map(|(pem, key)| Identity { certificate_file: pem, key_file: key });
        let config = tls::client(Some(&self.file(ca)), identity).unwrap();
        Layer::Ask(config, ServerName::try_from(name.to_owned()).unwrap())
    }
}

fn on_a_shard<F: Future<Output = ()>>(test: impl FnOnce(Shard) -> F) {
    runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        tokio::time::timeout(Duration::from_secs(30), test(shard)).await.expect("the test took over 30 s");
    });
}

/// An answering end that takes both kinds.
fn answering(shard: &Shard, config: Arc<rustls::ServerConfig>) -> (SocketAddr, Rc<Peer>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = Rc::new(Peer { echoes: true, ..Peer::default() });
    let session = peer.clone();
    let accept = move |_, _| Accepted::Serve(Layer::Either(config.clone()), session.clone());
    shard.run(listen(shard, listener, accept).unwrap());
    (address, peer)
}

async fn asking(shard: &Shard, address: SocketAddr, layer: Layer) -> (Rc<Conn>, Rc<Peer>) {
    let peer = Rc::new(Peer::default());
    let stream = connect(address, Duration::from_secs(5)).await.unwrap();
    (Conn::start(shard, stream, layer, peer.clone()).unwrap(), peer)
}

async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn one_port_serves_peers_with_tls_and_without() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let (address, server) = answering(&shard, papers.server(None));
        let mut plain = TcpStream::connect(address).await.unwrap();
        plain.write_all(b"plain").await.unwrap();
        let mut echo = [0; 5];
        plain.read_exact(&mut echo).await.unwrap();
        assert_eq!((&echo, server.secured.get()), (b"plain", 0));

        let (conn, peer) = asking(&shard, address, papers.ask("ours.ca", None, "localhost")).await;
        conn.append(&[b"secret"]);
        until(|| *peer.got.borrow() == b"secret").await;
        assert_eq!((peer.secured.get(), server.secured.get()), (1, 1));
        assert_eq!(conn.unwritten_len(), 0);
    });
}

/// Takes everything in reads of some thousand bytes.
#[derive(Default)]
struct Small {
    taken_len: Cell<usize>,
    longest_len: Cell<usize>,
}

const SMALL_LEN: usize = 4000;
/// RFC 8446, section 5.1.
const RECORD_LEN: usize = 1 << 14;

impl Session for Small {
    fn received(&self, _: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
        self.taken_len.set(self.taken_len.get() + bytes.len());
        self.longest_len.set(self.longest_len.get().max(bytes.len()));
        Ok(Taken { used: bytes.len(), need: 0 })
    }

    fn closed(&self, _: &Rc<Conn>, _: &Close) {}

    fn read_len(&self) -> usize {
        SMALL_LEN
    }
}

/// What came sealed was read and handed over by 128 KiB, whatever the session had said.
#[test]
fn a_session_that_wants_short_reads_gets_them_under_tls_too() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let small = Rc::new(Small::default());
        let (session, config) = (small.clone(), papers.server(None));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accept = move |_, _| Accepted::Serve(Layer::Either(config.clone()), session.clone());
        shard.run(listen(&shard, listener, accept).unwrap());
        let (conn, _peer) = asking(&shard, address, papers.ask("ours.ca", None, "localhost")).await;
        let flood_len = 1 << 20;
        conn.append(&[&vec![7; flood_len]]);
        until(|| small.taken_len.get() == flood_len).await;
        let longest_len = small.longest_len.get();
        assert!(longest_len <= SMALL_LEN + RECORD_LEN, "{longest_len}");
    });
}

#[test]
fn megabytes_arrive_whole_and_in_order_both_ways() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let (address, _) = answering(&shard, papers.server(None));
        let (conn, peer) = asking(&shard, address, papers.ask("ours.ca", None, "localhost")).await;
        let sent: Vec<u8> = (0..2_500_000u32).flat_map(|i| (i as u16).to_be_bytes()).collect();
        for part in sent.chunks(700_001) {
            conn.append(&[part]);
            tokio::task::yield_now().await;
        }
        until(|| peer.got.borrow().len() >= sent.len()).await;
        assert!(*peer.got.borrow() == sent);
    });
}

/// Passes bytes on and keeps what the asking end sent.
async fn relay(to: SocketAddr) -> (SocketAddr, Rc<RefCell<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Rc<RefCell<Vec<u8>>> = Rc::default();
    let kept = seen.clone();
    tokio::task::spawn_local(async move {
        let (mut from_asking, mut to_asking) = listener.accept().await.unwrap().0.into_split();
        let (mut from_other, mut to_other) = TcpStream::connect(to).await.unwrap().into_split();
        tokio::task::spawn_local(async move { tokio::io::copy(&mut from_other, &mut to_asking).await });
        let mut bytes = vec![0; 65536];
        while let Ok(len @ 1..) = from_asking.read(&mut bytes).await {
            kept.borrow_mut().extend_from_slice(&bytes[..len]);
            to_other.write_all(&bytes[..len]).await.unwrap();
        }
    });
    (address, seen)
}

/// Records of encrypted data in a stream: type 0x17, version, length.
fn encrypted_records(mut stream: &[u8]) -> usize {
    let mut count = 0;
    while let [kind, _, _, high, low, rest @ ..] = stream {
        count += usize::from(*kind == 0x17);
        stream = rest.get(usize::from(u16::from_be_bytes([*high, *low]))..).unwrap_or_default();
    }
    count
}

#[test]
fn what_is_appended_in_one_turn_is_sealed_as_one_record() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let (address, server) = answering(&shard, papers.server(None));
        let (address, seen) = relay(address).await;
        let (conn, peer) = asking(&shard, address, papers.ask("ours.ca", None, "localhost")).await;
        until(|| peer.secured.get() == 1 && server.secured.get() == 1).await;
        let before = encrypted_records(&seen.borrow());
        for _ in 0..100 {
            conn.append(&[b"a small frame"]);
        }
        until(|| server.got.borrow().len() == 1300).await;
        assert_eq!(encrypted_records(&seen.borrow()) - before, 1);
    });
}

#[test]
fn a_handshake_that_fails_leaves_every_byte_unsent_and_says_why() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let (address, server) = answering(&shard, papers.server(None));
        for (layer, sentence) in [
            (papers.ask("others.ca", None, "localhost"), "UnknownIssuer"),
            (papers.ask("ours.ca", None, "elsewhere.example.com"), "not valid for name \"elsewhere.example.com\""),
        ] {
            let (conn, peer) = asking(&shard, address, layer).await;
            conn.append(&[b"a call"]);
            until(|| peer.closed.borrow().is_some()).await;
            let why = peer.closed.borrow().clone().unwrap();
            assert!(why.starts_with("TLS: invalid peer certificate: ") && why.contains(sentence), "{why}");
            assert_eq!(*peer.unwritten.borrow(), b"a call");
        }
        until(|| server.closed.borrow().is_some()).await;
        assert!(server.got.borrow().is_empty());
    });
}

#[test]
fn something_else_than_tls_is_told_apart_from_a_bad_certificate() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_conn, peer) =
            asking(&shard, listener.local_addr().unwrap(), papers.ask("ours.ca", None, "localhost")).await;
        let mut other = listener.accept().await.unwrap().0;
        other.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        until(|| peer.closed.borrow().is_some()).await;
        let why = peer.closed.borrow().clone().unwrap();
        assert!(why.ends_with("what answers there does not speak TLS"), "{why}");
    });
}

#[test]
fn a_peer_without_the_certificate_that_is_asked_for_is_refused() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let (address, server) = answering(&shard, papers.server(Some("ours.ca")));
        for own in [None, Some("others")] {
            let (conn, peer) = asking(&shard, address, papers.ask("ours.ca", own, "localhost")).await;
            conn.append(&[b"a call"]);
            until(|| peer.closed.borrow().is_some()).await;
            assert!(server.got.borrow().is_empty());
            let why = server.closed.borrow_mut().take().unwrap();
            let wanted = if own.is_some() { "UnknownIssuer" } else { "only takes peers that show a certificate" };
            assert!(why.starts_with("TLS: ") && why.contains(wanted), "{why}");
        }
        let (conn, peer) = asking(&shard, address, papers.ask("ours.ca", Some("ours"), "localhost")).await;
        conn.append(&[b"a call"]);
        until(|| *peer.got.borrow() == b"a call").await;
    });
}

#[test]
fn what_was_said_before_a_close_arrives_and_the_end_is_no_error() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let (address, server) = answering(&shard, papers.server(None));
        let (conn, peer) = asking(&shard, address, papers.ask("ours.ca", None, "127.0.0.1")).await;
        conn.append(&[b"bye"]);
        until(|| peer.closed.borrow().is_some()).await;
        assert_eq!(*peer.got.borrow(), b"bye");
        assert_eq!(peer.closed.borrow().as_deref(), Some("closed by the peer"));
        assert_eq!(server.closed.borrow().as_deref(), Some("asked to"));
    });
}

#[test]
fn bytes_that_are_no_record_end_the_connection_with_an_alert_and_a_sentence() {
    on_a_shard(|shard| async move {
        let papers = Papers::new();
        let (address, server) = answering(&shard, papers.server(None));
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(&[0x16, 3, 1, 0, 4, 1, 2, 3, 4]).await.unwrap();
        peer.write_all(&[0x99; 40]).await.unwrap();
        let mut answer = Vec::new();
        let _ = peer.read_to_end(&mut answer).await;
        assert_eq!(answer.first(), Some(&0x15), "an alert");
        let why = server.closed.borrow().clone().unwrap();
        assert!(why.starts_with("TLS: "), "{why}");
        assert!(server.got.borrow().is_empty());
    });
}
