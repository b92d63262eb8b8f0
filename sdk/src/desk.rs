//! The calls of this process on their shard: each goes to whom its target or the directory says, comes back with its answer or with how
//! far it got, and goes to another provider where it was not sent.
//!
//! ```text
//!  inbox ─▶ early ─ who offers it is not known yet ─┐
//!             │ ◀────────── another directory ──────┘
//!             ▼
//!           offered ─ on a connection, or waits for one ─▶ answer ──────────────────────▶ its caller
//!             ▲                                          ├ not sent: at most two others, then its caller is told
//!             └───────────────────────────────────────── ┘ unknown: only if its caller said `repeats`
//! ```
//!
//! A caller that does not wait any more is noticed before its call is sent. It chooses no island, which is a gateway's to do, and reads no answer.

pub(crate) mod ready;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Answer, Answers, Endpoint, Lost, MORE_PROVIDERS, Pool, PoolConfig, Provider, State, Times};
use route::{Near, Refusal};
use rustc_hash::FxHashSet;
use shard::{Budget, Key, Shard, Slots};
use tokio::sync::watch;
use wire::dubbo::frame::{FrameKind, Status};

use crate::directory::{Directory, GATEWAYS};
use crate::held::Held;
use crate::inbox::{Inbox, Reading};
use crate::job::{Ended, Failure, Job, Work};
use crate::rulings::Rulings;
use crate::target::Target;
use crate::tls::Trusted;

/// All calls of this process.
pub(crate) struct Desk {
    me: Weak<Desk>,
    shard: Shard,
    pool: Pool,
    calls: RefCell<Slots<Held>>,
    directory: RefCell<Arc<Directory>>,
    rulings: Rulings,
    /// Calls that wait to know who offers their service.
    early: RefCell<FxHashSet<Key>>,
    /// When calls that nobody waits for were last looked for.
    looked: Cell<Option<Instant>>,
}

/// How much this process holds at most.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub pool: PoolConfig,
    /// How providers with TLS are known.
    pub trusted: Option<Trusted>,
    /// Bytes that may be held.
    pub held_len: usize,
}

/// How often at most all calls are looked through for those that nobody waits for, where there is no room for another.
const LOOK: Duration = Duration::from_millis(100);

/// Why nobody is known where nothing was read.
const UNREAD: &str = "no registry could be read in time; see whether ZooKeeper runs and lets this process in";

/// Takes calls until the inbox is closed.
pub(crate) async fn run(
    shard: Shard,
    inbox: Arc<Inbox>,
    mut directory: watch::Receiver<Arc<Directory>>,
    limits: Limits,
) {
    let _reading = Reading(inbox.clone());
    let desk = Desk::new(&shard, limits);
    desk.follow(directory.borrow_and_update().clone());
    // Beside the calls: to wait for both at once costs each call as much as it does to look.
    shard.run(follow(Rc::downgrade(&desk), directory.clone()));
    let mut spare = Vec::new();
    while let Some(mut jobs) = inbox.take(&mut spare).await {
        // Who asks for a service has made it known before.
        if directory.has_changed().unwrap_or(false) {
            desk.follow(directory.borrow_and_update().clone());
        }
        let are_several = jobs.len() > 1;
        jobs.drain(..).for_each(|work| match work {
            Work::Call(job) => desk.take(job),
            // Whoever does not wait for it any more misses nothing.
            Work::Standing(question) => drop(question.send(desk.pool.status())),
            Work::Ready(question) => shard.run(ready::answer(desk.me.clone(), question)),
        });
        spare = jobs;
        if are_several {
            // Others are on their way, and need wake nobody who looks once more before he sleeps.
            tokio::task::yield_now().await;
        }
    }
}

/// Takes over what is known whenever that changes.
async fn follow(desk: Weak<Desk>, mut directory: watch::Receiver<Arc<Directory>>) {
    while directory.changed().await.is_ok() {
        let Some(desk) = desk.upgrade() else { return };
        desk.follow(directory.borrow_and_update().clone());
    }
}

impl Desk {
    fn new(shard: &Shard, limits: Limits) -> Rc<Self> {
        let calls = Slots::new(limits.pool.pending_limit);
        let desk = Rc::new_cyclic(|me: &Weak<Self>| Self {
            me: me.clone(),
            shard: shard.clone(),
            pool: Pool::new(shard, limits.pool, Budget::new(limits.held_len), me.clone()),
            calls: RefCell::new(calls),
            directory: RefCell::default(),
            rulings: Rulings::default(),
            early: RefCell::default(),
            looked: Cell::default(),
        });
        if let Some(trusted) = limits.trusted {
            desk.pool.trust(Some(trusted.trust.clone()));
            shard.run(trusted.follow(desk.me.clone(), |desk, trust| desk.pool.trust(Some(trust))));
        }
        desk
    }

    fn follow(&self, directory: Arc<Directory>) {
        let list = directory.list.clone();
        self.directory.replace(directory);
        self.rulings.forget();
        if *list != *self.pool.list() {
            self.pool.update(list);
        }
        let early = self.early.take();
        early.into_iter().for_each(|key| self.offer(key));
    }

    /// Takes a call in.
    fn take(&self, job: Job) {
        let mut inserted = self.calls.borrow_mut().insert(Held::of(job));
        if let Err(held) = inserted {
            self.make_room();
            inserted = self.calls.borrow_mut().insert(held);
        }
        match inserted {
            Ok(key) => self.offer(key),
            Err(held) => {
                let limit = self.calls.borrow().len();
                let why = format!("{limit} calls are in hand already; make fewer at once, or raise `Builder::calls`");
                drop(held.reply.send(Ended::Failed(Failure::Busy(why))));
            }
        }
    }

    /// Calls that nobody waits for any more are forgotten before their time.
    fn make_room(&self) {
        let now = self.pool.now();
        if self.looked.get().is_none_or(|looked| now >= looked + LOOK) {
            self.looked.set(Some(now));
            self.give_up(|_| true);
        }
    }

    /// Gives up those calls of which `which` holds that nobody waits for.
    fn give_up(&self, which: impl Fn(&Held) -> bool) {
        let gone: Vec<Key> = {
            let calls = self.calls.borrow();
            let unwanted = calls.iter().filter(|(_, held)| held.reply.is_closed() && which(held));
            unwanted.map(|(key, _)| key).collect()
        };
        for key in gone {
            let held = self.calls.borrow_mut().remove(key);
            if let Some((_, call)) = held.and_then(|held| held.asked) {
                self.pool.cancel(call);
            }
        }
    }

    /// Offers a call to whoever can take it.
    fn offer(&self, key: Key) {
        let directory = self.directory.borrow().clone();
        let now = self.pool.now();
        let mut calls = self.calls.borrow_mut();
        let Some(held) = calls.get_mut(key) else { return };
        if held.reply.is_closed() {
            calls.remove(key);
            return;
        }
        if held.offers == 0 {
            held.settle(&directory, now);
        }
        let deadline = held.deadline;
        let name = self.list_name(held, &directory);
        let request = held.request.clone();
        if deadline <= now {
            drop(calls);
            return self.never_sent(key);
        }
        let name = match name {
            Ok(name) => name,
            Err(Refusal::NotYetKnown { .. }) => return self.wait_for_directory(key, held),
            Err(refusal) => {
                drop(calls);
                return self.end(key, Ended::Failed(Failure::Refused(refusal.to_string())));
            }
        };
        let Some(candidates) = self.pool.candidates(&name, &request.method) else {
            if !directory.has_looked_for(&name, &request.of.names.anybody) {
                return self.wait_for_directory(key, held);
            }
            drop(calls);
            return self.end(key, Ended::Failed(Failure::NoProvider(directory.nobody(&name, &request.of.service))));
        };
        held.offers += 1;
        let mut tried = std::mem::take(&mut held.tried);
        drop(calls);
        let all = candidates.list().iter().map(|one| one.provider.endpoint());
        tried.extend(directory.unfit(&request, &name, all));
        let left = deadline.saturating_duration_since(now);
        let times = Times::within(now, left);
        let write = |offer: &client::Offer, id: i64, out: &mut Vec<u8>| {
            request.append(offer, directory.reads(&request, &name, &offer.endpoint), left, id, out)
        };
        let handed = match request.kind {
            FrameKind::OneWay => candidates.send_one_way(key.number(), times, &mut tried, write),
            _ => candidates.send(key.number(), times, &mut tried, write).map(Some),
        };
        match handed {
            Ok(Some((call, provider))) => {
                let mut calls = self.calls.borrow_mut();
                let Some(held) = calls.get_mut(key) else { return };
                held.tried = tried;
                held.asked = Some((provider, call));
            }
            Ok(None) => self.end(key, Ended::Sent),
            Err(untaken) => self.end(key, Ended::Failed(Failure::of(untaken, &candidates))),
        }
    }

    /// A call waits until it is known who offers its service, or until its time is over.
    fn wait_for_directory(&self, key: Key, held: &mut Held) {
        self.early.borrow_mut().insert(key);
        let deadline = held.waits_until();
        if held.watched_until.replace(deadline) == Some(deadline) {
            return;
        }
        let desk = self.me.clone();
        self.shard.run(async move {
            tokio::time::sleep_until(deadline.into()).await;
            if let Some(desk) = desk.upgrade() {
                desk.too_early(key);
            }
        });
    }

    /// The time of a call is over; if it waits still to know who offers its service, nobody knew.
    fn too_early(&self, key: Key) {
        let is_over = self.calls.borrow().get(key).is_none_or(|held| held.deadline <= Instant::now());
        if is_over && self.early.borrow_mut().remove(&key) {
            self.end(key, Ended::Failed(Failure::NoProvider(UNREAD.to_owned())));
        }
    }

    fn never_sent(&self, key: Key) {
        let timeout = self.calls.borrow().get(key).map_or(Duration::ZERO, |held| held.timeout);
        self.end(key, Ended::Failed(Failure::NeverSent(timeout)));
    }

    fn end(&self, key: Key, ended: Ended) {
        let Some(held) = self.calls.borrow_mut().remove(key) else { return };
        held.end(ended);
    }

    /// A call comes back unsent; another provider may take it.
    fn not_sent(&self, key: Key, why: String) {
        if self.goes_on(key).is_some_and(|deadline| Instant::now() < deadline) {
            return self.offer(key);
        }
        self.end(key, Ended::Failed(Failure::NotReached(why)));
    }

    /// A call has no answer, and may have run: made again only if its caller said so.
    fn unknown(&self, key: Key, failure: Failure) {
        self.goes_on(key);
        let again = {
            let mut calls = self.calls.borrow_mut();
            let Some(held) = calls.get_mut(key) else { return };
            match held.repeats.checked_sub(1) {
                Some(left) => {
                    (held.repeats, held.offers, held.is_again) = (left, 0, true);
                    held.began = Instant::now();
                    true
                }
                None => false,
            }
        };
        if again { self.offer(key) } else { self.end(key, Ended::Failed(failure)) }
    }

    /// Whoever had the call is not asked again before others. Until when it may be offered to another; `None` where it was offered
    /// often enough.
    fn goes_on(&self, key: Key) -> Option<Instant> {
        let mut calls = self.calls.borrow_mut();
        let held = calls.get_mut(key)?;
        if let Some((provider, _)) = held.asked.take()
            && !held.tried.contains(provider.endpoint())
        {
            held.tried.push(provider.endpoint().clone());
        }
        (held.offers <= MORE_PROVIDERS).then_some(held.deadline)
    }

    /// In whose list the providers of a call stand.
    ///
    /// # Errors
    /// A rule or a switch forbids it, or it is not known yet whether one does.
    fn list_name(&self, held: &Held, directory: &Directory) -> Result<Arc<str>, Refusal> {
        let Held { request, target, tried, .. } = held;
        let names = &request.of.names;
        let target = target.as_ref().map(Target::as_str);
        let facts = directory.facts(request);
        let near = self.rulings.begins(request, names.way(), target, facts)?;
        let is_promising = |name: &str| {
            let candidates = self.pool.candidates(name, &request.method);
            candidates.is_some_and(|found| {
                found.is_promising() && found.list().iter().any(|one| !tried.contains(one.provider.endpoint()))
            })
        };
        Ok(match near {
            Near::Listed => names.anybody.clone(),
            Near::Local => names.local.clone(),
            Near::LocalFirst if is_promising(&names.local) || !is_promising(GATEWAYS) => names.local.clone(),
            Near::LocalFirst | Near::Gateway => directory.gateways_for(target.or(facts.tagged).unwrap_or("")).into(),
        })
    }

    /// Whether somebody can be reached whom this call was not offered to.
    fn has_others(&self, key: Key) -> bool {
        let directory = self.directory.borrow().clone();
        let calls = self.calls.borrow();
        let Some(held) = calls.get(key) else { return false };
        let name = self.list_name(held, &directory).ok();
        let candidates = name.and_then(|name| self.pool.candidates(&name, &held.request.method));
        let may_take = |one: &Rc<Provider>| one.state() == State::Up && !held.tried.contains(one.endpoint());
        candidates.is_some_and(|found| found.list().iter().any(|one| may_take(&one.provider)))
    }
}

impl Answers for Desk {
    fn answer(&self, token: u64, answer: Answer<'_>) {
        let key = Key::from_number(token);
        let asked = self.calls.borrow().get(key).and_then(|held| Some(held.asked.as_ref()?.0.endpoint().clone()));
        // Its provider, or the gateway, says that it did not run.
        if matches!(answer.header.status(), Status::OVERLOADED | Status::SERVER_ERROR)
            && self.goes_on(key).is_some_and(|deadline| Instant::now() < deadline)
            && self.has_others(key)
        {
            return self.offer(key);
        }
        let Some(mut held) = self.calls.borrow_mut().remove(key) else { return };
        let from = asked.unwrap_or_else(|| Endpoint::new("", 0));
        let frame = held.answered_with(answer.frame);
        held.end(Ended::Answer { frame, from });
    }

    fn lost(&self, token: u64, lost: Lost) {
        let key = Key::from_number(token);
        let timeout = self.calls.borrow().get(key).map_or(Duration::ZERO, |held| held.timeout);
        match lost {
            Lost::NotSent { why, .. } => self.not_sent(key, why),
            Lost::DeadlinePassed => self.unknown(key, Failure::Unanswered(timeout)),
            Lost::Unknown { why } => self.unknown(key, Failure::Lost(why)),
            Lost::TooLong { found_len, limit_len } => {
                self.end(key, Ended::Failed(Failure::AnswerTooLong { found_len, limit_len }));
            }
            Lost::NoRoom { found_len } => self.end(key, Ended::Failed(Failure::NoRoom { found_len })),
        }
    }

    fn passed_on(&self, token: u64) {
        self.end(Key::from_number(token), Ended::Sent);
    }

    fn waiting_go(&self) {
        self.give_up(|held| held.asked.as_ref().is_some_and(|(provider, call)| provider.is_waiting(*call)));
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Desk({} calls)", self.calls.borrow().len())
    }
}
