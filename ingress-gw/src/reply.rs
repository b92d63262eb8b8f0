//! A provider's answer on its way back: the caller's id in front, nothing of this island's network left in its
//! attachments, an error that the caller can read. Everything else passes byte for byte. Pure.

use memchr::memmem;
use wire::dubbo::answer;
use wire::dubbo::frame::{HEADER_LEN, Header, Status};
use wire::dubbo::reply::{Asked, reencode_error};
use wire::dubbo::rewrite::{ReplyEdit, Strip};

/// The answer as the caller gets it.
#[derive(Debug, PartialEq, Eq)]
pub enum Shaped<'a> {
    /// A new header in front of the body as it came.
    Kept([u8; HEADER_LEN], &'a [u8]),
    /// Written anew.
    Whole(Vec<u8>),
}

/// Makes the caller's answer of a provider's. `header` is the one in front of `frame`.
#[must_use]
pub fn shape<'a>(header: &Header, frame: &'a [u8], asked: &Asked) -> Shaped<'a> {
    let header = Header { id: asked.id, ..*header };
    let body = frame.get(HEADER_LEN..).unwrap_or_default();
    rewritten(&header, body, asked).map_or_else(|| Shaped::Kept(header.encode(), body), Shaped::Whole)
}

fn rewritten(header: &Header, body: &[u8], asked: &Asked) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    if header.status() != Status::OK {
        return reencode_error(&mut out, header, body, asked.serialization).then_some(out);
    }
    if !may_hold_routing_keys(body) {
        return None;
    }
    let edit = ReplyEdit { strip: Strip::REPLY, ..ReplyEdit::default() };
    // An answer that cannot be read passes as it is: it is the provider's, and the caller's codec is the judge of it.
    let found = answer::peek(header, body).ok()??;
    edit.append(header, body, &found, &mut out).ok()?;
    Some(out)
}

/// Whether a key of [`Strip::REPLY`] may stand in the body. Two passes at the speed of memory instead of a walk over the
/// value; keys are short, so that no serialization cuts them.
fn may_hold_routing_keys(body: &[u8]) -> bool {
    memmem::find(body, b"-addr").is_some() || memmem::find(body, b"highway.").is_some()
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
