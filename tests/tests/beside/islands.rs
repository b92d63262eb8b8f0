//! Two islands that offer one service, and what consumers get when one of them goes, when both are gone, and when they are back.

use lab::peer::{GREETING, Refer};

use super::shown::{UNTAGGED, at_instance_level, at_interface_level, tags};
use super::stage::{WRITTEN, asked, asked_often, stage, until_answered_by, until_only, until_shown};

const BOTH: &str = "both";

#[test]
fn each_of_two_islands_is_reached_by_its_tag_and_by_its_port_and_who_names_none_is_told_to() {
    let (stage, line, _mine) = stage();
    let all = tags(&["b", "c", UNTAGGED]);
    let is_whole = |tree: &_| at_interface_level(tree, BOTH) == all && at_instance_level(tree, BOTH) == all;
    until_shown(&line, "a", "a node for everybody and one for each island", is_whole);
    stage.all_refer(&[BOTH]);
    let each_is_reached = || {
        for (release, consumer) in &stage.consumers {
            for island in ["b", "c"] {
                until_only(consumer, BOTH, Some(island), 20, island);
                let answers = asked_often(consumer, BOTH, Some(island), 20);
                assert_eq!(answers.keys().collect::<Vec<_>>(), [island], "{}", release.version());
            }
            let told = asked(consumer, BOTH, None);
            assert!(told.contains("is offered by") && told.contains("names none of them"), "{told}");
        }
    };
    each_is_reached();
    for (release, consumer) in &stage.consumers {
        for island in ["b", "c"] {
            let name = format!("at-the-port-of-{island}");
            let url = line.island("a").egress_url_to(island);
            consumer.refer(&Refer::new(&name, GREETING).group(BOTH).patient().url(url).unchecked()).unwrap();
            assert_eq!(asked(consumer, &name, None), island, "{}", release.version());
        }
    }

    line.island("b").ingress().stop().unwrap();
    for consumer in stage.consumers.values() {
        // The hub keeps what b offers for its hold-down; after that only c is left to choose.
        until_answered_by(consumer, BOTH, None, "c");
        let told = asked(consumer, BOTH, Some("b"));
        assert!(told.contains("RuntimeException") && told.contains("island `b`"), "{told}");
        assert_eq!(asked(consumer, BOTH, Some("c")), "c");
    }
    let tree = line.island("a").zookeeper.tree().unwrap();
    assert!(is_whole(&tree), "b's node stays, so that who asks for b is not answered by somebody else");

    line.island("c").ingress().stop().unwrap();
    let tagged = tags(&["b", "c"]);
    until_shown(&line, "a", "only the tagged nodes", |tree| {
        at_interface_level(tree, BOTH) == tagged && at_instance_level(tree, BOTH) == tagged
    });
    for consumer in stage.consumers.values() {
        let told = asked(consumer, BOTH, Some("c"));
        assert!(told.contains("RuntimeException") && told.contains("island `c`"), "{told}");
    }

    for island in ["b", "c"] {
        line.island(island).ingress().start().unwrap();
        line.island(island).ingress().ready(WRITTEN).unwrap();
    }
    until_shown(&line, "a", "everything again", is_whole);
    each_is_reached();
}
