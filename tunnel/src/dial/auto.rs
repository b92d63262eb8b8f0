//! `transport = "auto"`: which transport carries a link, and when it moves to another. What is known of the way stands in [`crate::path`]; here
//! it is found out. It never holds up a link that stands, and changes nothing at a hub that did not answer.
//!
//! ```text
//!  ws ──────────── works: linked, and the others are left           a hub's refusal is everybody's: no further one is tried
//!   ╰ 0.5 s, or a failure ─▶ h2 ──────────
//!                             ╰ 0.5 s, or a failure ─▶ h1 …         linked: a ping of 64 KiB has to come back
//! ```

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Attempt, Inner};
use crate::Transport;
use crate::handshake::{HANDSHAKE_LIMIT, HandshakeError};
use crate::link::Loss;
use crate::path::Remembered;

/// How long a transport is alone before the next is tried beside it: all have been within two seconds.
const STAGGER: Duration = Duration::from_millis(500);

/// Links over the first transport that works.
pub(super) async fn link(inner: &Rc<Inner>, index: usize) -> Result<Attempt, HandshakeError> {
    let mut waiting = inner.addresses[index].path.borrow().order(Instant::now()).into_iter();
    let mut attempts = JoinSet::new();
    let mut failed: Vec<(Transport, String)> = Vec::new();
    let mut duplicate = false;
    loop {
        if !duplicate && let Some(transport) = waiting.next() {
            let inner = inner.clone();
            attempts.spawn_local(async move { (transport, inner.attempt(index, transport).await) });
        }
        let done = tokio::select! {
            done = attempts.join_next() => done,
            () = sleep(STAGGER), if !duplicate && waiting.len() > 0 => continue,
        };
        match done {
            Some(Ok((transport, Ok(Attempt::Linked)))) => {
                inner.addresses[index].path.borrow_mut().linked(transport, failed, Instant::now());
                return Ok(Attempt::Linked);
            }
            // Another attempt is about to link to the same hub, or somebody has: no further one is needed.
            Some(Ok((_, Ok(Attempt::Duplicate)))) => duplicate = true,
            Some(Ok((_, Err(error)))) if error.is_of_the_hub() => return Err(error),
            Some(Ok((transport, Err(error)))) => failed.push((transport, error.to_string())),
            Some(Err(_)) => {}
            None if duplicate => return Ok(Attempt::Duplicate),
            None => return Err(HandshakeError::NoTransport(all(&failed))),
        }
    }
}

/// Why nothing worked: once, where all say the same.
fn all(failed: &[(Transport, String)]) -> String {
    match failed {
        [(_, first), rest @ ..] if rest.iter().all(|(_, why)| why == first) => first.clone(),
        _ => {
            failed.iter().map(|(transport, why)| format!("{}: {why}", transport.name())).collect::<Vec<_>>().join("; ")
        }
    }
}

/// Notes what came of the links of an address since the last time; `lost`: those of their connections that are no more.
pub(super) fn look(inner: &Rc<Inner>, index: usize, lost: Vec<(Transport, Loss)>, now: Instant) {
    let known = &inner.addresses[index];
    let address = &inner.config.hubs[index];
    let mut path = known.path.borrow_mut();
    let links = inner.links.borrow();
    for (transport, Loss { how, is_proven, why, .. }) in lost {
        known.lost.set(Some(how));
        if path.broke(transport, how, is_proven, why.clone(), now) {
            tracing::warn!(
                url = address.url,
                transport = transport.name(),
                why,
                "the link goes over another transport for a while"
            );
        }
    }
    for dialled in links.iter().filter(|dialled| dialled.address == index) {
        let transport = dialled.via.get();
        if dialled.link.is_proven() && path.proven(transport) {
            tracing::info!(
                url = address.url,
                transport = transport.name(),
                "this transport works on the way to the hub"
            );
            inner.remember(index, Remembered { transport: Some(transport), silence: None });
        }
    }
    let steady = links.iter().find(|dialled| dialled.address == index && dialled.link.is_proven());
    let Some((hub, current)) = steady.map(|dialled| (dialled.hub.clone(), dialled.via.get())) else { return };
    if known.is_looking.get() {
        return;
    }
    if let Some(better) = path.better(current, now) {
        known.is_looking.set(true);
        let inner = inner.clone();
        let shard = inner.shard.clone();
        shard.run(async move {
            let work = inner.move_to(index, &hub, better);
            let moved = timeout(HANDSHAKE_LIMIT, work).await.unwrap_or(Err(HandshakeError::Timeout));
            let known = &inner.addresses[index];
            let now = Instant::now();
            match moved {
                Ok(true) => {
                    tracing::info!(
                        url = inner.config.hubs[index].url,
                        transport = better.name(),
                        "the link moves to a better transport"
                    );
                    known.path.borrow_mut().linked(better, Vec::new(), now);
                }
                // Another hub of the address has answered: it says nothing of the way.
                Ok(false) => {}
                Err(error) => known.path.borrow_mut().failed(better, error.to_string(), now),
            }
            known.is_looking.set(false);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_say_is_said_once() {
        let said = |list: &[(Transport, &str)]| {
            all(&list.iter().map(|(by, why)| (*by, (*why).to_owned())).collect::<Vec<_>>())
        };
        assert_eq!(said(&[(Transport::Ws, "refused"), (Transport::Post, "refused")]), "refused");
        assert_eq!(
            said(&[(Transport::Ws, "status 200"), (Transport::Post, "status 403")]),
            "ws: status 200; post: status 403"
        );
    }
}
