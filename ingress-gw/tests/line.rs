//! Calls through the real gateway: from a hub's link to a provider's connection and back.

mod island;

use std::time::{Duration, Instant};

use island::*;
use wire::dubbo::frame::{Event, HEADER_LEN, Status, put_event_notice};
use wire::tunnel::{Flags, Head, Kind, Notice, Outcome, Stage};

#[test]
fn a_call_reaches_the_provider_and_its_answer_the_caller() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let token =
            island.call(&Calling { attachments: &[("timeout", "60000"), ("mine", "x")], ..Calling::default() }).await;
        let frame = connection.read().await;
        read_call(&frame, |header, call| {
            assert!(header.id > 0 && header.id != CALLERS_ID);
            assert_eq!(call.attachments.get("highway.source.island").as_deref(), Some("beijing"));
            assert_eq!(call.attachments.get("highway.source.application").as_deref(), Some("shop"));
            assert_eq!(call.attachments.get("mine").as_deref(), Some("x"));
            assert!(call.timeout.unwrap() <= Duration::from_secs(10));
        });
        connection.write(&value_for(&frame, "hello you", &[("local-addr", "10.0.0.1:1"), ("dubbo", "2.0.2")])).await;
        let (header, body) = island.hub.answered(token).await;
        assert_eq!((header.id, header.status()), (CALLERS_ID, Status::OK));
        let answer = wire::dubbo::answer::peek(&header, &body).unwrap().unwrap();
        let attachments = answer.attachments.unwrap();
        assert_eq!(attachments.get("local-addr"), None);
        assert_eq!(attachments.get("dubbo").as_deref(), Some("2.0.2"));
    });
}

#[test]
fn many_calls_share_one_connection_and_answers_in_any_order_find_their_way() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let link = island.hub.link().await;
        let mut tokens = Vec::new();
        for number in 0..200 {
            let arg = format!("call {number}");
            let call = Calling { arg: &arg, ..Calling::default() };
            let frame = call.frame();
            tokens.push((island.hub.open(&link, &call.head(&frame), &frame), arg));
        }
        let mut frames = Vec::new();
        for _ in 0..200 {
            frames.push(connection.read().await);
        }
        frames.reverse();
        for frame in &frames {
            // The argument comes back: an answer on the wrong call would be seen.
            let number =
                (0..200).find(|number| find(frame, format!("call {number}\x48").as_bytes())).expect("an argument");
            connection.write(&value_for(frame, &format!("call {number}"), &[])).await;
        }
        for (token, arg) in tokens {
            let (header, body) = island.hub.answered(token).await;
            assert_eq!(header.id, CALLERS_ID);
            let answer = wire::dubbo::answer::peek(&header, &body).unwrap().unwrap();
            assert!(find(&body[answer.value], arg.as_bytes()), "{arg}");
        }
    });
}

fn find(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn a_head_that_lies_is_refused_counted_and_reported_and_no_provider_sees_the_call() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let link = island.hub.link().await;
        let call = Calling { attachments: &[("remote.application", "shop")], ..Calling::default() };
        let frame = call.frame();
        for lie in [
            Head { service: "com.acme.Free", ..call.head(&frame) },
            Head { method: "bye", ..call.head(&frame) },
            Head { application: "bank", ..call.head(&frame) },
            Head { group: "g", ..call.head(&frame) },
        ] {
            let token = island.hub.open(&link, &lie, &frame);
            let failure = island.hub.failed(token).await;
            assert_eq!((failure.stage, failure.kind, failure.outcome), (Stage::Peek, Kind::Forged, Outcome::NotSent));
        }
        let forgeries =
            island.hub.until(|hub| (hub.notices.borrow().len() == 4).then(|| hub.notices.borrow().clone())).await;
        assert!(matches!(&forgeries[0], Notice::Forgery { source, stamp_start: 9, stamp_counter: 10, claimed, found }
            if source == "beijing" && claimed == "service com.acme.Free" && found == "service com.acme.Greeter"));
        assert!(island.process.metrics.scrape().contains("highway_ingress_calls_total{outcome=\"forged\"} 4\n"));
        // The next honest one is the first that the provider sees.
        let token = island.hub.open(&link, &call.head(&frame), &frame);
        connection.answer("hello").await;
        island.hub.answered(token).await;
        let status = island.process.status.report().await;
        let calls = &status["calls"]["services"][0];
        assert_eq!(
            (&calls["service"], &calls["calls"]["answered"]),
            (&"com.acme.Greeter".into(), &1.into()),
            "{status}"
        );
    });
}

#[test]
fn a_call_waits_out_a_restart_of_its_provider() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let port = provider.port();
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let token = island.call(&Calling::default()).await;
        connection.answer("before").await;
        island.hub.answered(token).await;

        // It says that it is going, as every release does, and goes.
        let mut bytes = Vec::new();
        put_event_notice(&mut bytes, 1, wire::dubbo::frame::Codec::Hessian2, Event::Readonly);
        connection.write(&bytes).await;
        drop((connection, provider));
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut tokens = Vec::new();
        for _ in 0..20 {
            tokens.push(island.call(&Calling::default()).await);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let provider = Provider::at(port);
        let mut connection = provider.accept().await;
        for _ in 0..20 {
            connection.answer("after").await;
        }
        for token in tokens {
            assert_eq!(island.hub.answered(token).await.0.status(), Status::OK);
        }
    });
}

#[test]
fn calls_that_were_not_sent_go_to_another_provider_and_sent_ones_are_unknown() {
    on_a_shard(|shard| async move {
        let (dying, healthy) = (Provider::anywhere().await, Provider::anywhere().await);
        let large = "x".repeat(1_000_000);
        let alone = format!("{EXPORTED}{}", dying.section("path = \"a/com.acme.Greeter\"\n"));
        let mut island = Island::start(&shard, &alone).await;
        let connection = dying.accept().await;
        // It never reads: what does not fit into its socket is not sent.
        let mut tokens = Vec::new();
        for count in 1..=12 {
            tokens
                .push(island.call(&Calling { arg: &large, left: Duration::from_secs(60), ..Calling::default() }).await);
            let in_flight = format!("highway_ingress_calls_in_flight {count}\n");
            until(|| island.process.metrics.scrape().contains(&in_flight)).await;
        }
        island.reload(&format!("{alone}{}", healthy.section(""))).await.unwrap();
        let mut other = healthy.accept().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop((connection, dying));
        let mut answered = 0;
        let mut unknown = 0;
        let answers = async {
            loop {
                let frame = other.read().await;
                read_call(&frame, |_, call| assert_eq!(call.service, SERVICE, "the other one's path is undone"));
                other.write(&value_for(&frame, "hello", &[])).await;
            }
        };
        let ends = async {
            for token in tokens {
                match island.hub.ended(token).await {
                    Ended::Answered { .. } => answered += 1,
                    Ended::Failed(failure) => {
                        assert_eq!((failure.stage, failure.kind), (Stage::Provider, Kind::ProviderGone));
                        unknown += usize::from(failure.outcome == Outcome::Unknown);
                    }
                }
            }
        };
        tokio::select! {
            () = ends => {}
            () = answers => {}
        }
        assert!(unknown >= 1, "the first was written");
        assert!(answered >= 4, "{answered} of 12 went to the other provider");
    });
}

#[test]
fn a_service_without_a_provider_that_answers_fails_before_the_caller_gives_up() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let section = provider.section("");
        drop(provider);
        let island = Island::start(&shard, &format!("{EXPORTED}{section}")).await;
        island.is_offered(SERVICE).await;
        let began = Instant::now();
        let token = island.call(&Calling { left: Duration::from_secs(2), ..Calling::default() }).await;
        let failure = island.hub.failed(token).await;
        assert!(began.elapsed() < Duration::from_millis(1950), "{:?}", began.elapsed());
        assert_eq!((failure.kind, failure.outcome), (Kind::ProviderGone, Outcome::NotSent));
        let wanted = "ingress gateway `in-1` of island `shanghai` has no connection to its provider; see its /status";
        assert!(failure.text.contains(wanted), "{}", failure.text);
    });
}

#[test]
fn a_slow_provider_costs_its_call_the_deadline_and_no_more() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let token = island.call(&Calling { left: Duration::from_millis(200), ..Calling::default() }).await;
        let frame = connection.read().await;
        let failure = island.hub.failed(token).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::DeadlinePassed, Outcome::Unknown));
        connection.write(&value_for(&frame, "late", &[])).await;
        let token = island.call(&Calling::default()).await;
        connection.answer("next").await;
        assert!(find(&island.hub.answered(token).await.1, b"next"));
    });
}

#[test]
fn a_one_way_call_arrives_and_nobody_hears_of_it() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let one_way = island.call(&Calling { flags: Flags::ONE_WAY, ..Calling::default() }).await;
        let frame = connection.read().await;
        read_call(&frame, |header, _| assert!(!header.is_two_way()));
        let token = island.call(&Calling::default()).await;
        connection.answer("next").await;
        island.hub.answered(token).await;
        assert!(!island.hub.has_ended(one_way));
        assert!(island.process.metrics.scrape().contains("highway_ingress_calls_in_flight 0\n"));
    });
}

/// It was dropped where the first that was picked did not read, though another one was there.
#[test]
fn a_one_way_call_goes_to_another_provider_where_the_first_has_no_room() {
    on_a_shard(|shard| async move {
        let (full, healthy) = (Provider::anywhere().await, Provider::anywhere().await);
        let limits = "[limits]\nframe = \"1MiB\"\nreply = \"1MiB\"\nheld = \"4MiB\"\n";
        let alone = format!("{EXPORTED}{limits}{}", full.section(""));
        let mut island = Island::start(&shard, &alone).await;
        let _unread = full.accept().await;
        let large = "x".repeat(50_000);
        let fill = Calling { arg: &large, flags: Flags::ONE_WAY, ..Calling::default() };
        let link = island.hub.link().await;
        let frame = fill.frame();
        // It never reads: a call is dropped once nothing fits behind it. The link may be full for a while, too.
        while island.process.metrics.scrape().contains("highway_ingress_calls_total{outcome=\"overload\"} 0\n") {
            let _ = island.hub.try_open(&link, &fill.head(&frame), &frame);
            tokio::task::yield_now().await;
        }
        island.reload(&format!("{alone}{}", healthy.section(""))).await.unwrap();
        let mut other = healthy.accept().await;
        let both = |status: &serde_json::Value| {
            let providers = status["shards"][0]["providers"].as_array().cloned().unwrap_or_default();
            providers.iter().filter(|one| one["state"] == "up").count() == 2
        };
        while !both(&island.process.status.report().await) {}
        for _ in 0..12 {
            let call = Calling { flags: Flags::ONE_WAY, ..Calling::default() };
            let frame = call.frame();
            island.hub.open(&link, &call.head(&frame), &frame);
            read_call(&other.read().await, |header, _| assert!(!header.is_two_way()));
        }
    });
}

#[test]
fn four_megabytes_go_out_and_come_back() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let large: String =
            (0..400_000).map(|number: u32| char::from(b'a' + (number % 26) as u8)).cycle().take(4_000_000).collect();
        let token = island.call(&Calling { arg: &large, ..Calling::default() }).await;
        let frame = tokio::select! {
            frame = connection.read() => frame,
            ended = island.hub.ended(token) => panic!("{ended:?}"),
        };
        assert!(frame.len() > 4_000_000);
        connection.write(&value_for(&frame, &large, &[("remote-addr", "10.0.0.1:1")])).await;
        let (header, body) = island.hub.answered(token).await;
        assert_eq!(header.id, CALLERS_ID);
        let expected = value_for(&frame, &large, &[]);
        assert!(body == expected[HEADER_LEN..]);
    });
}

#[test]
fn a_request_over_the_limit_is_refused_with_both_numbers() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(
            &shard,
            &format!("{EXPORTED}{}[limits]\nframe = \"100KiB\"\nreply = \"100KiB\"\n", provider.section("")),
        )
        .await;
        let mut connection = provider.accept().await;
        let large = "x".repeat(200_000);
        let failure = island.hub.failed(island.call(&Calling { arg: &large, ..Calling::default() }).await).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::TooLarge, Outcome::NotSent));
        assert!(failure.text.contains("102416"), "{}", failure.text);

        let token = island.call(&Calling::default()).await;
        connection.answer(&large).await;
        let failure = island.hub.failed(token).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::TooLarge, Outcome::Executed));
    });
}

#[test]
fn a_cancelled_call_is_forgotten() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let link = island.hub.link().await;
        let call = Calling::default();
        let frame = call.frame();
        let (token, exchange) = island.hub.opened_as(&link, &call.head(&frame), &frame);
        let frame = connection.read().await;
        link.cancel(exchange);
        until(|| island.process.metrics.scrape().contains("highway_ingress_calls_in_flight 0\n")).await;
        connection.write(&value_for(&frame, "nobody listens", &[])).await;
        until(|| island.process.metrics.scrape().contains("highway_provider_unknown_answers_total 1\n")).await;
        assert!(!island.hub.has_ended(token));
    });
}

#[test]
fn a_drain_lets_calls_end_and_asks_for_no_more() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let mut island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let token = island.call(&Calling::default()).await;
        let frame = connection.read().await;
        let teller = island.teller.take().unwrap();
        let drained = tokio::task::spawn_local(teller.drain(Duration::from_secs(20)));
        island.hub.until(|hub| hub.links.borrow().first().is_none_or(|link| !link.usable()).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(!drained.is_finished(), "a call is under way");
        connection.write(&value_for(&frame, "the last one", &[])).await;
        island.hub.answered(token).await;
        assert_eq!(drained.await.unwrap(), chassis::drain::Drained::Empty);
        island.hub.until(|hub| hub.links.borrow().is_empty().then_some(())).await;
    });
}

#[test]
fn readiness_and_status_say_what_there_is() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        island.is_offered(SERVICE).await;
        let _connection = provider.accept().await;
        until(|| island.process.ready.report().0).await;
        let up = |status: &serde_json::Value| status["shards"][0]["providers"][0]["state"] == "up";
        let status = loop {
            let status = island.process.status.report().await;
            if up(&status) {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert_eq!(status["exports"]["services"][0]["service"], SERVICE);
        assert_eq!(status["exports"]["services"][0]["healthy"], true);
        assert_eq!(status["shards"][0]["in_flight"], 0);
        assert!(status["shards"][0]["hubs"][0]["links"].as_array().is_some_and(|links| links.len() == 1), "{status:#}");
    });
}
