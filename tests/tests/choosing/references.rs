//! What the parameters of a reference say, and `local`, which they leave all other methods to.
//!
//! Parameters are never on the wire: the gateway finds them in the consumer's node. A group of its own for each consumer keeps apart what
//! 2.6 and dubbo-go do not tell, who they are.

use lab::install::Release;
use lab::peer::{Application, Call, INTEROP, Peer, Refer};
use lab::process::{together, until};
use serde_json::json;

use super::documents::Documents;
use super::stage::{
    FOLLOWED, HOME, OFFERERS, SHARED, Stage, WITHOUT_NODE, hello, only, own, refer, stage, until_answered_by, who,
};

/// Whether a call of this consumer says its application.
pub fn names_itself(consumer: &str) -> bool {
    !consumer.starts_with("2.6") && !consumer.starts_with("go-")
}

/// The calls of this reference go as if it had no parameters, once the provider is found and every reference known.
fn nothing_was_said(name: &str, consumer: &Peer, reference: &str) {
    let mut last = String::new();
    let told = until(&format!("{name}: a silent call"), FOLLOWED, || {
        last = who(consumer, &hello(reference));
        last.contains("names none of them").then_some(())
    });
    told.unwrap_or_else(|error| panic!("{error}; the last answer was {last}"));
}

/// Where this method of the consumer's own group ran, or the sentence that came instead.
fn ran(stage: &Stage, name: &str, consumer: &Peer, method: &str) -> String {
    let before = stage.runs(&own(name), method);
    let answer = consumer.call(&Call::new("methods", method, [json!("x")])).unwrap();
    let after = stage.runs(&own(name), method);
    let there: String =
        after.into_iter().filter(|(island, count)| *count > before[island]).map(|(island, _)| island).collect();
    match answer.thrown {
        // Some methods throw where they run.
        Some(thrown) if there.is_empty() => thrown.text().to_owned(),
        _ => there,
    }
}

#[test]
fn parameters_of_a_reference_give_all_its_calls_an_island_and_two_that_disagree_are_refused() {
    let (stage, _line, _mine) = stage();
    stage.each(|name, consumer| {
        consumer.refer(&refer("all").group(&own(name)).parameter("highway.b", "ALL")).unwrap();
        if name == WITHOUT_NODE {
            return nothing_was_said(name, consumer, "all");
        }
        only(name, consumer, hello("all"), "b");
        // A second reference of the same process to the same service, by the other prefix.
        consumer.refer(&refer("other").group(&own(name)).parameter("ENV_C", "ALL")).unwrap();
        if name.starts_with("go-") {
            // It registers the first reference to a service and no other: nobody can know what the second says.
            return only(name, consumer, hello("other"), "b");
        }
        for reference in ["all", "other"] {
            let told = until(&format!("{name}: both are known"), FOLLOWED, || {
                Some(who(consumer, &hello(reference))).filter(|told| told.contains("contradict"))
            });
            let told = told.unwrap();
            for part in ["two references", "to `b` by", "to `c` by", "set attachment highway.target or the tag"] {
                assert!(told.contains(part), "{name}: no {part:?} in {told}");
            }
            for island in OFFERERS {
                assert_eq!(who(consumer, &hello(reference).attachment("highway.target", island)), island, "{name}");
            }
        }
    });
}

#[test]
fn methods_that_a_reference_names_leave_and_all_others_go_to_a_local_provider() {
    let (stage, _line, _mine) = stage();
    stage.each(|name, consumer| {
        let group = own(name);
        let methods = Refer::new("methods", INTEROP).group(&group).unchecked().patient().retries(0);
        // Both ways to name methods, and both prefixes.
        let methods = methods.parameter("highway.b", "text,order").parameter("ENV_C", "declared,undeclared");
        consumer.refer(&methods.parameter("silent.highway", "c")).unwrap();
        if name == WITHOUT_NODE {
            let told = ran(stage, name, consumer, "text");
            return assert!(told.contains("names none of them"), "{name}: {told}");
        }
        for (method, island) in [("text", "b"), ("undeclared", "c"), ("silent", "c"), ("nothing", "a")] {
            let mut last = String::new();
            let there = until(&format!("{name}: {method} runs in {island}"), FOLLOWED, || {
                last = ran(stage, name, consumer, method);
                (last == island).then_some(())
            });
            there.unwrap_or_else(|error| panic!("{error}; the last was {last}"));
            for _ in 0..10 {
                assert_eq!(ran(stage, name, consumer, method), island, "{name}: {method}");
            }
        }
        // It came through the gateway, and its provider sees nothing of that.
        let seen = consumer.call(&Call::new("methods", "attachments", [json!("x")])).unwrap().returned();
        let seen: Vec<&String> = seen.as_object().unwrap().keys().filter(|key| key.starts_with("highway")).collect();
        assert!(seen.is_empty(), "{name}: {seen:?}");
    });
}

/// Several applications at one address refer to one service. Who says its name is known; 2.6 and dubbo-go do not, and nobody's word counts.
#[test]
fn a_caller_without_a_name_beside_others_at_its_address_has_no_word_of_its_reference() {
    let (stage, _line, _mine) = stage();
    stage.each(|_, consumer| consumer.refer(&refer("shared").group(SHARED).parameter("highway.b", "ALL")).unwrap());
    stage.each(|name, consumer| {
        if names_itself(name) {
            return only(name, consumer, hello("shared"), "b");
        }
        nothing_was_said(name, consumer, "shared");
    });
}

/// 3.x that looks at instances alone writes no node, and a simplified registry leaves parameters out: nothing is there to read.
#[test]
fn a_reference_without_a_node_or_with_a_simplified_one_says_nothing() {
    let (_stage, line, _mine) = stage();
    let force = "-Ddubbo.application.service-discovery.migration=FORCE_APPLICATION";
    let simplified = "-Ddubbo.registry.simplified=true";
    let kinds = [
        ("forced", Release::V3_1_11, force),
        ("forced", Release::V3_3_6, force),
        ("simplified", Release::V2_7_23, simplified),
        ("simplified", Release::V3_3_6, simplified),
    ];
    together(kinds.to_vec(), |(kind, release, flag)| {
        let name = format!("{kind}-{}", release.version());
        let consumer = line.application("a", Application::new(&name, release).flag(flag))?;
        consumer.refer(&refer("shared").group(SHARED).parameter("highway.b", "ALL"))?;
        let said = hello("shared").attachment("highway.target", "c");
        only(&name, &consumer, said, "c");
        let nodes = line.island("a").zookeeper.ephemerals()?;
        let is_own =
            |node: &&String| node.contains("/consumers/") && node.contains(&format!("application%3D{name}%26"));
        let nodes: Vec<&String> = nodes.iter().filter(is_own).collect();
        assert_eq!(nodes.len(), usize::from(kind == "simplified"), "{name}: {nodes:?}");
        assert!(nodes.iter().all(|node| !node.contains("highway.b")), "{name}: {nodes:?}");
        nothing_was_said(&name, &consumer, "shared");
        Ok(())
    })
    .unwrap();
}

#[test]
fn local_is_a_provider_of_the_own_island_and_nobody_else() {
    let (stage, line, _mine) = stage();
    stage.each(|name, consumer| {
        for (target, island) in [("local", "a"), ("a", "a"), ("b", "b")] {
            let there = hello("home").attachment("highway.target", target);
            only(name, consumer, there, island);
        }
        let silent = who(consumer, &hello("home"));
        assert!(silent.contains("names none of them"), "{name}: {silent}");
    });
    let documents = Documents::about(&line, HOME);
    documents.say("rules:\n  - name: stay\n    act: { island: local }\n");
    stage.each(|name, consumer| only(name, consumer, hello("home"), "a"));
    documents.say("switches:\n  - name: closed\n    island: a\n    say: \"a is closed\"\nrules:\n  - name: stay\n    act: { failover: [local, c] }\n");
    stage.each(|name, consumer| {
        until_answered_by(name, consumer, &hello("home"), "c");
        let closed = who(consumer, &hello("home").attachment("highway.target", "local"));
        assert!(closed.contains("a is closed"), "{name}: {closed}");
    });
}
