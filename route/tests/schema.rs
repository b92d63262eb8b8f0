//! The published schema and the parser say the same of a document: of every text in the workspace that may be one, of every way to
//! spoil one value of a document that says everything, and of mistakes as people make them.
//!
//! ```text
//!  text ─┬─ rules::parse ───────────────────────────────▶ taken, or its mistakes ─┐
//!        └─ YAML 1.2 as editors read it ─ JSON ─ schema ─▶ valid, or not ──────────┴─▶ the same, but for BEYOND
//! ```
//! A schema that is looser than the parser lets an editor keep silent; one that is tighter lets it complain of a sound document.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "schema/literals.rs"]
mod literals;
#[path = "schema/yaml.rs"]
mod yaml;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use highway_route::rules::{SCHEMA, parse};
use jsonschema::Validator;
use serde_json::{Value, json};

/// Mistakes that no schema can tell: what they are about stands in two places, or is a text with a grammar of its own.
const BEYOND: &[&str] = &[
    "a second time, wanted one of its own",
    "found weights that make",
    "found an end that is not after the beginning",
    "wanted an address or a network such as",
    "wanted an address",
    "wanted a length of time",
];

fn validator() -> Validator {
    jsonschema::options().should_validate_formats(true).build(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
}

/// What both say of a text.
#[derive(Debug, PartialEq)]
enum Said {
    /// Taken and valid.
    Sound,
    /// Refused and invalid.
    Wrong,
    /// Refused for what no schema can tell, or no YAML at all.
    Beyond,
}

/// What both say; or who says otherwise.
fn agreed(validator: &Validator, text: &str) -> Result<Said, String> {
    let parsed = parse("shop", text);
    let Some(value) = yaml::read(text) else {
        return if parsed.is_ok() { Err("taken, but not read as YAML".to_owned()) } else { Ok(Said::Beyond) };
    };
    match (parsed, validator.is_valid(&value)) {
        (Ok(_), true) => Ok(Said::Sound),
        (Ok(_), false) => {
            let complaints = validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path()));
            Err(format!("taken, but invalid: {}", complaints.collect::<Vec<_>>().join("; ")))
        }
        (Err(_), false) => Ok(Said::Wrong),
        (Err(broken), true) => {
            let telling = broken.mistakes.iter().find(|found| !BEYOND.iter().any(|beyond| found.what.contains(beyond)));
            telling.map_or(Ok(Said::Beyond), |mistake| Err(format!("valid, but refused: {mistake}")))
        }
    }
}

/// Every file of the workspace that may hold documents.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        match path.is_dir() {
            true if name != "target" && !name.starts_with('.') => files(&path, found),
            false if ["rs", "md", "yaml", "yml"].contains(&&*ending) => found.push(path),
            _ => {}
        }
    }
}

/// Each text of a file that may be a document: string literals of Rust, fenced blocks and spans of code of Markdown, all of YAML.
fn texts(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("rs") => literals::of(&text),
        Some("md") => {
            text.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1.to_owned()).collect()
        }
        _ => vec![text],
    }
}

#[test]
fn every_document_of_the_workspace_is_valid_where_it_is_taken_and_else_not() {
    let (validator, root) = (validator(), Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
    let mut all = Vec::new();
    files(root, &mut all);
    let (mut taken, mut refused, mut wrong) = (Vec::new(), 0, Vec::new());
    for path in all {
        let place = path.strip_prefix(root).unwrap().display().to_string();
        let is_document = |text: &String| ["rules:", "switches:", "expect:"].iter().any(|key| text.contains(key));
        for text in texts(&path).iter().filter(|text| is_document(text)) {
            match agreed(&validator, text) {
                Ok(Said::Sound) => taken.push(place.clone()),
                Ok(Said::Wrong) => refused += 1,
                Ok(Said::Beyond) => {}
                Err(why) => wrong.push(format!("{place}: {why}\n{text}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} documents of {} places taken, {refused} refused", taken.len(), {
        let mut places = taken.clone();
        places.dedup();
        places.len()
    });
    for place in ["docs/rules.md", "route/src/rules/tests/everything.yaml", "tests/tests/choosing/rules.rs"] {
        assert!(taken.iter().any(|known| known == place), "no document was found in {place}: {taken:?}");
    }
    assert!(taken.len() > 50 && refused > 10, "{} taken, {refused} refused", taken.len());
}

/// One value in place of each value: what somebody may type there.
fn spoilers() -> Vec<Value> {
    let mut all = vec![
        json!(7),
        json!(-1),
        json!(2000),
        json!(20_000),
        json!(1.5),
        json!(true),
        json!(null),
        json!(""),
        json!("x"),
        json!("7"),
        json!("true"),
        json!("a b"),
        json!("a/b"),
        json!("a/b:c"),
        json!("a:b:c"),
        json!("*"),
        json!("Über"),
        json!("a\u{7}"),
        json!("local"),
        json!("refused"),
        json!("10.0.0.0/8"),
        json!("2026-11-21T08:00:00Z"),
        json!("2026-11-21"),
        json!([]),
        json!(["a"]),
        json!(["a", "a"]),
        json!([7]),
        json!([null]),
        json!({}),
        json!({ "a": "b" }),
        json!({ "a": 1 }),
        json!({ "": "b" }),
        json!({ "a\u{7}": "b" }),
        json!({ "present": false }),
        json!({ "attachment": "k" }),
        json!({ "local": 1, "b": 2 }),
        json!({ "a": 0 }),
        json!({ "a": 10_001 }),
    ];
    all.extend([32, 33, 128, 129, 512, 513, 1000, 1001].map(|len| json!("x".repeat(len))));
    all.push(json!((0..65).map(|at| format!("k{at}")).collect::<Vec<_>>()));
    all.push((0..65).map(|at| (format!("k{at}"), json!(1))).collect::<serde_json::Map<_, _>>().into());
    all.push(json!({ "x".repeat(129): "b" }));
    all
}

/// The pointers to every value within `value`.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| places(value, &format!("{at}/{key}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| places(value, &format!("{at}/{n}"), found))
        }
        _ => {}
    }
}

#[test]
fn a_document_with_one_value_spoilt_is_valid_where_it_is_taken_and_else_not() {
    let validator = validator();
    let whole = yaml::read(include_str!("../src/rules/tests/everything.yaml")).unwrap();
    let (mut all, mut tried, mut wrong) = (Vec::new(), [0; 3], std::collections::BTreeMap::new());
    places(&whole, "", &mut all);
    // One rule's name is spoilt as another's is.
    let mut shapes = HashSet::new();
    all.retain(|place| shapes.insert(place.replace(|sign: char| sign.is_ascii_digit(), "")));
    let mut ask = |place: &str, spoilt: &Value, how: &str| match agreed(&validator, &spoilt.to_string()) {
        Ok(said) => tried[said as usize] += 1,
        Err(why) => _ = wrong.entry(format!("{how} at {place}")).or_insert(why),
    };
    for place in &all {
        for spoiler in spoilers() {
            let mut spoilt = whole.clone();
            let how: String = spoiler.to_string().chars().take(40).collect();
            *spoilt.pointer_mut(place).unwrap() = spoiler;
            ask(place, &spoilt, &how);
        }
        let mut spoilt = whole.clone();
        if let Some(entries) = spoilt.pointer_mut(place).unwrap().as_object_mut() {
            entries.insert("more".to_owned(), json!("x"));
            ask(place, &spoilt, "one key more");
        }
        if let Some((parent, key)) = place.rsplit_once('/') {
            let mut spoilt = whole.clone();
            if let Some(entries) = spoilt.pointer_mut(parent).unwrap().as_object_mut() {
                entries.remove(key);
                ask(place, &spoilt, "without it");
            }
        }
    }
    let count = wrong.len();
    let told: Vec<String> = wrong.into_iter().take(400).map(|(what, why)| format!("{what}: {why}")).collect();
    assert!(told.is_empty(), "{count} disagreements\n{}", told.join("\n"));
    println!("{tried:?} taken, refused, beyond what a schema can tell");
    assert!(tried[0] > 300 && tried[1] > 2000, "{tried:?}");
}

#[test]
fn mistakes_as_people_make_them_are_invalid_for_an_editor_too() {
    let validator = validator();
    let rule = |more: &str| format!("rules:\n- name: r\n  {more}\n");
    for (text, wanted) in [
        ("servise: a.B\n".to_owned(), "found the key `servise`"),
        (rule("act: { iland: a }"), "found the key `iland`"),
        (rule("act: { island: a }\n  match: { method: [a] }"), "found the key `method`"),
        (rule("act: { island: [a] }"), "found a list"),
        (rule("act: { island: a }\n  match: { methods: sayHello }"), "found `sayHello`, wanted a list"),
        (rule("act: { island: a }\n  enabled: yes"), "found `yes`, wanted true or false"),
        (rule("act: { island: a, failover: [b] }"), "found 2 ways to act"),
        (rule("act: {}"), "found 0 ways to act"),
        (rule("priority: 1001\n  act: { island: a }"), "found `1001`, wanted a number from -1000 to 1000"),
        (rule("priority: high\n  act: { island: a }"), "found `high`, wanted a number"),
        (rule("act: { island: Bei_jing }"), "found `Bei_jing`, wanted an island's id"),
        (rule("act: { local-first: { then: [local] } }"), "found `local`, wanted islands"),
        (rule("act: { split: { to: { a: 0 } } }"), "found `0`, wanted a weight"),
        (rule("act: { island: a }\n  until: tomorrow"), "found `tomorrow`, wanted a moment"),
        (rule("act: { island: a }\n  match: { application: \"shop one\" }"), "wanted a pattern of applications"),
        ("rules:\n- act: { island: a }\n".to_owned(), "found no `name`"),
        (format!("rules:\n- name: {}\n  act: {{ island: a }}\n", "x".repeat(129)), "found a text of 129 characters"),
        ("switches:\n- name: s\n  say: no\n  island:\n".to_owned(), "found nothing behind `island`"),
        ("expect:\n- call: { service: \"a.*\" }\n  goes: a\n".to_owned(), "found `a.*`, wanted"),
    ] {
        let told = parse("shop", &text).unwrap_err().to_string();
        assert!(told.contains(wanted), "{text}: {told}");
        assert_eq!(agreed(&validator, &text), Ok(Said::Wrong), "{text}");
    }
}
