//! Who is called of those that are listed: which providers of a service get its calls, and what a changed list changes. How connections
//! come and go stands in `connections.rs`.

mod provider;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use highway_client::{CallKind, Offer, State};
use provider::*;

#[test]
fn a_dead_provider_is_skipped_and_alone_it_is_refused_at_once() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.wait = Duration::from_millis(50);
        let (alive, dead) = (Listening::anywhere().await, Listening::anywhere().await);
        let dead_offer = dead.offer();
        drop(dead);
        let caller = Caller::new(&shard, config);
        let both = caller.list(&[dead_offer.clone(), alive.offer()]);
        let mut alive = alive.accept().await;
        until(|| both.list()[0].provider.state() == State::Down).await;
        for token in 0..10 {
            caller.call(&both, token, b"x");
            alive.echo().await;
            caller.ends.answered().await;
        }
        let alone = caller.list(&[dead_offer]);
        assert!(alone.pick(CallKind::TwoWay, &[]).is_none());
        assert!(alone.trouble().contains("refused"), "{}", alone.trouble());
    });
}

#[test]
fn disabled_providers_and_those_of_weight_zero_beside_others_get_no_calls() {
    on_a_shard(|shard| async move {
        let (one, two, three) = (Listening::anywhere().await, Listening::anywhere().await, Listening::anywhere().await);
        let (mut disabled, mut weightless) = (one.offer(), two.offer());
        disabled.enabled = false;
        weightless.weight = 0;
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[disabled.clone(), weightless.clone(), three.offer()]);
        let mut peer = three.accept().await;
        for token in 0..20 {
            caller.call(&candidates, token, b"x");
            peer.echo().await;
            caller.ends.answered().await;
        }
        let none = caller.list(&[disabled]);
        assert!(none.pick(CallKind::TwoWay, &[]).is_none());
        assert_eq!(none.trouble(), "every provider is disabled");
    });
}

/// dubbo-go registers its providers with weight 0 unless told otherwise; Dubbo's consumers then choose as if all had the same.
#[test]
fn providers_of_weight_zero_share_the_calls_where_no_other_has_a_weight() {
    on_a_shard(|shard| async move {
        let (one, two) = (Listening::anywhere().await, Listening::anywhere().await);
        let mut offers = [one.offer(), two.offer()];
        offers.iter_mut().for_each(|offer| offer.weight = 0);
        let mut disabled = Listening::anywhere().await.offer();
        disabled.enabled = false;
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[disabled, offers[0].clone(), offers[1].clone()]);
        assert_eq!(candidates.list().len(), 2);
        assert!(candidates.list().iter().all(|candidate| candidate.offer.weight == 100 && candidate.offer.enabled));
        let mut peer = one.accept().await;
        let only = caller.list(&offers[..1]);
        caller.call(&only, 1, b"x");
        peer.echo().await;
        caller.ends.answered().await;
    });
}

#[test]
fn a_provider_that_lists_the_method_goes_before_one_that_does_not() {
    on_a_shard(|shard| async move {
        let (old, new) = (Listening::anywhere().await, Listening::anywhere().await);
        let (mut without, mut with) = (old.offer(), new.offer());
        without.methods = ["bye".into()].into();
        with.methods = ["bye".into(), "hello".into()].into();
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[without.clone(), with]);
        assert_eq!(candidates.list().len(), 1, "as in a rollout that adds a method");
        let alone = caller.list(&[without]);
        assert_eq!(alone.list().len(), 1, "and where nobody lists it, as with $echo, everybody is asked");
    });
}

#[test]
fn an_unlisted_provider_answers_what_it_has_and_is_then_left() {
    on_a_shard(|shard| async move {
        let (listening, caller, candidates, mut peer) = connected(&shard, quick()).await;
        caller.call(&candidates, 1, b"x");
        let (asked, body) = peer.read().await;
        let none = caller.list(&[]);
        assert!(none.pick(CallKind::TwoWay, &[]).is_none());
        assert!(candidates.pick(CallKind::TwoWay, &[]).is_none(), "not through an old list either");
        peer.write(&answer_to(&asked, &body)).await;
        assert_eq!(caller.ends.answered().await.0, 1);
        assert!(peer.is_closed_by_peer().await);
        let again = tokio::time::timeout(Duration::from_millis(150), listening.accept()).await;
        assert!(again.is_err(), "it is not connected to again");
    });
}

#[test]
fn a_provider_that_stays_listed_keeps_its_connection() {
    on_a_shard(|shard| async move {
        let (one, two) = (Listening::anywhere().await, Listening::anywhere().await);
        let caller = Caller::new(&shard, quick());
        caller.list(&[one.offer()]);
        let mut peer = one.accept().await;
        let candidates = caller.list(&[one.offer()]);
        caller.list(&[two.offer(), one.offer()]);
        caller.call(&candidates, 1, b"x");
        peer.echo().await;
        assert_eq!(caller.ends.answered().await.0, 1);
        assert_eq!(caller.pool.counts().disconnected.get(), 0);
    });
}

#[test]
fn several_connections_share_the_calls() {
    on_a_shard(|shard| async move {
        let mut config = quick();
        config.connections = 3;
        let (listening, caller) = (Listening::anywhere().await, Caller::new(&shard, config));
        let candidates = caller.list(&[listening.offer()]);
        let mut peers = [listening.accept().await, listening.accept().await, listening.accept().await];
        until(|| caller.pool.counts().connected.get() == 3).await;
        for token in 0..6 {
            caller.call(&candidates, token, b"x");
        }
        for peer in &mut peers {
            peer.read().await;
            peer.read().await;
        }
    });
}

#[test]
fn a_service_more_is_called_beside_the_others_which_stay_as_they_were_looked_up() {
    on_a_shard(|shard| async move {
        let (one, two) = (Listening::anywhere().await, Listening::anywhere().await);
        let caller = Caller::new(&shard, quick());
        let candidates = caller.list(&[one.offer()]);
        let generation = caller.pool.generation();
        caller.pool.add("com.acme.Other".into(), vec![two.offer(), one.offer()]);
        let others = caller.pool.candidates("com.acme.Other", "hello").unwrap();
        assert_eq!((caller.pool.generation(), others.list().len()), (generation, 2));
        assert_eq!(caller.pool.status().len(), 2);
        caller.call(&candidates, 1, b"x");
        one.accept().await.echo().await;
        assert_eq!(caller.ends.answered().await.0, 1);
        two.accept().await;
        caller.list(&[one.offer()]);
        assert_eq!(caller.pool.status().len(), 1, "an update says all");
    });
}

/// Each had a list of its own, so that names that callers make up filled the memory with all providers once a name.
#[test]
fn methods_that_nobody_lists_share_one_list_of_providers_and_a_listed_one_has_one_too() {
    on_a_shard(|shard| async move {
        let provider = Listening::anywhere().await;
        let offer = Offer { methods: Arc::from(["hello".into()]), ..provider.offer() };
        let caller = Caller::new(&shard, quick());
        let hello = caller.list(&[offer.clone(), provider.offer()]);
        let of = |method: &str| caller.pool.candidates(SERVICE, method).unwrap();
        let (made_up, again) = (of("made-up-1"), of("made-up-2"));
        assert!(Rc::ptr_eq(&made_up, &again) && Rc::ptr_eq(&hello, &of("hello")) && !Rc::ptr_eq(&hello, &made_up));
        // The caller, the pool.
        assert_eq!(Rc::strong_count(&hello), 2);
        let listed_anew = caller.list(&[offer]);
        assert!(!Rc::ptr_eq(&hello, &listed_anew), "it may name others");
        assert_eq!(Rc::strong_count(&hello), 1, "nobody keeps what was listed before");
    });
}
