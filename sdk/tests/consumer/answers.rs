//! Answers that cannot be read, or are no answers: what was found and what was wanted is said, the connection goes on.

use highway_sdk::hessian2::to_vec;
use highway_sdk::{CallErrorKind, Highway, Outcome, Value};
use serde::{Deserialize, Deserializer};
use wire::dubbo::frame::{Serialization, Status};

use crate::script::{SHORT, Scripted, answer, answer_in, highway, value, wait};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename = "com.acme.Order")]
struct Order {
    id: i64,
}

fn object(class: &str, fields: &[(&str, Value)]) -> Value {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Value::Object { class: class.to_owned(), fields }
}

/// The method says what its answer is.
fn odd() -> Scripted {
    Scripted::answering(|asked| {
        let ok = |body: &[u8]| answer(asked.id, Status::OK, body);
        let deep = [&[0x91][..], &vec![0x79; 100_000], b"N"].concat();
        match &*asked.method {
            "otherClass" => value(asked.id, &object("com.acme.Stranger", &[("id", Value::Long(7))])),
            "otherField" => value(asked.id, &object("com.acme.Order", &[("number", Value::Long(7))])),
            "nullField" => value(asked.id, &object("com.acme.Order", &[("id", Value::Null)])),
            "text" => value(asked.id, "seven"),
            "null" => ok(&[0x92]),
            "cut" => ok(&[0x91, 0x05, b'a']),
            "empty" => ok(&[]),
            "noType" => ok(&to_vec("what").unwrap()),
            "type9" => ok(&[0x99]),
            "deep" => ok(&deep),
            "longList" => ok(&[0x91, 0x58, b'I', 0x7f, 0xff, 0xff, 0xff]),
            "json" => answer_in(Serialization::new(6), asked.id, Status::OK, b"{\"id\":7}"),
            "fastjson2" => answer_in(Serialization::FASTJSON2, asked.id, Status::OK, &[0x91]),
            "serialization30" => answer_in(Serialization::new(30), asked.id, Status::OK, &[0x91]),
            "thrown" => ok(&[&[0x90][..], &to_vec("no exception").unwrap()].concat()),
            "thrownCut" => ok(&[0x90, b'C', 0x05]),
            "order" => value(asked.id, &object("com.acme.Order", &[("id", Value::Long(7))])),
            other => panic!("no such method: {other}"),
        }
    })
}

/// How a call of this method ends, and what it says.
fn ends(provider: &Scripted, highway: &Highway, method: &str) -> (Outcome, String) {
    let error = wait(provider.service(highway).call::<_, Order>(method, ()).into_future()).unwrap_err();
    (error.outcome(), error.to_string())
}

#[test]
fn an_answer_that_cannot_be_read_says_what_was_found_and_wanted_and_the_connection_goes_on() {
    let (provider, highway) = (odd(), highway());
    // Held by it, the connection stays.
    let greeter = provider.service(&highway);
    for (method, said) in [
        ("otherClass", "found an object of class com.acme.Stranger, wanted com.acme.Order"),
        ("otherField", "found no field `id`"),
        ("nullField", "found null"),
        ("text", "found text"),
        ("null", "found null"),
        ("cut", "the reply body cannot be read"),
        ("empty", "the reply body cannot be read"),
        ("noType", "the reply body cannot be read"),
        ("type9", "begins with type 9, wanted 0 to 5"),
        ("deep", "the reply body cannot be read"),
        ("longList", "the reply body cannot be read"),
        ("json", "found serialization 6 (fastjson), wanted hessian2 or fastjson2"),
        ("fastjson2", "the reply body cannot be read"),
        ("serialization30", "found serialization 30 (unknown), wanted hessian2 or fastjson2"),
        ("thrownCut", "the reply body cannot be read"),
    ] {
        let (outcome, text) = ends(&provider, &highway, method);
        assert_eq!(outcome, Outcome::Executed, "{method}: {text}");
        assert!(text.contains(&format!("com.acme.Greeter#{method}")) && text.contains(said), "{method}: {text}");
        assert_eq!(wait(greeter.call::<_, Order>("order", ()).into_future()).unwrap(), Order { id: 7 });
    }
    assert_eq!(provider.accepted(), 1, "a connection ended");
}

#[test]
fn an_exception_that_is_none_is_one_without_a_class() {
    let (provider, highway) = (odd(), highway());
    let error = wait(provider.service(&highway).call::<_, Order>("thrown", ()).into_future()).unwrap_err();
    assert_eq!((error.outcome(), error.exception().unwrap().class.as_str()), (Outcome::Executed, ""));
}

#[test]
fn each_status_says_how_far_the_call_got_also_one_that_nobody_knows() {
    let provider = Scripted::answering(|asked| {
        answer(asked.id, Status(asked.method.parse().unwrap()), &to_vec("in words").unwrap())
    });
    let highway = highway();
    for (status, outcome) in [
        (Status::SERIALIZATION_ERROR, Outcome::Executed),
        (Status::CLIENT_TIMEOUT, Outcome::Unknown),
        (Status::SERVER_TIMEOUT, Outcome::Unknown),
        (Status::CHANNEL_INACTIVE, Outcome::Unknown),
        (Status::BAD_REQUEST, Outcome::NotSent),
        (Status::BAD_RESPONSE, Outcome::Executed),
        (Status::SERVICE_NOT_FOUND, Outcome::NotSent),
        (Status::SERVICE_ERROR, Outcome::Unknown),
        (Status::SERVER_ERROR, Outcome::NotSent),
        (Status::CLIENT_ERROR, Outcome::Unknown),
        (Status::OVERLOADED, Outcome::NotSent),
        (Status(0), Outcome::Unknown),
        (Status(33), Outcome::Unknown),
        (Status(255), Outcome::Unknown),
    ] {
        let call = provider.service(&highway).call::<_, String>(status.0.to_string(), ());
        let error = wait(call.into_future()).unwrap_err();
        assert_eq!(error.outcome(), outcome, "{status:?}: {error}");
        match error.kind() {
            CallErrorKind::Status { status: found, text } => assert_eq!((*found, &**text), (status.0, "in words")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_longer_than_allowed_is_skipped_and_one_beyond_reason_ends_its_connection() {
    let provider = Scripted::answering(|asked| match &*asked.method {
        "long" => value(asked.id, &"x".repeat(100_000)),
        "endless" => {
            let mut frame = answer(asked.id, Status::OK, &[0x91]);
            frame[12..16].copy_from_slice(&i32::MAX.to_be_bytes());
            frame
        }
        _ => value(asked.id, "short"),
    });
    let highway = Highway::builder().application("test").payload(1000).build().unwrap();
    let greeter = provider.service(&highway);
    let call =
        |method: &str| wait(greeter.call::<_, String>(method, ()).timeout(crate::script::PATIENCE).into_future());
    for (method, found) in [("long", 100_029), ("endless", i32::MAX as usize + 16)] {
        let error = call(method).unwrap_err();
        assert_eq!(error.outcome(), Outcome::Executed, "{error}");
        let CallErrorKind::TooLong { found_len, limit_len } = error.kind() else { panic!("{error}") };
        assert_eq!((*found_len, *limit_len), (found, 1016));
        assert_eq!(call("short").unwrap(), "short");
    }
    assert_eq!(provider.accepted(), 2);
}

#[test]
fn an_answer_with_another_id_or_one_that_comes_twice_is_nobodys() {
    let provider = Scripted::answering(|asked| match &*asked.method {
        "wrongId" => {
            [value(asked.id + 1, "one"), value(-1, "two"), value(i64::MIN, "three"), value(0, "four")].concat()
        }
        "twice" => [value(asked.id, "same"), value(asked.id, "same"), value(asked.id, "another")].concat(),
        _ => value(asked.id, "mine"),
    });
    let highway = highway();
    let greeter = provider.service(&highway);
    let call = |method: &str| greeter.call::<_, String>(method, ());
    wait(async {
        let error = call("wrongId").timeout(SHORT).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert!(matches!(error.kind(), CallErrorKind::DeadlinePassed(SHORT)), "{error}");
        assert_eq!(call("twice").await.unwrap(), "same");
        assert_eq!(call("mine").await.unwrap(), "mine");
    });
    assert_eq!(provider.accepted(), 1);
}

#[test]
fn what_a_callers_own_type_panics_on_ends_that_caller_alone() {
    #[derive(Debug)]
    struct Explosive;

    impl<'de> Deserialize<'de> for Explosive {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("on purpose")
        }
    }

    let (provider, highway) = (Scripted::saying("hello"), highway());
    let greeter = provider.service(&highway);
    wait(async {
        let ended = tokio::spawn(greeter.call::<_, Explosive>("greet", ()).into_future()).await;
        assert!(ended.unwrap_err().is_panic());
        assert_eq!(greeter.call::<_, String>("greet", ()).await.unwrap(), "hello");
    });
    assert_eq!(provider.accepted(), 1);
}
