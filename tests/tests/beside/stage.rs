//! The stage: three islands, consumers of every release in one of them, a provider in each of the others. The tests take turns on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Result;
use lab::install::Release;
use lab::line::{Line, Plan, Role, Watched};
use lab::peer::{Application, Call, GREETING, Peer, Refer, Service};
use lab::process::{together, until};
use lab::tree::Tree;
use serde_json::json;

/// Until a consumer on 3.x has followed a change of the interface level: ten seconds by itself, more on a busy machine.
pub const FOLLOWED: Duration = Duration::from_secs(45);
/// Until a registry shows what a gateway decided.
pub const WRITTEN: Duration = Duration::from_secs(45);

/// What island b offers, a group each; some of it stands beside local providers.
const FROM_B: [&str; 10] =
    ["old", "interface", "all", "instance", "late", "permitted", "both", "demand", "force", "known"];
/// What island c offers.
const FROM_C: [&str; 1] = ["both"];

/// Everything that runs.
pub struct Stage {
    /// In island a.
    pub consumers: BTreeMap<Release, Peer>,
    _remote: Vec<Peer>,
    pub line: Line,
}

impl Stage {
    /// Every consumer makes a reference of these groups.
    pub fn all_refer(&self, groups: &[&str]) {
        let consumers: Vec<&Peer> = self.consumers.values().collect();
        together(consumers, |consumer| groups.iter().try_for_each(|group| refer(consumer, group))).unwrap();
    }
}

/// The stage, for one test at a time.
pub fn stage() -> (&'static Stage, Watched<'static>, MutexGuard<'static, ()>) {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = STAGE.get_or_init(|| start().unwrap());
    (stage, stage.line.watched(), mine)
}

fn start() -> Result<Stage> {
    let rules = "\n[[import.rule]]\nisland = \"*\"\nservice = \"permitted/com.example.*\"\nbeside_local = true\n\
                 \n[[import.rule]]\nisland = \"*\"\nservice = \"com.example.*\"\n\n[import]\nlocal_memory = \"24h\"\n";
    let on_demand = "\n[import]\npublish = \"on-demand\"\ndemand_memory = \"10s\"\n";
    let plan = Plan::of(&["a", "b", "c"])
        .port("a", "b", 20991)
        .port("a", "c", 20992)
        .imports("a", &[])
        .also(Role::Egress, "a", rules)
        .also(Role::Egress, "c", on_demand)
        .also_hub("hold_down = \"4s\"\n");
    let line = Line::start(plan)?;
    let remote = together(vec![("b", &FROM_B[..]), ("c", &FROM_C[..])], |(island, groups)| {
        provider(&line, island, island, Release::V2_7_23, groups, &[])
    })?;
    let consumers = together(Release::ALL.to_vec(), |release| {
        let name = format!("consumer-{}", release.version());
        Ok((release, line.application("a", Application::new(&name, release))?))
    })?;
    Ok(Stage { consumers: consumers.into_iter().collect(), _remote: remote, line })
}

/// A provider of these groups; its answers carry the label.
pub fn provider(
    line: &Line,
    island: &str,
    label: &str,
    release: Release,
    groups: &[&str],
    flags: &[&str],
) -> Result<Peer> {
    static NEXT: Mutex<u16> = Mutex::new(20880);
    let port = {
        let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
        *next += 1;
        *next
    };
    let name = format!("provider-{label}-{}-{}", groups[0], release.version());
    let mut application = Application::new(&name, release).port(line.island(island).place().listen(port)?.port());
    for group in groups {
        application = application
            .service(Service::new(GREETING, &format!("{label}/{group}")).group(group).parameter("warmup", "1"));
    }
    line.application(island, flags.iter().fold(application, |application, flag| application.flag(flag)))
}

/// Makes a reference of a group, named like it.
pub fn refer(consumer: &Peer, group: &str) -> Result<()> {
    consumer.refer(&Refer::new(group, GREETING).group(group).unchecked().timeout(Duration::from_secs(5)))
}

/// Who answers a call of this group: the label of the provider, or the exception.
pub fn asked(consumer: &Peer, group: &str, tag: Option<&str>) -> String {
    let answer = consumer.call(&hello(group, tag)).unwrap();
    match answer.thrown {
        Some(thrown) => format!("{}: {}", thrown.class, thrown.text()),
        None => label(answer.result.as_str().unwrap()),
    }
}

/// Who answers so many calls, and how often.
pub fn asked_often(consumer: &Peer, group: &str, tag: Option<&str>, calls: u32) -> BTreeMap<String, u64> {
    let tally = consumer.many(&hello(group, tag).threads(1, calls)).unwrap();
    let answered = tally.results.iter().map(|(text, count)| (label(text), *count));
    answered.chain(tally.errors.clone()).collect()
}

/// Waits until somebody of this label answers.
pub fn until_answered_by(consumer: &Peer, group: &str, tag: Option<&str>, label: &str) {
    let mut last = String::new();
    let answered = until(&format!("{group} with tag {tag:?} is answered by {label}"), FOLLOWED, || {
        last = asked(consumer, group, tag);
        (last == label).then_some(())
    });
    answered
        .unwrap_or_else(|error| panic!("{error}; the last answer was {last}\n{}", consumer.process().last_words(15)));
}

/// Waits until all of so many calls in a row are answered by this label. While a list is on its way a consumer may see the old
/// one or both, and a new reference on 3.x takes in one application after the other.
pub fn until_only(consumer: &Peer, group: &str, tag: Option<&str>, calls: u32, label: &str) {
    let mut last = BTreeMap::new();
    let answered = until(&format!("{group} is answered by {label} alone"), FOLLOWED, || {
        last = asked_often(consumer, group, tag, calls);
        last.keys().eq([label]).then_some(())
    });
    answered.unwrap_or_else(|error| panic!("{error}; the last answers were {last:?}"));
}

/// Waits until a registry looks like this.
pub fn until_shown(line: &Line, island: &str, what: &str, is: impl Fn(&Tree) -> bool) -> Tree {
    let zookeeper = &line.island(island).zookeeper;
    until(what, WRITTEN, || zookeeper.tree().ok().filter(|tree| is(tree))).unwrap()
}

fn hello(group: &str, tag: Option<&str>) -> Call {
    let call = Call::new(group, "sayHello", [json!("x")]);
    tag.into_iter().fold(call, |call, tag| call.attachment("dubbo.tag", tag).attachment("dubbo.force.tag", "true"))
}

/// `Hello x, this is LABEL/GROUP`, perhaps in quotes.
fn label(text: &str) -> String {
    text.trim_matches('"').rsplit(' ').next().and_then(|who| who.split('/').next()).unwrap_or_default().to_owned()
}
