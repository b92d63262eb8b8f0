//! What tracing sees of a call, and what goes along with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::Once;
use std::time::Duration;

use highway_sdk::{Attachments, ProviderState, Value, with_attachments};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::greeter::{greeter, greeter_called_by};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The lines of this thread.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line for each span that ends, from before the first call of any test: whether somebody listens is asked once and kept.
pub fn listen() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("highway_sdk=debug,highway_sdk::provider=off"))
            .with_span_events(FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(|| Lines)
            .init();
    });
}

/// What was seen in this thread since it was asked last.
fn seen() -> String {
    String::from_utf8(LINES.take()).unwrap()
}

#[test]
fn a_span_says_what_was_called_where_it_went_how_it_ended_and_who_answered_and_no_argument() {
    let greeter = greeter();
    let service = &greeter.service;

    let _: String = service.call("greet", ("secret",)).target("local").wait().unwrap();
    let span = seen();
    for field in [
        r#"otel.name=com.acme.Greeter/greet otel.kind="client" rpc.system="apache_dubbo""#,
        r#"rpc.service=com.acme.Greeter rpc.method="greet""#,
        "highway.target=local",
        &format!("server.address={}", greeter.address),
        r#"highway.outcome="answered""#,
    ] {
        assert!(span.contains(field), "{field} is not in {span}");
    }
    assert!(!span.contains("secret") && !span.contains("ERROR") && span.lines().count() == 1, "{span}");

    let ends = |outcome: &str| {
        let span = seen();
        assert!(span.contains(&format!(r#"highway.outcome="{outcome}" otel.status_code="ERROR""#)), "{span}");
        span
    };
    service.call::<_, ()>("fail", ()).wait().unwrap_err();
    ends("exception");
    service.call::<_, i32>("greet", ("bo",)).wait().unwrap_err();
    ends("executed");
    service.call::<_, ()>("silent", ()).timeout(Duration::from_millis(50)).wait().unwrap_err();
    assert!(!ends("unknown").contains("server.address"));
    service.call::<_, ()>("greet", ("bo",)).target("No Island").wait().unwrap_err();
    ends("not_sent");
    drop(service.call::<_, ()>("silent", ()).into_future());
    ends("given_up");
    let _: String = service.generic("greet", ["java.lang.String"], [Value::Text("bo".to_owned())]).wait().unwrap();
    assert!(seen().contains(r#"rpc.method="greet""#));
}

#[test]
fn the_trace_of_the_code_around_goes_along_unless_the_call_says_another() {
    let greeter = greeter();
    let trace = |parent: &str| Attachments::from([("traceparent".to_owned(), parent.to_owned())]);
    greeter.runtime.block_on(with_attachments(trace(TRACE), async {
        let call = || greeter.service.call::<_, BTreeMap<String, String>>("attachments", ());
        assert_eq!(call().await.unwrap()["traceparent"], TRACE);
        assert_eq!(call().attachment("traceparent", "another").await.unwrap()["traceparent"], "another");
    }));
}

#[test]
fn what_a_process_adds_to_each_call_comes_last_and_is_added_inside_of_its_span() {
    let greeter = greeter_called_by(|highway| {
        highway.outgoing(|attachments| {
            let span = tracing::Span::current();
            let name = span.metadata().map_or("none", |metadata| metadata.name());
            attachments.insert("span".to_owned(), name.to_owned());
            attachments.remove("private");
        })
    });
    let call = greeter.service.call::<_, BTreeMap<String, String>>("attachments", ());
    let sent = call.attachment("span", "mine").attachment("private", "x").attachment("open", "y").wait().unwrap();
    assert_eq!((sent["span"].as_str(), sent["open"].as_str()), ("call", "y"));
    assert!(!sent.contains_key("private"), "{sent:?}");
}

#[test]
fn a_process_knows_how_its_providers_stand() {
    let greeter = greeter();
    let _: String = greeter.service.call("greet", ("bo",)).wait().unwrap();
    let gone = greeter.highway.service("com.acme.Gone").address("127.0.0.1:1").build().unwrap();
    gone.call::<_, ()>("greet", ()).timeout(Duration::from_millis(100)).wait().unwrap_err();
    let providers = greeter.runtime.block_on(greeter.highway.providers()).unwrap();
    let at = |address: &str| providers.iter().find(|provider| provider.address == address).unwrap();
    assert_eq!((at(&greeter.address).state, at(&greeter.address).outstanding), (ProviderState::Up, 0));
    assert_ne!(at("127.0.0.1:1").state, ProviderState::Up);
    assert_eq!(providers.len(), 2);
}
