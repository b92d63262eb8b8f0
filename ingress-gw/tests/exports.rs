//! What the gateway exports, through the real gateway: of what it tells the hub, and for what it takes calls.

mod island;

use island::*;
use wire::tunnel::{Kind, Outcome, Stage};

#[test]
fn what_no_rule_exports_is_refused_even_if_the_hub_lets_it_through() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let rules = "[[export.rule]]\nservice = \"com.acme.Other\"\n[[export.rule]]\nservice = \"com.acme.Greeter\"\naction = \"deny\"\n";
        let island = Island::start(&shard, &format!("{rules}{}", provider.section(""))).await;
        island.hub.until(|hub| (!hub.updates.borrow().is_empty()).then_some(())).await;
        let failure = island.hub.failed(island.call(&Calling::default()).await).await;
        assert_eq!((failure.stage, failure.kind, failure.outcome), (Stage::Pick, Kind::NotOffered, Outcome::NotSent));
        assert!(failure.text.contains("com.acme.Greeter is not exported"), "{}", failure.text);
        assert!(island.hub.offered().is_empty());
    });
}

#[test]
fn a_gateway_that_still_reads_its_registry_calls_what_it_knows_and_tells_the_others_to_come_again() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        // It takes connections and never says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let registry = format!("[[registry]]\naddress = \"{}\"\n", silent.local_addr().unwrap());
        let island = Island::start(&shard, &format!("{EXPORTED}{registry}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let token = island.call(&Calling::default()).await;
        connection.answer("hello").await;
        island.hub.answered(token).await;
        let unlisted = Calling { service: "com.acme.Listed", ..Calling::default() };
        let failure = island.hub.failed(island.call(&unlisted).await).await;
        assert_eq!((failure.stage, failure.kind, failure.outcome), (Stage::Pick, Kind::NoLink, Outcome::NotSent));
        assert!(failure.text.contains("is reading its registry"), "{}", failure.text);
    });
}

#[test]
fn a_reload_opens_and_closes_services_while_it_runs() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let denied = format!("[[export.rule]]\nservice = \"*\"\naction = \"deny\"\n{}", provider.section(""));
        let allowed = format!("{EXPORTED}{}", provider.section(""));
        let mut island = Island::start(&shard, &denied).await;
        island.hub.failed(island.call(&Calling::default()).await).await;

        island.reload(&allowed).await.unwrap();
        island.is_offered(SERVICE).await;
        let mut connection = provider.accept().await;
        let token = island.call(&Calling::default()).await;
        connection.answer("hello").await;
        island.hub.answered(token).await;

        island.reload(&denied).await.unwrap();
        island.hub.until(|hub| hub.offered().is_empty().then_some(())).await;
        let failure = island.hub.failed(island.call(&Calling::default()).await).await;
        assert_eq!(failure.kind, Kind::NotOffered);

        let error = island.reload(&format!("{allowed}[limits]\nframe = \"1MiB\"\n")).await.unwrap_err();
        assert!(error.to_string().contains("restart"), "{error}");
    });
}

#[test]
fn the_hub_is_told_the_whole_and_then_differences() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let methods = "methods = [\"hello\", \"bye\"]\ntimeout = \"3s\"\n";
        let first = format!("{EXPORTED}{}", provider.section(methods));
        let mut island = Island::start(&shard, &first).await;
        island.is_offered(SERVICE).await;
        {
            let updates = island.hub.updates.borrow();
            let update = &updates[0];
            assert_eq!((update.base, update.complete, updates.len()), (0, true, 1));
            assert_eq!((&*update.origin.island, &*update.origin.gateway), ("shanghai", "in-1"));
            assert_eq!(
                (&update.added[0].methods[..], update.added[0].timeout_ms),
                (&["bye".to_owned(), "hello".to_owned()][..], Some(3000))
            );
        }
        let more = format!(
            "{first}[[provider]]\naddress = \"127.0.0.1:9\"\nservice = \"com.acme.More\"\ngroup = \"g\"\nversion = \"1.0.0\"\n"
        );
        island.reload(&more).await.unwrap();
        island.is_offered("g/com.acme.More:1.0.0").await;
        {
            let updates = island.hub.updates.borrow();
            let update = updates.last().unwrap();
            assert_eq!((update.base, update.added.len(), update.removed.len()), (updates[0].revision, 1, 0));
        }
        island.reload(&first).await.unwrap();
        island.hub.until(|hub| (hub.offered() == [SERVICE]).then_some(())).await;
        assert_eq!(island.hub.updates.borrow().last().unwrap().removed.len(), 1);
    });
}
