//! `highway sdk generate`: what it writes of the definitions that each released Dubbo publishes by itself, and calls by what it wrote.
//!
//! The files of `made/` are what it wrote, and are compiled with this test: to be what it writes is one half, to answer the other.

use std::collections::HashMap;

use highway_sdk::{Value, java};
use lab::install::Release;
use lab::peer::{GREETING, INTEROP, TYPES};

use crate::made::interop_service::{Address, Customer, InteropServiceClient, Item, Order, State};
use crate::made::types_service::{Node, Operation, Pair, SamplesBox, SamplesItem, Shade, TypesServiceClient};
use crate::providers::{providers, wait};

/// The release whose definition `made/` was written of.
const MADE_OF: &str = "3.3.6";

fn refused(arguments: &[&str], status: u8) -> String {
    let error = providers().says(&[&["sdk", "generate"], arguments].concat()).unwrap_err().to_string();
    assert!(error.contains(&format!("exit status: {status}: highway: ")), "{error}");
    error
}

#[test]
fn every_line_of_dubbo_publishes_what_the_same_client_is_made_of() {
    let made = [(INTEROP, include_str!("made/interop_service.rs")), (TYPES, include_str!("made/types_service.rs"))];
    for release in Release::ALL.map(Release::version) {
        for (service, made) in made {
            let arguments = [service, "--group", release];
            if release == Release::V2_6_12.version() {
                let error = refused(&arguments, 2);
                assert!(error.contains(&format!("found definitions of {service} alone that are of ")), "{error}");
                continue;
            }
            let written = providers().says(&[&["sdk", "generate"], &arguments[..]].concat()).unwrap();
            assert_eq!(written, made.replace(MADE_OF, release), "{release} of {service}");
        }
    }
}

#[test]
fn a_service_in_a_group_and_a_version_is_found_by_both() {
    for release in Release::OLD_AND_NEW.map(Release::version) {
        let written =
            providers().says(&["sdk", "generate", GREETING, "--version", "1.0.0", "--group", release]).unwrap();
        let attribute = format!("(\"{GREETING}\", version = \"1.0.0\", group = \"{release}\")]");
        assert!(written.contains(&attribute), "{written}");
        assert!(
            written.contains("async fn say_hello(&self, a: &str) -> Result<Option<String>, CallError>;"),
            "{written}"
        );
    }
    let other = refused(&[GREETING, "--group", MADE_OF, "--version", ""], 2);
    assert!(other.contains(&format!("`provider-{MADE_OF}` (group {MADE_OF}, version 1.0.0)")), "{other}");
}

#[test]
fn a_client_that_was_made_calls_java() {
    let item = |name: &str| Item { count: 2, name: Some(name.to_owned()), price: Some("1.50".into()) };
    let address = Address { city: Some("上海".to_owned()), street: None };
    let order = Order {
        customer: Some(Customer { address: Some(address), name: Some("bo".to_owned()) }),
        discount: None,
        favourites: Some(HashMap::from([("pear".to_owned(), item("pear"))])),
        gift: true,
        id: 1 << 40,
        items: Some(vec![item("a"), item("b")]),
        note: Some(String::new()),
        placed: Some(java::Date(1_700_000_000_123)),
        state: Some(State::Sent),
        total: Some("99.95".into()),
    };
    providers().on_each(|service, release| {
        let interop = InteropServiceClient::from(service.clone());
        let version = release.version();
        wait(async {
            assert_eq!(interop.add_int_long(7, 35).await.unwrap(), 42, "{version}");
            assert_eq!(interop.add_string_string("7", "35").await.unwrap().as_deref(), Some("735"), "{version}");
            assert_eq!(interop.order(&order).await.unwrap().as_ref(), Some(&order), "{version}");
            assert_eq!(interop.nothing("x").await.unwrap(), None, "{version}");
            let grouped = interop.by_name(&[item("x"), item("x")]).await.unwrap().unwrap();
            assert_eq!(grouped["x"], [item("x"), item("x")], "{version}");
            assert_eq!(interop.length(&java::Bytes(vec![7; 300])).await.unwrap(), 300, "{version}");
            interop.silent("x").await.unwrap();
        });
    });
}

#[test]
fn a_client_that_was_made_sends_each_kind_of_type_as_java_declares_it() {
    let leaf = Node { all: Some(Vec::new()), name: Some("leaf".to_owned()), next: None };
    let node = Node { all: Some(vec![leaf.clone()]), name: None, next: Some(Box::new(leaf)) };
    let item = SamplesItem { count: 3, name: Some("fig".to_owned()) };
    let pair = Pair { first: Value::Int(1), second: Value::Null };
    let shades = HashMap::from([(Shade::Dark, Operation::Minus), (Shade::Light, Operation::Plus)]);
    let texts = ["a".to_owned(), "无".to_owned()];
    providers().on_each_with_types(|service, _, release| {
        let types = TypesServiceClient::from(service.clone());
        let version = release.version();
        wait(async {
            assert_eq!(types.node(&node).await.unwrap().as_ref(), Some(&node), "{version}");
            assert_eq!(types.pair(&pair).await.unwrap().as_ref(), Some(&pair), "{version}");
            let boxed = SamplesBox { content: Value::Text("x".to_owned()) };
            assert_eq!(types.box_(&boxed).await.unwrap(), Some(boxed), "{version}");
            assert_eq!(types.shades(&shades).await.unwrap().as_ref(), Some(&shades), "{version}");
            assert_eq!(types.shade(&Shade::Dark).await.unwrap(), Some(Shade::Dark), "{version}");
            assert_eq!(types.items(std::slice::from_ref(&item)).await.unwrap(), Some(vec![item.clone()]), "{version}");
            assert_eq!(types.numbers(&[1, -2]).await.unwrap(), Some(vec![1, -2]), "{version}");
            assert_eq!(types.grid(&[vec![1], vec![]]).await.unwrap(), Some(vec![vec![1], vec![]]), "{version}");
            assert_eq!(types.letters("a无").await.unwrap().as_deref(), Some("a无"), "{version}");
            assert_eq!(types.texts(&texts).await.unwrap(), Some(texts.to_vec()), "{version}");
            assert_eq!(types.boxed_numbers(&[5]).await.unwrap(), Some(vec![5]), "{version}");
            assert_eq!(types.boxed_small(None).await.unwrap(), None, "{version}");
            assert_eq!(types.boxed_small(Some(-3)).await.unwrap(), Some(-3), "{version}");
            assert_eq!(types.octet(-128).await.unwrap(), -128, "{version}");
            assert_eq!(types.single(1.5).await.unwrap().to_bits(), 1.5_f32.to_bits(), "{version}");
            let things = [Value::Int(1), Value::Text("x".to_owned()), Value::Null];
            assert_eq!(types.collection(&things).await.unwrap(), Some(things.to_vec()), "{version}");
            assert_eq!(types.things(&things).await.unwrap(), Some(things.to_vec()), "{version}");
            let mixed = types.mixed(1, "b", 2.5, &texts, &item, true, None).await.unwrap().unwrap();
            assert_eq!((mixed.len(), &mixed[6]), (7, &Value::Null), "{version}");
        });
    });
}

#[test]
fn what_no_client_can_be_made_of_is_said() {
    let several = refused(&[INTEROP], 2);
    assert!(
        several.contains("found several definitions of com.example.InteropService, of `provider-2.7.23` (group"),
        "{several}"
    );
    assert!(several.contains(", wanted one; say --group or --version"), "{several}");
    let none = refused(&["com.example.NobodyService"], 1);
    assert!(none.contains("found no definition of com.example.NobodyService in "), "{none}");
    assert!(refused(&["com.example/Nobody"], 2).contains("wanted the full name of a Java interface"));
    let folder = "/dubbo/metadata/com.example.BrokenService";
    providers().write(&[
        &format!("create {folder} x"),
        &format!("create {folder}/provider x"),
        &format!("create {folder}/provider/broken 127.0.0.1"),
        "create /dubbo/metadata/com.example.SecretService x digest:nobody:x:r",
    ]);
    let secret = refused(&["com.example.SecretService"], 1);
    assert!(
        secret.contains("may not read /dubbo/metadata/com.example.SecretService; log in as somebody who may"),
        "{secret}"
    );
    let broken = refused(&["com.example.BrokenService"], 1);
    let wanted = format!("found {folder}/provider/broken in ");
    assert!(
        broken.contains(&wanted) && broken.contains("which is no definition that a client can be made of: "),
        "{broken}"
    );
}

#[test]
fn the_command_writes_a_file_of_its_own_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("interop_service.rs");
    let arguments = ["--group", MADE_OF, "--out", out.to_str().unwrap()];
    let generate = |service| providers().says(&[&["sdk", "generate", service], &arguments[..]].concat());
    for _ in 0..2 {
        assert!(
            generate(INTEROP).unwrap().ends_with("interop_service.rs is the client of com.example.InteropService\n")
        );
        assert_eq!(std::fs::read_to_string(&out).unwrap(), include_str!("made/interop_service.rs"));
    }
    let error = generate(TYPES).unwrap_err().to_string();
    assert!(error.contains("exit status: 2") && error.contains("was not made for com.example.TypesService"), "{error}");
}
