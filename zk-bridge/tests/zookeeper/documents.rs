//! Rule documents as a gateway follows them: seen soon on every server, and never lost because a server is.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use zk_bridge::{DOCUMENT_MAX_LEN, Documents};

use super::*;

const FOLDER: &str = "/dubbo/config/highway";
/// How soon a change is seen, on any server, unless the machine is busy at that moment: more often than not.
const SEEN_WITHIN: Duration = Duration::from_secs(1);
/// Changes of which the one in the middle counts.
const CHANGES: usize = 9;

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

fn open(permission: Permission) -> [Acl; 1] {
    [Acl::new(permission, AuthId::new("world", "anyone"))]
}

/// Name and text of each.
fn texts(documents: &Documents) -> Vec<(&str, &str)> {
    documents.all().iter().map(|document| (document.name.as_str(), document.text.as_str())).collect()
}

impl Running {
    /// Waits until the documents are these.
    pub(super) async fn documents(&self, wanted: &[(&str, &str)]) {
        let mut documents = self.registry.documents();
        let seen = documents.wait_for(|documents| documents.is_read() && texts(documents) == wanted);
        let seen = tokio::time::timeout(Duration::from_secs(40), seen).await.is_ok();
        assert!(seen, "never: {wanted:?}; {:?} {:#?}", self.registry.documents().borrow(), self.registry.status());
    }

    /// Waits until a problem of the registry says this.
    pub(super) async fn problem(&self, what: &str) {
        eventually(what, || async { self.registry.status().problems.iter().any(|problem| problem.contains(what)) })
            .await;
    }

    /// Waits until the documents are these; how long that took.
    async fn seen_after(&self, wanted: &[(&str, &str)]) -> Duration {
        let began = Instant::now();
        self.documents(wanted).await;
        began.elapsed()
    }
}

async fn changes_are_seen_on(version: &str) {
    let server = Server::of(version).await;
    let client = server.client().await;
    let running = Running::at(&server.address());
    running.documents(&[]).await;
    create(&client, &path("shop"), "one", CreateMode::Persistent).await;
    running.documents(&[("shop", "one")]).await;
    running.view("everything", View::is_complete).await;
    let mut view = running.registry.view();
    view.mark_unchanged();
    let mut seen = Vec::new();
    for change in 0..CHANGES {
        let text = format!("change {change}");
        client.set_data(&path("shop"), text.as_bytes(), None).await.unwrap();
        seen.push(running.seen_after(&[("shop", &text)]).await);
    }
    seen.sort();
    let (middle, last) = (seen[CHANGES / 2], seen[CHANGES - 1]);
    println!("{version}: seen {middle:?} after it was written, {last:?} at most");
    assert!(middle < SEEN_WITHIN, "{version}: {seen:?}");
    create(&client, &path("com.acme.A:1.0"), "more", CreateMode::Persistent).await;
    running.documents(&[("com.acme.A:1.0", "more"), ("shop", &format!("change {}", CHANGES - 1))]).await;
    client.delete(&path("shop"), None).await.unwrap();
    running.documents(&[("com.acme.A:1.0", "more")]).await;
    assert!(!view.has_changed().unwrap(), "who reads services was not woken");
    let document = running.registry.documents().borrow().get("com.acme.A:1.0").cloned().unwrap();
    let (_, stat) = client.get_data(&path("com.acme.A:1.0")).await.unwrap();
    assert_eq!(document.version.0, stat.mzxid);
    let age = document.written.elapsed().unwrap_or_default();
    assert!(age < Duration::from_secs(60), "{age:?}");
    assert_eq!((running.registry.status().problems, running.registry.status().documents), (Vec::new(), 1));
}

#[tokio::test]
async fn a_change_is_seen_within_a_second_on_zookeeper_3_4() {
    changes_are_seen_on("3.4.14").await;
}

#[tokio::test]
async fn a_change_is_seen_within_a_second_on_zookeeper_3_5() {
    changes_are_seen_on("3.5.10").await;
}

#[tokio::test]
async fn a_change_is_seen_within_a_second_on_zookeeper_3_8() {
    changes_are_seen_on("3.8.4").await;
}

#[tokio::test]
async fn a_change_is_seen_within_a_second_on_zookeeper_3_9() {
    changes_are_seen_on("3.9.5").await;
}

/// Ten thousand services take a turn of many seconds, and a rule is not to wait for its end.
#[tokio::test]
async fn a_change_is_seen_while_much_is_written() {
    let server = Server::start().await;
    let client = server.client().await;
    let running = Running::at(&server.address());
    running.documents(&[]).await;
    let interfaces: Vec<String> = (0..1500).map(|at| format!("com.acme.A{at}")).collect();
    let interfaces: Vec<&str> = interfaces.iter().map(String::as_str).collect();
    running.registry.publish(desired("gw-1", 1, 20990, &interfaces));
    eventually("it writes", || async { !ours(&tree(&client, "/dubbo/com.acme.A0").await).is_empty() }).await;
    create(&client, &path("shop"), "one", CreateMode::Persistent).await;
    running.documents(&[("shop", "one")]).await;
    let published = running.registry.status().published;
    assert!(published < 1500, "all were written before: {published}");
}

#[tokio::test]
async fn the_folder_may_lie_outside_of_the_folders_of_services() {
    let server = Server::start().await;
    let client = server.client().await;
    let config = RegistryConfig {
        config_root: Some("rules/of/all".into()),
        session_timeout: Some("6s".into()),
        ..RegistryConfig::at(server.address())
    };
    let running = Running::of(&config);
    running.documents(&[]).await;
    create(&client, "/rules/of/all/highway/shop", "one", CreateMode::Persistent).await;
    running.documents(&[("shop", "one")]).await;
}

/// A gateway that obeys no rules needs no right to read them.
#[tokio::test]
async fn nothing_is_read_until_somebody_asks() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &path("shop"), "one", CreateMode::Persistent).await;
    client.set_acl(FOLDER, &open(Permission::ADMIN), None).await.unwrap();
    let running = Running::at(&server.address());
    running.view("complete", View::is_complete).await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    running.view("and again", |view| real(view, A) == 1).await;
    assert_eq!(running.registry.status().problems, Vec::<String>::new());
    assert!(!running.registry.documents().borrow().is_read());
    running.problem(&format!("may not read {FOLDER}")).await;
    assert!(!running.registry.documents().borrow().is_read(), "what may not be read is not taken for empty");
}

#[tokio::test]
async fn a_server_that_is_away_changes_nothing_and_what_happened_meanwhile_is_seen_after() {
    let mut server = Server::start().await;
    let client = server.client().await;
    create(&client, &path("shop"), "one", CreateMode::Persistent).await;
    let cable = Cable::to(server.address()).await;
    let running = Running::at(&cable.address());
    running.documents(&[("shop", "one")]).await;
    let mut before = running.registry.documents();
    before.mark_unchanged();

    cable.cut();
    running.view("the word", |view| !view.is_connected()).await;
    client.set_data(&path("shop"), b"two", None).await.unwrap();
    assert!(!before.has_changed().unwrap());
    cable.mend();
    running.documents(&[("shop", "two")]).await;

    server.kill().await;
    running.view("the word", |view| !view.is_connected()).await;
    running.documents(&[("shop", "two")]).await;
    server.resume().await;
    running.view("back", View::is_connected).await;
    let client = server.client().await;
    client.set_data(&path("shop"), b"three", None).await.unwrap();
    running.documents(&[("shop", "three")]).await;
}

/// Providers register again after that; nobody writes the documents again.
#[tokio::test]
async fn a_server_that_lost_its_tree_takes_no_document_away() {
    let mut server = Server::start().await;
    let client = server.client().await;
    create(&client, &path("shop"), "one", CreateMode::Persistent).await;
    create(&client, &path("stock"), "one", CreateMode::Persistent).await;
    let running = Running::at(&server.address());
    running.documents(&[("shop", "one"), ("stock", "one")]).await;
    server.kill().await;
    server.lose_everything();
    server.resume().await;
    running.problem(&format!("found no folder {FOLDER}, where there were 2 rule documents")).await;
    running.view("everything else is read", View::is_complete).await;
    running.documents(&[("shop", "one"), ("stock", "one")]).await;

    // Somebody says what is right: what is in the folder now.
    let client = server.client().await;
    create(&client, &path("stock"), "two", CreateMode::Persistent).await;
    running.documents(&[("stock", "two")]).await;
    eventually("nothing is wrong any more", || async { running.registry.status().problems.is_empty() }).await;
}

#[tokio::test]
async fn what_is_deleted_on_a_live_connection_is_gone_with_its_folder_and_without() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &path("shop"), "one", CreateMode::Persistent).await;
    let running = Running::at(&server.address());
    running.documents(&[("shop", "one")]).await;
    client.delete(&path("shop"), None).await.unwrap();
    running.documents(&[]).await;
    create(&client, &path("shop"), "one", CreateMode::Persistent).await;
    running.documents(&[("shop", "one")]).await;
    delete_all(&client, "/dubbo/config").await;
    running.documents(&[]).await;
    assert_eq!(running.registry.status().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_right_to_read_that_is_lost_keeps_the_last_text_until_it_is_back() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &path("shop"), "one", CreateMode::Persistent).await;
    create(&client, &path("stock"), "one", CreateMode::Persistent).await;
    let running = Running::at(&server.address());
    running.documents(&[("shop", "one"), ("stock", "one")]).await;

    // One document alone.
    let no_reading = Permission::WRITE | Permission::ADMIN;
    client.set_acl(&path("shop"), &open(no_reading), None).await.unwrap();
    client.set_data(&path("shop"), b"two", None).await.unwrap();
    client.set_data(&path("stock"), b"two", None).await.unwrap();
    running.documents(&[("shop", "one"), ("stock", "two")]).await;
    running.problem(&format!("may not read {}: its last good text stays", path("shop"))).await;
    client.set_acl(&path("shop"), &open(Permission::ALL), None).await.unwrap();
    running.documents(&[("shop", "two"), ("stock", "two")]).await;

    // All of them.
    client.set_acl(FOLDER, &open(Permission::DELETE | Permission::CREATE | Permission::ADMIN), None).await.unwrap();
    client.delete(&path("stock"), None).await.unwrap();
    running.problem(&format!("may not read {FOLDER}: the rule documents stay as they were")).await;
    running.documents(&[("shop", "two"), ("stock", "two")]).await;
    client.set_acl(FOLDER, &open(Permission::ALL), None).await.unwrap();
    running.documents(&[("shop", "two")]).await;
    eventually("nothing is wrong any more", || async { running.registry.status().problems.is_empty() }).await;
}

#[tokio::test]
async fn a_password_that_opens_the_documents_is_taken_when_it_is_in_the_file() {
    let server = Server::start().await;
    let connector = Client::connector().with_server_version(3, 9, 5).with_auth("digest", b"rules:secret");
    let owner = connector.connect(&server.address()).await.unwrap();
    create(&owner, "/dubbo/config", "", CreateMode::Persistent).await;
    owner.create(FOLDER, b"", &CreateMode::Persistent.with_acls(Acls::creator_all())).await.unwrap();
    owner.create(&path("shop"), b"one", &CreateMode::Persistent.with_acls(Acls::creator_all())).await.unwrap();
    let file = server.folder().join("password");
    std::fs::write(&file, "mistaken").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let running = Running::of(&RegistryConfig {
        username: Some("rules".into()),
        password_file: Some(file.clone()),
        session_timeout: Some("6s".into()),
        ..RegistryConfig::at(server.address())
    });
    drop(running.registry.documents());
    running.problem(&format!("may not read {FOLDER}")).await;
    std::fs::write(&file, "secret").unwrap();
    running.documents(&[("shop", "one")]).await;
}

#[tokio::test]
async fn a_document_that_is_too_long_or_no_text_is_told_and_the_last_good_text_stays() {
    let server = Server::start().await;
    let client = server.client().await;
    let longest = "x".repeat(DOCUMENT_MAX_LEN);
    create(&client, &path("shop"), &longest, CreateMode::Persistent).await;
    let running = Running::at(&server.address());
    running.documents(&[("shop", &longest)]).await;
    client.set_data(&path("shop"), "x".repeat(DOCUMENT_MAX_LEN + 1).as_bytes(), None).await.unwrap();
    running.problem("rule document shop has 262145 bytes, wanted at most 262144: its last good text stays").await;
    client.set_data(&path("shop"), b"ab\xff", None).await.unwrap();
    running.problem("rule document shop is no text in UTF-8 from byte 2 on: its last good text stays").await;
    client.create(&path("new"), b"\xff", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await.unwrap();
    running.problem("rule document new is no text in UTF-8 from byte 0 on: it says nothing").await;
    create(&client, &path("a b"), "", CreateMode::Persistent).await;
    running
        .problem("found a rule document \"a b\", wanted a name of at most 128 of A-Z a-z 0-9 . _ : ~ -: it is not read")
        .await;
    running.documents(&[("shop", &longest)]).await;
    client.set_data(&path("shop"), b"two", None).await.unwrap();
    running.documents(&[("shop", "two")]).await;
}

#[tokio::test]
async fn further_documents_than_the_limit_are_told_and_those_that_are_known_stay() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &path("z"), "known", CreateMode::Persistent).await;
    let running = Running::at(&server.address());
    running.documents(&[("z", "known")]).await;
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    for at in 0..zk_bridge::DOCUMENTS_MAX {
        client.create(&path(&format!("a{at:04}")), b"", &options).await.unwrap();
    }
    running.problem("found 1 rule documents over the limit of 1000: they are not read").await;
    let documents = running.registry.documents().borrow().clone();
    assert_eq!((documents.all().len(), documents.get("a0999")), (zk_bridge::DOCUMENTS_MAX, None));
    assert_eq!(documents.get("z").unwrap().text, "known");
    client.delete(&path("a0000"), None).await.unwrap();
    eventually("there is room", || async { running.registry.documents().borrow().get("a0999").is_some() }).await;
}

/// What a server that cannot tell of changes is asked has a bound, however many documents there are.
async fn a_thousand_documents_cost_a_bounded_load_on(version: &str) {
    let server = Server::of(version).await;
    let client = server.client().await;
    for at in 0..zk_bridge::DOCUMENTS_MAX {
        create(&client, &path(&format!("a{at:04}")), "one", CreateMode::Persistent).await;
    }
    let running = Running::at(&server.address());
    let mut documents = running.registry.documents();
    documents.wait_for(|documents| documents.all().len() == zk_bridge::DOCUMENTS_MAX).await.unwrap();
    let (began, before) = (Instant::now(), server.received().await);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let asked = server.received().await - before;
    let rate = f64::from(u32::try_from(asked).unwrap()) / began.elapsed().as_secs_f64();
    println!("{version}: asked {rate:.0} times a second for a thousand documents");
    assert!(rate < 1500.0, "{version}: {rate}");
    client.set_data(&path("a0999"), b"two", None).await.unwrap();
    let seen = documents.wait_for(|documents| documents.get("a0999").is_some_and(|document| document.text == "two"));
    tokio::time::timeout(Duration::from_secs(40), seen).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_thousand_documents_cost_a_bounded_load_on_zookeeper_3_4() {
    a_thousand_documents_cost_a_bounded_load_on("3.4.14").await;
}

#[tokio::test]
async fn a_thousand_documents_cost_a_bounded_load_on_zookeeper_3_5() {
    a_thousand_documents_cost_a_bounded_load_on("3.5.10").await;
}
