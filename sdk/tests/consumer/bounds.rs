//! Too many calls, calls and references that are dropped, many threads at once: nothing is left behind.

use std::time::Duration;

use highway_sdk::{BuildError, CallErrorKind, Highway, Outcome};

use crate::script::{GREETER, PATIENCE, Scripted, Vacant, highway, service, until, value, wait};

fn silent() -> Scripted {
    Scripted::start(|seat| while seat.next().is_some() {})
}

#[test]
fn one_call_more_than_fit_fails_at_once_and_fits_when_others_are_given_up() {
    let (silent, other) = (silent(), Scripted::saying("hello"));
    let highway = Highway::builder().application("test").calls(4).build().unwrap();
    let (greeter, others) = (silent.service(&highway), other.service(&highway));
    let long = || greeter.call::<_, String>("greet", ()).timeout(PATIENCE * 10).into_future();
    wait(async {
        for _ in 0..3 {
            let calls: Vec<_> = (0..4).map(|_| long()).collect();
            let before = silent.calls();
            let error = others.call::<_, String>("greet", ()).await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::NotSent);
            assert!(matches!(error.kind(), CallErrorKind::Busy(_)), "{error}");
            assert!(error.to_string().contains("raise `Builder::calls`"), "{error}");
            drop(calls);
            let mut tries = 0;
            while others.call::<_, String>("greet", ()).timeout(PATIENCE).await.is_err() {
                tries += 1;
                assert!(tries < 1000, "calls that nobody waits for stay, {before} came");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
}

#[test]
fn a_call_that_is_given_up_before_its_provider_comes_is_not_sent() {
    let (vacant, highway) = (Vacant::new(), highway());
    let greeter = highway.service(GREETER).address(&vacant.address()).build().unwrap();
    wait(async {
        drop(greeter.call::<_, String>("neverMade", ()));
        drop(greeter.call::<_, String>("givenUp", ()).into_future());
        let waited = greeter.call::<_, String>("greet", ("waited",)).into_future();
        let provider = Scripted::on(vacant.listen(), |seat| {
            while let Some(asked) = seat.next() {
                seat.send(&value(asked.id, &asked.method));
            }
        });
        assert_eq!(waited.await.unwrap(), "greet");
        assert_eq!(provider.calls(), 1);
        // Given up while it runs: its answer is nobody's.
        drop(greeter.call::<_, String>("dropped", ()).into_future());
        assert_eq!(greeter.call::<_, String>("on", ()).await.unwrap(), "on");
        assert_eq!(provider.accepted(), 1);
    });
}

#[test]
fn a_call_ends_well_whose_reference_and_highway_were_dropped() {
    let provider = Scripted::start(|seat| {
        while let Some(asked) = seat.next() {
            std::thread::sleep(Duration::from_millis(50));
            seat.send(&value(asked.id, "hello"));
        }
    });
    let highway = highway();
    let calls: Vec<_> =
        (0..10).map(|_| provider.service(&highway).call::<_, String>("greet", ()).into_future()).collect();
    drop(highway);
    wait(async {
        for call in calls {
            assert_eq!(call.await.unwrap(), "hello");
        }
    });
    until("its connection is closed", || provider.open() == 0);
}

#[test]
fn a_thousand_references_share_a_connection_which_goes_with_the_last() {
    let provider = Scripted::answering(|asked| value(asked.id, &asked.service));
    let highway = highway();
    let address = provider.address.to_string();
    let references: Vec<_> = (0..1000)
        .map(|number| highway.service(&format!("com.acme.Service{}", number % 100)).address(&address).build().unwrap())
        .collect();
    wait(async {
        for at in [0, 550, 999] {
            let name: String = references[at].call("name", ()).await.unwrap();
            assert_eq!(name, format!("com.acme.Service{}", at % 100));
        }
    });
    assert_eq!((provider.accepted(), provider.open()), (1, 1));
    drop(references);
    until("its connection is closed", || provider.open() == 0);
    assert_eq!(wait(provider.service(&highway).call::<_, String>("name", ()).into_future()).unwrap(), GREETER);
}

#[test]
fn many_threads_that_call_at_once_get_their_own_answers() {
    let echo = || Scripted::answering(|asked| value(asked.id, &asked.arg));
    let (one, two) = (echo(), echo());
    let highway = highway();
    let greeter = service(&highway, &[&one, &two]);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let greeter = &greeter;
            scope.spawn(move || {
                wait(async {
                    for number in 0..100 {
                        let words = format!("{thread} {number}");
                        let answer: String = greeter.call("echo", (words.as_str(),)).await.unwrap();
                        assert_eq!(answer, words);
                    }
                });
            });
        }
    });
    assert_eq!(one.calls() + two.calls(), 1600);
}

#[test]
fn a_time_without_an_end_is_the_longest_there_is() {
    let provider = Scripted::answering(|asked| value(asked.id, &asked.beside.get("timeout").cloned()));
    let highway = highway();
    let greeter = provider.service(&highway);
    wait(async {
        let told: String = greeter.call("time", ()).timeout(Duration::MAX).await.unwrap();
        assert!(told.parse::<i32>().unwrap() > i32::MAX - 60_000, "{told}");
        let told: String = greeter.call("time", ()).timeout(Duration::from_nanos(1)).await.unwrap_or_default();
        assert!(["", "1"].contains(&&*told), "{told}");
    });
}

#[test]
fn settings_with_which_nothing_could_be_called_are_refused() {
    let builder = || Highway::builder().application("test");
    for (refused, key) in [
        (builder().calls(0), "calls"),
        (builder().calls(usize::MAX), "calls"),
        (builder().payload(0), "payload"),
        (builder().payload(usize::MAX), "payload"),
        (builder().heartbeat(Duration::ZERO), "heartbeat"),
        (builder().heartbeat(Duration::MAX), "heartbeat"),
        (builder().connect_timeout(Duration::ZERO), "connect_timeout"),
    ] {
        let error = refused.build().unwrap_err();
        assert!(matches!(&error, BuildError::Setting { key: found, .. } if found == key), "{key}: {error}");
        assert!(error.to_string().contains("found") && error.to_string().contains("wanted"), "{error}");
    }
    for name in ["", "by gateway", "local com.acme.Greeter", "a/com.acme.Greeter", "com.acme.Greeter:1.0", "a\nb"] {
        assert!(highway().service(name).build().is_err(), "{name:?}");
    }
}
