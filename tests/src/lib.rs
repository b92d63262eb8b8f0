//! What tests of several crates share, on the islands of the crate `lab`.
//!
//! ```text
//!   differential   our reading of requests held against a released Dubbo's
//!   matrix     every release against every other, directly and through the line
//!   values     what Java makes of its values, of the types that are declared
//!   yardstick  how long this machine stood still
//!   healthy    a caller that must not notice what a test does beside it
//!   boxes      what boxes between an island and the hub do to calls
//!   faults     what breaks under load, and what comes of it
//!   walk       what the README says, done word for word
//! ```
//!
//! A failed test says what every program, server and application said last; `HIGHWAY_LAB_LOG=debug` makes ours say more.
//!
//! Nothing here outlives the process that made it, and nothing here waits without a deadline.

pub mod boxes;
pub mod differential;
pub mod faults;
pub mod healthy;
pub mod matrix;
pub mod values;
pub mod walk;
pub mod yardstick;
