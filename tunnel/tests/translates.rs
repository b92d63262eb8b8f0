//! A box on the way that speaks HTTP/2 to the gateway and HTTP/1.1 to the hub, as many balancers do: the stream passes.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod pair;

use std::convert::Infallible;
use std::net::SocketAddr;

use highway_tunnel::{Seal, Transport};
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pair::{Noted, Pair, body, head, on_shard};
use shard::Shard;
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Copy)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move { drop(future.await) });
    }
}

/// Passes one request on, as chunks.
async fn translate(mut request: Request<Incoming>, hub: SocketAddr) -> Result<Response<Incoming>, Infallible> {
    let stream = TcpStream::connect(hub).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::task::spawn_local(connection);
    *request.version_mut() = Version::HTTP_11;
    let path = request.uri().path().to_owned();
    *request.uri_mut() = path.parse().unwrap();
    request.headers_mut().insert("host", "hub.example".parse().unwrap());
    request.headers_mut().remove("te");
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_11);
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["transfer-encoding"], "chunked");
    let (mut parts, body) = response.into_parts();
    parts.headers.remove("transfer-encoding");
    parts.version = Version::HTTP_2;
    Ok(Response::from_parts(parts, body))
}

async fn translator(shard: &Shard, hub: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let local = listener.local_addr().unwrap();
    shard.run(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(move |request| translate(request, hub));
            let connection =
                hyper::server::conn::http2::Builder::new(Local).serve_connection(TokioIo::new(stream), service);
            tokio::task::spawn_local(connection);
        }
    });
    local
}

#[test]
fn a_box_that_turns_http2_into_http1_passes_the_link() {
    on_shard(|shard| async move {
        let mut pair = Pair::new();
        pair.accept.seal = Seal::Auto;
        pair.dial.seal = Seal::Auto;
        let (at_hub, at_gateway) = (Noted::new(), Noted::new());
        let hub = pair.hub(&shard, &at_hub);
        let at = translator(&shard, hub.local()).await;
        let _dialer = pair.gateway(&shard, &at_gateway, at, Transport::H2);
        let link = at_gateway.link().await;
        let large = body(1, 2_000_000);
        for token in 0..100 {
            link.open(&head(300), &[&large[..300]], token).unwrap();
        }
        link.open(&head(large.len()), &[&large], 100).unwrap();
        at_gateway.until("all answers", |noted| noted.finished.borrow().len() == 101).await;
        assert!(at_gateway.replies.borrow()[&100] == large);
        assert_eq!(link.status().connections, 1);
    });
}
