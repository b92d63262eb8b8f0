//! `publish = "on-demand"`: what stands in the registry of island c is what somebody there asks for.

use lab::install::Release;
use lab::peer::{Application, GREETING, Peer, Refer};
use lab::process::{together, until};

use super::shown::{UNTAGGED, at_instance_level, at_interface_level, tags};
use super::stage::{FOLLOWED, Stage, refer, stage, until_answered_by, until_shown};

fn consumer(stage: &Stage, name: &str, release: Release, flags: &[&str]) -> Peer {
    let application = flags.iter().fold(Application::new(name, release), |all, flag| all.flag(flag));
    stage.line.application("c", application).unwrap()
}

#[test]
fn a_service_stands_while_somebody_asks_for_it_and_for_a_while_after() {
    let (stage, line, _mine) = stage();
    let force = "-Ddubbo.application.service-discovery.migration=FORCE_APPLICATION";
    let kinds: Vec<(&str, Release, &[&str])> = vec![
        ("wants-old", Release::V2_6_12, &[]),
        ("wants-2.7", Release::V2_7_23, &[]),
        ("wants-new", Release::V3_3_6, &[]),
        ("forces", Release::V3_3_6, std::slice::from_ref(&force)),
    ];
    let started = together(kinds, |(name, release, flags)| Ok(consumer(stage, name, release, flags))).unwrap();
    let [old, middle, new, forces] = <[Peer; 4]>::try_from(started).unwrap();

    // It is the first to ask, and leaves no trace that says so.
    refer(&forces, "force").unwrap();
    refer(&middle, "known").unwrap();
    let known = tags(&[UNTAGGED]);
    let tree = until_shown(&line, "c", "the service that somebody asks for", |tree| {
        at_interface_level(tree, "known") == known && at_instance_level(tree, "known") == known
    });
    for nobody_asks in ["demand", "force", "old"] {
        assert!(at_interface_level(&tree, nobody_asks).is_empty(), "{nobody_asks}");
        assert!(at_instance_level(&tree, nobody_asks).is_empty(), "{nobody_asks}");
    }
    until_answered_by(&middle, "known", None, "b");

    // With its default, `check`, a consumer on 2.x looks before anything can stand there; the next time it finds it.
    let checked = Refer::new("demand", GREETING).group("demand").patient();
    let complaint = old.refer(&checked).unwrap_err().to_string();
    assert!(complaint.contains("No provider available"), "{complaint}");
    until_shown(&line, "c", "what it had asked for", |tree| !at_interface_level(tree, "demand").is_empty());
    until("the reference is made", FOLLOWED, || old.refer(&checked).ok()).unwrap();
    until_answered_by(&old, "demand", None, "b");
    refer(&new, "demand").unwrap();
    until_answered_by(&new, "demand", None, "b");

    for consumer in [old, middle, new] {
        consumer.stop().unwrap();
    }
    let tree = line.island("c").zookeeper.tree().unwrap();
    assert_eq!(at_interface_level(&tree, "demand"), known, "who is started again finds it");
    until_shown(&line, "c", "nothing", |tree| {
        ["known", "demand"]
            .iter()
            .all(|group| at_interface_level(tree, group).is_empty() && at_instance_level(tree, group).is_empty())
    });
    drop(forces);
}
