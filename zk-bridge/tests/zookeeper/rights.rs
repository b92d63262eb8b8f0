//! Who may read and change rule documents and their histories: what a tool makes, and what it can do with the rights that there are.

use zk_bridge::{CenterFailure, Edit, Expected, Readers};

use super::editing::{apply, center, center_of, remove, text};
use super::*;

/// Without the right to write the document there is no entry either.
async fn who_may_only_read_changes_nothing_on(version: &str) {
    let server = Server::of(version).await;
    let client = server.client().await;
    let center = center(&server.address()).await;
    let one = center.write(&apply("one", Expected::Absent, "ann@a")).await.unwrap().unwrap();
    let read = [Acl::new(Permission::READ | Permission::ADMIN, AuthId::new("world", "anyone"))];
    client.set_acl("/dubbo/config/highway/shop", &read, None).await.unwrap();
    let denied = center.write(&apply("two", one, "ann@a")).await.unwrap_err();
    assert!(denied.to_string().contains("may not write /dubbo/config/highway/shop"), "{denied}");
    assert!(matches!(denied, CenterFailure::Denied(_)));
    assert_eq!(text(&center).await.as_deref(), Some("one"));
    assert_eq!(center.history("shop").await.unwrap().len(), 1);

    let nothing = [Acl::new(Permission::ADMIN, AuthId::new("world", "anyone"))];
    client.set_acl("/dubbo/config/highway/shop", &nothing, None).await.unwrap();
    let denied = center.read("shop").await.unwrap_err();
    assert!(denied.to_string().contains("may not read /dubbo/config/highway/shop"), "{denied}");
}

#[tokio::test]
async fn who_may_only_read_changes_nothing_on_zookeeper_3_4() {
    who_may_only_read_changes_nothing_on("3.4.14").await;
}

#[tokio::test]
async fn who_may_only_read_changes_nothing_on_zookeeper_3_9() {
    who_may_only_read_changes_nothing_on("3.9.5").await;
}

/// One transaction: what cannot be noted is not done.
#[tokio::test]
async fn without_the_right_to_write_its_history_a_document_is_not_changed() {
    let server = Server::start().await;
    let center = center(&server.address()).await;
    let one = center.write(&apply("one", Expected::Absent, "ann@a")).await.unwrap().unwrap();
    let read = [Acl::new(Permission::READ, AuthId::new("world", "anyone"))];
    server.client().await.set_acl("/dubbo/config/highway-history/shop", &read, None).await.unwrap();
    let denied = center.write(&apply("two", one, "ann@a")).await.unwrap_err();
    assert!(matches!(denied, CenterFailure::Denied(_)), "{denied}");
    assert_eq!(text(&center).await.as_deref(), Some("one"));
}

/// The rights that `docs/zookeeper.md` names are enough to change documents.
#[tokio::test]
async fn the_least_rights_of_a_tool_are_enough() {
    let server = Server::start().await;
    let admin = server.client().await;
    let may = |permission| [Acl::new(permission, AuthId::new("world", "anyone"))];
    let folder = Permission::READ | Permission::CREATE | Permission::DELETE;
    let mut rights = vec![("/", Permission::READ)];
    for (path, permission) in [
        ("/dubbo", Permission::READ),
        ("/dubbo/config", Permission::READ),
        ("/dubbo/config/highway", folder),
        ("/dubbo/config/highway-history", Permission::READ | Permission::CREATE),
    ] {
        admin.create(path, b"", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await.unwrap();
        rights.push((path, permission));
    }
    for (path, permission) in rights {
        admin.set_acl(path, &may(permission), None).await.unwrap();
    }
    let center = center(&server.address()).await;
    let mut expected = Expected::Absent;
    for round in 0..22 {
        expected = center.write(&apply(&round.to_string(), expected, "ann@a")).await.unwrap().unwrap();
    }
    assert_eq!(center.history("shop").await.unwrap().len(), 20);
    center.write(&remove(expected, "ann@a")).await.unwrap();
}

/// A tool logs in as somebody, and gateways as others or as nobody: they read what it writes, unless it is told otherwise.
async fn gateways_read_what_a_tool_with_a_login_writes_on(version: &str) {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::of(version).await;
    let file = server.folder().join("password");
    std::fs::write(&file, "secret").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut config = RegistryConfig {
        username: Some("ops".into()),
        password_file: Some(file),
        ..RegistryConfig::at(server.address())
    };
    let center = center_of(&config).await.unwrap();
    let one = center.write(&apply("one", Expected::Absent, "ann@a")).await.unwrap().unwrap();
    assert_eq!(center.readers("shop").await, Ok(Some(Readers::Everybody)));
    let gateway = Running::at(&server.address());
    gateway.documents(&[("shop", "one")]).await;
    let stranger = super::editing::center(&server.address()).await;
    let denied = stranger.write(&apply("two", one, "eve@e")).await.unwrap_err();
    assert!(matches!(denied, CenterFailure::Denied(_)), "{denied}");
    assert_eq!(stranger.history("shop").await.unwrap().len(), 1);

    config.acl = Some(zk_bridge::AclChoice::Creator);
    let center = center_of(&config).await.unwrap();
    let stock = Edit { name: "stock".into(), ..apply("one", Expected::Absent, "ann@a") };
    center.write(&stock).await.unwrap();
    assert_eq!(center.readers("stock").await, Ok(Some(Readers::Only(vec!["digest:ops".into()]))));
    let client = server.client().await;
    for path in ["/dubbo/config/highway/stock", "/dubbo/config/highway-history/stock/0000000001"] {
        assert_eq!(client.get_data(path).await.unwrap_err(), Error::NoAuth, "{path}");
    }
}

#[tokio::test]
async fn gateways_read_what_a_tool_with_a_login_writes_on_zookeeper_3_4() {
    gateways_read_what_a_tool_with_a_login_writes_on("3.4.14").await;
}

#[tokio::test]
async fn gateways_read_what_a_tool_with_a_login_writes_on_zookeeper_3_9() {
    gateways_read_what_a_tool_with_a_login_writes_on("3.9.5").await;
}
