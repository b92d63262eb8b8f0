//! The way to a hub, one step at a time.
//!
//! ```text
//!  names ─▶ connect ─▶ proxy ─▶ TLS ─▶ who answers · clock ─▶ websocket · h2 · h1 · flow · firewall · bodies · headers ─▶ link ─▶ verdict
//!  a step without which the next cannot be tried ends it
//! ```
//!
//! Up to `headers` it asks the hub's probes, which know nobody: no key is needed, and none is used. `link` is for gateways: the hub is asked
//! whether it would link, by a handshake that ends with its answer ([`tunnel::ask`]).

mod ask;
mod connection;
mod link;
mod long;
mod probes;
pub mod seen;
mod sentences;
#[cfg(test)]
mod sentences_tests;
mod verdict;

use anyhow::Result;
use shard::Shard;
use tunnel::{Asker, Encoding, NoLink, Transport, Welcomed};

use super::step::{Mark, Step};
use super::target::Target;
use super::{Report, clock, names, slowly};
use crate::output;
use crate::terminal::shown;
use crate::wrong::wrong;
use ask::{Ask, Http};
use connection::{Opened, Way};
use seen::{Seen, TlsProblem, Who};
pub use verdict::Verdict;

/// What a hub says to a GET where WebSocket is spoken.
const UPGRADE_REQUIRED: u16 = 426;

/// A way that was walked.
pub struct Walked {
    pub url: String,
    pub steps: Vec<Step>,
    pub verdict: Verdict,
}

/// Walks it; with `asker` the hub is asked for a link in the end.
pub async fn walk(shard: Shard, target: Target, asker: Option<&Asker>, is_long: bool, says: bool) -> Result<Walked> {
    let url = target.hub.url.clone();
    let way = Way::new(shard, target.hub).map_err(wrong)?;
    let mut walk = Walk { way, seen: Seen::default(), report: Report::new(says), http: Http::One };
    if says {
        output::line(format_args!("the way to {}\n", shown(&url)))?;
    }
    let set = target.transport.as_deref();
    let mut by_forms = None;
    if walk.reaches().await? {
        walk.probes(is_long).await?;
        if let Some(asker) = asker.filter(|_| walk.way.hub.encoding == Encoding::Multipart) {
            // The probes know no forms; a link's handshake goes by them.
            let answer = walk.asks(Transport::Post, asker).await;
            walk.seen.passes_forms = Some(!matches!(answer, Err(NoLink::OnTheWay(_))));
            by_forms = Some(answer);
        }
    }
    let mut verdict = verdict::verdict(&walk.seen, &walk.report.steps, set);
    if let (Some(asker), Some(transport)) = (asker, link::transport(&verdict, set)) {
        let answer = match by_forms.filter(|_| transport == Transport::Post) {
            Some(answer) => answer,
            None => walk.asks(transport, asker).await,
        };
        walk.step(link::step(&answer, asker))?;
        verdict = link::weigh(verdict, &answer);
    }
    if says {
        super::show::verdict(&verdict)?;
    }
    Ok(Walked { url, steps: walk.report.steps, verdict })
}

struct Walk {
    way: Way,
    seen: Seen,
    report: Report,
    /// What requests that are not streams go by.
    http: Http,
}

impl Walk {
    fn step(&mut self, step: Step) -> Result<bool> {
        self.report.step(step)
    }

    async fn asks(&self, transport: Transport, asker: &Asker) -> Result<Welcomed, NoLink> {
        slowly("asking the hub for a link", tunnel::ask(&self.way.shard, &self.way.hub, transport, asker)).await
    }

    /// Up to who answers; whether it is a hub.
    async fn reaches(&mut self) -> Result<bool> {
        let names = slowly("looking up the name", self.way.names()).await;
        let whose = if self.way.hub.proxy.is_some() { "the proxy" } else { "the hub" };
        self.step(names::step(&names, whose))?;
        self.seen.connects = slowly("connecting", self.way.connects(&names)).await;
        self.seen.names = Some(names);
        for connect in self.seen.connects.clone() {
            let mut step = sentences::connect(&connect);
            // One of several addresses that takes no connection costs time, and no link.
            if step.mark == Mark::Bad && self.way.at.is_some() {
                step.mark = Mark::Note;
            }
            self.step(step)?;
        }
        if self.way.at.is_none() {
            return Ok(false);
        }
        let opened = match slowly("proxy and TLS", self.way.open(&[b"h2", b"http/1.1"])).await {
            Ok(opened) => opened,
            Err(error) => {
                self.step(Step::found(
                    "connect",
                    Mark::Bad,
                    error.to_string(),
                    "it took a connection, and takes none now",
                    "",
                ))?;
                return Ok(false);
            }
        };
        // Who answers one connection at a time waits for the end of this one.
        let Opened { stream, proxied, tls } = opened;
        drop(stream);
        if let Some(proxied) = proxied {
            let is_through = self.step(sentences::proxied(&proxied))?;
            self.seen.proxied = Some(proxied);
            if !is_through {
                return Ok(false);
            }
        }
        if let Some(mut tls) = tls {
            if tls.problem.as_ref().is_some_and(|problem| !matches!(problem, TlsProblem::Other(_))) {
                tls.certificate = slowly("looking at the certificate", self.way.shown()).await;
            }
            let is_trusted = self.step(sentences::tls(&tls))?;
            self.seen.tls = Some(tls);
            if !is_trusted {
                return Ok(false);
            }
        }
        self.answers().await
    }

    async fn answers(&mut self) -> Result<bool> {
        let way = &self.way;
        let ask = || Ask::post(probes::probe_path(way), probes::OCTETS, probes::opaque(16));
        let mut answer = slowly("asking the hub", ask::whole(way, Http::One, ask())).await;
        if answer.is_err()
            && let Ok(heard) = slowly("asking over HTTP/2", ask::whole(way, Http::Two, ask())).await
        {
            // A port for HTTP/2 alone.
            answer = Ok(heard);
            self.http = Http::Two;
        }
        if answer.as_ref().is_ok_and(|heard| heard.who == Who::Other) {
            // The way may have something against POST alone. At the path of probes a hub that has them wants an upgrade of a GET; an
            // earlier one says that links are elsewhere.
            let asked =
                slowly("asking without a body", ask::whole(way, Http::One, Ask::get(probes::probe_path(way)))).await;
            if let Ok(heard) = asked
                && heard.who != Who::Other
            {
                let who = if heard.status == UPGRADE_REQUIRED { Who::Hub } else { heard.who };
                answer = Ok(seen::Heard { who, ..heard });
            }
        }
        let path = way.link_path();
        let clock = answer
            .as_ref()
            .ok()
            .filter(|heard| heard.who != Who::Other)
            .map(|heard| clock::step(heard.here, heard.date));
        let is_hub = answer.as_ref().is_ok_and(|heard| heard.who != Who::Other);
        self.step(sentences::answer(&answer, &path))?;
        self.seen.answer = Some(answer);
        if let Some(clock) = clock {
            self.step(clock)?;
        }
        Ok(is_hub)
    }

    async fn probes(&mut self, long: bool) -> Result<()> {
        let who =
            self.seen.answer.as_ref().and_then(|answer| answer.as_ref().ok()).map_or(Who::Other, |heard| heard.who);
        let upgrade = slowly("trying WebSocket", probes::upgrade(&self.way, who)).await;
        self.step(sentences::upgrade(&upgrade))?;
        self.seen.upgrade = Some(upgrade);
        let h2 = slowly("trying a stream over HTTP/2", probes::stream(&self.way, Http::Two, who)).await;
        self.step(sentences::stream("h2 stream", &h2))?;
        self.seen.h2 = Some(h2);
        let h1 = slowly("trying a stream over HTTP/1.1", probes::stream(&self.way, Http::One, who)).await;
        self.step(sentences::stream("h1 stream", &h1))?;
        self.seen.h1 = Some(h1);
        if who != Who::Hub {
            return Ok(());
        }
        let (way, http) = (&self.way, self.http);
        if http == Http::One {
            let flows = async { (probes::request_flow(way).await, probes::answer_flow(way).await) };
            let (request, answer) = slowly("sending piece by piece", flows).await;
            (self.seen.request_flow, self.seen.answer_flow) = (request, answer);
            self.step(sentences::flow(request, answer))?;
        }
        let inspection = slowly("sending what a firewall may refuse", probes::inspection(&self.way, http)).await;
        self.step(sentences::inspection(&inspection, &self.way.link_path()))?;
        self.seen.inspection = Some(inspection);
        let bodies = slowly("sending long bodies", probes::bodies(&self.way, http)).await;
        self.step(sentences::bodies(&bodies))?;
        self.seen.bodies = Some(bodies);
        let heads = slowly("sending long headers", probes::heads(&self.way, http)).await;
        self.step(sentences::heads(&heads))?;
        self.seen.heads = Some(heads);
        if long {
            let times =
                slowly("waiting, up to two and a half minutes", Box::pin(long::times(&self.way, &self.seen))).await;
            for step in sentences::times(&times) {
                self.step(step)?;
            }
            self.seen.times = Some(times);
        }
        Ok(())
    }
}
