//! A registry: whether it can be reached, who answers, and whether what the program needs there is allowed. Reads alone; whether a node could be
//! made is asked without one being made.

use std::sync::Arc;
use std::time::Duration;

use zk_bridge::{Examined, Granted, RegistrySettings, Right, View};

use super::Step;
use crate::check::Kind;
use crate::doctor::show::time;

/// For reading all that is there.
const READ_WITHIN: Duration = Duration::from_secs(15);

/// What is said of it, and what is in it.
pub async fn look(settings: &RegistrySettings, kind: Kind) -> (Vec<Step>, Option<Arc<View>>) {
    let wanted = if kind == Kind::EgressGw { Right::Create } else { Right::Read };
    let seen = zk_bridge::examine(settings, wanted).await;
    let mut steps = steps(settings.name(), &seen);
    if seen.session.is_err() {
        return (steps, None);
    }
    let (registry, driver) = zk_bridge::open(settings.clone());
    let mut driving = tokio::task::JoinSet::new();
    driving.spawn(driver.run());
    let mut view = registry.view();
    let read = tokio::time::timeout(READ_WITHIN, view.wait_for(|view| view.is_complete())).await;
    let view = read.ok().and_then(Result::ok).map(|view| view.clone());
    match &view {
        Some(view) => {
            let own = view.providers().iter().filter(|provider| provider.highway.is_some()).count();
            let saw = format!(
                "{}: {} providers of its own, {own} of gateways, {} references of consumers",
                settings.name(),
                view.providers().len() - own,
                view.consumers().len()
            );
            steps.push(Step::good("registry", saw));
        }
        None => {
            let problems = registry.status().problems.join("; ");
            let saw = format!("{}: not all was read within {}: {problems}", settings.name(), time(READ_WITHIN));
            steps.push(Step::note("registry", saw, "what is missing here the program does not know either", ""));
        }
    }
    (steps, view)
}

fn steps(name: &str, seen: &Examined) -> Vec<Step> {
    let mut steps = Vec::new();
    let silent: Vec<_> =
        seen.servers.iter().filter(|server| server.version.is_none()).map(|server| server.address.as_str()).collect();
    let said: Vec<_> = seen
        .servers
        .iter()
        .filter_map(|server| Some(format!("{} is ZooKeeper {}", server.address, server.version.as_ref()?)))
        .collect();
    match &seen.session {
        Err(error) => {
            let ask = format!(
                "are the servers running, and may this machine open TCP connections to {}? A login that is refused ends the session too",
                seen.servers.iter().map(|server| server.address.as_str()).collect::<Vec<_>>().join(", ")
            );
            let saw = format!("{name}: {error}");
            steps.push(Step::bad(
                "registry",
                saw,
                "the registry cannot be used from here: services are neither seen nor offered",
                &ask,
            ));
            return steps;
        }
        Ok((took, timeout)) => {
            let said = if said.is_empty() { "no server says its version".to_owned() } else { said.join(", ") };
            let saw = format!("{name}: {said}; a session after {}, of {} s", time(*took), timeout.as_secs());
            steps.push(if silent.is_empty() {
                Step::good("registry", saw)
            } else {
                let means = format!("{} said nothing: away, or not allowed to answer `srvr`", silent.join(", "));
                Step::note("registry", saw, &means, "allow it (4lw.commands.whitelist=srvr), or say server_version in the section; start a server that is away")
            });
        }
    }
    let not = |granted: &Granted| matches!(granted, Granted::No);
    let list = |right: Right, what: fn(&Granted) -> bool| {
        let all = seen.rights.iter().filter(|(_, of, granted)| *of == right && what(granted));
        all.map(|(path, ..)| path.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (read, create) = (list(Right::Read, not), list(Right::Create, not));
    if !read.is_empty() || !create.is_empty() {
        let mut saw = Vec::new();
        if !read.is_empty() {
            saw.push(format!("may not read {read}"));
        }
        if !create.is_empty() {
            saw.push(format!("may not create nodes in {create}"));
        }
        let means = if read.is_empty() {
            "consumers of this island cannot be offered what other islands have"
        } else {
            "what stands there is not seen"
        };
        let ask = "ask who administers ZooKeeper for these rights, or for a login that has them (username and password_file); docs/zookeeper.md has the list";
        steps.push(Step::bad("registry", format!("{name}: {}", saw.join("; ")), means, ask));
    } else {
        let yes = |granted: &Granted| *granted == Granted::Yes;
        let nothing = |granted: &Granted| *granted == Granted::Nothing;
        let said = [
            ("may read", list(Right::Read, yes)),
            ("may create nodes in", list(Right::Create, yes)),
            ("nothing stands yet in", list(Right::Read, nothing)),
        ];
        let said = said.iter().filter(|(_, paths)| !paths.is_empty()).map(|(what, paths)| format!("{what} {paths}"));
        let mut saw = format!("{name}: {}", said.collect::<Vec<_>>().join("; "));
        for (path, _, granted) in &seen.rights {
            if let Granted::Unknown(why) = granted {
                saw += &format!("; {path}: not known, {why}");
            }
        }
        steps.push(Step::good("registry", saw));
    }
    steps
}
