//! The client that one would write by hand for one provider and one method: what the SDK is compared with.
//!
//! ```text
//!   call ─ id, frame ─▶ channel ─▶ writer: what has come, in one write ─▶ provider
//!     ▲ oneshot by id ◀──────────── reader: every whole frame of a read ◀─┘
//! ```
//!
//! A call writes its argument between bytes that are the same in each, has a deadline, and reads its answer. Nothing here is bounded, knows
//! a registry or a second connection, makes one again, or has an error worth the name.

use crate::frames::{Around, first_frame, text_of};
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Frames that one write takes at most.
const TOGETHER: usize = 256;

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Vec<u8>>>>>;

/// A connection to the provider.
pub struct Client {
    around: Around,
    within: Duration,
    frames: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Waiting,
    next: AtomicU64,
}

impl Client {
    /// Connects, for calls of this method that take so long at most; the runtime that it is called on reads and writes.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(address: SocketAddr, around: Around, within: Duration) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (from, to) = stream.into_split();
        let (frames, taken) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        tokio::spawn(write(to, taken));
        tokio::spawn(read(from, waiting.clone()));
        Ok(Self { around, within, frames, waiting, next: AtomicU64::new(1) })
    }

    /// One call.
    ///
    /// # Errors
    /// No answer in time, or one that is no text.
    pub async fn call(&self, argument: &str) -> Result<String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let frame = self.around.call(id, argument);
        let (told, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, told);
        self.frames.send(frame).ok().context("the writer has ended")?;
        let Ok(answer) = timeout(self.within, answer).await else {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            anyhow::bail!("no answer within {:?}", self.within);
        };
        let answer = answer.context("the reader has ended")?;
        let whole = first_frame(&answer)?.context("half an answer")?;
        text_of(&whole).context("an answer that is no text")
    }
}

async fn write(mut to: OwnedWriteHalf, mut frames: mpsc::UnboundedReceiver<Vec<u8>>) {
    let (mut together, mut bytes) = (Vec::new(), Vec::new());
    while frames.recv_many(&mut together, TOGETHER).await > 0 {
        bytes.clear();
        together.drain(..).for_each(|frame: Vec<u8>| bytes.extend_from_slice(&frame));
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read(mut from: OwnedReadHalf, waiting: Waiting) {
    let mut bytes = Vec::with_capacity(64 * 1024);
    while from.read_buf(&mut bytes).await.is_ok_and(|len| len > 0) {
        let mut taken = 0;
        while let Ok(Some(frame)) = first_frame(&bytes[taken..]) {
            let whole = bytes[taken..taken + frame.total_len()].to_vec();
            let told = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&frame.id);
            taken += frame.total_len();
            if let Some(told) = told {
                let _ = told.send(whole);
            }
        }
        bytes.drain(..taken);
    }
}
