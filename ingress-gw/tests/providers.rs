//! Providers as the gateway finds them: with TLS, gone, and late.

mod island;

use std::time::Duration;

use island::*;
use wire::tunnel::question::{AskedCall, Providers};
use wire::tunnel::{Head, Kind, Notice, Outcome};

/// How the only provider stands, as `/status` has it.
async fn state(island: &Island) -> String {
    let status = island.process.status.report().await;
    status["shards"][0]["providers"][0]["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_static_provider_with_tls_is_called_once_the_configuration_says_whom_to_trust() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let listed = format!("{EXPORTED}{}", provider.section("tls = true"));
        let mut island = Island::start(&shard, &format!("{listed}[providers]\nwait = \"50ms\"\n")).await;
        island.is_offered(SERVICE).await;
        let refused = island.hub.failed(island.call(&Calling::default()).await).await;
        assert_eq!((refused.kind, refused.outcome), (Kind::ProviderGone, Outcome::NotSent));
        let trouble = island.process.status.report().await["shards"][0]["providers"][0]["trouble"].to_string();
        assert!(trouble.contains("nobody has said whom to trust: see [providers.tls]"), "{trouble}");
        let acceptor = certificate(island.folder.path());
        let tls = "[providers.tls]\nca_file = \"provider.pem\"\nserver_name = \"provider.internal\"\n";
        island.reload(&format!("{listed}[providers]\nwait = \"50ms\"\n{tls}")).await.unwrap();
        let stream = provider.0.accept().await.unwrap().0;
        let mut connection = Connection(acceptor.accept(stream).await.unwrap());
        // The handshake's last flight is on its way to the gateway: a call meanwhile may still be told of no connection.
        while state(&island).await != "up" {}
        let token = island.call(&Calling::default()).await;
        connection.answer("hello").await;
        island.hub.answered(token).await;
        assert_eq!(island.hub.offered(), [SERVICE]);
    });
}

#[test]
fn the_catalogue_says_when_no_provider_can_be_reached_and_when_one_can_again() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let port = provider.port();
        let rest = format!("{EXPORTED}{}[providers]\nwait = \"50ms\"\n", provider.section(""));
        let island = Island::start(&shard, &rest).await;
        let healthy = |hub: &Hub, wanted: bool| {
            let updates = hub.updates.borrow();
            updates.last().and_then(|update| update.added.first()).is_some_and(|entry| entry.healthy == wanted)
        };
        island.hub.until(|hub| healthy(hub, true).then_some(())).await;
        drop((provider.accept().await, provider));
        island.hub.until(|hub| healthy(hub, false).then_some(())).await;
        let provider = Provider::at(port);
        let _connection = provider.accept().await;
        island.hub.until(|hub| healthy(hub, true).then_some(())).await;
        assert_eq!(island.hub.offered(), [SERVICE], "it was offered all the time");
    });
}

/// Callers of other islands once read where each provider listens, and what its name is.
#[test]
fn no_address_of_a_provider_leaves_the_island() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let gone = Provider::anywhere().await.port();
        let listed = |port| format!("{EXPORTED}{}[providers]\nwait = \"50ms\"\n", section(port, ""));
        let mut island = Island::start(&shard, &listed(provider.port())).await;
        let mut connection = provider.accept().await;
        let mut texts = Vec::new();
        let late = Calling { left: Duration::from_millis(50), ..Calling::default() };
        texts.push(island.hub.failed(island.call(&late).await).await.text);
        connection.read().await;
        let token = island.call(&Calling::default()).await;
        connection.read().await;
        drop((connection, provider));
        texts.push(island.hub.failed(token).await.text);
        // While there is hope for a connection a call waits for it, and then there is none.
        texts.push(island.hub.failed(island.call(&Calling::default()).await).await.text);
        while state(&island).await != "down" {}
        texts.push(island.hub.failed(island.call(&Calling::default()).await).await.text);
        island.reload(&listed(gone)).await.unwrap();
        texts.push(island.hub.failed(island.call(&Calling::default()).await).await.text);
        for text in &texts {
            assert!(text.contains("ingress gateway `in-1` of island `shanghai`"), "{text}");
            assert!(text.contains("com.acme.Greeter#hello") && !text.contains("127.0.0.1"), "{text}");
        }
    });
}

/// Looking began anew with each change, and so never came about where there were some each second.
#[test]
fn it_says_so_too_while_what_is_listed_changes_all_the_time() {
    on_a_shard(|shard| async move {
        let gone = Provider::anywhere().await.port();
        let rest = |round: usize| format!("{EXPORTED}{}", section(gone, &format!("path = \"round-{round}\"")));
        let mut island = Island::start(&shard, &rest(0)).await;
        let told = |hub: &Hub| {
            let updates = hub.updates.borrow();
            updates.iter().flat_map(|update| &update.added).any(|entry| !entry.healthy)
        };
        for round in 1..200 {
            island.reload(&rest(round)).await.unwrap();
            if told(&island.hub) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the catalogue calls it healthy still");
    });
}

#[test]
fn a_call_that_waited_for_its_provider_tells_it_the_time_that_is_left() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{}", provider.section(""))).await;
        let port = provider.port();
        drop((provider.accept().await, provider));
        while state(&island).await == "up" {}
        let call = Calling { attachments: &[("timeout", "9000")], left: Duration::from_secs(9), ..Calling::default() };
        let began = std::time::Instant::now();
        let token = island.call(&call).await;
        // The next attempt to connect is most of a second away: that is how long the call waits.
        let provider = Provider::at(port);
        let mut connection = provider.accept().await;
        let frame = connection.read().await;
        let waited = began.elapsed();
        read_call(&frame, |_, call| {
            let told = call.timeout.unwrap();
            assert!(told <= Duration::from_millis(8_900) && told + waited >= Duration::from_millis(8_900), "{told:?}");
        });
        connection.write(&value_for(&frame, "late", &[])).await;
        island.hub.answered(token).await;
    });
}

/// What the gateway says of who stands behind this service, once `fits`.
async fn behind(island: &Island, question: u64, service: &str, fits: impl Fn(&Providers) -> bool) -> Providers {
    let link = island.hub.link().await;
    let head = Head { destination: "shanghai", service, method: "hello", serialization: 2, ..Head::default() };
    let call = AskedCall::of(&head).expect("short names");
    loop {
        island.hub.notices.borrow_mut().clear();
        link.notify(&Notice::Asked { question, call: Box::new(call.clone()) });
        let answer = |notice: &Notice| match notice {
            Notice::Staffed { question: number, providers, .. } if *number == question => Some(providers.clone()),
            _ => None,
        };
        let told = island.hub.until(|hub| hub.notices.borrow().iter().find_map(answer)).await;
        if fits(&told) {
            return told;
        }
    }
}

#[test]
fn a_hub_that_asks_hears_how_many_providers_there_are_and_where_only_if_a_rule_says_so() {
    on_a_shard(|shard| async move {
        let (provider, gone) = (Provider::anywhere().await, Provider::anywhere().await);
        let providers = format!("{}{}", provider.section(""), gone.section(""));
        let mut island = Island::start(&shard, &format!("{EXPORTED}{providers}")).await;
        let _up = (provider.accept().await, gone.accept().await);
        let told = behind(&island, 7, SERVICE, |told| told.up == 2).await;
        assert_eq!((told.listed, told.ejected, told.addresses), (2, 0, Vec::new()));
        assert_eq!(behind(&island, 8, "com.acme.Unknown", |_| true).await, Providers::default());
        // One goes, and the rule shows where they are from now on.
        drop(gone);
        drop(_up.1);
        island.reload(&format!("{EXPORTED}show_addresses = true\n{providers}")).await.unwrap();
        let told = behind(&island, 9, SERVICE, |told| told.up == 1 && !told.addresses.is_empty()).await;
        assert_eq!(told.listed, 2);
        assert!(told.addresses.contains(&format!("127.0.0.1:{}", provider.port())), "{told:?}");
    });
}
