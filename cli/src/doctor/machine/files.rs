//! How many files and sockets the program may have open, beside what its configuration may need. The programs raise their soft limit to the
//! hard one when they start, so the hard one counts.

use std::fs;

use chassis::admin::Admin;
use rustix::process::{Resource, getrlimit};

use super::Step;
use crate::admin::{self, Page};
use crate::check::Kind;
use crate::doctor::about::About;

/// Links, registries, admin pages, the log.
const OTHERS: usize = 256;

/// The limit of the program that runs with this configuration, if one answers, and its process.
pub async fn running(about: &About, admin: &Admin) -> Option<(u64, u64)> {
    let address = admin.listen.first()?;
    let status = admin::ask(&format!("http://{address}"), admin.token.as_ref(), Page::Get("/status")).await.ok()?;
    let process = &status["process"];
    let id = process["pid"].as_u64().filter(|_| process["program"] == about.kind.name())?;
    // Numbers of another container's processes are others here.
    let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).ok().filter(|_| name.trim() == about.kind.name())?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit = line.split_whitespace().nth(1)?;
    Some((id, limit.parse().unwrap_or(u64::MAX)))
}

/// `providers`: real ones in the registries; `running`: a process of the program and its limit.
pub fn step(about: &About, providers: usize, running: Option<(u64, u64)>) -> Step {
    let shards = std::thread::available_parallelism().map_or(1, usize::from);
    let (need, why) = match about.kind {
        Kind::EgressGw => (about.connections, format!("limits.connections = {}", about.connections)),
        Kind::CentralHub => (about.connections, format!("up to {} connections", about.connections)),
        Kind::IngressGw => {
            let providers = providers + about.providers.len();
            (
                about.connections * providers * shards,
                format!("{providers} providers, {} connections each a shard", about.connections),
            )
        }
    };
    let need = need + OTHERS;
    let (whose, limit) = match running {
        Some((id, limit)) => (format!("the running {} (pid {id})", about.kind.name()), limit),
        None => ("a program started here".to_owned(), getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)),
    };
    let shown = if limit == u64::MAX { "any number of".to_owned() } else { limit.to_string() };
    let saw = format!("{whose} may open {shown} files; {why} may need {need}");
    if limit < need as u64 {
        let means = match about.kind {
            Kind::EgressGw => "it lets in fewer consumers than limits.connections says",
            Kind::CentralHub => "connections beyond it are not taken",
            Kind::IngressGw => "it cannot connect to every provider",
        };
        let ask = "raise the hard limit of open files (systemd: LimitNOFILE=; a shell: ulimit -Hn; a container: --ulimit nofile=)";
        return Step::bad("files", saw, means, ask);
    }
    Step::good("files", saw)
}
