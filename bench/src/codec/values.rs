//! Values as Java teams send them, and what both sides have to make of each.
//!
//! Only made here; nothing is timed.

use highway_sdk::java::{Date, Decimal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Debug;

/// What is in a shop: the class of the Java side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "bench.Codec$Order")]
pub struct Order {
    id: i64,
    customer: String,
    total: Decimal,
    placed: Date,
    paid: bool,
    items: Vec<Item>,
    notes: HashMap<String, String>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "bench.Codec$Item")]
pub struct Item {
    sku: String,
    title: String,
    count: i32,
    price: f64,
}

/// A type that is timed.
pub trait Valued: Clone + Debug + PartialEq + Serialize + DeserializeOwned {}

impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned> Valued for T {}

/// 300 characters.
pub fn text() -> String {
    "The quick brown fox jumps over the lazy dog. ".chars().cycle().take(300).collect()
}

/// A thousand numbers of all sizes.
pub fn numbers() -> Vec<i32> {
    (0..1000_i32).map(|number| number.wrapping_mul(7919).wrapping_mul(number % 13)).collect()
}

/// A hundred pairs of texts.
pub fn pairs() -> HashMap<String, String> {
    (0..100).map(|number| (format!("attribute-{number:03}"), format!("value {}", number * 7919))).collect()
}

/// An order of ten lines.
pub fn order(id: i64) -> Order {
    let item = |line: i32| Item {
        sku: format!("SKU-{id}-{line}"),
        title: "Bolt, hexagonal, zinc plated, M8 × 40".to_owned(),
        count: line * 3 + 1,
        price: f64::from(line).mul_add(1.25, 0.99),
    };
    Order {
        id,
        customer: "Zhang Wei".to_owned(),
        total: "1234.50".into(),
        placed: Date(1_790_000_000_000 + id),
        paid: id % 2 == 0,
        items: (0..10).map(item).collect(),
        notes: [("gift", "no"), ("carrier", "any"), ("door", "east gate")]
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .into(),
    }
}

/// A page of them.
pub fn orders() -> Vec<Order> {
    (0..100).map(order).collect()
}
