//! What all connections of a pool share: its pending calls, budget, counters, and the time of this turn. It owns no
//! connection and decides nothing.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shard::{Budget, Flush, Shard};
use tokio::sync::Notify;

use crate::calls::{Calls, Place};
use crate::choice::Draws;
use crate::{Answers, Counts, Lost, PoolConfig, Trust};

/// How often overdue calls are looked for while there are any: the length of a tick of [`shard::Wheel`].
const TICK: Duration = Duration::from_millis(10);

pub(crate) struct Core {
    me: Weak<Core>,
    pub shard: Shard,
    pub config: PoolConfig,
    pub counts: Arc<Counts>,
    pub budget: Budget,
    pub calls: RefCell<Calls>,
    pub draws: Draws,
    pub trust: RefCell<Option<Trust>>,
    /// How often that has changed.
    pub trust_changes: Cell<u64>,
    /// Providers that are ejected: where it is 0, nobody asks.
    pub ejected: Cell<u32>,
    /// How often a provider could be called again, or first.
    pub came_up: Cell<u64>,
    answers: Weak<dyn Answers>,
    turn: Cell<u64>,
    /// The time of this turn, once somebody has asked for it.
    now: Cell<Option<Instant>>,
    ticking: Cell<bool>,
    wake_ticker: Rc<Notify>,
}

impl Core {
    pub fn new(shard: &Shard, config: PoolConfig, budget: Budget, answers: Weak<dyn Answers>) -> Rc<Self> {
        let core = Rc::new_cyclic(|me| Self {
            me: me.clone(),
            shard: shard.clone(),
            calls: RefCell::new(Calls::new(config.pending_limit)),
            config,
            counts: Arc::default(),
            budget,
            draws: Draws::new(),
            trust: RefCell::default(),
            trust_changes: Cell::new(0),
            ejected: Cell::new(0),
            came_up: Cell::new(0),
            answers,
            turn: Cell::new(0),
            now: Cell::new(None),
            ticking: Cell::new(false),
            wake_ticker: Rc::new(Notify::new()),
        });
        shard.run(tick(core.me.clone(), core.wake_ticker.clone()));
        core
    }

    /// The time, read once a turn.
    pub fn now(&self) -> Instant {
        if let Some(now) = self.now.get() {
            return now;
        }
        let now = Instant::now();
        if let Some(me) = self.me.upgrade() {
            self.now.set(Some(now));
            self.shard.mark(me);
        }
        now
    }

    /// A number that is the same for all calls of one turn. Only meaningful after [`Core::now`].
    pub fn turn(&self) -> u64 {
        self.turn.get()
    }

    /// A fifth more or less, so that what failed together does not come back together.
    pub fn jitter(&self, time: Duration) -> Duration {
        let draw = (self.draws.next() >> 40) as f64 / f64::from(1 << 24);
        time.mul_f64(0.8 + 0.4 * draw)
    }

    /// Makes sure that overdue calls will be noticed.
    pub fn tick(&self) {
        if !self.ticking.replace(true) {
            self.wake_ticker.notify_one();
        }
    }

    /// Who is told about calls, while there is somebody.
    pub fn answers(&self) -> Option<Rc<dyn Answers>> {
        self.answers.upgrade()
    }

    pub fn lost(&self, token: u64, lost: Lost) {
        if let Some(answers) = self.answers() {
            answers.lost(token, lost);
        }
    }

    pub fn waiting_go(&self) {
        if let Some(answers) = self.answers() {
            answers.waiting_go();
        }
    }

    pub fn passed_on(&self, token: u64) {
        if let Some(answers) = self.answers() {
            answers.passed_on(token);
        }
    }

    /// Ends the calls whose time is over; whether there are more to come.
    fn expire(&self) -> bool {
        let overdue = self.calls.borrow_mut().overdue(Instant::now());
        for (key, pending) in overdue {
            match &pending.place {
                Place::Waiting(provider) => provider.patience_over(key, pending.token),
                Place::Sent { channel, .. } => {
                    self.counts.deadlines_passed.add(1);
                    channel.unanswered(&pending);
                    self.lost(pending.token, Lost::DeadlinePassed);
                }
            }
        }
        self.calls.borrow().has_deadlines()
    }
}

impl Flush for Core {
    fn flush(&self) {
        self.turn.set(self.turn.get().wrapping_add(1));
        self.now.set(None);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.wake_ticker.notify_one();
    }
}

/// Runs until the pool is gone; sleeps while no call is pending.
async fn tick(core: Weak<Core>, wake: Rc<Notify>) {
    loop {
        wake.notified().await;
        loop {
            tokio::time::sleep(TICK).await;
            let Some(core) = core.upgrade() else { return };
            if !core.expire() {
                core.ticking.set(false);
                break;
            }
        }
    }
}
