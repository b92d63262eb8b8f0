//! `com.example.TypesService`, made by `highway sdk generate` from what application `provider-3.3.6` published of it.
//!
//! What comes is an `Option` where Java may send null, which a definition does not say: take it away where it never does, and put
//! one around what a list or a map has in it where that may be null.

use std::collections::HashMap;

use highway_sdk::java;
use highway_sdk::{CallError, Value};
use serde::{Deserialize, Serialize};

#[highway_sdk::service("com.example.TypesService", group = "3.3.6")]
pub trait TypesService {
    async fn any_number(&self, #[java("java.lang.Number")] a: &Value) -> Result<Value, CallError>;

    async fn anything(&self, #[java("java.lang.Object")] a: &Value) -> Result<Value, CallError>;

    async fn big(&self, a: i64) -> Result<i64, CallError>;

    async fn bigs(&self, #[java("long[]")] a: &[i64]) -> Result<Option<Vec<i64>>, CallError>;

    async fn box_(&self, a: &SamplesBox) -> Result<Option<SamplesBox>, CallError>;

    async fn boxed_big(&self, a: Option<i64>) -> Result<Option<i64>, CallError>;

    async fn boxed_letter(&self, a: Option<char>) -> Result<Option<char>, CallError>;

    async fn boxed_number(&self, a: Option<i32>) -> Result<Option<i32>, CallError>;

    async fn boxed_numbers(
        &self,
        #[java("java.lang.Integer[]")] a: &[i32],
    ) -> Result<Option<Vec<i32>>, CallError>;

    async fn boxed_octet(&self, a: Option<i8>) -> Result<Option<i8>, CallError>;

    async fn boxed_real(&self, a: Option<f64>) -> Result<Option<f64>, CallError>;

    async fn boxed_single(&self, a: Option<f32>) -> Result<Option<f32>, CallError>;

    async fn boxed_small(&self, a: Option<i16>) -> Result<Option<i16>, CallError>;

    async fn boxed_truth(&self, a: Option<bool>) -> Result<Option<bool>, CallError>;

    async fn bytes(&self, a: &java::Bytes) -> Result<Option<java::Bytes>, CallError>;

    async fn child(&self, a: &Child) -> Result<Option<Child>, CallError>;

    async fn collection(
        &self,
        #[java("java.util.Collection")] a: &[Value],
    ) -> Result<Option<Vec<Value>>, CallError>;

    async fn date(&self, a: &java::Date) -> Result<Option<java::Date>, CallError>;

    async fn day(&self, #[java("java.sql.Date")] a: &Value) -> Result<Value, CallError>;

    async fn decimal(&self, a: &java::Decimal) -> Result<Option<java::Decimal>, CallError>;

    async fn duration(&self, a: &java::Duration) -> Result<Option<java::Duration>, CallError>;

    async fn grid(
        &self,
        #[java("int[][]")] a: &[Vec<i32>],
    ) -> Result<Option<Vec<Vec<i32>>>, CallError>;

    async fn hour(&self, #[java("java.sql.Time")] a: &Value) -> Result<Value, CallError>;

    async fn instant(&self, a: &java::Instant) -> Result<Option<java::Instant>, CallError>;

    async fn integer(&self, a: &java::BigInteger) -> Result<Option<java::BigInteger>, CallError>;

    async fn items(
        &self,
        #[java("com.example.Samples$Item[]")] a: &[SamplesItem],
    ) -> Result<Option<Vec<SamplesItem>>, CallError>;

    async fn letter(&self, a: char) -> Result<char, CallError>;

    async fn letters(&self, #[java("char[]")] a: &str) -> Result<Option<String>, CallError>;

    async fn list(&self, a: &[Value]) -> Result<Option<Vec<Value>>, CallError>;

    async fn local_date(&self, a: &java::LocalDate) -> Result<Option<java::LocalDate>, CallError>;

    async fn local_date_time(
        &self,
        a: &java::LocalDateTime,
    ) -> Result<Option<java::LocalDateTime>, CallError>;

    async fn local_time(&self, a: &java::LocalTime) -> Result<Option<java::LocalTime>, CallError>;

    async fn locale(&self, #[java("java.util.Locale")] a: &Value) -> Result<Value, CallError>;

    async fn map(&self, #[java("java.util.Map")] a: &Value) -> Result<Value, CallError>;

    async fn maybe(&self, #[java("java.util.Optional")] a: &Value) -> Result<Value, CallError>;

    async fn mixed(
        &self,
        a: i32,
        b: &str,
        c: f64,
        d: &[String],
        e: &SamplesItem,
        f: bool,
        g: Option<i64>,
    ) -> Result<Option<Vec<Value>>, CallError>;

    async fn node(&self, a: &Node) -> Result<Option<Node>, CallError>;

    async fn number(&self, a: i32) -> Result<i32, CallError>;

    async fn numbers(&self, #[java("int[]")] a: &[i32]) -> Result<Option<Vec<i32>>, CallError>;

    async fn octet(&self, a: i8) -> Result<i8, CallError>;

    async fn operation(&self, a: &Operation) -> Result<Option<Operation>, CallError>;

    async fn order(&self, a: &Order) -> Result<Option<Order>, CallError>;

    async fn pair(&self, a: &Pair) -> Result<Option<Pair>, CallError>;

    async fn parent(&self, a: &Parent) -> Result<Option<Parent>, CallError>;

    async fn queue(
        &self,
        #[java("java.util.Queue")] a: &[Value],
    ) -> Result<Option<Vec<Value>>, CallError>;

    async fn real(&self, a: f64) -> Result<f64, CallError>;

    async fn reals(&self, #[java("double[]")] a: &[f64]) -> Result<Option<Vec<f64>>, CallError>;

    async fn session(&self, a: &Session) -> Result<Option<Session>, CallError>;

    async fn set(
        &self,
        #[java("java.util.Set")] a: &[Value],
    ) -> Result<Option<Vec<Value>>, CallError>;

    async fn shade(&self, a: &Shade) -> Result<Option<Shade>, CallError>;

    async fn shades(
        &self,
        a: &HashMap<Shade, Operation>,
    ) -> Result<Option<HashMap<Shade, Operation>>, CallError>;

    async fn shadow(&self, a: &Shadow) -> Result<Option<Shadow>, CallError>;

    async fn single(&self, a: f32) -> Result<f32, CallError>;

    async fn small(&self, a: i16) -> Result<i16, CallError>;

    async fn table(
        &self,
        #[java("java.lang.String[][]")] a: &[Vec<String>],
    ) -> Result<Option<Vec<Vec<String>>>, CallError>;

    async fn text(&self, a: &str) -> Result<Option<String>, CallError>;

    async fn texts(
        &self,
        #[java("java.lang.String[]")] a: &[String],
    ) -> Result<Option<Vec<String>>, CallError>;

    async fn things(
        &self,
        #[java("java.lang.Object[]")] a: &[Value],
    ) -> Result<Option<Vec<Value>>, CallError>;

    async fn timestamp(&self, #[java("java.sql.Timestamp")] a: &Value) -> Result<Value, CallError>;

    async fn truth(&self, a: bool) -> Result<bool, CallError>;

    async fn truths(&self, #[java("boolean[]")] a: &[bool]) -> Result<Option<Vec<bool>>, CallError>;

    async fn uuid(&self, #[java("java.util.UUID")] a: &Value) -> Result<Value, CallError>;

    async fn zoned(&self, #[java("java.time.ZonedDateTime")] a: &Value) -> Result<Value, CallError>;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Address", rename_all = "camelCase")]
pub struct Address {
    pub city: Option<String>,
    pub street: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Child", rename_all = "camelCase")]
pub struct Child {
    pub age: i32,
    pub name: Option<String>,
    pub own: Option<String>,
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
#[serde(rename = "com.example.Samples$Node", rename_all = "camelCase")]
pub struct Node {
    pub all: Option<Vec<Node>>,
    pub name: Option<String>,
    pub next: Option<Box<Node>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Operation")]
pub enum Operation {
    #[serde(rename = "PLUS")]
    Plus,
    #[serde(rename = "MINUS")]
    Minus,
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Pair", rename_all = "camelCase")]
pub struct Pair {
    pub first: Value,
    pub second: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Parent", rename_all = "camelCase")]
pub struct Parent {
    pub name: Option<String>,
    pub own: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Box", rename_all = "camelCase")]
pub struct SamplesBox {
    pub content: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Item", rename_all = "camelCase")]
pub struct SamplesItem {
    pub count: i32,
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Session", rename_all = "camelCase")]
pub struct Session {
    pub user: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Shade")]
pub enum Shade {
    #[serde(rename = "LIGHT")]
    Light,
    #[serde(rename = "DARK")]
    Dark,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Shadow", rename_all = "camelCase")]
pub struct Shadow {
    pub name: Option<String>,
    pub own: Option<String>,
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
