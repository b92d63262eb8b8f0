//! What the feed makes of tasks that die and of shards that say nothing.

use std::sync::Mutex;
use std::sync::mpsc;

use chassis::admin::Ready;
use shard::Shards;

use super::*;

/// A shard that hangs until the sender is dropped: no job that is posted to it runs.
fn hung() -> (Shards, mpsc::Sender<()>) {
    let (lets_go, held) = mpsc::channel();
    let held = Arc::new(Mutex::new(held));
    let hangs = move |_| {
        let held = held.clone();
        async move {
            let _ = held.lock().unwrap().recv();
        }
    };
    (shard::spawn(1, "hung", hangs).unwrap(), lets_go)
}

fn feed(remotes: Vec<Remote>) -> (Feed, watch::Sender<Arc<Wishes>>) {
    let (wishes_in, wishes) = watch::channel(Arc::default());
    let condition = Ready::new(chassis::drain::pair().1).condition("registry");
    let origin = Origin { island: "shanghai".into(), gateway: "in-1".into(), start: 1 };
    let exported = watch::channel(Arc::default()).0;
    (Feed { origin, registries: Vec::new(), remotes, wishes, exported, condition }, wishes_in)
}

/// On a runtime that takes tasks of this thread, as the process has one.
fn local(test: impl Future<Output = ()>) {
    shard::runtime().unwrap().block_on(test);
}

/// Once what looked for the health had panicked nobody noticed, and the catalogue kept what it had said last.
#[test]
fn the_feed_ends_with_the_panic_of_a_task_that_it_follows() {
    local(async {
        let (feed, _wishes) = feed(Vec::new());
        let mut readers = JoinSet::new();
        readers.spawn_local(async {});
        readers.spawn_local(async { panic!("a test's own") });
        let seen = Seen::default();
        let ended = timeout(Duration::from_secs(30), feed.keep_up(&seen, readers)).await;
        assert!(ended.expect("an end").unwrap_err().is_panic());
    });
}

#[test]
fn the_feed_goes_on_after_the_end_of_a_registry_until_its_configuration_ends() {
    local(async {
        let (feed, wishes) = feed(Vec::new());
        let mut readers = JoinSet::new();
        readers.spawn_local(async {});
        let seen = Seen::default();
        let mut runs = Box::pin(feed.keep_up(&seen, readers));
        assert!(timeout(Duration::from_millis(50), &mut runs).await.is_err());
        drop(wishes);
        runs.await.unwrap();
    });
}

/// One shard that hung held up the health of everything, and silence was taken for health.
#[test]
fn a_shard_that_hangs_is_waited_for_no_longer_than_a_look_and_changes_nothing() {
    local(async {
        let (shards, lets_go) = hung();
        let waits = timeout(LOOK_EVERY * 20, down(shards.remotes())).await;
        assert_eq!(waits.expect("an end of the wait"), None);
        drop(lets_go);
    });
}

#[test]
fn who_is_down_stays_so_until_a_shard_answers() {
    local(async {
        // It runs no line: it has nothing to say.
        let shards = shard::spawn(1, "mute", |_| std::future::pending()).unwrap();
        let seen = Rc::new(Seen::default());
        let before = BTreeSet::from([Endpoint::new("h1", 20880)]);
        seen.down.replace(before.clone());
        let looks = timeout(LOOK_EVERY * 3, look(shards.remotes().to_vec(), seen.clone())).await;
        assert!(looks.is_err(), "it never ends");
        assert_eq!(*seen.down.borrow(), before);
    });
}
