//! Whether the hub would link: its own words, and whose they are. Pure.

use tunnel::{Asker, NoLink, Role, Transport, Welcomed};

use super::verdict::Verdict;
use super::{Mark, Step};
use crate::doctor::NO_LINK;
use crate::doctor::show::time;

/// Over what the hub is asked: what the configuration asks for, else the best that passes.
pub fn transport(verdict: &Verdict, set: Option<&str>) -> Option<Transport> {
    let name = set.or_else(|| verdict.passes.first().copied())?;
    let all = [Transport::Ws, Transport::H2, Transport::H1, Transport::Post];
    all.into_iter().find(|transport| transport.name() == name).filter(|_| !verdict.passes.is_empty())
}

pub fn step(answer: &Result<Welcomed, NoLink>, asker: &Asker) -> Step {
    let role = match asker.role {
        Role::Ingress => "ingress",
        _ => "egress",
    };
    let whom = format!("{role} gateway `{}` of island `{}`", asker.gateway, asker.island);
    match answer {
        Ok(welcomed) => {
            let Welcomed { hub, hubs, sealed, took } = welcomed;
            let seal = if *sealed {
                "sealed"
            } else {
                "not sealed by Highway, as TLS goes through to the hub or `seal` says so"
            };
            let also = if hubs.len() > 1 { format!("; all hubs: {}", hubs.join(", ")) } else { String::new() };
            Step::good(
                "link",
                format!("hub `{hub}` would link with {whom}, after {}; records {seal}{also}", time(*took)),
            )
        }
        Err(NoLink::OfTheHub(words)) => {
            let public = asker.key.public().map(|key| key.to_string()).unwrap_or_default();
            let ask = format!(
                "show this to whoever runs the hub; the key here is {public}, and the hub's islands have to name it for {whom} (or the key \
                 pinned in [[hub]] is not the hub's)"
            );
            Step::found(
                "link",
                Mark::Bad,
                words.clone(),
                "the way is open, and the hub does not link with this gateway",
                &ask,
            )
        }
        Err(NoLink::OnTheWay(words)) => {
            let means = "what was tried above passes, and a link\'s handshake does not";
            Step::found(
                "link",
                Mark::Bad,
                words.clone(),
                means,
                "ask what looks into the traffic at this path; try another transport in [[hub]]",
            )
        }
    }
}

/// A hub that does not link weighs more than all that passes.
pub fn weigh(verdict: Verdict, answer: &Result<Welcomed, NoLink>) -> Verdict {
    match answer {
        Ok(_) => verdict,
        Err(why) => Verdict { sentence: format!("no link can be made: {why}"), code: NO_LINK, ..verdict },
    }
}
