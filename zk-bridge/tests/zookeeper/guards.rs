//! Trees that not everybody may read or write: passwords, rights that are lost, and that come back.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::*;

async fn logged_in(server: &Server, login: &[u8]) -> Client {
    let connector = Client::connector().with_server_version(3, 4, 0).with_auth("digest", login);
    connector.connect(&server.address()).await.unwrap()
}

/// A tree that only `dubbo:secret` may read or write.
async fn guarded(server: &Server) -> Client {
    let client = logged_in(server, b"dubbo:secret").await;
    for folder in ["/dubbo", "/services"] {
        client.create(folder, b"", &CreateMode::Persistent.with_acls(Acls::creator_all())).await.unwrap();
    }
    client
}

fn password(server: &Server, text: &str) -> PathBuf {
    let file = server.folder().join("password");
    std::fs::write(&file, format!("{text}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

fn as_dubbo(server: &Server, file: PathBuf) -> RegistryConfig {
    RegistryConfig {
        username: Some("dubbo".into()),
        password_file: Some(file),
        session_timeout: Some("6s".into()),
        ..RegistryConfig::at(server.address())
    }
}

#[tokio::test]
async fn a_guarded_tree_opens_for_the_right_password() {
    let server = Server::start().await;
    let client = guarded(&server).await;
    let running = Running::of(&as_dubbo(&server, password(&server, "secret")));
    running.registry.publish(desired("gw-1", 1, 20990, &[A]));
    running.published(1, 1).await;
    let nodes = tree(&client, "/").await;
    let stranger = server.client().await;
    let denied = nodes.keys().filter(|path| path.contains("highway"));
    for path in denied {
        assert_eq!(stranger.get_data(path).await.unwrap_err(), Error::NoAuth, "{path} is ours alone");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_once_and_another_one_in_the_file_is_taken() {
    let server = Server::start().await;
    let _client = guarded(&server).await;
    let log = lab::Log::here();
    let running = Running::of(&as_dubbo(&server, password(&server, "mistaken")));
    running.registry.publish(desired("gw-1", 1, 20990, &[A]));
    let problems = || running.registry.status().problems.join("\n");
    eventually("the refusal is told", || async { problems().contains("may not read /dubbo") }).await;
    assert!(!running.registry.view().borrow().is_complete(), "what may not be read is not taken for empty");
    tokio::time::sleep(Duration::from_secs(11)).await;
    let text = log.text();
    assert!(log.lines("the registry has a problem") <= 5, "one line for each path, not for each attempt: {text}");
    assert_eq!(log.lines("a session began"), 1, "the session is kept: {text}");

    password(&server, "secret");
    let changed = Instant::now();
    running.published(1, 1).await;
    println!("published {:?} after the password was put right", changed.elapsed());
    assert!(changed.elapsed() < Duration::from_secs(12), "{}", log.text());
    running.view("complete", View::is_complete).await;
    eventually("nothing is wrong any more", || async { problems().is_empty() }).await;
    assert_eq!(log.lines("no problem any more"), 1);
    assert!(!log.text().contains("mistaken") && !log.text().contains("secret"), "{}", log.text());
}

#[tokio::test]
async fn rights_that_are_lost_keep_the_last_good_state_and_are_used_as_soon_as_they_are_back() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[B]));
    running.published(1, 1).await;
    running.view("complete", |view| view.is_complete() && real(view, A) == 1).await;

    let folder = format!("/dubbo/{A}/providers");
    // Everybody may open it again, and do nothing else.
    let closed = [Acl::new(Permission::ADMIN, AuthId::new("world", "anyone"))];
    client.set_acl(&folder, &closed, None).await.unwrap();
    client.delete(&provider_node(A, 20880), None).await.expect_err("closed for the test's own client as well");
    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    eventually("it is told", || async {
        running.registry.status().problems.iter().any(|it| it.contains(&format!("may not write {folder}")))
    })
    .await;
    assert_eq!(real(&running.registry.view().borrow(), A), 1, "what was read stays");

    client.set_acl(&folder, &[Acl::new(Permission::ALL, AuthId::new("world", "anyone"))], None).await.unwrap();
    let opened = Instant::now();
    running.published(2, 1).await;
    println!("published {:?} after the folder was open again", opened.elapsed());
    assert!(opened.elapsed() < Duration::from_secs(10));
    eventually("nothing is wrong any more", || async { running.registry.status().problems.is_empty() }).await;
}

/// The rights that `docs/zookeeper.md` names are enough for everything.
#[tokio::test]
async fn the_least_rights_are_enough_and_no_more_is_asked_for() {
    let server = Server::start().await;
    let admin = server.client().await;
    let may = |permission| [Acl::new(permission, AuthId::new("world", "anyone"))];
    let folder = Permission::READ | Permission::CREATE | Permission::DELETE;
    for (path, permission) in [
        ("/dubbo", folder),
        ("/dubbo/mapping", folder),
        ("/dubbo/metadata", folder),
        ("/services", folder),
        ("/dubbo/com.acme.A", Permission::READ | Permission::CREATE),
        ("/dubbo/com.acme.A/providers", folder),
        ("/dubbo/com.acme.A/consumers", Permission::READ),
    ] {
        admin.create(path, b"", &CreateMode::Persistent.with_acls(Acls::new(&may(permission)))).await.unwrap();
    }
    let mapping = CreateMode::Persistent.with_acls(Acls::anyone_all());
    admin.create("/dubbo/mapping/com.acme.A", b"shop", &mapping).await.unwrap();
    admin.set_acl("/", &may(Permission::READ), None).await.unwrap();
    let running = Running::at(&server.address());
    running.registry.publish(desired("gw-1", 1, 20990, &[A, B]));
    running.published(2, 2).await;
    running.view("complete", View::is_complete).await;
    assert_eq!(running.registry.status().problems, Vec::<String>::new());
    running.registry.leave().await.unwrap();
}

/// An ingress gateway publishes nothing.
#[tokio::test]
async fn reading_takes_the_right_to_read_and_no_other() {
    let server = Server::start().await;
    let admin = server.client().await;
    create(&admin, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    create(&admin, "/services/shop/10.0.0.1:20881", "{}", CreateMode::Ephemeral).await;
    let mut paths: Vec<String> = tree(&admin, "/").await.into_keys().collect();
    paths.push("/".into());
    for path in paths {
        admin.set_acl(&path, &[Acl::new(Permission::READ, AuthId::new("world", "anyone"))], None).await.unwrap();
    }
    let running = Running::at(&server.address());
    running.view("complete", |view| view.is_complete() && real(view, A) == 1).await;
    assert_eq!(running.registry.status().problems, Vec::<String>::new());
}

#[tokio::test]
async fn one_closed_folder_is_told_and_keeps_nobody_waiting() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "", CreateMode::Ephemeral).await;
    create(&client, &provider_node(B, 20880), "", CreateMode::Ephemeral).await;
    let closed = [Acl::new(Permission::ALL, AuthId::new("digest", "somebody:else"))];
    client.set_acl(&format!("/dubbo/{B}/providers"), &closed, None).await.unwrap();
    let running = Running::at(&server.address());
    let view = running.view("all that may be read", |view| view.is_complete()).await;
    assert_eq!((real(&view, A), real(&view, B)), (1, 0));
    let problems = running.registry.status().problems;
    assert!(problems.iter().any(|it| it.contains(&format!("may not read /dubbo/{B}/providers"))), "{problems:?}");
}
