//! An axum web server whose handlers call Dubbo. Who sends the request says which island answers it:
//!
//! ```sh
//! web zk1:2181 127.0.0.1:8080
//! curl http://127.0.0.1:8080/hello/bo
//! curl http://127.0.0.1:8080/hello/bo -H 'highway-target: beijing'
//! ```
//! It never lets the world choose: behind a public address put `ScopeLayer::new().without_target()`.
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use highway_sdk::tower::ScopeLayer;
use highway_sdk::{CallError, CallErrorKind, Highway, Outcome};
use tokio::net::TcpListener;

#[highway_sdk::service("com.example.GreetingService")]
trait Greeting {
    async fn say_hello(&self, name: &str) -> Result<String, CallError>;
}

// ANCHOR: handler
/// The handler knows nothing of islands.
async fn hello(State(greeting): State<GreetingClient>, Path(name): Path<String>) -> Result<String, Failed> {
    Ok(greeting.say_hello(&name).await?)
}
// ANCHOR_END: handler

/// What a call that failed is in HTTP.
struct Failed(CallError);

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = match (self.0.outcome(), self.0.kind()) {
            (_, CallErrorKind::Target(_)) => StatusCode::BAD_REQUEST, // The header names no island.
            (Outcome::NotSent, _) => StatusCode::SERVICE_UNAVAILABLE, // Nobody has run it: the same request may come again.
            (Outcome::Unknown, _) => StatusCode::GATEWAY_TIMEOUT,     // Perhaps somebody has.
            (Outcome::Executed, _) => StatusCode::BAD_GATEWAY,        // It ran and threw.
        };
        (status, self.0.to_string()).into_response()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(registry), Some(listen)) = (arguments.next(), arguments.next()) else {
        return Err("usage: web REGISTRY ADDRESS:PORT".into());
    };
    let highway =
        Highway::builder().application("rust-web").registry(&registry).timeout(Duration::from_secs(10)).build()?;

    // ANCHOR: layer
    // The layer reads `highway-target`, and sends the request's trace context (`traceparent`) along with each call.
    let routes = Router::new()
        .route("/hello/{name}", get(hello))
        .layer(ScopeLayer::new())
        .with_state(GreetingClient::new(&highway)?);
    // ANCHOR_END: layer
    println!("http://{listen}/hello/bo");
    Ok(axum::serve(TcpListener::bind(&listen).await?, routes).await?)
}
