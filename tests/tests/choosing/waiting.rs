//! What changes while calls wait for an island whose gateway is away.

use std::time::Duration;

use lab::peer::Call;
use lab::process::until;

use super::documents::Documents;
use super::stage::{FOLLOWED, Stage, hello, refer, stage, until_answered_by, who};

/// Longer than anything here takes, so that what ends before ends for another reason.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call of a consumer that waits for so long, and says so in the call too: 2.7 and before do not by themselves.
fn patient(reference: &str) -> Call {
    hello(reference).attachment("timeout", &PATIENCE.as_millis().to_string())
}

/// Sends a call of each Java consumer, by a new reference, to b, whose gateway is killed before, and does `then` when all of them wait.
/// How each ended. A further reference of dubbo-go to a service that it refers to already may find no provider for long.
fn while_one_of_each_waits(stage: &Stage, reference: &str, then: impl FnOnce()) -> Vec<(String, String)> {
    let consumers: Vec<_> = stage.consumers.iter().filter(|(name, _)| !name.starts_with("go-")).collect();
    for (name, consumer) in &consumers {
        consumer.refer(&refer(reference).timeout(PATIENCE)).unwrap();
        until_answered_by(name, consumer, &patient(reference), "b");
    }
    stage.line.island("b").ingress().kill();
    let ended = std::thread::scope(|scope| {
        let calls: Vec<_> = consumers
            .iter()
            .map(|(name, consumer)| (name.clone(), scope.spawn(move || who(consumer, &patient(reference)))))
            .collect();
        let all_wait = || {
            let status = stage.line.island("a").egress().status().ok()?;
            let shards = status["shards"].as_array()?.clone();
            let waiting: u64 = shards.iter().filter_map(|shard| shard["waiting_for_a_link"].as_u64()).sum();
            (waiting as usize >= calls.len()).then_some(())
        };
        let waiting = until("a call of each consumer waits", FOLLOWED, all_wait);
        if waiting.is_ok() {
            then();
        }
        let ended = calls.into_iter().map(|(name, call)| (name, call.join().unwrap())).collect();
        waiting.map(|()| ended)
    });
    // Whatever became of it: the next test wants both islands.
    stage.line.island("b").ingress().start().unwrap();
    ended.unwrap()
}

#[test]
fn a_switch_that_is_thrown_while_calls_wait_for_their_island_stops_them_with_its_sentence() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("island: b");
    let ended = while_one_of_each_waits(stage, "stopped", || {
        documents.say("switches:\n  - name: stop-b\n    island: b\n    say: \"b is stopped, call 555\"\nrules:\n  - name: tested\n    act: { island: b }\n");
    });
    for (name, told) in ended {
        println!("{name}: {told}");
        assert!(told.contains("b is stopped, call 555"), "{name}: {told}");
    }
}

#[test]
fn calls_that_wait_for_their_island_go_where_a_changed_rule_leads_them() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("island: b");
    for (name, told) in while_one_of_each_waits(stage, "led", || documents.act("island: c")) {
        assert_eq!(told, "c", "{name}");
    }
}
