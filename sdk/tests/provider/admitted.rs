//! Who is let in, what is begun at all, and what of a call is not for its handler.

use std::sync::mpsc;
use std::time::Duration;

use highway_sdk::Value;
use highway_sdk::provider::{Invocation, Provider, Service, StartError};
use wire::dubbo::frame::Status;

use crate::talker::*;

const TOKEN: &str = "a-secret.of_1";

#[test]
fn who_does_not_show_the_token_is_refused_and_reads_none() {
    let provider = start(Provider::builder().token(TOKEN).serve(greeter()));
    let mut consumer = Talker::of(&provider);
    let generic = Ask::generic(1, "greet", Some(&["java.lang.String"]), &[Value::Text("bo".to_owned())]);
    let generic = generic.with("generic", "true");
    for (ask, found) in [
        (greet(1, "bo"), "none"),
        (generic.clone(), "none"),
        (greet(1, "bo").with("token", ""), "none"),
        (greet(1, "bo").with("token", "a-secret.of_2"), "another one"),
        (greet(1, "bo").with("token", &TOKEN[1..]), "another one"),
        (greet(1, "bo").with("Token", TOKEN), "none"),
    ] {
        let wanted = format!(
            "Invalid token! Forbid invoke remote service com.acme.Greeter: found {found} in the attachment `token`, wanted that of this \
             provider's URL in its registry"
        );
        assert_eq!(consumer.ask(&ask), status(Status::SERVICE_ERROR, &wanted));
    }
    for ask in [greet(2, "bo"), generic] {
        assert_eq!(consumer.ask(&ask.with("token", TOKEN)), text("hello bo"));
    }
    let echo = Ask::new(3, "$echo", "Ljava/lang/Object;", |out| out.put("x").unwrap());
    assert_eq!(consumer.ask(&echo), text("x"), "as with Java's");
}

#[test]
fn a_token_that_no_url_can_carry_is_said_and_not_shown() {
    for token in ["", "no&token", "no token", "ünsound", &"x".repeat(257)] {
        let started =
            runtime().block_on(Provider::builder().listen("127.0.0.1:0").token(token).serve(greeter()).start());
        let Err(error @ StartError::Service { .. }) = started else { panic!("it started with {token:?}") };
        let says = error.to_string();
        assert!(says.contains("its token: found ") && says.contains("wanted 1 to 256 of"), "{says}");
        assert!(token.is_empty() || !says.contains(token), "{says}");
    }
}

#[test]
fn a_handler_sees_neither_the_token_nor_where_its_caller_wanted_the_call_to_go() {
    let keys =
        ["token", "highway.target", "highway.x", "highway.source.island", "highway.source.application", "tenant"];
    let seen = Service::new(GREETER).method("greet", move |call: Invocation| async move {
        let listed = call.attachments().into_iter().map(|(key, _)| key).filter(|key| keys.contains(&&**key));
        let asked = keys.into_iter().filter(|key| call.attachment(key).is_some());
        Ok(format!("{:?} {:?}", listed.collect::<Vec<_>>(), asked.collect::<Vec<_>>()))
    });
    let provider = start(Provider::builder().token(TOKEN).serve(seen));
    let ask = keys.into_iter().fold(greet(1, "bo"), |ask, key| ask.with(key, TOKEN));
    let shown = ["highway.source.island", "highway.source.application", "tenant"];
    assert_eq!(Talker::of(&provider).ask(&ask), text(&format!("{shown:?} {shown:?}")));
}

#[test]
fn a_call_whose_time_is_over_before_its_handler_could_begin_is_neither_begun_nor_answered() {
    let (begun_in, begun) = mpsc::channel();
    let service = greeter().method("busy", move |call: Invocation| {
        let begun = begun_in.clone();
        async move {
            let (name,): (String,) = call.args()?;
            begun.send(name.clone())?;
            // All handlers have one thread here, and this one stands still.
            std::thread::sleep(Duration::from_millis(if name == "first" { 600 } else { 0 }));
            Ok(name)
        }
    });
    let own = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let provider = start(Provider::builder().runtime(own.handle().clone()).serve(service));
    let busy = |id, name: &str| Ask::new(id, "busy", TEXT, |out| out.put(name).unwrap());
    let mut consumer = Talker::of(&provider);
    consumer.send(&busy(1, "first").frame());
    assert_eq!(begun.recv_timeout(PATIENCE).unwrap(), "first");
    for ask in [
        busy(2, "too late").with("timeout", "100"),
        busy(3, "one-way").with("timeout", "100").one_way(),
        busy(4, "in time").with("timeout", "30000"),
        busy(5, "no time"),
    ] {
        consumer.send(&ask.frame());
    }
    let answers: Vec<_> = (0..3).map(|_| consumer.answer()).collect();
    for (id, name) in [(1, "first"), (4, "in time"), (5, "no time")] {
        assert!(answers.contains(&(id, text(name), vec![])), "{answers:?}");
    }
    let names: Vec<String> = begun.try_iter().collect();
    assert_eq!(names, ["one-way", "in time", "no time"]);
    consumer.stays();
    drop(provider);
    own.shutdown_background();
}
