//! What is read: providers and consumers at both levels.

use super::*;

#[tokio::test]
async fn providers_and_consumers_are_seen_at_both_levels_as_they_come_and_go() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, &provider_node(A, 20880), "10.0.0.1", CreateMode::Ephemeral).await;
    create(&client, "/dubbo/metadata/shop/r1", &metadata_text("shop", "r1", A, 20880), CreateMode::Persistent).await;
    let instance = instance_text("shop", ("10.0.0.1", 20880), "r1", "remote");
    create(&client, "/services/shop/10.0.0.1:20880", &instance, CreateMode::Ephemeral).await;
    let consumer =
        format!("/dubbo/{A}/consumers/{}", encoded(&format!("consumer://10.0.0.5/{A}?application=web&timeout=700")));
    create(&client, &consumer, "", CreateMode::Ephemeral).await;

    let running = Running::at(&server.address());
    let view = running.view("both levels as one", |view| view.is_complete()).await;
    let [provider] = view.providers_of(&key(A)) else { panic!("{view:#?}") };
    assert_eq!((provider.level, provider.release()), (Level::Both, Some("3.3.6")));
    assert_eq!((view.consumers().len(), view.consumers()[0].application.as_deref()), (1, Some("web")));

    create(&client, &provider_node(A, 20881), "", CreateMode::Ephemeral).await;
    create(
        &client,
        &provider_node("com.acme.Outer$Inner", 20880).replace("Outer$", "Outer%24"),
        "",
        CreateMode::Ephemeral,
    )
    .await;
    running
        .view("a second one, and an inner class", |view| real(view, A) == 2 && real(view, "com.acme.Outer$Inner") == 1)
        .await;
    client.delete(&provider_node(A, 20880), None).await.unwrap();
    let view = running
        .view("only the instance is left of it", |view| {
            view.providers_of(&key(A)).iter().any(|provider| provider.level == Level::Instance)
        })
        .await;
    assert_eq!(real(&view, A), 2);
    client.delete("/services/shop/10.0.0.1:20880", None).await.unwrap();
    client.delete(&consumer, None).await.unwrap();
    running.view("one provider, no consumer", |view| real(view, A) == 1 && view.consumers().is_empty()).await;
}

#[tokio::test]
async fn an_instance_with_a_new_revision_keeps_its_services_until_the_new_ones_are_known() {
    let server = Server::start().await;
    let client = server.client().await;
    create(&client, "/dubbo/metadata/shop/r1", &metadata_text("shop", "r1", A, 20880), CreateMode::Persistent).await;
    let text = |revision| instance_text("shop", ("10.0.0.1", 20880), revision, "remote");
    create(&client, "/services/shop/10.0.0.1:20880", &text("r1"), CreateMode::Ephemeral).await;
    let running = Running::at(&server.address());
    running.view("the first revision", |view| view.is_complete() && real(view, A) == 1).await;

    client.set_data("/services/shop/10.0.0.1:20880", text("r2").as_bytes(), None).await.unwrap();
    let view = running.view("the second is not there", |view| !view.is_complete()).await;
    assert_eq!(real(&view, A), 1, "what was known stays");
    assert!(running.registry.status().problems.iter().any(|it| it.contains("shop exports under revision r2")));
    create(&client, "/dubbo/metadata/shop/r2", &metadata_text("shop", "r2", B, 20880), CreateMode::Persistent).await;
    running.view("the second as soon as it is there", |view| real(view, B) == 1 && real(view, A) == 0).await;
}
