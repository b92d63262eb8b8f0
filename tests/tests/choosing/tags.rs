//! A tag whose node is gone while its consumers run. Dubbo itself then takes a provider without a tag, unless it is told not to: what that
//! is, and who is told in words.
//!
//! ```text
//!   group           island a            b                 c            without b, who asks for the tag b gets
//!   fades-home      a local provider    until it stops    nothing      the local provider
//!   fades-forced    a local provider    until it stops    nothing      the same, where the first reference does not forbid it
//!   fades-away      nothing             until it stops    a provider   the gateway's untagged node
//! ```

use lab::install::Release;
use lab::line::Line;
use lab::peer::{Call, DUBBO_PORT, GREETING, Peer, Refer};
use lab::process::until;

use super::stage::{FOLLOWED, hello, only, provider, refer, stage, who};

const HOME: &str = "fades-home";
const FORCED: &str = "fades-forced";
const AWAY: &str = "fades-away";
const GROUPS: [&str; 3] = [HOME, FORCED, AWAY];
const PORT: u16 = DUBBO_PORT + 60;
const FORCE: &str = "dubbo.force.tag";
/// How Dubbo says that it found none.
const NONE: &str = "No provider available";

/// 2.6 and dubbo-go have no tag on a reference.
fn has_tags(consumer: &str) -> bool {
    consumer != Release::V2_6_12.version() && !consumer.starts_with("go-")
}

fn tagged(group: &str) -> String {
    format!("{group}-tagged")
}

fn forced(group: &str) -> String {
    format!("{group}-by-reference")
}

/// In each group a reference without a tag, one with it, and one that forbids others; in one group the last one is the first.
fn refer_to_all(name: &str, consumer: &Peer) {
    let plain = |name: &str, group| refer(name).group(group);
    for group in GROUPS {
        let mut all: Vec<Refer> = vec![plain(group, group)];
        if has_tags(name) {
            all.push(plain(&tagged(group), group).tag("b"));
            all.push(plain(&forced(group), group).tag("b").parameter(FORCE, "true"));
        }
        if group == FORCED {
            all.reverse();
        }
        all.iter().for_each(|reference| consumer.refer(reference).unwrap());
    }
}

/// What a consumer of this release can say, and what it gets while no node has the tag: an island, or a part of the sentence.
fn ways(name: &str) -> Vec<(&'static str, Call, &'static str)> {
    let said = |group| hello(group).attachment("dubbo.tag", "b");
    let mut ways = vec![
        ("a tag on the call, beside a local provider", said(HOME), "a"),
        // The gateway reads this tag.
        ("a tag on the call, beside another island", said(AWAY), "island `b` does not offer"),
        ("forced by the call, beside a local provider", said(HOME).attachment(FORCE, "true"), NONE),
        ("forced by the call, beside another island", said(AWAY).attachment(FORCE, "true"), NONE),
    ];
    if !has_tags(name) {
        return ways;
    }
    // The tag of a reference is not on the wire: to the gateway such a call is silent. 2.7 reads the other word from calls alone.
    let first = if name == Release::V2_7_23.version() { "a" } else { NONE };
    ways.extend([
        ("a tag on the reference, beside a local provider", hello(&tagged(HOME)), "a"),
        ("a tag on the reference, beside another island", hello(&tagged(AWAY)), "c"),
        ("the same, forced by the call", hello(&tagged(HOME)).attachment(FORCE, "true"), NONE),
        ("the same, forced by the call", hello(&tagged(AWAY)).attachment(FORCE, "true"), NONE),
        ("forced by a reference that is not the first", hello(&forced(HOME)), "a"),
        ("forced by a reference that is not the first", hello(&forced(AWAY)), "c"),
        ("forced by the first reference", hello(&forced(FORCED)), first),
        ("forced by the first reference, called by another", hello(&tagged(FORCED)), first),
    ]);
    ways
}

/// Whether consumers find a node for this group and the tag b.
fn is_published(line: &Line, group: &str) -> bool {
    let of_group = format!("group%3D{group}%26");
    let nodes = line.island("a").virtual_nodes(GREETING);
    nodes.iter().any(|node| node.contains(&of_group) && node.contains("dubbo.tag%3Db"))
}

#[test]
fn a_tag_whose_node_is_gone_falls_to_nodes_without_one_unless_that_is_forbidden() {
    let (stage, line, _mine) = stage();
    let offered = |island, groups: &[&str]| provider(&line, island, Release::V3_3_6, PORT, groups).unwrap();
    let (fades, _local, _other) = (offered("b", &GROUPS), offered("a", &[HOME, FORCED]), offered("c", &[AWAY]));
    stage.each(|name, consumer| {
        refer_to_all(name, consumer);
        for (_, call, _) in ways(name) {
            only(name, consumer, call, "b");
        }
    });
    fades.stop().unwrap();
    for group in GROUPS {
        until("the node with the tag is gone", FOLLOWED, || (!is_published(&line, group)).then_some(())).unwrap();
    }
    stage.each(|name, consumer| {
        for (what, call, wanted) in ways(name) {
            let mut last = String::new();
            let fell = until(&format!("{name}, {what}: {wanted}"), FOLLOWED, || {
                last = who(consumer, &call);
                // Who forbids it never gets another one, not even once.
                assert!(wanted != NONE || !["a", "c"].contains(&&*last), "{name}, {what}: {last}");
                last.contains(wanted).then_some(())
            });
            fell.unwrap_or_else(|error| panic!("{error}; the last answer was {last}"));
            println!("{name}, {what}: {last:.120}");
        }
    });
}
