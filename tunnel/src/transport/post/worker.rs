//! Who makes the requests of a stream: some push, some poll, each one request at a time, all in one task. None lives longer than its stream
//! and the moment that its last bytes have.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::dialled::{Piece, Shared};
use super::frame::Turn;

/// A push is answered within this: its body may be long and the way thin.
const PUSH_LIMIT: Duration = Duration::from_secs(10);
/// A poll is answered that much after its wait.
const POLL_GRACE: Duration = Duration::from_secs(2);

/// Makes requests until the stream is over.
pub(super) async fn run(shared: Rc<Shared>) {
    let all = &*shared;
    tokio::join!(push(all), push(all), push(all), push(all), poll(all, 0), poll(all, 1));
}

async fn push(shared: &Shared) {
    loop {
        let told = shared.push.notified();
        let Some(piece) = shared.next_push() else {
            if shared.is_over() {
                return;
            }
            told.await;
            continue;
        };
        let limit = if piece.ask.polls { piece.ask.wait + POLL_GRACE } else { PUSH_LIMIT };
        post(shared, piece, limit).await;
        shared.pushed();
    }
}

async fn poll(shared: &Shared, lane: u8) {
    let mut turn = Turn { lane, number: 0 };
    let mut again = false;
    loop {
        let changed = shared.change.notified();
        if shared.is_left() {
            return;
        }
        if !shared.is_open() {
            changed.await;
            continue;
        }
        turn.number += 1;
        let piece = shared.next_poll(turn, again);
        let limit = piece.ask.wait + POLL_GRACE;
        tokio::select! {
            is_answered = post(shared, piece, limit) => again = !is_answered,
            () = changed => {}
        }
    }
}

/// One request, and the pause after it where it failed; says whether it was answered.
async fn post(shared: &Shared, piece: Piece, limit: Duration) -> bool {
    let began = Instant::now();
    let answer = shared.pool.post(&piece.ask.encode(), &piece.bytes, limit).await;
    let is_answered = answer.is_ok();
    let pause = match answer {
        Ok((told, bytes)) => shared.answered(&piece, told, &bytes),
        Err(why) => shared.failed(&piece, why, began.elapsed()),
    };
    if !pause.is_zero() {
        sleep(pause).await;
    }
    is_answered
}
