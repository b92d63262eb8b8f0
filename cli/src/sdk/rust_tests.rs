//! What is printed: of definitions that released Dubbo wrote, of made ones, and as rustfmt would have it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

fn read(text: &str) -> Definition {
    Definition::read("shop", text).unwrap()
}

fn printed(methods: &str, types: &str) -> String {
    let parameters = r#"{"group":"eu","version":"1.0"}"#;
    print("com.acme.Shop", &read(&format!(r#"{{"methods":{methods},"types":{types},"parameters":{parameters}}}"#)))
}

/// Nothing, where rustfmt would leave a text as it is, in the style of this edition.
fn rustfmt_says(text: &str, edition: &str) -> String {
    let mut command = Command::new("rustfmt");
    command.args(["--check", "--edition", edition, "--config", "max_width=100,use_small_heuristics=Default"]);
    let mut rustfmt = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    rustfmt.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = rustfmt.wait_with_output().unwrap();
    String::from_utf8([said.stdout, said.stderr].concat()).unwrap()
}

fn assert_formatted(text: &str) {
    for edition in ["2021", "2024"] {
        let said = rustfmt_says(text, edition);
        assert!(said.is_empty(), "{edition}: {said}\n{text}");
    }
}

#[test]
fn one_interface_is_the_same_text_from_each_line_of_dubbo() {
    let old = read(include_str!("samples/2.7.23.json"));
    let new = read(include_str!("samples/3.3.6.json"));
    assert_eq!((old.group.as_deref(), new.group.as_deref()), (Some("a27"), Some("a33")));
    let text = print("com.example.InteropService", &old);
    assert_eq!(print("com.example.InteropService", &new).replace("a33", "a27"), text);
    assert_formatted(&text);
    for line in [
        "    async fn add_int_long(&self, a: i32, b: i64) -> Result<i64, CallError>;",
        "    async fn attachments(&self, a: &str) -> Result<Option<HashMap<String, String>>, CallError>;",
        "    async fn order(&self, a: &Order) -> Result<Option<Order>, CallError>;",
        "#[serde(rename = \"com.example.Order$State\")]\npub enum State {",
        "    pub favourites: Option<HashMap<String, Item>>,",
        "    pub placed: Option<java::Date>,",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_definition_is_a_trait_and_the_types_that_it_reaches() {
    let text = printed(
        r#"[{"name":"find","parameterTypes":["long"],"returnType":"com.acme.Order"},
            {"name":"add","parameterTypes":["int","long"],"returnType":"long"},
            {"name":"add","parameterTypes":["java.lang.String[]"],"returnType":"void"},
            {"name":"later","parameterTypes":[],"returnType":"java.util.concurrent.CompletableFuture<java.lang.Integer>"},
            {"name":"new","parameterTypes":[],"returnType":"java.util.Map<java.lang.String,java.lang.Object>"}]"#,
        r#"[{"type":"com.acme.Order","properties":{"orderId":"long","URL":"java.lang.String","type":"com.acme.Order.Kind",
                "parent":"com.acme.Order","parts":"java.util.List<com.acme.Order>","counts":"java.util.Map<com.acme.Order.Kind,int[]>"}},
            {"type":"com.acme.Order.Kind","enums":["OPEN","SENT_BACK","Open"]},
            {"type":"com.acme.Unused","properties":{"a":"int"}}]"#,
    );
    assert_eq!(
        text,
        r#"//! `com.acme.Shop`, made by `highway sdk generate` from what application `shop` published of it.
//!
//! What comes is an `Option` where Java may send null, which a definition does not say: take it away where it never does, and put
//! one around what a list or a map has in it where that may be null.

use std::collections::HashMap;

use highway_sdk::{CallError, Value};
use serde::{Deserialize, Serialize};

#[highway_sdk::service("com.acme.Shop", version = "1.0", group = "eu")]
pub trait Shop {
    #[java("add")]
    async fn add_int_long(&self, a: i32, b: i64) -> Result<i64, CallError>;

    #[java("add")]
    async fn add_strings(
        &self,
        #[java("java.lang.String[]")] a: &[String],
    ) -> Result<(), CallError>;

    async fn find(&self, a: i64) -> Result<Option<Order>, CallError>;

    async fn later(&self) -> Result<Option<i32>, CallError>;

    #[java("new")]
    async fn new_2(&self) -> Result<Option<HashMap<String, Value>>, CallError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename = "com.acme.Order$Kind")]
pub enum Kind {
    #[serde(rename = "OPEN")]
    Open,
    #[serde(rename = "SENT_BACK")]
    SentBack,
    #[serde(rename = "Open")]
    Open2,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Order", rename_all = "camelCase")]
pub struct Order {
    #[serde(rename = "URL")]
    pub url: Option<String>,
    pub counts: Option<HashMap<Kind, Vec<i32>>>,
    pub order_id: i64,
    pub parent: Option<Box<Order>>,
    pub parts: Option<Vec<Order>>,
    pub type_: Option<Kind>,
}
"#
    );
    assert_formatted(&text);
}

#[test]
fn the_order_in_which_a_provider_wrote_it_changes_nothing() {
    let methods = [
        r#"{"name":"b","parameterTypes":["a.Y"],"returnType":"void"}"#,
        r#"{"name":"a","parameterTypes":["a.X"],"returnType":"void"}"#,
        r#"{"name":"a","parameterTypes":["b.X"],"returnType":"void"}"#,
    ];
    let types = [
        r#"{"type":"a.X","properties":{"s":"int","r":"int"}}"#,
        r#"{"type":"b.X","properties":{"r":"int"}}"#,
        r#"{"type":"a.Y","properties":{"r":"b.X"}}"#,
    ];
    let of = |methods: &[&str], types: &[&str]| {
        printed(&format!("[{}]", methods.join(",")), &format!("[{}]", types.join(",")))
    };
    let back = |all: [&'static str; 3]| [all[2], all[0], all[1]];
    assert_eq!(of(&methods, &types), of(&back(methods), &back(types)));
    assert!(of(&methods, &types).contains("pub struct BX {"));
}

#[test]
fn classes_in_each_other_are_boxed_and_others_are_not() {
    let text = printed(
        r#"[{"name":"a","parameterTypes":[],"returnType":"a.Tree"}]"#,
        r#"[{"type":"a.Tree","properties":{"root":"a.Branch","leaf":"a.Leaf"}},
            {"type":"a.Branch","properties":{"tree":"a.Tree","others":"a.Branch[]","leaf":"a.Leaf"}},
            {"type":"a.Leaf","properties":{"green":"boolean"}}]"#,
    );
    for line in [
        "pub root: Option<Box<Branch>>,",
        "pub tree: Option<Box<Tree>>,",
        "pub others: Option<Vec<Branch>>,",
        "pub leaf: Option<Leaf>,",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn what_no_client_can_have_is_left_out_in_words() {
    let types = vec!["\"int\""; 13].join(",");
    let methods = format!(
        r#"[{{"name":"much","parameterTypes":[{types}],"returnType":"void"}},
            {{"name":"vague","parameterTypes":["T"],"returnType":"void"}},
            {{"name":"vague","parameterTypes":["U"],"returnType":"void"}}]"#
    );
    let text = printed(&methods, "[]");
    assert!(text.contains("    // `much` has 13 parameters, more than a call can have.\n\n"), "{text}");
    let vague = "    // `vague` is there again with (java.lang.Object), and nobody can tell which is meant.\n}";
    assert!(text.contains(vague), "{text}");
    assert_formatted(&text);
    assert!(printed("[]", "[]").ends_with(
        "\n#[highway_sdk::service(\"com.acme.Shop\", version = \"1.0\", group = \"eu\")]\npub trait Shop {}\n"
    ));
}

#[test]
fn nothing_that_is_published_becomes_anything_but_names_and_texts() {
    let evil = r#"a: i32 }\n fn evil() { panic!() } struct B { \"b"#;
    let types = format!(
        r#"[{{"type":"a.X","properties":{{"{evil}":"{evil}","q":"a.{evil}"}}}},{{"type":"a.{evil}","properties":{{"a":"int"}}}},
            {{"type":"a.Y","enums":["{evil}"]}}]"#
    );
    let methods = r#"[{"name":"a","parameterTypes":["a.X","a.Y"],"returnType":"void"}]"#;
    let whole = format!(
        r#"{{"methods":{methods},"types":{types},"parameters":{{"group":"\" }} fn evil() {{","version":"\n\\"}}}}"#
    );
    let text = print("a.B", &Definition::read("x`\nfn evil() {}", &whole).unwrap());
    let bare: String =
        text.lines().filter(|line| !["rename", "service", "//!"].iter().any(|word| line.contains(word))).collect();
    assert!(!bare.contains("evil() ") && !bare.contains("panic!"), "{text}");
    assert_formatted(&text);
}

#[test]
fn long_names_break_lines_where_rustfmt_does() {
    let long = |count: usize| "x".repeat(count);
    let (mut methods, mut types) = (String::new(), String::new());
    for count in 1..60 {
        let class = format!("com.acme.Of{}", long(count));
        let _ = write!(
            methods,
            r#"{{"name":"m{0}","parameterTypes":["java.util.Collection<java.lang.Long>","{class}"],"returnType":"{class}Size"}},
               {{"name":"n{count}","parameterTypes":["java.util.Map<java.lang.String,java.util.Map<java.lang.String,{class}[]>>"],
                 "returnType":"java.util.Map<java.lang.String,java.util.List<{class}>>"}},
               {{"name":"{1}N","parameterTypes":[],"returnType":"void"}},"#,
            long(count),
            // A line of exactly 100 columns without parameters is broken in a way of its own.
            long(count + usize::from(count == 52) * 20)
        );
        let _ = write!(
            types,
            r#"{{"type":"{class}","properties":{{"f{0}":"java.util.Map<java.lang.String,java.util.List<{class}>>","{0}F":"int","_{1}":"int"}}}},
               {{"type":"{class}Size","enums":["{0}","A{0}","{1}"]}},"#,
            long(count),
            long(count + 60)
        );
    }
    let text = printed(&format!("[{}]", methods.trim_end_matches(',')), &format!("[{}]", types.trim_end_matches(',')));
    // The style of edition 2021 has other rules for lines that just fit.
    let said = rustfmt_says(&text, "2024");
    assert!(said.is_empty(), "{said}");
}

/// What is printed here is compiled beside the files that the command wrote, with every warning an error: `tests/tests/sdk/made/`.
#[test]
fn names_that_rust_has_not_are_names_of_rusts_each_once() {
    let text = print("com.acme.Shop", &read(include_str!("samples/odd.json")));
    assert_formatted(&text);
    assert_eq!(text, include_str!("../../../tests/tests/sdk/made/odd_service.rs"));
}

#[test]
fn a_definition_is_printed_in_the_time_that_its_length_takes() {
    const CLASSES: usize = 12_000;
    // Each stands in the one before, and the last in the first; and all of them want one name.
    let name = |at: usize| {
        let letters = |bit: usize| if at >> bit & 1 == 1 { "_b" } else { "B" };
        format!("com.a{}.Order", (0..15).map(letters).collect::<String>())
    };
    let class = |at| format!(r#"{{"type":"{}","properties":{{"next":"{}"}}}}"#, name(at), name((at + 1) % CLASSES));
    let types: Vec<String> = (0..CLASSES).map(class).collect();
    let method = format!(r#"[{{"name":"get","parameterTypes":[],"returnType":"{}"}}]"#, name(0));
    let begun = std::time::Instant::now();
    let text = printed(&method, &format!("[{}]", types.join(",")));
    let took = begun.elapsed();
    assert_eq!(text.matches("pub struct ").count(), CLASSES);
    assert_eq!(text.matches("Option<Box<").count(), CLASSES, "one circle");
    println!("{CLASSES} classes: {took:?}");
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
}

#[test]
fn a_field_is_boxed_where_its_struct_would_contain_itself_and_nowhere_else() {
    let text = printed(
        r#"[{"name":"get","parameterTypes":[],"returnType":"a.A"}]"#,
        r#"[{"type":"a.A","properties":{"b":"a.B","e":"a.E","f":"a.F","all":"java.util.List<a.A>"}},
            {"type":"a.B","properties":{"c":"a.C","d":"a.D"}},
            {"type":"a.C","properties":{"a":"a.A","e":"a.E"}},
            {"type":"a.D","properties":{"e":"a.E","own":"a.D"}},
            {"type":"a.E","properties":{"f":"a.F"}},
            {"type":"a.F","properties":{"d":"a.G[]","g":"a.G"}},
            {"type":"a.G","properties":{"text":"java.lang.String"}}]"#,
    );
    let boxed: Vec<&str> = text.lines().filter(|line| line.contains("Box<")).map(str::trim).collect();
    assert_eq!(
        boxed,
        ["pub b: Option<Box<B>>,", "pub c: Option<Box<C>>,", "pub a: Option<Box<A>>,", "pub own: Option<Box<D>>,"]
    );
}
