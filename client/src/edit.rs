//! The frame that a provider gets: the pool's own id in front, the words of the gateway that sends it, less time than the caller had,
//! and the path and token that this one provider wants. Arguments pass byte for byte, and the frame is copied once, to where it is
//! written from.
//!
//! ```text
//!  frame ─ ForProvider::append ─▶ first provider ─ not sent, frame comes back ─ append_again ─▶ another provider
//!                                     └ it waited for a connection: only its time is less (append_waited)
//! ```

use std::time::Duration;

use thiserror::Error;
use wire::dubbo::call::{Call, PeekError, Peeked, peek};
use wire::dubbo::frame::{FrameError, HEADER_LEN, Header, set_id};
use wire::dubbo::rewrite::{RequestEdit, RewriteError, Strip};

use crate::Offer;

/// Dubbo's default `payload`: providers refuse a longer body, those of 2.x without a word.
const PAYLOAD_LEN: usize = 8 * 1024 * 1024;

const TOKEN: &str = "token";

/// Whose token a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOf {
    /// What the caller has sent, if anything.
    Caller,
    /// The provider's own, put in here.
    Provider,
}

/// Why a frame cannot be written for a provider.
#[derive(Debug, Error)]
pub enum EditError {
    /// It could be read before and cannot now.
    #[error("the frame cannot be read again: {0}")]
    Frame(#[from] FrameError),
    /// The same, of its body.
    #[error("the frame cannot be read again: {0}")]
    Peek(#[from] PeekError),
    /// Something in it does not let itself be changed.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// It has no room for what has to be put in.
    #[error(
        "its body of {found_len} bytes, with the calling island and the provider's path in it, is over Dubbo's limit of {PAYLOAD_LEN} bytes; send less"
    )]
    TooLong {
        /// The whole body.
        found_len: usize,
    },
}

/// A call as it came, and what it shall say to whichever provider gets it.
#[derive(Debug, Clone, Copy)]
pub struct ForProvider<'a> {
    /// The header of the frame.
    pub header: &'a Header,
    /// The whole frame, header included.
    pub frame: &'a [u8],
    /// What it asks for, where it can be read.
    pub peeked: &'a Peeked<'a>,
    /// What field 2 has to say: 2.7 and later look it up before they read the attachments.
    pub interface: &'a str,
    /// Attachments of the sender without which the call would mean something else; at most two, empty values are left out.
    pub needed: &'a [(&'a str, &'a str)],
    /// Others, which go along where the body does not get too long by them; at most two.
    pub more: &'a [(&'a str, &'a str)],
}

/// What of the sender's own words goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// All of them.
    All,
    /// Only what is needed, and what addresses the provider.
    Needed,
}

impl ForProvider<'_> {
    /// Appends the frame for the provider that makes `offer`; `left` is what remains for it. Every `highway.*` attachment of the caller
    /// is taken out.
    ///
    /// # Errors
    /// [`EditError`]; nothing was appended. A call that can be read never goes without what is needed: a provider may trust one that has
    /// none of it. One that cannot be read goes as it came.
    pub fn append(&self, offer: &Offer, left: Duration, id: i64, out: &mut Vec<u8>) -> Result<(), EditError> {
        let Peeked::Call(call) = self.peeked else {
            put_with_id(self.frame, id, out);
            return Ok(());
        };
        match self.written(call, Words::All, offer, left, id, out) {
            Err(EditError::TooLong { .. }) => self.written(call, Words::Needed, offer, left, id, out),
            done => done,
        }
    }

    fn written(
        &self,
        call: &Call<'_>,
        words: Words,
        offer: &Offer,
        left: Duration,
        id: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), EditError> {
        let service = (*call.leading.service != *self.interface).then_some(self.interface);
        let start = out.len();
        let mut digits = [0; 10];
        let mut set = Attachments::default();
        set.put_all(self.needed);
        if words == Words::All {
            set.put_all(self.more);
            lowered(call, left, &mut digits, &mut set);
        }
        addressed(call, service, offer, &mut set);
        let edit = RequestEdit { id: Some(id), service, strip: Strip::ROUTING, set: set.list() };
        edit.append(self.header, self.frame.get(HEADER_LEN..).unwrap_or_default(), call, out)?;
        fits(self.frame, start, out)
    }
}

/// Takes back what stands in `out` from `start` on, if it is too long for a provider, and `frame`, of which it was made, was not.
fn fits(frame: &[u8], start: usize, out: &mut Vec<u8>) -> Result<(), EditError> {
    let frame_len = out.len() - start;
    if is_over(frame_len) && !is_over(frame.len()) {
        out.truncate(start);
        return Err(EditError::TooLong { found_len: frame_len - HEADER_LEN });
    }
    Ok(())
}

fn is_over(frame_len: usize) -> bool {
    frame_len > HEADER_LEN + PAYLOAD_LEN
}

/// Appends a frame that was written for one provider for another, with what remains for it now.
///
/// # Errors
/// [`EditError`]; nothing was appended.
pub fn append_again(
    frame: &[u8],
    token: TokenOf,
    offer: &Offer,
    left: Duration,
    id: i64,
    out: &mut Vec<u8>,
) -> Result<(), EditError> {
    let Some(header) = Header::decode(frame)? else { return Ok(()) };
    let body = frame.get(HEADER_LEN..).unwrap_or_default();
    let peeked = peek(&header, body)?;
    let Peeked::Call(call) = peeked else {
        put_with_id(frame, id, out);
        return Ok(());
    };
    let mut digits = [0; 10];
    let mut set = Attachments::default();
    lowered(&call, left, &mut digits, &mut set);
    addressed(&call, None, offer, &mut set);
    // The other provider's token is not for this one to see.
    let keys: &[&str] = if token == TokenOf::Provider { &[TOKEN] } else { &[] };
    let edit = RequestEdit { id: Some(id), service: None, strip: Strip { keys, prefixes: &[] }, set: set.list() };
    let start = out.len();
    edit.append(&header, body, &call, out)?;
    fits(frame, start, out)
}

/// Appends a frame that has waited for its provider: only its time is less. Where that cannot be written, it goes as it is; nothing is
/// lost but that the provider thinks it has longer.
pub(crate) fn append_waited(frame: &[u8], left: Duration, out: &mut Vec<u8>) {
    let start = out.len();
    if append_with_less_time(frame, left, out).is_err() {
        out.truncate(start);
        out.extend_from_slice(frame);
    }
}

fn append_with_less_time(frame: &[u8], left: Duration, out: &mut Vec<u8>) -> Result<(), EditError> {
    let Some(header) = Header::decode(frame)? else {
        out.extend_from_slice(frame);
        return Ok(());
    };
    let body = frame.get(HEADER_LEN..).unwrap_or_default();
    let mut digits = [0; 10];
    let mut set = Attachments::default();
    let peeked = peek(&header, body)?;
    if let Peeked::Call(call) = &peeked {
        lowered(call, left, &mut digits, &mut set);
    }
    match &peeked {
        Peeked::Call(call) if !set.list().is_empty() => {
            let edit =
                RequestEdit { id: None, service: None, strip: Strip { keys: &[], prefixes: &[] }, set: set.list() };
            edit.append(&header, body, call, out)?;
        }
        _ => out.extend_from_slice(frame),
    }
    Ok(())
}

/// A provider must not think that it has longer than its caller waits.
fn lowered<'e>(call: &Call<'_>, left: Duration, digits: &'e mut [u8; 10], set: &mut Attachments<'e>) {
    // 0 would mean that no timeout is set.
    let left_ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1);
    if call.timeout.is_some_and(|timeout| timeout.as_millis() > u128::from(left_ms)) {
        set.put("timeout", decimal(left_ms, digits));
    }
}

/// What only this provider wants. Where field 2 is written anew as `leading`, a call without an attachment `path` would no
/// longer mean what it did.
fn addressed<'e>(call: &Call<'_>, leading: Option<&str>, offer: &'e Offer, set: &mut Attachments<'e>) {
    if *call.service != *offer.path || leading.is_some_and(|leading| *leading != *offer.path) {
        set.put("path", &offer.path);
    }
    if let Some(token) = &offer.token {
        set.put(TOKEN, token.reveal());
    }
}

fn put_with_id(frame: &[u8], id: i64, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(frame);
    set_id(&mut out[start..], id);
}

/// A few attachments to put in, without an allocation; those without a value are left out.
#[derive(Default)]
struct Attachments<'e> {
    /// Two that are needed, two more, the timeout, the path, the token.
    list: [(&'e str, &'e str); 7],
    len: usize,
}

impl<'e> Attachments<'e> {
    fn put(&mut self, key: &'e str, value: &'e str) {
        if let Some(place) = self.list.get_mut(self.len).filter(|_| !value.is_empty()) {
            *place = (key, value);
            self.len += 1;
        }
    }

    fn put_all(&mut self, all: &[(&'e str, &'e str)]) {
        all.iter().for_each(|(key, value)| self.put(key, value));
    }

    fn list(&self) -> &[(&'e str, &'e str)] {
        &self.list[..self.len]
    }
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).unwrap_or_default()
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
