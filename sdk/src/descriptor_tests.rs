//! What values say of the parameters that they are for.

use std::collections::HashMap;

use serde::Serialize;

use super::*;
use crate::Value;
use crate::java::{Bytes, Date, Decimal, LocalDate};

#[derive(Serialize)]
#[serde(rename = "com.acme.Order")]
struct Order {
    id: i64,
}

#[derive(Serialize)]
struct Plain {
    id: i64,
}

#[derive(Serialize)]
#[serde(rename = "com.acme.Size")]
enum Size {
    Small,
}

fn told<T: Serialize>(value: T) -> String {
    of(&value).map_or_else(|_| "untold".to_owned(), Cow::into_owned)
}

#[test]
fn a_value_tells_the_type_of_its_parameter() {
    assert_eq!(
        [told(7_i32), told(7_i64), told(7_u8), told(true), told(1.5), told(1.5_f32), told('c')],
        ["I", "J", "I", "Z", "D", "F", "C"]
    );
    assert_eq!([told("bo"), told(String::new()), told(Some("bo"))], ["Ljava/lang/String;"; 3]);
    assert_eq!([told(Some(7_i32)), told(Some(true))], ["Ljava/lang/Integer;", "Ljava/lang/Boolean;"]);
    assert_eq!(told(vec![1]), "Ljava/util/List;");
    assert_eq!([told(HashMap::from([(1, 2)])), told(Plain { id: 1 })], ["Ljava/util/Map;"; 2]);
    assert_eq!([told(Order { id: 1 }), told(Some(&Order { id: 1 }))], ["Lcom/acme/Order;"; 2]);
    assert_eq!(told(Size::Small), "Lcom/acme/Size;");
    assert_eq!(told(Bytes::default()), "[B");
    assert_eq!([told(Date(0)), told(Decimal::from("1"))], ["Ljava/util/Date;", "Ljava/math/BigDecimal;"]);
    assert_eq!(told(LocalDate::default()), "Ljava/time/LocalDate;");
    assert_eq!([told(None::<i32>), told(Value::Null), told(())], ["untold"; 3]);
}

#[test]
fn a_value_of_any_kind_tells_what_java_said_of_it() {
    let list = |name: Option<&str>| Value::List { name: name.map(str::to_owned), items: vec![Value::Int(1)] };
    assert_eq!([told(list(None)), told(list(Some("java.util.HashSet")))], ["Ljava/util/List;", "Ljava/util/HashSet;"]);
    assert_eq!([told(list(Some("[int"))), told(list(Some("[[string")))], ["[I", "[[Ljava/lang/String;"]);
    let order = Value::Object { class: "com.acme.Order".to_owned(), fields: vec![] };
    assert_eq!([told(order), told(Value::Date(1))], ["Lcom/acme/Order;", "Ljava/util/Date;"]);
}
