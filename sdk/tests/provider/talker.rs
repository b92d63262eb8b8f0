//! A consumer at the real socket, and the provider that most tests talk to.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use highway_sdk::Value;
use highway_sdk::hessian2::{self, Encoder};
use highway_sdk::provider::{Builder, Invocation, Provider, Service};
use tokio::runtime::Handle;
use wire::dubbo::answer::{self, AnswerType};
use wire::dubbo::call::GENERIC_TYPES;
use wire::dubbo::frame::{self, Codec, HEADER_LEN, Header, Serialization, Status};
use wire::dubbo::hessian2::writer;

/// Everything that is waited for comes in far less.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const GREETER: &str = "com.acme.Greeter";
pub const TEXT: &str = "Ljava/lang/String;";

/// A runtime for handlers that lives as long as the process.
pub fn runtime() -> Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    let start = || {
        let (handle_in, handle) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            handle_in.send(runtime.handle().clone()).unwrap();
            runtime.block_on(std::future::pending::<()>());
        });
        handle.recv().unwrap()
    };
    RUNTIME.get_or_init(start).clone()
}

/// Starts it on a free port.
pub fn start(builder: Builder) -> Provider {
    runtime().block_on(builder.listen("127.0.0.1:0").start()).unwrap()
}

/// `String greet(String)`.
pub fn greeter() -> Service {
    Service::new(GREETER).method("greet", |call: Invocation| async move {
        let (name,): (String,) = call.args()?;
        Ok(format!("hello {name}"))
    })
}

/// A request, made piece by piece.
#[derive(Clone)]
pub struct Ask {
    pub id: i64,
    leading: [String; 5],
    args: Vec<u8>,
    attachments: Vec<(String, String)>,
    one_way: bool,
}

/// `greet(name)` of [`GREETER`].
pub fn greet(id: i64, name: &str) -> Ask {
    Ask::new(id, "greet", TEXT, |out| out.put(name).unwrap())
}

impl Ask {
    pub fn new(id: i64, method: &str, types: &str, args: impl FnOnce(&mut Encoder<'_>)) -> Ask {
        let mut bytes = Vec::new();
        args(&mut Encoder::new(&mut bytes));
        let leading = ["2.0.2", GREETER, "0.0.0", method, types].map(str::to_owned);
        Ask { id, leading, args: bytes, attachments: Vec::new(), one_way: false }
    }

    /// `$invoke`, of kind `true` where no attachment says another.
    pub fn generic(id: i64, method: &str, types: Option<&[&str]>, args: &[Value]) -> Ask {
        let types = types.map(|types| types.iter().map(|name| Value::Text((*name).to_owned())).collect());
        let array = |name: &str, items| Value::List { name: Some(name.to_owned()), items };
        let types = types.map_or(Value::Null, |types| array("[string", types));
        let args = array("[object", args.to_vec());
        Ask::new(id, "$invoke", GENERIC_TYPES, |out| {
            out.put(method).unwrap();
            out.put(&types).unwrap();
            out.put(&args).unwrap();
        })
    }

    /// These bytes in place of the arguments.
    pub fn raw_args(mut self, bytes: &[u8]) -> Ask {
        bytes.clone_into(&mut self.args);
        self
    }

    pub fn with(mut self, key: &str, value: &str) -> Ask {
        self.attachments.push((key.to_owned(), value.to_owned()));
        self
    }

    pub fn service(mut self, service: &str) -> Ask {
        service.clone_into(&mut self.leading[1]);
        self
    }

    pub fn dubbo_version(mut self, version: &str) -> Ask {
        version.clone_into(&mut self.leading[0]);
        self
    }

    pub fn one_way(mut self) -> Ask {
        self.one_way = true;
        self
    }

    /// The whole frame.
    pub fn frame(&self) -> Vec<u8> {
        let mut body = Vec::new();
        self.leading.iter().for_each(|text| writer::put_text(&mut body, text));
        body.extend_from_slice(&self.args);
        writer::put_text_map(&mut body, self.attachments.iter().map(|(key, value)| (&**key, &**value)));
        let mut header = Header::request(Serialization::HESSIAN2, self.id, body.len() as u32);
        if self.one_way {
            header.flags &= !0x40;
        }
        [&header.encode()[..], &body].concat()
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    Value(Value),
    Exception(Value),
    Status(Status, String),
}

/// A consumer.
pub struct Talker(pub TcpStream);

impl Talker {
    pub fn dial(address: SocketAddr) -> Talker {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Talker(stream)
    }

    pub fn of(provider: &Provider) -> Talker {
        Talker::dial(provider.address())
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The next frame, if one comes.
    pub fn try_frame(&mut self) -> Option<(Header, Vec<u8>)> {
        let mut head = [0; HEADER_LEN];
        self.0.read_exact(&mut head).ok()?;
        let header = Header::decode(&head).unwrap().unwrap();
        let mut body = vec![0; header.body_len as usize];
        self.0.read_exact(&mut body).ok()?;
        Some((header, body))
    }

    pub fn frame(&mut self) -> (Header, Vec<u8>) {
        self.try_frame().expect("a frame comes")
    }

    /// The next frame as the answer that it is: id, content and attachments.
    pub fn answer(&mut self) -> (i64, Answered, Vec<(String, String)>) {
        let (header, body) = self.frame();
        assert!(!header.is_request() && !header.is_event(), "{header:?}");
        assert!(!body.is_empty(), "an empty body ends a dubbo-go session");
        if header.status() != Status::OK {
            let text = answer::error_text(&header, &body).unwrap().into_owned();
            return (header.id, Answered::Status(header.status(), text), Vec::new());
        }
        let found = answer::peek(&header, &body).unwrap().unwrap();
        let value = |value: std::ops::Range<usize>| hessian2::from_slice::<Value>(&body[value]).unwrap();
        let told = match found.kind {
            AnswerType::Null => Answered::Value(Value::Null),
            AnswerType::Value => Answered::Value(value(found.value)),
            AnswerType::Exception => Answered::Exception(value(found.value)),
        };
        let text = |entry: wire::dubbo::attachments::Attachment<'_>| match entry.value {
            wire::dubbo::attachments::AttachmentValue::Text(text) => (entry.key.into_owned(), text.into_owned()),
            other => panic!("{other:?}"),
        };
        let attachments = found.attachments.iter().flat_map(|map| map.iter()).map(text).collect();
        (header.id, told, attachments)
    }

    /// Asks and gives what comes back.
    pub fn ask(&mut self, ask: &Ask) -> Answered {
        self.send(&ask.frame());
        let (id, answered, _) = self.answer();
        assert_eq!(id, ask.id);
        answered
    }

    /// A heartbeat comes back as the very next frame: nothing else was answered, and nothing twice.
    pub fn stays(&mut self) {
        let mut asked = Vec::new();
        frame::put_heartbeat_request(&mut asked, 4242, Codec::Hessian2);
        self.send(&asked);
        let (header, body) = self.frame();
        assert!(header.is_event() && header.id == 4242, "{header:?} {:?}", String::from_utf8_lossy(&body));
    }

    /// The connection ends, and nothing comes before.
    pub fn closed(&mut self) {
        let mut rest = Vec::new();
        let read = self.0.read_to_end(&mut rest);
        assert!(read.is_ok() || read.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset);
        assert_eq!(rest, b"");
    }

    pub fn hang_up(self) {
        self.0.shutdown(Shutdown::Both).unwrap();
    }
}

pub fn text(text: &str) -> Answered {
    Answered::Value(Value::Text(text.to_owned()))
}

pub fn status(status: Status, text: &str) -> Answered {
    Answered::Status(status, text.to_owned())
}
