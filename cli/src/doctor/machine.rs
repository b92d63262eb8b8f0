//! The machine that a program runs on: what the program needs of it beside the way to the hub. Each part looks at one thing and says what it
//! means; none changes anything.
//!
//! ```text
//!   configuration · key · certificates · files · names · registry ─▶ advertised (egress)
//! ```

mod advertised;
mod certificates;
mod files;
mod key;
mod registry;

use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::about::About;
use super::step::{Mark, Step};
use super::{Report, names, slowly};
use crate::check::{self, Kind};

/// Names that are looked up at most.
const NAMES: usize = 32;

/// Looks at all of it.
pub async fn look(about: &About, report: &mut Report) -> Result<()> {
    report.step(configuration(about))?;
    if let Some(file) = &about.key_file {
        report.step(key::step(file))?;
    }
    for papers in &about.papers {
        for step in certificates::steps(papers, SystemTime::now()) {
            report.step(step)?;
        }
    }
    for (host, port, what) in hosts(about).into_iter().take(NAMES) {
        let seen = slowly("looking up a name", names::lookup(&host, port)).await;
        report.step(names::step(&seen, &what))?;
    }
    let (mut providers, mut views) = (0, Vec::new());
    for settings in &about.registries {
        let (steps, view) = slowly("asking the registry", registry::look(settings, about.kind)).await;
        for step in steps {
            report.step(step)?;
        }
        if let Some(view) = view {
            providers += view.providers().iter().filter(|provider| provider.highway.is_none()).count();
            views.push(view);
        }
    }
    let running = files::running(about, &about.admin).await;
    report.step(files::step(about, providers, running))?;
    if let Some(advertised) = &about.advertised {
        let seen = slowly("trying the advertised address", advertised::look(advertised, &views)).await;
        for step in advertised::steps(advertised, &seen) {
            report.step(step)?;
        }
    }
    Ok(())
}

/// What the program itself says of its file.
fn configuration(about: &About) -> Step {
    let file = about.file.display();
    match check::said(&about.file, about.kind) {
        Ok((Some(0), _)) => Step::good("configuration", format!("{file} is good, as {} says", about.kind.name())),
        Ok((_, words)) => {
            let means = format!("{} does not start with it, or does not take it", about.kind.name());
            Step::bad("configuration", words, &means, "mend what is named there; `highway check` says it again")
        }
        Err(error) => {
            Step::note("configuration", error.to_string(), "whether the program takes the file is not known", "")
        }
    }
}

/// Names that have to be looked up, beside those on the way to the hub.
fn hosts(about: &About) -> Vec<(String, u16, String)> {
    let is_name = |host: &str| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_err();
    let mut all = Vec::new();
    for registry in &about.registries {
        for (host, port) in zk_bridge::servers(registry) {
            all.push((host.to_owned(), port, format!("registry {}", registry.name())));
        }
    }
    for address in &about.providers {
        if let Some((host, port)) = address.rsplit_once(':') {
            all.push((host.to_owned(), port.parse().unwrap_or(0), format!("the provider {address}")));
        }
    }
    all.retain(|(host, ..)| is_name(host));
    all.sort();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

/// Days until a moment.
fn days(left: Duration) -> u64 {
    left.as_secs() / (24 * 3600)
}

/// Whether the worst of these keeps the program from its work.
pub fn is_bad(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.mark == Mark::Bad)
}

/// As whose machine it is looked at.
pub fn title(about: &About) -> String {
    let what = match about.kind {
        Kind::CentralHub => "the hub",
        Kind::EgressGw => "the egress gateway",
        Kind::IngressGw => "the ingress gateway",
    };
    format!("this machine, for {what} of {}", about.file.display())
}
