//! `highway doctor`: tries the way from here to the hub, one step at a time, and says what each finding means and what to ask for.
//!
//! ```text
//!  names ─▶ connect ─▶ proxy ─▶ TLS ─▶ who answers ─▶ websocket · h2 · h1 · flow · firewall · bodies · headers ─▶ verdict
//!  a step without which the next cannot be tried ends it
//! ```
//!
//! It asks the hub's probes, which know nobody: no key is needed, and none is used. Exit codes: 0 all is well, 1 it could not be tried, 2 bad
//! arguments, 3 no link can be made, 4 a link can be made and there is something to ask for. Changes nothing anywhere.

mod ask;
mod certificate;
mod long;
mod probes;
mod seen;
mod sentences;
#[cfg(test)]
mod sentences_tests;
mod show;
mod target;
mod verdict;
mod way;

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use shard::Shard;

use crate::wrong::wrong;
use crate::{output, terminal};
use ask::{Ask, Http};
use seen::{Seen, TlsProblem, Who};
use sentences::{Mark, Step};
use target::Target;
use way::{Opened, Way};

/// A step that takes longer says what it does.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub struct Arguments {
    /// The configuration of an egress or ingress gateway: the way to each of its hubs is tried, as the gateway would go.
    #[arg(long, value_name = "FILE", required_unless_present = "hub", conflicts_with = "hub")]
    config: Option<PathBuf>,
    /// The hub's address, such as https://hub.example.com; nothing else is needed.
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// Certificates to trust [default: those of the system].
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    ca: Option<PathBuf>,
    /// The proxy on the way out, or none [default: as HTTPS_PROXY and its like say].
    #[arg(long, value_name = "http://HOST:PORT", conflicts_with = "config")]
    proxy: Option<String>,
    /// File with USER:PASSWORD for the proxy, readable by its owner alone.
    #[arg(long, value_name = "FILE", requires = "proxy")]
    proxy_credentials_file: Option<PathBuf>,
    /// The name in the hub's certificate, where it is not the address's.
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    server_name: Option<String>,
    /// Also tries what time does: silences, late answers, long streams. Takes two and a half minutes.
    #[arg(long)]
    long: bool,
    /// As JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Tries the way to each hub and shows it.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let targets = target::all(arguments)?;
    let runtime = shard::runtime()?;
    runtime.block_on(async {
        let shard = Shard::on_this_thread(0);
        let (mut values, mut worst) = (Vec::new(), 0);
        for target in targets {
            let (value, code) = doctor(shard.clone(), target, arguments).await?;
            values.push(value);
            // Without a link there is nothing to be asked for first.
            worst = if code == 3 || worst == 3 { 3 } else { worst.max(code) };
        }
        if arguments.json {
            output::line(terminal::json(&values.into())?)?;
        }
        Ok(ExitCode::from(worst))
    })
}

async fn doctor(shard: Shard, target: Target, arguments: &Arguments) -> Result<(serde_json::Value, u8)> {
    let url = target.hub.url.clone();
    let way = Way::new(shard, target.hub).map_err(wrong)?;
    let mut walk = Walk { way, seen: Seen::default(), steps: Vec::new(), http: Http::One, says: !arguments.json };
    if walk.says {
        output::line(format_args!("the way to {}\n", terminal::shown(&url)))?;
    }
    if walk.reaches().await? {
        walk.probes(arguments.long).await?;
    }
    let verdict = verdict::verdict(&walk.seen, &walk.steps, target.transport.as_deref());
    if walk.says {
        show::verdict(&verdict)?;
    }
    Ok((show::value(&url, &walk.steps, &verdict), verdict.code))
}

struct Walk {
    way: Way,
    seen: Seen,
    steps: Vec<Step>,
    /// What requests that are not streams go by.
    http: Http,
    /// Whether each step is shown as soon as it is done.
    says: bool,
}

impl Walk {
    /// Takes down a step; whether it is not bad.
    fn step(&mut self, step: Step) -> Result<bool> {
        if self.says {
            output::text(show::lines(&step))?;
        }
        let is_well = step.mark != Mark::Bad;
        self.steps.push(step);
        Ok(is_well)
    }

    /// Up to who answers; whether it is a hub.
    async fn reaches(&mut self) -> Result<bool> {
        let names = slowly("looking up the name", self.way.names()).await;
        self.step(sentences::names(&names))?;
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
            // The way may have something against POST alone; and an earlier hub has other words at its path.
            let asked =
                slowly("asking for the path of links", ask::whole(way, Http::One, Ask::get(way.link_path()))).await;
            if let Ok(heard) = asked
                && heard.who != Who::Other
            {
                let is_refused = answer.as_ref().is_ok_and(|heard| heard.status == 403);
                answer = Ok(seen::Heard { who: if is_refused { Who::Hub } else { heard.who }, ..heard });
            }
        }
        let path = way.link_path();
        let is_hub = answer.as_ref().is_ok_and(|heard| heard.who != Who::Other);
        self.step(sentences::answer(&answer, &path))?;
        self.seen.answer = Some(answer);
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

/// Says what it does if it takes long.
async fn slowly<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    match tokio::time::timeout(PATIENCE, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            output::say(format_args!("… {what}"));
            work.await
        }
    }
}
