//! The line with its applications, and one trial on it: load, fault, until all is steady again.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use super::fault::{End, Fault, Gateways};
use super::tally::{Figures, Moments, tally};
use lab::install::Release;
use lab::line::{Line, Plan, Role};
use lab::peer::{Application, DUBBO_PORT, LEDGER, Load, Peer, Recorded, Refer, Service};
use lab::process::until;

/// Each run of a provider takes so long, so that calls are under way when something breaks.
const WORK: Duration = Duration::from_millis(10);
/// Before something breaks.
const BEFORE: Duration = Duration::from_secs(2);
/// Nothing fails for so long: healed.
const STEADY: Duration = Duration::from_secs(3);
/// What is not steady so long after everything runs again is given up.
const PATIENCE: Duration = Duration::from_secs(75);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(200);

/// The two references of each consumer: name, timeout, and retries where they are not Dubbo's default.
const REFERENCES: [(&str, Duration); 2] =
    [(CAREFUL, Duration::from_secs(5)), ("1 s, 2 retries", Duration::from_secs(1))];
const CAREFUL: &str = "5 s, no retries";

/// A line with a consumer of each release in island `a` and providers in island `b`.
#[derive(Debug)]
pub struct Stage {
    /// The line.
    pub line: Line,
    gateways: Gateways,
    consumers: Vec<(Release, Peer)>,
    providers: Mutex<Vec<Option<Peer>>>,
    ledgers: Vec<PathBuf>,
    trials: Mutex<u32>,
}

/// What one fault did to one reference of one consumer.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What broke.
    pub fault: Fault,
    /// How many of each there were.
    pub gateways: Gateways,
    /// Whose calls.
    pub release: Release,
    /// Timeout and retries, for people.
    pub reference: &'static str,
    /// What came of them.
    pub figures: Figures,
}

impl Stage {
    /// Starts everything; returns when every consumer has its references.
    ///
    /// # Errors
    /// Something does not start.
    pub fn start(gateways: Gateways, releases: &[Release]) -> Result<Self> {
        let mut plan = Plan::new("a", "b");
        plan = plan.gateways(Role::Egress, "a", gateways.count()).gateways(Role::Ingress, "b", gateways.count());
        let line = Line::start(plan)?;
        let ledgers: Vec<PathBuf> =
            (0..gateways.count()).map(|at| line.lab.folder().join(format!("ledger-{at}"))).collect();
        let stage = Stage {
            line,
            gateways,
            consumers: Vec::new(),
            providers: Mutex::new((0..gateways.count()).map(|_| None).collect()),
            ledgers,
            trials: Mutex::new(0),
        };
        for at in 0..stage.ledgers.len() {
            stage.start_provider(at)?;
        }
        let both = || (stage.line.island("a").virtual_nodes(LEDGER).len() >= 2 * stage.ledgers.len()).then_some(());
        until("both services are there", Duration::from_secs(45), both)?;
        let consumer = |&release: &Release| Ok((release, stage.consumer(release)?));
        let consumers = releases.iter().map(consumer).collect::<Result<_>>()?;
        Ok(Stage { consumers, ..stage })
    }

    fn consumer(&self, release: Release) -> Result<Peer> {
        let peer = self.line.application("a", Application::new(&format!("consumer-{}", release.version()), release))?;
        for (name, timeout) in REFERENCES {
            let reference = Refer::new(name, LEDGER).numbered();
            // The second one is what Dubbo does by itself. 2.7 tells its timeout in the registry alone, where two references
            // to one service cannot be told apart.
            peer.refer(&match name {
                CAREFUL => reference.group("careful").timeout(timeout).retries(0),
                _ => reference,
            })?;
        }
        Ok(peer)
    }

    fn start_provider(&self, at: usize) -> Result<()> {
        // A graceful stop differs between the lines, so there is one of each where there are two.
        let release = [Release::V3_3_6, Release::V2_7_23][at % 2];
        let name = format!("provider-{at}");
        let port = self.line.island("b").place().listen(DUBBO_PORT + u16::try_from(at)?)?.port();
        let application = Application::new(&name, release)
            .port(port)
            .flag(&format!("-Dlab.ledger={}", self.ledgers[at].display()))
            .service(Service::new(LEDGER, &name).delay(WORK))
            .service(Service::new(LEDGER, &format!("{name}-careful")).group("careful").delay(WORK));
        self.providers()[at] = Some(self.line.application("b", application)?);
        Ok(())
    }

    /// Ends the first provider and starts it again.
    pub(super) fn provider_again(&self, end: End) -> Result<()> {
        let provider = self.providers()[0].take().context("the first provider runs")?;
        match end {
            End::Killed => provider.kill(),
            End::Stopped => provider.stop()?,
        }
        self.start_provider(0)
    }

    /// Breaks something under load and waits until every consumer is steady again, or patience ends.
    ///
    /// # Errors
    /// An application is gone, or what broke does not come back.
    pub fn trial(&self, fault: Fault) -> Result<Vec<Trial>> {
        let gateways = self.gateways;
        let trial = |(release, reference, figures)| Trial { fault, gateways, release, reference, figures };
        Ok(self.measure(|| fault.inflict(self))?.into_iter().map(trial).collect())
    }

    /// What each reference of each consumer saw while something happened.
    ///
    /// # Errors
    /// An application is gone, or `happens` fails.
    pub fn measure(&self, happens: impl FnOnce() -> Result<()>) -> Result<Vec<(Release, &'static str, Figures)>> {
        self.begin_load()?;
        sleep(BEFORE);
        let broken_ms = now_ms();
        happens()?;
        let back_ms = now_ms();
        let steady = self.until_steady(back_ms)?;
        let calls: Vec<(Release, Vec<Recorded>)> =
            self.consumers.iter().map(|(release, peer)| Ok((*release, peer.end_load()?))).collect::<Result<_>>()?;
        for (release, calls) in &calls {
            let nowhere = calls.iter().find(|call| call.class.is_none() && call.asked.is_none());
            ensure!(nowhere.is_none(), "{}: a call was answered and does not say by whom", release.version());
        }
        let ledger = self.ledger()?;
        let mut measured = Vec::new();
        for (release, calls) in &calls {
            for (reference, timeout) in REFERENCES {
                let own = calls.iter().filter(|call| call.key.split('/').nth(2) == Some(reference));
                let moments = Moments { broken_ms, back_ms, steady, timeout };
                measured.push((*release, reference, tally(own, &ledger, &moments)));
            }
        }
        Ok(measured)
    }

    fn begin_load(&self) -> Result<()> {
        let number = {
            let mut trials = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
            *trials += 1;
            *trials
        };
        for (release, consumer) in &self.consumers {
            consumer.begin_load(&Load {
                references: REFERENCES.map(|(name, _)| name.to_owned()).to_vec(),
                stem: format!("{number}/{}", release.version()),
                threads: 2,
                pause_ms: 40,
            })?;
        }
        Ok(())
    }

    /// Whether everybody was served without a failure for a while.
    fn until_steady(&self, back_ms: u64) -> Result<bool> {
        let patience = back_ms + millis(PATIENCE);
        let mut before = vec![0; self.consumers.len()];
        loop {
            sleep(LOOK);
            let now = now_ms();
            let mut all = true;
            for ((_, consumer), before) in self.consumers.iter().zip(&mut before) {
                let progress = consumer.progress()?;
                // A consumer whose calls hang does not fail either.
                let moves = progress.ended > *before;
                *before = progress.ended;
                all &= moves && now >= progress.last_failure_ms.max(back_ms) + millis(STEADY);
            }
            if all || now >= patience {
                return Ok(all);
            }
        }
    }

    /// All lines that providers have written.
    fn ledger(&self) -> Result<String> {
        let read = |path| fs::read_to_string(path).with_context(|| format!("cannot read {path:?}"));
        self.ledgers.iter().map(read).collect()
    }

    fn providers(&self) -> MutexGuard<'_, Vec<Option<Peer>>> {
        self.providers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_ms() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
