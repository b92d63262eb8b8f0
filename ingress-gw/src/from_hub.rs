//! What comes over the links: a call begins here, or is not wanted any more. It decides nothing about a call but whether
//! its bytes are here and fit.

use std::time::Duration;

use tunnel::{AssemblyError, End, ExchangeId, Handler, Link, Open, Reply};
use wire::tunnel::catalogue::Update;
use wire::tunnel::{Failure, Flags, Head, Kind, Notice, Outcome, Stage};

use crate::arrivals::{ArrivalError, Gathered};
use crate::line::{LONGEST, Line};

impl Handler for Line {
    fn up(&self, link: &Link) {
        self.links.borrow_mut().push(link.clone());
        self.meters.links(self.links.borrow().len());
        self.links_up.up();
        tracing::info!(hub = &*link.peer().name, "a link to a hub is up");
        self.tell(link);
        let reason = self.draining.borrow().clone();
        if let Some(reason) = reason {
            link.go_away(&reason);
        }
    }

    fn down(&self, link: &Link) {
        self.links.borrow_mut().retain(|known| known != link);
        self.told.borrow_mut().remove(&link.id());
        self.meters.links(self.links.borrow().len());
        self.links_up.down();
        tracing::info!(hub = &*link.peer().name, "a link to a hub is over");
    }

    fn opened(&self, link: &Link, exchange: ExchangeId, open: Open<'_>) {
        let head = match Head::decode(open.head) {
            Ok(head) => head,
            Err(error) => {
                let failure = Failure::new(Stage::Tunnel, Kind::Unparsable, Outcome::NotSent, error.to_string());
                return self.refuse(link, exchange, false, &failure);
            }
        };
        let now = self.pool.now();
        let one_way = head.flags.contains(Flags::ONE_WAY);
        if head.body_len as usize > self.limits.frame_len {
            let text = format!(
                "a request of {} bytes is over this ingress gateway's limit of {} bytes",
                head.body_len, self.limits.frame_len
            );
            let failure = Failure::new(Stage::Tunnel, Kind::TooLarge, Outcome::NotSent, text);
            return self.refuse(link, exchange, one_way, &failure);
        }
        if open.end == End::Yes {
            return self.carry(link, exchange, &head, open.piece, now);
        }
        let deadline = now + Duration::from_millis(u64::from(head.remaining_ms)).min(LONGEST);
        let (body, times) = ((head.body_len, open.piece), (now, deadline));
        let begun = self.arrivals.begin((link, exchange), (head.source, open.head), body, times);
        if let Err(error) = begun {
            let failure = Failure::new(Stage::Tunnel, kind_of(&error), Outcome::NotSent, error.to_string());
            self.refuse(link, exchange, one_way, &failure);
        }
    }

    fn data(&self, link: &Link, exchange: ExchangeId, piece: &[u8], end: End) {
        let (arrival, whole) = match self.arrivals.gather(link, exchange, (piece, end), self.pool.now()) {
            Gathered::Waits => return,
            Gathered::Complete(arrival) => (arrival, Ok(())),
            Gathered::Broken(arrival, error) => (arrival, Err(error)),
        };
        // Read before, when it came.
        let Ok(head) = Head::decode(&arrival.head) else { return };
        match whole.and_then(|()| arrival.body()).map_err(ArrivalError::from) {
            Ok(frame) => self.carry(link, exchange, &head, frame, arrival.since),
            Err(error) => {
                let failure = Failure::new(Stage::Tunnel, kind_of(&error), Outcome::NotSent, error.to_string());
                self.refuse(link, exchange, head.flags.contains(Flags::ONE_WAY), &failure);
            }
        }
    }

    fn cancelled(&self, link: &Link, exchange: ExchangeId) {
        self.arrivals.forget(link, exchange);
        let Some(carried) = self.in_flight.take_exchange(link, exchange) else { return };
        self.meters.cancelled();
        carried.route.tally.ended();
        self.meters.in_flight(self.in_flight.len());
        if let Some((call, _)) = carried.provider {
            self.pool.cancel(call);
        }
    }

    // This gateway opens no exchanges and imports nothing.
    fn reply(&self, _: &Link, _: u64, _: Reply<'_>) {}
    fn failed(&self, _: &Link, _: u64, _: Failure) {}
    fn catalogue(&self, _: &Link, _: Update) {}
    fn drained(&self, _: &Link, _: ExchangeId, _: usize) {}

    fn notice(&self, link: &Link, notice: Notice) {
        if let Notice::Asked { question, call } = &notice {
            let providers = self.behind(&call.head());
            return link.notify(&Notice::Staffed { question: *question, gateway: String::new(), providers });
        }
        tracing::debug!(hub = &*link.peer().name, ?notice, "a notice of a hub");
    }
}

fn kind_of(error: &ArrivalError) -> Kind {
    match error {
        ArrivalError::Share(_) | ArrivalError::Assembly(AssemblyError::NoBudget { .. }) => Kind::Overload,
        ArrivalError::Assembly(AssemblyError::WrongLength { .. }) => Kind::Unparsable,
    }
}
