//! Which calls may come in, asked on the 16-byte header before memory is reserved for the body, and how long each may
//! take. Refuses in words; never waits for room.

use std::net::IpAddr;

use wire::dubbo::call::Peeked;
use wire::dubbo::frame::Header;
use wire::tunnel::failure::{Failure, Kind, Outcome, Stage};

use crate::core::Core;
use crate::deadline::{Allowed, Dialect};
use crate::held::{Charge, Extent};
use crate::knowledge::Caller;

impl Core {
    /// Whether a frame with this header may come, asked before its body is read.
    ///
    /// # Errors
    /// What its sender is told at once.
    pub fn admit(&self, header: &Header, extent: Extent, waiting_on_connection: usize) -> Result<Charge, Failure> {
        let (body_len, limit) = (header.body_len as usize, self.limits.frame_len);
        if body_len > limit {
            let text = format!(
                "the request body of {body_len} bytes is over the limit of {limit} bytes of this egress gateway; send less, or raise limits.frame here and at the other end"
            );
            return Err(Failure::new(Stage::Session, Kind::TooLarge, Outcome::NotSent, text));
        }
        let full = |found: usize, limit: usize, what: &str, key: &str| {
            let text = format!(
                "{found} {what} at this egress gateway, at most {limit} are allowed; call less at once, or raise limits.{key}"
            );
            Failure::new(Stage::Session, Kind::Overload, Outcome::NotSent, text)
        };
        let limits = &self.limits;
        if waiting_on_connection >= limits.in_flight_per_connection {
            let what = "calls of this connection wait";
            return Err(full(waiting_on_connection, limits.in_flight_per_connection, what, "in_flight_per_connection"));
        }
        if self.calls.len() >= limits.in_flight {
            return Err(full(self.calls.len(), limits.in_flight, "calls wait on this shard", "in_flight"));
        }
        self.allowance.charge(header.frame_len(), extent).ok_or_else(|| {
            let budget = self.allowance.budget();
            let limit = match extent {
                Extent::Whole => budget.limit(),
                Extent::Begun => budget.unfinished_limit(),
            };
            full(budget.held(), limit, "bytes are held", "held")
        })
    }

    /// How long the gateway may take for this call.
    pub fn timeout(&self, peeked: &Peeked<'_>, consumer: IpAddr) -> Allowed {
        let Peeked::Call(call) = peeked else { return self.timeouts.settle(None, || None, Dialect::Java) };
        let dialect = if call.is_dubbo_go() { Dialect::Go } else { Dialect::Java };
        let known = || self.knowledge.load().consumers.timeout(&Caller::of(call, consumer));
        self.timeouts.settle(call.timeout, known, dialect)
    }
}

#[cfg(test)]
#[path = "admit_tests.rs"]
mod tests;
