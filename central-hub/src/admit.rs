//! What a call passes at the hub's door: the ordered filters say whether it may, the limits how much, once it is known that it
//! can go. A filter looks at the head alone, never at a frame, and never waits.
//!
//! ```text
//!  head ─▶ hops ─▶ islands ─▶ grants ─▶ deadline ─▶ audit room ─▶ (switch: a link, room for it) ─▶ limits ─▶ sent
//! ```
//!
//! Another filter is one more [`Filter`] in the list; the first that says no ends the walk. The limits come last, so that calls
//! which cannot go, to an island that is down, take nothing of what its caller may send to others.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};
use wire::tunnel::head::{Flags, Head};

use crate::audit::Audit;
use crate::limits::{Exceeded, Limit, Open};
use crate::policy::{Asked, Policy, is_readable};

/// A call crosses one hub; a head that says it already crossed one is going in a circle.
const HOPS_MAX: u8 = 1;
/// What `application` is where nobody said.
pub const UNKNOWN_APPLICATION: &str = "unknown";

/// A call at the door.
pub struct Admission<'a> {
    /// What the egress says of it.
    pub head: &'a Head<'a>,
    /// Island of the link it came on.
    pub from: &'a str,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Whether the next line can be written.
    pub audit: &'a Audit,
    /// Filled in by the grant filter: the name of the grant.
    pub grant: Option<Arc<str>>,
}

/// One of the ordered filters.
pub trait Filter {
    /// Lets the call pass.
    ///
    /// # Errors
    /// Why not; always *not sent*.
    fn admit(&self, call: &mut Admission<'_>) -> Result<(), Failure>;
}

/// The filters of this hub, in their order.
pub fn filters() -> Vec<Box<dyn Filter>> {
    vec![Box::new(Hops), Box::new(Islands), Box::new(Grants), Box::new(Deadline), Box::new(AuditRoom)]
}

fn refuse(kind: Kind, text: String) -> Failure {
    Failure::new(Stage::Admit, kind, Outcome::NotSent, text)
}

/// No call goes round in a circle.
struct Hops;

impl Filter for Hops {
    fn admit(&self, call: &mut Admission<'_>) -> Result<(), Failure> {
        if call.head.hops < HOPS_MAX {
            return Ok(());
        }
        let text = format!(
            "the call has crossed {} hub already, wanted none: a gateway must not send on what came to it over a link",
            call.head.hops
        );
        Err(refuse(Kind::HopLimit, text))
    }
}

/// Both islands are known and not the same.
struct Islands;

impl Filter for Islands {
    fn admit(&self, call: &mut Admission<'_>) -> Result<(), Failure> {
        let to = call.head.destination;
        if call.policy.island(call.from).is_none() {
            let text =
                format!("island `{}` is no longer in the hub's policy; ask the hub's operator to list it", call.from);
            return Err(refuse(Kind::NotGranted, text));
        }
        if to == call.from {
            let text = format!(
                "the target `{to}` is the caller's own island, wanted another one; take the target away to call a local provider"
            );
            return Err(refuse(Kind::TargetRefused, text));
        }
        Ok(())
    }
}

/// Some grant allows it. An island that does not exist is told apart from one that is not granted by nobody.
struct Grants;

impl Filter for Grants {
    fn admit(&self, call: &mut Admission<'_>) -> Result<(), Failure> {
        let head = call.head;
        let asked = Asked {
            from: call.from,
            to: head.destination,
            group: head.group,
            service: head.service,
            version: head.version,
            method: head.method,
            application: if head.application.is_empty() { UNKNOWN_APPLICATION } else { head.application },
            serialization: head.serialization,
            generic: head.generic,
            callbacks: head.flags.contains(Flags::CALLBACKS),
            // What the gateways cannot read is opaque whatever the egress says of it.
            opaque: head.flags.contains(Flags::OPAQUE) || !is_readable(head.serialization),
        };
        if let Some(grant) = call.policy.grant(&asked) {
            call.grant = Some(grant.id().clone());
            return Ok(());
        }
        let how = match (asked.generic, asked.opaque) {
            ("", false) => String::new(),
            ("", true) => format!(" as an opaque call in serialization {}", asked.serialization),
            (generic, _) => format!(" by generic invocation `{generic}`"),
        };
        let text = format!(
            "no grant lets application `{}` of island `{}` call {}#{}{how} on island `{}`; ask the hub's operator for a grant",
            asked.application,
            asked.from,
            service_text(asked.group, asked.service, asked.version),
            asked.method,
            asked.to,
        );
        Err(refuse(Kind::NotGranted, text))
    }
}

/// The caller still waits.
struct Deadline;

impl Filter for Deadline {
    fn admit(&self, call: &mut Admission<'_>) -> Result<(), Failure> {
        if call.head.remaining_ms == 0 {
            return Err(refuse(
                Kind::DeadlinePassed,
                "the deadline had passed when the call reached the hub".to_owned(),
            ));
        }
        Ok(())
    }
}

/// What cannot be written down is not let in.
struct AuditRoom;

impl Filter for AuditRoom {
    fn admit(&self, call: &mut Admission<'_>) -> Result<(), Failure> {
        if call.audit.is_ready() {
            return Ok(());
        }
        Err(refuse(
            Kind::Overload,
            "the hub's audit cannot be written fast enough; see the hub's log and its disk".to_owned(),
        ))
    }
}

/// Counts one more call of the island `from` that came in at `now`, until it ends.
///
/// # Errors
/// Over which limit it is; nothing was counted.
pub fn within(limit: &Rc<Limit>, from: &str, now: Instant) -> Result<Open, Failure> {
    limit.enter(now).map_err(|exceeded| over(exceeded, from))
}

/// Why the island `from` may not send one more call now.
pub fn over(exceeded: Exceeded, from: &str) -> Failure {
    let text = match exceeded {
        Exceeded::PerSecond(limit) => format!(
            "island `{from}` has sent its {limit} calls of this second; its limit at the hub is calls_per_second = {limit}"
        ),
        Exceeded::AtOnce(limit) => {
            format!("island `{from}` has {limit} calls open; its limit at the hub is concurrent_calls = {limit}")
        }
    };
    refuse(Kind::Overload, text)
}

/// `[group/]interface[:version]`, for people.
pub fn service_text(group: &str, interface: &str, version: &str) -> String {
    let mut text = String::with_capacity(group.len() + interface.len() + version.len() + 2);
    if !group.is_empty() {
        text.push_str(group);
        text.push('/');
    }
    text.push_str(interface);
    if !version.is_empty() {
        text.push(':');
        text.push_str(version);
    }
    text
}

#[cfg(test)]
#[path = "admit_tests.rs"]
mod tests;
