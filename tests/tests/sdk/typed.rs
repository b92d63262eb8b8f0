//! A trait as client of each released Dubbo: overloads, nulls, one-way calls, types that only an attribute can say.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use highway_sdk::{CallError, java};

use crate::carried::{Item, Order, item, order};
use crate::providers::{providers, wait};

#[highway_sdk::service("com.example.InteropService")]
trait Interop {
    async fn text(&self, text: Option<&str>) -> Result<Option<String>, CallError>;

    async fn order(&self, #[java("com.example.Order")] order: Option<&Order>) -> Result<Option<Order>, CallError>;

    async fn by_name(&self, items: &[Item]) -> Result<HashMap<String, Vec<Item>>, CallError>;

    async fn silent(&self, text: &str) -> Result<(), CallError>;

    async fn add(&self, a: i32, b: i64) -> Result<i64, CallError>;

    #[java("add")]
    async fn add_texts(&self, a: &str, b: &str) -> Result<Option<String>, CallError>;

    async fn length(&self, payload: &java::Bytes) -> Result<i32, CallError>;

    async fn declared(&self, why: &str) -> Result<String, CallError>;

    #[one_way]
    async fn note(&self, text: &str) -> Result<(), CallError>;

    async fn noted(&self, text: &str) -> Result<i32, CallError>;
}

#[test]
fn a_trait_is_a_client_of_java() {
    providers().on_each(|service, release| {
        let version = release.version();
        let interop = InteropClient::from(service.clone());
        wait(async {
            assert_eq!(interop.text(Some("无")).await.unwrap().as_deref(), Some("无"), "{version}");
            assert_eq!(interop.text(None).await.unwrap(), None, "{version}");
            assert_eq!(interop.order(Some(&order())).await.unwrap(), Some(order()), "{version}");
            assert_eq!(interop.order(None).await.unwrap(), None, "{version}");
            let grouped = interop.by_name(&[item("x", 1), item("y", 2)]).await.unwrap();
            assert_eq!(grouped["y"], [item("y", 2)], "{version}");
            interop.silent("x").await.unwrap();
            assert_eq!(interop.length(&java::Bytes(vec![7; 300])).await.unwrap(), 300, "{version}");
            let error = interop.declared("none left").await.unwrap_err();
            assert_eq!(error.exception().unwrap().class, "com.example.OutOfStockException", "{version}");
        });
    });
}

#[test]
fn methods_of_one_java_name_are_its_overloads() {
    providers().on_each(|service, release| {
        let interop = InteropClient::from(service.clone());
        wait(async {
            assert_eq!(interop.add(7, 35).await.unwrap(), 42, "{}", release.version());
            assert_eq!(interop.add_texts("7", "35").await.unwrap().as_deref(), Some("735"), "{}", release.version());
        });
    });
}

#[test]
fn a_one_way_method_of_a_trait_arrives() {
    providers().on_each(|service, release| {
        let interop = InteropClient::from(service.clone());
        let note = format!("typed {:?}", Instant::now());
        wait(async {
            interop.note(&note).await.unwrap();
            for _ in 0..200 {
                if interop.noted(&note).await.unwrap() == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("{}: it did not arrive", release.version());
        });
    });
}
