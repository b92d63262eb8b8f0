//! The nearest island, with ways that are really long: a relay between the ingress of an island and the hub holds back all that passes.
//!
//! ```text
//!   ingress b ══▶ relay: 60 ms each way ══▶ hub ◀══ relay: at once ◀══ ingress c
//! ```

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lab::line::Line;
use lab::program::Program;

use super::documents::Documents;
use super::stage::{hello, only, stage};

/// How long a long way is, there and back each: far beyond what a busy machine adds to a short one on average.
const FAR: Duration = Duration::from_millis(60);
/// Where a relay listens in its island.
const RELAY_PORT: u16 = 20_980;
/// Between two looks whether a relay is to end.
const LOOK: Duration = Duration::from_millis(20);
/// What one read brings at most, and how many of them may be on their way.
const PIECE_LEN: usize = 16 * 1024;
const PIECES: usize = 1024;
/// From the start of a gateway until it is ready, on a busy machine.
const READY: Duration = Duration::from_secs(30);

/// What all connections of a relay have in common.
#[derive(Debug, Default)]
struct Way {
    delay_ms: AtomicU64,
    is_over: AtomicBool,
}

impl Way {
    fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms.load(Ordering::Relaxed))
    }

    /// Passes on what comes, each piece when it has been on its way for long enough, until the connection ends.
    fn pass(self: Arc<Self>, mut from: TcpStream, mut to: TcpStream) {
        let (sender, receiver) = sync_channel::<(Instant, Vec<u8>)>(PIECES);
        let reader = std::thread::spawn(move || {
            let mut piece = vec![0; PIECE_LEN];
            while let Ok(len @ 1..) = from.read(&mut piece) {
                if sender.send((Instant::now() + self.delay(), piece[..len].to_vec())).is_err() {
                    break;
                }
            }
        });
        for (due, piece) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = reader.join();
    }
}

/// The way of an island's ingress to the hub leads through this relay until it is dropped.
struct Relay<'a> {
    ingress: &'a Program,
    /// Its configuration as it was.
    before: String,
    way: Arc<Way>,
    accepting: Option<JoinHandle<()>>,
}

impl<'a> Relay<'a> {
    fn of(line: &'a Line, island: &str) -> Self {
        let (place, ingress) = (line.island(island).place(), line.island(island).ingress());
        let before = std::fs::read_to_string(ingress.configuration()).unwrap();
        let hub = before.split_once("url = \"http://").and_then(|(_, rest)| rest.split('"').next()).unwrap().to_owned();
        let listen = place.listen(RELAY_PORT).unwrap();
        let way = Arc::new(Way::default());
        let (passing, to) = (way.clone(), hub.parse().unwrap());
        // Its threads stay in the island's network.
        let accepting = place.inside(|| {
            let listener = TcpListener::bind(listen).unwrap();
            listener.set_nonblocking(true).unwrap();
            std::thread::spawn(move || accept(&listener, to, &passing))
        });
        let relay = Self { ingress, before, way, accepting: Some(accepting.unwrap()) };
        let detour = relay.before.replace(&hub, &listen.to_string());
        std::fs::write(ingress.configuration(), detour).unwrap();
        restarted(ingress).unwrap();
        relay
    }

    fn is(&self, delay: Duration) {
        self.way.delay_ms.store(delay.as_millis().try_into().unwrap(), Ordering::Relaxed);
    }
}

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        let written = std::fs::write(self.ingress.configuration(), &self.before);
        let restarted = restarted(self.ingress);
        self.way.is_over.store(true, Ordering::Relaxed);
        let ended = self.accepting.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            written.unwrap();
            restarted.unwrap();
            ended.unwrap().unwrap();
        }
    }
}

fn restarted(program: &Program) -> anyhow::Result<()> {
    program.stop()?;
    program.start()?;
    program.ready(READY)
}

fn accept(listener: &TcpListener, hub: SocketAddrV4, way: &Arc<Way>) {
    while !way.is_over.load(Ordering::Relaxed) {
        let near = match listener.accept() {
            Ok((near, _)) => near,
            Err(none) if none.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(LOOK);
                continue;
            }
            Err(error) => panic!("the relay cannot accept: {error}"),
        };
        near.set_nonblocking(false).unwrap();
        // A hub that is not there is told by the end of the connection.
        let Ok(far) = TcpStream::connect(hub) else { continue };
        for connection in [&near, &far] {
            connection.set_nodelay(true).unwrap();
        }
        for (from, to) in [(&near, &far), (&far, &near)] {
            let (way, from, to) = (way.clone(), from.try_clone().unwrap(), to.try_clone().unwrap());
            std::thread::spawn(move || way.pass(from, to));
        }
    }
}

#[test]
fn the_nearest_island_answers_and_the_other_one_when_the_long_way_is_the_first_one_s() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("nearest: []");
    let (to_b, to_c) = (Relay::of(&line, "b"), Relay::of(&line, "c"));
    for (long, short, nearest) in [(&to_b, &to_c, "c"), (&to_c, &to_b, "b"), (&to_b, &to_c, "c")] {
        long.is(FAR);
        short.is(Duration::ZERO);
        stage.each(|name, consumer| only(name, consumer, hello("plain"), nearest));
    }
}
