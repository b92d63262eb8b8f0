//! One JSON line a call, written by a thread of its own. Nothing is dropped: when the disk cannot follow, calls are
//! refused until it can. It never holds a call's body.
//!
//! ```text
//!  shard: write(line) ─▶ buffer ── every 20 ms ──▶ bounded queue ─▶ writer thread ─▶ audit.jsonl ─ full ─▶ audit.jsonl.1 …
//!           ▲ is_ready() = the buffer is below its bound
//! ```
//!
//! Long because: a line is one list of fields, each with its meaning.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use serde::Serialize;

/// How often a shard's lines go to the writer: what a killed hub can lose.
pub const HAND_OVER: Duration = Duration::from_millis(20);
/// Lines a shard holds back while the writer is behind; above it calls are refused.
const BUFFER_LEN: usize = 8 * 1024 * 1024;
/// Buffers between shard and writer.
const QUEUE: usize = 4;
/// Between two tries to write to a disk that refuses.
const RETRY: Duration = Duration::from_secs(1);

/// Where the lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFile {
    /// The file that is written.
    pub path: PathBuf,
    /// From this length on it is renamed to `.1`, `.1` to `.2`, and so on.
    pub rotate_len: u64,
    /// How many renamed files are kept.
    pub keep: u32,
}

/// What happened to one call.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// When the call came in, UTC.
    pub at: Timestamp,
    /// This hub.
    pub hub: &'a str,
    /// Island the call came from, proved by its link.
    pub from: &'a str,
    /// Egress gateway it came from, proved likewise.
    pub egress: &'a str,
    /// Application as that island claims it.
    pub application: &'a str,
    /// Island that was asked for.
    pub to: &'a str,
    /// Ingress gateway that got the call.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub ingress: &'a str,
    /// Group, empty for none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub group: &'a str,
    /// Interface.
    pub service: &'a str,
    /// Version, empty for none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub version: &'a str,
    /// Effective method.
    pub method: &'a str,
    /// Kind of generic invocation, empty for an ordinary call.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub generic: &'a str,
    /// Serialization id.
    pub serialization: u8,
    /// Whether no reply was asked for.
    #[serde(skip_serializing_if = "is_false")]
    pub one_way: bool,
    /// Whether its island's link was carried by POSTs that are forms.
    #[serde(skip_serializing_if = "is_false")]
    pub multipart: bool,
    /// Names the call across hops: start of the egress process and its counter, in hex.
    pub stamp: Stamp,
    /// Which attempt of the gateway this was, from 0.
    pub attempt: u8,
    /// W3C trace context of the caller.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub traceparent: &'a str,
    /// Bytes of the request body that passed.
    pub request_len: u64,
    /// Bytes of the reply body that passed.
    pub reply_len: u64,
    /// Microseconds from the call's arrival to its end, at this hub.
    pub hub_us: u64,
    /// Microseconds the provider took, as its ingress saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_us: Option<u32>,
    /// How it ended.
    pub outcome: Outcome,
    /// What failed, for all but `replied` and `sent`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'a str,
    /// Refused calls of this island before this one that have no line of their own: there were too many at once.
    #[serde(skip_serializing_if = "is_zero")]
    pub unwritten: u64,
    /// The grant that allowed it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub grant: &'a str,
}

impl<'a> Line<'a> {
    /// A line of now that says nothing of a call yet.
    pub fn new(hub: &'a str, from: &'a str, outcome: Outcome, reason: &'a str) -> Line<'a> {
        Line {
            at: Timestamp(SystemTime::now()),
            hub,
            from,
            egress: "",
            application: "",
            to: "",
            ingress: "",
            group: "",
            service: "",
            version: "",
            method: "",
            generic: "",
            serialization: 0,
            one_way: false,
            multipart: false,
            stamp: Stamp { start: 0, counter: 0 },
            attempt: 0,
            traceparent: "",
            request_len: 0,
            reply_len: 0,
            hub_us: 0,
            provider_us: None,
            outcome,
            reason,
            unwritten: 0,
            grant: "",
        }
    }
}

/// How a call ended, as the hub saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The provider's reply went back.
    Replied,
    /// A one-way call went out.
    Sent,
    /// A filter of this hub said no; nothing was sent.
    Refused,
    /// It failed behind this hub or on the way to it.
    Failed,
    /// The ingress found that the frame contradicts its head.
    Forged,
    /// The caller's gateway gave it up.
    Cancelled,
    /// Its deadline passed here.
    TimedOut,
}

/// A moment as RFC 3339 in UTC with microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Timestamp(pub SystemTime);

/// The stamp of a head.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Start id of the egress process.
    pub start: u64,
    /// Its counter.
    pub counter: u64,
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_micros(self.0))
    }
}

impl Serialize for Stamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}-{:x}", self.start, self.counter))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde wants")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde wants")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The shard's end.
#[derive(Debug)]
pub struct Audit {
    buffer: RefCell<Vec<u8>>,
    /// `None` once it has ended.
    queue: RefCell<Option<SyncSender<Vec<u8>>>>,
}

/// The writer's end: runs on a thread of its own.
#[derive(Debug)]
pub struct Writer {
    file: AuditFile,
    open: File,
    len: u64,
    queue: Receiver<Vec<u8>>,
}

/// Opens the file and makes both ends.
///
/// # Errors
/// The file or its folder cannot be made or appended to.
pub fn open(file: AuditFile) -> io::Result<(Audit, Writer)> {
    let (open, len) = append_to(&file.path)?;
    let (queue_in, queue) = sync_channel(QUEUE);
    Ok((Audit { buffer: RefCell::default(), queue: RefCell::new(Some(queue_in)) }, Writer { file, open, len, queue }))
}

impl Audit {
    /// Whether another call may be let in: what it will leave can be written.
    pub fn is_ready(&self) -> bool {
        self.buffer.borrow().len() < BUFFER_LEN
    }

    /// Adds one line. Takes it even when [`Audit::is_ready`] says no: the call it speaks of is in already.
    pub fn write(&self, line: &Line<'_>) {
        let mut buffer = self.buffer.borrow_mut();
        // Writing text and numbers into memory cannot fail; a line that did would only be cut, never mixed with the next.
        let _ = serde_json::to_writer(&mut *buffer, line);
        buffer.push(b'\n');
    }

    /// Gives what has gathered to the writer, if it is not behind.
    pub fn hand_over(&self) {
        let mut buffer = self.buffer.borrow_mut();
        if buffer.is_empty() {
            return;
        }
        let queue = self.queue.borrow();
        let Some(queue) = queue.as_ref() else { return };
        let room = buffer.len();
        match queue.try_send(std::mem::take(&mut *buffer)) {
            Ok(()) => buffer.reserve(room.min(256 * 1024)),
            Err(std::sync::mpsc::TrySendError::Full(back) | std::sync::mpsc::TrySendError::Disconnected(back)) => {
                *buffer = back
            }
        }
    }

    /// Hands the last lines over and lets the writer end. By name, not by dropping: links and switch hold each other, so that
    /// nothing says when the last of them goes.
    pub fn end(&self) {
        let rest = std::mem::take(&mut *self.buffer.borrow_mut());
        if let Some(queue) = self.queue.take() {
            // The last lines wait for the writer: the shard has ended and nobody waits for it.
            let _ = queue.send(rest);
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.end();
    }
}

impl Writer {
    /// Writes until every [`Audit`] end is gone. A refusing disk is tried again each second and said once.
    ///
    /// # Errors
    /// The last lines could not be made durable.
    pub fn run(mut self) -> anyhow::Result<()> {
        while let Ok(lines) = self.queue.recv() {
            self.write(&lines);
        }
        self.open.sync_data()?;
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) {
        let mut done = 0;
        let mut said = false;
        while done < lines.len() {
            match self.open.write(&lines[done..]) {
                Ok(len) if len > 0 => {
                    done += len;
                    self.len += len as u64;
                }
                refused => {
                    if !std::mem::replace(&mut said, true) {
                        let error = refused.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into());
                        tracing::error!(%error, file = %self.file.path.display(), "cannot write the audit; calls are refused when its buffer is full");
                    }
                    std::thread::sleep(RETRY);
                }
            }
        }
        if self.len >= self.file.rotate_len
            && let Err(error) = self.rotate()
        {
            tracing::error!(%error, file = %self.file.path.display(), "cannot rotate the audit; it goes on in the same file");
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.open.sync_data()?;
        let numbered = |number: u32| numbered(&self.file.path, number);
        for number in (1..self.file.keep).rev() {
            if numbered(number).exists() {
                fs::rename(numbered(number), numbered(number + 1))?;
            }
        }
        if self.file.keep > 0 {
            fs::rename(&self.file.path, numbered(1))?;
        } else {
            fs::remove_file(&self.file.path)?;
        }
        (self.open, self.len) = append_to(&self.file.path)?;
        Ok(())
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let len = file.metadata()?.len();
    Ok((file, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(method: &'a str, reason: &'a str) -> Line<'a> {
        Line {
            at: Timestamp(SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_249_688_070_001)),
            egress: "e1",
            application: "web",
            to: "beijing",
            service: "com.example.GreetingService",
            method,
            serialization: 2,
            stamp: Stamp { start: 0xabc, counter: 31 },
            request_len: 300,
            hub_us: 12,
            ..Line::new("hub-1", "shanghai", Outcome::Refused, reason)
        }
    }

    fn written(path: &Path) -> Vec<serde_json::Value> {
        fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_call_is_one_line_whatever_its_names_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/audit.jsonl");
        let (audit, writer) = open(AuditFile { path: path.clone(), rotate_len: 1 << 20, keep: 1 }).unwrap();
        audit.write(&line("say\n\"Hello\"\u{0}", "no grant"));
        audit.hand_over();
        audit.write(&line("last", ""));
        drop(audit);
        writer.run().unwrap();
        let lines = written(&path);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["method"], "say\n\"Hello\"\u{0}");
        assert_eq!(lines[0]["at"], "2026-11-21T08:28:08.070001Z");
        assert_eq!(lines[0]["stamp"], "0000000000000abc-1f");
        assert_eq!(lines[0]["outcome"], "refused");
        assert_eq!(lines[1].get("reason"), None);
    }

    #[test]
    fn a_full_file_is_kept_under_a_number_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let (audit, mut writer) = open(AuditFile { path: path.clone(), rotate_len: 10, keep: 2 }).unwrap();
        for method in ["1", "2", "3", "4"] {
            audit.write(&line(method, ""));
            audit.hand_over();
            let lines = writer.queue.recv().unwrap();
            writer.write(&lines);
        }
        let method = |path: &Path| written(path)[0]["method"].as_str().unwrap().to_owned();
        assert_eq!((method(&numbered(&path, 1)), method(&numbered(&path, 2))), ("4".into(), "3".into()));
        assert!(written(&path).is_empty());
        assert!(!numbered(&path, 3).exists());
    }

    #[test]
    fn a_writer_that_is_behind_stops_new_calls_and_loses_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let (audit, writer) = open(AuditFile { path: path.clone(), rotate_len: 1 << 40, keep: 1 }).unwrap();
        let reason = "x".repeat(100_000);
        let mut count = 0;
        while audit.is_ready() {
            audit.write(&line("m", &reason));
            audit.hand_over();
            count += 1;
            assert!(count < 1_000, "the bound is never met");
        }
        let writing = std::thread::spawn(|| writer.run());
        drop(audit);
        writing.join().unwrap().unwrap();
        assert_eq!(written(&path).len(), count);
    }
}
