//! The HTTP server of the admin listener.
//!
//! A connection may take its time with nothing: headers within 5 s, an answer within 10 s, 64 connections at once, more
//! wait in the kernel's queue. HTTP/1.1 only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Admin;
use crate::config::Secret;
use crate::listen::{self, ListenError, Share};
use crate::process::Process;

const CONNECTIONS: usize = 64;
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A running admin listener; ends when dropped.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    loops: JoinSet<()>,
}

impl Server {
    /// Where it listens, with ports that were chosen by the system.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Closes everything; the addresses are free afterwards.
    pub async fn end(mut self) {
        self.loops.shutdown().await;
    }
}

/// Listens on all addresses of `admin`. Must be called on a runtime.
///
/// # Errors
/// An address cannot be listened on.
pub fn serve(admin: &Admin, process: &Process) -> Result<Server, ListenError> {
    let mut loops = JoinSet::new();
    let mut addresses = Vec::new();
    let open = Arc::new(Semaphore::new(CONNECTIONS));
    for (socket, address) in listen::bind_all(&admin.listen, Share::Alone)?.into_iter().zip(&admin.listen) {
        let failed = |source| ListenError { address: *address, source };
        addresses.push(socket.local_addr().map_err(failed)?);
        let listener = TcpListener::from_std(socket).map_err(failed)?;
        loops.spawn(accept(listener, process.clone(), admin.token.clone(), open.clone()));
    }
    Ok(Server { addresses, loops })
}

async fn accept(listener: TcpListener, process: Process, token: Option<Secret>, open: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = open.clone().acquire_owned().await else { return };
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                // Out of descriptors, most likely: give others the time to close some.
                tracing::warn!(%error, "the admin listener cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router(&process, token.clone()));
        connections.spawn(async move {
            let _place = place;
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .serve_connection(TokioIo::new(socket), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "an admin connection broke");
            }
        });
    }
}

fn router(process: &Process, token: Option<Secret>) -> Router {
    Router::new()
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state(process.clone())
        .merge(process.routes.get())
        .layer(from_fn_with_state(Guard { token: token.map(Arc::new) }, guard))
        .route("/livez", get(async || "alive\n"))
}

#[derive(Clone)]
struct Guard {
    token: Option<Arc<Secret>>,
}

async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if let Some(token) = &guard.token
        && !is_authorized(&request, token)
    {
        let wants = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, wants, "wanted the token of `admin.token_file`\n").into_response();
    }
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "no answer in time\n").into_response(),
    }
}

fn is_authorized(request: &Request, token: &Secret) -> bool {
    let given = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let given = given.and_then(|value| value.strip_prefix(b"Bearer ")).map(<[u8]>::trim_ascii);
    given.is_some_and(|given| bool::from(given.ct_eq(token.trimmed())))
}

async fn readyz(State(process): State<Process>) -> (StatusCode, String) {
    let (ready, text) = process.ready.report();
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}

async fn metrics(State(process): State<Process>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], process.metrics.scrape())
}

async fn status(State(process): State<Process>) -> axum::Json<serde_json::Value> {
    axum::Json(process.status.report().await)
}
