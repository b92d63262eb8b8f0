//! Rule documents as a tool changes them: nobody's change is lost, and every one can be looked up and taken back.

use std::time::Duration;

use zk_bridge::{Action, CenterFailure, ConfigCenter, DOCUMENT_MAX_LEN, Edit, Entry, Expected, Meanwhile, Version};

use super::forgetful::{Forgetful, Loses};
use super::*;

pub(super) async fn center(address: &str) -> ConfigCenter {
    center_of(&RegistryConfig::at(address)).await.unwrap()
}

pub(super) async fn center_of(config: &RegistryConfig) -> Result<ConfigCenter, CenterFailure> {
    ConfigCenter::open(&config.settle(std::path::Path::new("/")).unwrap()).await
}

pub(super) fn apply(text: &str, expected: Expected, by: &str) -> Edit {
    Edit { name: "shop".into(), text: Some(text.into()), expected, action: Action::Apply, by: by.into() }
}

pub(super) fn remove(expected: Expected, by: &str) -> Edit {
    Edit { text: None, action: Action::Remove, ..apply("", expected, by) }
}

pub(super) async fn text(center: &ConfigCenter) -> Option<String> {
    center.read("shop").await.unwrap().map(|document| document.text.unwrap())
}

/// What a change would be over.
async fn now(center: &ConfigCenter) -> Expected {
    center.read("shop").await.unwrap().map_or(Expected::Absent, |document| Expected::Version(document.version))
}

/// Action, who and text of each, the newest first.
fn said(entries: &[Entry]) -> Vec<(Action, &str, Option<&str>)> {
    entries.iter().map(|entry| (entry.action, entry.by.as_str(), entry.text.as_deref())).collect()
}

async fn documents_are_changed_with_a_history_on(version: &str) {
    let server = Server::of(version).await;
    let center = center(&server.address()).await;
    assert_eq!((text(&center).await, center.list().await.unwrap()), (None, vec![]));

    // The folders are made with the first one.
    let one = center.write(&apply("one", Expected::Absent, "ann@a")).await.unwrap().unwrap();
    let two = center.write(&apply("two", one, "bob@b")).await.unwrap().unwrap();
    let listed = center.list().await.unwrap();
    let facts = listed[0].facts.as_ref().unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str(), facts.len), (1, "shop", 3));
    assert_eq!(two, Expected::Version(facts.version), "what is said of a change is what is there after it");

    let late = center.write(&apply("three", one, "cid@c")).await.unwrap_err();
    let CenterFailure::Meanwhile(meanwhile) = &late else { panic!("{late}") };
    let Meanwhile { found, by, .. } = &**meanwhile;
    let (who, at) = by.as_ref().unwrap();
    assert_eq!((found, who.as_str()), (&two, "bob@b"));
    assert_eq!(
        late.to_string(),
        format!("somebody else changed document shop: found {two}, of bob@b at {at}, wanted {one}")
    );
    let also_late = center.write(&apply("three", Expected::Absent, "cid@c")).await.unwrap_err();
    assert!(also_late.to_string().ends_with("wanted none"), "{also_late}");
    assert_eq!(text(&center).await.as_deref(), Some("two"));

    assert_eq!(center.write(&remove(two, "ann@a")).await, Ok(Some(Expected::Absent)));
    let four = center.write(&apply("four", Expected::Absent, "ann@a")).await.unwrap().unwrap();
    // ZooKeeper counts from the beginning again, as when there was "one".
    let late = center.write(&apply("five", one, "bob@b")).await.unwrap_err();
    let said_late = late.to_string();
    assert!(
        said_late.contains(&format!("found {four}, of ann@a at ")) && said_late.ends_with(&format!("wanted {one}"))
    );
    let history = center.history("shop").await.unwrap();
    assert_eq!(
        said(&history),
        [
            (Action::Apply, "ann@a", Some("four")),
            (Action::Remove, "ann@a", None),
            (Action::Apply, "bob@b", Some("two")),
            (Action::Apply, "ann@a", Some("one")),
        ]
    );
    assert_eq!(history.iter().map(|entry| entry.number).collect::<Vec<_>>(), [4, 3, 2, 1]);
    let versions = history.iter().map(|entry| entry.version.map_or(Expected::Absent, Expected::Version));
    assert_eq!(versions.collect::<Vec<_>>(), [four, Expected::Absent, two, one], "as the changes themselves said");
    let nothing = Edit { name: "stock".into(), ..remove(Expected::Absent, "ann@a") };
    let refused = center.write(&nothing).await.unwrap_err();
    assert_eq!(refused.to_string(), "found no document stock, wanted one to take away");
}

#[tokio::test]
async fn documents_are_changed_with_a_history_on_zookeeper_3_4() {
    documents_are_changed_with_a_history_on("3.4.14").await;
}

#[tokio::test]
async fn documents_are_changed_with_a_history_on_zookeeper_3_5() {
    documents_are_changed_with_a_history_on("3.5.10").await;
}

#[tokio::test]
async fn documents_are_changed_with_a_history_on_zookeeper_3_8() {
    documents_are_changed_with_a_history_on("3.8.4").await;
}

#[tokio::test]
async fn documents_are_changed_with_a_history_on_zookeeper_3_9() {
    documents_are_changed_with_a_history_on("3.9.5").await;
}

/// Many who write at once, each over what all of them saw: one wins each time, and all others are told.
async fn one_of_many_wins_on(version: &str) {
    let server = Server::of(version).await;
    let centers = [center(&server.address()).await, center(&server.address()).await, center(&server.address()).await];
    let mut expected = Expected::Absent;
    for round in 0..10 {
        let edits = [0, 1, 2].map(|who| apply(&format!("{round} of {who}"), expected, &format!("{who}")));
        let [a, b, c] = &centers;
        let [x, y, z] = &edits;
        let (x, y, z) = tokio::join!(a.write(x), b.write(y), c.write(z));
        let answers = [x, y, z];
        let won: Vec<usize> = (0..3).filter(|who| answers[*who].is_ok()).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert!(matches!(lost, CenterFailure::Meanwhile(_)), "{lost}");
        }
        assert_eq!(text(a).await.unwrap(), format!("{round} of {}", won[0]));
        let newest = &a.history("shop").await.unwrap()[0];
        assert_eq!(newest.by, won[0].to_string(), "the history names who won");
        expected = answers[won[0]].as_ref().unwrap().unwrap();
    }
    assert_eq!(centers[0].history("shop").await.unwrap().len(), 10, "and nobody else");
}

#[tokio::test]
async fn of_those_who_write_at_once_one_wins_and_the_others_are_told_on_zookeeper_3_4() {
    one_of_many_wins_on("3.4.14").await;
}

#[tokio::test]
async fn of_those_who_write_at_once_one_wins_and_the_others_are_told_on_zookeeper_3_9() {
    one_of_many_wins_on("3.9.5").await;
}

#[tokio::test]
async fn the_newest_twenty_entries_are_kept() {
    let server = Server::start().await;
    let center = center(&server.address()).await;
    let mut expected = Expected::Absent;
    for round in 1..=25 {
        expected = center.write(&apply(&round.to_string(), expected, "ann@a")).await.unwrap().unwrap();
    }
    let history = center.history("shop").await.unwrap();
    assert_eq!((history.len(), history[0].number, history[19].number), (20, 25, 6));
    let nodes = tree(&server.client().await, "/dubbo/config/highway-history/shop").await;
    assert_eq!(nodes.len(), 20, "{nodes:?}");
}

/// Somebody wrote with a client of ZooKeeper's own: that can be taken back as well.
#[tokio::test]
async fn what_somebody_wrote_by_hand_is_noted_before_it_is_changed() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, "/dubbo/config/highway/shop", "by hand", CreateMode::Persistent).await;
    let center = center(&server.address()).await;
    let one = center.write(&apply("one", now(&center).await, "ann@a")).await.unwrap().unwrap();
    client.set_data("/dubbo/config/highway/shop", b"again", None).await.unwrap();
    let late = center.write(&apply("two", one, "ann@a")).await.unwrap_err();
    assert!(late.to_string().contains(", of somebody who left no entry in its history at 2"), "{late}");
    center.write(&apply("two", now(&center).await, "ann@a")).await.unwrap();
    client.delete("/dubbo/config/highway/shop", None).await.unwrap();
    center.write(&apply("three", Expected::Absent, "ann@a")).await.unwrap();
    assert_eq!(
        said(&center.history("shop").await.unwrap()),
        [
            (Action::Apply, "ann@a", Some("three")),
            (Action::Edit, "unknown", None),
            (Action::Apply, "ann@a", Some("two")),
            (Action::Edit, "unknown", Some("again")),
            (Action::Apply, "ann@a", Some("one")),
            (Action::Edit, "unknown", Some("by hand")),
        ]
    );
}

/// Somebody else writes all the time: what a change is said to have made is never the other's.
async fn nobody_elses_version_is_taken_for_ones_own_on(version: &str) {
    let server = Server::of(version).await;
    let (center, client) = (center(&server.address()).await, server.client().await);
    center.write(&apply("0", Expected::Absent, "ann@a")).await.unwrap();
    let others = async {
        let mut versions = Vec::new();
        for round in 0..400 {
            let text = format!("of the other {round}");
            let stat = client.set_data("/dubbo/config/highway/shop", text.as_bytes(), None).await.unwrap();
            versions.push(Version(stat.mzxid));
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        versions
    };
    let own = async {
        let (mut known, mut unknown) = (Vec::new(), 0);
        for round in 0..100 {
            match center.write(&apply(&format!("own {round}"), now(&center).await, "ann@a")).await {
                Ok(Some(Expected::Version(version))) => known.push(version),
                Ok(_) => unknown += 1,
                Err(CenterFailure::Meanwhile(_)) => {}
                Err(failure) => panic!("{failure}"),
            }
        }
        (known, unknown)
    };
    let (others, (known, unknown)) = tokio::join!(others, own);
    println!("{version}: {} were told their version, {unknown} were not", known.len());
    assert!(known.len() + unknown > 0, "none was written");
    let taken: Vec<_> = known.iter().filter(|version| others.contains(version)).collect();
    assert!(taken.is_empty(), "{taken:?} are of the other");
    for entry in center.history("shop").await.unwrap().iter().filter(|entry| entry.by == "ann@a") {
        let is_others = entry.version.is_some_and(|version| others.contains(&version));
        assert!(!is_others, "{entry:?}");
    }
}

#[tokio::test]
async fn nobody_elses_version_is_taken_for_ones_own_on_zookeeper_3_4() {
    nobody_elses_version_is_taken_for_ones_own_on("3.4.14").await;
}

#[tokio::test]
async fn nobody_elses_version_is_taken_for_ones_own_on_zookeeper_3_9() {
    nobody_elses_version_is_taken_for_ones_own_on("3.9.5").await;
}

/// Many are read side by side, and one that is gone meanwhile is no failure.
#[tokio::test]
async fn all_documents_are_read_at_once() {
    let server = Server::start().await;
    let (center, client) = (center(&server.address()).await, server.client().await);
    assert!(!center.has_folder().await.unwrap());
    let names: Vec<String> = (0..100).map(|at| format!("x{at}")).collect();
    for name in &names[1..] {
        create(&client, &format!("/dubbo/config/highway/{name}"), name, CreateMode::Persistent).await;
    }
    assert!(center.has_folder().await.unwrap());
    let read = center.read_all(&names).await.unwrap();
    assert_eq!((read.documents.len(), read.unread.len()), (99, 0));
    assert!(read.documents.iter().all(|document| document.text == document.name));

    // What cannot be read is told, and keeps nobody from the others.
    let nobody = [Acl::new(Permission::ADMIN, AuthId::new("world", "anyone"))];
    client.set_acl("/dubbo/config/highway/x7", &nobody, None).await.unwrap();
    client.set_data("/dubbo/config/highway/x8", b"a: \xc9\xcc", None).await.unwrap();
    let read = center.read_all(&names).await.unwrap();
    assert_eq!((read.documents.len(), read.unread.len()), (97, 2));
    assert!(read.unread[0].starts_with("may not read /dubbo/config/highway/x7"), "{:?}", read.unread);
    assert_eq!(read.unread[1], "document x8 is no text in UTF-8 from byte 3 on");
    let listed = center.list().await.unwrap();
    let unknown: Vec<_> =
        listed.iter().filter(|listed| listed.facts.is_none()).map(|listed| listed.name.as_str()).collect();
    assert_eq!((listed.len(), unknown), (99, vec!["x7"]));
}

/// A removal says nothing about what somebody put there since.
#[tokio::test]
async fn nobody_is_named_for_what_no_history_can_keep() {
    let server = Server::start().await;
    let (center, client) = (center(&server.address()).await, server.client().await);
    let one = center.write(&apply("one", Expected::Absent, "ann@a")).await.unwrap().unwrap();
    center.write(&remove(one, "ann@a")).await.unwrap();
    create(&client, "/dubbo/config/highway/shop", "", CreateMode::Persistent).await;
    client.set_data("/dubbo/config/highway/shop", b"\xff", None).await.unwrap();
    let late = center.write(&apply("two", one, "bob@b")).await.unwrap_err();
    assert!(late.to_string().contains("of somebody who left no entry"), "{late}");
    assert_eq!(center.read("shop").await.unwrap().unwrap().text.unwrap_err().at, 0);
}

#[tokio::test]
async fn what_no_gateway_would_take_is_not_written() {
    let server = Server::start().await;
    let center = center(&server.address()).await;
    let refused = |edit: Edit| {
        let center = &center;
        async move { center.write(&edit).await.unwrap_err().to_string() }
    };
    let long = apply(&"x".repeat(DOCUMENT_MAX_LEN + 1), Expected::Absent, "a");
    assert_eq!(refused(long).await, "document shop has 262145 bytes, wanted at most 262144");
    let named = Edit { name: "a/b".into(), ..apply("", Expected::Absent, "a") };
    assert!(refused(named).await.starts_with("found \"a/b\", wanted a name of a document: 1 to 128 of"));
    let control = apply("a: 1\nb: \u{1b}[2J\n", Expected::Absent, "a");
    assert_eq!(refused(control).await, "document shop has a control character in line 2, wanted text");
    assert_eq!(tree(&server.client().await, "/").await, BTreeMap::new());

    // The longest there can be, of characters that take two bytes each in JSON, over one that nobody noted.
    create(
        &server.client().await,
        "/dubbo/config/highway/shop",
        &"\"".repeat(DOCUMENT_MAX_LEN),
        CreateMode::Persistent,
    )
    .await;
    center.write(&apply(&"\n".repeat(DOCUMENT_MAX_LEN), now(&center).await, "a")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_is_said_and_nothing_is_written() {
    let mut server = Server::start().await;
    let cable = Cable::to(server.address()).await;
    let center = center(&cable.address()).await;
    let one = center.write(&apply("one", Expected::Absent, "ann@a")).await.unwrap().unwrap();
    cable.cut();
    let lost = center.write(&apply("two", one, "ann@a")).await.unwrap_err();
    assert!(matches!(lost, CenterFailure::Lost(_)), "{lost:?}");
    assert!(lost.to_string().starts_with("the connection was lost, and nothing was written: "), "{lost}");
    let nobody = center_of(&RegistryConfig::at(cable.address())).await.err().unwrap();
    assert_eq!(nobody.to_string(), format!("no server of {} takes a session", cable.address()));
    cable.mend();
    server.kill().await;
    server.resume().await;
    let center = super::editing::center(&server.address()).await;
    assert_eq!(text(&center).await.as_deref(), Some("one"));
    let missing = center_of(&RegistryConfig::at(format!("{}/nowhere", server.address()))).await.err().unwrap();
    assert!(missing.to_string().contains("/nowhere does not exist: create it"), "{missing}");
}

/// The entry of the history says whether it was done.
#[tokio::test]
async fn where_the_answer_is_lost_it_is_known_all_the_same_what_became_of_a_change() {
    let server = Server::start().await;
    let way = Forgetful::to(server.address(), Loses::Answer).await;
    let deaf = center_of(&RegistryConfig { server_version: Some("3.9.5".into()), ..RegistryConfig::at(way.address()) })
        .await
        .unwrap();
    let one = deaf.write(&apply("one", Expected::Absent, "ann@a")).await.unwrap().unwrap();
    let way = Forgetful::to(server.address(), Loses::Request).await;
    let mute = center_of(&RegistryConfig { server_version: Some("3.9.5".into()), ..RegistryConfig::at(way.address()) })
        .await
        .unwrap();
    let lost = mute.write(&apply("two", one, "ann@a")).await.unwrap_err();
    assert!(matches!(lost, CenterFailure::Lost(_)), "{lost:?}");
    assert_eq!(text(&mute).await.as_deref(), Some("one"));
    mute.write(&apply("two", one, "ann@a")).await.unwrap();
    let history = center(&server.address()).await.history("shop").await.unwrap();
    assert_eq!(history.len(), 2, "{history:?}");
}
