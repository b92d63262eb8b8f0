//! Where calls of the SDK go: to a provider of its own island, or through a gateway to the island that is named.

use std::time::Duration;

use highway_sdk::{CallErrorKind, CallOptions, Highway, Outcome, Target, enter_target, with_target};
use highway_tests::install::Release;
use highway_tests::line::{Line, Plan};
use highway_tests::peer::{Application, DUBBO_PORT, GREETING, Service};

use crate::providers::{PATIENT, wait};

#[test]
fn a_call_goes_to_the_island_that_is_named_and_nowhere_else() {
    let line = Line::start(Plan::of(&["home", "shanghai", "beijing"])).unwrap();
    let provider = |island: &str| {
        let application = Application::new(&format!("provider-{island}"), Release::V3_3_6)
            .port(line.island(island).place().listen(DUBBO_PORT).unwrap().port())
            .service(Service::new(GREETING, island));
        line.application(island, application).unwrap()
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
                came(hello().target("beijing").await.unwrap(), "beijing");
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
