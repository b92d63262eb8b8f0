//! Bodies that come in pieces over the links, and what those that never come as a whole may hold.

mod island;

use std::time::{Duration, Instant};

use island::*;
use tunnel::{End, ExchangeId, Link};
use wire::tunnel::{Head, Kind, Outcome, Stage};

const LIMITS: &str = "[limits]\nframe = \"1MiB\"\nreply = \"1MiB\"\nheld = \"16MiB\"\n";
const LONG: u32 = 1 << 20;

/// Opens a call of island `source` that announces a body of [`LONG`] and sends the first byte of it.
fn begin(island: &Island, link: &Link, source: &str) -> (u64, ExchangeId) {
    let call = Calling { left: Duration::from_secs(24 * 3600), ..Calling::default() };
    let head = Head { source, body_len: LONG, ..call.head(&[]) };
    island.hub.begun_as(link, &head, &[0xda])
}

/// Bodies that hold more than half of the budget together, so that who is slow is waited for less.
fn begin_many(island: &Island, link: &Link) -> Vec<(u64, ExchangeId)> {
    ["beijing"; 4]
        .iter()
        .chain(&["tianjin"; 4])
        .chain(&["shenzhen"])
        .map(|source| begin(island, link, source))
        .collect()
}

#[test]
fn an_island_whose_bodies_never_end_does_not_shut_the_others_out() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{LIMITS}{}", provider.section(""))).await;
        let mut connection = provider.accept().await;
        let link = island.hub.link().await;
        // More than three quarters of the budget hold.
        let begun: Vec<_> = (0..24).map(|_| begin(&island, &link, "beijing")).collect();
        let failure = island.hub.failed(begun[23].0).await;
        assert_eq!((failure.stage, failure.kind, failure.outcome), (Stage::Tunnel, Kind::Overload, Outcome::NotSent));
        assert!(failure.text.contains("bodies of island `beijing` that are still arriving hold"), "{}", failure.text);
        let arg = "x".repeat(900_000);
        let call = Calling { arg: &arg, ..Calling::default() };
        let frame = call.frame();
        let head = Head { source: "tianjin", ..call.head(&frame) };
        let token = island.hub.open(&link, &head, &frame);
        connection.answer("hello").await;
        island.hub.answered(token).await;
        let waiting = begun.iter().filter(|(token, _)| !island.hub.has_ended(*token)).count();
        assert_eq!(waiting, 5, "alone an island has half of what is for unfinished bodies");
    });
}

#[test]
fn bodies_that_gain_nothing_but_empty_pieces_are_given_up() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{LIMITS}{}", provider.section(""))).await;
        let link = island.hub.link().await;
        let began = Instant::now();
        let begun = begin_many(&island, &link);
        let (token, exchange) = begun[0];
        while !island.hub.has_ended(token) {
            assert!(began.elapsed() < Duration::from_secs(25), "it is still waited for");
            link.send_data(exchange, &[], End::No);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let failure = island.hub.failed(token).await;
        assert_eq!((failure.kind, failure.outcome), (Kind::DeadlinePassed, Outcome::NotSent));
        let text = "the body of the call comes too slowly over the link to wait for it: no byte came for ";
        assert!(
            failure.text.starts_with(text) && failure.text.contains(" of its part of the link's time"),
            "{}",
            failure.text
        );
    });
}

#[test]
fn bodies_that_take_turns_on_a_slow_link_are_waited_for() {
    on_a_shard(|shard| async move {
        let provider = Provider::anywhere().await;
        let island = Island::start(&shard, &format!("{EXPORTED}{LIMITS}{}", provider.section(""))).await;
        let link = island.hub.link().await;
        let begun = begin_many(&island, &link);
        // Each has its next turn after more than the two seconds that a lone one may be silent for.
        for (_, exchange) in begun.iter().chain(&begun) {
            tokio::time::sleep(Duration::from_millis(300)).await;
            link.send_data(*exchange, &[7; 1000], End::No);
        }
        let ended: Vec<_> = begun.iter().filter(|(token, _)| island.hub.has_ended(*token)).collect();
        assert!(ended.is_empty(), "{ended:?}: {}", island.hub.failed(ended[0].0).await);
    });
}
