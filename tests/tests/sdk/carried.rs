//! What a call can carry there and back: texts, objects, maps of lists, overloads, exceptions, attachments, eight megabytes; and how
//! it ends that has no answer.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use highway_sdk::java::{Bytes, Date, Decimal};
use highway_sdk::{CallErrorKind, Outcome, Value};
use serde::{Deserialize, Serialize};

use crate::providers::{providers, wait};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order")]
pub struct Order {
    id: i64,
    state: Option<State>,
    placed: Option<Date>,
    total: Option<Decimal>,
    discount: Option<f64>,
    gift: bool,
    customer: Option<Customer>,
    items: Option<Vec<Item>>,
    favourites: Option<BTreeMap<String, Item>>,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$State", rename_all = "UPPERCASE")]
pub enum State {
    Open,
    Paid,
    Sent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Customer")]
pub struct Customer {
    name: String,
    address: Option<Address>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Address")]
pub struct Address {
    street: String,
    city: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.example.Order$Item")]
pub struct Item {
    name: String,
    count: i32,
    price: Option<Decimal>,
}

pub fn item(name: &str, count: i32) -> Item {
    Item { name: name.to_owned(), count, price: Some("1.50".into()) }
}

pub fn order() -> Order {
    Order {
        id: 1 << 40,
        state: Some(State::Paid),
        placed: Some(Date(1_700_000_000_123)),
        total: Some("12.50".into()),
        discount: None,
        gift: true,
        customer: Some(Customer {
            name: "无名 😀".to_owned(),
            address: Some(Address { street: "High Street".to_owned(), city: "上海".to_owned() }),
        }),
        items: Some(vec![item("a", 1), item("b", 2)]),
        favourites: Some(BTreeMap::from([("b".to_owned(), item("b", 2))])),
        note: None,
    }
}

#[test]
fn texts_objects_and_maps_of_lists_come_back_as_they_went() {
    providers().on_each(|interop, release| {
        let version = release.version();
        wait(async {
            let text: String = interop.call("text", ("hallo 无 😀",)).await.unwrap();
            assert_eq!(text, "hallo 无 😀", "{version}");
            let same: Order = interop.call("order", (order(),)).await.unwrap();
            assert_eq!(same, order(), "{version}");
            let grouped: HashMap<String, Vec<Item>> =
                interop.call("byName", (vec![item("x", 1), item("y", 2), item("x", 3)],)).await.unwrap();
            assert_eq!(grouped["x"], [item("x", 1), item("x", 3)], "{version}");
            let nothing: Option<Order> = interop.call("nothing", ("why",)).await.unwrap();
            assert_eq!(nothing, None);
            let () = interop.call("silent", ("x",)).await.unwrap();
        });
    });
}

#[test]
fn overloads_are_told_apart_by_the_types_of_their_arguments() {
    providers().on_each(|interop, release| {
        wait(async {
            let sum: i64 = interop.call("add", (7, 35_i64)).await.unwrap();
            let text: String = interop.call("add", ("7", "35")).await.unwrap();
            assert_eq!((sum, text.as_str()), (42, "735"), "{}", release.version());
        });
    });
}

#[test]
fn exceptions_come_with_class_message_fields_stack_and_causes() {
    providers().on_each(|interop, release| {
        let version = release.version();
        wait(async {
            let error = interop.call::<_, String>("declared", ("none left",)).await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::Executed, "{version}");
            let thrown = error.exception().unwrap();
            assert_eq!(thrown.class, "com.example.OutOfStockException", "{version}");
            assert_eq!(thrown.message.as_deref(), Some("none left"), "{version}");
            assert!(thrown.fields().get("code").and_then(Value::as_i64).is_some(), "{version}: {thrown:?}");
            assert!(!thrown.stack.is_empty(), "{version}: no stack");
            let error = interop.call::<_, String>("caused", ("deep",)).await.unwrap_err();
            let first = error.exception().unwrap().cause.as_deref().unwrap();
            assert!(first.cause.is_some(), "{version}: {first:?}");
            let error = interop.call::<_, String>("undeclared", ("why",)).await.unwrap_err();
            assert!(error.exception().unwrap().class.starts_with("java.lang."), "{version}: {error}");
        });
    });
}

#[test]
fn attachments_go_there_and_come_back() {
    providers().on_each(|interop, release| {
        let version = release.version();
        wait(async {
            let call =
                interop.call::<_, BTreeMap<String, Value>>("attachments", ("back",)).attachment("colour", "blue");
            let reply = call.reply().await.unwrap();
            assert_eq!(reply.value.get("colour").and_then(Value::as_str), Some("blue"), "{version}");
            assert_eq!(reply.attachments.get("reply").map(String::as_str), Some("back"), "{version}");
            assert!(reply.from.contains(":208"), "{version}: {}", reply.from);
        });
    });
}

#[test]
fn a_one_way_call_arrives_and_nobody_answers() {
    providers().on_each(|interop, release| {
        let note = format!("note {:?}", Instant::now());
        wait(async {
            interop.call::<_, ()>("note", (note.clone(),)).one_way().await.unwrap();
            for _ in 0..200 {
                if interop.call::<_, i32>("noted", (note.clone(),)).await.unwrap() == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("{}: it did not arrive", release.version());
        });
    });
}

#[test]
fn eight_megabytes_less_what_belongs_to_them_cross_and_more_is_refused_before_it_is_sent() {
    providers().on_each(|interop, release| {
        wait(async {
            let many = 8 * 1024 * 1024 - 16 * 1024;
            let bytes = Bytes(vec![7; many]);
            let len: i32 = interop.call("length", (bytes,)).await.unwrap();
            assert_eq!(len, i32::try_from(many).unwrap(), "{}", release.version());
            let made: Bytes = interop.call("make", (i32::try_from(many).unwrap(),)).await.unwrap();
            assert_eq!(made.len(), many);
            let error = interop.call::<_, i32>("length", (Bytes(vec![7; 8 * 1024 * 1024]),)).await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::NotSent);
            assert!(matches!(error.kind(), CallErrorKind::TooLong { .. }), "{error}");
        });
    });
}

#[test]
fn a_call_ends_at_its_time_and_the_others_go_on() {
    providers().on_each(|interop, release| {
        let version = release.version();
        wait(async {
            // The first call waits for the registry to be read.
            let first: String = interop.call("text", ("first",)).await.unwrap();
            assert_eq!(first, "first", "{version}");
            let slow = interop.call::<_, String>("slow", ("late", 2000)).timeout(Duration::from_millis(200));
            let quick = interop.call::<_, String>("text", ("quick",));
            let began = Instant::now();
            let (slow, quick) = tokio::join!(slow.into_future(), quick.into_future());
            assert_eq!(quick.unwrap(), "quick", "{version}");
            let error = slow.unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown, "{version}: {error}");
            assert!(began.elapsed() < Duration::from_secs(2), "{version}");
            assert_eq!(
                error.to_string(),
                format!(
                    "`{}#slow` has no answer and may have been executed: no answer within 200ms; look at the provider, or give the call more time",
                    interop.key()
                )
            );
        });
    });
}

#[test]
fn an_answer_of_another_type_is_an_error_that_says_what_was_found_and_the_connection_goes_on() {
    providers().on_each(|interop, release| {
        wait(async {
            let error = interop.call::<_, i32>("text", ("no number",)).await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::Executed);
            assert!(error.to_string().contains("found text"), "{}: {error}", release.version());
            let error = interop.call::<_, Order>("nothing", ("why",)).await.unwrap_err();
            assert!(error.to_string().contains("found null"), "{}: {error}", release.version());
            let text: String = interop.call("text", ("on",)).await.unwrap();
            assert_eq!(text, "on");
        });
    });
}

#[test]
fn two_hundred_callers_get_their_own_answers() {
    providers().on_each(|interop, _| {
        wait(async {
            let calls = (0..200).map(|number| {
                let call = interop.call::<_, String>("text", (format!("caller {number}"),));
                tokio::spawn(call.into_future())
            });
            for (number, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
                assert_eq!(call.await.unwrap().unwrap(), format!("caller {number}"));
            }
        });
    });
}

#[test]
fn a_generic_call_needs_no_type_and_gives_objects_as_maps() {
    providers().on_each(|interop, release| {
        let version = release.version();
        wait(async {
            let text: String =
                interop.generic("text", ["java.lang.String"], [Value::Text("bo".to_owned())]).await.unwrap();
            assert_eq!(text, "bo", "{version}");
            let text = |text: &str| Value::Text(text.to_owned());
            let entries = vec![
                (text("class"), text("com.example.Order")),
                (text("id"), Value::Long(7)),
                (text("state"), text("PAID")),
                (text("note"), text("by the way")),
            ];
            let order = Value::Map { name: None, entries };
            let same: Value = interop.generic("order", ["com.example.Order"], [order]).await.unwrap();
            assert_eq!(same.get("class").and_then(Value::as_str), Some("com.example.Order"), "{version}: {same:?}");
            assert_eq!(same.get("state").and_then(Value::as_str), Some("PAID"), "{version}: {same:?}");
            assert_eq!(same.get("id").and_then(Value::as_i64), Some(7), "{version}: {same:?}");
            let error = interop.generic::<Value>("declared", ["java.lang.String"], [text("none")]).await.unwrap_err();
            assert!(error.to_string().contains("none"), "{version}: {error}");
            assert!(error.call().ends_with("#declared"), "{version}: {error}");
        });
    });
}
