//! A connection at a real socket: what the peer sees.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::{Accepted, Taken, listen, runtime};

/// Frames of `[len u32][body]`, echoed whole.
#[derive(Default)]
struct Echo {
    calls: Cell<usize>,
    longest: Cell<usize>,
    closed: RefCell<Option<String>>,
    /// Charged for what the peer does not take.
    budget: RefCell<Option<Budget>>,
}

impl Session for Echo {
    fn received(&self, conn: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
        self.calls.set(self.calls.get() + 1);
        if let Some(budget) = &*self.budget.borrow() {
            conn.charge_untaken(budget, NoRoom::Ends);
        }
        let mut used = 0;
        loop {
            let Some(head) = bytes[used..].first_chunk::<4>() else { return Ok(Taken { used, need: 0 }) };
            let need = 4 + u32::from_be_bytes(*head) as usize;
            if need == 4 + 0xdead {
                conn.append(&[b"bye"]);
                return Err(Close::Ours("asked to".to_owned()));
            }
            let Some(frame) = bytes[used..].get(..need) else { return Ok(Taken { used, need }) };
            self.longest.set(self.longest.get().max(need));
            conn.append(&[frame]);
            if frame[4..] == *b"much" {
                // Over the bound, and all of it may fit the socket at once.
                conn.append(&[&vec![b'm'; UNWRITTEN_LEN + 1]]);
            }
            used += need;
        }
    }

    fn closed(&self, _: &Rc<Conn>, why: &Close) {
        *self.closed.borrow_mut() = Some(why.to_string());
    }
}

fn with_echo<Fut: Future<Output = ()>>(test: impl FnOnce(TcpStream, Rc<Echo>) -> Fut) {
    runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap());
        let echo = Rc::new(Echo::default());
        let session = echo.clone();
        shard.run(listen(&shard, listener, move |_, _| Accepted::Serve(Layer::Plain, session.clone())).unwrap());
        tokio::time::timeout(Duration::from_secs(20), test(peer.await.unwrap(), echo)).await.unwrap();
    });
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(body);
    frame
}

#[test]
fn many_frames_of_one_read_come_back_in_one_piece_and_in_order() {
    with_echo(|mut peer, echo| async move {
        let sent: Vec<u8> = (0..1000u32).flat_map(|i| frame(&i.to_be_bytes())).collect();
        peer.write_all(&sent).await.unwrap();
        let mut got = vec![0; sent.len()];
        peer.read_exact(&mut got).await.unwrap();
        assert_eq!(got, sent);
        assert!(echo.calls.get() <= 3, "{} calls for 8 KB", echo.calls.get());
    });
}

#[test]
fn a_frame_that_trickles_is_handed_over_whole_and_not_asked_for_at_every_byte() {
    with_echo(|mut peer, echo| async move {
        let sent = frame(&[7; 100]);
        for byte in &sent {
            peer.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut got = vec![0; sent.len()];
        peer.read_exact(&mut got).await.unwrap();
        assert_eq!(got, sent);
        assert!(echo.calls.get() <= 6, "{}", echo.calls.get());
    });
}

#[test]
fn a_frame_larger_than_the_scratch_buffer_is_gathered() {
    with_echo(|peer, echo| async move {
        let body: Vec<u8> = (0..5_000_000u32).map(|i| i as u8).collect();
        let mut sent = frame(b"first");
        sent.extend(frame(&body));
        sent.extend(frame(b"last"));
        let (mut read, mut write) = peer.into_split();
        let expected = sent.clone();
        let writer = async move { write.write_all(&sent).await.map(|()| write) };
        let mut got = vec![0; expected.len()];
        let (write, read) = tokio::join!(writer, read.read_exact(&mut got));
        drop((write.unwrap(), read.unwrap()));
        assert!(got == expected);
        assert_eq!(echo.longest.get(), 5_000_004);
    });
}

#[test]
fn what_was_said_before_a_close_arrives_and_the_session_learns_why() {
    with_echo(|mut peer, echo| async move {
        let mut sent = frame(b"x");
        sent.extend(0xdeadu32.to_be_bytes());
        peer.write_all(&sent).await.unwrap();
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, [&frame(b"x")[..], b"bye"].concat());
        assert_eq!(echo.closed.borrow().as_deref(), Some("asked to"));
    });
}

#[test]
fn a_peer_that_never_reads_is_not_read_for_ever() {
    with_echo(|mut peer, echo| async move {
        let block = frame(&[1; 60_000]);
        let mut sent = 0usize;
        while let Ok(done) = tokio::time::timeout(Duration::from_millis(300), peer.write_all(&block)).await {
            done.unwrap();
            sent += block.len();
            assert!(sent < 200_000_000, "the server took everything");
        }
        assert!(echo.closed.borrow().is_none());
    });
}

#[test]
fn a_peer_that_goes_away_ends_the_session() {
    with_echo(|peer, echo| async move {
        drop(peer);
        while echo.closed.borrow().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(echo.closed.borrow().as_deref(), Some("closed by the peer"));
    });
}

#[test]
fn a_connection_that_paused_is_read_again_once_everything_is_written_at_once() {
    with_echo(|mut peer, echo| async move {
        // A socket that takes two megabytes in one write: the flush succeeds, and nobody else would wake the reader.
        socket2::SockRef::from(&peer).set_recv_buffer_size(8 << 20).unwrap();
        for round in 0..50 {
            // The second frame comes while the first one's answer waits for the flush of the same turn.
            peer.write_all(&[frame(b"much"), vec![0, 0]].concat()).await.unwrap();
            peer.write_all(&frame(b"next")[2..]).await.unwrap();
            let mut got = vec![0; 8 + UNWRITTEN_LEN + 1 + 8];
            peer.read_exact(&mut got).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert_eq!(got[got.len() - 4..], *b"next");
        }
        assert!(echo.closed.borrow().is_none());
    });
}

/// Echoes on a budget of 2 MiB.
fn with_a_budget<Fut: Future<Output = ()>>(test: impl FnOnce(TcpStream, Rc<Echo>, Budget) -> Fut) {
    let budget = Budget::new(2 << 20);
    with_echo(|peer, echo| async move {
        *echo.budget.borrow_mut() = Some(budget.clone());
        test(peer, echo, budget).await;
    });
}

/// More than any socket of this machine takes in without a reader.
const TOO_MUCH_LEN: usize = 32 << 20;

#[test]
fn what_a_peer_does_not_read_is_charged_and_given_back_when_it_reads() {
    with_a_budget(|mut peer, _, budget| async move {
        let (mut sent, mut got) = (0, 0);
        while budget.held() == 0 {
            peer.write_all(&frame(&[7; 100_000])).await.unwrap();
            sent += 100_004;
            tokio::task::yield_now().await;
            assert!(sent < TOO_MUCH_LEN, "nothing was ever charged");
        }
        let mut scratch = vec![0; 1 << 20];
        while got < sent {
            got += peer.read(&mut scratch).await.unwrap();
        }
        while budget.held() > 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_peer_that_does_not_read_is_left_when_the_budget_has_no_room() {
    with_a_budget(|mut peer, echo, budget| async move {
        let taken = budget.take(budget.limit() - 1000).unwrap();
        let flood = async {
            let mut sent = 0;
            while peer.write_all(&frame(&[7; 100_000])).await.is_ok() {
                sent += 100_004;
                assert!(sent < TOO_MUCH_LEN, "it is never left");
            }
        };
        flood.await;
        let why = echo.closed.borrow().clone().unwrap();
        assert!(why.starts_with("the peer does not read: "), "{why}");
        assert!(why.ends_with(" bytes wait for it, and there is no room to hold them"), "{why}");
        assert_eq!(budget.held(), taken.len());
    });
}

/// Takes everything, slowly.
#[derive(Default)]
struct Slow {
    taken_len: Cell<usize>,
}

impl Session for Slow {
    fn received(&self, _: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
        std::thread::sleep(Duration::from_millis(5));
        self.taken_len.set(self.taken_len.get() + bytes.len());
        Ok(Taken { used: bytes.len(), need: 0 })
    }

    fn closed(&self, _: &Rc<Conn>, _: &Close) {}

    fn read_len(&self) -> usize {
        1000
    }
}

/// What it floods was read by the mebibyte before anybody else had a turn.
#[test]
fn a_peer_that_floods_holds_up_the_others_by_a_few_short_reads() {
    runtime().unwrap().block_on(async {
        let shard = Shard::on_this_thread(0);
        let (slow, echo) = (Rc::new(Slow::default()), Rc::new(Echo::default()));
        let sessions: [Rc<dyn Session>; 2] = [slow.clone(), echo.clone()];
        let mut peers = Vec::new();
        for session in sessions {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            peers.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
            let accept = move |_, _| Accepted::Serve(Layer::Plain, session.clone());
            shard.run(listen(&shard, listener, accept).unwrap());
        }
        let (mut quick, mut flooding) = (peers.pop().unwrap(), peers.pop().unwrap());
        shard.run(async move { flooding.write_all(&vec![7; 2 << 20]).await.unwrap_or_default() });
        while slow.taken_len.get() == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..5 {
            let before = slow.taken_len.get();
            quick.write_all(&frame(b"quick")).await.unwrap();
            quick.read_exact(&mut [0; 9]).await.unwrap();
            let taken_len = slow.taken_len.get() - before;
            assert!(taken_len < 200_000, "{taken_len} bytes of the flood came first");
        }
        assert!(slow.taken_len.get() < 2 << 20, "the flood went on all the time");
    });
}
