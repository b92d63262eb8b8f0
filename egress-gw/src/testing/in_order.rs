//! Calls that may go to several targets, in an order that the test says and no rule.

use std::rc::Rc;

use wire::tunnel::head::Head;

use super::gate::GateBuilder;
use crate::answer::Repeat;
use crate::cache::{Course, Pick, Route, Way, Ways};
use crate::fallback::{Fallback, Handled, Request};
use crate::local_pool::LocalRoute;

impl GateBuilder {
    /// A gate that sends every call to the first of these targets, or to the next where it was not sent.
    pub fn in_order(targets: &'static [&'static str]) -> Self {
        Self { chain: vec![Box::new(InOrder(targets))], ..Self::default() }
    }
}

struct InOrder(&'static [&'static str]);

impl Fallback for InOrder {
    fn name(&self) -> &str {
        "in order"
    }

    fn handle<'a>(&self, request: Request<'a>) -> Handled<'a> {
        let way = |target: &&str| match *target {
            "local" => {
                let key = zk_bridge::ServiceKey::new("com.acme.Greeter", None, None);
                Way::Local(LocalRoute::new(key, "greet"))
            }
            island => {
                let mut head = Vec::new();
                let service = "com.acme.Greeter";
                Head { protocol: Head::DUBBO, destination: island, service, method: "greet", ..Head::default() }
                    .encode_into(&mut head)
                    .unwrap();
                Way::Island(Route { island: island.into(), head: head.into(), repeat: Repeat::Harmful })
            }
        };
        let ways = self.0.iter().map(way).collect();
        match request.decide() {
            Ok(mut decision) => {
                let generation = decision.course.generation();
                let label = "com.acme.Greeter#greet".into();
                let ways =
                    Rc::new(Ways { label, ways, tallies: Box::default(), pick: Pick::First, generation, port: None });
                decision.course = Course::new(ways, |_| unreachable!());
                request.carry(decision)
            }
            Err(failure) => request.fail(&failure),
        }
    }
}
