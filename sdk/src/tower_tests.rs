//! What a handler is in behind the layer.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use super::*;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Tells the scope it is called in, and the one it is polled in.
#[derive(Clone)]
struct Handler;

impl Service<http::Request<()>> for Handler {
    type Response = (String, String);
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<(String, String), Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<()>) -> Self::Future {
        let called = seen();
        Box::pin(async move {
            tokio::task::yield_now().await;
            Ok((called, seen()))
        })
    }
}

fn seen() -> String {
    let Scope { target, attachments } = scope::current();
    let target = match target {
        None => "-".to_owned(),
        Some(Ok(target)) => target.to_string(),
        Some(Err(error)) => error.to_string(),
    };
    attachments.iter().flat_map(|all| &**all).fold(target, |seen, (key, value)| format!("{seen} {key}={value}"))
}

async fn handled(layer: ScopeLayer, headers: &[(&str, &str)]) -> String {
    let mut request = http::Request::new(());
    for (name, value) in headers {
        request.headers_mut().append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    let (called, polled) = layer.layer(Handler).call(request).await.unwrap();
    assert_eq!(called, polled);
    assert_eq!(seen(), "-", "it does not leak");
    polled
}

#[tokio::test]
async fn a_handler_is_in_the_target_and_the_trace_of_its_request() {
    let headers =
        [("highway-target", "shanghai"), ("traceparent", TRACE), ("tracestate", "a=1"), ("tracestate", "b=2")];
    let wanted = format!("shanghai traceparent={TRACE} tracestate=a=1,b=2");
    assert_eq!(handled(ScopeLayer::new(), &headers).await, wanted);
    assert_eq!(handled(ScopeLayer::new(), &[]).await, "-");
    assert_eq!(handled(ScopeLayer::new(), &[("traceparent", "made up")]).await, "-");
}

#[tokio::test]
async fn the_header_is_whichever_the_service_takes_or_none() {
    let other = ScopeLayer::new().target_header(HeaderName::from_static("x-island"));
    let headers = [("highway-target", "shanghai"), ("x-island", "beijing")];
    assert_eq!(handled(other, &headers).await, "beijing");
    assert_eq!(handled(ScopeLayer::new().without_target(), &headers).await, "-");
}

#[tokio::test]
async fn a_header_that_names_no_target_is_no_silence() {
    for (headers, found) in [
        (&[("highway-target", "No Island")][..], "No Island"),
        (&[("highway-target", "")], ""),
        (&[("highway-target", "a"), ("highway-target", "b")], "a,b"),
    ] {
        let seen = handled(ScopeLayer::new(), headers).await;
        assert!(seen.starts_with(&format!("found target {found:?}, wanted an island's id")), "{seen}");
    }
}
