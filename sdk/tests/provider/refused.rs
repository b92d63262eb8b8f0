//! What no handler sees: its answer, what becomes of its connection, and a neighbour on the same one.

use highway_sdk::provider::{Invocation, Provider, Service, StartError};
use wire::dubbo::frame::{self, Codec, Event, Header, Serialization, Status};

use crate::talker::*;

const LIMIT_LEN: usize = 100_000;

fn provider() -> Provider {
    let service = greeter().method("twice", |call: Invocation| async move {
        let (text,): (String,) = call.args()?;
        Ok(text.repeat(2))
    });
    start(Provider::builder().payload(LIMIT_LEN).serve(service))
}

fn request(id: i64, len: i32) -> Vec<u8> {
    let mut header = Header::request(Serialization::HESSIAN2, id, 0).encode().to_vec();
    header[12..].copy_from_slice(&len.to_be_bytes());
    header
}

fn one_way(mut frame: Vec<u8>) -> Vec<u8> {
    frame[2] &= !0x40;
    frame
}

#[test]
fn what_cannot_be_run_is_answered_with_dubbos_status_and_the_connection_stays() {
    let provider = provider();
    let mut consumer = Talker::of(&provider);
    let mut garbage = greet(1, "x").frame();
    garbage.truncate(16 + 3);
    garbage[12..16].copy_from_slice(&3_i32.to_be_bytes());
    let mut opaque = greet(1, "x").frame();
    opaque[2] = 0xc0 | 8;
    let number = Ask::new(1, "greet", TEXT, |out| out.put(&7).unwrap());
    let none = Ask::new(1, "greet", "", |_| ());
    for (frame, wanted_status, wanted) in [
        (
            garbage,
            Status::BAD_REQUEST,
            "the request body cannot be read: the bytes end at offset 3, wanted more text; send a body in the serialization that the flags name",
        ),
        (opaque, Status::BAD_REQUEST, "this provider reads hessian2 and fastjson2, found serialization 8 (kryo)"),
        (
            greet(1, "x").service("com.acme.Nobody").frame(),
            Status::SERVICE_ERROR,
            "the service com.acme.Nobody is not served here; what is: nothing of this interface",
        ),
        (
            Ask::new(1, "drop\u{1b}All", "", |_| ()).frame(),
            Status::BAD_REQUEST,
            "com.acme.Greeter has no method drop\\u{1b}All",
        ),
        (
            number.frame(),
            Status::BAD_REQUEST,
            "argument 1 of greet of com.acme.Greeter: the value is not as wanted: found a whole number, wanted a string",
        ),
        (
            none.frame(),
            Status::BAD_REQUEST,
            "the arguments of greet of com.acme.Greeter: the value is not as wanted: found 0 arguments, wanted 1",
        ),
        (Ask::new(1, "$echo", "", |_| ()).frame(), Status::BAD_REQUEST, "$echo takes one argument, found 0"),
        (
            greet(1, "x").with("sys_callback_arg-0", "1").frame(),
            Status::BAD_REQUEST,
            "this provider makes no calls back; call without callback arguments",
        ),
    ] {
        consumer.send(&frame);
        assert_eq!(consumer.answer().1, status(wanted_status, wanted));
        consumer.send(&one_way(frame));
        consumer.stays();
    }
    assert_eq!(consumer.ask(&greet(2, "bo")), text("hello bo"));
}

#[test]
fn a_body_over_the_limit_is_refused_by_its_header_and_skipped() {
    let provider = provider();
    let mut consumer = Talker::of(&provider);
    // What is skipped looks like frames, and must not be read as such.
    let trap = greet(9, "trap").frame().repeat(LIMIT_LEN / greet(9, "trap").frame().len() + 1);
    let large = [request(5, trap.len() as i32), trap.clone()].concat();
    consumer.send(&large);
    let wanted =
        format!("the request body of {} bytes is over the limit of {LIMIT_LEN} bytes of this provider", trap.len());
    assert_eq!(consumer.answer(), (5, status(Status::BAD_REQUEST, &wanted), vec![]));
    consumer.send(&one_way(large));
    consumer.stays();
    let fits = "x".repeat(LIMIT_LEN - 1000);
    assert_eq!(consumer.ask(&greet(6, &fits)), text(&format!("hello {fits}")));
}

#[test]
fn an_answer_over_the_limit_is_status_25() {
    let provider = provider();
    let mut consumer = Talker::of(&provider);
    let twice = |len: usize| Ask::new(7, "twice", TEXT, |out| out.put(&"x".repeat(len)).unwrap());
    // The type, the text in two pieces, and an empty map.
    let longest = (LIMIT_LEN - 1 - 4 * 3 - 2) / 2;
    let wanted = "the answer is too large: 100001, max payload: 100000; answer less, or raise `payload` here and at the consumer";
    assert_eq!(consumer.ask(&twice(longest + 1)), status(Status::SERIALIZATION_ERROR, wanted));
    assert_eq!(consumer.ask(&twice(longest)), text(&"x".repeat(longest * 2)));
    consumer.stays();
}

#[test]
fn what_is_no_dubbo_and_lengths_beyond_reason_end_the_connection() {
    let provider = provider();
    for rubbish in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 0], &[0xda, 0xbc], b"ls\r\n"] {
        let mut consumer = Talker::of(&provider);
        assert_eq!(consumer.ask(&greet(1, "bo")), text("hello bo"));
        consumer.send(rubbish);
        consumer.closed();
    }
    for (len, wanted) in [
        (-1, "a frame says that its body has -1 bytes, wanted 0 or more".to_owned()),
        (
            i32::MAX,
            format!(
                "a frame says that its body has {} bytes, more than anybody sends on purpose; the connection is closed",
                i32::MAX
            ),
        ),
    ] {
        let mut consumer = Talker::of(&provider);
        consumer.send(&request(2, len));
        assert_eq!(consumer.answer(), (2, status(Status::BAD_REQUEST, &wanted), vec![]));
        consumer.closed();
        let mut consumer = Talker::of(&provider);
        consumer.send(&one_way(request(3, len)));
        consumer.closed();
    }
}

#[test]
fn events_and_answers_of_nobody_get_no_word() {
    let provider = provider();
    let mut consumer = Talker::of(&provider);
    let mut events = Vec::new();
    frame::put_event_notice(&mut events, 1, Codec::Hessian2, Event::Readonly);
    frame::put_event_notice(&mut events, 2, Codec::Fastjson2, Event::Writable);
    let large = [&request(3, 1 << 20)[..], &vec![b'N'; 1 << 20]].concat();
    let mut event = large.clone();
    event[2] |= 0x20;
    let mut reply = large;
    reply[2] = 2;
    for frame in [events, event, reply] {
        consumer.send(&frame);
        consumer.stays();
    }
    let mut asked = Vec::new();
    frame::put_heartbeat_request(&mut asked, 9, Codec::Fastjson2);
    consumer.send(&asked);
    assert_eq!(consumer.frame(), (Header { flags: 0x37, status: 20, id: 9, body_len: 5 }, vec![0, 0, 0, 1, 0xaf]));
}

#[test]
fn a_provider_that_cannot_be_says_why() {
    let start = |builder: highway_sdk::provider::Builder| {
        runtime().block_on(builder.start()).map(|_| ()).unwrap_err().to_string()
    };
    let builder = || Provider::builder().listen("127.0.0.1:0");
    assert_eq!(start(Provider::builder()), StartError::NoAddress.to_string());
    assert!(start(Provider::builder().listen("nowhere.invalid:1")).starts_with("cannot listen at nowhere.invalid:1: "));
    let twice = start(builder().serve(greeter()).serve(greeter()));
    assert_eq!(twice, "the service com.acme.Greeter: found it twice, wanted it once");
    let done = |_: Invocation| async { Ok(()) };
    let same = start(builder().serve(greeter().method("greet", done)));
    assert_eq!(same, "the service com.acme.Greeter: found the method `greet` twice with the same parameters");
    let wrong = start(builder().serve(Service::new(GREETER).version("2").method("a(b", done)));
    assert_eq!(wrong, "the service com.acme.Greeter:2: found no `)` at the end of `a(b`");
    let registered = || builder().registry("127.0.0.1:1").serve(greeter());
    assert_eq!(start(registered()), StartError::NoApplication.to_string());
    let anywhere = start(registered().application("shop").listen("0.0.0.0:0"));
    assert!(
        anywhere.starts_with("found the address 0.0.0.0:") && anywhere.ends_with("reach: call `host`"),
        "{anywhere}"
    );
    let nowhere = start(builder().registry("").application("shop"));
    assert!(nowhere.starts_with("registry "), "{nowhere}");
    let alone = std::thread::spawn(move || {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(builder().serve(greeter()).start()).poll(&mut context) {
            std::task::Poll::Ready(Err(error)) => error.to_string(),
            _ => panic!("it started"),
        }
    });
    assert_eq!(alone.join().unwrap(), StartError::NoRuntime.to_string());
}
