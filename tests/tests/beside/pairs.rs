//! Two egresses and two registries in one island, two ingresses in the other: one of each goes, and consumers do not notice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Result;
use lab::install::Release;
use lab::line::{Line, Plan, Role, Watched};
use lab::peer::{Application, Call, GREETING, Peer, Service};
use lab::process::{together, until};
use lab::tree::Tree;
use lab::zookeeper::ZooKeeper;
use serde_json::json;

use super::shown::{
    UNTAGGED, at_interface_level, gateways_at_instance_level, gateways_at_interface_level, local, tags,
};
use super::stage::{WRITTEN, asked, provider, refer, until_answered_by};

const PLAIN: &str = "plain";
/// A call of this group takes a while.
const SLOW: &str = "slow";
const IDS: [&str; 2] = ["a-egress-1", "a-egress-2"];

struct Pairs {
    /// By the registry they use.
    consumers: [BTreeMap<Release, Peer>; 2],
    _remote: [Peer; 2],
    line: Line,
}

fn pairs() -> (&'static Pairs, Watched<'static>, MutexGuard<'static, ()>) {
    static PAIRS: OnceLock<Pairs> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let pairs = PAIRS.get_or_init(|| start().unwrap());
    (pairs, pairs.line.watched(), mine)
}

fn start() -> Result<Pairs> {
    let plan = Plan::of(&["a", "b"])
        .gateways(Role::Egress, "a", 2)
        .gateways(Role::Ingress, "b", 2)
        .second_registry("a")
        .also(Role::Egress, "a", "\n[import]\nhold_down = \"5s\"\n");
    let line = Line::start(plan)?;
    let plain = provider(&line, "b", "b", Release::V2_7_23, &[PLAIN, "second"], &[])?;
    let slow = Application::new("provider-slow", Release::V3_3_6)
        .port(line.island("b").place().listen(20899)?.port())
        .service(Service::new(GREETING, "b/slow").group(SLOW).delay(Duration::from_millis(500)));
    let slow = line.application("b", slow)?;
    let on_first = [Release::V2_6_12, Release::V2_7_23, Release::V3_1_11, Release::V3_3_6].map(|release| (0, release));
    let on_second = [Release::V2_7_23, Release::V3_3_6].map(|release| (1, release));
    let started = together([&on_first[..], &on_second[..]].concat(), |(registry, release)| {
        let zookeeper = registries(&line)[registry];
        let name = format!("consumer-{}-at-{registry}", release.version());
        let consumer = line.application("a", Application::new(&name, release).registry(zookeeper.url()))?;
        [PLAIN, SLOW].iter().try_for_each(|group| refer(&consumer, group))?;
        Ok((registry, release, consumer))
    })?;
    let mut consumers = [BTreeMap::new(), BTreeMap::new()];
    for (registry, release, consumer) in started {
        consumers[registry].insert(release, consumer);
    }
    Ok(Pairs { consumers, _remote: [plain, slow], line })
}

impl Pairs {
    fn all(&self) -> impl Iterator<Item = &Peer> {
        self.consumers.iter().flat_map(BTreeMap::values)
    }

    fn zookeepers(&self) -> Vec<&ZooKeeper> {
        registries(&self.line).to_vec()
    }

    /// Both gateways stand in both registries at both levels.
    fn is_whole(&self) {
        let ids: BTreeSet<String> = tags(&IDS);
        for zookeeper in self.zookeepers() {
            until_in(zookeeper, "both gateways at both levels", |tree| {
                gateways_at_interface_level(tree, PLAIN) == ids && gateways_at_instance_level(tree, PLAIN) == ids
            });
        }
        self.all().for_each(|consumer| until_answered_by(consumer, PLAIN, None, "b"));
    }

    /// All consumers call for so long while something happens, and no call fails.
    fn nobody_notices(&self, what: &str, time: Duration, meanwhile: impl FnOnce()) {
        let load = Call::new(PLAIN, "sayHello", [json!("x")]).lasting(3, time, Duration::from_millis(20));
        std::thread::scope(|scope| {
            let load = &load;
            let loads: Vec<_> = self.all().map(|consumer| scope.spawn(move || consumer.many(load).unwrap())).collect();
            meanwhile();
            let mut ok = 0;
            for tally in loads.into_iter().map(|load| load.join().unwrap()) {
                assert!(tally.failed == 0, "{what}: {:?}", tally.errors);
                ok += tally.ok;
            }
            println!("{what}: {ok} calls, 0 failed");
            assert!(ok > 100, "{what}: only {ok} calls");
        });
    }
}

fn registries(line: &Line) -> [&ZooKeeper; 2] {
    let island = line.island("a");
    [&island.zookeeper, island.second_registry.as_ref().unwrap()]
}

fn until_in(zookeeper: &ZooKeeper, what: &str, is: impl Fn(&Tree) -> bool) -> Tree {
    until(what, WRITTEN, || zookeeper.tree().ok().filter(|tree| is(tree))).unwrap()
}

#[test]
fn an_egress_that_stops_hands_its_consumers_to_the_other_and_comes_back() {
    let (pairs, line, _mine) = pairs();
    pairs.is_whole();
    let first = &line.island("a").egresses[0];
    pairs.nobody_notices("an egress stops", Duration::from_secs(19), || first.stop().unwrap());
    for zookeeper in pairs.zookeepers() {
        let tree = zookeeper.tree().unwrap();
        assert_eq!(gateways_at_interface_level(&tree, PLAIN), tags(&IDS[1..]));
        assert_eq!(gateways_at_instance_level(&tree, PLAIN), tags(&IDS[1..]));
    }
    pairs.nobody_notices("an egress starts", Duration::from_secs(3), || first.start().unwrap());
    pairs.is_whole();
}

#[test]
fn two_ingresses_share_the_calls_and_one_of_them_may_stop() {
    let (pairs, line, _mine) = pairs();
    pairs.is_whole();
    let before = line.audit().unwrap().len();
    // More at once than one link is kept for, fewer than the threads of the provider.
    let many = Call::new(SLOW, "sayHello", [json!("x")]).threads(40, 3);
    let consumers: Vec<&Peer> = pairs.consumers[0].values().collect();
    consumers.iter().for_each(|consumer| until_answered_by(consumer, SLOW, None, "b"));
    let tallies = together(consumers, |consumer| consumer.many(&many)).unwrap();
    assert!(tallies.iter().all(|tally| tally.failed == 0), "{tallies:?}");
    let shares = until("both ingresses were taken", WRITTEN, || {
        let mut shares: BTreeMap<String, u64> = BTreeMap::new();
        for call in line.audit().ok()?.iter().skip(before).filter(|call| call["group"] == SLOW) {
            *shares.entry(call["ingress"].as_str()?.to_owned()).or_default() += 1;
        }
        (shares.values().sum::<u64>() >= 480).then_some(shares)
    });
    let shares = shares.unwrap();
    println!("calls by ingress: {shares:?}");
    assert!(shares.len() == 2 && shares.values().all(|share| *share > 60), "{shares:?}");

    let ingress = &line.island("b").ingresses[0];
    pairs.nobody_notices("an ingress stops", Duration::from_secs(6), || ingress.stop().unwrap());
    pairs.nobody_notices("an ingress starts", Duration::from_secs(3), || ingress.start().unwrap());
}

#[test]
fn what_a_killed_gateway_left_is_replaced_at_its_start_and_nothing_of_the_other_is_touched() {
    let (pairs, line, _mine) = pairs();
    pairs.is_whole();
    let first = &line.island("a").egresses[0];
    let trees = || -> Vec<Tree> { pairs.zookeepers().iter().map(|zookeeper| zookeeper.tree().unwrap()).collect() };
    let of = |tree: &Tree, id: &str| -> Tree {
        let is_of = |path: &str, text: &str| {
            (path.contains("/providers/") && path.contains(id))
                || (path.starts_with("/services/highway-") && text.contains(id))
        };
        tree.iter().filter(|(path, node)| is_of(path, &node.text())).map(|(p, n)| (p.clone(), n.clone())).collect()
    };
    let before = trees();
    first.kill();
    first.start().unwrap();
    for (zookeeper, before) in pairs.zookeepers().into_iter().zip(&before) {
        let (old, others) = (of(before, IDS[0]), of(before, IDS[1]));
        assert!(!old.is_empty() && !others.is_empty());
        let old_owner = old.values().next().unwrap().owner;
        let after = until_in(zookeeper, "its own nodes are all new", |tree| {
            let new = of(tree, IDS[0]);
            new.len() == old.len() && new.values().all(|node| node.owner != old_owner)
        });
        assert_eq!(of(&after, IDS[1]), others, "the other gateway's nodes are as they were, never written");
        let new = of(&after, IDS[0]);
        let instance = |tree: &Tree| tree.iter().find(|(path, _)| path.starts_with("/services/")).unwrap().1.text();
        assert_ne!(instance(&new), instance(&old), "a new start is a new revision");
        assert!(new.keys().filter(|path| path.contains("/providers/")).all(|path| !old.contains_key(path)));
    }
    pairs.is_whole();
}

#[test]
fn a_local_provider_in_one_registry_counts_in_all_and_a_registry_that_is_down_holds_up_no_other() {
    let (pairs, line, _mine) = pairs();
    pairs.is_whole();
    let [first, second] = registries(&pairs.line);
    // It is registered in the second registry alone.
    let application = Application::new("provider-at-second", Release::V2_7_23)
        .registry(second.url())
        .port(line.island("a").place().listen(20898).unwrap().port())
        .service(Service::new(GREETING, "local/second").group("second"));
    let here = line.application("a", application).unwrap();
    for zookeeper in [first, second] {
        until_in(zookeeper, "no virtual provider of a local service", |tree| {
            at_interface_level(tree, "second").is_empty()
        });
    }
    assert_eq!((local(&first.tree().unwrap(), "second"), local(&second.tree().unwrap(), "second")), (0, 1));
    let consumer = &pairs.consumers[1][&Release::V2_7_23];
    refer(consumer, "second").unwrap();
    assert_eq!(asked(consumer, "second", None), "local");

    second.kill();
    pairs.nobody_notices("a registry is killed", Duration::from_secs(2), || ());
    let fresh = provider(&line, "b", "b", Release::V2_7_23, &["fresh"], &[]).unwrap();
    until_in(first, "a new service while the other registry is away", |tree| {
        gateways_at_interface_level(tree, "fresh") == tags(&IDS)
    });
    // Even one that starts now and has never seen the other registry.
    let restarted = &line.island("a").egresses[0];
    let before = first.tree().unwrap();
    restarted.kill();
    restarted.start().unwrap();
    let is_new = |path: &String| path.contains("/providers/") && path.contains(IDS[0]) && !before.contains_key(path);
    let tree = until_in(first, "its nodes are new", |tree| {
        tree.keys().any(is_new) && gateways_at_interface_level(tree, "fresh") == tags(&IDS)
    });
    assert!(
        at_interface_level(&tree, "second").is_empty(),
        "what the other registry held in the last day is remembered"
    );
    second.again().unwrap();
    until_in(second, "everything in the registry that is back", |tree| {
        gateways_at_interface_level(tree, "fresh") == tags(&IDS) && at_interface_level(tree, PLAIN) == tags(&[UNTAGGED])
    });
    pairs.is_whole();
    drop((here, fresh));
}
