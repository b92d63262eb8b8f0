//! What a caller says itself: attachment, tag, port.

use highway_tests::install::Release;
use highway_tests::process::until;

use super::stage::{FOLLOWED, OFFERERS, WITHOUT_NODE, hello, island_in, only, refer, stage, until_answered_by, who};

#[test]
fn an_attachment_names_the_island_of_one_call() {
    let (stage, _line, _mine) = stage();
    for (name, consumer) in &stage.consumers {
        for island in OFFERERS {
            let there = hello("plain").attachment("highway.target", island);
            until_answered_by(name, consumer, &there, island);
            for _ in 0..5 {
                assert_eq!(who(consumer, &there), island, "{name}");
            }
        }
        let silent = who(consumer, &hello("plain"));
        assert!(silent.contains("is offered by `b`, `c`") && silent.contains("names none of them"), "{name}: {silent}");
    }
}

#[test]
fn a_direct_url_leads_to_the_port_of_an_island() {
    let (stage, line, _mine) = stage();
    for (name, consumer) in &stage.consumers {
        for island in OFFERERS {
            let reference = format!("at-{island}");
            consumer.refer(&refer(&reference).url(line.island("a").egress_url_to(island))).unwrap();
            only(name, consumer, hello(&reference), island);
        }
    }
}

#[test]
fn a_tag_on_the_call_leads_to_its_island() {
    let (stage, _line, _mine) = stage();
    for (name, consumer) in &stage.consumers {
        for island in OFFERERS {
            let tagged = hello("plain").attachment("dubbo.tag", island).attachment("dubbo.force.tag", "true");
            only(name, consumer, tagged, island);
        }
    }
}

/// 2.6 and dubbo-go have no tag on a reference.
#[test]
fn a_tag_on_the_reference_leads_to_its_island() {
    let (stage, _line, _mine) = stage();
    for (name, consumer) in &stage.consumers {
        if name == Release::V2_6_12.version() || name.starts_with("go-") {
            continue;
        }
        for island in OFFERERS {
            let reference = format!("tagged-{island}");
            consumer.refer(&refer(&reference).tag(island)).unwrap();
            only(name, consumer, hello(&reference), island);
        }
    }
}

/// dubbo-go writes a reference's parameters over nodes that have none of that name. So all untagged nodes get the tag too, and calls go to
/// them as well as to the island: its documentation must not send anybody this way.
#[test]
fn a_tag_in_the_parameters_of_a_dubbo_go_reference_is_put_on_untagged_nodes_too() {
    let (stage, _line, _mine) = stage();
    for (name, consumer) in stage.consumers.iter().filter(|(name, _)| name == WITHOUT_NODE) {
        consumer.refer(&refer("tagged").parameter("dubbo.tag", "b")).unwrap();
        let spread = until("calls go to b and to the untagged address", FOLLOWED, || {
            let tally = consumer.many(&hello("tagged").threads(1, 40)).unwrap();
            let untagged = tally.errors.keys().any(|error| error.contains("names none of them"));
            (untagged && !tally.results.is_empty()).then_some(tally)
        });
        let spread = spread.unwrap();
        let islands: Vec<String> = spread.results.keys().map(|text| island_in(text)).collect();
        println!("{name}: {} calls went to {islands:?}, {} to the untagged address", spread.ok, spread.failed);
        assert_eq!(islands, ["b"], "never to another island");
    }
}

#[test]
fn a_word_that_contradicts_another_is_refused_with_both() {
    let (stage, line, _mine) = stage();
    for (name, consumer) in &stage.consumers {
        consumer.refer(&refer("at-c-again").url(line.island("a").egress_url_to("c"))).unwrap();
        only(name, consumer, hello("at-c-again"), "c");
        let refused = who(consumer, &hello("at-c-again").attachment("highway.target", "b"));
        for part in ["highway.target names island `b`", "the port of the call names island `c`", "make them agree"] {
            assert!(refused.contains(part), "{name}: no {part:?} in {refused}");
        }
        let both = hello("plain").attachment("dubbo.tag", "b").attachment("dubbo.force.tag", "true");
        let refused = who(consumer, &both.attachment("highway.target", "c"));
        assert!(
            refused.contains("island `c`") && refused.contains("attachment dubbo.tag names island `b`"),
            "{refused}"
        );
        assert_eq!(who(consumer, &hello("at-c-again").attachment("highway.target", "c")), "c", "{name}: they agree");
    }
}
