//! The two islands with a process of every member in each: providers, which are the direct consumers too, in one, consumers in the other.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::differences::{LEFT_OUT, gaps};
use super::run::Ways;
use super::{Member, Party, SERVICES};
use lab::line::{Line, Plan};
use lab::peer::DUBBO_PORT;
use lab::process::until;

/// So many JVMs start at a time: each wants a core for itself.
const AT_A_TIME: usize = 2;
/// From the start of the last provider until the other island sees all services of all of them.
const PUBLISHED: Duration = Duration::from_secs(60);

/// Everything, running.
#[derive(Debug)]
pub struct Stage {
    pub(super) consumers: Vec<Party>,
    pub(super) providers: Vec<Party>,
    /// What it runs on.
    pub line: Line,
}

impl Stage {
    /// Starts the line and every member in both islands.
    ///
    /// # Errors
    /// Something does not start, or the services do not appear in the other island.
    pub fn start(members: &[Member], progress: impl Fn(&str) + Sync) -> Result<Self> {
        let begin = Instant::now();
        let line = Line::start(Plan::new("a", "b"))?;
        progress(&format!("two islands and the hub are up after {:.0} s", begin.elapsed().as_secs_f64()));
        let providers = two_at_a_time(members, |number, member| {
            let peer = member.provider(&line, "b", DUBBO_PORT + u16::try_from(number)?)?;
            progress(&format!("{} provides in b", member.name()));
            Ok(peer)
        })?;
        for interface in SERVICES {
            let all = || (line.island("a").virtual_nodes(interface).len() == members.len()).then_some(());
            until(&format!("a virtual provider of {interface} for each member"), PUBLISHED, all)?;
        }
        let consumers = two_at_a_time(members, |_, member| {
            let peer = member.consumer(&line, "a")?;
            progress(&format!("{} is a consumer in a", member.name()));
            Ok(peer)
        })?;
        progress(&format!("all are up after {:.0} s", begin.elapsed().as_secs_f64()));
        Ok(Stage { consumers, providers, line })
    }

    /// What members leave out without a reason on the list, and what the list says and they do.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let peers = self.consumers.iter().chain(&self.providers);
        let gaps: BTreeSet<String> =
            peers.flat_map(|peer| gaps(peer.name(), &LEFT_OUT, |case| peer.does(case))).collect();
        gaps.into_iter().collect()
    }

    /// Everybody calls everybody.
    #[must_use]
    pub fn ways(&self) -> Ways<'_> {
        Ways { directly: &self.providers, through: &self.consumers, providers: &self.providers }
    }
}

/// Makes one of each, in their order, with so many threads.
pub(super) fn two_at_a_time<T: Sync, M: Send>(
    list: &[T],
    make: impl Fn(usize, &T) -> Result<M> + Sync,
) -> Result<Vec<M>> {
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<(usize, Result<M>)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = list.get(number) else { break };
                    let one = make(number, one);
                    made.lock().unwrap_or_else(PoisonError::into_inner).push((number, one));
                }
            });
        }
    });
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, one)| one).collect()
}
