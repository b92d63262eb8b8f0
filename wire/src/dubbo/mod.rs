//! Dubbo's own protocol (`dubbo://`): read as much of a frame as routing needs, rewrite as little as possible.
//!
//! ```text
//!   bytes ──▶ frame::Header ──▶ event?  frame::Event           answered where it arrives
//!                           ├─▶ call?   call::peek             the effective call and the attachments
//!                           │           rewrite::RequestEdit   id, attachments, path; arguments untouched
//!                           └─▶ reply?  answer::peek           type 0-5 and the attachments
//!                                       rewrite::ReplyEdit     id, attachments; value untouched
//!   own words: reply::{error, exception, value}, request::Request, frame::{put_heartbeat_request, put_heartbeat_reply}
//! ```
//!
//! | module | what it knows |
//! |---|---|
//! | [`frame`] | the 16-byte header, serializations, statuses, events, heartbeats |
//! | [`descriptor`] | how many parameters a JVM descriptor text names |
//! | [`hessian2`] | skip, read and write Hessian 2 as Dubbo speaks it |
//! | [`fastjson2`] | skip, read and write JSONB fields with their length in front |
//! | [`attachments`] | the map of strings at the end of requests and replies |
//! | [`call`] | what a request asks for: the effective call |
//! | [`answer`] | what a provider's reply is: value, exception, null; its attachments |
//! | [`rewrite`] | new frames from old ones with the bodies copied at most once |
//! | [`reply`] | replies that a gateway makes itself |
//! | [`request`] | requests that a gateway makes itself |
//! | [`value`] | the plain values in both |
//!
//! Slices in, slices out. It never opens a socket, never reads a clock, never panics and never reserves memory for a
//! length that only a peer's word stands for.

pub mod answer;
pub mod attachments;
pub mod call;
pub mod descriptor;
pub mod fastjson2;
pub mod frame;
pub mod hessian2;
mod read;
pub mod reply;
pub mod request;
pub mod rewrite;
mod sink;
pub mod value;

pub use read::{MAX_DEPTH, ReadError};
