//! What a caller says itself: attachment, tag, port.

use highway_tests::install::Release;

use super::stage::{OFFERERS, hello, only, refer, stage, until_answered_by, who};

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

/// 2.6 has no tag on a reference, and dubbo-go takes the call's alone.
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
