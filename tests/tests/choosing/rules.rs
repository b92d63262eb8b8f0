//! What operators say in the config center: documents of rules, written with `highway rules`, obeyed by the gateways.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use highway_tests::install::Release;
use highway_tests::line::Line;
use highway_tests::peer::{DUBBO_PORT, GREETING, Peer};
use highway_tests::process::until;

use super::stage::{
    BOTH, FIRST, FOLLOWED, Stage, hello, island_in, only, provider, refer, stage, until_answered_by, who,
};

/// How soon a gateway obeys, says the documentation. A machine that is busy with other tests may be later by chance, not by rule.
const OBEYED: Duration = Duration::from_secs(1);
const OBEYED_AT_LAST: Duration = Duration::from_secs(10);
/// Changes of the rule while calls come in.
const CHANGES: usize = 50;

/// Rules for what both islands offer; taken away again when the test is over.
pub struct Documents<'a> {
    line: &'a Line,
    group: &'static str,
}

impl<'a> Documents<'a> {
    /// None yet.
    pub fn of(line: &'a Line) -> Self {
        Self::about(line, BOTH)
    }

    /// None yet, about another group.
    pub fn about(line: &'a Line, group: &'static str) -> Self {
        Self { line, group }
    }

    fn name(&self) -> String {
        format!("{}.greeting", self.group)
    }

    fn command(&self, command: &str, more: &[&str]) -> String {
        let island = self.line.island("a");
        let registry = island.zookeeper.address().to_string();
        let mut arguments = vec!["rules", command];
        arguments.extend(more);
        arguments.extend(["--registry", &registry]);
        island.place().highway(&arguments).unwrap()
    }

    /// Makes the document say these rules, in YAML.
    pub fn say(&self, rules: &str) {
        let file = self.line.lab.folder().join(format!("{}.yaml", self.name()));
        std::fs::write(&file, format!("service: {}/{GREETING}\n{rules}", self.group)).unwrap();
        self.command("apply", &[&file.display().to_string(), &self.name()]);
    }

    fn act(&self, act: &str) {
        self.say(&format!("rules:\n  - name: tested\n    act: {{ {act} }}\n"));
    }
}

impl Drop for Documents<'_> {
    /// Whatever became of the test: the next one finds neither the document nor a gateway that still obeys it.
    fn drop(&mut self) {
        let name = self.name();
        let island = self.line.island("a");
        let registry = island.zookeeper.address().to_string();
        let removed = island.place().highway(&["rules", "remove", &name, "--registry", &registry]);
        let is_forgotten = || {
            let status = island.egress().status().ok()?;
            let rules = status["egress"]["rules"].as_array()?.iter().any(|document| document["name"] == *name);
            (!rules).then_some(())
        };
        let forgotten = until("the gateway has forgotten the document", OBEYED_AT_LAST, is_forgotten);
        if !std::thread::panicking() {
            removed.unwrap();
            forgotten.unwrap();
        }
    }
}

/// Who answers so many calls.
fn answers(consumer: &Peer, calls: u32) -> BTreeMap<String, u64> {
    let tally = consumer.many(&hello("plain").threads(1, calls)).unwrap();
    tally.results.iter().map(|(text, count)| (island_in(text), *count)).chain(tally.errors).collect()
}

fn each_is_answered_by(stage: &Stage, island: &str) {
    for (name, consumer) in &stage.consumers {
        until_answered_by(name, consumer, &hello("plain"), island);
    }
}

#[test]
fn a_rule_gives_silent_calls_an_island_and_those_that_say_one_keep_it() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("island: b");
    each_is_answered_by(stage, "b");
    for (name, consumer) in &stage.consumers {
        assert_eq!(who(consumer, &hello("plain").attachment("highway.target", "c")), "c", "{name}");
    }
    documents.say("rules:\n  - name: gray\n    priority: 10\n    match: { attachments: { env: \"gray*\" } }\n    act: { island: c }\n  - name: rest\n    act: { island: b }\n");
    for (name, consumer) in &stage.consumers {
        until_answered_by(name, consumer, &hello("plain").attachment("env", "gray-1"), "c");
        assert_eq!(who(consumer, &hello("plain").attachment("env", "blue")), "b", "{name}");
        assert_eq!(who(consumer, &hello("plain")), "b", "{name}");
    }
    drop(documents);
    for (name, consumer) in &stage.consumers {
        let told = until("the rule is gone", FOLLOWED, || {
            let told = who(consumer, &hello("plain"));
            (told != "b").then_some(told)
        });
        assert!(told.unwrap().contains("names none of them"), "{name}");
    }
}

#[test]
fn an_emergency_switch_stands_above_what_the_caller_says() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.say("switches:\n  - name: stop-b\n    island: b\n    say: \"b is stopped until 18:00, call 555\"\nrules:\n  - name: any\n    act: { failover: [b, c] }\n");
    each_is_answered_by(stage, "c");
    for (name, consumer) in &stage.consumers {
        let refused = who(consumer, &hello("plain").attachment("highway.target", "b"));
        assert!(refused.contains("b is stopped until 18:00, call 555"), "{name}: {refused}");
    }
    documents.say("switches:\n  - name: stop-all\n    say: \"closed\"\n");
    for (name, consumer) in &stage.consumers {
        let told =
            until("the switch is obeyed", FOLLOWED, || Some(who(consumer, &hello("plain"))).filter(|told| told != "c"));
        let told = told.unwrap();
        assert!(told.contains("closed") && told.contains("stop-all"), "{name}: {told}");
    }
}

#[test]
fn a_split_gives_each_island_its_share_and_a_key_stays_where_it_is() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("split: { to: { b: 80, c: 20 } }");
    for (name, consumer) in &stage.consumers {
        let spread =
            until("both answer", FOLLOWED, || Some(answers(consumer, 500)).filter(|all| all.len() == 2)).unwrap();
        println!("{name}: {spread:?}");
        assert!((340..=460).contains(&spread["b"]), "{name}: {spread:?}");
    }
    documents.act("split: { to: { b: 50, c: 50 }, sticky: { attachment: user } }");
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for (name, consumer) in &stage.consumers {
        // A moment of the old split may be left; it is over when one key has been answered alike many times.
        let sticks = || {
            let answered = consumer.many(&hello("plain").attachment("user", "u0").threads(1, 40)).unwrap();
            (answered.results.len() == 1 && answered.failed == 0).then_some(())
        };
        until("the sticky split is obeyed", FOLLOWED, sticks).unwrap();
        for user in 0..20 {
            let user = format!("u{user}");
            let island = who(consumer, &hello("plain").attachment("user", &user));
            let before = places.entry(user.clone()).or_insert_with(|| island.clone());
            assert_eq!(*before, island, "{name}: {user} is answered elsewhere than for other consumers");
        }
    }
    let islands: std::collections::BTreeSet<_> = places.values().collect();
    assert_eq!(islands.len(), 2, "{places:?}");
}

/// An island goes while calls come in: the next one of the list answers them, and the first one again when it is back.
#[test]
fn the_next_island_of_a_list_takes_over_and_no_call_fails() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("failover: [b, c]");
    each_is_answered_by(stage, "b");
    let tallies: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (stage.consumers.iter())
            .map(|(name, consumer)| {
                let load = hello("plain").lasting(1, Duration::from_secs(8), Duration::from_millis(5));
                scope.spawn(move || (name, consumer.many(&load).unwrap()))
            })
            .collect();
        std::thread::sleep(Duration::from_secs(2));
        line.island("b").ingress().stop().unwrap();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    for (name, tally) in tallies {
        let islands: Vec<String> = tally.results.keys().map(|text| island_in(text)).collect();
        println!("{name}: {} calls, {islands:?}, slowest {:?}, failed {:?}", tally.ok, tally.slowest(), tally.errors);
        assert_eq!((islands.len(), tally.failed), (2, 0), "{name}: {:?}", tally.errors);
    }
    line.island("b").ingress().start().unwrap();
    each_is_answered_by(stage, "b");
}

/// A local provider comes: its consumers stay at home. It goes: they find the way out, and back again when it has been back for a while.
#[test]
fn local_providers_come_first_and_the_way_out_opens_when_the_last_one_is_gone() {
    let (stage, line, _mine) = stage();
    let documents = Documents::about(&line, FIRST);
    documents.act("local-first: { then: [b], back-after: 3s }");
    for (_, consumer) in &stage.consumers {
        consumer.refer(&refer("first").group(FIRST)).unwrap();
    }
    let each_goes_to = |island: &str| {
        let began = Instant::now();
        for (name, consumer) in &stage.consumers {
            until_answered_by(name, consumer, &hello("first"), island);
        }
        println!("all are answered by {island} after {:?}", began.elapsed());
    };
    each_goes_to("b");
    for round in 0..2 {
        // On 3.3, at both levels: dubbo-go looks at instances alone. Consumers of 3.x have Dubbo's usual port for their metadata.
        let local = provider(&line, "a", Release::V3_3_6, DUBBO_PORT + 10 + round, &[FIRST]).unwrap();
        each_goes_to("a");
        for (name, consumer) in &stage.consumers {
            only(name, consumer, hello("first"), "a");
        }
        local.stop().unwrap();
        each_goes_to("b");
    }
}

/// Both islands are as near as can be here; what was measured is what decides.
#[test]
fn the_nearest_island_is_the_one_that_was_measured_so() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("nearest: []");
    // What was measured may change on a busy machine while it is looked at: then it is looked at again.
    let nearest = || {
        let status = line.island("a").egress().status().ok()?;
        let time = |island: &str| status["egress"]["round_trips_us"][island].as_u64();
        let (b, c) = (time("b")?, time("c")?);
        Some(if b <= c { "b" } else { "c" })
    };
    for (name, consumer) in &stage.consumers {
        let goes_there = || {
            let before = nearest()?;
            let answered = who(consumer, &hello("plain"));
            (nearest()? == before && answered == before).then_some(())
        };
        until(&format!("{name} is answered by the nearest island"), FOLLOWED, goes_there).unwrap();
    }
}

#[test]
fn a_broken_document_is_refused_by_the_tool_and_by_gateways_with_its_place() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("island: b");
    each_is_answered_by(stage, "b");
    let file = line.lab.folder().join("broken.yaml");
    std::fs::write(&file, "rules:\n  - name: x\n    act: { iland: c }\n").unwrap();
    let island = line.island("a");
    let address = island.zookeeper.address().to_string();
    let refused = island.place().highway(&[
        "rules",
        "apply",
        &file.display().to_string(),
        &documents.name(),
        "--registry",
        &address,
    ]);
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(refused.contains("broken.yaml:3:12") && refused.contains("iland"), "{refused}");
    // Past the tool, as somebody would with ZooKeeper's own command line.
    island.zookeeper.command_line(&[format!("set /dubbo/config/highway/{} nonsense", documents.name())]).unwrap();
    let shown = until("the gateway says what is wrong", FOLLOWED, || {
        let status = island.egress().status().ok()?;
        status["egress"]["rules"].as_array()?.iter().find_map(|one| one["refused"].as_str().map(str::to_owned))
    });
    let shown = shown.unwrap();
    assert!(shown.contains("line 1") && shown.contains("last good text"), "{shown}");
    each_is_answered_by(stage, "b");
}

/// While all consumers call without a pause, the rule changes many times: each time the calls move at once, and none fails.
#[test]
fn a_rule_that_changes_under_load_moves_the_calls_within_a_second_and_none_fails() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("island: b");
    each_is_answered_by(stage, "b");
    let over = AtomicBool::new(false);
    let mut moved = Vec::new();
    let (calls, failed) = std::thread::scope(|scope| {
        let callers: Vec<_> = (stage.consumers.iter())
            .map(|(name, consumer)| {
                let over = &over;
                scope.spawn(move || {
                    let (mut calls, mut failed) = (0, BTreeMap::new());
                    while !over.load(Ordering::Relaxed) {
                        let tally = consumer
                            .many(&hello("plain").lasting(2, Duration::from_millis(300), Duration::from_millis(2)))
                            .unwrap();
                        calls += tally.ok;
                        failed
                            .extend(tally.errors.into_iter().map(|(error, count)| (format!("{name}: {error}"), count)));
                    }
                    (calls, failed)
                })
            })
            .collect();
        let runs = |island: &str| stage.providers[island].counts().unwrap().values().sum::<u64>();
        for change in 0..CHANGES {
            let (to, from) = if change % 2 == 0 { ("c", "b") } else { ("b", "c") };
            documents.act(&format!("island: {to}"));
            let written = Instant::now();
            // Calls go there, and none to the other any more.
            let (mut before, mut there) = (runs(from), runs(to));
            let alone = until(&format!("change {change}: calls go to {to} alone"), OBEYED_AT_LAST, || {
                std::thread::sleep(Duration::from_millis(50));
                let (goes, comes) = (runs(from), runs(to));
                let is_still = goes == std::mem::replace(&mut before, goes);
                let has_grown = comes > std::mem::replace(&mut there, comes);
                (is_still && has_grown).then(|| written.elapsed())
            });
            moved.push(alone.unwrap());
        }
        over.store(true, Ordering::Relaxed);
        let all = callers.into_iter().map(|caller| caller.join().unwrap());
        all.fold((0, BTreeMap::new()), |(calls, mut failed), (more, errors)| {
            failed.extend(errors);
            (calls + more, failed)
        })
    });
    moved.sort();
    let (median, longest) = (moved[moved.len() / 2], moved[moved.len() - 1]);
    println!("{CHANGES} changes under {calls} calls: moved after {median:?} in the middle, {longest:?} at most");
    assert!(failed.is_empty(), "{failed:?}");
    assert!(calls > 1000, "{calls}");
    assert!(median < OBEYED, "{moved:?}");
}
