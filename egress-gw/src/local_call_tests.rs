//! Calls to providers of this island: what the provider gets, what the consumer gets, and what is held meanwhile.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use wire::dubbo::call::{Call, Peeked};
use wire::dubbo::frame::{Codec, FrameKind, Serialization};

use super::*;
use crate::knowledge::Knowledge;
use crate::local::LocalTls;
use crate::local_pool::IDLE;
use crate::testing::*;

const LOCAL: (&str, &str) = ("highway.target", "local");

/// A gate whose island has one provider, which has not been called yet.
async fn gate(said: &[(&str, &str)]) -> (Gate, TcpListener) {
    let (listener, address) = provider_port().await;
    (GateBuilder::default().beside(address, said).open(), listener)
}

/// A call that the only provider of this island has got, and not answered.
struct Called {
    gate: Gate,
    listener: TcpListener,
    consumer: Peer,
    provider: Peer,
    got: Vec<u8>,
}

async fn called(call: &[u8]) -> Called {
    let (gate, listener) = gate(&[]).await;
    let mut consumer = gate.consumer().await;
    consumer.send(call).await;
    let mut provider = accepted(&listener).await;
    let got = provider.frame().await;
    Called { gate, listener, consumer, provider, got }
}

/// A call to `local` whose consumer waits long enough for a connection on a busy machine.
fn here(id: i64) -> Vec<u8> {
    call(id, "greet", &[LOCAL, ("timeout", "5000")])
}

/// What a provider reads in a frame.
fn read<R>(frame: &[u8], look: impl FnOnce(&Header, &Call<'_>) -> R) -> R {
    let header = Header::decode(frame).unwrap().unwrap();
    let Peeked::Call(call) = peek(&header, &frame[HEADER_LEN..]).unwrap() else { panic!("opaque") };
    look(&header, &call)
}

fn attachment(frame: &[u8], key: &str) -> Option<String> {
    read(frame, |_, call| call.attachments.get(key).map(|value| value.into_owned()))
}

#[test]
fn a_call_to_local_goes_to_a_provider_of_this_island_and_its_answer_comes_back() {
    on_shard(async {
        let (gate, listener) = gate(&[("token", "hush")]).await;
        let mut consumer = gate.consumer().await;
        consumer
            .send(&call(
                7,
                "greet",
                &[LOCAL, ("highway.source.island", "a lie"), ("timeout", "3000"), ("mine", "kept")],
            ))
            .await;
        let mut provider = accepted(&listener).await;
        let got = provider.frame().await;
        read(&got, |header, call| {
            assert_ne!(header.id, 7, "ids of two consumers must not meet");
            assert_eq!((&*call.service, &*call.method), ("com.acme.Greeter", "greet"));
            assert_eq!(call.highway().count(), 0, "a provider may tell calls of other islands by these");
            assert!(call.timeout.unwrap() < Duration::from_millis(3000), "{:?}", call.timeout);
        });
        assert_eq!(
            (attachment(&got, "mine").as_deref(), attachment(&got, "token").as_deref()),
            (Some("kept"), Some("hush"))
        );
        provider.reply_to(&got).await;
        let answer = consumer.frame().await;
        assert_eq!((answer[11], &answer[HEADER_LEN..]), (7, &b"\x91\x02hi"[..]));
        assert!(gate.link().opened.borrow().is_empty() && gate.core.calls.is_empty());
        assert_eq!((gate.core.counters.local.get(), gate.core.counters.answered_calls()), (1, 1));
    });
}

#[test]
fn without_a_call_to_local_no_provider_is_connected() {
    on_shard(async {
        let (gate, listener) = gate(&[]).await;
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[])).await;
        let token = gate.link().calls(1).await[0].token;
        gate.reply(token, &ok_reply(b"\x02hi"));
        consumer.frame().await;
        assert!(gate.core.local.status().is_empty());
        consumer.send(&here(2)).await;
        accepted(&listener).await;
        assert_eq!(gate.core.local.status().len(), 1);
    });
}

/// They stayed for as long as the provider was listed, whatever was called.
#[test]
fn a_provider_that_is_not_called_for_a_while_is_given_up_and_connected_anew_with_the_next_call() {
    on_shard(async {
        let Called { gate, listener, mut consumer, mut provider, got } = called(&here(1)).await;
        let last = Instant::now();
        gate.core.local.give_up_idle(last + IDLE / 2);
        assert_eq!(gate.core.local.status().len(), 1);
        gate.core.local.give_up_idle(last + IDLE);
        assert!(gate.core.local.status().is_empty());
        provider.reply_to(&got).await;
        assert_eq!(consumer.frame().await[11], 1, "what was under way is answered");
        provider.closed().await;
        consumer.send(&here(2)).await;
        accepted(&listener).await.frame().await;
    });
}

/// All that was called before was looked up and listed anew with every service that was called first.
#[test]
fn a_service_that_is_called_first_changes_nothing_for_the_others() {
    on_shard(async {
        let (greeter, one) = provider_port().await;
        let (other, two) = provider_port().await;
        let local = local_of_services(&[("com.acme.Greeter", one), ("com.acme.Other", two)]);
        let gate = GateBuilder { knowledge: knowing(local), ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&here(1)).await;
        accepted(&greeter).await.frame().await;
        let listed = gate.core.local.generation();
        consumer.send(&call_in(Codec::Hessian2, "com.acme.Other", 2, "x", "y", &[LOCAL])).await;
        accepted(&other).await.frame().await;
        assert_eq!((gate.core.local.generation(), gate.core.local.status().len()), (listed, 2));
    });
}

#[test]
fn a_one_way_call_is_handed_over_and_forgotten() {
    on_shard(async {
        let (gate, listener) = gate(&[]).await;
        let mut consumer = gate.consumer().await;
        consumer.send(&one_way(here(1))).await;
        let got = accepted(&listener).await.frame().await;
        assert_eq!(Header::decode(&got).unwrap().unwrap().kind(), FrameKind::OneWay);
        assert!(gate.core.calls.is_empty());
        consumer.nothing_but_a_heartbeat().await;
    });
}

#[test]
fn a_provider_that_cannot_be_reached_is_told_as_not_sent_and_another_is_asked_first() {
    on_shard(async {
        let (listener, address) = provider_port().await;
        let (_closed, nobody) = closed_port();
        let knowledge =
            with_providers(&[(nobody, &[("weight", "10000"), ("token", "hush")]), (address, &[("weight", "1")])]);
        let gate = GateBuilder { knowledge, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&here(1)).await;
        let mut provider = accepted(&listener).await;
        let got = provider.frame().await;
        assert_eq!(attachment(&got, "token"), None, "the first one's token is not for the second");
        provider.reply_to(&got).await;
        assert_eq!(consumer.frame().await[11], 1);

        let alone = GateBuilder { knowledge: with_providers(&[(nobody, &[])]), ..GateBuilder::default() }.open();
        let mut consumer = alone.consumer().await;
        consumer.send(&call(2, "greet", &[LOCAL, ("timeout", "2000")])).await;
        let told = consumer.answer().await;
        assert_eq!(told.status, Status::SERVER_ERROR, "before its deadline, when nothing more would be known");
        assert_eq!(
            told.text,
            "highway: `com.acme.Greeter#greet` was not sent: this egress gateway has no connection to a provider of it in its own island; see `local_providers` in its /status (the call was not executed)"
        );
        assert!(alone.core.calls.is_empty() && alone.link().opened.borrow().is_empty(), "it goes nowhere else");
    });
}

#[test]
fn a_connection_that_ends_with_a_call_on_it_leaves_the_outcome_unknown() {
    on_shard(async {
        let mut called = called(&here(1)).await;
        drop(called.provider);
        let told = called.consumer.answer().await;
        assert_eq!(told.status, Status::OK, "Java must not repeat it");
        assert!(
            told.text.contains("sent and unanswered") && told.text.contains("may have been executed"),
            "{}",
            told.text
        );
    });
}

#[test]
fn at_its_deadline_a_local_call_is_cancelled_and_its_consumer_told_that_it_may_have_run() {
    on_shard(async {
        let Called { gate, mut consumer, mut provider, got, .. } =
            called(&call(1, "greet", &[LOCAL, ("timeout", "1000")])).await;
        let told = consumer.answer().await;
        assert_eq!(told.status, Status::SERVER_TIMEOUT);
        assert!(
            told.text.contains("the provider of this island gave no answer to `com.acme.Greeter#greet` within 950ms"),
            "{}",
            told.text
        );
        provider.reply_to(&got).await;
        consumer.nothing_but_a_heartbeat().await;
        assert!(gate.core.calls.is_empty());
    });
}

#[test]
fn a_consumer_that_leaves_takes_its_local_calls_along() {
    on_shard(async {
        let Called { gate, consumer, mut provider, got, .. } = called(&here(1)).await;
        assert_eq!(gate.core.local.status()[0].outstanding, 1);
        drop(consumer);
        until(|| gate.core.calls.is_empty()).await;
        assert_eq!(gate.core.local.status()[0].outstanding, 0);
        provider.reply_to(&got).await;
        let mut other = gate.consumer().await;
        other.nothing_but_a_heartbeat().await;
    });
}

#[test]
fn an_error_in_a_serialization_that_the_consumer_did_not_use_is_written_so_that_it_can_read_it() {
    on_shard(async {
        let mut called = called(&here(3)).await;
        let mut body = Vec::new();
        wire::dubbo::reply::put_error(&mut body, 1, Status::SERVICE_NOT_FOUND, "highway: none)");
        let text = &body[HEADER_LEN..];
        // The same error as fastjson2 bytes that a hessian2 consumer cannot read.
        let json = b"\x7a\x05hello";
        let id = read(&called.got, |header, _| header.id);
        let mut error =
            Header::reply(Serialization::FASTJSON2, Status::SERVICE_NOT_FOUND, id, json.len() as u32).encode().to_vec();
        error.extend_from_slice(json);
        called.provider.send(&error).await;
        let answer = called.consumer.frame().await;
        let header = Header::decode(&answer).unwrap().unwrap();
        assert_eq!((header.id, header.serialization()), (3, Serialization::HESSIAN2));
        assert!(!text.is_empty() && header.status() == Status::SERVICE_NOT_FOUND);
    });
}

#[test]
fn a_call_that_wants_to_be_called_back_is_refused_in_words() {
    on_shard(async {
        let (gate, _listener) = gate(&[]).await;
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[LOCAL, ("sys_callback_arg-0", "12")])).await;
        let told = consumer.answer().await;
        assert!(told.text.contains("wants to be called back, which no gateway carries"), "{}", told.text);
    });
}

#[test]
fn a_provider_that_is_not_listed_any_more_gets_no_new_call_and_the_new_one_does() {
    on_shard(async {
        let Called { gate, mut consumer, mut provider, got: first, .. } = called(&here(1)).await;
        let (new, address) = provider_port().await;
        let knowledge = gate.core.knowledge.load_full();
        gate.core.knowledge.store(std::sync::Arc::new(Knowledge {
            snapshot: knowledge.snapshot.clone(),
            local: local_of(&[(address, &[])]),
            ..Knowledge::default()
        }));
        consumer.send(&here(2)).await;
        let mut other = accepted(&new).await;
        let second = other.frame().await;
        // What was sent before is still answered, and then its connection ends.
        provider.reply_to(&first).await;
        assert_eq!(consumer.frame().await[11], 1);
        provider.closed().await;
        other.reply_to(&second).await;
        assert_eq!(consumer.frame().await[11], 2);
    });
}

#[test]
fn where_nobody_offers_the_service_here_a_call_to_local_is_refused() {
    on_shard(async {
        let knowledge = with_providers(&[]);
        let gate = GateBuilder { knowledge, ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&[here(1), call_in(Codec::Hessian2, "com.acme.Other", 2, "x", "y", &[LOCAL])].concat()).await;
        for id in [1, 2] {
            let told = consumer.answer().await;
            assert_eq!((told.id, told.status), (id, Status::OK), "{}", told.text);
            assert!(told.text.contains("local"), "{}", told.text);
        }
    });
}

#[test]
fn a_provider_with_tls_is_called_once_it_is_said_whom_to_trust() {
    on_shard(async {
        let own = SelfSigned::new();
        let (listener, address) = provider_port().await;
        let marked: &[(SocketAddr, &[(&str, &str)])] = &[(address, &[("ssl-enabled", "true")])];
        let gate = GateBuilder { knowledge: with_providers(marked), ..GateBuilder::default() }.open();
        let mut consumer = gate.consumer().await;
        consumer.send(&call(1, "greet", &[LOCAL, ("timeout", "400")])).await;
        assert_eq!(consumer.answer().await.status, Status::SERVER_ERROR);
        let trouble = gate.core.local.status()[0].trouble.clone().unwrap();
        assert!(trouble.contains("[local.tls]"), "{trouble}");

        let tls = LocalTls { trust: Some(own.trust()), ..LocalTls::default() };
        let snapshot = gate.core.knowledge.load().snapshot.clone();
        let local = local_with(marked, tls);
        gate.core.knowledge.store(std::sync::Arc::new(Knowledge { snapshot, local, ..Knowledge::default() }));
        consumer.send(&here(2)).await;
        let mut provider = accepted_with_tls(&listener, own.server()).await;
        let got = provider.frame().await;
        provider.reply_to(&got).await;
        assert_eq!(consumer.frame().await[11], 2);
    });
}
