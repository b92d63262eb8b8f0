//! The provider's thread: listens, brings answers to their connections, and ends as it is told.
//!
//! ```text
//!  Provider ── Order ──▶ thread          handler ── Done ──▶ thread
//!               drain, close
//! ```
//!
//! Orders are rare; no call passes through them.

use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::{Duration, Instant};

use shard::tls::Layer;
use shard::{Accepted, Shard};
use tokio::sync::{mpsc, oneshot};

use super::core::{Core, Limits, Place};
use super::job::Done;
use super::lookup::Services;
use super::session::Consumer;

/// How often it is looked for connections that do not come on.
const SLOW_LOOK: Duration = Duration::from_secs(1);
/// How often a drain looks whether it is done.
const DRAIN_LOOK: Duration = Duration::from_millis(10);
/// Consumers that heard of the end need so long until no call of theirs comes any more.
const LINGER: Duration = Duration::from_secs(1);
/// A consumer that does not read its last answers has so long.
const LAST_WRITE: Duration = Duration::from_secs(1);
/// Answers that are put to their connections in one turn.
const DONE_A_TURN: usize = 256;

/// What the thread is told. When nobody can tell it anything any more, it ends.
pub(super) enum Order {
    /// Tell consumers to go elsewhere, wait for the calls in hand at most so long, and end; answered with how many calls were cut off.
    Drain(Duration, oneshot::Sender<usize>),
}

/// What the thread is made of.
pub(super) struct Makings {
    pub(super) services: Services,
    pub(super) place: Place,
    pub(super) limits: Limits,
    pub(super) listener: TcpListener,
    pub(super) orders: mpsc::Receiver<Order>,
    /// Told once, when consumers can come in.
    pub(super) ready: oneshot::Sender<io::Result<()>>,
}

pub(super) async fn run(shard: Shard, makings: Makings) {
    let Makings { services, place, limits, listener, mut orders, ready } = makings;
    let (core, done) = Core::new(services, place, limits);
    let accepting = core.clone();
    let accept = move |_, _| match accepting.may_begin() {
        true => Accepted::Serve(Layer::Plain, Rc::new(Consumer::new(accepting.clone()))),
        false => Accepted::Refuse,
    };
    let listening = match shard::listen(&shard, listener, accept) {
        Ok(listening) => listening,
        Err(error) => return drop(ready.send(Err(error))),
    };
    shard.run(bring(core.clone(), done));
    let looking = Rc::downgrade(&core);
    shard.every(SLOW_LOOK, move || {
        if let Some(core) = looking.upgrade() {
            core.give_up_slow(Instant::now());
        }
    });
    let _ = ready.send(Ok(()));
    let ending = async {
        let order = orders.recv().await;
        if let Some(Order::Drain(within, cut)) = order {
            let _ = cut.send(drain(&core, within).await);
        }
    };
    tokio::select! {
        () = listening => {}
        () = ending => {}
    }
    close(&core).await;
}

/// Puts answers to their connections, for the life of the thread.
async fn bring(core: Rc<Core>, mut finished: mpsc::Receiver<Done>) {
    let mut turn = Vec::new();
    while finished.recv_many(&mut turn, DONE_A_TURN).await > 0 {
        turn.drain(..).for_each(|done| core.finish(done));
    }
}

/// Returns when all calls are answered and no more come, or after `within`, with the number of calls that are left.
async fn drain(core: &Core, within: Duration) -> usize {
    core.say_readonly();
    let begun = Instant::now();
    loop {
        let now = Instant::now();
        let told_for = now.saturating_duration_since(begun);
        let is_over = told_for >= LINGER.min(within) && core.in_hand() == 0 && core.quiet_for(now) >= LINGER;
        if is_over || !core.has_consumers() && core.in_hand() == 0 || told_for >= within {
            return core.in_hand();
        }
        tokio::time::sleep(DRAIN_LOOK).await;
    }
}

async fn close(core: &Core) {
    core.close("the provider has ended", LAST_WRITE);
    let until = Instant::now() + LAST_WRITE;
    while core.has_consumers() && Instant::now() < until {
        tokio::time::sleep(DRAIN_LOOK).await;
    }
}
