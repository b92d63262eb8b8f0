//! An application's classes as Rust types, the same for both serializations.
//!
//! They say what the classes in `lab/java/peer/com/example` say, and nothing of a serialization.

use std::collections::BTreeMap;

use highway_sdk::Value;
use highway_sdk::java::{BigInteger, Bytes, Date, Decimal, Duration, Instant, LocalDate, LocalDateTime, LocalTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Codec;

#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Order")]
struct Order {
    id: i64,
    state: Option<State>,
    placed: Option<Date>,
    total: Option<Decimal>,
    discount: Option<f64>,
    gift: bool,
    customer: Option<Customer>,
    items: Option<Vec<OrderItem>>,
    favourites: Option<Favourites>,
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Order$State", rename_all = "UPPERCASE")]
enum State {
    Open,
    Paid,
    Sent,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Customer")]
struct Customer {
    name: Option<String>,
    address: Option<Address>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Address")]
struct Address {
    street: Option<String>,
    city: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Item")]
struct OrderItem {
    name: Option<String>,
    count: i32,
    price: Option<Decimal>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "java.util.LinkedHashMap")]
struct Favourites(BTreeMap<String, OrderItem>);

#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Item")]
struct Item {
    name: Option<String>,
    count: i32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Child")]
struct Child {
    name: Option<String>,
    own: Option<String>,
    age: i32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Box")]
struct Boxed {
    content: Option<Vec<Item>>,
}

/// Fields that are declared as `Object`.
#[derive(Serialize, Deserialize)]
#[serde(rename = "com.example.Samples$Pair")]
struct Pair {
    first: Value,
    second: Value,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename = "com.example.Samples$Shade", rename_all = "UPPERCASE")]
enum Shade {
    Light,
    Dark,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "[int")]
struct Ints(Vec<i32>);

#[derive(Serialize, Deserialize)]
#[serde(rename = "[[int")]
struct Grid(Vec<Ints>);

#[derive(Serialize, Deserialize)]
#[serde(rename = "[com.example.Samples$Item")]
struct Items(Vec<Option<Item>>);

/// What `method` takes, read as its Rust type and written again; `None` where there is no type for it here.
pub(crate) fn again(codec: Codec, method: &str, bytes: &[u8]) -> Option<Result<Vec<u8>, String>> {
    fn of<T: Serialize + DeserializeOwned>(codec: Codec, bytes: &[u8]) -> Option<Result<Vec<u8>, String>> {
        Some(codec.again::<Option<T>>(bytes))
    }
    match method {
        "text" => of::<String>(codec, bytes),
        "truth" | "boxedTruth" => of::<bool>(codec, bytes),
        "octet" | "boxedOctet" => of::<i8>(codec, bytes),
        "small" | "boxedSmall" => of::<i16>(codec, bytes),
        "number" | "boxedNumber" => of::<i32>(codec, bytes),
        "big" | "boxedBig" => of::<i64>(codec, bytes),
        // Hessian2 has no float, and its double has the digits that Java's writer makes of one.
        "single" | "boxedSingle" if matches!(codec, Codec::Fastjson2) => of::<f32>(codec, bytes),
        "real" | "boxedReal" => of::<f64>(codec, bytes),
        "letter" | "boxedLetter" => of::<char>(codec, bytes),
        "decimal" => of::<Decimal>(codec, bytes),
        "integer" => of::<BigInteger>(codec, bytes),
        "bytes" => of::<Bytes>(codec, bytes),
        "numbers" => of::<Ints>(codec, bytes),
        "grid" => of::<Grid>(codec, bytes),
        "items" => of::<Items>(codec, bytes),
        "date" => of::<Date>(codec, bytes),
        "localDate" => of::<LocalDate>(codec, bytes),
        "localTime" => of::<LocalTime>(codec, bytes),
        "localDateTime" => of::<LocalDateTime>(codec, bytes),
        "instant" => of::<Instant>(codec, bytes),
        "duration" => of::<Duration>(codec, bytes),
        "shade" => of::<Shade>(codec, bytes),
        "child" => of::<Child>(codec, bytes),
        "box" => of::<Boxed>(codec, bytes),
        "pair" => of::<Pair>(codec, bytes),
        "order" => of::<Order>(codec, bytes),
        _ => None,
    }
}
