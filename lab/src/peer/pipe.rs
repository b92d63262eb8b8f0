//! The line to a Java peer: requests with an id out, answers with the same id back, in any order, from any thread.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Who waits for which answer.
type Waiting = Arc<Mutex<HashMap<u64, SyncSender<Value>>>>;

#[derive(Debug)]
pub(super) struct Pipe {
    stdin: Mutex<ChildStdin>,
    waiting: Waiting,
    ids: AtomicU64,
}

impl Pipe {
    /// Reads answers on a thread that ends with the peer's stdout.
    pub(super) fn new(stdin: ChildStdin, stdout: ChildStdout) -> Result<Self> {
        let waiting = Waiting::default();
        let for_reader = Arc::clone(&waiting);
        std::thread::Builder::new().name("peer-answers".to_owned()).spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(answer) = serde_json::from_str::<Value>(&line) else { continue };
                let asker = answer["id"].as_u64().and_then(|id| lock(&for_reader).remove(&id));
                if let Some(asker) = asker {
                    // An asker that gave up is not there any more.
                    let _ = asker.try_send(answer);
                }
            }
            // Dropping the senders wakes everybody who still waits.
            lock(&for_reader).clear();
        })?;
        Ok(Pipe { stdin: Mutex::new(stdin), waiting, ids: AtomicU64::new(1) })
    }

    pub(super) fn ask(&self, mut request: Value, within: Duration) -> Result<Value> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        request["id"] = json!(id);
        let (sender, receiver) = sync_channel(1);
        lock(&self.waiting).insert(id, sender);
        writeln!(lock(&self.stdin), "{request}").context("the Java application is gone")?;
        match receiver.recv_timeout(within) {
            Ok(mut answer) => match answer.get("failed").and_then(Value::as_str) {
                Some(words) => bail!("{words}"),
                None => Ok(answer["done"].take()),
            },
            Err(RecvTimeoutError::Disconnected) => bail!("the Java application ended without an answer"),
            Err(RecvTimeoutError::Timeout) => {
                lock(&self.waiting).remove(&id);
                bail!("the Java application did not answer within {within:?}")
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
