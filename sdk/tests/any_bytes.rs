//! Both serializations give any value back as it was, and take any bytes without a panic.
#![allow(clippy::unwrap_used, reason = "a test")]

use highway_sdk::hessian2::{DecodeError, EncodeError};
use highway_sdk::{Value, fastjson2, hessian2};
use proptest::prelude::*;

/// A serialization by its functions.
struct Codec {
    write: fn(&Value) -> Result<Vec<u8>, EncodeError>,
    read: fn(&[u8]) -> Result<Value, DecodeError>,
}

const CODECS: [Codec; 2] = [
    Codec { write: hessian2::to_vec, read: hessian2::from_bytes },
    Codec { write: fastjson2::to_vec, read: fastjson2::from_bytes },
];

fn boxed(name: &str, fields: [(&str, Value); 2]) -> Value {
    let fields = fields.map(|(field, value)| (field.to_owned(), value)).to_vec();
    Value::Object { class: name.to_owned(), fields }
}

/// Values without parts; those that only fastjson2 tells apart where `all`.
fn leaf(all: bool) -> BoxedStrategy<Value> {
    let both = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::Int),
        (-300i32..300).prop_map(Value::Int),
        any::<i64>().prop_map(Value::Long),
        (-3000i64..3000).prop_map(Value::Long),
        any::<i64>().prop_map(Value::Date),
        (-9_999i64..9_999).prop_map(|seconds| Value::Date(seconds * 1000)),
        prop::num::f64::NORMAL.prop_map(Value::Double),
        (-9_999i32..9_999).prop_map(|number| Value::Double(number.into())),
        any::<String>().prop_map(Value::Text),
        "[a-zé漢🚀]{0,60}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..60).prop_map(Value::Bytes),
        any::<(i64, i32)>().prop_map(|(seconds, nanos)| boxed(
            "com.alibaba.com.caucho.hessian.io.java8.InstantHandle",
            [("seconds", Value::Long(seconds)), ("nanos", Value::Int(nanos))]
        )),
        "-?[1-9][0-9]{0,40}\\.[0-9]{1,20}".prop_map(|digits| Value::Object {
            class: "java.math.BigDecimal".into(),
            fields: vec![("value".into(), Value::Text(digits))],
        }),
    ];
    if !all {
        return both.boxed();
    }
    let typed = "[a-c]\\.[D-F]".prop_map(|class| Value::Typed { class, value: Box::new(Value::Text("A".into())) });
    let float = prop::num::f32::NORMAL.prop_map(Value::Float);
    let byte = any::<i8>().prop_map(Value::Byte);
    let letter =
        any::<char>().prop_filter_map("a unit", |letter| (letter <= '\u{ffff}').then_some(Value::Char(letter)));
    prop_oneof![8 => both, 1 => any::<i16>().prop_map(Value::Short), 1 => byte, 1 => typed, 1 => float, 1 => letter]
        .boxed()
}

fn value(all: bool) -> impl Strategy<Value = Value> {
    leaf(all).prop_recursive(4, 40, 6, move |inner| {
        let values = prop::collection::vec(inner.clone(), 0..20);
        let list = prop_oneof![
            Just(None),
            Just(Some("java.util.LinkedList".to_owned())),
            Just(Some("[[int".to_owned())),
            Just(Some("[string".to_owned()))
        ];
        let map = prop_oneof![Just(None), Just(Some("java.util.LinkedHashMap".to_owned()))];
        let key = prop_oneof![any::<String>().prop_map(Value::Text), any::<i32>().prop_map(Value::Int)];
        let entries = prop::collection::vec((key, inner.clone()), 0..6);
        let fields = prop::collection::vec(("[a-c]{1,2}", inner), 0..6);
        prop_oneof![
            (list, values).prop_map(|(name, items)| Value::List { name, items }),
            (map, entries).prop_map(|(name, entries)| Value::Map { name, entries }),
            ("[a-c]\\.[D-F]", fields).prop_map(|(class, fields)| Value::Object { class, fields }),
        ]
    })
}

/// That these bytes are refused, or are a value that is the same when it is written again.
fn taken_or_refused(codec: &Codec, bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = (codec.read)(bytes)
        && let Ok(again) = (codec.write)(&value)
    {
        let read = (codec.read)(&again);
        prop_assert!(read.is_ok(), "{value:?}: {read:?}");
        prop_assert_eq!((codec.write)(&read.unwrap()).unwrap(), again);
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_value_is_the_same_over_both(value in value(false)) {
        for codec in CODECS {
            prop_assert_eq!((codec.read)(&(codec.write)(&value).unwrap()).unwrap(), value.clone());
        }
    }

    #[test]
    fn what_only_fastjson2_tells_apart_is_the_same(value in value(true)) {
        let bytes = fastjson2::to_vec(&value).unwrap();
        prop_assert_eq!(&fastjson2::from_slice::<Value>(&bytes).unwrap(), &value);
        // Hessian2 takes it too, as what Java makes of it there.
        prop_assert!(hessian2::from_slice::<Value>(&hessian2::to_vec(&value).unwrap()).is_ok());
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let field = [&(bytes.len() as u32).to_be_bytes()[..], &bytes].concat();
        for codec in CODECS {
            taken_or_refused(&codec, &bytes)?;
            taken_or_refused(&codec, &field)?;
        }
    }

    #[test]
    fn damaged_bytes_are_taken_or_refused(
        value in value(true), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for codec in CODECS {
            let mut bytes = (codec.write)(&value).unwrap();
            for (at, byte) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            taken_or_refused(&codec, &bytes)?;
        }
    }
}
