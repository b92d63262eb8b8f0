//! Whom a rule is about: an application, a zone, an address, a method, a time; and whom a switch stops.

use std::time::{Duration, SystemTime};

use highway_tests::yardstick::Yardstick;
use lab::process::until;

use super::documents::Documents;
use super::soon::{OBEYED, between, moment};
use super::stage::{FOLLOWED, Stage, WITHOUT_NODE, hello, only, refer, stage, until_answered_by, who, zone};

/// A canary rule for calls of which this is true, and the rest.
pub fn canary(when: &str) -> String {
    format!(
        "rules:\n  - name: canary\n    match: {{ {when} }}\n    act: {{ island: c }}\n  - name: rest\n    act: {{ island: b }}\n"
    )
}

/// 2.6 and dubbo-go do not say their application, and several are at their address: they are not meant.
#[test]
fn a_canary_rule_is_about_the_applications_that_it_names() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    for (pattern, meant) in [("caller-3.*", &["3.1.11", "3.2.16", "3.3.6"][..]), ("caller-2.*", &["2.7.23"])] {
        documents.say(&canary(&format!("application: \"{pattern}\"")));
        stage.each(|name, consumer| {
            let island = if meant.contains(&name) { "c" } else { "b" };
            only(name, consumer, hello("plain"), island);
        });
    }
}

#[test]
fn a_canary_rule_is_about_the_zone_and_the_address_of_consumers() {
    let (stage, line, _mine) = stage();
    stage.each(|name, consumer| {
        consumer.refer(&refer("zoned").group(&zone(name)).parameter("zone", "cn-east-1")).unwrap();
    });
    let documents = Documents::named(&line, "zones.greeting", "zone-*");
    let address = line.island("a").place().address();
    for (when, island) in [
        ("parameters: { zone: \"cn-east*\" }".to_owned(), "c"),
        ("parameters: { zone: \"cn-west*\" }".to_owned(), "b"),
        (format!("source: [{address}/32]"), "c"),
        ("source: [192.0.2.0/24]".to_owned(), "b"),
    ] {
        documents.say(&canary(&when));
        stage.each(|name, consumer| {
            let is_known = name != WITHOUT_NODE || when.starts_with("source");
            only(name, consumer, hello("zoned"), if is_known { island } else { "b" });
        });
    }
}

/// Every consumer calls until this island answers: not before `at`, and the last call that it did not answer has begun within a second of it,
/// or of the document's being written where that was later.
fn each_turns_to(stage: &Stage, island: &str, at: SystemTime, written: SystemTime) {
    let (yardstick, due) = (Yardstick::start(), at.max(written));
    stage.each(|name, consumer| {
        let mut last = (due, String::new());
        let turned = until(&format!("{name} is answered by {island}"), FOLLOWED, || {
            let (begun, told) = (SystemTime::now(), who(consumer, &hello("plain")));
            if told != island {
                last = (begun, told);
                return None;
            }
            assert!(SystemTime::now() >= at, "{name}: {island} answers too early");
            Some(())
        });
        let (begun, told) = last;
        turned.unwrap_or_else(|error| panic!("{error}; the last answer was {told}"));
        let took = between(due, begun);
        let stalled = if took.is_zero() { took } else { yardstick.stalled(moment(due), moment(begun)) };
        println!("{name}: {island} answers all calls from {took:?} after its moment on; meanwhile the machine stood still for {stalled:?}");
        assert!(took.saturating_sub(stalled) <= OBEYED, "{name}: {took:?} late, {stalled:?} of it the machine's: {told}");
    });
}

/// Nobody changes anything: the rule begins and ends by the clock.
#[test]
fn a_rule_is_valid_from_its_first_moment_to_its_last() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    let at = |later: u64| humantime::format_rfc3339_seconds(SystemTime::now() + Duration::from_secs(later)).to_string();
    let (begin, end) = (at(4), at(3600));
    documents.say(&format!(
        "rules:\n  - name: later\n    priority: 10\n    from: {begin}\n    until: {end}\n    act: {{ island: c }}\n  - name: now\n    act: {{ island: b }}\n"
    ));
    each_turns_to(stage, "c", humantime::parse_rfc3339(&begin).unwrap(), documents.committed());
    let end = at(4);
    documents.say(&format!(
        "rules:\n  - name: still\n    priority: 10\n    until: {end}\n    act: {{ island: c }}\n  - name: then\n    act: {{ island: b }}\n"
    ));
    each_turns_to(stage, "b", humantime::parse_rfc3339(&end).unwrap(), documents.committed());
}

/// A switch stops one application, one method of a service, one island; all else goes on.
#[test]
fn a_switch_stops_the_application_or_method_that_it_names_and_no_other() {
    let (stage, line, _mine) = stage();
    let documents = Documents::of(&line);
    let rest = "rules:\n  - name: any\n    act: { island: b }\n";
    documents.say(&format!("switches:\n  - name: one\n    application: \"caller-3.3*\"\n    say: \"not you\"\n{rest}"));
    stage.each(|name, consumer| {
        // Not even who says where to go gets there.
        for (call, island) in [(hello("plain"), "b"), (hello("plain").attachment("highway.target", "c"), "c")] {
            if name != "3.3.6" {
                until_answered_by(name, consumer, &call, island);
                continue;
            }
            let told = until("the switch is obeyed", FOLLOWED, || {
                Some(who(consumer, &call)).filter(|told| told.contains("not you"))
            });
            assert!(told.unwrap().contains("both.greeting/one`"), "{name}");
        }
    });
    for (methods, is_stopped) in [("say*", true), ("pay*", false)] {
        documents
            .say(&format!("switches:\n  - name: some\n    methods: [\"{methods}\"]\n    say: \"not that\"\n{rest}"));
        stage.each(|name, consumer| {
            let told = until(&format!("{name}: {methods} is obeyed"), FOLLOWED, || {
                let told = who(consumer, &hello("plain"));
                (told.contains("not that") == is_stopped && (is_stopped || told == "b")).then_some(())
            });
            told.unwrap();
        });
    }
}
