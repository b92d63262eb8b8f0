//! What rules do: an island, a split, a list, the nearest; and an emergency switch above them.

use std::collections::BTreeMap;

use lab::peer::{DUBBO_PORT, Peer};
use lab::process::until;

use super::documents::Documents;
use super::load::while_all_call;
use super::stage::{FOLLOWED, LEAVES, Stage, hello, island_in, refer, stage, unseen_provider, until_answered_by, who};

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

/// The same interface in another group is another service. Its calls go on to the very island while the switches are thrown.
#[test]
fn a_switch_of_one_service_harms_no_other_of_the_island() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    let other = hello("home").attachment("highway.target", "b");
    let called = while_all_call(stage, &other, |load| {
        load.goes_to("b");
        for switch in ["island: b\n    say: \"b is stopped\"", "say: \"b is stopped\""] {
            documents.say(&format!("switches:\n  - name: stop\n    {switch}\n"));
            stage.each(|name, consumer| {
                let stopped = || who(consumer, &hello("plain").attachment("highway.target", "b"));
                until(&format!("{name}: the switch is obeyed"), FOLLOWED, || {
                    stopped().contains("b is stopped").then_some(())
                })
                .unwrap();
            });
            load.goes_to("b");
        }
    });
    for (name, called) in called {
        println!("{name}: {:?}, slowest {:?}, failed {:?}", called.answers, called.slowest, called.failed);
        assert!(called.failed.is_empty(), "{name}: {:?}", called.failed);
        assert!(called.answers.keys().eq(["b"]), "{name}: {:?}", called.answers);
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
    let called = while_all_call(stage, &hello("plain"), |load| {
        load.goes_to("b");
        line.island("b").ingress().stop().unwrap();
        load.goes_to("c");
        line.island("b").ingress().start().unwrap();
        load.goes_to("b");
    });
    for (name, called) in called {
        println!("{name}: {:?}, slowest {:?}, failed {:?}", called.answers, called.slowest, called.failed);
        assert!(called.failed.is_empty(), "{name}: {:?}", called.failed);
    }
}

/// The same where the first of the list is a provider of the own island, which starts and stops as Dubbo does.
#[test]
fn calls_come_to_a_local_provider_and_leave_with_it_and_none_fails() {
    let (stage, line, _mine) = stage();
    let documents = Documents::about(&line, LEAVES);
    documents.act("failover: [local, b]");
    stage.each(|name, consumer| {
        consumer.refer(&refer("leaves").group(LEAVES)).unwrap();
        until_answered_by(name, consumer, &hello("leaves"), "b");
    });
    let called = while_all_call(stage, &hello("leaves"), |load| {
        load.goes_to("b");
        let local = unseen_provider(&line, DUBBO_PORT + 30, &[LEAVES]).unwrap();
        load.goes_to("a");
        local.stop().unwrap();
        load.goes_to("b");
    });
    for (name, called) in called {
        println!("{name}: {:?}, slowest {:?}, failed {:?}", called.answers, called.slowest, called.failed);
        assert!(called.failed.is_empty(), "{name}: {:?}", called.failed);
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
        documents.name(),
        "--registry",
        &address,
    ]);
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(refused.contains("broken.yaml:3:12") && refused.contains("iland"), "{refused}");
    // Past the tool, as somebody would with ZooKeeper's own command line.
    island.zookeeper.command_line(&[format!("set {} nonsense", documents.path())]).unwrap();
    let shown = until("the gateway says what is wrong", FOLLOWED, || {
        let status = island.egress().status().ok()?;
        status["egress"]["rules"].as_array()?.iter().find_map(|one| one["refused"].as_str().map(str::to_owned))
    });
    let shown = shown.unwrap();
    assert!(shown.contains("line 1") && shown.contains("last good text"), "{shown}");
    each_is_answered_by(stage, "b");
}

/// Whoever reads the log of a gateway sees what changed and what it was before.
#[test]
fn every_change_of_rules_stands_in_the_gateway_s_log_with_the_difference() {
    let (_stage, line, _mine) = stage();
    let documents = Documents::named(&line, "logged.greeting", "logged");
    let logged = |parts: &[&str]| {
        let stands = || {
            let log = line.island("a").egress().log();
            let is_said = |text: &str| parts.iter().all(|part| text.contains(part));
            log.lines().any(|text| text.contains("rules have changed") && is_said(text)).then_some(())
        };
        until(&format!("the log says {parts:?}"), FOLLOWED, stands).unwrap();
    };
    documents.act("island: b");
    logged(&["logged.greeting", "rule `tested` is new: ", "to `b`"]);
    documents.act("island: c");
    logged(&["logged.greeting", "rule `tested` was: ", "to `b`; is: ", "to `c`"]);
    drop(documents);
    logged(&["logged.greeting", "rule `tested` is gone, it was: ", "to `c`"]);
}

/// Nobody has made a mistake: the island may be there tomorrow.
#[test]
fn a_rule_for_an_island_that_a_gateway_does_not_know_is_warned_of_before_and_after() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("failover: [atlantis, b]");
    each_is_answered_by(stage, "b");
    let island = line.island("a");
    let shown = until("the gateway shows it", FOLLOWED, || {
        let status = island.egress().status().ok()?;
        status["egress"]["rules"].as_array()?.iter().find_map(|one| one["warnings"][0].as_str().map(str::to_owned))
    });
    let warning = "rule `both.greeting/tested` names island `atlantis`, which is not known here";
    assert_eq!(shown.unwrap(), format!("line 3: {warning}"));
    let file = line.lab.folder().join("both.greeting.yaml").display().to_string();
    let admin = format!("http://{}", island.egress().admin());
    let checked = island.place().highway(&["rules", "check", &file, "--live", &admin]).unwrap();
    assert!(checked.contains(&format!("{file}:3: warning: {warning}\n")), "{checked}");
}
