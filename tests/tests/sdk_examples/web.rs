//! The web server: who sends the request says which island answers.

use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};

use lab::process::until;

use crate::stage::{PATIENT, stage};

/// The answer to a request with these headers: head and body as they come.
fn get(address: SocketAddrV4, headers: &str) -> String {
    let ask = || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /hello/bo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    stage().place().inside(ask).unwrap()
}

#[test]
fn the_web_server() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let stage = stage();
    let address = stage.place().listen(8080).unwrap();
    let server = stage.start("web", &[&address.to_string()], None);
    stage.printed(&server, "/hello/bo");
    let listens = || stage.place().inside(|| TcpStream::connect(address).ok().map(drop)).unwrap();
    until("the server listens", PATIENT, listens).unwrap();

    let is = |answer: String, status: &str, text: &str| {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(text), "{answer}");
    };
    is(get(address, ""), "200", "\r\n\r\nHello bo, this is shanghai");
    let there = format!("highway-target: beijing\r\ntraceparent: {TRACE}\r\n");
    is(get(address, &there), "200", "\r\n\r\nHello bo, this is beijing");
    is(get(address, "highway-target: atlantis\r\n"), "503", "atlantis");
    is(get(address, "highway-target: No Island\r\n"), "400", "No Island");
    // The layer has sent the trace of the request along, and the hub wrote it down.
    let audited = || stage.line.audit().ok()?.into_iter().find(|call| call["traceparent"] == TRACE);
    let call = until("the hub's line on this call", PATIENT, audited).unwrap();
    assert_eq!((&call["application"], &call["method"]), (&"rust-web".into(), &"sayHello".into()), "{call}");
}
