//! Small POSTs up and long polls down, for ways that hold every body until it is whole: each request and each answer ends as soon as there
//! is something to say. It never streams a body, never uses GET, and never has more under way than a handful of requests.
//!
//! ```text
//!  gateway                                                          hub
//!  send ─▶ outbox ─ POST: bytes 0…700 up ────────────▶ inbox ─▶ read      up to four at once, answered at once
//!                 ─ POST: bytes 700…900 up ──────────▶
//!  read ◀─ inbox ◀─ answer: bytes 0…300 down ───────── outbox ◀─ send     two that wait, answered when there is something,
//!                 ◀─ answer: nothing, after `wait` ───                     or after a while
//! ```
//!
//! Both ends number the bytes of each direction. A request says where its bytes stand and how many of the other direction have come, an
//! answer the same; so a POST that a box repeats, delays or loses changes nothing, and whatever was lost is sent again. A stream is named
//! by 16 random bytes that its opener draws; who guesses them could break it, and nothing else: what it carries is always sealed
//! by the keys of the handshake that was made on it.
//!
//! Bytes up go as they are or, where both ends' operators say so, each request's as the one file of a form (`part`).

mod boxes;
mod coming;
pub(crate) mod dialled;
mod frame;
mod part;
mod pool;
pub(crate) mod served;
mod worker;

/// Bytes of a direction that may be under way at once, and that an end holds for the other at most.
const WINDOW: usize = 2 * 1024 * 1024;
/// The same before a stream's other end has proved who it is: a handshake fits in, and little else.
const STRANGERS_WINDOW: usize = 64 * 1024;
/// The most bytes of an answer.
const ANSWER_LEN: usize = 512 * 1024;
