//! Typed clients beside what serves the same trait, over a socket of this machine.
#![allow(clippy::unwrap_used, reason = "a test")]
#![cfg(feature = "macros")]

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use highway_sdk::java::{self, Bytes};
use highway_sdk::provider::{Invocation, Provider, Service, Thrown};
use highway_sdk::{CallError, CallErrorKind, CallOptions, Highway, Outcome};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Order")]
struct Order {
    id: i64,
}

/// Everything that a shop does.
#[highway_sdk::service("com.acme.Shop", version = "1.0.0", group = "eu", serve)]
trait Shop {
    /// Says hello.
    async fn say_hello(&self, name: &str) -> Result<String, Thrown>;
    async fn add(&self, a: i32, b: i64) -> Result<i64, Thrown>;
    #[java("add")]
    async fn add_texts(&self, a: &str, b: String) -> Result<String, Thrown>;
    async fn join(&self, texts: &[String], by: Option<&str>) -> Result<String, Thrown>;
    async fn find(&self, #[java("com.acme.Order")] like: Option<&Order>) -> Result<Option<Order>, Thrown>;
    async fn same(&self, order: Order) -> Result<Order, Thrown>;
    async fn counts(&self) -> Result<BTreeMap<String, i32>, Thrown>;
    #[one_way]
    async fn note(&self, text: &str) -> Result<(), Thrown>;
    async fn refuse(&self) -> Result<(), Thrown>;
}

#[derive(Default)]
struct Counter {
    notes: Arc<Mutex<Vec<String>>>,
}

impl Shop for Counter {
    async fn say_hello(&self, name: &str) -> Result<String, Thrown> {
        Ok(format!("hello {name}"))
    }

    async fn add(&self, a: i32, b: i64) -> Result<i64, Thrown> {
        Ok(i64::from(a) + b)
    }

    async fn add_texts(&self, a: &str, b: String) -> Result<String, Thrown> {
        Ok(format!("{a}{b}"))
    }

    async fn join(&self, texts: &[String], by: Option<&str>) -> Result<String, Thrown> {
        Ok(texts.join(by.unwrap_or("-")))
    }

    async fn find(&self, like: Option<&Order>) -> Result<Option<Order>, Thrown> {
        Ok(like.cloned())
    }

    async fn same(&self, order: Order) -> Result<Order, Thrown> {
        Ok(order)
    }

    async fn counts(&self) -> Result<BTreeMap<String, i32>, Thrown> {
        Ok(BTreeMap::from([("pears".to_owned(), 3)]))
    }

    async fn note(&self, text: &str) -> Result<(), Thrown> {
        self.notes.lock().unwrap().push(text.to_owned());
        Ok(())
    }

    async fn refuse(&self) -> Result<(), Thrown> {
        Err(Thrown::of("java.lang.IllegalStateException", "we are closed"))
    }
}

fn highway() -> Highway {
    let options = CallOptions::new().timeout(Duration::from_secs(30));
    Highway::builder().application("typed").options(options).build().unwrap()
}

async fn serve(service: Service) -> Provider {
    Provider::builder().listen("127.0.0.1:0").serve(service).start().await.unwrap()
}

fn shop(highway: &Highway, provider: &Provider) -> ShopClient {
    ShopClient::from(ShopClient::builder(highway).address(&provider.address().to_string()).build().unwrap())
}

#[tokio::test]
async fn a_trait_is_called_as_it_is_served() {
    let provider = serve(ShopServer::service(Counter::default())).await;
    let shop = shop(&highway(), &provider);
    assert_eq!(shop.as_ref().key(), "eu/com.acme.Shop:1.0.0");
    assert_eq!(shop.say_hello("bo").await.unwrap(), "hello bo");
    assert_eq!(shop.add(7, 35).await.unwrap(), 42);
    assert_eq!(shop.add_texts("7", "35".to_owned()).await.unwrap(), "735");
    let texts = ["a".to_owned(), "b".to_owned()];
    assert_eq!(shop.join(&texts, None).await.unwrap(), "a-b");
    assert_eq!(shop.join(&texts, Some("+")).await.unwrap(), "a+b");
    let order = Order { id: 7 };
    assert_eq!(shop.find(Some(&order)).await.unwrap(), Some(order.clone()));
    assert_eq!(shop.find(None).await.unwrap(), None);
    assert_eq!(shop.same(order.clone()).await.unwrap(), order);
    assert_eq!(shop.counts().await.unwrap()["pears"], 3);
    let error = shop.refuse().await.unwrap_err();
    assert_eq!(error.exception().unwrap().class, "java.lang.IllegalStateException");
}

#[tokio::test]
async fn one_call_can_say_more_than_the_others() {
    let provider = serve(ShopServer::service(Counter::default())).await;
    let shop = shop(&highway(), &provider);
    let reply = shop.say_hello("bo").attachment("colour", "blue").reply().await.unwrap();
    assert_eq!((reply.value.as_str(), reply.from), ("hello bo", provider.address().to_string()));
    let error = shop.say_hello("bo").target("No Island").await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Target(_)), "{error}");
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(error.call(), "eu/com.acme.Shop:1.0.0#sayHello");
    // Who writes the attachment himself has said the same, and what was said as a target counts.
    let error = shop.say_hello("bo").attachment("highway.target", "No Island").await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Target(_)), "{error}");
    shop.say_hello("bo").target("local").attachment("highway.target", "No Island").await.unwrap();
}

#[tokio::test]
async fn what_is_said_of_a_method_of_java_holds_for_the_clients_own() {
    let provider = serve(ShopServer::service(Counter::default())).await;
    let highway = highway();
    let nowhere = CallOptions::new().target("No Island");
    let shop =
        ShopClient::builder(&highway).address(&provider.address().to_string()).method("sayHello", nowhere).build();
    let error = shop.unwrap_err();
    assert!(error.to_string().contains("No Island"), "{error}");
    let slow = CallOptions::new().timeout(Duration::from_millis(50));
    let waits = Service::new("com.acme.Shop")
        .group("eu")
        .version("1.0.0")
        .method("sayHello", |_: Invocation| async { std::future::pending::<Result<String, Thrown>>().await });
    let provider = serve(waits).await;
    let builder = ShopClient::builder(&highway).address(&provider.address().to_string()).method("sayHello", slow);
    let error = ShopClient::from(builder.build().unwrap()).say_hello("bo").await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::DeadlinePassed(of) if of.as_millis() == 50), "{error}");
}

#[tokio::test]
async fn a_one_way_call_arrives_without_an_answer() {
    let counter = Counter::default();
    let notes = counter.notes.clone();
    let provider = serve(ShopServer::service(counter)).await;
    shop(&highway(), &provider).note("first").await.unwrap();
    while notes.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(*notes.lock().unwrap(), ["first"]);
}

#[tokio::test]
async fn the_client_is_one_of_those_that_implement_the_trait() {
    async fn greet(by: &impl Shop) -> String {
        by.say_hello("bo").await.unwrap_or_else(|thrown| format!("{thrown:?}"))
    }
    let provider = serve(ShopServer::service(Counter::default())).await;
    let client = shop(&highway(), &provider);
    assert_eq!(tokio::spawn(async move { greet(&client).await }).await.unwrap(), "hello bo");
    assert_eq!(greet(&Counter::default()).await, "hello bo");
}

/// An error of a caller's own, which a failed call becomes.
#[derive(Debug)]
struct Sorry(Outcome);

impl From<CallError> for Sorry {
    fn from(error: CallError) -> Self {
        Self(error.outcome())
    }
}

/// What each Java type is said to be, as the method that tells it back sees it.
#[highway_sdk::service("com.acme.Types")]
trait Types {
    #[java("told")]
    async fn plain(&self, a: bool, b: i8, c: i16, d: i32, e: i64, f: f32, g: f64, h: char) -> Result<String, Sorry>;
    #[java("told")]
    async fn maybe(&self, a: Option<bool>, b: Option<i32>, c: Option<i64>, d: Option<String>) -> Result<String, Sorry>;
    #[java("told")]
    async fn many(
        &self,
        a: Vec<i32>,
        b: HashSet<i32>,
        c: &BTreeMap<&str, i32>,
        d: java::Bytes,
    ) -> Result<String, Sorry>;
    #[java("told")]
    async fn named(&self, #[java("java.util.Collection")] a: Vec<i32>, #[java("long")] b: i32)
    -> Result<String, Sorry>;
    #[java("told")]
    async fn told_by_its_value(&self, order: Order, of: Box<Order>) -> Result<String, Sorry>;
    #[java("told")]
    async fn told_by_nothing(&self, order: Option<Order>) -> Result<String, Sorry>;
    async fn r#type(&self) -> Result<String, Sorry>;
}

/// A provider with one method for each list of types, which says which one was called.
fn types() -> Service {
    [
        "boolean,byte,short,int,long,float,double,char",
        "java.lang.Boolean,java.lang.Integer,java.lang.Long,java.lang.String",
        "java.util.List,java.util.Set,java.util.Map,byte[]",
        "java.util.Collection,long",
        "com.acme.Order,com.acme.Order",
    ]
    .into_iter()
    .fold(Service::new("com.acme.Types"), |service, types| {
        service.method(&format!("told({types})"), move |_: Invocation| async move { Ok(types) })
    })
    .method("type()", |_: Invocation| async { Ok("none") })
}

#[tokio::test]
async fn parameters_are_of_the_java_types_that_their_words_say() {
    let provider = serve(types()).await;
    let builder = TypesClient::builder(&highway()).address(&provider.address().to_string());
    let types = TypesClient::from(builder.build().unwrap());
    let plain = types.plain(true, 1, 2, 3, 4, 5.0, 6.0, '7').await.unwrap();
    assert_eq!(plain, "boolean,byte,short,int,long,float,double,char");
    let maybe = types.maybe(None, None, None, None).await.unwrap();
    assert_eq!(maybe, "java.lang.Boolean,java.lang.Integer,java.lang.Long,java.lang.String");
    let map = BTreeMap::from([("a", 1)]);
    let many = types.many(vec![1], HashSet::from([1]), &map, Bytes(vec![1])).await.unwrap();
    assert_eq!(many, "java.util.List,java.util.Set,java.util.Map,byte[]");
    assert_eq!(types.named(vec![1], 2).await.unwrap(), "java.util.Collection,long");
    let order = Order { id: 1 };
    let told = types.told_by_its_value(order.clone(), Box::new(order)).await.unwrap();
    assert_eq!(told, "com.acme.Order,com.acme.Order");
    assert_eq!(types.r#type().await.unwrap(), "none");
    let error = types.told_by_nothing(None).await.unwrap_err();
    assert!(error.to_string().contains("`#[java(\"…\")]`"), "{error}");
    let Sorry(outcome) = Types::told_by_nothing(&types, None).await.unwrap_err();
    assert_eq!(outcome, Outcome::NotSent);
}
