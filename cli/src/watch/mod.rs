//! What running programs say of themselves, as tables: read from their admin listeners, compared with the look before, sorted by
//! what hurts first. For `highway status` and `highway top`.
//!
//! ```text
//!  admins ─▶ look: /status, /metrics of each ─▶ Program ─▶ view, with what each said before ─▶ rows ─▶ table, or JSON
//! ```
//!
//! Never changes anything at a program, and never waits long for one.

mod advice;
mod flow;
mod islands;
mod links;
mod look;
mod page;
mod program;
mod services;
mod table;
mod text;
mod view;

pub use look::{Admins, Look};
pub use table::end_cut;
pub use text::{Paint, Room, text};
pub use view::{Filter, History, View};
