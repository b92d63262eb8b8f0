//! Providers that are connected and fail: left out for a while, never too many, and back once they answer.
#![allow(clippy::unwrap_used)] // tests, but clippy does not know it of their helpers

mod provider;

use std::time::{Duration, Instant};

use highway_client::{CallKind, Ejection, Endpoint, PoolConfig, State};
use provider::*;
use wire::dubbo::frame::{Header, Serialization, Status};

fn strict() -> PoolConfig {
    let time = (Duration::from_millis(200), Duration::from_secs(5));
    PoolConfig { ejection: Ejection { after: 3, percent: 50, time }, ..quick() }
}

/// Sends a one-way call to whoever is picked for it, and says who that is.
fn one_way(candidates: &highway_client::Candidates) -> Endpoint {
    let chosen = candidates.pick(CallKind::OneWay, &[]).unwrap();
    send_one_way(&chosen.provider, 1);
    chosen.provider.endpoint().clone()
}

/// Waits until the first time out is over for whoever was ejected a moment ago, at its longest.
async fn until_half_open() {
    tokio::time::sleep(strict().ejection.time.0.mul_f64(1.25)).await;
}

/// Answers as a provider without a free thread does.
async fn overloaded(peer: &mut Peer) {
    let (asked, _) = peer.read().await;
    peer.write(&Header::reply(Serialization::HESSIAN2, Status::OVERLOADED, asked.id, 0).encode()).await;
}

/// Calls until the provider of this index is ejected; the others echo.
async fn eject(caller: &Caller, candidates: &highway_client::Candidates, bad: usize, peers: &mut [Peer]) {
    let provider = &candidates.list()[bad].provider;
    for token in 0.. {
        if provider.state() == State::Ejected {
            return;
        }
        assert!(token < 200, "it is never ejected");
        caller.call(candidates, token, b"x");
        let chosen = candidates.list().iter().position(|one| one.provider.outstanding() > 0).unwrap();
        if chosen == bad {
            overloaded(&mut peers[chosen]).await
        } else {
            peers[chosen].echo().await
        }
        caller.ends.answered().await;
    }
}

async fn connected<const N: usize>(
    caller: &Caller,
) -> (std::rc::Rc<highway_client::Candidates>, [Listening; N], Vec<Peer>) {
    let mut listening = Vec::new();
    for _ in 0..N {
        listening.push(Listening::anywhere().await);
    }
    let offers: Vec<_> = listening.iter().map(Listening::offer).collect();
    let candidates = caller.list(&offers);
    let mut peers = Vec::new();
    for one in &listening {
        peers.push(one.accept().await);
    }
    until(|| candidates.list().iter().all(|one| one.provider.state() == State::Up)).await;
    (candidates, listening.try_into().ok().unwrap(), peers)
}

#[test]
fn a_provider_that_fails_in_a_row_is_left_out_probed_and_taken_back_when_it_answers() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, mut peers) = connected::<2>(&caller).await;
        eject(&caller, &candidates, 0, &mut peers).await;
        let began = std::time::Instant::now();
        let bad = &candidates.list()[0].provider;
        assert_eq!(caller.pool.counts().ejected.get(), 1);
        // Everything goes to the other one, until the time is over; then one call is let through.
        let mut token = 1000;
        while bad.outstanding() == 0 {
            caller.call(&candidates, token, b"x");
            if bad.outstanding() == 0 {
                peers[1].echo().await;
                assert_eq!(caller.ends.answered().await.0, token);
                token += 1;
            }
        }
        assert!(began.elapsed() >= Duration::from_millis(160), "not before: {:?}", began.elapsed());
        assert_eq!(caller.pool.counts().probes.get(), 1);
        for other in token + 1..token + 10 {
            caller.call(&candidates, other, b"x");
            peers[1].echo().await;
            assert_eq!(caller.ends.answered().await.0, other, "one probe at a time");
        }
        peers[0].echo().await;
        assert_eq!(caller.ends.answered().await.0, token);
        assert_eq!((bad.state(), caller.pool.counts().readmitted.get()), (State::Up, 1));
    });
}

#[test]
fn a_probe_that_fails_leaves_it_out_for_longer() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, mut peers) = connected::<2>(&caller).await;
        eject(&caller, &candidates, 0, &mut peers).await;
        let bad = &candidates.list()[0].provider;
        while caller.pool.counts().probes.get() == 0 {
            caller.call(&candidates, 1, b"x");
            if bad.outstanding() > 0 {
                overloaded(&mut peers[0]).await
            } else {
                peers[1].echo().await
            }
            caller.ends.answered().await;
        }
        assert_eq!((caller.pool.counts().ejected.get(), caller.pool.counts().readmitted.get()), (2, 0));
        assert_eq!(bad.state(), State::Ejected);
    });
}

/// After the shortest time out another probe took the place of one that was under way still, whose silence was then nobody's.
#[test]
fn a_probe_that_may_take_longer_than_the_first_time_out_is_blamed_for_its_silence() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, mut peers) = connected::<2>(&caller).await;
        eject(&caller, &candidates, 0, &mut peers).await;
        let bad = candidates.list()[0].provider.clone();
        let began = Instant::now();
        // The probe stays unanswered for 1.5 s; what goes to the other one meanwhile is answered.
        while caller.pool.counts().ejected.get() < 2 {
            let before = bad.outstanding();
            caller.call_within(&candidates, 1, b"x", Duration::from_millis(1500)).unwrap();
            if bad.outstanding() == before {
                peers[1].echo().await;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "nobody is blamed");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!((caller.pool.counts().probes.get(), bad.state()), (1, State::Ejected));
    });
}

/// A caller in another island counts the same time and cancels at its end, a moment before it is over here: a provider that hung was
/// never blamed.
#[test]
fn a_call_that_is_cancelled_at_its_deadline_was_not_answered_either() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, _silent) = connected::<2>(&caller).await;
        let given_up_after = |left: Duration| {
            let (caller, candidates) = (&caller, &candidates);
            async move {
                let calls: Vec<_> =
                    (0..20).map(|token| caller.call_within(candidates, token, b"x", left).unwrap()).collect();
                tokio::time::sleep(Duration::from_millis(1200)).await;
                calls.into_iter().for_each(|call| caller.pool.cancel(call));
                caller.pool.counts().ejected.get()
            }
        };
        assert_eq!(given_up_after(Duration::from_secs(60)).await, 0, "who does not want to wait blames nobody");
        assert!(given_up_after(Duration::from_millis(1250)).await > 0, "nobody is blamed");
    });
}

#[test]
fn a_probe_that_is_cancelled_is_followed_by_another() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, mut peers) = connected::<2>(&caller).await;
        eject(&caller, &candidates, 0, &mut peers).await;
        while caller.pool.counts().probes.get() < 2 {
            let call = caller.call_within(&candidates, 1, b"x", Duration::from_secs(3600)).unwrap();
            caller.pool.cancel(call);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// A call that was there before the ejection failed while the probe was under way, and the probe was blamed for it.
#[test]
fn a_probe_answers_for_itself_and_not_for_older_calls() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, mut peers) = connected::<2>(&caller).await;
        let outstanding = |at: usize| candidates.list()[at].provider.outstanding();
        let bad = candidates.list()[0].provider.clone();
        // The other one is not the less busy one, so that the probe goes where it is due.
        while outstanding(0) < 5 || outstanding(1) < outstanding(0) {
            caller.call(&candidates, 1, b"x");
            tokio::task::yield_now().await;
        }
        for _ in 0..3 {
            overloaded(&mut peers[0]).await;
            caller.ends.answered().await;
        }
        assert_eq!(caller.pool.counts().ejected.get(), 1);
        let older = outstanding(0);
        let mut token = 1000;
        while outstanding(0) == older {
            caller.call(&candidates, token, b"x");
            if outstanding(0) == older {
                peers[1].echo().await;
                caller.ends.answered().await;
            }
            token += 1;
        }
        for _ in 0..older {
            overloaded(&mut peers[0]).await;
            caller.ends.answered().await;
        }
        assert_eq!((caller.pool.counts().probes.get(), caller.pool.counts().ejected.get()), (1, 1));
        peers[0].echo().await;
        assert_eq!(caller.ends.answered().await.0, token - 1);
        assert_eq!((bad.state(), caller.pool.counts().readmitted.get()), (State::Up, 1));
    });
}

/// Nothing is heard of a one-way call, so nothing put the provider out again: as the one with the fewest calls it drew them all, and
/// lost them.
#[test]
fn a_one_way_call_goes_to_nobody_who_is_half_open_while_another_is_there() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, mut peers) = connected::<2>(&caller).await;
        eject(&caller, &candidates, 0, &mut peers).await;
        until_half_open().await;
        for _ in 0..64 {
            let chosen = one_way(&candidates);
            assert_eq!(chosen, candidates.list()[1].provider.endpoint().clone());
            tokio::task::yield_now().await;
        }
        let mut token = 1000;
        while candidates.list()[0].provider.outstanding() == 0 {
            caller.call(&candidates, token, b"x");
            token += 1;
            assert!(token < 1200, "it is not half open");
        }
    });
}

/// A one-way call was taken for the probe: nothing is heard of it, so the provider was left out for no reason.
#[test]
fn a_one_way_call_is_no_probe() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, listening, mut peers) = connected::<2>(&caller).await;
        eject(&caller, &candidates, 0, &mut peers).await;
        let [bad, good] = [0, 1].map(|at| candidates.list()[at].provider.clone());
        drop((peers.pop(), listening));
        until(|| good.state() != State::Up).await;
        until_half_open().await;
        assert_eq!(one_way(&candidates), *bad.endpoint(), "better than nobody");
        assert_eq!(caller.pool.counts().probes.get(), 0);
        caller.call(&candidates, 1, b"x");
        assert_eq!((caller.pool.counts().probes.get(), bad.outstanding()), (1, 1));
    });
}

#[test]
fn no_more_than_the_share_are_left_out() {
    on_a_shard(|shard| async move {
        let mut config = strict();
        config.ejection.time = (Duration::from_secs(60), Duration::from_secs(60));
        let caller = Caller::new(&shard, config);
        let (candidates, _listening, mut peers) = connected::<2>(&caller).await;
        for bad in [0, 1] {
            eject(&caller, &candidates, bad, &mut peers).await;
        }
        // Both failed; half of two is one, so that calls still go somewhere.
        for token in 500..520 {
            caller.call(&candidates, token, b"x");
            let chosen = candidates.list().iter().position(|one| one.provider.outstanding() > 0).unwrap();
            assert_eq!(chosen, 1);
            overloaded(&mut peers[chosen]).await;
            caller.ends.answered().await;
        }
    });
}

#[test]
fn the_only_provider_is_never_left_out() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, mut peers) = connected::<1>(&caller).await;
        for token in 0..10 {
            caller.call(&candidates, token, b"x");
            overloaded(&mut peers[0]).await;
            assert_eq!(caller.ends.answered().await.0, token);
        }
    });
}

#[test]
fn an_ejected_provider_still_serves_where_all_others_are_gone() {
    on_a_shard(|shard| async move {
        let mut config = strict();
        config.ejection.time = (Duration::from_secs(60), Duration::from_secs(60));
        let caller = Caller::new(&shard, config);
        let (candidates, listening, mut peers) = connected::<2>(&caller).await;
        eject(&caller, &candidates, 0, &mut peers).await;
        drop((peers.pop(), listening));
        let good = &candidates.list()[1].provider;
        until(|| good.state() != State::Up).await;
        caller.call(&candidates, 700, b"x");
        peers[0].echo().await;
        assert_eq!(caller.ends.answered().await.0, 700);
    });
}

#[test]
fn silence_until_the_deadline_counts_and_an_exception_does_not() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, _listening, mut peers) = connected::<2>(&caller).await;
        let provider = |at: usize| candidates.list()[at].provider.clone();
        let mut silent = 0;
        for token in 0..20 {
            // Dubbo's SERVICE_ERROR: the provider is well, its service is not.
            caller.call_within(&candidates, token, b"x", Duration::from_millis(1100)).unwrap();
            if provider(1).outstanding() > 0 {
                let (asked, _) = peers[1].read().await;
                let reply = Header::reply(Serialization::HESSIAN2, Status::SERVICE_ERROR, asked.id, 0).encode();
                peers[1].write(&reply).await;
                caller.ends.answered().await;
            } else {
                silent += 1;
                if silent == 3 {
                    break;
                }
            }
        }
        until(|| provider(0).state() == State::Ejected).await;
        assert_eq!((provider(1).state(), caller.pool.counts().ejected.get()), (State::Up, 1));
    });
}

#[test]
fn connections_that_are_lost_with_calls_on_them_count_once_each() {
    on_a_shard(|shard| async move {
        let caller = Caller::new(&shard, strict());
        let (candidates, listening, mut peers) = connected::<2>(&caller).await;
        let bad = &candidates.list()[0].provider;
        let mut flapping = peers.remove(0);
        for lost in 1..=3 {
            until(|| bad.state() == State::Up).await;
            let mut sent = 0;
            while bad.outstanding() < 5 {
                caller.call(&candidates, 1, b"x");
                sent += 1;
            }
            drop(flapping);
            for _ in 0..5 {
                caller.ends.lost().await;
            }
            for _ in 5..sent {
                peers[0].echo().await;
                caller.ends.answered().await;
            }
            assert_eq!(caller.pool.counts().ejected.get(), u64::from(lost == 3));
            flapping = listening[0].accept().await;
        }
        until(|| bad.state() == State::Ejected).await;
    });
}
