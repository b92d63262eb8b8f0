//! What a call carries, there and back.

use std::collections::BTreeMap;

use highway_sdk::provider::{Invocation, Provider, Service, Thrown};
use highway_sdk::{CallOptions, Codec, Highway, Outcome, Value};
use serde::{Deserialize, Serialize};
use wire::dubbo::frame::Status;

use crate::talker::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename = "com.acme.Order", rename_all = "camelCase")]
struct Order {
    order_id: i64,
    note: Option<String>,
}

#[derive(Serialize)]
#[serde(rename = "com.acme.Order")]
struct Numberless {
    note: String,
}

#[derive(Serialize)]
#[serde(rename = "com.acme.OutOfStockException")]
struct OutOfStock {
    code: i32,
}

fn shop() -> Provider {
    let service = greeter()
        .method("orders", |call: Invocation| async move {
            let (orders, names): (Vec<Order>, BTreeMap<String, i64>) = call.args()?;
            let found = orders.into_iter().filter(|order| names.values().any(|id| *id == order.order_id));
            Ok(found.collect::<Vec<_>>())
        })
        .method("nothing", |call: Invocation| async move {
            let () = call.args()?;
            Ok(None::<Order>)
        })
        .method("silent", |_: Invocation| async move { Ok(()) })
        .method("sold", |call: Invocation| async move {
            let (what,): (Option<String>,) = call.args()?;
            let what = what.ok_or_else(|| Thrown::of("java.lang.IllegalArgumentException", "null was sold"))?;
            Err::<(), _>(Thrown::declared(&OutOfStock { code: 42 }).message(format!("no {what}")))
        })
        .method("parse", |call: Invocation| async move {
            let (number,): (String,) = call.args()?;
            Ok(number.parse::<i32>()?)
        })
        .method("add(int,long)", |call: Invocation| async move {
            let (a, b): (i32, i64) = call.args()?;
            Ok(i64::from(a) + b)
        })
        .method("add(java.lang.String,java.lang.String)", |call: Invocation| async move {
            let (a, b): (String, String) = call.args()?;
            Ok(a + &b)
        })
        .method("came", |call: Invocation| async move {
            let (a, b): (i32, String) = call.args()?;
            let mut decoder = call.decoder();
            assert_eq!((decoder.take()?, decoder.take()?), (a, b.clone()));
            Ok(format!("{:?} {a} {b}", call.codec()))
        })
        .method("kept", |call: Invocation| async move { Ok(call.args::<(i32, Order)>()?.1) })
        .method("seen", |call: Invocation| async move {
            call.reply_attachment("back", "🚀");
            let seen: BTreeMap<_, _> = call.attachments().into_iter().collect();
            let more = (call.source_island(), call.application(), call.timeout().map(|time| time.as_millis() as i64));
            Ok((seen, more, call.is_one_way(), call.is_generic()))
        });
    start(Provider::builder().application("shop").serve(service))
}

fn order(order_id: i64) -> Order {
    Order { order_id, note: None }
}

#[test]
fn arguments_and_results_are_values_by_serde() {
    let provider = shop();
    let mut consumer = Talker::of(&provider);
    assert_eq!(consumer.ask(&greet(-7, "wörld 🚀")), text("hello wörld 🚀"));
    let ids = BTreeMap::from([("a", 2_i64), ("b", 9)]);
    let ask = Ask::new(2, "orders", "Ljava/util/List;Ljava/util/Map;", |out| {
        out.put(&[order(1), order(2)]).unwrap();
        out.put(&ids).unwrap();
    });
    let Answered::Value(found) = consumer.ask(&ask) else { panic!("no value") };
    let bytes = highway_sdk::hessian2::to_vec(&found).unwrap();
    assert_eq!(highway_sdk::hessian2::from_slice::<Vec<Order>>(&bytes).unwrap(), [order(2)]);
    assert_eq!(consumer.ask(&Ask::new(3, "nothing", "", |_| ())), Answered::Value(Value::Null));
    assert_eq!(consumer.ask(&Ask::new(4, "silent", TEXT, |out| out.put("x").unwrap())), Answered::Value(Value::Null));
}

#[test]
fn an_error_is_an_exception_of_javas() {
    let provider = shop();
    let mut consumer = Talker::of(&provider);
    let mut thrown = |ask: Ask| match consumer.ask(&ask) {
        Answered::Exception(exception) => exception,
        other => panic!("{other:?}"),
    };
    let message = |exception: &Value| exception.get("detailMessage").and_then(Value::as_str).map(str::to_owned);
    let declared = thrown(Ask::new(1, "sold", TEXT, |out| out.put("pears").unwrap()));
    assert_eq!(declared.class(), Some("com.acme.OutOfStockException"));
    assert_eq!((message(&declared).unwrap(), declared.get("code")), ("no pears".to_owned(), Some(&Value::Int(42))));
    let jdks = thrown(Ask::new(2, "sold", TEXT, |out| out.put(&None::<String>).unwrap()));
    assert_eq!(jdks.class(), Some("java.lang.IllegalArgumentException"));
    let any = thrown(Ask::new(3, "parse", TEXT, |out| out.put("x").unwrap()));
    assert_eq!(any.class(), Some("java.lang.RuntimeException"));
    assert_eq!(message(&any).unwrap(), "invalid digit found in string");
}

#[test]
fn an_overload_is_chosen_by_its_types() {
    let provider = shop();
    let mut consumer = Talker::of(&provider);
    let numbers = Ask::new(1, "add", "IJ", |out| {
        out.put(&1).unwrap();
        out.put(&(1_i64 << 40)).unwrap();
    });
    assert_eq!(consumer.ask(&numbers), Answered::Value(Value::Long((1 << 40) + 1)));
    let texts = Ask::new(2, "add", &TEXT.repeat(2), |out| {
        out.put("a").unwrap();
        out.put("b").unwrap();
    });
    assert_eq!(consumer.ask(&texts), text("ab"));
    let others = Ask::new(3, "add", "I", |out| out.put(&1).unwrap());
    let wanted = "the method add of com.acme.Greeter has no overload with the parameters `I`; what is: `IJ`, `Ljava/lang/String;Ljava/lang/String;`";
    assert_eq!(consumer.ask(&others), status(Status::BAD_REQUEST, wanted));
}

#[test]
fn a_handler_sees_the_attachments_and_answers_with_its_own() {
    let provider = shop();
    let mut consumer = Talker::of(&provider);
    let ask = Ask::new(1, "seen", "", |_| ())
        .with("path", GREETER)
        .with("remote.application", "orders")
        .with("timeout", "3000")
        .with("highway.source.island", "shanghai")
        .with("mine", "1")
        .with("mine", "🚀");
    consumer.send(&ask.frame());
    let (_, answered, attachments) = consumer.answer();
    assert_eq!(attachments, [("back".to_owned(), "🚀".to_owned())]);
    let Answered::Value(Value::List { items, .. }) = answered else { panic!("{answered:?}") };
    assert_eq!(items[0].get("mine").and_then(Value::as_str), Some("🚀"));
    let Value::List { items: more, .. } = &items[1] else { panic!("{items:?}") };
    let texts = ["shanghai", "orders"].map(|text| Value::Text(text.to_owned()));
    assert_eq!((&more[..2], &more[2]), (&texts[..], &Value::Long(3000)));
    assert_eq!(items[2..], [Value::Bool(false), Value::Bool(false)]);
    // Dubbox reads no attachments in an answer.
    consumer.send(&ask.dubbo_version("2.8.4").frame());
    assert_eq!(consumer.answer().2, []);
}

#[test]
fn a_generic_call_gets_maps_for_objects_and_the_name_of_an_exception() {
    let provider = shop();
    let mut consumer = Talker::of(&provider);
    let map = |id: i64| Value::Map {
        name: None,
        entries: vec![
            (Value::Text("class".into()), Value::Text("com.acme.Order".into())),
            (Value::Text("orderId".into()), Value::Long(id)),
        ],
    };
    let list = |items| Value::List { name: None, items };
    let ids = Value::Map { name: None, entries: vec![(Value::Text("a".into()), Value::Long(5))] };
    let ask = Ask::generic(1, "orders", Some(&["java.util.List", "java.util.Map"]), &[list(vec![map(4), map(5)]), ids]);
    let Answered::Value(Value::List { items, .. }) = consumer.ask(&ask) else { panic!("no list") };
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].get("class").and_then(Value::as_str), Some("com.acme.Order"));
    assert_eq!(items[0].get("orderId"), Some(&Value::Long(5)));

    let numbers = [Value::Int(5), Value::Long(6)];
    assert_eq!(
        consumer.ask(&Ask::generic(2, "add", Some(&["int", "long"]), &numbers)),
        Answered::Value(Value::Long(11))
    );
    let untyped = Ask::generic(3, "add", None, &numbers).with("generic", "true");
    assert_eq!(consumer.ask(&untyped), Answered::Value(Value::Long(11)));
    assert_eq!(consumer.ask(&Ask::generic(4, "nothing", Some(&[]), &[])), Answered::Value(Value::Null));
    let Answered::Exception(thrown) =
        consumer.ask(&Ask::generic(5, "sold", Some(&["java.lang.String"]), &[Value::Text("pears".into())]))
    else {
        panic!("no exception")
    };
    assert_eq!(thrown.class(), Some("com.alibaba.dubbo.rpc.service.GenericException"));
    let said = ["exceptionClass", "exceptionMessage"].map(|field| thrown.get(field).and_then(Value::as_str));
    assert_eq!(said, [Some("com.acme.OutOfStockException"), Some("no pears")]);
    let raw = [list(vec![map(5)]), Value::Map { name: None, entries: vec![(Value::Text("a".into()), Value::Long(5))] }];
    let raw = Ask::generic(6, "orders", None, &raw).with("generic", "raw.return");
    let Answered::Value(Value::List { items, .. }) = consumer.ask(&raw) else { panic!("no list") };
    assert_eq!(items[0].class(), Some("com.acme.Order"));
    let bean = Ask::generic(6, "greet", Some(&["java.lang.String"]), &[]).with("generic", "bean");
    let wanted = "this provider takes generic calls of kind true and raw.return, found bean";
    assert_eq!(consumer.ask(&bean), status(Status::SERVICE_ERROR, wanted));
}

#[test]
fn an_echo_is_the_argument_in_either_serialization() {
    use wire::dubbo::request::{Arg, Request};
    let provider = shop();
    let mut consumer = Talker::of(&provider);
    let ask = Ask::new(1, "$echo", "Ljava/lang/Object;", |out| out.put(&order(3)).unwrap());
    let Answered::Value(found) = consumer.ask(&ask) else { panic!("no value") };
    assert_eq!(found.class(), Some("com.acme.Order"));
    let null = Ask::new(2, "$echo", "Ljava/lang/Object;", |out| out.put(&()).unwrap());
    assert_eq!(consumer.ask(&null), Answered::Value(Value::Null));
    let mut asked = Vec::new();
    let request = Request {
        codec: Codec::Fastjson2,
        service: GREETER,
        version: None,
        group: None,
        method: "$echo",
        types: "Ljava/lang/Object;",
        args: &[Arg::Text("anybody?")],
        attachments: &[],
    };
    request.append(&mut asked, 3);
    consumer.send(&asked);
    let (header, body) = consumer.frame();
    assert_eq!((header.id, header.serialization(), header.status()), (3, Codec::Fastjson2.serialization(), Status::OK));
    let found = wire::dubbo::answer::peek(&header, &body).unwrap().unwrap();
    assert_eq!(&body[found.value], b"\x51anybody?");
}

#[test]
fn a_consumer_in_rust_is_served_as_any_other() {
    served_in(Codec::Hessian2);
    served_in(Codec::Fastjson2);
}

fn served_in(codec: Codec) {
    let provider = shop();
    let options = CallOptions::new().serialization(codec);
    let highway = Highway::builder().application("orders").options(options).build().unwrap();
    let shop = highway.service(GREETER).address(&provider.address().to_string()).build().unwrap();
    runtime().block_on(async {
        let ids = BTreeMap::from([("a".to_owned(), 2_i64)]);
        let found: Vec<Order> = shop.call("orders", (vec![order(1), order(2)], ids)).await.unwrap();
        assert_eq!(found, [order(2)]);
        let thrown = shop.call::<_, ()>("sold", ("pears",)).await.unwrap_err();
        assert_eq!(thrown.outcome(), Outcome::Executed);
        let exception = thrown.exception().unwrap();
        assert_eq!(
            (&*exception.class, exception.message.as_deref()),
            ("com.acme.OutOfStockException", Some("no pears"))
        );
        let seen = shop.call::<_, (BTreeMap<String, String>, Value, bool, bool)>("seen", ()).attachment("mine", "1");
        let reply = seen.reply().await.unwrap();
        assert_eq!(reply.attachments.get("back").map(String::as_str), Some("🚀"));
        assert_eq!(reply.value.0.get("mine").map(String::as_str), Some("1"));
        let came: String = shop.call("came", (7, "bo")).await.unwrap();
        assert_eq!(came, format!("{codec:?} 7 bo"));
        let none: Option<Order> = shop.call("nothing", ()).await.unwrap();
        assert_eq!(none, None);
        // Java leaves a zero out of fastjson2, and out of nothing else.
        let numberless = Numberless { note: "n".to_owned() };
        let kept = shop.call::<_, Order>("kept", (7, &numberless)).await;
        match codec {
            Codec::Hessian2 => assert!(kept.unwrap_err().to_string().contains("orderId")),
            Codec::Fastjson2 => assert_eq!(kept.unwrap(), Order { order_id: 0, note: Some("n".to_owned()) }),
        }
        let order = Value::Map { name: None, entries: vec![(Value::Text("orderId".into()), Value::Long(7))] };
        let kept: Value = shop.generic("kept", ["int", "com.acme.Order"], [Value::Int(1), order]).await.unwrap();
        assert_eq!(kept.get("class").and_then(Value::as_str), Some("com.acme.Order"), "{kept:?}");
        assert_eq!(kept.get("orderId").and_then(Value::as_i64), Some(7), "{kept:?}");
        shop.call::<_, ()>("silent", ("nobody waits",)).one_way().await.unwrap();
    });
}

#[test]
fn group_and_version_choose_the_service() {
    let says = |what: &'static str| move |_: Invocation| async move { Ok(what) };
    let services = [
        Service::new(GREETER).method("who", says("plain")),
        Service::new(GREETER).version("1.0.0").method("who", says("versioned")),
        Service::new(GREETER).version("1.0.0").group("g1").method("who", says("grouped")),
    ];
    let builder = services.into_iter().fold(Provider::builder(), |builder, service| builder.serve(service));
    let provider = start(builder);
    let mut consumer = Talker::of(&provider);
    let who = |id| Ask::new(id, "who", "", |_| ());
    assert_eq!(consumer.ask(&who(1)), text("plain"));
    assert_eq!(consumer.ask(&who(2).with("version", "1.0.0")), text("versioned"));
    assert_eq!(consumer.ask(&who(3).with("version", "1.0.0").with("group", "g1")), text("grouped"));
    // What the attachments say counts, not what stands in front.
    assert_eq!(consumer.ask(&who(4).service("com.acme.Other").with("path", GREETER)), text("plain"));
    let wanted = "the service g2/com.acme.Greeter is not served here; what is: com.acme.Greeter, com.acme.Greeter:1.0.0, g1/com.acme.Greeter:1.0.0";
    assert_eq!(consumer.ask(&who(5).with("group", "g2")), status(Status::SERVICE_ERROR, wanted));
    let offers: Vec<_> =
        provider.offers().iter().map(|offer| (offer.group.as_deref(), offer.version.as_deref())).collect();
    assert_eq!(offers, [(None, None), (None, Some("1.0.0")), (Some("g1"), Some("1.0.0"))]);
    assert_eq!(provider.offers()[0].methods, ["who"]);
}
