//! Rust types as Java's values over fastjson2 and back, and what is said where that cannot be.
//!
//! Long because: each form of the format beside the value that it is.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, HashMap};

use highway_sdk::fastjson2::{DecodeError, Decoder, Encoder, from_slice, to_vec};
use highway_sdk::java::{BigInteger, Bytes, Date, Decimal, Duration, Instant, LocalDate, LocalDateTime, LocalTime};
use highway_sdk::{JavaException, StackFrame, Value, hessian2};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A field with these bytes, given as digits.
fn field(bytes: &str) -> Vec<u8> {
    field_of(&unhex(bytes))
}

fn field_of(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

/// Short text as digits.
fn text(text: &str) -> String {
    let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{:02x}{bytes}", 0x49 + text.len())
}

/// That a value has these bytes, and that they are that value.
#[track_caller]
fn both_ways<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T, bytes: &str) {
    assert_eq!(to_vec(&value).unwrap(), field(bytes), "{value:?}");
    assert_eq!(from_slice::<T>(&field(bytes)).unwrap(), value);
}

/// That a value is the same over both serializations.
#[track_caller]
fn over_both<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
    assert_eq!(from_slice::<T>(&to_vec(&value).unwrap()).unwrap(), value);
    assert_eq!(hessian2::from_slice::<T>(&hessian2::to_vec(&value).unwrap()).unwrap(), value);
}

/// What is said where these bytes are wanted as a `T`.
#[track_caller]
fn refusal<T: DeserializeOwned + std::fmt::Debug>(bytes: &str) -> String {
    from_slice::<T>(&field(bytes)).unwrap_err().to_string()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "a.Item")]
struct Item {
    sku: String,
    qty: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename = "a.Kind", rename_all = "UPPERCASE")]
enum Kind {
    Small,
    Large,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "java.util.TreeMap")]
struct Tree<K: Ord, V>(BTreeMap<K, V>);

fn item(sku: &str, qty: i32) -> Item {
    Item { sku: sku.into(), qty }
}

#[test]
fn plain_values_have_javas_shortest_forms() {
    both_ways(true, "b1");
    both_ways(-16i32, "f0");
    both_ways(48i32, "3830");
    both_ways(262_144i32, "4800040000");
    both_ways(i32::MIN, "4880000000");
    both_ways(7i8, "bd07");
    both_ways(-2i16, "bcfffe");
    both_ways(15i64, "ef");
    both_ways(16i64, "d010");
    both_ways(-262_144i64, "c00000");
    both_ways(1i64 << 31, "be0000000080000000");
    both_ways(i64::from(i32::MAX), "bf7fffffff");
    both_ways(u32::MAX, "be00000000ffffffff");
    both_ways(1.5f32, "b73fc00000");
    both_ways(-3f32, "b6fd");
    both_ways(0f64, "b2");
    both_ways(1f64, "b3");
    both_ways(-128f64, "b4cf80");
    both_ways(0.1, "b53fb999999999999a");
    both_ways('ß', "90 38df");
    both_ways(String::new(), "49");
    both_ways("grüße".to_owned(), "4e 6772fcdf65");
    both_ways("漢".to_owned(), "7a03 e6bca2");
    both_ways("x".repeat(48), &format!("79 3830 {}", "78".repeat(48)));
    both_ways(Bytes(vec![1, 2]), "91020102");
    both_ways(None::<i32>, "af");
    both_ways(Date(1_700_000_000_123), "ab0000018bcfe5687b");
    both_ways(Date(60_000), "ac0000003c");
    both_ways(Date(i64::from(i32::MAX) * 60_000 + 60_000), "ab0000753000000000");
    both_ways(Date(i64::from(i32::MAX) * 60_000), "ad7fffffff");
}

#[test]
fn minus_zero_keeps_its_sign() {
    assert!(from_slice::<f64>(&to_vec(&-0.0f64).unwrap()).unwrap().is_sign_negative());
    assert!(from_slice::<f32>(&to_vec(&-0.0f32).unwrap()).unwrap().is_sign_negative());
}

#[test]
fn text_is_read_in_every_encoding_and_by_its_number() {
    for bytes in ["7a03 e6bca2", "7b02 6f22", "7b04 fffe226f", "7b04 feff6f22", "7c02 226f", "7d02 6f22"] {
        assert_eq!(from_slice::<String>(&field(bytes)).unwrap(), "漢", "{bytes}");
    }
    // A map's key and value may be symbols too.
    let bytes = format!("a6 7f{}00 01 7f{}01 7f00 a5", text("a"), text("b"));
    let map: HashMap<String, Value> = from_slice(&field(&bytes)).unwrap();
    assert_eq!(map["b"], Value::Text("a".into()));
    assert_eq!(refusal::<String>("7f05"), "found the number 5 at offset 5, wanted the number of a name before");
    assert!(refusal::<String>("7e02 d0d0").contains("is not well-formed"));
    assert!(refusal::<String>("7c02 3dd8").contains("is not well-formed"));
    assert!(refusal::<char>("90 44d83d").contains("found the char U+D83D, half of a surrogate pair"));
}

#[test]
fn a_struct_is_an_object_whose_names_are_told_once() {
    let bytes = format!(
        "96 92{}00 a6 7f{}01 {} 7f{}02 05 a5 9200 a6 7f01{} 7f02 f0 a5",
        text("a.Item"),
        text("sku"),
        text("x"),
        text("qty"),
        text("y")
    );
    both_ways(vec![item("x", 5), item("y", -16)], &bytes);
    // A field of exactly its declared class says none; a class that nobody asked for is one all the same.
    let plain = format!("a6 7f{}00 {} 7f{}01 05 a5", text("sku"), text("x"), text("qty"));
    assert_eq!(from_slice::<Item>(&field(&plain)).unwrap(), item("x", 5));
    let other = format!("92{}00 a6a5", text("a.Other"));
    assert!(refusal::<Item>(&other).ends_with("found an object of class a.Other, wanted a.Item"));
}

#[test]
fn a_number_that_java_leaves_out_is_zero_and_nothing_else_is() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename = "a.All", default = "defaults")]
    struct Defaults {
        number: i32,
        text: String,
    }
    fn defaults() -> Defaults {
        Defaults { number: 7, text: "default".into() }
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename = "a.Numbers")]
    struct Numbers {
        count: i32,
        ratio: f64,
        open: bool,
        letter: char,
        all: Option<Vec<i32>>,
        #[serde(default)]
        note: String,
    }
    let empty = field(&format!("92{}00 a6a5", text("a.Numbers")));
    let wanted = Numbers { count: 0, ratio: 0.0, open: false, letter: '\0', all: None, note: String::new() };
    for _ in 0..2 {
        assert_eq!(from_slice::<Numbers>(&empty).unwrap(), wanted);
    }
    assert_eq!(from_slice::<Defaults>(&field(&format!("92{}00 a6a5", text("a.All")))).unwrap(), defaults());
    for _ in 0..2 {
        let no_sku = format!("95 92{}00 a6 7f{}01 05 a5", text("a.Item"), text("qty"));
        assert_eq!(refusal::<Vec<Item>>(&no_sku), "[0] is not as wanted: found no field `sku`, wanted one");
    }
    let no_qty = format!("95 92{}00 a6 7f{}01 {} a5", text("a.Item"), text("sku"), text("x"));
    assert_eq!(from_slice::<Vec<Item>>(&field(&no_qty)).unwrap(), [item("x", 0)]);
    // Another view of the same class keeps its own word of what may be missing.
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename = "a.Item")]
    struct Lenient {
        #[serde(default = "unknown")]
        sku: String,
    }
    fn unknown() -> String {
        "unknown".into()
    }
    let none = field(&format!("92{}00 a6a5", text("a.Item")));
    assert_eq!(from_slice::<Lenient>(&none).unwrap().sku, "unknown");
    // Nor does hessian2, where Java says everything, take to it.
    let over_hessian2 = [b"C\x06a.Item\x91\x03sku\x60".as_slice(), b"\x01x"].concat();
    assert!(hessian2::from_slice::<Item>(&over_hessian2).unwrap_err().to_string().contains("found no field `qty`"));
}

#[test]
fn enums_are_constants_that_say_their_class_or_do_not() {
    both_ways(Kind::Large, &format!("92{}00 {}", text("a.Kind"), text("LARGE")));
    assert_eq!(from_slice::<Kind>(&field(&text("SMALL"))).unwrap(), Kind::Small);
    // A field of that class has its number.
    assert_eq!(from_slice::<Kind>(&field("01")).unwrap(), Kind::Large);
    assert!(refusal::<Kind>("02").ends_with("found constant number 2, wanted one of the first 2"));
    assert!(refusal::<Kind>("ff").ends_with("found constant number -1, wanted one of the first 2"));
    assert!(hessian2::from_slice::<Kind>(&[0x91]).is_err());
    let other = format!("92{}00 {}", text("a.Mood"), text("LARGE"));
    assert!(refusal::<Kind>(&other).ends_with("found an object of class a.Mood, wanted a.Kind"));
    assert!(refusal::<Kind>(&text("HUGE")).ends_with("found `HUGE`, wanted one of SMALL, LARGE"));
    let value: Value = from_slice(&to_vec(&Kind::Small).unwrap()).unwrap();
    let constant = Value::Typed { class: "a.Kind".into(), value: Box::new(Value::Text("SMALL".into())) };
    assert_eq!(value, constant);
    // The same value is the same constant over hessian2.
    assert_eq!(hessian2::from_slice::<Kind>(&hessian2::to_vec(&constant).unwrap()).unwrap(), Kind::Small);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Thing {
        #[serde(rename = "a.Item")]
        Item(Item),
        #[serde(rename = "a.Box")]
        Box { weight: i64 },
    }
    over_both(vec![Thing::Item(item("x", 1)), Thing::Box { weight: 9 }]);
    over_both(Tree(BTreeMap::from([(Kind::Small, 1), (Kind::Large, 2)])));
}

#[test]
fn javas_own_classes_have_their_own_forms_and_names() {
    both_ways(Decimal::from("12.50"), "b902 3ce2");
    both_ways(Decimal::from("-1E+40"), "b937d8 ff");
    both_ways(Decimal::from("7"), "b8e7");
    both_ways(Decimal::from("12345678901234567890.0123456789"), "b90a bb0d 018ee90ff6c373e0ee0c04d515");
    both_ways(BigInteger::from(10), "baea");
    both_ways(BigInteger::from(-(1i128 << 70)), "bb09 c00000000000000000");
    let (date, time) =
        (LocalDate { year: 2024, month: 2, day: 29 }, LocalTime { hour: 23, minute: 59, second: 58, nano: 5 });
    both_ways(date, "a907e8021d");
    both_ways(time, "a7173b3a05");
    both_ways(LocalDateTime { date, time }, "a807e8021d173b3a05");
    both_ways(Instant { seconds: -1, nanos: 5 }, "aedf05");
    both_ways(Duration { seconds: -5, nanos: 7 }, &text("PT-4.999999993S"));
    over_both((date, time, LocalDateTime { date, time }, Duration { seconds: 90, nanos: 0 }));
    over_both(BigInteger::from(i128::MIN));

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "java.util.UUID")]
    struct Uuid(String);
    both_ways(Uuid("123e4567-e89b-12d3-a456-426614174000".into()), "9110 123e4567e89b12d3a456426614174000");
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "java.util.concurrent.atomic.AtomicLong")]
    struct Atomic(i64);
    both_ways(Atomic(7), &format!("92{}00 e7", text("AtomicLong")));
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "java.sql.Timestamp")]
    struct Timestamp(Date);
    both_ways(Timestamp(Date(5)), "ab0000000000000005");
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "[int")]
    struct Ints(Vec<i32>);
    both_ways(vec![Ints(vec![1, 2]), Ints(vec![])], &format!("96 92{}00 960102 920094", text("[I")));
    both_ways(Tree(BTreeMap::from([(1, true)])), &format!("92{}00 a601b1a5", text("TreeMap")));
    for (value, name) in [("[[int", "[[I"), ("[string", "[String"), ("[object", "[O"), ("[a.Item", "[a.Item")] {
        let list = Value::List { name: Some(value.into()), items: vec![] };
        both_ways(list, &format!("92{}00 94", text(name)));
    }
}

#[test]
fn what_a_form_cannot_hold_is_refused_with_its_place() {
    #[derive(Serialize)]
    #[serde(rename = "a.Order")]
    struct Order<T> {
        total: T,
    }
    let said = |error: highway_sdk::fastjson2::EncodeError| error.to_string();
    let wrong = to_vec(&Order { total: Decimal::from("a lot") }).unwrap_err();
    let wanted = "total cannot be written for Java: found another `value` in a java.math.BigDecimal, wanted digits";
    assert_eq!(said(wrong), wanted);
    let late = LocalDate { year: 40_000, month: 1, day: 1 };
    assert!(said(to_vec(&Order { total: late }).unwrap_err()).contains("found another `year` in a "));
    let half = Value::Object { class: "java.math.BigInteger".into(), fields: vec![("signum".into(), Value::Int(1))] };
    let wanted = "total cannot be written for Java: found a java.math.BigInteger without `mag`, wanted one with it";
    assert_eq!(said(to_vec(&Order { total: half }).unwrap_err()), wanted);
    assert!(refusal::<Duration>(&text("a while")).contains("found text that is no duration"));
    assert!(
        refusal::<Decimal>(&format!("b902 bb3c01 {}", "01".repeat(1025))).contains("found a BigDecimal of 1025 bytes")
    );
}

#[test]
fn references_are_followed_and_said_twice() {
    // [[an item, another], [the first, the same again, a copy of the other]]
    let class = text("a.Item");
    let first = format!("92{class}00 a6 7f{}01 {} 7f{}02 05 a5", text("sku"), text("x"), text("qty"));
    let second = format!("9200 a6 7f01 {} 7f02 06 a5", text("y"));
    let path = |path: &str| format!("93{}", text(path));
    let bytes = format!("96 96{first}{second} 97 {} {} {}", path("$[0][0]"), path("#-1"), path("$[0][1]"));
    let read: (Vec<Item>, Vec<Item>) = from_slice(&field(&bytes)).unwrap();
    assert_eq!(read.1, [item("x", 5), item("x", 5), item("y", 6)]);
    // Read once more through a reference, `#-1` is what it was: of the item, not of the list that leads back to it.
    let bytes = format!("98 {first} 95{} 95{} {}", path("$[0]"), path("#-1"), path("$[2]"));
    let read: (Item, Vec<Item>, Vec<Item>, Vec<Item>) = from_slice(&field(&bytes)).unwrap();
    assert_eq!((&read.1, &read.2), (&read.2, &read.3));
    // Names with a dot, by numbers, by constants; and a map's values by their places.
    let map = format!("a6 {} 9400 03 94 92{}00{} 94 a5", text("a.b"), text("a.Kind"), text("LARGE"))
        .replace("9400 03", "9502 03");
    for (path_to, len) in [("$[0].a\\.b", 1), ("$[0].3", 0), ("$[0].LARGE", 0), ("$[0][0]", 1)] {
        let bytes = format!("96 {map} {}", path(path_to));
        let (_, found): (IgnoredAny, Vec<i32>) = from_slice(&field(&bytes)).unwrap();
        assert_eq!(found.len(), len, "{path_to}");
    }
    for nowhere in ["$[5]", "$[0].zzz", "x", "$[1]", "$[0", "$[-1]", "$.[0]"] {
        let bytes = format!("96 {map} {}", path(nowhere));
        let said = from_slice::<(IgnoredAny, Vec<i32>)>(&field(&bytes)).unwrap_err().to_string();
        assert!(said.contains("found a reference to "), "{nowhere}: {said}");
    }
    assert!(refusal::<(IgnoredAny, Vec<i32>)>(&format!("96 01 {}", path("#-1"))).contains("wanted a path"));
}

#[test]
fn the_null_that_java_writes_behind_a_reference_is_none() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair {
        first: Vec<i32>,
        second: Vec<i32>,
    }
    let fields = format!("a6 7f{}01 9507 7f{}02 93{} 7f02 af a5", text("first"), text("second"), text("$.first"));
    let wanted = Pair { first: vec![7], second: vec![7] };
    let typed = field(&format!("92{}00 {fields}", text("a.Pair")));
    assert_eq!(from_slice::<Pair>(&typed).unwrap(), wanted);
    let plain = field(&fields.replace("01 9507", "00 9507").replace("02 93", "01 93").replace("7f02 af", "7f01 af"));
    assert_eq!(from_slice::<Pair>(&plain).unwrap(), wanted);
    let value: Value = from_slice(&typed).unwrap();
    let Value::Object { fields, .. } = value else { panic!("an object") };
    assert_eq!(fields.len(), 2);
}

#[test]
fn an_object_that_is_read_as_a_map_ends_once() {
    // The end of the inner object was taken, and then that of the outer with it, which so took the next object for its fields.
    #[derive(Serialize)]
    #[serde(rename = "com.acme.Order")]
    struct Order {
        first: Item,
        last: Item,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename = "com.acme.Order")]
    struct Loose {
        first: HashMap<String, Value>,
        last: HashMap<String, Value>,
    }
    let orders = [1, 2].map(|qty| Order { first: item("a", qty), last: item("b", qty) });
    let loose = |sku: &str, qty: i32| {
        HashMap::from([("sku".to_owned(), Value::Text(sku.to_owned())), ("qty".to_owned(), Value::Int(qty))])
    };
    let wanted = [1, 2].map(|qty| Loose { first: loose("a", qty), last: loose("b", qty) });
    assert_eq!(from_slice::<[Loose; 2]>(&to_vec(&orders).unwrap()).unwrap(), wanted);
}

#[test]
fn an_object_inside_itself_is_refused_by_types_and_held_by_a_value() {
    #[derive(Debug, Deserialize)]
    #[serde(rename = "a.Node")]
    struct Node {
        #[expect(dead_code, reason = "never read so far")]
        next: Option<Box<Node>>,
    }
    let node = |path: &str| format!("92{}00 a6 7f{}01 93{} a5", text("a.Node"), text("next"), text(path));
    for path in ["$", ".."] {
        let error = from_slice::<Node>(&field(&node(path))).unwrap_err();
        assert!(matches!(error, DecodeError::Cycle { .. }), "{error}");
        let value: Value = from_slice(&field(&node(path))).unwrap();
        assert_eq!(value.get("next"), Some(&Value::Above(0)));
        assert_eq!(to_vec(&value).unwrap(), field(&node("$")));
    }
    // Two lists and an object deep, under a name with a dot in it.
    let deep = |value: Value| Value::List {
        name: None,
        items: vec![
            Value::Int(1),
            Value::Object { class: "a.Node".into(), fields: vec![("n".into(), Value::Null), ("a.b".into(), value)] },
        ],
    };
    for levels in 0..3 {
        let value = deep(Value::List { name: Some("[object".into()), items: vec![Value::Above(levels)] });
        let bytes = to_vec(&value).unwrap();
        assert_eq!(from_slice::<Value>(&bytes).unwrap(), value);
        let path = ["$[1].a\\.b", "$[1]", "$"][levels as usize];
        assert!(
            bytes.windows(path.len() + 1).any(|at| at[0] == 0x49 + path.len() as u8 && at[1..] == *path.as_bytes())
        );
    }
    assert!(to_vec(&Value::Above(0)).is_err());
}

#[test]
fn a_mismatch_says_where_what_was_found_and_what_was_wanted() {
    let item = |sku: &str, qty: &str| {
        format!("95 92{}00 a6 7f{}01 {sku} 7f{}02 {qty} a5", text("a.Item"), text("sku"), text("qty"))
    };
    let wrong = |bytes: &str| refusal::<Vec<Item>>(bytes);
    assert_eq!(wrong(&item("af", "01")), "[0].sku is not as wanted: found null, wanted a string");
    assert_eq!(
        wrong(&item("4a78", "be7fffffffffffffff")),
        "[0].qty is not as wanted: found 9223372036854775807, wanted i32"
    );
    assert_eq!(wrong(&item("4a78", "4a78")), "[0].qty is not as wanted: found text, wanted i32");
    assert_eq!(refusal::<Date>("01"), "the value is not as wanted: found a whole number, wanted java.util.Date");
    assert_eq!(refusal::<LocalDate>("01"), "the value is not as wanted: found a whole number, wanted struct LocalDate");
    assert!(refusal::<i32>("01 02").contains("found more than one value in a field"));
    assert!(refusal::<(i32, i32)>("97 01 02 03").contains("found more than 2 values, wanted 2"));
    assert_eq!(refusal::<i32>("92 4a61 05 01"), "found the number 5 at offset 7, wanted the number after the last");
    assert!(refusal::<i32>("92 4a61 00 92 4a62 01 01").contains("found a type before a type"));
    assert!(from_slice::<i32>(&[]).is_err());
    assert!(from_slice::<i32>(&[0, 0, 0, 9, 1]).is_err());
}

#[test]
fn each_value_is_a_field_and_a_bad_one_does_not_spoil_the_next() {
    let mut body = Vec::new();
    let mut encoder = Encoder::new(&mut body);
    encoder.put_text("2.0.2");
    encoder.put(&item("x", 1)).unwrap();
    encoder.put(&item("y", 2)).unwrap();
    encoder.put(&HashMap::from([("timeout", "500")])).unwrap();
    let mut decoder = Decoder::new(&body);
    assert_eq!(decoder.take::<String>().unwrap(), "2.0.2");
    assert!(decoder.take::<i32>().is_err());
    assert_eq!(decoder.take::<Item>().unwrap(), item("y", 2));
    assert_eq!(decoder.take::<HashMap<String, String>>().unwrap()["timeout"], "500");
    assert_eq!(decoder.at(), body.len());
    assert!(decoder.take::<Value>().is_err());
}

#[test]
fn an_exception_says_where_it_was_thrown() {
    // As 3.3.6 writes `new RuntimeException("boom")` with three frames, of which one is native.
    let bytes = "0000010c925952756e74696d65457863657074696f6e00a67f5664657461696c4d657373616765014d626f6f6d7f53737461636b5472616365
        0297a67f5166696c654e616d65035253686f702e6a6176617f536c696e654e756d62657204077f52636c6173734e616d650556636f6d2e61636d652e53
        686f707f536d6574686f644e616d65064c627579a5a67f03af7f04fe7f0558636f6d2e61636d652e4e61746976657f064c72756ea5a67f03524d61696e
        2e6a6176617f044511707f0556636f6d2e61636d652e4d61696e7f064d6d61696ea57f5d73757070726573736564457863657074696f6e730792686a61
        76612e7574696c2e436f6c6c656374696f6e7324456d7074794c6973740894a5";
    let thrown = JavaException::of(from_slice(&unhex(bytes)).unwrap());
    assert_eq!((&*thrown.class, thrown.message.as_deref()), ("java.lang.RuntimeException", Some("boom")));
    let frame = |class: &str, method: &str, file: Option<&str>, line| StackFrame {
        class: class.into(),
        method: method.into(),
        file: file.map(str::to_owned),
        line,
    };
    let wanted = [
        frame("com.acme.Shop", "buy", Some("Shop.java"), Some(7)),
        frame("com.acme.Native", "run", None, None),
        frame("com.acme.Main", "main", Some("Main.java"), Some(70_000)),
    ];
    assert_eq!(thrown.stack, wanted);
}
