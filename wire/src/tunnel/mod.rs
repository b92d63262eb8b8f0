//! Every shape that crosses a link between a gateway and the hub. It never touches a socket, a clock or a key.
//!
//! ```text
//!  hello                 what both ends say before anything else
//!  record                the 16-byte header in front of everything afterwards
//!    open    = head + first piece of the body          head, who calls what and until when
//!    reply   = reply head + first piece of the answer   reply
//!                                                       model, how calls and answers are said by what they have in common
//!    failure                                            failure, how far a call got and why it ended
//!    catalogue, notice                                  JSON; entries, the services of a catalogue as a program keeps them;
//!                                                       question, what is asked and answered about a call that nobody makes
//! ```

pub mod catalogue;
pub mod entries;
pub mod failure;
pub mod head;
pub mod hello;
pub mod model;
pub mod notice;
pub mod packed;
pub mod question;
pub mod record;
pub mod reply;

pub use entries::{Entries, Keyed};
pub use failure::{Failure, Kind, Outcome, Stage};
pub use head::{Flags, Head, Stamp};
pub use model::Model;
pub use notice::Notice;
pub use packed::{Beside, Packed, PackedError};
pub use record::{End, Record, RecordType, Said};
pub use reply::ReplyHead;
