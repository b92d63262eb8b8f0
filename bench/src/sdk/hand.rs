//! The client that one would write by hand for one provider and one call: what the SDK is compared with.
//!
//! ```text
//!   call ─ id, frame ─▶ channel ─▶ writer: what has come, in one write ─▶ provider
//!     ▲ oneshot by id ◀──────────── reader: every whole frame of a read ◀─┘
//! ```
//!
//! It has no deadline, no registry, no second connection and no error worth the name.

use crate::frames::{Question, first_frame};
use anyhow::{Context, Result, ensure};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

/// Frames that one write takes at most.
const TOGETHER: usize = 256;

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Vec<u8>>>>>;

/// A connection to the provider.
pub struct Client {
    question: Question,
    frames: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Waiting,
    next: AtomicU64,
}

impl Client {
    /// Connects, for calls of this question.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(address: SocketAddr, question: Question) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (from, to) = stream.into_split();
        let (frames, taken) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        tokio::spawn(write(to, taken));
        tokio::spawn(read(from, waiting.clone()));
        Ok(Self { question, frames, waiting, next: AtomicU64::new(1) })
    }

    /// One call, and a look at its answer.
    ///
    /// # Errors
    /// It is not the answer.
    pub async fn call(&self) -> Result<()> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut frame = Vec::with_capacity(self.question.total_len());
        self.question.append(id, &mut frame);
        let (told, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, told);
        self.frames.send(frame).ok().context("the writer has ended")?;
        let answer = answer.await.context("the reader has ended")?;
        let whole = first_frame(&answer)?.context("half an answer")?;
        ensure!(self.question.is_answered_by(&whole, id), "another answer");
        Ok(())
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
