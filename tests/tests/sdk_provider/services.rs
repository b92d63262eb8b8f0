//! The services of the lab (`lab/java/peer/com/example`), in Rust, as its Java providers have them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use highway_sdk::Value;
use highway_sdk::java::Bytes;
use highway_sdk::provider::{Invocation, Method, Outcome, Serve, Service, Thrown};
use highway_tests::matrix::{ASYNC, TYPES};
use lab::peer::{GREETING, INTEROP};
use serde::Serialize;

use crate::stage::LABEL;

const TYPES_JAVA: &str = include_str!("../../../lab/java/peer/com/example/TypesService.java");

pub fn all() -> Vec<Service> {
    vec![greeting(LABEL, &Arc::default()), Service::new(TYPES).serve(Types), interop(), later()]
}

/// Greets with this label, and counts.
pub fn greeting(label: &'static str, greeted: &Arc<AtomicU64>) -> Service {
    let greeted = greeted.clone();
    Service::new(GREETING).method("sayHello", move |call: Invocation| {
        greeted.fetch_add(1, Ordering::Relaxed);
        async move {
            let (name,): (String,) = call.args()?;
            Ok(format!("Hello {name}, this is {label}"))
        }
    })
}

/// Every method gives back what it got, `mixed` all of it as a list.
struct Types;

impl Serve for Types {
    fn methods(&self) -> Vec<Method> {
        let names = TYPES_JAVA.lines().filter(|line| line.ends_with(");")).filter_map(|line| {
            let (front, _) = line.split_once('(')?;
            front.split_whitespace().last()
        });
        names.map(Method::any).collect()
    }

    fn call(&self, _: usize, call: Invocation) -> Outcome {
        Box::pin(async move {
            let mut values: Vec<Value> = call.args()?;
            match values.len() {
                1 => call.answer(&values.remove(0)),
                _ => call.answer(&values),
            }
        })
    }
}

#[derive(Serialize)]
#[serde(rename = "com.example.OutOfStockException")]
struct OutOfStock {
    code: i32,
}

#[derive(Serialize)]
#[serde(rename = "java.lang.IllegalStateException")]
struct Wordless {}

fn why(call: &Invocation) -> Result<String, Thrown> {
    let (why,): (Option<String>,) = call.args()?;
    Ok(why.unwrap_or_default())
}

fn out_of_stock(call: &Invocation, code: i32) -> Result<Thrown, Thrown> {
    let (why,): (Option<String>,) = call.args()?;
    let thrown = Thrown::declared(&OutOfStock { code });
    Ok(match why {
        Some(why) => thrown.message(why),
        None => thrown,
    })
}

fn interop() -> Service {
    let with_errors = throwing(noting(Service::new(INTEROP)));
    with_errors
        .method("text", |call: Invocation| async move { Ok(call.args::<(String,)>()?.0) })
        .method("order", |call: Invocation| async move { Ok(call.args::<(Value,)>()?.0) })
        .method("byName", |call: Invocation| async move {
            let (items,): (Vec<Value>,) = call.args()?;
            let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
            for item in items {
                let name = item.get("name").cloned().unwrap_or_default();
                match groups.iter_mut().find(|(of, _)| *of == name) {
                    Some((_, group)) => group.push(item),
                    None => groups.push((name, vec![item])),
                }
            }
            let lists = groups.into_iter().map(|(name, items)| (name, Value::List { name: None, items }));
            Ok(Value::Map { name: Some("java.util.LinkedHashMap".to_owned()), entries: lists.collect() })
        })
        .method("nothing", |_: Invocation| async move { Ok(()) })
        .method("silent", |_: Invocation| async move { Ok(()) })
        .method("add(int,long)", |call: Invocation| async move {
            let (a, b): (i32, i64) = call.args()?;
            Ok(i64::from(a) + b)
        })
        .method("add(java.lang.String,java.lang.String)", |call: Invocation| async move {
            let (a, b): (String, String) = call.args()?;
            Ok(a + &b)
        })
        .method("bytes", |call: Invocation| async move { Ok(call.args::<(Bytes,)>()?.0) })
        .method("length", |call: Invocation| async move { Ok(call.args::<(Bytes,)>()?.0.0.len() as i32) })
        .method("make", |call: Invocation| async move { Ok(Bytes(vec![0; call.args::<(u32,)>()?.0 as usize])) })
        .method("slow", |call: Invocation| sleeping(call))
        .method("later", |call: Invocation| sleeping(call))
        .method("attachments", |call: Invocation| async move {
            call.reply_attachment("reply", call.args::<(String,)>()?.0);
            Ok(call.attachments().into_iter().collect::<BTreeMap<_, _>>())
        })
}

async fn sleeping(call: Invocation) -> Result<String, Thrown> {
    let (text, millis): (String, u64) = call.args()?;
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Ok(text)
}

fn throwing(service: Service) -> Service {
    service
        .method("declared", |call: Invocation| async move { Err::<(), _>(out_of_stock(&call, 42)?) })
        .method("caused", |call: Invocation| async move {
            let root = Thrown::of("java.lang.IllegalStateException", "the root");
            let between = Thrown::of("java.lang.IllegalArgumentException", "in between").caused_by(root);
            Err::<(), _>(out_of_stock(&call, 43)?.caused_by(between))
        })
        .method("undeclared", |call: Invocation| async move {
            Err::<(), _>(Thrown::of("java.lang.IllegalStateException", why(&call)?))
        })
        .method("foreign", |call: Invocation| async move { Err::<(), _>(Thrown::new(why(&call)?)) })
        .method("wordless", |_: Invocation| async move { Err::<(), _>(Thrown::declared(&Wordless {})) })
}

fn noting(service: Service) -> Service {
    let notes: Arc<Mutex<HashMap<String, i32>>> = Arc::default();
    let noted = notes.clone();
    service
        .method("note", move |call: Invocation| {
            let notes = notes.clone();
            async move {
                *notes.lock().unwrap().entry(why(&call)?).or_default() += 1;
                Ok(())
            }
        })
        .method("noted", move |call: Invocation| {
            let notes = noted.clone();
            async move { Ok(notes.lock().unwrap().get(&why(&call)?).copied().unwrap_or_default()) }
        })
}

fn later() -> Service {
    Service::new(ASYNC)
        .method("later", |call: Invocation| async move { Ok(sleeping(call).await? + " from another thread") })
        .method("failsLater", |call: Invocation| async move { Err::<(), _>(out_of_stock(&call, 44)?) })
}
