//! An egress that consumers reach over IPv6 alone: its virtual providers carry the address, and released Dubbo calls it.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::time::Duration;

use lab::install::Release;
use lab::line::{Line, Plan};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Refer, Service};
use serde_json::json;

#[test]
fn consumers_find_and_call_an_egress_at_an_ipv6_address() {
    let line = Line::start(Plan::new("a", "b")).unwrap();
    let line = line.watched();
    let egress = line.island("a").egress();
    let typed = fs::read_to_string(egress.configuration()).unwrap();
    let listen = format!("listen = [\"{}\"]", line.island("a").place().address());
    assert!(typed.contains(&listen), "{typed}");
    let typed = typed.replace(&listen, "listen = [\"::1\"]\nadvertise = \"::1\"\nallow = [\"::1\"]");
    fs::write(egress.configuration(), &typed).unwrap();
    egress.stop().unwrap();
    egress.start().unwrap();
    egress.ready(Duration::from_secs(30)).unwrap();

    let provider = Application::new("provider", Release::V3_3_6)
        .port(line.island("b").place().listen(DUBBO_PORT).unwrap().port())
        .service(Service::new(GREETING, "provider-in-b"));
    let _provider = line.application("b", provider).unwrap();
    line.island("a").finds(GREETING).unwrap();
    let nodes = line.island("a").virtual_nodes(GREETING);
    assert!(nodes.iter().all(|node| node.contains("dubbo%3A%2F%2F%5B%3A%3A1%5D%3A")), "{nodes:?}");

    // 2.6 cannot read any IPv6 node: it takes the first colon of an address for the one in front of the port.
    for release in Release::ALL.into_iter().filter(|release| *release != Release::V2_6_12) {
        let consumer =
            line.application("a", Application::new(&format!("consumer-{}", release.version()), release)).unwrap();
        let refer = Refer::new("greeting", GREETING).patient().retries(0);
        consumer.refer(&refer).unwrap_or_else(|error| panic!("{error:#}\n{}", consumer.process().log()));
        let hello = consumer.call(&Call::new("greeting", "sayHello", [json!("you")])).unwrap();
        assert!(hello.returned().as_str().unwrap().contains("you"), "{}", release.version());
    }
}
