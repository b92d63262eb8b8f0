//! Calls to providers that say in the registry that they read fastjson2 and no hessian2. What such calls carry is in `carried.rs` and
//! `typed.rs`, which go to these providers too.

use std::collections::BTreeMap;

use highway_sdk::{Codec, Reply};
use highway_tests::peer::GREETING;
use highway_tests::process::until;

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
