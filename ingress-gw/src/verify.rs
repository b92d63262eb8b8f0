//! Whether the head says what the frame says. The hub has decided on the head alone; this gateway guards its own island,
//! reads the whole frame, and refuses any difference, so that a gateway that lies gains nothing. Pure.
//!
//! ```text
//!  head   service interface group version method generic application · flags · serialization · length
//!            =       =       =      =       =       =         =            =          =           =
//!  frame  the effective call: attachments over leading fields             header     header      bytes
//! ```
//!
//! The application is compared where the frame names one; where it does not, the head's is the sending island's word. Of a
//! frame that nobody can read the head must name nothing else: a name that is not checked is not a name.

use thiserror::Error;
use wire::dubbo::call::{Call, Generic, PeekError, Peeked, peek};
use wire::dubbo::frame::{FrameError, FrameKind, HEADER_LEN, Header};
use wire::tunnel::{Flags, Head};

/// A frame that is what its head says.
#[derive(Debug, Clone)]
pub struct Verified<'a> {
    /// Its header.
    pub header: Header,
    /// The whole frame.
    pub frame: &'a [u8],
    /// What it asks for, where it can be read.
    pub peeked: Peeked<'a>,
}

/// Why a frame is not carried on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is no Dubbo call.
    #[error("the frame of the call cannot be read: {0}")]
    NoCall(String),
    /// It is a call that no provider may see.
    #[error(transparent)]
    Peek(#[from] PeekError),
    /// It is another call than the head says.
    #[error(
        "the call's head says {field} {claimed:?}, its frame {found:?}; the gateway that sent it is faulty or lies"
    )]
    Forged {
        /// What differs.
        field: &'static str,
        /// What the head says.
        claimed: String,
        /// What the frame says.
        found: String,
    },
}

impl From<FrameError> for Refusal {
    fn from(error: FrameError) -> Self {
        Self::NoCall(error.to_string())
    }
}

/// Reads a frame and holds it against its head.
///
/// # Errors
/// [`Refusal`]; the call must not be carried on.
pub fn verify<'a>(head: &Head<'_>, frame: &'a [u8]) -> Result<Verified<'a>, Refusal> {
    if head.protocol != Head::DUBBO {
        return Err(Refusal::NoCall(format!("protocol {}, wanted {} (Dubbo)", head.protocol, Head::DUBBO)));
    }
    let Some(header) = Header::decode(frame)? else {
        return Err(Refusal::NoCall(format!("{} bytes, wanted a header of {HEADER_LEN}", frame.len())));
    };
    if header.frame_len() != frame.len() {
        return Err(Refusal::NoCall(format!("{} bytes, its header says {}", frame.len(), header.frame_len())));
    }
    let one_way = match header.kind() {
        FrameKind::Call => false,
        FrameKind::OneWay => true,
        other => return Err(Refusal::NoCall(format!("a frame of kind {other:?}, wanted a call"))),
    };
    number("body length", head.body_len as usize, frame.len())?;
    number("serialization", usize::from(head.serialization), usize::from(header.serialization().id()))?;
    flag("one-way", head.flags.contains(Flags::ONE_WAY), one_way)?;
    let peeked = peek(&header, frame.get(HEADER_LEN..).unwrap_or_default())?;
    flag("opaque", head.flags.contains(Flags::OPAQUE), matches!(peeked, Peeked::Opaque(_)))?;
    match &peeked {
        Peeked::Call(call) => same_call(head, call)?,
        Peeked::Opaque(_) => no_call_named(head)?,
    }
    Ok(Verified { header, frame, peeked })
}

fn same_call(head: &Head<'_>, call: &Call<'_>) -> Result<(), Refusal> {
    text("service", head.service, &call.service)?;
    text("interface", head.interface, call.conflicting_interface().unwrap_or_default())?;
    text("group", head.group, call.group.as_deref().unwrap_or_default())?;
    text("version", head.version, call.version.as_deref().unwrap_or_default())?;
    text("method", head.method, &call.method)?;
    text("generic", head.generic, call.generic.map_or("", Generic::name))?;
    flag("callbacks", head.flags.contains(Flags::CALLBACKS), call.reverse.is_some())?;
    match call.application.as_deref() {
        None | Some("") => Ok(()),
        Some(named) => text("application", head.application, named),
    }
}

/// Nothing that only the body can show; a provider would run what the body says.
fn no_call_named(head: &Head<'_>) -> Result<(), Refusal> {
    text("service", head.service, "")?;
    text("interface", head.interface, "")?;
    text("group", head.group, "")?;
    text("version", head.version, "")?;
    text("method", head.method, "")?;
    text("generic", head.generic, "")?;
    flag("callbacks", head.flags.contains(Flags::CALLBACKS), false)
}

fn text(field: &'static str, claimed: &str, found: &str) -> Result<(), Refusal> {
    // Most of the texts are empty on both sides, and glibc's memcmp for AVX-512 takes a slow path for a length of 0 at
    // the address that an empty slice has: a fifth of this program's time in user space.
    if claimed.len() == found.len() && (found.is_empty() || claimed == found) {
        return Ok(());
    }
    Err(Refusal::Forged { field, claimed: claimed.to_owned(), found: found.to_owned() })
}

fn number(field: &'static str, claimed: usize, found: usize) -> Result<(), Refusal> {
    if claimed == found {
        return Ok(());
    }
    Err(Refusal::Forged { field, claimed: claimed.to_string(), found: found.to_string() })
}

fn flag(field: &'static str, claimed: bool, found: bool) -> Result<(), Refusal> {
    if claimed == found {
        return Ok(());
    }
    Err(Refusal::Forged { field, claimed: claimed.to_string(), found: found.to_string() })
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
