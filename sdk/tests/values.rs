//! Rust types as Java's values and back, and what is said where that cannot be.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, HashMap, HashSet};

use highway_sdk::Value;
use highway_sdk::hessian2::{DecodeError, Decoder, Encoder, from_slice, to_vec};
use highway_sdk::java::{BigInteger, Bytes, Date, Decimal, Instant, LocalDate, LocalDateTime, LocalTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// That a value has these bytes, and that they are that value.
#[track_caller]
fn both_ways<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T, bytes: &str) {
    assert_eq!(to_vec(&value).unwrap(), unhex(bytes), "{value:?}");
    assert_eq!(from_slice::<T>(&unhex(bytes)).unwrap(), value);
}

/// What is said where these bytes are wanted as a `T`.
#[track_caller]
fn refusal<T: DeserializeOwned + std::fmt::Debug>(bytes: &str) -> String {
    from_slice::<T>(&unhex(bytes)).unwrap_err().to_string()
}

fn hex_text(text: &str) -> String {
    let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{:02x}{bytes}", text.len())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "a.Item")]
struct Item {
    sku: String,
    qty: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "a.Kind", rename_all = "UPPERCASE")]
enum Kind {
    Small,
    Large,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "a.Order", rename_all = "camelCase")]
struct Order {
    order_id: i64,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
    items: Vec<Item>,
    parent: Option<Box<Order>>,
}

fn order() -> Order {
    let item = |sku: &str, qty| Item { sku: sku.to_owned(), qty };
    let parent = Order { order_id: 6, kind: Kind::Small, note: Some("n".into()), items: vec![], parent: None };
    Order {
        order_id: 7,
        kind: Kind::Large,
        note: None,
        items: vec![item("x", 1), item("y", -17)],
        parent: Some(Box::new(parent)),
    }
}

#[test]
fn plain_values_have_javas_shortest_forms() {
    both_ways(true, "54");
    both_ways(0i32, "90");
    both_ways(-16i32, "80");
    both_ways(48i32, "c830");
    both_ways(i32::MIN, "4980000000");
    both_ways(-8i64, "d8");
    both_ways(16i64, "f810");
    both_ways(i64::MAX, "4c7fffffffffffffff");
    both_ways(u32::MAX, "4c00000000ffffffff");
    both_ways(0.0f64, "5b");
    both_ways(-128.0f64, "5d80");
    both_ways(300.0f64, "5e012c");
    both_ways(12.25f64, "5f00002fda");
    both_ways(1.1f32, "5f0000044c");
    both_ways(f64::MIN_POSITIVE, "440010000000000000");
    both_ways('ß', "01c39f");
    both_ways("😀".to_owned(), "02eda0bdedb880");
    both_ways(Bytes(vec![1, 2]), "220102");
    both_ways(None::<i32>, "4e");
    both_ways((), "4e");
    both_ways(Date(60_000), "4b00000001");
    both_ways(Date(-1), "4affffffffffffffff");
}

#[test]
fn minus_zero_keeps_its_sign() {
    let bytes = to_vec(&-0.0f64).unwrap();
    assert!(from_slice::<f64>(&bytes).unwrap().is_sign_negative());
}

#[test]
fn a_struct_is_an_object_of_its_class_which_is_defined_once() {
    let bytes = to_vec(&order()).unwrap();
    assert_eq!(from_slice::<Order>(&bytes).unwrap(), order());
    let found = bytes.windows(7).filter(|at| at == b"a.Order").count();
    assert_eq!(found, 1);
    assert_eq!(bytes.windows(6).filter(|at| at == b"a.Item").count(), 1);
}

#[test]
fn two_views_of_one_class_in_one_stream_are_told_apart() {
    #[derive(Serialize)]
    #[serde(rename = "a.Item")]
    struct Other {
        qty: i32,
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.put(&Item { sku: "x".into(), qty: 1 }).unwrap();
    encoder.put(&Other { qty: 2 }).unwrap();
    encoder.put(&Item { sku: "y".into(), qty: 3 }).unwrap();
    let mut decoder = Decoder::new(&bytes);
    assert_eq!(decoder.take::<Item>().unwrap().qty, 1);
    let HashMapOf(other) = decoder.take().unwrap();
    assert_eq!(other, HashMap::from([("qty".to_owned(), 2)]));
    assert_eq!(decoder.take::<Item>().unwrap().qty, 3);
    assert_eq!(decoder.at(), bytes.len());
}

#[derive(Debug, PartialEq, Deserialize)]
struct HashMapOf(HashMap<String, i32>);

#[test]
fn enums_are_constants_text_or_one_of_several_classes() {
    both_ways(Kind::Large, &format!("43{}91{}60{}", hex_text("a.Kind"), hex_text("name"), hex_text("LARGE")));

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Mood {
        Good,
    }
    both_ways(Mood::Good, &hex_text("Good"));

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Thing {
        #[serde(rename = "a.Item")]
        Item(Item),
        #[serde(rename = "a.Box")]
        Box { weight: i64 },
    }
    let things = vec![Thing::Item(Item { sku: "x".into(), qty: 1 }), Thing::Box { weight: 9 }];
    let bytes = to_vec(&things).unwrap();
    assert_eq!(from_slice::<Vec<Thing>>(&bytes).unwrap(), things);
    let kind = to_vec(&Kind::Large).unwrap();
    let refused = from_slice::<Thing>(&kind).unwrap_err().to_string();
    assert_eq!(refused, "the value is not as wanted: found an object of class a.Kind, wanted Thing");
}

#[test]
fn a_newtype_gives_a_list_a_map_or_a_plain_value_its_java_type() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "[int")]
    struct Ints(Vec<i32>);
    both_ways(Ints(vec![1, 2]), &format!("72{}9192", hex_text("[int")));

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "java.util.TreeMap")]
    struct Tree(BTreeMap<String, i32>);
    both_ways(Tree(BTreeMap::from([("k".into(), 1)])), &format!("4d{}016b915a", hex_text("java.util.TreeMap")));

    both_ways(
        Decimal::from("1.50"),
        &format!("43{}91{}60{}", hex_text("java.math.BigDecimal"), hex_text("value"), hex_text("1.50")),
    );

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "java.sql.Timestamp")]
    struct Timestamp(Date);
    both_ways(
        Timestamp(Date(60_000)),
        &format!("43{}91{}604b00000001", hex_text("java.sql.Timestamp"), hex_text("value")),
    );
    // The second of a type comes by its number.
    let bytes = to_vec(&(Ints(vec![]), Ints(vec![]))).unwrap();
    assert_eq!(bytes, unhex(&format!("7a70{}7090", hex_text("[int"))));
    assert_eq!(from_slice::<(Ints, Ints)>(&bytes).unwrap(), (Ints(vec![]), Ints(vec![])));
}

#[test]
fn big_integers_are_the_fields_that_every_jdk_knows() {
    for number in [0, 1, -1, i128::from(i64::MAX) + 1, -(1 << 100), i128::MAX, i128::MIN] {
        let bytes = to_vec(&BigInteger::from(number)).unwrap();
        let read: BigInteger = from_slice(&bytes).unwrap();
        assert_eq!(read.to_i128(), Some(number));
    }
    // As a JDK 17 writes -2^32: six fields, in an order of its own.
    let fields = ["signum", "bitLengthPlusOne", "mag"].map(hex_text).concat();
    let bytes = format!("43{}93{fields}608f9072{}9190", hex_text("java.math.BigInteger"), hex_text("[int"));
    assert_eq!(from_slice::<BigInteger>(&unhex(&bytes)).unwrap().to_i128(), Some(-(1 << 32)));
    let lies = format!("43{}93{fields}60919070{}", hex_text("java.math.BigInteger"), hex_text("[int"));
    assert!(refusal::<BigInteger>(&lies).contains("found a BigInteger of sign 1 with 0 pieces"));
}

#[test]
fn times_have_the_fields_of_their_handles() {
    let date = LocalDate { year: 2024, month: 2, day: 29 };
    let time = LocalTime { hour: 23, minute: 59, second: 58, nano: 1 };
    let all = (date, time, LocalDateTime { date, time }, Instant { seconds: -1, nanos: 5 });
    assert_eq!(from_slice::<(LocalDate, LocalTime, LocalDateTime, Instant)>(&to_vec(&all).unwrap()).unwrap(), all);
}

#[test]
fn lists_are_read_from_whatever_java_calls_a_list_and_bytes_too() {
    let typed = format!("72{}9192", hex_text("java.util.LinkedList"));
    let variable = format!("55{}91925a", hex_text("java.util.HashSet"));
    for bytes in ["7a9192", "58929192", "5791925a", &typed, &variable, "220102"] {
        assert_eq!(from_slice::<Vec<i32>>(&unhex(bytes)).unwrap(), [1, 2], "{bytes}");
        assert_eq!(from_slice::<(i32, i32)>(&unhex(bytes)).unwrap(), (1, 2), "{bytes}");
        assert_eq!(from_slice::<HashSet<i32>>(&unhex(bytes)).unwrap(), HashSet::from([1, 2]), "{bytes}");
    }
}

#[test]
fn a_list_whose_length_is_not_known_before_has_it_set_afterwards() {
    struct Odd(Vec<i32>);
    impl Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
            out.collect_seq(self.0.iter().filter(|number| **number % 2 == 1))
        }
    }
    assert_eq!(from_slice::<Vec<i32>>(&to_vec(&Odd(vec![1, 2, 3])).unwrap()).unwrap(), [1, 3]);
}

#[test]
fn what_java_names_twice_is_read_twice() {
    // [an item, the same, another]
    let class = format!("43{}92{}{}", hex_text("a.Item"), hex_text("sku"), hex_text("qty"));
    let bytes = format!("7b{class}600178915191600179 92");
    let items: Vec<Item> = from_slice(&unhex(&bytes)).unwrap();
    assert_eq!(items.iter().map(|item| item.qty).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(items[0], items[1]);
}

#[test]
fn a_reference_back_over_a_class_definition_counts_nothing_twice() {
    // A map whose value is an object of a class that is defined there, then a reference to the map, then an object of the class.
    let class = format!("43{}91{}", hex_text("a.One"), hex_text("n"));
    let bytes = format!("7b48016b{class}60915a519160 92");
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename = "a.One")]
    struct One {
        n: i32,
    }
    let read: (HashMap<String, One>, HashMap<String, One>, One) = from_slice(&unhex(&bytes)).unwrap();
    assert_eq!(read.0, read.1);
    assert_eq!((read.0["k"].n, read.2.n), (1, 2));
}

#[test]
fn a_field_whose_name_comes_in_pieces_is_the_same_field() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename = "a.B")]
    struct Both {
        ab: i32,
        c: i32,
    }
    // The first name in two pieces, which no slice of the stream is, the second as it mostly stands there.
    let class = "43 03612e42 92 520001610162 0163";
    let both: Vec<Both> = from_slice(&unhex(&format!("7a {class} 60 91 92 60 93 94"))).unwrap();
    assert_eq!(both, [Both { ab: 1, c: 2 }, Both { ab: 3, c: 4 }]);
    assert_eq!(refusal::<Both>(&format!("{class} 60 0178 92")), "ab is not as wanted: found text, wanted i32");
    assert_eq!(refusal::<Both>(&format!("{class} 60 91 0178")), "c is not as wanted: found text, wanted i32");
}

#[test]
fn an_object_inside_itself_is_refused_by_types_and_held_by_a_value() {
    #[derive(Debug, Deserialize)]
    #[serde(rename = "a.Node")]
    struct Node {
        #[expect(dead_code, reason = "never read so far")]
        next: Option<Box<Node>>,
    }
    let bytes = unhex(&format!("43{}91{}605190", hex_text("a.Node"), hex_text("next")));
    let error = from_slice::<Node>(&bytes).unwrap_err();
    assert!(matches!(error, DecodeError::Cycle { .. }), "{error}");
    assert!(error.to_string().starts_with("next is an object that this place is inside of"), "{error}");

    let value: Value = from_slice(&bytes).unwrap();
    assert_eq!(value.get("next"), Some(&Value::Above(0)));
    assert_eq!(to_vec(&value).unwrap(), bytes);
    #[derive(Debug, Deserialize)]
    #[serde(rename = "a.Node")]
    struct Blind {}
    from_slice::<Blind>(&bytes).unwrap();
}

#[test]
fn a_mismatch_says_where_what_was_found_and_what_was_wanted() {
    let item = |sku: &str, qty: &str| {
        format!("79 43{}92{}{}60{sku}{qty}", hex_text("a.Item"), hex_text("sku"), hex_text("qty"))
    };
    let wrong = |bytes: &str| refusal::<Vec<Item>>(bytes);
    assert_eq!(wrong(&item("4e", "91")), "[0].sku is not as wanted: found null, wanted a string");
    assert_eq!(wrong(&item("91", "91")), "[0].sku is not as wanted: found a whole number, wanted a string");
    assert_eq!(
        wrong(&item("0178", "4c7fffffffffffffff")),
        "[0].qty is not as wanted: found 9223372036854775807, wanted i32"
    );
    assert_eq!(wrong(&item("0178", "0178")), "[0].qty is not as wanted: found text, wanted i32");
    assert_eq!(wrong("4e"), "the value is not as wanted: found null, wanted a sequence");
    let short = format!("43{}91{}600178", hex_text("a.Item"), hex_text("sku"));
    assert_eq!(refusal::<Item>(&short), "the value is not as wanted: found no field `qty`, wanted one");
    let other = format!("43{}91{}600178", hex_text("a.Thing"), hex_text("sku"));
    assert_eq!(refusal::<Item>(&other), "the value is not as wanted: found an object of class a.Thing, wanted a.Item");
    assert_eq!(refusal::<(i32, i32)>("79 91"), "the value is not as wanted: found 1 values, wanted a tuple of size 2");
    assert!(refusal::<(i32, i32)>("7b 91 92 93").contains("found more than 2 values, wanted 2"));
    assert_eq!(refusal::<Date>("91"), "the value is not as wanted: found a whole number, wanted java.util.Date");
    assert_eq!(refusal::<i64>("4b00000001"), "the value is not as wanted: found a date, wanted i64");
    let unknown = format!("43{}91{}60{}", hex_text("a.Kind"), hex_text("name"), hex_text("HUGE"));
    assert_eq!(refusal::<Kind>(&unknown), "the value is not as wanted: found `HUGE`, wanted one of SMALL, LARGE");
}

#[test]
fn what_java_has_no_form_for_is_refused_with_its_place() {
    #[derive(Serialize)]
    #[serde(rename = "a.Big")]
    struct Big {
        numbers: Vec<u64>,
    }
    let error = to_vec(&Big { numbers: vec![1, u64::MAX] }).unwrap_err().to_string();
    let wanted = "numbers[1] cannot be written for Java: found 18446744073709551615, wanted at most 9223372036854775807, the largest long";
    assert_eq!(error, wanted);
    assert!(to_vec(&'😀').unwrap_err().to_string().contains("found the char U+1F600"));
    assert!(to_vec(&1i128).is_err());
}

#[test]
fn any_value_is_written_again_as_it_was_read() {
    let bytes = to_vec(&order()).unwrap();
    let value: Value = from_slice(&bytes).unwrap();
    assert_eq!(value.class(), Some("a.Order"));
    assert_eq!(value.get("orderId").and_then(Value::as_i64), Some(7));
    assert_eq!(value.get("kind").and_then(|kind| kind.get("name")).and_then(Value::as_str), Some("LARGE"));
    assert_eq!(to_vec(&value).unwrap(), bytes);
}

#[test]
fn a_name_that_would_pass_for_two_is_refused_and_writes_nothing() {
    // A peer's class of one field; the 7 behind it is the next argument of a call.
    let field = format!("43{}91{}6091", hex_text("a.One"), hex_text("x\0y"));
    let class = format!("43{}9060", hex_text("a.One\0x"));
    for peers in [field, class] {
        let value: Value = from_slice(&unhex(&peers)).unwrap();
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        let error = encoder.put(&(7, &value)).unwrap_err().to_string();
        let wanted =
            "[1] cannot be written for Java: found U+0000 in the name of a class or a field, wanted a name without";
        assert_eq!(error, wanted);
        encoder.put(&value).unwrap_err();
        encoder.put(&7).unwrap();
        assert_eq!(bytes, unhex("7a9797"), "{peers}");
    }
}

#[test]
fn a_value_goes_into_an_encoder_by_put_alone() {
    // Whoever serializes past `put` has asked for no names: a class of no fields would stand in front of the values.
    struct Is<T>(std::marker::PhantomData<T>);
    trait NoSerializer {
        const SERIALIZER: bool = false;
    }
    impl<T> NoSerializer for T {}
    impl<T: serde::Serializer> Is<T> {
        const SERIALIZER: bool = true;
    }
    let serializers = [Is::<&mut serde_json::Serializer<Vec<u8>>>::SERIALIZER, Is::<&mut Encoder<'_>>::SERIALIZER];
    assert_eq!(serializers, [true, false], "`value.serialize(&mut encoder)` must not be possible");
}

#[test]
fn a_struct_without_a_java_name_is_a_map_and_takes_any_class() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Loose {
        sku: String,
        #[serde(default)]
        more: Option<i32>,
    }
    let bytes = to_vec(&Loose { sku: "x".into(), more: None }).unwrap();
    assert_eq!(bytes, unhex(&format!("48{}0178{}4e5a", hex_text("sku"), hex_text("more"))));
    let item = to_vec(&Item { sku: "x".into(), qty: 5 }).unwrap();
    assert_eq!(from_slice::<Loose>(&item).unwrap(), Loose { sku: "x".into(), more: None });
}
