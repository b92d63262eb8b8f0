//! Several providers, and calls that are made again: what was not sent goes on by itself, what may have run only where its caller says so.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use highway_sdk::hessian2::to_vec;
use highway_sdk::{CallErrorKind, Outcome};
use wire::dubbo::frame::Status;

use crate::script::{GREETER, SHORT, Scripted, Vacant, answer, highway, service, value, wait};

fn full() -> Scripted {
    Scripted::answering(|asked| answer(asked.id, Status::OVERLOADED, &to_vec("the pool is exhausted").unwrap()))
}

#[test]
fn a_call_that_a_full_provider_sends_back_goes_to_another() {
    let (full, free) = (full(), Scripted::saying("free"));
    let highway = highway();
    let greeter = service(&highway, &[&full, &free]);
    wait(async {
        for _ in 0..50 {
            assert_eq!(greeter.call::<_, String>("greet", ()).await.unwrap(), "free");
        }
    });
    assert!(full.calls() > 0, "it was never asked");
    assert_eq!(free.calls(), 50);
}

#[test]
fn where_all_are_full_each_is_asked_once_and_its_word_comes_back() {
    let providers = [full(), full()];
    let highway = highway();
    let greeter = service(&highway, &[&providers[0], &providers[1]]);
    // Both are connected.
    crate::script::until("both are there", || providers.iter().all(|one| one.open() == 1));
    let error = wait(greeter.call::<_, String>("greet", ()).into_future()).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(error.to_string().contains("the pool is exhausted"), "{error}");
    assert!(providers.iter().all(|one| one.calls() <= 1), "one was asked twice");
}

#[test]
fn a_full_provider_is_not_asked_again_where_the_other_is_away() {
    let (away, full, highway) = (Vacant::new(), full(), highway());
    let greeter = highway.service(GREETER).address(&full.address.to_string()).address(&away.address()).build().unwrap();
    for asked in 1..=3 {
        let error = wait(greeter.call::<_, String>("greet", ()).into_future()).unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
        assert!(matches!(error.kind(), CallErrorKind::Status { status: 100, .. }), "{error}");
        assert_eq!(full.calls(), asked);
    }
}

#[test]
fn what_may_have_run_is_made_again_only_as_often_as_its_caller_says() {
    let silent = Scripted::start(|seat| while seat.next().is_some() {});
    let highway = highway();
    let greeter = silent.service(&highway);
    for (repeats, calls) in [(0, 1), (2, 4)] {
        let call = greeter.call::<_, String>("greet", ()).timeout(SHORT).repeats(repeats);
        let error = wait(call.into_future()).unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        assert_eq!(silent.calls(), calls, "after {repeats} repeats");
    }
}

#[test]
fn a_call_that_is_not_sent_when_it_is_made_again_may_have_run_before() {
    // The first time it is left without an answer; the second time it is sent back.
    let seen = AtomicUsize::new(0);
    let provider = Scripted::start(move |seat| {
        while let Some(asked) = seat.next() {
            if seen.fetch_add(1, Ordering::SeqCst) > 0 {
                seat.send(&answer(asked.id, Status::OVERLOADED, &to_vec("full").unwrap()));
            }
        }
    });
    let highway = highway();
    let call = provider.service(&highway).call::<_, String>("greet", ()).timeout(SHORT).repeats(1);
    let error = wait(call.into_future()).unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Status { .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    // The same where nobody takes it the second time.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let mut taken = [0; 64];
        std::io::Read::read(&mut stream, &mut taken).unwrap();
    });
    let greeter = highway.service(GREETER).address(&address).build().unwrap();
    let call = greeter.call::<_, String>("greet", ()).timeout(Duration::from_secs(2)).repeats(1);
    let error = wait(call.into_future()).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
}

#[test]
fn two_versions_of_a_service_and_two_references_to_one_are_kept_apart() {
    let version =
        || Scripted::answering(|asked| value(asked.id, &format!("{} {:?}", asked.version, asked.beside.get("group"))));
    let (one, two) = (version(), version());
    let highway = highway();
    let of = |provider: &Scripted, version: &str, group: &str| {
        highway.service(GREETER).version(version).group(group).address(&provider.address.to_string()).build().unwrap()
    };
    let references = [of(&one, "1.0", "a"), of(&one, "2.0", "b"), of(&two, "1.0", "a"), of(&one, "1.0", "a")];
    let said: Vec<String> = references
        .iter()
        .map(|reference| wait(reference.call::<_, String>("greet", ()).into_future()).unwrap())
        .collect();
    assert_eq!(said[0], "1.0 Some(Text(\"a\"))");
    assert_eq!(said.iter().collect::<BTreeSet<_>>().len(), 2);
    assert_eq!((one.accepted(), one.calls(), two.calls()), (1, 3, 1));
}
