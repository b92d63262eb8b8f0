//! Rules while the config center that they stand in is away: what was read is obeyed, and what changes after it is back.

use lab::process::until;
use lab::zookeeper::ZooKeeper;

use super::documents::Documents;
use super::load::while_all_call;
use super::stage::{FOLLOWED, hello, stage, until_answered_by, who};

/// A ZooKeeper that is dead until this is dropped, however the test ends.
struct Away<'a>(&'a ZooKeeper);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        let again = self.0.again();
        if !std::thread::panicking() {
            again.unwrap();
        }
    }
}

/// The ZooKeeper of the consumers' island dies while all of them call: silent calls go where the rule says, others where they say.
#[test]
fn a_rule_is_obeyed_while_zookeeper_is_away_and_a_new_one_once_it_is_back() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    documents.act("island: b");
    stage.each(|name, consumer| until_answered_by(name, consumer, &hello("plain"), "b"));
    let island = line.island("a");
    // It has two registries; the one that dies is the first.
    let is_connected = || island.egress().status().ok()?["egress"]["registries"][0]["connected"].as_bool();
    let called = while_all_call(stage, &hello("plain"), |load| {
        load.goes_to("b");
        island.zookeeper.kill();
        let _away = Away(&island.zookeeper);
        until("the gateway has lost its registry", FOLLOWED, || is_connected().filter(|is_connected| !is_connected))
            .unwrap();
        load.goes_to("b");
        stage.each(|name, consumer| {
            assert_eq!(who(consumer, &hello("plain").attachment("highway.target", "c")), "c", "{name}");
        });
        load.goes_to("b");
        assert_eq!(is_connected(), Some(false), "it was away all the while");
    });
    for (name, called) in &called {
        println!("{name}: {:?}, slowest {:?}, failed {:?}", called.answers, called.slowest, called.failed);
        assert!(called.failed.is_empty(), "{name}: {:?}", called.failed);
        assert!(called.answers.keys().eq(["b"]), "{name}: {:?}", called.answers);
    }
    until("the gateway has its registry again", FOLLOWED, || is_connected().filter(|is_connected| *is_connected))
        .unwrap();
    documents.act("island: c");
    stage.each(|name, consumer| until_answered_by(name, consumer, &hello("plain"), "c"));
}
