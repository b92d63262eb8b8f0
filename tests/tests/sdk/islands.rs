//! Where calls of the SDK go: to a provider of its own island, or through a gateway to the island that is named.

use std::time::Duration;

use highway_sdk::{CallErrorKind, CallOptions, Codec, Highway, Outcome, Target, enter_target, with_target};
use lab::install::Release;
use lab::line::{Line, Plan};
use lab::peer::{Application, DUBBO_PORT, GREETING, Service};
use lab::process::until;

use crate::providers::{ONLY_FASTJSON2, PATIENT, wait};

#[test]
fn a_call_goes_to_the_island_that_is_named_and_nowhere_else() {
    let line = Line::start(Plan::of(&["home", "shanghai", "beijing"])).unwrap();
    let provider = |island: &str| {
        let application = Application::new(&format!("provider-{island}"), Release::V3_3_6)
            .port(line.island(island).place().listen(DUBBO_PORT).unwrap().port())
            .service(Service::new(GREETING, island));
        // Its calls are in fastjson2, which a gateway's node says.
        let flags = if island == "beijing" { &ONLY_FASTJSON2[..] } else { &[] };
        line.application(island, flags.iter().copied().fold(application, Application::flag)).unwrap()
    };
    let _providers = (provider("shanghai"), provider("beijing"));
    line.island("home").finds(GREETING).unwrap();
    let registry = line.island("home").registry_url();
    line.island("home")
        .place()
        .inside(|| {
            let highway = Highway::builder()
                .application("rust-consumer")
                .registry(&registry)
                .options(CallOptions::new().timeout(PATIENT))
                .build()
                .unwrap();
            let greeter = highway.service(GREETING).build().unwrap();
            let hello = || greeter.call::<_, String>("sayHello", ("bo",));
            let came = |answer: String, island: &str| assert!(answer.contains(island), "{answer} is not of {island}");
            {
                let _there = enter_target(Target::new("shanghai").unwrap());
                came(hello().wait().unwrap(), "shanghai");
                {
                    let _inner = enter_target(Target::new("beijing").unwrap());
                    came(hello().wait().unwrap(), "beijing");
                    came(hello().target("shanghai").wait().unwrap(), "shanghai");
                }
                came(hello().wait().unwrap(), "shanghai");
            }
            wait(async {
                came(hello().target("shanghai").await.unwrap(), "shanghai");
                let reply = hello().target("beijing").reply().await.unwrap();
                assert_eq!(reply.codec, Codec::Fastjson2);
                came(reply.value, "beijing");
                came(with_target(Target::new("beijing").unwrap(), async { hello().await }).await.unwrap(), "beijing");
                {
                    let _here = enter_target(Target::new("shanghai").unwrap());
                    came(hello().await.unwrap(), "shanghai");
                }

                let error = hello().await.unwrap_err();
                assert!(error.to_string().contains("is offered by"), "{error}");
                let error = hello().target("atlantis").await.unwrap_err();
                assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
                assert!(error.to_string().contains("atlantis"), "{error}");
                let error = hello().target("No Island").await.unwrap_err();
                assert!(matches!(error.kind(), CallErrorKind::Target(_)), "{error}");
                let error = hello().target("local").timeout(Duration::from_secs(5)).await.unwrap_err();
                assert!(matches!(error.kind(), CallErrorKind::NoProvider(_)), "{error}");
            });
        })
        .unwrap();
}

/// No gateway stood in a registry whose island has all by itself, and a call to another island wanted an address of one.
#[test]
fn a_service_that_the_own_island_has_too_goes_where_its_caller_says_and_nobody_says_where_a_gateway_is() {
    let line = Line::start(Plan::of(&["home", "shanghai"])).unwrap();
    let provider = |island: &str| {
        let application = Application::new(&format!("provider-{island}"), Release::V3_3_6)
            .port(line.island(island).place().listen(DUBBO_PORT).unwrap().port())
            .service(Service::new(GREETING, island));
        line.application(island, application).unwrap()
    };
    let _providers = (provider("home"), provider("shanghai"));
    let home = line.island("home");
    let registry = home.registry_url();
    let highway = home.place().inside(|| {
        let options = CallOptions::new().timeout(PATIENT);
        Highway::builder().application("rust-consumer").registry(&registry).options(options).build().unwrap()
    });
    let greeter = highway.unwrap().service(GREETING).build().unwrap();
    let hello = || greeter.call::<_, String>("sayHello", ("bo",));
    let mut last = String::new();
    let there = until("a gateway that stands for no service is found", PATIENT, || {
        last = wait(hello().target("shanghai").into_future()).unwrap_or_else(|error| error.to_string());
        last.contains("this is shanghai").then_some(())
    });
    there.unwrap_or_else(|error| panic!("{error}; last: {last}"));
    assert_eq!(home.virtual_nodes(GREETING), Vec::<String>::new(), "consumers see who is here and nobody else");
    for _ in 0..20 {
        for (call, island) in
            [(hello(), "home"), (hello().target("local"), "home"), (hello().target("shanghai"), "shanghai")]
        {
            let told = wait(call.into_future()).unwrap();
            assert!(told.contains(&format!("this is {island}")), "{told} is not of {island}");
        }
    }
}

#[test]
fn a_target_that_is_unknown_has_withdrawn_or_grants_nothing_is_not_sent() {
    let line = Line::start(Plan::of(&["home", "shanghai", "beijing"])).unwrap();
    let provider = |island: &str, service: Service| {
        let application = Application::new(&format!("provider-{island}"), Release::V3_3_6)
            .port(line.island(island).place().listen(DUBBO_PORT).unwrap().port())
            .service(service);
        line.application(island, application).unwrap()
    };
    let _shanghai = provider("shanghai", Service::new(GREETING, "shanghai"));
    let beijing = provider("beijing", Service::new(GREETING, "beijing"));
    let home = line.island("home");
    home.finds(GREETING).unwrap();
    let registry = home.registry_url();
    let highway = home.place().inside(|| {
        let options = CallOptions::new().timeout(PATIENT);
        Highway::builder().application("rust-consumer").registry(&registry).options(options).build().unwrap()
    });
    let highway = highway.unwrap();
    let greeter = highway.service(GREETING).build().unwrap();
    let told = |target: &str| match wait(greeter.call::<_, String>("sayHello", ("bo",)).target(target).into_future()) {
        Ok(answer) => answer,
        Err(error) => {
            assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
            assert!(matches!(error.kind(), CallErrorKind::Gateway(_)), "{error:?}");
            error.to_string()
        }
    };
    let becomes = |target: &str, part: &str| {
        let mut last = String::new();
        let told = until(&format!("{part} of {target}"), PATIENT, || {
            last = told(target);
            last.contains(part).then(|| last.clone())
        });
        told.unwrap_or_else(|error| panic!("{error}; last: {last}"))
    };
    for island in ["shanghai", "beijing"] {
        becomes(island, &format!("this is {island}"));
    }
    assert!(
        told("atlantis").contains("is not known here; known islands: `beijing`, `shanghai`"),
        "{}",
        told("atlantis")
    );
    beijing.stop().unwrap();
    let withdrawn = becomes("beijing", "was not sent");
    assert!(withdrawn.contains("island `beijing`") && withdrawn.contains("shanghai"), "{withdrawn}");
    line.write_grants(&[]).unwrap();
    let not_granted = becomes("shanghai", "was not sent");
    // The hub refuses it; a moment later it no longer shows the island, and the gateway does.
    let why = ["grant", "that the hub lets this island see it"];
    assert!(not_granted.contains("island `shanghai`"), "{not_granted}");
    assert!(why.iter().any(|why| not_granted.contains(why)), "{not_granted}");
}
