//! A consumer's connection: bytes become frames.
//!
//! ```text
//!            ┌─ wrong magic, length beyond reason ─▶ answered where there is an id, then closed
//!  header ───┼─ too long, no room, too many calls ─▶ answered at once, body skipped, connection stays
//!            └─ else ─▶ gather the body ─▶ core.rs
//! ```
//!
//! The bounds are asked on the 16-byte header, before memory is reserved for the body. It holds no buffer while it is idle, never looks
//! for a frame behind a wrong magic and never closes a connection to say that a call failed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use shard::{Begun, Close, Conn, Key, Permit, Session, Taken};
use wire::dubbo::frame::{BEYOND_REASON_LEN, FrameError, HEADER_LEN, Header, Status};

use super::core::{Admission, Core, tell};
use super::lookup::refuse;

/// One read of a consumer: some hundred ordinary calls, and few enough heartbeats that a flood of them holds up nobody.
const READ_LEN: usize = 64 * 1024;

/// One consumer's connection.
pub(super) struct Consumer {
    core: Rc<Core>,
    key: Cell<Option<Key>>,
    /// Bytes of a refused body that are still to come.
    skip: Cell<usize>,
    /// What the frame that is being gathered has been given.
    admitted: RefCell<Option<Permit>>,
}

impl Consumer {
    pub(super) fn new(core: Rc<Core>) -> Self {
        Self { core, key: Cell::new(None), skip: Cell::new(0), admitted: RefCell::default() }
    }

    /// Takes whole frames from the front of `bytes`.
    fn frames(&self, conn: &Rc<Conn>, of: Key, bytes: &[u8]) -> Result<Taken, Close> {
        let mut used = self.skip_from(bytes.len());
        loop {
            let rest = &bytes[used..];
            let header = match Header::decode(rest) {
                Ok(Some(header)) => header,
                Ok(None) => return Ok(Taken { used, need: 0 }),
                Err(error) => return Err(unreadable(conn, rest, &error)),
            };
            let frame_len = header.frame_len();
            if frame_len > BEYOND_REASON_LEN.max(self.core.limits.payload_len + HEADER_LEN) {
                return Err(beyond_reason(conn, &header));
            }
            let whole = rest.get(..frame_len);
            let admitted = self.admitted.take();
            let permit =
                match admitted.map_or_else(|| self.core.admit(conn, &header, whole.is_some()), Admission::Wanted) {
                    Admission::Wanted(permit) => permit,
                    Admission::Skipped => {
                        self.skip.set(frame_len);
                        used += self.skip_from(rest.len());
                        continue;
                    }
                };
            let Some(frame) = whole else {
                self.admitted.replace(Some(permit));
                self.core.gathers(of, Some(Begun::on(conn, Instant::now())));
                return Ok(Taken { used, need: frame_len });
            };
            self.core.gathers(of, None);
            self.core.frame(conn, of, header, &frame[HEADER_LEN..], permit);
            used += frame_len;
        }
    }

    /// Counts off up to `available` bytes of a body that is skipped.
    fn skip_from(&self, available: usize) -> usize {
        let now = self.skip.get().min(available);
        self.skip.set(self.skip.get() - now);
        now
    }
}

/// The stream cannot be read further: says so where there is somebody to say it to.
fn unreadable(conn: &Conn, rest: &[u8], error: &FrameError) -> Close {
    if let FrameError::NegativeLength { .. } = error
        && let Some(id) = rest.get(4..12).and_then(|id| id.try_into().ok()).map(i64::from_be_bytes)
    {
        let header = Header { flags: rest[2], status: 0, id, body_len: 0 };
        tell(conn, &header, &refuse(Status::BAD_REQUEST, error.to_string()));
    }
    Close::Ours(error.to_string())
}

fn beyond_reason(conn: &Conn, header: &Header) -> Close {
    let text = format!(
        "a frame says that its body has {} bytes, more than anybody sends on purpose; the connection is closed",
        header.body_len
    );
    tell(conn, header, &refuse(Status::BAD_REQUEST, text.clone()));
    Close::Ours(text)
}

impl Session for Consumer {
    fn opened(&self, conn: &Rc<Conn>) {
        self.key.set(self.core.opened(conn));
    }

    fn read_len(&self) -> usize {
        READ_LEN
    }

    fn received(&self, conn: &Rc<Conn>, bytes: &[u8]) -> Result<Taken, Close> {
        match self.key.get() {
            Some(of) => self.frames(conn, of, bytes),
            None => Err(Close::Ours("there are too many connections".to_owned())),
        }
    }

    fn closed(&self, conn: &Rc<Conn>, why: &Close) {
        tracing::debug!(consumer = %conn.peer(), %why, "a consumer's connection has ended");
        self.admitted.take();
        if let Some(key) = self.key.take() {
            self.core.closed(key);
        }
    }
}
