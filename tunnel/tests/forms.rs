//! Small POSTs whose bytes are the file of a form: only where both ends' operators say so, and never more than a plain one may do.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::net::SocketAddr;
use std::rc::Rc;

use highway_tunnel::{Acceptor, DialConfig, Dialer, Encoding, HubAddress, Transport, dial};
use pair::relay::{Relay, eventually};
use pair::{Noted, Pair, body, head, on_shard};
use shard::Shard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn gateway(pair: &Pair, shard: &Shard, noted: &Rc<Noted>, at: SocketAddr, transport: Transport) -> Dialer {
    let hubs = vec![HubAddress { encoding: Encoding::Multipart, ..pair.address(at, transport) }];
    dial(shard, DialConfig { hubs, ..pair.dial.clone() }, noted.clone())
}

async fn hub(pair: &Pair, shard: &Shard) -> (Acceptor, Rc<Noted>, Rc<Relay>) {
    let at_hub = Noted::new();
    let hub = pair.hub(shard, &at_hub);
    let relay = Relay::start(shard, &[hub.local()]).await;
    (hub, at_hub, relay)
}

#[test]
fn a_link_of_forms_carries_what_any_other_does_and_shows_nothing_of_it() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        pair.directory.takes_forms.set(true);
        let (hub, at_hub, relay) = hub(&pair, &shard).await;
        let at_gateway = Noted::new();
        let dialer = gateway(&pair, &shard, &at_gateway, relay.local, Transport::Post);
        let link = at_gateway.link().await;
        let len = |token| if token % 50 == 7 { 700_000 } else { 300 };
        for token in 0..200 {
            link.open(&head(len(token)), &[&body(token, len(token))], token).unwrap();
        }
        at_gateway.until("all answers", |noted| noted.finished.borrow().len() == 200).await;
        for (token, reply) in &*at_gateway.replies.borrow() {
            assert!(*reply == body(*token, len(*token)), "the answer to {token} is another's");
        }
        assert_eq!(at_hub.opened.borrow().len(), 200);
        let (ours, theirs) = (link.status(), hub.links()[0].status());
        for status in [ours, theirs] {
            assert_eq!((status.transport, status.encoding, status.sealed), (Some("post"), Encoding::Multipart, true));
        }
        assert_eq!(serde_json::to_value(dialer.status()).unwrap()[0]["links"][0]["encoding"], "multipart");
        let heard = String::from_utf8_lossy(&relay.heard.borrow()).into_owned();
        let kind = "content-type: multipart/form-data; boundary=highway-";
        assert_eq!(heard.matches(kind).count(), heard.matches("POST /highway/link/post HTTP/1.1").count(), "{heard}");
        assert!(heard.contains("Content-Disposition: form-data; name=\"file\"; filename=\"records\""), "{heard}");
        assert!(!heard.contains("octet-stream\r\ncontent-length") && !heard.contains("GreetingService"), "{heard}");
    });
}

#[test]
fn a_hub_that_was_not_told_to_take_them_refuses_them_in_a_sentence() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        let (hub, _, relay) = hub(&pair, &shard).await;
        let dialer = gateway(&pair, &shard, &Noted::new(), relay.local, Transport::Post);
        let told = || dialer.status()[0].last_error.clone().unwrap_or_default();
        eventually("a refusal", || !told().is_empty()).await;
        for part in
            ["the hub's policy takes no POSTs of island `beijing` as forms", "multipart = true under this island"]
        {
            assert!(told().contains(part), "{}", told());
        }
        assert!(hub.links().is_empty());
        // What is asked for is refused, and not what else would pass.
        let at_gateway = Noted::new();
        let _auto = gateway(&pair, &shard, &at_gateway, relay.local, Transport::Auto);
        let link = at_gateway.link().await;
        assert_eq!((link.status().transport, link.encoding()), (Some("ws"), Encoding::Plain));
    });
}

async fn answer(to: SocketAddr, kind: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!(
        "POST /highway/link/post HTTP/1.0\r\nHost: hub\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The front of a first request: it waits 50 ms for an answer.
fn asks(stream: u8, number: u8) -> Vec<u8> {
    let mut front = vec![0xf8, 0xb0, 0xd7, 1, 1, 2, 0, 50, 0, 0, 0, number];
    front.extend([stream; 16]);
    front.extend([0; 16]);
    [front, b"\0\x05hello".to_vec()].concat()
}

fn form(file: &[u8]) -> Vec<u8> {
    let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"records\"\r\n\r\n";
    [head, file, b"\r\n--b--\r\n"].concat()
}

#[test]
fn bad_forms_are_refused_and_a_link_keeps_its_kind() {
    on_shard(|shard| async move {
        let pair = Pair::new();
        pair.directory.takes_forms.set(true);
        let hub = pair.hub(&shard, &Noted::new());
        let (plain, kind) = ("application/octet-stream", "multipart/form-data; boundary=b");
        let field = String::from_utf8_lossy(&form(b"x")).replace("; filename=\"records\"", "").into_bytes();
        let long = [b"--b\r\nX: ".to_vec(), vec![b'y'; 100_000]].concat();
        let cut = &form(&asks(9, 1))[..90];
        for (kind, body) in [
            ("multipart/form-data", form(&asks(9, 1))),
            ("multipart/form-data; boundary=c", form(&asks(9, 1))),
            (kind, asks(9, 1)),
            (kind, field),
            (kind, long),
            (kind, cut.to_vec()),
            (kind, form(b"no request of a link, which is long enough to be one")),
            (kind, [form(&asks(9, 1)), b"more".to_vec()].concat()),
            (kind, Vec::new()),
        ] {
            let told = answer(hub.local(), kind, &body).await;
            assert!(told.starts_with("HTTP/1.0 400"), "{kind}: {told}");
        }
        // Streams of either kind, whose gateways are strangers yet.
        for (stream, [opens, goes_on]) in [(1, [plain, kind]), (2, [kind, plain])] {
            let of =
                |kind: &str, number| if kind == plain { asks(stream, number) } else { form(&asks(stream, number)) };
            let told = answer(hub.local(), opens, &of(opens, 1)).await;
            assert!(told.starts_with("HTTP/1.0 200"), "{opens}: {told}");
            let told = answer(hub.local(), goes_on, &of(goes_on, 2)).await;
            assert!(told.contains("The POSTs of one link are all of them forms or none."), "{goes_on}: {told}");
        }
    });
}
