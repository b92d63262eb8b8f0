//! What this process calls, as a registry shows it beside what Java's consumers show: while it is called, over sessions, and no longer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

use highway_sdk::Highway;
use lab::Lab;
use lab::install::Release;
use lab::net::Place;
use lab::peer::{Application, DUBBO_PORT, GREETING, INTEROP, Refer, Service};
use lab::process::until;
use lab::zookeeper::ZooKeeper;

use crate::providers::{PATIENT, wait};

/// For a node to come or go.
const SOON: Duration = Duration::from_secs(20);

/// The nodes under `consumers` of an interface, each decoded, and the session that it lives with.
fn consumers(zookeeper: &ZooKeeper, interface: &str) -> BTreeMap<String, i64> {
    let folder = format!("/dubbo/{interface}/consumers");
    let all = zookeeper.below("/dubbo").unwrap();
    let nodes = all.into_iter().filter_map(|(path, node)| {
        let name = path.strip_prefix(&folder)?.strip_prefix('/')?;
        Some((decoded(name), node.owner))
    });
    nodes.collect()
}

/// Those of an application.
fn of(application: &str, nodes: BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let says = format!("?application={application}&");
    nodes.into_iter().filter(|(url, _)| url.contains(&says)).collect()
}

fn decoded(name: &str) -> String {
    let mut parts = name.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        text.push_str(&part[2..]);
    }
    text
}

/// What a node says, without what is another for each process.
fn says(url: &str) -> BTreeMap<&str, &str> {
    let (_, parameters) = url.split_once('?').unwrap();
    parameters.split('&').filter_map(|pair| pair.split_once('=')).collect()
}

/// Waits until an application has so many nodes for an interface, and gives them.
fn shown(zookeeper: &ZooKeeper, application: &str, interface: &str, count: usize) -> BTreeMap<String, i64> {
    let there = || Some(of(application, consumers(zookeeper, interface))).filter(|nodes| nodes.len() == count);
    until(&format!("{count} of {application} for {interface}"), SOON, there)
        .unwrap_or_else(|error| panic!("{error}: {:?}", consumers(zookeeper, interface)))
}

/// Takes a session over and closes it, as its expiry does. The password of a session follows from its id:
/// `ZooKeeperServer.generatePasswd`, and `Random.nextBytes` of Java.
fn expire(place: &Place, address: SocketAddrV4, id: i64) {
    let framed = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat();
    let mask = (1_i64 << 48) - 1;
    let mut state = ((id ^ 0xB341_5C00) ^ 0x5_DEEC_E66D) & mask;
    let mut next = || {
        state = state.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & mask;
        (state >> 16) as i32
    };
    let password: Vec<u8> = (0..4).flat_map(|_| next().to_le_bytes()).collect();
    let head = [&0_i32.to_be_bytes()[..], &0_i64.to_be_bytes(), &30_000_i32.to_be_bytes(), &id.to_be_bytes()].concat();
    let connect = [&head[..], &16_i32.to_be_bytes(), &password, &[0]].concat();
    let close = [1_i32.to_be_bytes(), (-11_i32).to_be_bytes()].concat();
    let taken_over = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(&[framed(&connect), framed(&close)].concat()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    };
    place.inside(taken_over).unwrap();
}

#[test]
fn what_is_called_is_shown_as_javas_consumers_show_it_and_no_more_once_the_client_is_closed() {
    let lab = Lab::new(&["a"]).unwrap();
    let zookeeper = lab.zookeeper("a").unwrap();
    let place = lab.net.island("a");
    let start = |application: Application| {
        application.registry(zookeeper.url()).start(place, &lab.tools, lab.folder()).unwrap()
    };
    let port = place.listen(DUBBO_PORT).unwrap().port();
    let greeting = Service::new(GREETING, "the lab").group("eu").version("1.0.0");
    let _provider = start(Application::new("provider", Release::V3_3_6).port(port).service(greeting));
    let java = start(Application::new("java-shop", Release::V2_7_23));
    java.refer(&Refer::new("greeting", GREETING).group("eu").version("1.0.0").patient()).unwrap();
    let of_another = format!("/dubbo/{GREETING}/consumers/consumer%3A%2F%2F10.9.9.9%2F{GREETING}%3Fapplication%3Dshop");
    zookeeper.command_line(&[format!("create {of_another} x")]).unwrap();
    let others = consumers(&zookeeper, GREETING);
    assert_eq!(others.len(), 2, "{others:?}");

    let highway = place.inside(|| Highway::new("shop", &zookeeper.url()).unwrap()).unwrap();
    let greeter = highway.service(GREETING).group("eu").version("1.0.0").build().unwrap();
    let interop = highway.service(INTEROP).build().unwrap();
    let address = format!("{}:{port}", place.address());
    let _direct = highway.service(GREETING).group("us").address(&address).build().unwrap();
    let hello: String = wait(greeter.call("sayHello", ("bo",)).timeout(PATIENT).into_future()).unwrap();
    assert!(hello.contains("bo"), "{hello}");

    let own = shown(&zookeeper, "shop", GREETING, 1);
    let (url, session) = own.first_key_value().unwrap();
    assert_ne!(*session, 0, "it lives with the session");
    let of_java = of("java-shop", consumers(&zookeeper, GREETING));
    let (of_java, found) = (says(of_java.first_key_value().unwrap().0), says(url));
    for (key, wanted) in [("category", "consumers"), ("side", "consumer"), ("group", "eu"), ("version", "1.0.0")] {
        assert_eq!((found.get(key), of_java.get(key)), (Some(&wanted), Some(&wanted)), "{key} of {url}");
    }
    for key in ["interface", "check", "dubbo"] {
        assert_eq!(found.get(key), of_java.get(key), "{key} of {url}");
    }
    assert_eq!(found["pid"], std::process::id().to_string());
    assert!(found["timestamp"].parse::<u64>().is_ok() && found["release"].starts_with("highway-sdk-"), "{url}");
    let keys: BTreeSet<&str> = found.keys().copied().collect();
    let known = ["application", "category", "check", "dubbo", "group", "interface", "pid", "protocol", "release"];
    assert_eq!(keys, known.into_iter().chain(["side", "timestamp", "version"]).collect(), "and nothing of islands");
    assert!(url.starts_with(&format!("consumer://{}/{GREETING}?", place.address())), "{url}");

    // One that nobody provides is shown too, and goes with its last client.
    let _interop = shown(&zookeeper, "shop", INTEROP, 1);
    let second = highway.service(INTEROP).build().unwrap();
    drop(interop);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(of("shop", consumers(&zookeeper, INTEROP)).len(), 1, "another client is there");
    drop(second);
    shown(&zookeeper, "shop", INTEROP, 0);

    let again = || {
        // Ours may have dialled in between, and have the session back.
        expire(place, zookeeper.address(), *session);
        let nodes = of("shop", consumers(&zookeeper, GREETING));
        nodes.iter().any(|(node, owner)| node == url && !matches!(*owner, 0) && owner != session).then_some(())
    };
    until("the node is there again, of another session", SOON, again).unwrap();
    let hello: String = wait(greeter.call("sayHello", ("bo",)).timeout(PATIENT).into_future()).unwrap();
    assert!(hello.contains("bo"), "{hello}");

    wait(highway.clone().close());
    assert_eq!(consumers(&zookeeper, GREETING), others, "nothing of ours is left, and all of the others'");
    let ended = wait(greeter.call::<_, String>("sayHello", ("bo",)).into_future()).unwrap_err();
    assert!(matches!(ended.kind(), highway_sdk::CallErrorKind::Ended), "{ended}");
    wait(highway.close());
}

#[test]
fn who_hides_his_references_has_none_and_a_client_that_is_dropped_leaves_none() {
    let lab = Lab::new(&["a"]).unwrap();
    let zookeeper = lab.zookeeper("a").unwrap();
    let place = lab.net.island("a");
    let made = |hidden: bool| {
        let builder = Highway::builder().registry(&zookeeper.url());
        let builder = match hidden {
            true => builder.application("hidden").without_consumer_nodes(),
            false => builder.application("shown").host("shop1.internal"),
        };
        let highway = place.inside(|| builder.build().unwrap()).unwrap();
        let service = highway.service(GREETING).build().unwrap();
        (highway, service)
    };
    let hidden = made(true);
    let open = made(false);
    let nodes = shown(&zookeeper, "shown", GREETING, 1);
    assert!(nodes.keys().all(|url| url.starts_with("consumer://shop1.internal/")), "{nodes:?}");
    assert_eq!(of("hidden", consumers(&zookeeper, GREETING)), BTreeMap::new());
    // Long before a session could expire.
    drop(open);
    until("a client that is dropped leaves nothing", Duration::from_secs(8), || {
        of("shown", consumers(&zookeeper, GREETING)).is_empty().then_some(())
    })
    .unwrap();
    drop(hidden);
}
