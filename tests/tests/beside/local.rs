//! A service that the island serves itself and that another island offers too: who asks for nothing stays at home, who asks for the
//! island gets it.

use lab::install::Release;

use super::shown::{UNTAGGED, at_instance_level, at_interface_level, local, tags};
use lab::process::together;

use super::stage::{asked, asked_often, provider, stage, until_answered_by, until_only, until_shown};

const LOCAL: &str = "local";
/// It takes an empty list at instance level for a mistake of the registry and keeps what it had ("empty protection"): a reference that
/// already uses a virtual provider there stays with it when a local one appears at interface level only, until the application is
/// started again. Nothing that a registry can say changes its mind but another address at instance level.
const KEEPS_AN_EMPTIED_LIST: Release = Release::V3_1_11;
/// Enough that one of a mixture would show.
const CALLS: u32 = 30;

/// How a local provider is registered, and what follows at instance level.
const KINDS: [(&str, Release, &[&str], &[&str]); 4] = [
    ("old", Release::V2_7_23, &[], &[]),
    ("interface", Release::V3_3_6, &["-Ddubbo.application.register-mode=interface"], &[]),
    ("all", Release::V3_3_6, &["-Ddubbo.application.register-mode=all"], &["b"]),
    ("instance", Release::V3_3_6, &["-Ddubbo.application.register-mode=instance"], &["b"]),
];

#[test]
fn beside_a_local_provider_of_any_kind_untagged_calls_stay_and_tagged_ones_go() {
    let (stage, line, _mine) = stage();
    let locals = together(KINDS.to_vec(), |(group, release, flags, _)| {
        provider(&stage.line, "a", LOCAL, release, &[group], flags)
    })
    .unwrap();
    for (group, _, _, at_instances) in KINDS {
        let tree = until_shown(&line, "a", &format!("{group}: only a tagged node beside the local provider"), |tree| {
            at_interface_level(tree, group) == tags(&["b"]) && at_instance_level(tree, group) == tags(at_instances)
        });
        assert_eq!(local(&tree, group), usize::from(group != "instance"));
    }
    let groups = KINDS.map(|(group, ..)| group);
    stage.all_refer(&groups);
    for (release, consumer) in &stage.consumers {
        for group in groups {
            let finds_it = group != "instance" || *release >= Release::V3_1_11;
            if finds_it {
                until_only(consumer, group, None, CALLS, LOCAL);
            }
            let untagged = asked_often(consumer, group, None, CALLS);
            println!("{} {group}: untagged {untagged:?}", release.version());
            if finds_it {
                assert_eq!(untagged.keys().collect::<Vec<_>>(), [LOCAL], "{} {group}", release.version());
            } else {
                // Without highway it would not find it either.
                assert!(untagged.keys().all(|text| text.contains("No provider")), "{untagged:?}");
            }
            until_only(consumer, group, Some("b"), CALLS, "b");
            let tagged = asked_often(consumer, group, Some("b"), CALLS);
            assert_eq!(tagged.keys().collect::<Vec<_>>(), ["b"], "{} {group}", release.version());
        }
    }
    drop(locals);
}

#[test]
fn a_rule_lets_a_virtual_provider_stand_beside_local_ones() {
    let (stage, line, _mine) = stage();
    let local = provider(&stage.line, "a", LOCAL, Release::V2_7_23, &["permitted"], &[]).unwrap();
    until_shown(&line, "a", "the virtual provider beside the local one", |tree| {
        // The local one is at interface level only, so nothing of ours is at instance level, where it would take every call.
        at_interface_level(tree, "permitted") == tags(&["b", UNTAGGED])
            && at_instance_level(tree, "permitted").is_empty()
    });
    stage.all_refer(&["permitted"]);
    for (release, consumer) in &stage.consumers {
        until_answered_by(consumer, "permitted", None, LOCAL);
        until_answered_by(consumer, "permitted", None, "b");
        let answers = asked_often(consumer, "permitted", None, 60);
        println!("{} permitted: {answers:?}", release.version());
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["b", LOCAL], "{}", release.version());
    }
    drop(local);
}

/// What consumers see while a local provider comes, goes and comes back.
#[test]
fn a_local_provider_that_comes_takes_its_calls_and_leaves_nobody_in_its_place() {
    let (stage, line, _mine) = stage();
    stage.all_refer(&["late"]);
    let followers = || stage.consumers.iter().filter(|(release, _)| **release != KEEPS_AN_EMPTIED_LIST);
    until_shown(&line, "a", "the virtual provider at both levels", |tree| {
        at_interface_level(tree, "late") == tags(&["b", UNTAGGED])
            && at_instance_level(tree, "late") == tags(&["b", UNTAGGED])
    });
    for consumer in stage.consumers.values() {
        until_answered_by(consumer, "late", None, "b");
    }

    let first = provider(&stage.line, "a", LOCAL, Release::V2_7_23, &["late"], &[]).unwrap();
    until_shown(&line, "a", "only the tagged node", |tree| {
        at_interface_level(tree, "late") == tags(&["b"]) && at_instance_level(tree, "late").is_empty()
    });
    let settled = |what: &str| {
        for (release, consumer) in followers() {
            // Once it has followed, it never sees a mixture again.
            until_only(consumer, "late", None, CALLS, LOCAL);
            let answers = asked_often(consumer, "late", None, 2 * CALLS);
            assert_eq!(answers.keys().collect::<Vec<_>>(), [LOCAL], "{what}: {}", release.version());
        }
    };
    settled("it came");

    first.stop().unwrap();
    let nobody = |what: &str| {
        until_shown(&line, "a", &format!("{what}: only the tagged node"), |tree| {
            local(tree, "late") == 0
                && at_interface_level(tree, "late") == tags(&["b"])
                && at_instance_level(tree, "late") == tags(&["b"])
        });
        for (release, consumer) in followers() {
            let answer = asked(consumer, "late", None);
            assert!(answer.contains("Exception"), "{what}: {}: {answer}", release.version());
            until_answered_by(consumer, "late", Some("b"), "b");
        }
    };
    nobody("it stopped");
    let egress = line.island("a").egress();
    egress.kill();
    egress.start().unwrap();
    egress.ready(super::stage::WRITTEN).unwrap();
    nobody("and the gateway was restarted");

    let second = provider(&stage.line, "a", LOCAL, Release::V2_7_23, &["late"], &[]).unwrap();
    settled("it came back");

    second.stop().unwrap();
    // An operator who knows that it will not come back says so.
    let file = egress.configuration();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("local_memory = \"24h\"", "local_memory = \"1s\"")).unwrap();
    until_shown(&line, "a", "the virtual provider is back at both levels", |tree| {
        at_interface_level(tree, "late") == tags(&["b", UNTAGGED])
            && at_instance_level(tree, "late") == tags(&["b", UNTAGGED])
    });
    for (_, consumer) in followers() {
        until_answered_by(consumer, "late", None, "b");
    }
    std::fs::write(&file, text).unwrap();
}
