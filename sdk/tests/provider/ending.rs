//! Calls that do not end as they should, and the end of the provider.

use std::sync::Arc;
use std::time::{Duration, Instant};

use highway_sdk::Value;
use highway_sdk::provider::{Builder, Drained, Invocation, Provider, Service};
use tokio::sync::{Semaphore, mpsc};
use wire::dubbo::frame::{Event, Status};

use crate::talker::*;

/// A service whose method `wait` says that it was begun, and waits until it is let go.
struct Gate {
    provider: Provider,
    begun: mpsc::UnboundedReceiver<String>,
    /// What was begun and dropped before it was let go.
    dropped: mpsc::UnboundedReceiver<String>,
    permits: Arc<Semaphore>,
}

struct Tell(String, mpsc::UnboundedSender<String>);

impl Drop for Tell {
    fn drop(&mut self) {
        let _ = self.1.send(self.0.clone());
    }
}

fn gate(builder: Builder) -> Gate {
    let (begun_in, begun) = mpsc::unbounded_channel();
    let (dropped_in, dropped) = mpsc::unbounded_channel();
    let permits = Arc::new(Semaphore::new(0));
    let gate = permits.clone();
    let service = greeter()
        .method("wait", move |call: Invocation| {
            let (begun, dropped, gate) = (begun_in.clone(), dropped_in.clone(), gate.clone());
            async move {
                let (name,): (String,) = call.args()?;
                let tell = Tell(name.clone(), dropped);
                begun.send(name.clone())?;
                gate.acquire().await?.forget();
                std::mem::forget(tell);
                Ok(name)
            }
        })
        .method("panic", |call: Invocation| async move {
            let (name,): (String,) = call.args()?;
            assert!(name.is_empty(), "as {name} wants it");
            Ok(())
        });
    Gate { provider: start(builder.serve(service)), begun, dropped, permits }
}

fn wait(id: i64, name: &str) -> Ask {
    Ask::new(id, "wait", TEXT, |out| out.put(name).unwrap())
}

#[track_caller]
fn told(from: &mut mpsc::UnboundedReceiver<String>) -> String {
    let within = async { tokio::time::timeout(PATIENCE, from.recv()).await };
    runtime().block_on(within).unwrap().unwrap()
}

#[test]
fn a_panic_is_an_exception_and_nothing_else_is_harmed() {
    for builder in [Provider::builder(), Provider::builder().inline()] {
        let mut gate = gate(builder);
        let mut consumer = Talker::of(&gate.provider);
        consumer.send(&wait(1, "neighbour").frame());
        assert_eq!(told(&mut gate.begun), "neighbour");
        let panic = Ask::new(2, "panic", TEXT, |out| out.put("the test").unwrap());
        let Answered::Exception(thrown) = consumer.ask(&panic) else { panic!("no exception") };
        assert_eq!(thrown.class(), Some("java.lang.RuntimeException"));
        assert_eq!(
            thrown.get("detailMessage").and_then(Value::as_str),
            Some("the handler of panic of com.acme.Greeter has panicked: as the test wants it")
        );
        gate.permits.add_permits(1);
        assert_eq!(consumer.answer(), (1, text("neighbour"), vec![]));
    }
}

#[test]
fn a_panic_before_the_future_is_an_exception_too() {
    fn never(_: Invocation) -> std::future::Ready<Result<(), highway_sdk::provider::Thrown>> {
        panic!("at once")
    }
    let provider = start(Provider::builder().serve(greeter().method("never", never)));
    let mut consumer = Talker::of(&provider);
    assert!(matches!(consumer.ask(&Ask::new(1, "never", "", |_| ())), Answered::Exception(_)));
    assert_eq!(consumer.ask(&greet(2, "bo")), text("hello bo"));
}

#[test]
fn calls_over_the_limit_are_refused_at_once_and_those_in_hand_go_on() {
    let mut gate = gate(Provider::builder().calls(2));
    let mut consumer = Talker::of(&gate.provider);
    let mut other = Talker::of(&gate.provider);
    consumer.send(&[wait(1, "a").frame(), wait(2, "b").one_way().frame()].concat());
    assert_eq!([told(&mut gate.begun), told(&mut gate.begun)], ["a", "b"]);
    let full = "2 calls are in hand at this provider, which is all that it takes at once";
    assert_eq!(other.ask(&greet(3, "bo")), status(Status::OVERLOADED, full));
    other.send(&greet(4, "bo").one_way().frame());
    other.stays();
    gate.permits.add_permits(2);
    assert_eq!(consumer.answer(), (1, text("a"), vec![]));
    // The one-way call leaves its place without a word.
    let until = Instant::now() + PATIENCE;
    while other.ask(&greet(5, "bo")) != text("hello bo") {
        assert!(Instant::now() < until);
    }
    consumer.stays();
}

#[test]
fn the_call_of_a_consumer_that_is_gone_is_dropped_but_not_a_one_way_one() {
    for builder in [Provider::builder(), Provider::builder().inline()] {
        let mut gate = gate(builder);
        let mut consumer = Talker::of(&gate.provider);
        consumer.send(&[wait(1, "stays").one_way().frame(), wait(2, "goes").frame()].concat());
        assert_eq!([told(&mut gate.begun), told(&mut gate.begun)], ["stays", "goes"]);
        consumer.hang_up();
        assert_eq!(told(&mut gate.dropped), "goes");
        gate.permits.add_permits(1);
        let waits = || gate.permits.available_permits() > 0;
        let until = Instant::now() + PATIENCE;
        while waits() {
            assert!(Instant::now() < until);
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(gate.dropped.try_recv().is_err());
    }
}

#[test]
fn an_answer_that_comes_too_late_is_not_sent() {
    let mut gate = gate(Provider::builder());
    let mut consumer = Talker::of(&gate.provider);
    consumer.send(&wait(1, "late").with("timeout", "20").frame());
    assert_eq!(told(&mut gate.begun), "late");
    std::thread::sleep(Duration::from_millis(40));
    gate.permits.add_permits(1);
    consumer.send(&wait(2, "in time").with("timeout", "20000").frame());
    assert_eq!(told(&mut gate.begun), "in time");
    gate.permits.add_permits(1);
    assert_eq!(consumer.answer(), (2, text("in time"), vec![]));
}

#[test]
fn calls_whose_runtime_has_ended_are_told_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gate = gate(Provider::builder().runtime(runtime.handle().clone()));
    let mut consumer = Talker::of(&gate.provider);
    consumer.send(&wait(1, "never").frame());
    consumer.stays();
    drop(runtime);
    let ended = "the runtime of this provider's handlers has ended; the call may have been run in part";
    assert_eq!(consumer.answer().1, status(Status::SERVER_ERROR, ended));
    assert_eq!(consumer.ask(&greet(2, "bo")), status(Status::SERVER_ERROR, ended));
}

#[test]
fn a_drain_says_readonly_to_all_answers_what_comes_and_waits_for_calls_in_hand() {
    let mut gate = gate(Provider::builder());
    let mut busy = Talker::of(&gate.provider);
    let mut idle = Talker::of(&gate.provider);
    idle.stays();
    busy.send(&wait(1, "in hand").frame());
    told(&mut gate.begun);
    let address = gate.provider.address();
    let drained = runtime().spawn(gate.provider.drain(PATIENCE));
    for consumer in [&mut busy, &mut idle] {
        let (header, body) = consumer.frame();
        assert_eq!(header.event(&body), Event::Readonly);
        assert!(header.is_request() && !header.is_two_way());
    }
    // Who comes now is told too, and what is still sent is answered.
    let mut late = Talker::dial(address);
    let (header, body) = late.frame();
    assert_eq!(header.event(&body), Event::Readonly);
    assert_eq!(late.ask(&greet(2, "bo")), text("hello bo"));
    assert!(!drained.is_finished());
    gate.permits.add_permits(1);
    assert_eq!(busy.answer(), (1, text("in hand"), vec![]));
    assert_eq!(runtime().block_on(drained).unwrap(), Drained { cut_off: 0 });
    for mut consumer in [busy, idle, late] {
        consumer.closed();
    }
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_drain_has_an_end_and_says_what_it_cut_off() {
    let mut gate = gate(Provider::builder());
    let mut consumer = Talker::of(&gate.provider);
    consumer.send(&[wait(1, "a").frame(), wait(2, "b").frame()].concat());
    told(&mut gate.begun);
    told(&mut gate.begun);
    let drained = runtime().block_on(runtime().spawn(gate.provider.drain(Duration::from_millis(50)))).unwrap();
    assert_eq!(drained, Drained { cut_off: 2 });
    let mut dropped = [told(&mut gate.dropped), told(&mut gate.dropped)];
    dropped.sort();
    assert_eq!(dropped, ["a", "b"]);
    assert_eq!(consumer.frame().0.kind(), wire::dubbo::frame::FrameKind::EventOneWay);
    consumer.closed();
}

#[test]
fn bounds_beyond_reason_are_no_panic() {
    let builder = Provider::builder().calls(usize::MAX).payload(usize::MAX).held(usize::MAX).connections(usize::MAX);
    let provider = start(builder.serve(greeter()));
    assert_eq!(Talker::of(&provider).ask(&greet(1, "bo")), text("hello bo"));
    let none = start(Provider::builder().calls(0).serve(greeter()));
    assert_eq!(Talker::of(&none).ask(&greet(1, "bo")), text("hello bo"));
}

#[test]
fn a_provider_that_is_dropped_closes_its_connections() {
    let provider = start(Provider::builder().serve(Service::new(GREETER)));
    let mut consumer = Talker::of(&provider);
    consumer.stays();
    drop(provider);
    consumer.closed();
}

#[test]
fn connections_over_the_limit_are_closed_as_they_come() {
    let provider = start(Provider::builder().connections(1).serve(greeter()));
    let mut first = Talker::of(&provider);
    first.stays();
    Talker::of(&provider).closed();
    first.hang_up();
    let until = Instant::now() + PATIENCE;
    let again = || {
        let mut next = Talker::of(&provider);
        next.0.set_read_timeout(Some(PATIENCE)).unwrap();
        let sent = std::io::Write::write_all(&mut next.0, &greet(1, "bo").frame());
        sent.is_ok() && next.try_frame().is_some()
    };
    while !again() {
        assert!(Instant::now() < until);
    }
}
