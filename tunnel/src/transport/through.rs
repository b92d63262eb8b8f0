//! A connection through an HTTP proxy: it is asked once (`CONNECT`), and from then on only bytes pass. What it says when it does not let
//! the link through is told in the words of those who run it. It never asks twice on one connection.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use http::header::{HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use shard::Shard;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::BoxIo;
use super::connect::until;
use crate::proxy::Proxy;

/// A proxy that has not answered by then is given up; it may have to look for the hub's address first.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// The longest head of an answer.
const HEAD_LEN: usize = 16 * 1024;

/// Asks the proxy at the other end of `stream` for a connection to `hub`, which is `HOST:PORT`.
///
/// # Errors
/// It does not answer, or not with a connection: what it said, and what to ask for.
pub(crate) async fn through(shard: &Shard, stream: TcpStream, proxy: &Proxy, hub: &str) -> io::Result<BoxIo> {
    let ended =
        |error: hyper::Error| io::Error::other(format!("proxy {proxy} ended the connection at CONNECT: {error}"));
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_LEN)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(ended)?;
    shard.run(until(async move { drop(connection.with_upgrades().await) }, Rc::new(Notify::new())));
    let mut request = Request::connect(hub).header(HOST, hub).header(USER_AGENT, super::USER_AGENT);
    if let Some(credentials) = proxy.credentials() {
        request = request.header(PROXY_AUTHORIZATION, credentials);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
    let silent = |_| {
        let text = format!("proxy {proxy} has not answered CONNECT within {ANSWER_LIMIT:?}");
        io::Error::new(io::ErrorKind::TimedOut, text)
    };
    let response = timeout(ANSWER_LIMIT, sender.send_request(request)).await.map_err(silent)?.map_err(ended)?;
    if !response.status().is_success() {
        return Err(refused(proxy, hub, response.status(), response.headers()));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(ended)?;
    Ok(Box::new(TokioIo::new(upgraded)))
}

fn refused(proxy: &Proxy, hub: &str, status: StatusCode, headers: &HeaderMap) -> io::Error {
    let number = status.as_u16();
    let what = match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            let offers: Vec<&str> = headers
                .get_all(PROXY_AUTHENTICATE)
                .iter()
                .filter_map(|offer| offer.to_str().ok()?.split_whitespace().next())
                .collect();
            let takes_basic = offers.is_empty() || offers.iter().any(|offer| offer.eq_ignore_ascii_case("basic"));
            if !takes_basic {
                let offers = offers.join(", ");
                format!(
                    "wants credentials of another kind ({number}: {offers}), wanted Basic; ask for an account with Basic, or for a way without one"
                )
            } else if proxy.credentials().is_some() {
                format!("does not take the credentials ({number}); look at proxy_credentials_file")
            } else {
                format!(
                    "wants credentials ({number}); write USER:PASSWORD into a file that only this program can read, and name it in proxy_credentials_file"
                )
            }
        }
        StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED => {
            format!(
                "does not allow CONNECT to {hub} ({number}); ask for this host and port: many proxies allow port 443 alone, where a hub can listen too"
            )
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            format!(
                "cannot reach {hub} ({number}); the address of the hub as it is seen from there, or a firewall behind the proxy"
            )
        }
        _ => format!("answered CONNECT to {hub} with status {number}; is it an HTTP proxy?"),
    };
    io::Error::other(format!("proxy {proxy} {what}"))
}
