//! A provider on a real socket that does what a test says: no released one answers like this.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use highway_sdk::hessian2::{self, Decoder};
use highway_sdk::{CallOptions, Highway, Service, Value};
use serde::Serialize;
use socket2::{Domain, Socket, Type};
use wire::dubbo::frame::{self, Event, HEADER_LEN, Header, Serialization, Status};

/// What a busy machine does not reach.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// A call that has no answer ends after this.
pub const SHORT: Duration = Duration::from_millis(300);
pub const GREETER: &str = "com.acme.Greeter";

/// An address where nobody listens, at least not yet, and that nobody else is given meanwhile.
pub struct Vacant(Socket);

impl Vacant {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self(socket)
    }

    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().as_socket().unwrap().to_string()
    }

    pub fn listen(self) -> TcpListener {
        self.0.listen(16).unwrap();
        self.0.into()
    }
}

/// A provider. Its threads end with their connections.
pub struct Scripted {
    pub address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
    calls: AtomicUsize,
}

/// A connection of it.
pub struct Seat {
    stream: TcpStream,
    counts: Arc<Counts>,
}

/// A call that came.
pub struct Asked {
    pub id: i64,
    pub service: String,
    pub version: String,
    pub method: String,
    /// Its first argument.
    pub arg: Value,
    /// Its attachments.
    pub beside: Value,
}

impl Scripted {
    /// Does the same on each connection.
    pub fn start(script: impl Fn(&mut Seat) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    pub fn on(listener: TcpListener, script: impl Fn(&mut Seat) + Send + Sync + 'static) -> Self {
        let (address, counts, script) = (listener.local_addr().unwrap(), Arc::<Counts>::default(), Arc::new(script));
        let counted = counts.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, counts) = (script.clone(), counted.clone());
                counts.accepted.fetch_add(1, Ordering::SeqCst);
                counts.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    script(&mut Seat { stream, counts: counts.clone() });
                    counts.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, counts }
    }

    /// Answers each call: `answer` gives the whole frame.
    pub fn answering(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(move |seat| {
            while let Some(asked) = seat.next() {
                seat.send(&answer(&asked));
            }
        })
    }

    /// The same words to everybody.
    pub fn saying(words: &'static str) -> Self {
        Self::answering(move |asked| value(asked.id, &words))
    }

    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }

    pub fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::SeqCst)
    }

    /// The service of it alone.
    pub fn service(&self, highway: &Highway) -> Service {
        service(highway, &[self])
    }
}

impl Seat {
    /// The next call; heartbeats are answered.
    pub fn next(&mut self) -> Option<Asked> {
        loop {
            let mut head = [0; HEADER_LEN];
            self.stream.read_exact(&mut head).ok()?;
            let header = Header::decode(&head).unwrap().unwrap();
            let mut body = vec![0; header.body_len as usize];
            self.stream.read_exact(&mut body).ok()?;
            if !header.is_event() {
                self.counts.calls.fetch_add(1, Ordering::SeqCst);
                return Some(Asked::read(&header, &body));
            }
            let mut beat = Vec::new();
            frame::put_heartbeat_reply(&mut beat, &header);
            self.send(&beat);
        }
    }

    /// A consumer that has gone is no fault of the script.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub fn say(&mut self, event: Event) {
        let mut notice = Vec::new();
        frame::put_event_notice(&mut notice, 0, wire::dubbo::frame::Codec::Hessian2, event);
        self.send(&notice);
    }

    /// Stays until the consumer goes, and takes what it sends.
    pub fn stay(&mut self) {
        let _ = std::io::copy(&mut self.stream, &mut std::io::sink());
    }

    /// Calls that have come so far, on all connections.
    pub fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::SeqCst)
    }

    pub fn hang_up(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Asked {
    fn read(header: &Header, body: &[u8]) -> Self {
        let mut decoder = Decoder::new(body);
        let mut text = || decoder.take::<String>().unwrap();
        let (_, service, version, method, types) = (text(), text(), text(), text(), text());
        let arg = if types.is_empty() { Value::Null } else { decoder.take().unwrap() };
        Self { id: header.id, service, version, method, arg, beside: decoder.take().unwrap() }
    }
}

/// An answer with this value.
pub fn value(id: i64, value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    answer(id, Status::OK, &[&[0x91][..], &hessian2::to_vec(value).unwrap()].concat())
}

/// An answer with any body.
pub fn answer(id: i64, status: Status, body: &[u8]) -> Vec<u8> {
    answer_in(Serialization::HESSIAN2, id, status, body)
}

pub fn answer_in(serialization: Serialization, id: i64, status: Status, body: &[u8]) -> Vec<u8> {
    let header = Header::reply(serialization, status, id, u32::try_from(body.len()).unwrap());
    [&header.encode()[..], body].concat()
}

/// Without a registry.
pub fn highway() -> Highway {
    Highway::builder().application("test").options(CallOptions::new().timeout(PATIENCE)).build().unwrap()
}

/// [`GREETER`] at these.
pub fn service(highway: &Highway, providers: &[&Scripted]) -> Service {
    let of = highway.service(GREETER);
    providers.iter().fold(of, |of, one| of.address(&one.address.to_string())).build().unwrap()
}

/// Waits for a future on this thread.
pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what} is never so");
        std::thread::sleep(Duration::from_millis(5));
    }
}
