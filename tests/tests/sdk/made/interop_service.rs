//! `com.example.InteropService`, made by `highway sdk generate` from what application `provider-3.3.6` published of it.
//!
//! What comes is an `Option` where Java may send null, which a definition does not say: take it away where it never does, and put
//! one around what a list or a map has in it where that may be null.

use std::collections::HashMap;

use highway_sdk::java;
use highway_sdk::{CallError, Value};
use serde::{Deserialize, Serialize};

#[highway_sdk::service("com.example.InteropService", group = "3.3.6")]
pub trait InteropService {
    #[java("add")]
    async fn add_int_long(&self, a: i32, b: i64) -> Result<i64, CallError>;

    #[java("add")]
    async fn add_string_string(&self, a: &str, b: &str) -> Result<Option<String>, CallError>;

    async fn attached(&self, a: &str) -> Result<Value, CallError>;

    async fn attachments(&self, a: &str) -> Result<Option<HashMap<String, String>>, CallError>;

    async fn by_name(&self, a: &[Item]) -> Result<Option<HashMap<String, Vec<Item>>>, CallError>;

    async fn bytes(&self, a: &java::Bytes) -> Result<Option<java::Bytes>, CallError>;

    async fn caused(&self, a: &str) -> Result<Option<String>, CallError>;

    async fn declared(&self, a: &str) -> Result<Option<String>, CallError>;

    async fn foreign(&self, a: &str) -> Result<Option<String>, CallError>;

    async fn later(&self, a: &str, b: i32) -> Result<Option<String>, CallError>;

    async fn length(&self, a: &java::Bytes) -> Result<i32, CallError>;

    async fn make(&self, a: i32) -> Result<Option<java::Bytes>, CallError>;

    async fn newer(&self, a: &str) -> Result<Option<String>, CallError>;

    async fn note(&self, a: &str) -> Result<(), CallError>;

    async fn noted(&self, a: &str) -> Result<i32, CallError>;

    async fn nothing(&self, a: &str) -> Result<Option<Order>, CallError>;

    async fn order(&self, a: &Order) -> Result<Option<Order>, CallError>;

    async fn silent(&self, a: &str) -> Result<(), CallError>;

    async fn slow(&self, a: &str, b: i32) -> Result<Option<String>, CallError>;

    async fn text(&self, a: &str) -> Result<Option<String>, CallError>;

    async fn undeclared(&self, a: &str) -> Result<Option<String>, CallError>;

    async fn wordless(&self, a: &str) -> Result<Option<String>, CallError>;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Address", rename_all = "camelCase")]
pub struct Address {
    pub city: Option<String>,
    pub street: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Customer", rename_all = "camelCase")]
pub struct Customer {
    pub address: Option<Address>,
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Item", rename_all = "camelCase")]
pub struct Item {
    pub count: i32,
    pub name: Option<String>,
    pub price: Option<java::Decimal>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order", rename_all = "camelCase")]
pub struct Order {
    pub customer: Option<Customer>,
    pub discount: Option<f64>,
    pub favourites: Option<HashMap<String, Item>>,
    pub gift: bool,
    pub id: i64,
    pub items: Option<Vec<Item>>,
    pub note: Option<String>,
    pub placed: Option<java::Date>,
    pub state: Option<State>,
    pub total: Option<java::Decimal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$State")]
pub enum State {
    #[serde(rename = "OPEN")]
    Open,
    #[serde(rename = "PAID")]
    Paid,
    #[serde(rename = "SENT")]
    Sent,
}
