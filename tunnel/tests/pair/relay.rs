//! A device on the way: passes TCP connections on, and on command cuts them, falls silent or remembers what passed.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use shard::Shard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// So many bytes at most pass a thin relay in so long: some 400 KB/s.
const THIN_LEN: usize = 2048;
const THIN_EACH: Duration = Duration::from_millis(5);

/// See the module's first line.
pub struct Relay {
    pub local: SocketAddr,
    pub to: RefCell<Vec<SocketAddr>>,
    next: Cell<usize>,
    /// What is not passed on: up, down.
    silent: Cell<[bool; 2]>,
    refuses: Cell<bool>,
    is_thin: Cell<bool>,
    cut: Notify,
    pub connections: Cell<usize>,
    /// What the first connection's dialler sent.
    pub heard: RefCell<Vec<u8>>,
}

impl Relay {
    /// A relay to each of `to` in turn.
    pub async fn start(shard: &Shard, to: &[SocketAddr]) -> Rc<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Rc::new(Relay {
            local: listener.local_addr().unwrap(),
            to: RefCell::new(to.to_vec()),
            next: Cell::new(0),
            silent: Cell::new([false; 2]),
            refuses: Cell::new(false),
            is_thin: Cell::new(false),
            cut: Notify::new(),
            connections: Cell::new(0),
            heard: RefCell::new(Vec::new()),
        });
        let (running, shard_) = (relay.clone(), shard.clone());
        shard.run(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if running.refuses.get() {
                    continue;
                }
                shard_.run(running.clone().pass(stream));
            }
        });
        relay
    }

    async fn pass(self: Rc<Relay>, mut near: TcpStream) {
        let number = self.connections.get();
        self.connections.set(number + 1);
        let to = {
            let to = self.to.borrow();
            to[self.next.replace(self.next.get() + 1) % to.len()]
        };
        let Ok(mut far) = TcpStream::connect(to).await else { return };
        let (mut up, mut down) = ([0; 16384], [0; 16384]);
        let cut = self.cut.notified();
        tokio::pin!(cut);
        loop {
            let most = if self.is_thin.get() { THIN_LEN } else { up.len() };
            tokio::select! {
                () = &mut cut => return,
                read = near.read(&mut up[..most]) => match read {
                    Ok(len) if len > 0 => {
                        if number == 0 {
                            self.heard.borrow_mut().extend_from_slice(&up[..len]);
                        }
                        if !self.silent.get()[0] && far.write_all(&up[..len]).await.is_err() { return }
                    }
                    _ => return,
                },
                read = far.read(&mut down[..most]) => match read {
                    Ok(len) if len > 0 => if !self.silent.get()[1] && near.write_all(&down[..len]).await.is_err() { return },
                    _ => return,
                },
            }
            if self.is_thin.get() {
                tokio::time::sleep(THIN_EACH).await;
            }
        }
    }

    /// Ends all connections; bytes on their way are lost.
    pub fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// From now on connections stay open and carry nothing.
    pub fn fall_silent(&self, is_silent: bool) {
        self.silent.set([is_silent; 2]);
    }

    /// From now on one direction carries nothing: up, or down.
    pub fn lose(&self, up: bool, down: bool) {
        self.silent.set([up, down]);
    }

    /// From now on so few bytes pass, both ways together, that calls stand in a queue.
    pub fn is_thin(&self) {
        self.is_thin.set(true);
    }

    /// From now on nobody gets through.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.set(refuses);
    }
}

/// Waits until `is_there`.
pub async fn eventually(what: &str, is_there: impl Fn() -> bool) {
    let wait = async {
        while !is_there() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never happened: {what}"));
}
