//! Plans, step by step, and played on a tree in memory until there is nothing more to do.
//!
//! Long because: one story after the other on the same tree in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::instance_level;
use crate::interface_level;
use crate::metadata::MetadataInfo;
use crate::publish::{Mapping, OwnMetadata};
use crate::registry::{Stand, VirtualProvider};
use crate::view::{Provider, ServiceKey};

const EPOCH: u64 = 1_795_000_000_000;

fn layout() -> Layout {
    Layout::new("dubbo", "services")
}

fn service(interface: &str) -> VirtualProvider {
    VirtualProvider {
        key: ServiceKey::new(interface, None, None),
        island: "b".into(),
        host: "10.0.0.9".into(),
        port: 20990,
        methods: vec!["hello".into()],
        ..VirtualProvider::default()
    }
}

fn desired(interfaces: &[&str]) -> Desired {
    let providers = interfaces.iter().map(|it| service(it)).collect();
    Desired { gateway: "gw-1".into(), epoch: EPOCH, providers, ..Desired::default() }
}

/// A tree in memory that carries out steps as a server does: a step that does not fit fails as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tree {
    /// Content, version and whether it is ephemeral.
    nodes: BTreeMap<String, (String, i32, bool)>,
    /// Every state in between steps must be sound for consumers: these checks ran this often.
    checked: usize,
}

impl Tree {
    fn carry_out(&mut self, steps: &[Step]) {
        for step in steps {
            for op in step {
                self.carry_out_one(op);
            }
            self.check();
        }
    }

    fn carry_out_one(&mut self, op: &Op) {
        match op {
            Op::CreateEphemeral { path, data } | Op::CreatePersistent { path, data } => {
                let ephemeral = matches!(op, Op::CreateEphemeral { .. });
                let before = self.nodes.insert(path.clone(), (data.clone(), 0, ephemeral));
                assert_eq!(before, None, "{path} is there already");
            }
            Op::Set { path, data, version } => {
                let node = self.nodes.get_mut(path).unwrap_or_else(|| panic!("{path} is not there"));
                assert!(version.is_none_or(|version| version == node.1), "{path} has version {}", node.1);
                node.0.clone_from(data);
                node.1 += 1;
            }
            Op::Delete { path, version } => {
                let node = self.nodes.remove(path).unwrap_or_else(|| panic!("{path} is not there"));
                assert!(version.is_none_or(|version| version == node.1), "{path} has version {}", node.1);
            }
            Op::DeleteEmpty { .. } => {}
        }
    }

    /// No instance may name metadata that is not there.
    fn check(&mut self) {
        for (path, (data, ..)) in self.nodes.iter().filter(|(path, _)| path.starts_with("/services/")) {
            let application = path.split('/').nth(2).unwrap();
            let instance = instance_level::Instance::from_json(application, data.as_bytes()).unwrap();
            if instance.exports_nothing() {
                continue;
            }
            for place in ["/dubbo/metadata", "/dubbo"] {
                let metadata = format!("{place}/{application}/{}", instance.revision);
                assert!(self.nodes.contains_key(&metadata), "{path} names {metadata}");
            }
            self.checked += 1;
        }
    }

    /// What a gateway called `gw-1` finds; `owner` tells of each of its nodes.
    fn current(&self, owner: impl Fn(&str) -> Owner) -> Current {
        let mut current = Current::default();
        for (path, (data, version, _)) in &self.nodes {
            let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
            match parts[..] {
                ["dubbo", "mapping", interface] => {
                    let applications = data.split(',').map(str::to_owned).collect();
                    current.mappings.insert(interface.into(), Mapping { applications, version: *version });
                }
                ["dubbo", "metadata", application, revision] | ["dubbo", application, revision]
                    if application.starts_with("highway-") =>
                {
                    let info = MetadataInfo::from_json(data.as_bytes()).unwrap();
                    let is_ours = info.services.iter().any(|it| it.parameters["highway"] == "gw-1");
                    if is_ours {
                        let known: &mut OwnMetadata =
                            current.metadata.entry((application.into(), revision.into())).or_default();
                        known.for_java |= parts.len() == 4;
                        known.for_go |= parts.len() == 3;
                        known.interfaces = info.services.into_iter().map(|it| it.interface).collect();
                    }
                }
                ["dubbo", folder, "providers", name] => {
                    let provider = interface_level::registered(folder, name).unwrap().provider;
                    if provider.highway.as_deref() == Some("gw-1") {
                        let epoch = provider.parameters.get("epoch").unwrap().parse().unwrap();
                        let node = OwnNode { owner: owner(path), epoch, revision: String::new() };
                        current.interface_nodes.insert((folder.into(), Category::Providers, name.into()), node);
                    }
                }
                ["services", application, id] => {
                    current.folders.extend(Some(application.to_owned()).filter(|name| name.starts_with("highway-")));
                    let instance = instance_level::Instance::from_json(application, data.as_bytes()).unwrap();
                    if instance.highway() == Some("gw-1") {
                        let (epoch, revision) = (instance.epoch(), instance.revision);
                        current
                            .instances
                            .insert((application.into(), id.into()), OwnNode { owner: owner(path), epoch, revision });
                    }
                }
                _ => {}
            }
        }
        current
    }

    fn paths(&self, prefix: &str) -> Vec<&str> {
        self.nodes.keys().map(String::as_str).filter(|path| path.starts_with(prefix)).collect()
    }
}

fn this_session(_: &str) -> Owner {
    Owner::ThisSession
}

fn old_session(_: &str) -> Owner {
    Owner::OldSession
}

/// Plans and carries out until nothing is left to do; instances that rest have rested.
fn settle(tree: &mut Tree, desired: &Desired, circumstances: &Circumstances) -> Plan {
    for _ in 0..5 {
        let plan = plan(&layout(), desired, &tree.current(this_session), circumstances);
        if plan.steps.is_empty() {
            return plan;
        }
        tree.carry_out(&plan.steps);
    }
    panic!("it never ends: {tree:#?}");
}

fn published(interfaces: &[&str]) -> Tree {
    let mut tree = Tree::default();
    settle(&mut tree, &desired(interfaces), &Circumstances::default());
    tree
}

#[test]
fn a_service_is_written_at_both_levels_metadata_first() {
    let plan = plan(&layout(), &desired(&["com.acme.A"]), &Current::default(), &Circumstances::default());
    let paths: Vec<&str> = plan.steps.iter().flatten().map(Op::path).collect();
    let [java, go, instance, mapping, node] = paths[..] else { panic!("{paths:#?}") };
    assert!(java.starts_with("/dubbo/metadata/highway-b-1/"), "{java}");
    assert!(go.starts_with("/dubbo/highway-b-1/"), "{go}");
    assert_eq!(instance, "/services/highway-b-1/10.0.0.9:20990");
    assert_eq!(mapping, "/dubbo/mapping/com.acme.A");
    assert!(node.starts_with("/dubbo/com.acme.A/providers/dubbo%3A%2F%2F10.0.0.9%3A20990%2Fcom.acme.A%3F"), "{node}");
    assert_eq!(plan.steps[0].len(), 3, "metadata and instance are one step");
    assert!(matches!(plan.steps[0][2], Op::CreateEphemeral { .. }));
    assert!(matches!(plan.steps[0][0], Op::CreatePersistent { .. }));
}

#[test]
fn what_is_there_is_left_alone_and_counted() {
    let mut tree = published(&["com.acme.A", "com.acme.B"]);
    let plan = settle(&mut tree, &desired(&["com.acme.B", "com.acme.A"]), &Circumstances::default());
    assert_eq!((plan.published, plan.published_as_instance), (2, 2));
    assert!(plan.unused.is_empty() && plan.problems.is_empty());
    assert_eq!(tree.paths("/services/").len(), 1, "both in one application");
    assert!(tree.checked > 0);
}

#[test]
fn an_emptied_tree_is_filled_again() {
    let before = published(&["com.acme.A"]);
    let after = published(&["com.acme.A"]);
    assert_eq!(before.nodes, after.nodes, "the same wishes make the same nodes");
}

#[test]
fn one_missing_node_is_healed_and_no_other_is_touched() {
    let whole = published(&["com.acme.A", "com.acme.B"]);
    for missing in whole.nodes.keys() {
        let mut tree = whole.clone();
        tree.nodes.remove(missing);
        let plan = plan(
            &layout(),
            &desired(&["com.acme.A", "com.acme.B"]),
            &tree.current(this_session),
            &Circumstances::default(),
        );
        let paths: Vec<&str> = plan.steps.iter().flatten().map(Op::path).collect();
        assert_eq!(paths, [missing], "without {missing}");
    }
}

#[test]
fn a_service_that_is_no_longer_wanted_goes_and_its_instance_gets_a_new_revision_in_place() {
    let mut tree = published(&["com.acme.A", "com.acme.B"]);
    let plan = plan(&layout(), &desired(&["com.acme.A"]), &tree.current(this_session), &Circumstances::default());
    let instance = plan.steps[0].last().unwrap();
    assert!(matches!(instance, Op::Set { path, .. } if path == "/services/highway-b-1/10.0.0.9:20990"), "{instance:?}");
    tree.carry_out(&plan.steps);
    assert!(tree.paths("/dubbo/com.acme.B/providers/").is_empty());
    let plan = settle(&mut tree, &desired(&["com.acme.A"]), &Circumstances::default());
    assert_eq!(plan.unused.len(), 1, "the old metadata stays a while");
    assert_eq!(tree.nodes["/dubbo/mapping/com.acme.B"].0, "highway-b-1", "and so does the mapping");

    let due = Circumstances { due: plan.unused, ..Circumstances::default() };
    settle(&mut tree, &desired(&["com.acme.A"]), &due);
    assert_eq!(tree.paths("/dubbo/metadata/").len(), 1);
    assert_eq!(tree.paths("/dubbo/highway-b-1/").len(), 1);
    assert!(!tree.nodes.contains_key("/dubbo/mapping/com.acme.B"));
    assert!(tree.nodes.contains_key("/dubbo/mapping/com.acme.A"));
}

#[test]
fn a_local_provider_at_interface_level_only_takes_the_instance_entry_away_first() {
    let tree = published(&["com.acme.A", "com.acme.B"]);
    let mut current = tree.current(this_session);
    current.interface_only.insert(ServiceKey::new("com.acme.A", None, None));
    let more = desired(&["com.acme.A", "com.acme.B", "com.acme.C"]);
    let plan = plan(&layout(), &more, &current, &Circumstances::default());
    let set = plan.steps[0].last().unwrap();
    let Op::Set { path, .. } = set else { panic!("{set:?}") };
    assert_eq!(path, "/services/highway-b-1/10.0.0.9:20990");
    let Op::CreatePersistent { data, .. } = &plan.steps[0][0] else { panic!() };
    assert!(!data.contains("com.acme.A") && data.contains("com.acme.B") && data.contains("com.acme.C"));
    let touched: Vec<&str> = plan.steps.iter().flatten().map(Op::path).collect();
    assert!(
        !touched.iter().any(|path| path.starts_with("/dubbo/com.acme.A/")),
        "its interface node stays: {touched:?}"
    );
}

#[test]
fn the_last_service_at_instance_level_takes_its_instance_along() {
    let tree = published(&["com.acme.A"]);
    let mut current = tree.current(this_session);
    current.interface_only.insert(ServiceKey::new("com.acme.A", None, None));
    let plan = plan(&layout(), &desired(&["com.acme.A"]), &current, &Circumstances::default());
    assert_eq!(plan.steps, [vec![Op::Delete { path: "/services/highway-b-1/10.0.0.9:20990".into(), version: None }]]);
    assert_eq!((plan.published, plan.published_as_instance), (1, 0));
    assert!(plan.to_rest.is_empty());
}

#[test]
fn leftovers_of_an_earlier_start_are_replaced_new_before_old_and_the_instance_rests_in_between() {
    let mut tree = published(&["com.acme.A"]);
    let again = Desired { epoch: EPOCH + 1, ..desired(&["com.acme.A"]) };
    let first = plan(&layout(), &again, &tree.current(old_session), &Circumstances::default());
    let name = ("highway-b-1".to_owned(), "10.0.0.9:20990".to_owned());
    assert_eq!(first.to_rest, std::slice::from_ref(&name));
    assert_eq!(first.steps[0], [Op::Delete { path: "/services/highway-b-1/10.0.0.9:20990".into(), version: None }]);
    let replaced = first.steps.last().unwrap();
    assert!(matches!(&replaced[..], [Op::CreateEphemeral { .. }, Op::Delete { .. }]), "{replaced:?}");
    tree.carry_out(&first.steps);

    let rests = Circumstances { resting: [name].into(), ..Circumstances::default() };
    let meanwhile = plan(&layout(), &again, &tree.current(this_session), &rests);
    assert_eq!(meanwhile.steps, Vec::<Step>::new(), "nothing to do until it has rested");
    settle(&mut tree, &again, &Circumstances::default());
    let revision = |tree: &Tree| tree.current(this_session).instances.into_values().next().unwrap().revision;
    assert_ne!(revision(&tree), revision(&published(&["com.acme.A"])), "a new start has a new revision");
}

#[test]
fn leftovers_of_an_earlier_session_of_this_start_are_replaced_at_once() {
    let tree = published(&["com.acme.A"]);
    let plan = plan(&layout(), &desired(&["com.acme.A"]), &tree.current(old_session), &Circumstances::default());
    assert!(plan.to_rest.is_empty());
    assert_eq!(plan.steps.len(), 2);
    for step in &plan.steps {
        let [Op::Delete { path: gone, .. }, Op::CreateEphemeral { path, .. }] = &step[..] else { panic!("{step:?}") };
        assert_eq!(gone, path);
    }
}

#[test]
fn a_younger_process_of_the_same_id_is_not_fought() {
    let tree = published(&["com.acme.A"]);
    let older = Desired { epoch: EPOCH - 1, ..desired(&["com.acme.A"]) };
    let plan = plan(&layout(), &older, &tree.current(old_session), &Circumstances::default());
    assert!(plan.steps.is_empty());
    assert!(plan.problems[0].contains("another process publishes as gateway \"gw-1\""), "{:?}", plan.problems);
}

#[test]
fn a_mapping_keeps_the_applications_of_others_and_its_version_is_compared() {
    let mut tree = Tree::default();
    tree.nodes.insert("/dubbo/mapping/com.acme.A".into(), ("shop,zoo".into(), 7, false));
    let plan = plan(&layout(), &desired(&["com.acme.A"]), &tree.current(this_session), &Circumstances::default());
    let set =
        Op::Set { path: "/dubbo/mapping/com.acme.A".into(), data: "highway-b-1,shop,zoo".into(), version: Some(7) };
    assert!(plan.steps.contains(&vec![set]), "{:#?}", plan.steps);
}

#[test]
fn withdrawing_takes_what_consumers_choose_and_leaves_what_is_persistent() {
    let mut tree = published(&["com.acme.A"]);
    settle(&mut tree, &desired(&[]), &Circumstances::default());
    assert!(tree.nodes.values().all(|(_, _, ephemeral)| !ephemeral), "{:#?}", tree.nodes);
    assert_eq!(tree.nodes.len(), 3, "two of metadata, one mapping");
}

#[test]
fn leaving_takes_everything_that_is_ours_and_nothing_else() {
    let mut tree = published(&["com.acme.A"]);
    let theirs =
        [("/dubbo/mapping/com.acme.Z", "shop"), ("/dubbo/com.acme.A/providers/dubbo%3A%2F%2Fh%3A1%2Fcom.acme.A", "")];
    for (path, data) in theirs {
        tree.nodes.insert(path.into(), (data.into(), 3, true));
    }
    tree.nodes.get_mut("/dubbo/mapping/com.acme.A").unwrap().0.push_str(",shop");
    let leaving = Circumstances { ending: Ending::Leaving, ..Circumstances::default() };
    let plan = plan(&layout(), &desired(&[]), &tree.current(this_session), &leaving);
    tree.carry_out(&plan.steps);
    let left: Vec<(&str, &str)> = tree.nodes.iter().map(|(path, (data, ..))| (path.as_str(), data.as_str())).collect();
    let mut expected = vec![theirs[0], theirs[1], ("/dubbo/mapping/com.acme.A", "shop")];
    expected.sort();
    assert_eq!(left, expected);
    let folders: Vec<&str> =
        plan.steps.iter().flatten().filter(|op| matches!(op, Op::DeleteEmpty { .. })).map(Op::path).collect();
    assert_eq!(folders, ["/dubbo/highway-b-1", "/dubbo/metadata/highway-b-1", "/services/highway-b-1"]);
}

#[test]
fn a_mapping_that_another_gateway_needs_stays() {
    let mut tree = published(&["com.acme.A", "com.acme.B"]);
    let mut current = tree.current(this_session);
    current.of_others.insert(("highway-b-1".into(), "com.acme.A".into()));
    let leaving = Circumstances { ending: Ending::Leaving, ..Circumstances::default() };
    tree.carry_out(&plan(&layout(), &desired(&[]), &current, &leaving).steps);
    assert_eq!(tree.paths("/dubbo/mapping/"), ["/dubbo/mapping/com.acme.A"]);

    let mut tree = published(&["com.acme.A"]);
    let mut current = tree.current(this_session);
    current.unknown_of_others.insert("highway-b-1".into());
    tree.carry_out(&plan(&layout(), &desired(&[]), &current, &leaving).steps);
    assert_eq!(tree.paths("/dubbo/mapping/").len(), 1, "what is not known is not taken away");
}

/// Programs that call `.target("b")` of a service that their island has itself found no gateway, since none was published for it.
#[test]
fn where_a_gateway_stands_is_one_instance_a_port_that_exports_nothing_and_that_no_consumer_is_led_to() {
    let stand = |island: &str, port| Stand { island: island.into(), host: "10.0.0.9".into(), port };
    let wish = Desired { stands: vec![stand("default", 20990), stand("b", 20991)], ..desired(&[]) };
    let mut tree = Tree::default();
    let plan = settle(&mut tree, &wish, &Circumstances::default());
    let all = ["/services/highway-b-0/10.0.0.9:20991", "/services/highway-default-0/10.0.0.9:20990"];
    assert_eq!(tree.paths("/"), all, "no metadata, no mapping, no node of an interface");
    assert!(tree.nodes[all[0]].0.contains(r#""dubbo.metadata.revision":"0""#), "{}", tree.nodes[all[0]].0);
    assert!(plan.problems.is_empty() && plan.unused.is_empty());
    assert_eq!((plan.published, plan.published_as_instance), (0, 0), "it is no service");

    // The next start of the gateway replaces it without a rest, since no connection hangs on it.
    let again = Desired { epoch: EPOCH + 1, ..wish.clone() };
    let next = super::plan(&layout(), &again, &tree.current(old_session), &Circumstances::default());
    assert!(next.to_rest.is_empty());
    for (step, path) in next.steps.iter().zip(all) {
        assert!(matches!(&step[..], [Op::Delete { .. }, Op::CreateEphemeral { .. }]), "{step:?}");
        assert!(step.iter().all(|op| op.path() == path), "{step:?}");
    }
    assert_eq!(next.steps.len(), all.len());

    // Beside services it is what it was.
    let more = Desired { providers: vec![service("com.acme.A")], ..wish };
    settle(&mut tree, &more, &Circumstances::default());
    assert!(all.iter().all(|path| tree.nodes.contains_key(*path)), "{:#?}", tree.nodes);
    let leaving = Circumstances { ending: Ending::Leaving, ..Circumstances::default() };
    let left = super::plan(&layout(), &desired(&[]), &tree.current(this_session), &leaving);
    tree.carry_out(&left.steps);
    assert!(tree.nodes.is_empty(), "{:#?}", tree.nodes);
    let emptied = Op::DeleteEmpty { path: "/services/highway-default-0".into() };
    assert!(left.steps.contains(&vec![emptied.clone()]));
    // Whoever leaves when its session is over finds the empty folder alone: no metadata tells of it.
    let gone = Current { folders: ["highway-default-0".to_owned()].into(), ..Current::default() };
    let left = super::plan(&layout(), &desired(&[]), &gone, &leaving);
    assert!(left.steps.contains(&vec![emptied]), "{left:?}");
}

#[test]
fn islands_ports_and_groups_have_places_of_their_own() {
    let mut wish = desired(&["com.acme.A"]);
    let tagged = VirtualProvider { island: "c".into(), port: 20991, tag: Some("c".into()), ..service("com.acme.A") };
    let grouped = VirtualProvider { key: ServiceKey::new("com.acme.A", Some("G"), Some("2")), ..service("x") };
    wish.providers.extend([tagged, grouped]);
    let mut tree = Tree::default();
    let plan = settle(&mut tree, &wish, &Circumstances::default());
    assert_eq!((plan.published, plan.published_as_instance), (3, 3));
    assert_eq!(
        tree.paths("/services/"),
        ["/services/highway-b-1/10.0.0.9:20990", "/services/highway-c-1/10.0.0.9:20991"]
    );
    assert_eq!(tree.nodes["/dubbo/mapping/com.acme.A"].0, "highway-b-1,highway-c-1");
    assert_eq!(tree.paths("/dubbo/com.acme.A/providers/").len(), 3);
    let says_its_tag = |path: &str| tree.nodes[path].0.contains(r#""tag":"c""#);
    assert!(
        says_its_tag("/services/highway-c-1/10.0.0.9:20991") && !says_its_tag("/services/highway-b-1/10.0.0.9:20990")
    );
}

#[test]
fn more_services_than_a_node_can_hold_are_spread_and_joined_again_without_a_gap() {
    let names: Vec<String> = (0..1200).map(|i| format!("com.acme.Service{i}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tree = published(&all[..400]);
    settle(&mut tree, &desired(&all), &Circumstances::default());
    let instances = tree.paths("/services/").len();
    assert!((3..=6).contains(&instances), "{instances}");
    for (path, (data, ..)) in tree.nodes.iter().filter(|(path, _)| path.starts_with("/dubbo/metadata/")) {
        assert!(data.len() <= 512 * 1024, "{path} has {} bytes", data.len());
    }
    let plan = settle(&mut tree, &desired(&all[..200]), &Circumstances::default());
    assert_eq!((tree.paths("/services/").len(), plan.published), (1, 200));
}

#[test]
fn a_changed_timeout_is_a_new_node_before_the_old_one_goes() {
    let tree = published(&["com.acme.A"]);
    let mut wish = desired(&["com.acme.A"]);
    wish.providers[0].timeout = Some(Duration::from_secs(2));
    let plan = plan(&layout(), &wish, &tree.current(this_session), &Circumstances::default());
    let last = plan.steps.last().unwrap();
    assert!(matches!(&last[..], [Op::CreateEphemeral { .. }, Op::Delete { .. }]), "{last:?}");
}

#[test]
fn two_applications_with_the_same_services_have_different_revisions() {
    let mut wish = desired(&["com.acme.A"]);
    wish.providers.push(VirtualProvider { island: "c".into(), host: "10.0.0.8".into(), ..service("com.acme.A") });
    let mut tree = Tree::default();
    settle(&mut tree, &wish, &Circumstances::default());
    let revisions: BTreeSet<String> =
        tree.current(this_session).metadata.into_keys().map(|(_, revision)| revision).collect();
    assert_eq!(revisions.len(), 2);
    assert!(revisions.iter().all(|it| it.len() == 32));
}

#[test]
fn a_shared_folder_gets_no_metadata_for_dubbo_go() {
    let layout = Layout::new("prod", "prod");
    let plan = plan(&layout, &desired(&["com.acme.A"]), &Current::default(), &Circumstances::default());
    let paths: Vec<&str> = plan.steps.iter().flatten().map(Op::path).collect();
    assert_eq!(paths.len(), 4, "{paths:?}");
    assert!(!paths.iter().any(|path| path.starts_with("/prod/highway-b-1/") && !path.ends_with(":20990")), "{paths:?}");
}

#[test]
fn what_is_persistent_of_a_plain_provider_belongs_to_its_application_and_stays() {
    let plain = Provider {
        key: ServiceKey::new("com.acme.A", None, None),
        host: "10.0.0.7".into(),
        port: 20880,
        path: String::new(),
        level: crate::registry::Level::Both,
        application: Some("shop".into()),
        parameters: Default::default(),
        highway: None,
    };
    let desired = Desired { epoch: EPOCH, plain: vec![plain], ..Desired::default() };
    let mut tree = Tree::default();
    let first = plan(&layout(), &desired, &Current::default(), &Circumstances::default());
    tree.carry_out(&first.steps);
    let paths: Vec<&str> = tree.nodes.keys().map(|path| path.split("/providers").next().unwrap()).collect();
    let shop = paths.iter().find_map(|path| path.strip_prefix("/dubbo/metadata/shop/")).unwrap().to_owned();
    let go = format!("/dubbo/shop/{shop}");
    let java = format!("/dubbo/metadata/shop/{shop}");
    let all = ["/dubbo/com.acme.A", "/dubbo/mapping/com.acme.A", &java, &go, "/services/shop/10.0.0.7:20880"];
    assert_eq!(paths, all);

    let there = OwnMetadata { for_java: true, for_go: true, ..OwnMetadata::default() };
    let current = Current { metadata: [(("shop".to_owned(), shop), there)].into(), ..Current::default() };
    let left = Desired { epoch: EPOCH, ..Desired::default() };
    let leaving = plan(&layout(), &left, &current, &Circumstances { ending: Ending::Leaving, ..Default::default() });
    assert_eq!((leaving.steps, leaving.unused), (vec![], BTreeSet::new()));
}
