//! A provider as its consumers see it: frames in, frames out, over a real socket.
//!
//! | file | what |
//! |---|---|
//! | `talker.rs` | a consumer that writes its frames by hand, and a provider to talk to |
//! | `calls.rs` | arguments, results, exceptions, attachments, overloads, generic calls |
//! | `refused.rs` | what is answered with a status, and what closes the connection |
//! | `admitted.rs` | the token, the time of a call, what handlers do not see |
//! | `ending.rs` | panics, consumers that go, too many calls, drain |
//! | `hostile.rs` | any bytes at all |
#![allow(clippy::unwrap_used, reason = "a test")]

mod admitted;
mod calls;
mod ending;
mod hostile;
mod refused;
mod talker;
