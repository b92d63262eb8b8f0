//! The first call of a process, which has still to read its registry.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use highway_sdk::Highway;
use lab::peer::GREETING;

use crate::stage::stage;

/// Longer than the second that a call has of which nobody says a time.
const LATE: Duration = Duration::from_millis(1_500);

/// So many newcomers try: a busy machine may take what is left of the five seconds to open a session, but not each time.
const TIMES: usize = 5;

/// A registry that answers nobody in the beginning.
fn late(registry: SocketAddrV4) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answers = Instant::now() + LATE;
    let pass = |mut from: TcpStream, mut to: TcpStream| thread::spawn(move || io::copy(&mut from, &mut to));
    thread::spawn(move || {
        for there in listener.incoming().map_while(Result::ok) {
            thread::sleep(answers.saturating_duration_since(Instant::now()));
            let here = TcpStream::connect(registry).unwrap();
            pass(there.try_clone().unwrap(), here.try_clone().unwrap());
            pass(here, there);
        }
    });
    address
}

/// A client that says no timeout is a newcomer's first one. Its second was over before the registry had answered.
#[test]
fn the_first_call_has_its_time_once_the_registry_is_read() {
    let stage = stage();
    let registry = stage.line.island("shanghai").zookeeper.address();
    let call = || {
        let highway = Highway::new("rust-first", &late(registry)).unwrap();
        let greeter = highway.service(GREETING).version("first").build().unwrap();
        let began = Instant::now();
        let error = greeter.call::<_, String>("sayHello", ("bo",)).wait().unwrap_err();
        (error.to_string(), began.elapsed())
    };
    let mut told = Vec::new();
    for _ in 0..TIMES {
        let (error, took) = stage.place().inside(call).unwrap();
        assert!(took >= LATE, "{took:?}: {error}");
        // Nobody offers this version: it is the registry that says so.
        if error.contains("nobody offers `com.example.GreetingService:first`") {
            return;
        }
        told.push(error);
    }
    panic!("the registry was read for none of them: {told:#?}");
}
