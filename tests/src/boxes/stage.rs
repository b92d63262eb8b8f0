//! A line in which each pair of gateways reaches the hub through a box of its own, and a service for each pair: calls of one leg cross
//! one box twice, out of island `a` and into island `b`, and nothing that happens to it touches the others.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result};

use super::echo;
use lab::boxes::{Kind, Papers, Running};
use lab::line::{Egress, Line, Plan, Role};
use lab::process::{together, until};
use lab::program::Program;

/// From the start of a gateway until it is ready; they all start at once.
const READY: Duration = Duration::from_secs(30);
/// From then until a service is offered to the other island.
const OFFERED: Duration = Duration::from_secs(60);

/// The line and its legs.
#[derive(Debug)]
pub struct Stage {
    /// The line; its gateways are those of the legs, in their order.
    pub line: Line,
    /// Each with its box.
    pub legs: Vec<Leg>,
    /// Kinds that this machine cannot have, and why.
    pub left_out: Vec<(&'static Kind, String)>,
}

/// A pair of gateways, and the box between them and the hub.
#[derive(Debug)]
pub struct Leg {
    /// The box.
    pub running: Running,
    /// Which of the gateways, from 0.
    pub(super) number: usize,
}

impl Stage {
    /// Starts all of it, with these kinds; returns when each service is offered.
    ///
    /// # Errors
    /// The machine allows no namespaces, or something of ours does not start. A box that does not is left out.
    pub fn start(kinds: &[&'static Kind]) -> Result<Self> {
        Stage::planned(kinds, Plan::new("a", "b"))
    }

    /// As [`start`](Self::start), with more said in a plan of the islands `a` and `b`.
    ///
    /// # Errors
    /// As there.
    pub fn planned(kinds: &[&'static Kind], plan: Plan) -> Result<Self> {
        let count = u16::try_from(kinds.len())?;
        let plan = plan.boxes(kinds.len()).gateways(Role::Egress, "a", count).gateways(Role::Ingress, "b", count);
        let line = Line::up_to_the_hub(plan)?;
        // Programs of boxes that give up their rights find the way to their folders.
        fs::set_permissions(line.lab.folder(), fs::Permissions::from_mode(0o711))?;
        // What some boxes need, and no gateway does that was not told to.
        let islands = fs::read_to_string(line.hub.folder().join("islands.toml"))?;
        line.hub.write("islands.toml", &islands.replace("[[island]]\n", "[[island]]\nmultipart = true\n"))?;
        let papers = Papers::new(line.lab.folder())?;
        let start = |(number, kind): (usize, &'static Kind)| {
            let place = &line.lab.net.boxes()[number];
            let running = Running::start(kind, place, line.hub_address, line.lab.folder(), &papers);
            Ok((kind, running.map(|running| Leg { running, number })))
        };
        let (mut legs, mut left_out) = (Vec::new(), Vec::new());
        for (kind, started) in together(kinds.iter().copied().enumerate().collect(), start)? {
            match started {
                Ok(leg) => legs.push(leg),
                Err(error) => left_out.push((kind, format!("{error:#}"))),
            }
        }
        let services: Vec<String> = legs.iter().map(Leg::service).collect();
        let providers = line.island("b");
        echo::start(providers.place(), &providers.zookeeper, &services)?;
        let stage = Stage { line, legs, left_out };
        stage.open()?;
        Ok(stage)
    }

    fn open(&self) -> Result<()> {
        let gateways = || self.legs.iter().flat_map(|leg| [self.ingress(leg), self.egress(leg)].map(|one| (leg, one)));
        gateways().try_for_each(|(leg, gateway)| self.tell(leg, gateway))?;
        gateways().try_for_each(|(_, gateway)| gateway.start())?;
        gateways().try_for_each(|(leg, gateway)| {
            gateway.ready(READY).with_context(|| format!("behind {}\n{}", leg.name(), leg.running.last_words()))
        })?;
        for leg in &self.legs {
            let told = || self.line.island("a").finds(&leg.service()).ok();
            until(&format!("{} offers its service", leg.name()), OFFERED, told)?;
        }
        Ok(())
    }

    /// A gateway goes through its leg's box, and serves its leg alone.
    fn tell(&self, leg: &Leg, gateway: &Program) -> Result<()> {
        leg.running.way().lead(gateway, self.line.hub_address)?;
        let text = fs::read_to_string(gateway.configuration())?;
        Ok(fs::write(gateway.configuration(), text.replace("com.example.*", &leg.service()))?)
    }

    /// The leg with the box of this name.
    ///
    /// # Errors
    /// There is none, or it was left out; says why.
    pub fn leg(&self, name: &str) -> Result<&Leg> {
        let found = self.legs.iter().find(|leg| leg.name() == name);
        let why = || self.left_out.iter().find(|(kind, _)| kind.name == name).map(|(_, why)| why.clone());
        found.with_context(|| why().unwrap_or_else(|| format!("the stage has no box {name}")))
    }

    /// The gateway where consumers come in that go through this box.
    #[must_use]
    pub fn egress(&self, leg: &Leg) -> &Program {
        self.egress_of(leg)
    }

    /// Where calls go out that came through it.
    #[must_use]
    pub fn ingress(&self, leg: &Leg) -> &Program {
        &self.line.island("b").ingresses[leg.number]
    }

    /// Where consumers connect that go through this box.
    #[must_use]
    pub fn address(&self, leg: &Leg) -> SocketAddr {
        self.egress_of(leg).at(self.line.island("a").place().address())
    }

    fn egress_of(&self, leg: &Leg) -> &Egress {
        &self.line.island("a").egresses[leg.number]
    }

    /// What everything on this leg said last.
    #[must_use]
    pub fn last_words(&self, leg: &Leg) -> String {
        [
            leg.running.last_words(),
            self.egress(leg).last_words(),
            self.ingress(leg).last_words(),
            self.line.hub.last_words(),
        ]
        .concat()
    }
}

impl Leg {
    /// The name of its box.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.running.kind().name
    }

    /// The service that is called over it.
    #[must_use]
    pub fn service(&self) -> String {
        format!("com.example.boxes.{}", self.name().replace('-', "_"))
    }
}
