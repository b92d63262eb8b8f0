//! Calls to providers that say in the registry that they read fastjson2 and no hessian2. What such calls carry is in `carried.rs` and
//! `typed.rs`, which go to these providers too.

use std::collections::BTreeMap;

use highway_sdk::{CallErrorKind, Codec, Outcome, Reply, Value};
use lab::peer::GREETING;
use lab::process::until;

use crate::providers::{MIXED, PATIENT, WITH_FASTJSON2, WITHOUT, providers, wait};

#[test]
fn a_call_is_in_the_serialization_that_its_caller_says_or_the_registry() {
    let all = providers();
    all.inside(|highway| {
        for said in [Codec::Hessian2, Codec::Fastjson2] {
            let mut came = Vec::new();
            all.with_fastjson2(highway, said, |interop, release| {
                // The first before it is known what anybody reads.
                for _ in 0..2 {
                    let reply: Reply<String> = wait(interop.call("text", ("无",)).reply()).unwrap();
                    assert_eq!(reply.value, "无", "{}", release.version());
                    came.push(reply.codec);
                }
            });
            let (found, given) = (Codec::Fastjson2, said);
            assert_eq!(came, [found, found, given, given].repeat(WITH_FASTJSON2.len()));
        }
    });
}

#[test]
fn of_providers_that_read_different_serializations_each_gets_its_own() {
    providers().inside(|highway| {
        let greeter = highway.service(GREETING).group(MIXED).build().unwrap();
        let mut came = BTreeMap::new();
        let answered = || {
            let reply: Reply<String> = wait(greeter.call("sayHello", ("bo",)).reply()).unwrap();
            let known = *came.entry(reply.value.clone()).or_insert(reply.codec);
            assert_eq!(known, reply.codec, "{}", reply.value);
            (came.len() > WITH_FASTJSON2.len()).then_some(())
        };
        until("each of them has answered", PATIENT, answered).unwrap();
        for (hello, codec) in came {
            let is_old = hello.contains(WITHOUT.version());
            assert_eq!(codec, if is_old { Codec::Hessian2 } else { Codec::Fastjson2 }, "{hello}");
        }
    });
}

/// A UUID in the fields that it has in hessian2; fastjson2 has another form for one, and none for this.
fn only_in_hessian2() -> Value {
    let field = |name: &str, number| (name.to_owned(), Value::Long(number));
    let fields = vec![field("mostSigBits", 1), field("leastSigBits", 2)];
    Value::Object { class: "java.util.UUID".to_owned(), fields }
}

/// Whoever was chosen got it in hessian2, also who reads fastjson2 alone.
#[test]
fn what_can_be_written_in_one_serialization_alone_goes_to_those_who_read_it_and_to_nobody_else() {
    let all = providers();
    all.inside(|highway| {
        let greeter = highway.service(GREETING).group(MIXED).build().unwrap();
        let hello = || greeter.call::<_, String>("sayHello", (only_in_hessian2(),)).types(["java.lang.String"]);
        // It is no text, which the one provider says that reads hessian2.
        for _ in 0..20 {
            let error = wait(hello().into_future()).unwrap_err();
            assert!(matches!(error.kind(), CallErrorKind::Status { .. }), "{error}");
            assert!(error.to_string().contains("caucho.hessian"), "{error}");
        }
        let mut told = Vec::new();
        all.with_fastjson2(highway, Codec::Fastjson2, |interop, _| {
            // The first before it is known what anybody reads.
            for _ in 0..2 {
                let error = wait(interop.call::<_, String>("text", (only_in_hessian2(),)).into_future()).unwrap_err();
                assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
                assert!(error.to_string().contains("found a java.util.UUID without `value`"), "{error}");
                told.push(match error.kind() {
                    CallErrorKind::Serialization { wanted: Codec::Fastjson2, .. } => "as the registry says",
                    CallErrorKind::Argument(_) => "as its caller said",
                    _ => panic!("{error}"),
                });
            }
        });
        let each = ["as the registry says", "as the registry says", "as its caller said", "as its caller said"];
        assert_eq!(told, each.repeat(WITH_FASTJSON2.len()));
    });
}
