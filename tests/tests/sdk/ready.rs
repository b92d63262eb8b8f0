//! Before the first call, and how long a call may take of which only its provider says it: by its method's name, however it is made.

use std::time::{Duration, Instant};

use highway_sdk::{CallErrorKind, CallOptions, Highway, Value};
use lab::Lab;
use lab::install::Release;
use lab::peer::{Application, DUBBO_PORT, INTEROP, Service};

use crate::providers::{PATIENT, wait};

/// Longer than a call takes of which nobody says it, and shorter than `slow` may.
const SLOW: i32 = 1500;

#[test]
fn a_service_is_ready_once_a_provider_is_and_a_generic_call_has_the_time_of_its_method() {
    let lab = Lab::new(&["a"]).unwrap();
    let zookeeper = lab.zookeeper("a").unwrap();
    let place = lab.net.island("a");
    let highway = place.inside(|| Highway::new("shop", &zookeeper.url()).unwrap()).unwrap();
    let interop = highway.service(INTEROP).build().unwrap();
    let began = Instant::now();
    let error = wait(interop.ready(Duration::from_secs(4))).unwrap_err();
    assert!(matches!(&error, CallErrorKind::NoProvider(why) if why.contains(INTEROP)), "{error:?}");
    assert!((Duration::from_secs(4)..PATIENT).contains(&began.elapsed()), "{:?}", began.elapsed());

    let _provider = std::thread::scope(|threads| {
        let ready = threads.spawn(|| wait(interop.ready(PATIENT * 2)));
        let port = place.listen(DUBBO_PORT).unwrap().port();
        let interop = Service::new(INTEROP, "the lab").parameter("slow.timeout", "8000");
        let application = Application::new("provider", Release::V3_3_6).registry(zookeeper.url()).port(port);
        let provider = application.service(interop).start(place, &lab.tools, lab.folder()).unwrap();
        ready.join().unwrap().unwrap();
        provider
    });
    wait(interop.ready(Duration::ZERO)).unwrap();
    let types = ["java.lang.String", "int"];
    let slow = || [Value::Text("there".to_owned()), Value::Int(SLOW)];
    let answer: String = wait(interop.generic("slow", types, slow()).into_future()).unwrap();
    assert!(answer.contains("there"), "{answer}");

    // The same where the caller says it of the method.
    let short = CallOptions::new().timeout(Duration::from_millis(300));
    let short = highway.service(INTEROP).method("slow", short).build().unwrap();
    let error = wait(short.generic::<String>("slow", types, slow()).into_future()).unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::DeadlinePassed(time) if *time < PATIENT), "{error}");
    assert!(error.to_string().contains("300ms"), "{error}");

    wait(highway.close());
    assert!(matches!(wait(interop.ready(PATIENT)), Err(CallErrorKind::Ended)));
}
