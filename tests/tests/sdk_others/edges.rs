//! Values where a writer has to choose between forms, or may miscount: around every power of two, every length at which a head changes, many
//! classes and types, cycles.
//!
//! They are of no release and no test of Java's: whoever writes them writes them by the rules of hessian2 alone.

use highway_sdk::Value;

/// The farthest date of JavaScript, in milliseconds.
const DATE_MAX: u64 = 8_640_000_000_000_000;
/// Lengths of texts, bytes and lists around those at which their heads change.
const LENGTHS: [usize; 16] = [0, 1, 7, 8, 15, 16, 31, 32, 1023, 1024, 4093, 4094, 32_767, 32_768, 32_769, 70_000];

/// All of them, by their cases.
pub fn edges() -> Vec<(String, Value)> {
    let mut all = numbers();
    all.extend(lengths());
    all.extend(objects());
    all.extend(lists_and_maps());
    all.into_iter().map(|(case, value)| (case.to_owned(), value)).collect()
}

type Named = (&'static str, Value);

fn numbers() -> Vec<Named> {
    let mut all = Vec::new();
    let powers = (0..63).map(|shift| 1_i64 << shift);
    let around = powers.flat_map(|power| [power - 1, power, power + 1, -power - 1, -power, 1 - power]);
    for number in around.chain([i64::MIN, i64::MAX]) {
        all.push(("long", Value::Long(number)));
        all.push((if number.unsigned_abs() > DATE_MAX { "date.far" } else { "date" }, Value::Date(number)));
        all.extend(i32::try_from(number).map(|number| ("int", Value::Int(number))));
        #[expect(clippy::cast_precision_loss, reason = "any double will do")]
        let double = number as f64;
        all.push(("double", Value::Double(double)));
        all.push(("double.thousandths", Value::Double(double / 1000.0)));
    }
    let minutes = [-1, 0, 1, 1 << 31, -(1 << 31), -(1 << 31) - 1].map(|minutes| Value::Date(minutes * 60_000));
    all.extend(minutes.map(|date| ("date.minutes", date)));
    all.push(("double.minus-zero", Value::Double(-0.0)));
    let odd =
        [f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX, 0.1, 12.25, -32_768.5, 1e-7, 1e21, 5e-324];
    all.extend(odd.map(|number| ("double.odd", Value::Double(number))));
    all
}

fn lengths() -> Vec<Named> {
    let mut all = Vec::new();
    let list = |name: Option<&str>, items| Value::List { name: name.map(str::to_owned), items };
    for length in LENGTHS {
        all.push(("text", Value::Text("x".repeat(length))));
        all.push(("text.wide", Value::Text("无".repeat(length))));
        // A pair stands across the end of each chunk.
        all.push(("text.pairs", Value::Text(format!("a{}", "\u{1F600}".repeat(length / 2)))));
        all.push((if length > 4093 { "bytes.long" } else { "bytes.short" }, Value::Bytes(vec![7; length])));
        all.push(("list", list(None, vec![Value::Null; length])));
        all.push(("list.typed", list(Some("[int"), vec![Value::Int(1); length])));
    }
    all
}

fn object(class: &str, fields: &[(&str, Value)]) -> Value {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Value::Object { class: class.to_owned(), fields }
}

fn objects() -> Vec<Named> {
    let (one, text) = (Value::Int(1), Value::from("x"));
    let list = |items| Value::List { name: None, items };
    let thrown = [("detailMessage", text.clone()), ("cause", Value::Above(0))];
    vec![
        ("object.empty", object("a.B", &[])),
        ("object.inner", object("a.B$C", &[("this$0", Value::Null), ("b", one.clone())])),
        ("object.exception", object("a.SadException", &thrown)),
        ("object.error", object("a.SadError", &thrown)),
        ("object.numbered", object("a.B", &[("b", one.clone()), ("1", one.clone())])),
        ("locale", object("java.util.Locale", &[("value", text)])),
        ("classes.many", list((0..40).map(|at| object(&format!("a.B{at}"), &[("b", Value::Int(at))])).collect())),
        (
            "classes.again",
            list((0..40).map(|at| object(&format!("a.B{}", at % 3), &[("b", Value::Int(at))])).collect()),
        ),
        ("classes.shapes", list(vec![object("a.B", &[("a", one.clone())]), object("a.B", &[("b", one)])])),
    ]
}

fn lists_and_maps() -> Vec<Named> {
    let map = |name: Option<&str>, entries| Value::Map { name: name.map(str::to_owned), entries };
    let list = |items| Value::List { name: None, items };
    let me = || vec![(Value::from("me"), Value::Above(0))];
    let keys = [Value::Int(1), Value::Long(1), Value::Double(1.0), Value::from("1"), Value::Bool(true), Value::Null];
    let deep = (0..60).fold(Value::Null, |inside, _| list(vec![inside]));
    vec![
        ("map.order", map(None, ["b", "a", "1"].map(|key| (Value::from(key), Value::Null)).to_vec())),
        ("map.keys", map(Some("java.util.Hashtable"), keys.map(|key| (key, Value::Bool(false))).to_vec())),
        ("types.again", list((0..20).map(|at| map(Some(["java.util.TreeMap", "a.M"][at % 2]), vec![])).collect())),
        ("cycle.list", list(vec![Value::Above(0), list(vec![Value::Above(1)])])),
        ("cycle.map", map(None, me())),
        ("cycle.map-typed", map(Some("java.util.TreeMap"), me())),
        ("deep", deep),
    ]
}
