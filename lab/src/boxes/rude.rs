//! A relay that ends each connection at a random point, as overloaded balancers and impatient firewalls do: after 64 KiB to 1 MiB
//! or after 3 to 15 s, whichever comes first, with FIN both ways.
//!
//! It is a program of its own (`highway-lab rude LISTEN TARGET`), so that it can stand in a place.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::kind::{Entrance, Kind, Nature};
use super::running::Program;
use crate::helper;

/// Ends connections at random.
pub(super) static FIN: Kind = Kind {
    name: "rude-fin",
    about: "A relay that ends each connection after 64 KiB to 1 MiB or 3 to 15 s, whatever is on it.",
    entrance: Entrance::Plain,
    nature: Nature::EndsConnections,
    parts: |spot| {
        let (listen, hub) = (spot.listen().to_string(), spot.hub.to_string());
        Ok(vec![Program::part(spot, helper::program()?, &["rude", &listen, &hub], spot.listen())])
    },
};

/// How often a relay looks whether a connection's time is over.
const LOOK: Duration = Duration::from_millis(100);

/// Serves until it is ended.
///
/// # Errors
/// It cannot listen.
pub(crate) fn relay(listen: &str, target: &str) -> Result<()> {
    let listener = TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    let mut random = Random(u64::from(std::process::id()) | 1);
    for stream in listener.incoming().filter_map(Result::ok) {
        let Ok(onward) = TcpStream::connect(target) else { continue };
        let left = Arc::new(AtomicUsize::new(random.between(64 << 10, 1 << 20)));
        let end = Instant::now() + Duration::from_millis(random.between(3_000, 15_000) as u64);
        let Ok((back, forth)) = onward.try_clone().and_then(|onward| Ok((onward, stream.try_clone()?))) else {
            continue;
        };
        for (from, to) in [(stream, onward), (back, forth)] {
            let left = left.clone();
            std::thread::spawn(move || pass(from, to, &left, end));
        }
    }
    Ok(())
}

/// One direction, until both together have had their share or the time is over.
fn pass(mut from: TcpStream, mut to: TcpStream, left: &AtomicUsize, end: Instant) {
    let mut buffer = vec![0; 16 << 10];
    let _ = from.set_read_timeout(Some(LOOK));
    while Instant::now() < end {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => {
                let before = left.load(Ordering::Relaxed);
                let take = len.min(before);
                left.store(before - take, Ordering::Relaxed);
                // The last piece may be a part of what came: the point is any.
                if to.write_all(&buffer[..take]).is_err() || take < len || take == before {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                if left.load(Ordering::Relaxed) == 0 {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    for stream in [&from, &to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// A generator of numbers that need no quality (xorshift).
struct Random(u64);

impl Random {
    fn between(&mut self, low: usize, high: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + (self.0 % (high - low) as u64) as usize
    }
}
