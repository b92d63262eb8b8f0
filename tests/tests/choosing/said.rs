//! What a caller says itself: attachment, tag, port.

use lab::install::Release;
use lab::process::until;

use super::documents::Documents;
use super::stage::{FOLLOWED, OFFERERS, WITHOUT_NODE, hello, island_in, only, refer, stage, until_answered_by, who};

/// Calls without a tag in a row.
const UNTAGGED: u32 = 30;

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
    }
}

/// The nodes with the tags of b and c are there all the while. A call without a tag is never at one of them: there it would go to the
/// island of the node, whatever a rule says and also where none says anything.
#[test]
fn calls_without_a_tag_keep_going_to_the_untagged_address() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    let tagged = |island: &str| hello("plain").attachment("dubbo.tag", island).attachment("dubbo.force.tag", "true");
    for island in ["c", "b", "c"] {
        documents.act(&format!("island: {island}"));
        stage.each(|name, consumer| {
            only(name, consumer, hello("plain"), island);
            for other in OFFERERS {
                until_answered_by(name, consumer, &tagged(other), other);
                let answered = consumer.many(&hello("plain").threads(1, UNTAGGED)).unwrap();
                println!("{name}, behind a call with tag {other}: {:?}", answered.results);
                assert_eq!(answered.failed, 0, "{name}: {:?}", answered.errors);
                let islands: Vec<String> = answered.results.keys().map(|text| island_in(text)).collect();
                assert_eq!(islands, [island], "{name}, behind a call with tag {other}");
            }
        });
    }
    drop(documents);
    stage.each(|name, consumer| {
        let silent = || Some(consumer.many(&hello("plain").threads(1, UNTAGGED)).unwrap());
        let all_refused = || silent().filter(|tally| tally.failed == u64::from(UNTAGGED));
        let refused = until(&format!("{name}: every call without a tag is refused"), FOLLOWED, all_refused).unwrap();
        println!("{name}, without a rule: {:.120?}", refused.errors);
        for told in refused.errors.keys() {
            assert!(told.contains("is offered by `b`, `c`") && told.contains("names none of them"), "{name}: {told}");
        }
    });
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
