//! Connections that break, stall, or never come about: calls on them end with what is known, later ones get another.

use std::io::Write;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use highway_sdk::java::Bytes;
use highway_sdk::{CallErrorKind, Highway, Outcome, Service};
use wire::dubbo::frame::Event;

use crate::script::{GREETER, PATIENCE, SHORT, Scripted, Seat, Vacant, highway, service, value, wait};

/// What is done with a call of this id.
type Does = fn(&mut Seat, i64);

/// Does `once` with the first call of the first connection, and then answers like any provider.
fn once(once: impl Fn(&mut Seat, i64) + Send + Sync + 'static) -> Scripted {
    let connections = AtomicUsize::new(0);
    Scripted::start(move |seat| {
        let is_first = connections.fetch_add(1, Ordering::SeqCst) == 0;
        while let Some(asked) = seat.next() {
            match is_first {
                true => once(seat, asked.id),
                false => seat.send(&value(asked.id, "hello")),
            }
        }
    })
}

async fn greet(greeter: &Service) -> String {
    greeter.call("greet", ()).await.unwrap()
}

#[test]
fn a_connection_that_breaks_under_a_call_leaves_it_unknown_and_the_next_gets_another() {
    let cases: [(&str, Does); 5] = [
        ("closes", |seat, _| seat.hang_up()),
        ("closes in the middle of a frame", |seat, id| {
            let frame = value(id, "hello");
            seat.send(&frame[..frame.len() - 2]);
            seat.hang_up();
        }),
        ("sends garbage", |seat, _| seat.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        ("says less than no bytes", |seat, id| {
            let mut frame = value(id, "hello");
            frame[12..16].copy_from_slice(&(-1_i32).to_be_bytes());
            seat.send(&frame);
        }),
        ("sends garbage behind an answer to nobody", |seat, id| {
            seat.send(&[&value(id + 1, "")[..], &[0; 64]].concat())
        }),
    ];
    for (case, does) in cases {
        let (provider, highway) = (once(does), highway());
        let greeter = provider.service(&highway);
        wait(async {
            let error = greeter.call::<_, String>("greet", ()).await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown, "{case}: {error}");
            assert!(matches!(error.kind(), CallErrorKind::Connection(_)), "{case}: {error}");
            assert_eq!(greet(&greeter).await, "hello", "{case}");
        });
        assert_eq!((provider.accepted(), provider.calls()), (2, 2), "{case}: a call was made again, or a connection");
    }
}

#[test]
fn a_provider_that_says_nothing_or_half_a_frame_and_no_more_costs_a_call_its_time_alone() {
    let cases: [Does; 2] = [
        |seat, _| seat.stay(),
        |seat, id| {
            seat.send(&value(id, "hello")[..20]);
            seat.stay();
        },
    ];
    for does in cases {
        let (provider, highway) = (once(does), highway());
        let other = Scripted::saying("from another");
        let (greeter, others) = (provider.service(&highway), other.service(&highway));
        wait(async {
            let began = Instant::now();
            let silent = greeter.call::<_, String>("greet", ()).timeout(SHORT).into_future();
            assert_eq!(greet(&others).await, "from another");
            let error = silent.await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown);
            assert!(matches!(error.kind(), CallErrorKind::DeadlinePassed(SHORT)), "{error}");
            assert!(began.elapsed() < PATIENCE);
        });
    }
}

#[test]
fn a_provider_that_never_reads_gets_a_bounded_number_of_bytes() {
    let (gone_in, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let provider = Scripted::start(move |_| assert!(gone.lock().unwrap().recv().is_err()));
    let highway = highway();
    let greeter = provider.service(&highway);
    let fill =
        || greeter.call::<_, ()>("fill", (Bytes(vec![7; 6 << 20]),)).timeout(Duration::from_secs(2)).into_future();
    wait(async {
        let filling: Vec<_> = (0..8).map(|_| tokio::spawn(fill())).collect();
        let mut busy = 0;
        for call in filling {
            let error = call.await.unwrap().unwrap_err();
            match error.kind() {
                CallErrorKind::Busy(why) => {
                    assert!(error.outcome() == Outcome::NotSent && why.contains("reads slower"), "{error}");
                    busy += 1;
                }
                _ => assert_eq!(error.outcome(), Outcome::Unknown, "{error}"),
            }
        }
        assert!(busy > 0, "48 MB were held for it");
        let other = Scripted::saying("from another");
        assert_eq!(greet(&other.service(&highway)).await, "from another");
    });
    drop(gone_in);
}

#[test]
fn a_provider_that_takes_no_new_calls_gets_none_until_it_does() {
    let (ready_in, ready) = mpsc::channel();
    let ready = Mutex::new(ready);
    let provider = once(move |seat, id| {
        seat.say(Event::Readonly);
        seat.send(&value(id, "first"));
        let () = ready.lock().unwrap().recv().unwrap();
        assert_eq!(seat.calls(), 1, "it was called all the same");
        seat.say(Event::Writable);
        while let Some(asked) = seat.next() {
            seat.send(&value(asked.id, "later"));
        }
    });
    let highway = highway();
    wait(async {
        let greeter = provider.service(&highway);
        assert_eq!(greet(&greeter).await, "first");
        for _ in 0..5 {
            // One that is not connected yet is waited for rather than it.
            let other = Scripted::saying("from another");
            let both = service(&highway, &[&provider, &other]);
            assert_eq!(greet(&both).await, "from another");
        }
        // Alone it is waited for.
        let waits = greeter.call::<_, String>("greet", ()).into_future();
        ready_in.send(()).unwrap();
        assert_eq!(waits.await.unwrap(), "later");
    });
    assert_eq!(provider.accepted(), 1);
}

#[test]
fn a_call_to_a_provider_that_is_away_ends_at_its_time_and_says_where_it_is() {
    let (vacant, highway) = (Vacant::new(), highway());
    let greeter = highway.service(GREETER).address(&vacant.address()).build().unwrap();
    wait(async {
        let error = greeter.call::<_, String>("greet", ()).timeout(SHORT).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert!(error.to_string().contains(&vacant.address()), "{error}");
    });
}

#[test]
fn without_a_registry_that_can_be_read_a_call_ends_at_its_time_and_says_so() {
    let vacant = Vacant::new();
    let highway = Highway::builder().application("test").registry(&vacant.address()).build().unwrap();
    let greeter = highway.service(GREETER).build().unwrap();
    wait(async {
        let began = Instant::now();
        let calls: Vec<_> =
            (0..100).map(|_| greeter.call::<_, String>("greet", ()).timeout(SHORT).into_future()).collect();
        for call in calls {
            let error = call.await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::NotSent);
            assert!(error.to_string().contains("no registry could be read in time"), "{error}");
        }
        assert!((SHORT..PATIENCE).contains(&began.elapsed()));
    });
}

#[test]
fn a_registry_that_talks_nonsense_is_as_good_as_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = (&stream).write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let highway = Highway::builder().application("test").registry(&address).build().unwrap();
    let error =
        wait(highway.service(GREETER).build().unwrap().call::<_, String>("greet", ()).into_future()).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(error.to_string().contains("no registry could be read in time"), "{error}");
}
