//! A consumer at the real socket: raw bytes out, whole frames in.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use wire::dubbo::answer::{self, AnswerType};
use wire::dubbo::frame::{Codec, HEADER_LEN, Header, Serialization, Status, put_heartbeat_request};
use wire::dubbo::request::{Arg, Request};

/// Everything that is waited for comes in far less.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Talker(pub TcpStream);

/// What a consumer was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub id: i64,
    pub status: Status,
    pub serialization: Serialization,
    /// The class of the exception, the text of it or of the status.
    pub class: &'static str,
    pub text: String,
}

impl Told {
    /// What a frame says, which must say that a call failed.
    pub fn of(header: &Header, body: &[u8]) -> Told {
        assert!(!body.is_empty(), "an empty body ends a dubbo-go session");
        let (class, text) = match header.status() {
            Status::OK => {
                let answer = answer::peek(header, body).unwrap().unwrap();
                assert_eq!(answer.kind, AnswerType::Exception, "{:?}", String::from_utf8_lossy(body));
                let bytes = String::from_utf8_lossy(&body[answer.value]).into_owned();
                let class =
                    ["java.lang.RuntimeException", "RuntimeException"].into_iter().find(|name| bytes.contains(name));
                let from = bytes.find("highway: ").unwrap_or_else(|| panic!("no word of the gateway in {bytes:?}"));
                let end = bytes.rfind(')').unwrap();
                (class.unwrap(), bytes[from..=end].to_owned())
            }
            _ => ("", answer::error_text(header, body).unwrap().into_owned()),
        };
        Told { id: header.id, status: header.status(), serialization: header.serialization(), class, text }
    }

    /// A status with a text of the gateway's.
    pub fn status(id: i64, status: Status, text: &str) -> Told {
        Told { id, status, serialization: Serialization::HESSIAN2, class: "", text: format!("highway: {text}") }
    }

    /// An exception with a text of the gateway's, in the request's serialization.
    pub fn exception(id: i64, codec: Codec, text: &str) -> Told {
        let class = match codec {
            Codec::Hessian2 => "java.lang.RuntimeException",
            Codec::Fastjson2 => "RuntimeException",
        };
        let text = format!("highway: {text}");
        Told { id, status: Status::OK, serialization: codec.serialization(), class, text }
    }
}

impl Talker {
    pub fn new(stream: TcpStream) -> Talker {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Talker(stream)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The next whole frame.
    pub fn frame(&mut self) -> (Header, Vec<u8>) {
        self.try_frame().expect("a frame comes")
    }

    /// The next whole frame, if the gateway still sends one.
    pub fn try_frame(&mut self) -> Option<(Header, Vec<u8>)> {
        let mut head = [0; HEADER_LEN];
        self.0.read_exact(&mut head).ok()?;
        let header = Header::decode(&head).unwrap().unwrap();
        let mut body = vec![0; header.body_len as usize];
        self.0.read_exact(&mut body).ok()?;
        Some((header, body))
    }

    /// The next frame, which says that a call failed.
    pub fn told(&mut self) -> Told {
        let (header, body) = self.frame();
        Told::of(&header, &body)
    }

    /// The next frame is an answer to `id` from a provider.
    pub fn answered(&mut self, id: i64) -> Vec<u8> {
        let (header, body) = self.frame();
        let failure = || Told::of(&header, &body);
        assert_eq!((header.id, header.status()), (id, Status::OK), "{:?}", failure());
        let answer = answer::peek(&header, &body).unwrap().unwrap();
        assert_ne!(answer.kind, AnswerType::Exception, "{:?}", failure());
        body[answer.value].to_vec()
    }

    /// A heartbeat comes back as the very next frame: nothing else was answered, and nothing twice.
    pub fn nothing_but_a_heartbeat(&mut self) {
        let mut asked = Vec::new();
        put_heartbeat_request(&mut asked, 4242, Codec::Hessian2);
        self.send(&asked);
        let (header, body) = self.frame();
        assert!(header.is_event() && header.id == 4242, "{header:?} {:?}", String::from_utf8_lossy(&body));
    }

    /// The connection stays: a call behind all that was sent is answered, and nothing else is.
    pub fn stays(&mut self) {
        self.send(&hello(77, "neighbour"));
        let value = self.answered(77);
        assert!(String::from_utf8_lossy(&value).contains("Hello neighbour"), "{value:?}");
        self.nothing_but_a_heartbeat();
    }

    /// The gateway closes the connection without another byte.
    pub fn closed(&mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("not closed within {PATIENCE:?}")
            }
            _ => assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest)),
        }
    }
}

/// A call of the healthy provider.
pub fn hello(id: i64, name: &str) -> Vec<u8> {
    call_in(Codec::Hessian2, id, lab::peer::GREETING, "sayHello", name, &[])
}

/// A call with one text, of any service.
pub fn call(id: i64, service: &str, text: &str, attachments: &[(&str, &str)]) -> Vec<u8> {
    call_in(Codec::Hessian2, id, service, "hi", text, attachments)
}

pub fn call_in(
    codec: Codec,
    id: i64,
    service: &str,
    method: &str,
    text: &str,
    attachments: &[(&str, &str)],
) -> Vec<u8> {
    let mut out = Vec::new();
    let (types, args) = ("Ljava/lang/String;", &[Arg::Text(text)]);
    Request { codec, service, version: None, group: None, method, types, args, attachments }.append(&mut out, id);
    out
}

/// A request frame with this body.
pub fn request(codec: Codec, id: i64, body: &[u8]) -> Vec<u8> {
    let mut frame = Header::request(codec.serialization(), id, u32::try_from(body.len()).unwrap()).encode().to_vec();
    frame.extend_from_slice(body);
    frame
}

/// The same call, wanting no answer.
pub fn one_way(mut frame: Vec<u8>) -> Vec<u8> {
    frame[2] &= !0x40;
    frame
}
