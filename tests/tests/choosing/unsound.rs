//! Words that lead nowhere: each is refused at once, with a sentence that a Java developer understands in a stack trace.

use lab::install::Release;
use lab::peer::DUBBO_PORT;
use lab::process::until;

use super::documents::Documents;
use super::grants::Grants;
use super::stage::{BOTH, FOLLOWED, hello, provider, refer, stage, until_answered_by, who};

/// An island's name has at most 32 characters; what is shown of a longer one is cut.
const SENTENCE_MAX_LEN: usize = 2_000;

#[test]
fn a_target_that_is_no_island_is_refused_by_its_name() {
    let (stage, _line, _mine) = stage();
    for (name, consumer) in &stage.consumers {
        for (target, parts) in [
            ("atlantis", ["names island `atlantis`", "is not known here; known islands: `b`, `c`"]),
            ("shang\u{7}hai\n", ["names `shang?hai?`", "which is no target"]),
            ("上海", ["names `上海`", "which is no target"]),
        ] {
            let refused = who(consumer, &hello("plain").attachment("highway.target", target));
            for part in parts.into_iter().chain(["highway.target", "the call was not executed"]) {
                assert!(refused.contains(part), "{name} {target:?}: no {part:?} in {refused}");
            }
        }
    }
}

/// dubbo-go sends nothing longer than its own limit, which is less than a megabyte.
#[test]
fn an_attachment_of_a_megabyte_is_carried_and_as_a_target_it_is_refused_in_short() {
    let (stage, _line, _mine) = stage();
    let megabyte = "x".repeat(1024 * 1024);
    for (name, consumer) in stage.consumers.iter().filter(|(name, _)| !name.starts_with("go-")) {
        let carried = hello("plain").attachment("highway.target", "b").attachment("mine", &megabyte);
        assert_eq!(who(consumer, &carried), "b", "{name}");
        let refused = who(consumer, &hello("plain").attachment("highway.target", &megabyte));
        assert!(refused.contains("which is no target") && refused.contains('…'), "{name}: {:.300}", refused);
        assert!(refused.len() < SENTENCE_MAX_LEN, "{name}: {} characters", refused.len());
        assert_eq!(who(consumer, &hello("plain").attachment("highway.target", "b")), "b", "{name}: others go on");
    }
}

#[test]
fn an_island_that_offers_nothing_and_the_own_one_without_a_provider_are_refused() {
    let (stage, _line, _mine) = stage();
    for (name, consumer) in &stage.consumers {
        let own = who(consumer, &hello("plain").attachment("highway.target", "a"));
        assert!(own.contains("names `local`, but island `a` has no provider of"), "{name}: {own}");
        let empty = who(consumer, &hello("plain").attachment("highway.target", "d"));
        assert!(empty.contains("island `d`, which is not known here"), "{name}: {empty}");
    }
}

/// A group that no provider has: its consumers find no node, and come by the gateway's own address.
#[test]
fn a_rule_for_a_service_that_nobody_offers_refuses_with_its_name() {
    let (stage, line, _mine) = stage();
    let address = line.island("a").egress_url();
    stage.each(|_, consumer| consumer.refer(&refer("nowhere").group("nowhere").url(&address)).unwrap());
    let documents = Documents::about(&line, "nowhere");
    for (act, why) in [
        ("island: b", "`b` does not offer the service"),
        ("failover: [local, c]", "`local` has no provider of the service registered; `c` does not offer the service"),
        ("nearest: []", "no island offers it"),
    ] {
        documents.act(act);
        let told = format!(
            "rule `nowhere.greeting/tested` leaves no target for `nowhere/com.example.GreetingService`: {why}; change the rule, or what it says of them"
        );
        stage.each(|name, consumer| {
            let mut last = String::new();
            let refused = until(&format!("{name}: {act} is refused"), FOLLOWED, || {
                last = who(consumer, &hello("nowhere"));
                (last.contains(&told) && last.contains("the call was not executed")).then_some(())
            });
            refused.unwrap_or_else(|error| panic!("{error}; the last answer was {last}"));
            assert!(last.contains("RuntimeException") || name.starts_with("go-"), "{name}: {last}");
        });
    }
}

/// The provider of one island stops while that of the other goes on: what was said is refused from then on, and never answered by the other.
#[test]
fn a_target_that_has_withdrawn_is_refused_and_nobody_answers_in_its_place() {
    let (stage, line, _mine) = stage();
    let offered = |island| provider(&line, island, Release::V3_3_6, DUBBO_PORT + 40, &["withdrawn"]).unwrap();
    let (withdrawn, stays) = (offered("b"), offered("c"));
    let there = |island: &str| hello("withdrawn").attachment("highway.target", island);
    stage.each(|name, consumer| {
        consumer.refer(&refer("withdrawn").group("withdrawn")).unwrap();
        for island in ["b", "c"] {
            until_answered_by(name, consumer, &there(island), island);
        }
    });
    let before = stays.counts().unwrap();
    withdrawn.stop().unwrap();
    let parts = [
        "island `b` does not offer `withdrawn/com.example.GreetingService` to this island; islands that do: `c`;",
        "the call was not executed",
    ];
    stage.each(|name, consumer| {
        let mut last = String::new();
        let refused = until(&format!("{name} is told {parts:?}"), FOLLOWED, || {
            last = who(consumer, &there("b"));
            assert_ne!(last, "c", "{name}: another island has answered");
            parts.iter().all(|part| last.contains(part)).then_some(())
        });
        refused.unwrap_or_else(|error| panic!("{error}; the last answer was {last}"));
    });
    assert_eq!(stays.counts().unwrap(), before, "nobody else has answered");
    stage.each(|name, consumer| assert_eq!(who(consumer, &there("c")), "c", "{name}: the other one is there"));
}

/// Nothing falls through: not to the other document, not to another rule, not to an island that would answer.
#[test]
fn rules_of_equal_rank_that_disagree_and_rules_that_lead_nowhere_refuse_with_their_names() {
    let (stage, line, _mine) = stage();
    let told = |parts: &[&str]| {
        stage.each(|name, consumer| {
            let mut last = String::new();
            let all = until(&format!("{name} is told {parts:?}"), FOLLOWED, || {
                last = who(consumer, &hello("plain"));
                parts.iter().all(|part| last.contains(part)).then_some(())
            });
            all.unwrap_or_else(|error| panic!("{error}; the last answer was {last}"));
        });
    };
    let one = Documents::named(&line, "one", BOTH);
    one.act("island: b");
    stage.each(|name, consumer| until_answered_by(name, consumer, &hello("plain"), "b"));
    let two = Documents::named(&line, "two", BOTH);
    two.act("island: c");
    told(&["one/tested", "two/tested", "higher priority", "the call was not executed"]);
    drop(two);
    stage.each(|name, consumer| until_answered_by(name, consumer, &hello("plain"), "b"));
    one.act("failover: [d, atlantis]");
    told(&["one/tested", "`d`", "`atlantis`", "the call was not executed"]);
    one.act("refuse: \"use the new service\"");
    told(&["one/tested", "use the new service", "the call was not executed"]);
}

/// A grant is taken away while calls come in: what was said is refused from then on, and the other island never answers for it.
#[test]
fn a_target_without_a_grant_is_refused_and_nobody_answers_in_its_place() {
    let (stage, line, _mine) = stage();
    let there = hello("plain").attachment("highway.target", "b");
    for (name, consumer) in &stage.consumers {
        until_answered_by(name, consumer, &there, "b");
    }
    let runs = || stage.providers["c"].counts().unwrap();
    let before = runs();
    let grants = Grants::only(&line, &[("a", "c"), ("d", "c")]);
    for (name, consumer) in &stage.consumers {
        let told = until("the grant is gone", FOLLOWED, || {
            let told = who(consumer, &there);
            (told != "b").then_some(told)
        });
        let told = told.unwrap();
        assert!(told.contains("RuntimeException") || name.starts_with("go-"), "{name}: {told}");
        for part in ["island `b`", "the call was not executed"] {
            assert!(told.contains(part), "{name}: no {part:?} in {told}");
        }
        // By the hub; a moment later by the gateway, which has heard by then that it may see the island no more.
        let words = ["grant", "that the hub lets this island see it"];
        assert!(words.iter().any(|words| told.contains(words)), "{name}: none of {words:?} in {told}");
    }
    assert_eq!(runs(), before, "nobody else has answered");
    drop(grants);
    for (name, consumer) in &stage.consumers {
        until_answered_by(name, consumer, &there, "b");
    }
}
