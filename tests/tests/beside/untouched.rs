//! Other people's nodes, byte for byte and version for version, through all that a gateway does.

use std::collections::BTreeSet;

use lab::install::Release;
use lab::line::{Line, Plan};
use lab::peer::{Application, GREETING};
use lab::tree::Tree;

use super::shown::{UNTAGGED, at_instance_level, at_interface_level, tags};
use lab::process::together;

use super::stage::{WRITTEN, provider, refer, until_answered_by, until_shown};

const MAPPING: &str = "/dubbo/mapping/";

/// Everything of `before` is there as it was, and everything else is ours.
fn untouched(what: &str, before: &Tree, after: &Tree) {
    for (path, was) in before {
        let is = after.get(path).unwrap_or_else(|| panic!("{what}: {path} is gone"));
        if path.starts_with(MAPPING) {
            assert_eq!(strangers(&was.text()), strangers(&is.text()), "{what}: {path}");
            assert_eq!(
                (was.created, was.owner, was.acl_version),
                (is.created, is.owner, is.acl_version),
                "{what}: {path}"
            );
            continue;
        }
        // A folder notices who comes and goes in it; that is not ours to prevent.
        let is = lab::tree::Node { children_changed: was.children_changed, ..is.clone() };
        assert_eq!(*was, is, "{what}: {path}");
    }
    let new: BTreeSet<&String> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    for path in &new {
        let is_folder_of_ours =
            || new.iter().any(|other| other.starts_with(&format!("{path}/")) && is_ours(other, after));
        assert!(is_ours(path, after) || is_folder_of_ours(), "{what}: {path} is nobody's");
    }
}

fn is_ours(path: &str, tree: &Tree) -> bool {
    let roots = ["/services/highway-", "/dubbo/metadata/highway-", "/dubbo/highway-"];
    roots.iter().any(|root| path.starts_with(root))
        || (path.contains("/providers/") && path.contains("highway%3Da-egress-1"))
        || (path.starts_with(MAPPING) && strangers(&tree[path].text()).is_empty())
}

/// The applications of a mapping that are not ours.
fn strangers(mapping: &str) -> BTreeSet<String> {
    mapping.split(',').filter(|name| !name.starts_with("highway-")).map(str::to_owned).collect()
}

#[test]
fn nothing_that_is_not_ours_is_ever_written() {
    let line = Line::start(Plan::new("a", "b").port("a", "b", 20991)).unwrap();
    let line = &line.watched();
    let egress = line.island("a").egress();
    egress.kill();

    // Island a before there is a gateway: providers and consumers of both lines, some with the same interface.
    let locals = together(Release::OLD_AND_NEW.to_vec(), |release| {
        provider(line, "a", "local", release, &[&format!("own-{}", release.version())], &[])
    })
    .unwrap();
    let consumers = together(Release::OLD_AND_NEW.to_vec(), |release| {
        let consumer = line.application("a", Application::new(&format!("consumer-{}", release.version()), release))?;
        refer(&consumer, "far")?;
        refer(&consumer, &format!("own-{}", release.version()))?;
        Ok(consumer)
    })
    .unwrap();
    let groups = ["far", "own-2.7.23", "own-3.3.6"];
    let remote = provider(line, "b", "b", Release::V2_7_23, &groups, &[]).unwrap();
    let zookeeper = &line.island("a").zookeeper;
    let before = until_shown(line, "a", "the killed gateway's session is over", |tree| {
        tree.keys().all(|path| !path.contains("highway%3D")) && tree.contains_key(&format!("{MAPPING}{GREETING}"))
    });
    let look = |what: &str| untouched(what, &before, &zookeeper.tree().unwrap());
    let published = |what: &str| {
        let tree = until_shown(line, "a", what, |tree| {
            at_interface_level(tree, "far") == tags(&["b", UNTAGGED])
                && at_instance_level(tree, "far") == tags(&["b", UNTAGGED])
                && at_interface_level(tree, "own-2.7.23") == tags(&["b"])
                && at_instance_level(tree, "own-3.3.6") == tags(&["b"])
        });
        untouched(what, &before, &tree);
    };

    egress.start().unwrap();
    published("started and published");
    consumers.iter().for_each(|consumer| until_answered_by(consumer, "far", None, "b"));
    look("called");
    let refused =
        line.island("a").place().highway(&["leave", &egress.configuration().display().to_string()]).unwrap_err();
    assert!(refused.to_string().contains("still stands there"), "{refused}");
    look("refused to leave");

    egress.kill();
    egress.start().unwrap();
    published("killed and started");

    line.hub.kill();
    line.hub.start().unwrap();
    line.hub.ready(WRITTEN).unwrap();
    published("the hub killed and started");

    remote.stop().unwrap();
    // The tagged one stays where the island is seen without any service; one that is seen to stop service by service takes it along.
    until_shown(line, "a", "no untagged node is left", |tree| !at_interface_level(tree, "far").contains(UNTAGGED));
    look("withdrawn");
    let remote = provider(line, "b", "b", Release::V2_7_23, &groups, &[]).unwrap();
    published("published again");

    egress.stop().unwrap();
    look("stopped");
    // A sole gateway keeps its place in the registry while it restarts; what it has there goes with its session.
    let stopped = until_shown(line, "a", "the stopped gateway's session is over", |tree| {
        let levels =
            |group: &&str| at_interface_level(tree, group).is_empty() && at_instance_level(tree, group).is_empty();
        groups.iter().all(levels)
    });
    untouched("stopped for a while", &before, &stopped);

    // For good: not a name, not a folder of ours is left.
    let place = line.island("a").place();
    let left = place.highway(&["leave", &egress.configuration().display().to_string()]).unwrap();
    assert!(left.contains("nothing of gateway a-egress-1 is left"), "{left}");
    let left = zookeeper.tree().unwrap();
    untouched("left", &before, &left);
    let ours: Vec<&String> = left
        .iter()
        .filter(|(path, node)| is_ours(path, &left) || node.text().contains("highway-"))
        .map(|(path, _)| path)
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
    drop((locals, consumers, remote));
}
