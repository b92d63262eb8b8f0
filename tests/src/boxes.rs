//! What boxes between an island and the hub do to calls: see [`lab::boxes`] for the boxes.
//!
//! ```text
//!   island a: load ─▶ egress ──▶ box ──▶ hub ◀── box ◀── ingress ─▶ echo :island b
//!   stage     a line whose gateways each reach the hub through a box of their own
//!   load      calls, every answer checked; echo, the provider that answers them
//!   trial     what a box does to calls: at rest, started again, cut, slowed, in silence
//!   table     figures for people
//! ```

mod echo;
mod load;
mod stage;
mod table;
mod trial;

pub use load::{Load, Outcome};
pub use stage::{Leg, Stage};
pub use table::{document, line};
pub use trial::{Extent, Figures};
