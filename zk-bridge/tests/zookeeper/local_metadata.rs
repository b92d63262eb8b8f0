//! Providers that keep their metadata to themselves are asked for it, and asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wire::dubbo::frame::{HEADER_LEN, Header, Serialization, Status};
use wire::dubbo::hessian2::writer;

use super::*;

/// `MetadataInfo` with one service, as a value reply without attachments.
fn info(interface: &str) -> Vec<u8> {
    let mut body = vec![0x91, b'C'];
    writer::put_text(&mut body, "org.apache.dubbo.metadata.MetadataInfo");
    body.push(0x91);
    writer::put_text(&mut body, "services");
    body.extend([0x60, b'H']);
    writer::put_text(&mut body, &format!("{interface}:dubbo"));
    body.push(b'C');
    writer::put_text(&mut body, "org.apache.dubbo.metadata.MetadataInfo$ServiceInfo");
    body.push(0x93);
    for field in ["name", "protocol", "params"] {
        writer::put_text(&mut body, field);
    }
    body.push(0x61);
    writer::put_text(&mut body, interface);
    writer::put_text(&mut body, "dubbo");
    writer::put_text_map(&mut body, [("methods", "hello"), ("side", "provider")]);
    body.push(b'Z');
    body
}

/// A provider at every loopback address.
struct Provider {
    port: u16,
    asked: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

/// Answers requests, one a connection, with these bodies in turn; with the last one for ever.
async fn provider(bodies: Vec<Vec<u8>>) -> Provider {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mut task = JoinSet::new();
    task.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let number = counter.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; HEADER_LEN];
            stream.read_exact(&mut head).await.unwrap();
            let header = Header::decode(&head).unwrap().unwrap();
            let mut body = vec![0; header.body_len as usize];
            stream.read_exact(&mut body).await.unwrap();
            let answer = bodies.get(number).or(bodies.last()).unwrap();
            let reply = Header::reply(Serialization::HESSIAN2, Status::OK, header.id, answer.len() as u32);
            stream.write_all(&[&reply.encode()[..], answer].concat()).await.unwrap();
        }
    });
    Provider { port, asked, _task: task }
}

#[tokio::test]
async fn a_provider_that_has_nothing_to_say_yet_is_asked_again_until_it_tells() {
    let server = Server::start().await;
    let client = server.client().await;
    let provider = provider(vec![vec![0x92], info("com.acme.A")]).await;
    let (port, asked) = (provider.port, Arc::clone(&provider.asked));
    let instance = instance_text("shop", ("127.0.0.1", port), "r1", "local");
    create(&client, &format!("/services/shop/127.0.0.1:{port}"), &instance, CreateMode::Ephemeral).await;
    let running = Running::at(&server.address());
    let view = running.view("nothing is known yet", |view| view.generation() > 0).await;
    assert!(view.providers().is_empty() && !view.is_complete());
    let view = running.view("it told", |view| view.is_complete()).await;
    let [provider] = view.providers_of(&ServiceKey::new("com.acme.A", None, None)) else { panic!("{view:#?}") };
    assert_eq!((provider.level, provider.port), (Level::Instance, port));
    assert_eq!(provider.parameters.methods(), ["hello"]);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    eventually("nothing is wrong any more", || async { running.registry.status().problems.is_empty() }).await;
}

#[tokio::test]
async fn all_instances_of_one_revision_share_one_answer() {
    let server = Server::start().await;
    let client = server.client().await;
    let provider = provider(vec![info("com.acme.A")]).await;
    let port = provider.port;
    for host in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
        let text = instance_text("shop", (host, port), "r1", "local");
        create(&client, &format!("/services/shop/{host}:{port}"), &text, CreateMode::Ephemeral).await;
    }
    let running = Running::at(&server.address());
    let view = running.view("three", |view| view.providers().len() == 3).await;
    assert!(view.is_complete());
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
}
