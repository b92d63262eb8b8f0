//! Each part of the line breaks in turn while consumers call with keys of their own: no call is lost that was not sent, none runs
//! twice, everything heals by itself. The quick part of `cargo xtask faults`.
//!
//! Nobody but the part that breaks is touched, and no consumer is told anything.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use highway_tests::faults::{End, Fault, Figures, Gateways, Kind, Side, Stage};
use highway_tests::yardstick::Yardstick;
use lab::install::Release;
use lab::peer::LEDGER;

/// From a fault until the last call fails, where no time is promised; a machine that is busy with other tests takes several times what an
/// idle one does.
const HEALED: Duration = Duration::from_secs(60);

struct Turn {
    stage: &'static Stage,
    _mine: MutexGuard<'static, ()>,
}

/// One stage for this file; the tests take turns.
fn turn() -> Turn {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    Turn { stage: STAGE.get_or_init(|| Stage::start(Gateways::One, &Release::OLD_AND_NEW).unwrap()), _mine: mine }
}

impl Turn {
    /// What the consumers saw; what must never be is not there, and all is healed within a time, to which is added for how long the machine
    /// stood still meanwhile.
    fn sees(&self, what: &str, within: Duration, happens: impl FnOnce() -> anyhow::Result<()>) -> Vec<Figures> {
        let watched = self.stage.line.watched();
        let yardstick = Yardstick::start();
        let mut broken = Instant::now();
        let happens = || {
            broken = Instant::now();
            happens()
        };
        let measured = self.stage.measure(happens).unwrap();
        let mut all = Vec::new();
        for (release, reference, figures) in measured {
            let healed = Duration::from_millis(figures.healed_ms.unwrap_or_default());
            let stalled = yardstick.stalled(broken, broken + healed);
            println!("{what}: {} {reference}: machine stalled {stalled:?}: {figures:?}", release.version());
            assert!(figures.answered > 0, "{what}");
            assert_eq!(figures.wrong(Some(within + stalled)), None, "{what}: {stalled:?} stalled: {figures:?}");
            all.push(figures);
        }
        drop(watched);
        all
    }

    fn breaks(&self, fault: Fault) -> Vec<Figures> {
        let within = fault.healed_within(Gateways::One).unwrap_or(HEALED);
        self.sees(&fault.to_string(), within, || fault.inflict(self.stage))
    }
}

#[test]
fn the_line_heals_when_the_hub_ends_and_is_started() {
    let turn = turn();
    turn.breaks(Fault::Hub(End::Killed));
    turn.breaks(Fault::Hub(End::Stopped));
}

#[test]
fn the_line_heals_when_an_ingress_ends_and_is_started() {
    let turn = turn();
    turn.breaks(Fault::Ingress(End::Killed));
    turn.breaks(Fault::Ingress(End::Stopped));
}

/// A sole egress that is stopped stays in the registry: its consumers are without it for as long as it is away, and no longer.
#[test]
fn the_line_heals_when_a_sole_egress_ends_and_is_started() {
    let turn = turn();
    turn.breaks(Fault::Egress(End::Killed));
    for figures in turn.breaks(Fault::Egress(End::Stopped)) {
        assert_eq!(figures.failed_as(Kind::Unknown), 0, "nothing was under way when it closed: {figures:?}");
    }
}

#[test]
fn a_link_that_is_reset_at_either_end_costs_no_call_that_can_wait() {
    let turn = turn();
    turn.breaks(Fault::Reset(Side::Consumers));
    turn.breaks(Fault::Reset(Side::Providers));
}

/// A provider that is stopped properly takes its leave, and its service goes with it and comes back with it.
#[test]
fn a_service_goes_with_its_only_provider_and_comes_back_with_it() {
    let turn = turn();
    for figures in turn.breaks(Fault::Provider(End::Stopped)) {
        assert_eq!(figures.failed_unrun, figures.failed_calls(), "what it had begun it has answered: {figures:?}");
    }
    turn.stage.line.island("a").finds(LEDGER).unwrap();
}

/// Last good state wins: while the registry is away, calls go on as they were.
#[test]
fn calls_go_on_while_a_zookeeper_is_away_and_the_line_heals_when_it_is_back() {
    let turn = turn();
    let zookeeper = &turn.stage.line.island("b").zookeeper;
    let figures = turn.sees("ZooKeeper restarted", HEALED, || {
        zookeeper.kill();
        sleep(Duration::from_secs(2));
        zookeeper.again()
    });
    assert!(figures.iter().all(|figures| figures.failed_calls() == 0), "{figures:?}");
}

#[test]
fn the_line_heals_when_a_zookeeper_is_frozen_longer_than_its_sessions_live() {
    let turn = turn();
    let zookeeper = &turn.stage.line.island("a").zookeeper;
    turn.sees("ZooKeeper frozen", HEALED, || {
        zookeeper.freeze()?;
        // Sessions of this server end after ten seconds at most; only time itself can be waited for here.
        sleep(Duration::from_secs(12));
        zookeeper.thaw()
    });
    turn.stage.line.island("a").finds(LEDGER).unwrap();
}
