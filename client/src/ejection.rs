//! Which providers are left out for a while because they fail, although they are connected. What has no connection needs no
//! ejecting: it gets no calls.
//!
//! ```text
//!       any answer
//!      ┌──────────┐       so many failures in a row                 its time is over
//!      ▼          │  ┌──────────────────────────────────▶ out ──────────────────────▶ half open: one two-way call at a time
//!      in ────────┴──┘                                   ▲  │ any answer               │            │
//!      ▲                                                 │  ▼                          │ fails      │ is answered
//!      └─────────────────────────────────────────────────┼─ in ◀──────────────────────┼────────────┘
//!                                                        └── for twice as long ────────┘
//! ```
//!
//! What is half open is tried by the next call that wants an answer, the probe. Only the probe's failure puts it out again; an answer brings it
//! back whatever call it is to, since any shows that it lives. For as long as the probe may be answered there is no other one. A one-way call says nothing, so it is no probe, and what is half open is out for it.
//!
//! A failure is the provider's, or its network's: a connection lost with calls on it (once, however many), a call unanswered at its deadline
//! with nothing heard from the provider meanwhile and for a second at least, an answer with status 80 or 100. Any other answer, an
//! exception included, is a sign of life.
//!
//! How many of a service's providers may be out is decided where they are chosen ([`honoured`]): never more than the share, never the last.
//! It sends nothing itself and sets no timer.

use std::cell::Cell;
use std::time::{Duration, Instant};

use wire::dubbo::frame::Status;

use crate::calls::CallKind;

/// A call that nothing was heard after says something of its provider only after this long: a pause of a garbage collector
/// is no failure.
pub(crate) const SILENCE: Duration = Duration::from_secs(1);
/// Beyond this doubling a longest time is reached in any case.
const DOUBLINGS_MAX: u32 = 16;

/// When a provider is left out, and how many may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejection {
    /// So many failures in a row; 0 never ejects.
    pub after: u32,
    /// Of the providers of one service at most so many percent, and never all.
    pub percent: u32,
    /// For how long the first time, and at most: it doubles each time. A fifth is added or taken at random.
    pub time: (Duration, Duration),
}

impl Default for Ejection {
    fn default() -> Self {
        Self { after: 5, percent: 50, time: (Duration::from_secs(10), Duration::from_secs(300)) }
    }
}

/// Whether an answer of this status is a failure of the provider itself: its server broke, or has no thread left.
pub(crate) fn is_failure(status: Status) -> bool {
    matches!(status, Status::SERVER_ERROR | Status::OVERLOADED)
}

/// Names the one call that tries a provider that was out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Probe(u32);

/// How one provider has done lately.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Failures in a row.
    failures: Cell<u32>,
    out_until: Cell<Option<Instant>>,
    /// How many calls were let through to see.
    probes: Cell<u32>,
    /// The last of them, while nothing is known of it.
    probe: Cell<Option<Probe>>,
    /// How often it was out without a long good time in between.
    times: Cell<u32>,
    last_out: Cell<Option<Instant>>,
}

/// How a provider stands with its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    In,
    Out,
    /// One two-way call may go there, to see.
    HalfOpen,
}

impl Verdict {
    /// What it is for a call of this kind: one that nothing is heard of cannot try anybody, and would only be lost.
    pub(crate) fn of(self, kind: CallKind) -> Self {
        match (self, kind) {
            (Verdict::HalfOpen, CallKind::OneWay) => Verdict::Out,
            (verdict, _) => verdict,
        }
    }
}

impl Record {
    pub(crate) fn verdict(&self, now: Instant) -> Verdict {
        match self.out_until.get() {
            None => Verdict::In,
            Some(until) if now < until => Verdict::Out,
            Some(_) => Verdict::HalfOpen,
        }
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures.get()
    }

    /// How long it is still out.
    pub(crate) fn out_for(&self, now: Instant) -> Option<Duration> {
        self.out_until.get().map(|until| until.saturating_duration_since(now))
    }

    /// It has answered; whether it was out until now.
    pub(crate) fn answered(&self) -> bool {
        if self.failures.get() == 0 && self.out_until.get().is_none() {
            return false;
        }
        self.failures.set(0);
        self.probe.set(None);
        self.out_until.take().is_some()
    }

    /// It has failed a call, which was perhaps a `probe`; for how long it is out from now on, if this put it out. `jitter` makes a
    /// time a little longer or shorter.
    pub(crate) fn failed(
        &self,
        probe: Option<Probe>,
        now: Instant,
        config: &Ejection,
        jitter: impl FnOnce(Duration) -> Duration,
    ) -> Option<Duration> {
        self.failures.set(self.failures.get().saturating_add(1));
        let was_out = self.out_until.get().is_some();
        let goes_out =
            if was_out { probe.is_some() && probe == self.probe.get() } else { self.failures.get() >= config.after };
        if config.after == 0 || !goes_out {
            return None;
        }
        let (shortest, longest) = config.time;
        let forgotten = |last: Instant| !was_out && now.saturating_duration_since(last) >= longest;
        let times = if self.last_out.get().is_some_and(forgotten) { 0 } else { self.times.get() };
        let time = jitter(shortest.saturating_mul(1 << times.min(DOUBLINGS_MAX)).min(longest));
        self.times.set(times.saturating_add(1));
        self.probe.set(None);
        self.out_until.set(Some(now + time));
        self.last_out.set(Some(now + time));
        Some(time)
    }

    /// A call goes there that may be answered for `left`; where the provider is half open it is the probe, and there is no other
    /// one for as long, and for the shortest time out at least, unless one is answered.
    pub(crate) fn asked(&self, now: Instant, left: Duration, config: &Ejection) -> Option<Probe> {
        if self.verdict(now) != Verdict::HalfOpen {
            return None;
        }
        let probe = Probe(self.probes.get().wrapping_add(1));
        self.probes.set(probe.0);
        self.probe.set(Some(probe));
        self.out_until.set(Some(now + left.max(config.time.0)));
        Some(probe)
    }

    /// Nobody waits any more for the answer to what was perhaps the `probe`: another one may be sent before long.
    pub(crate) fn given_up(&self, probe: Option<Probe>, now: Instant, config: &Ejection) {
        if probe.is_some() && probe == self.probe.get() {
            self.out_until.set(self.out_until.get().map(|until| until.min(now + config.time.0)));
        }
    }

    /// Its provider is not listed any more; whether it was out.
    pub(crate) fn forget(&self) -> bool {
        self.out_until.take().is_some()
    }
}

/// Of a service's providers, in their order, those before this index are left out if their verdict says so; the others would
/// be too many.
pub(crate) fn honoured(verdicts: impl ExactSizeIterator<Item = Verdict>, config: &Ejection) -> usize {
    let count = verdicts.len();
    let most = (count.saturating_mul(config.percent as usize) / 100).min(count.saturating_sub(1));
    let outs = verdicts.enumerate().filter(|(_, verdict)| *verdict == Verdict::Out);
    outs.map(|(index, _)| index).nth(most).unwrap_or(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{HalfOpen, In, Out};

    const CONFIG: Ejection =
        Ejection { after: 3, percent: 50, time: (Duration::from_secs(10), Duration::from_secs(60)) };

    fn fail(record: &Record, now: Instant) -> Option<u64> {
        fail_with(record, None, now)
    }

    fn fail_with(record: &Record, probe: Option<Probe>, now: Instant) -> Option<u64> {
        record.failed(probe, now, &CONFIG, |time| time).map(|time| time.as_secs())
    }

    fn ask(record: &Record, now: Instant, left_seconds: u64) -> Option<Probe> {
        record.asked(now, Duration::from_secs(left_seconds), &CONFIG)
    }

    #[test]
    fn failures_in_a_row_put_it_out_and_an_answer_between_them_does_not() {
        let (record, now) = (Record::default(), Instant::now());
        assert_eq!((fail(&record, now), fail(&record, now)), (None, None));
        assert!(!record.answered());
        assert_eq!((fail(&record, now), fail(&record, now), fail(&record, now)), (None, None, Some(10)));
        assert_eq!(record.verdict(now), Out);
        assert_eq!(fail(&record, now), None, "calls that were under way do not make it longer");
    }

    #[test]
    fn it_stays_out_twice_as_long_each_time_a_probe_fails_and_no_longer_than_the_longest() {
        let (record, mut now) = (Record::default(), Instant::now());
        (0..3).for_each(|_| _ = fail(&record, now));
        for seconds in [20, 40, 60, 60] {
            now += record.out_for(now).unwrap();
            assert_eq!(record.verdict(now), HalfOpen);
            let probe = ask(&record, now, 5);
            assert_eq!((record.verdict(now), ask(&record, now, 5)), (Out, None), "one at a time");
            assert_eq!(fail_with(&record, probe, now), Some(seconds));
        }
    }

    #[test]
    fn a_probe_that_nobody_hears_of_is_followed_by_another() {
        let (record, now) = (Record::default(), Instant::now());
        (0..3).for_each(|_| _ = fail(&record, now));
        let later = now + Duration::from_secs(10);
        assert!(ask(&record, later, 5).is_some());
        assert_eq!(record.out_for(later), Some(CONFIG.time.0), "not one after the other where calls are short");
        assert_eq!(record.verdict(later + CONFIG.time.0), HalfOpen);
    }

    /// Another one took its place after the shortest time out, so that the failure of a call that had longer was nobody's: the
    /// provider was never left out for longer than the first time.
    #[test]
    fn a_probe_has_the_time_of_its_call() {
        let (record, now) = (Record::default(), Instant::now());
        (0..3).for_each(|_| _ = fail(&record, now));
        let asked = now + Duration::from_secs(10);
        let probe = ask(&record, asked, 30);
        let end = asked + Duration::from_secs(30);
        assert_eq!(ask(&record, end - Duration::from_millis(1), 30), None);
        assert_eq!(fail_with(&record, probe, end), Some(20));
    }

    #[test]
    fn a_probe_that_is_given_up_keeps_no_other_one_back() {
        let (record, now) = (Record::default(), Instant::now());
        (0..3).for_each(|_| _ = fail(&record, now));
        let asked = now + Duration::from_secs(10);
        let probe = ask(&record, asked, 24 * 3600);
        record.given_up(None, asked, &CONFIG);
        assert_eq!(record.out_for(asked), Some(Duration::from_secs(24 * 3600)), "another call is");
        record.given_up(probe, asked, &CONFIG);
        assert_eq!(record.out_for(asked), Some(CONFIG.time.0));
    }

    /// Calls from before the ejection, or an earlier probe, failed late, and the probe that was under way was blamed for it.
    #[test]
    fn only_the_end_of_the_probe_itself_keeps_it_out() {
        let (record, now) = (Record::default(), Instant::now());
        (0..3).for_each(|_| _ = fail(&record, now));
        let first = ask(&record, now + Duration::from_secs(10), 5);
        let later = now + Duration::from_secs(20);
        let second = ask(&record, later, 5);
        assert!(second.is_some() && second != first);
        assert_eq!((fail(&record, later), fail_with(&record, first, later)), (None, None));
        assert_eq!(record.out_for(later), Some(CONFIG.time.0));
        assert_eq!(fail_with(&record, second, later), Some(20));
        assert_eq!(fail_with(&record, second, later), None, "once");
    }

    #[test]
    fn an_answer_brings_it_back_and_a_long_good_time_forgets_what_was() {
        let (record, now) = (Record::default(), Instant::now());
        (0..3).for_each(|_| _ = fail(&record, now));
        assert!(record.answered());
        assert_eq!(record.verdict(now), In);
        let soon = now + Duration::from_secs(30);
        assert_eq!((0..3).filter_map(|_| fail(&record, soon)).next(), Some(20));
        assert!(record.answered());
        let late = soon + Duration::from_secs(20 + 60);
        assert_eq!((0..3).filter_map(|_| fail(&record, late)).next(), Some(10));
    }

    #[test]
    fn never_more_than_the_share_are_left_out_and_never_the_last() {
        let honoured = |verdicts: &[Verdict], percent| {
            let config = Ejection { percent, ..CONFIG };
            let limit = honoured(verdicts.iter().copied(), &config);
            verdicts.iter().take(limit).filter(|verdict| **verdict == Out).count()
        };
        assert_eq!(honoured(&[Out, In, Out, Out], 50), 2);
        assert_eq!(honoured(&[Out, Out, Out, Out], 100), 3);
        assert_eq!(honoured(&[Out], 100), 0);
        assert_eq!(honoured(&[Out, In, In], 30), 0, "a third is more than 30 of a hundred");
        assert_eq!(honoured(&[In, Out, HalfOpen], 50), 1);
        assert_eq!(honoured(&[], 50), 0);
    }
}
