//! Calls of the SDK beside a provider of its own island: they obey the rules and switches of the config center as gateways do.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use highway_sdk::{Call, CallErrorKind, CallOptions, Highway, Outcome, ProviderState, ProviderStatus, Reply, Service};
use lab::install::Release;
use lab::line::{Island, Line, Plan, Watched};
use lab::peer::{Application, DUBBO_PORT, GREETING, INTEROP, Peer, Service as Exported};
use lab::process::{together, until};

use crate::providers::{PATIENT, wait};

/// The group of a provider of the own island that stays.
const STAYS: &str = "stays";
/// The group of one that leaves.
const LEAVES: &str = "leaves";
/// Until something has changed, on a busy machine.
const CHANGED: Duration = Duration::from_secs(20);
/// A switch is obeyed so soon, as at the gateways.
const OBEYED: Duration = Duration::from_secs(1);
/// At best of so many times: whatever a busy machine holds up now and then, a way that is slow is slow each time.
const TIMES: usize = 6;

struct Stage {
    greeter: Service,
    /// In group [`LEAVES`].
    leaving: Service,
    leaves: Mutex<Option<Peer>>,
    line: Line,
    _providers: Vec<Peer>,
    highway: Highway,
}

/// The stage, for one test at a time; without a rule.
fn stage() -> (&'static Stage, Watched<'static>, MutexGuard<'static, ()>) {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = STAGE.get_or_init(start);
    (stage, stage.line.watched(), mine)
}

fn start() -> Stage {
    let line = Line::start(Plan::of(&["home", "shanghai", "beijing"])).unwrap();
    let provider = |(island, groups, port): (&str, &[&str], u16)| {
        let place = line.island(island).place();
        let application = Application::new(&format!("provider-{island}-{port}"), Release::V3_3_6);
        let application = application.port(place.listen(port).unwrap().port());
        let application = groups.iter().fold(application, |application, group| {
            application.service(Exported::new(GREETING, &format!("{island}/{group}")).group(group))
        });
        // What home does not offer itself, so that gateways stand in its registry.
        let other = (island != "home").then(|| Exported::new(INTEROP, island));
        line.application(island, other.into_iter().fold(application, Application::service))
    };
    let offers: Vec<(&str, &[&str], u16)> = vec![
        ("shanghai", &[STAYS, LEAVES], DUBBO_PORT),
        ("beijing", &[STAYS], DUBBO_PORT),
        ("home", &[STAYS], DUBBO_PORT),
        ("home", &[LEAVES], DUBBO_PORT + 1),
    ];
    let mut providers = together(offers, provider).unwrap();
    let home = line.island("home");
    home.finds(INTEROP).unwrap();
    let registry = home.registry_url();
    let (highway, greeter, leaving) = home
        .place()
        .inside(|| {
            let options = CallOptions::new().timeout(PATIENT);
            let highway =
                Highway::builder().application("rust-shop").island("home").registry(&registry).options(options);
            let highway = highway.build().unwrap();
            let service = |group| highway.service(GREETING).group(group).build().unwrap();
            (highway.clone(), service(STAYS), service(LEAVES))
        })
        .unwrap();
    let leaves = Mutex::new(providers.pop());
    let stage = Stage { greeter, leaving, leaves, line, _providers: providers, highway };
    for target in ["shanghai", "beijing", "local"] {
        all_come(if target == "local" { "home" } else { target }, || {
            stage.hello().target(target).timeout(Duration::from_secs(5))
        });
    }
    stage
}

impl Stage {
    fn hello(&self) -> Call<(&'static str,), String> {
        self.greeter.call("sayHello", ("bo",))
    }

    fn home(&self) -> &Island {
        self.line.island("home")
    }
}

/// Who answered: the island, and whether it came past the gateway; else what was said.
fn who(call: Call<(&'static str,), String>) -> String {
    match wait(call.reply()) {
        Ok(Reply { value, from, .. }) => {
            let island = ["home", "shanghai", "beijing"].into_iter().find(|island| value.contains(island)).unwrap();
            let is_provider = from.contains(":208");
            format!("{island}{}", if is_provider { "" } else { " by the gateway" })
        }
        Err(error) => {
            assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
            let by = if matches!(error.kind(), CallErrorKind::Refused(_)) { "here" } else { "there" };
            format!("refused {by}: {error}")
        }
    }
}

/// What `highway rules` does with the one document of these tests.
struct Document<'a>(&'a Stage);

impl<'a> Document<'a> {
    fn new(stage: &'a Stage) -> Self {
        let document = Self(stage);
        document.forbid();
        document
    }

    /// Waits until all is refused, which only a rule can do: what is answered next is answered by what is said next.
    fn forbid(&self) {
        self.act("refuse: not yet");
        all_come("refused here", || self.0.hello());
    }

    fn say(&self, text: &str) {
        let stage = self.0;
        let file = stage.line.lab.folder().join("tested.yaml");
        std::fs::write(&file, text).unwrap();
        let registry = stage.home().zookeeper.address().to_string();
        let file = file.display().to_string();
        let arguments = ["rules", "apply", &file, "tested", "--overwrite", "--first", "--registry", &registry];
        stage.home().place().highway(&arguments).unwrap();
    }

    fn act(&self, act: &str) {
        self.say(&format!("rules:\n  - name: r\n    act: {{ {act} }}\n"));
    }
}

impl Drop for Document<'_> {
    fn drop(&mut self) {
        let registry = self.0.home().zookeeper.address().to_string();
        let removed = self.0.home().place().highway(&["rules", "remove", "tested", "--registry", &registry]);
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}

/// Waits until such calls are answered so, and then they all are. How long it took.
fn all_come(from: &str, call: impl Fn() -> Call<(&'static str,), String>) -> Duration {
    let began = Instant::now();
    let mut told = String::new();
    let obeyed = until(from, CHANGED, || {
        told = who(call());
        told.starts_with(from).then(|| began.elapsed())
    });
    let took = obeyed.unwrap_or_else(|error| panic!("{error}; last: {told}"));
    for _ in 0..10 {
        let told = who(call());
        assert!(told.starts_with(from), "wanted {from}, found {told}");
    }
    took
}

#[test]
fn a_switch_stops_calls_to_a_provider_of_the_own_island_and_its_end_lets_them_go() {
    let (stage, _line, _mine) = stage();
    let document = Document::new(stage);
    document.act("island: local");
    all_come("home", || stage.hello());
    for switch in ["say: closed", "methods: [sayHello]\n    application: rust-shop\n    say: closed"] {
        let mut best = [CHANGED; 2];
        for _ in 0..TIMES {
            document.say(&format!("switches:\n  - name: off\n    {switch}\n"));
            let began = all_come("refused here", || stage.hello());
            for target in ["local", "shanghai"] {
                let told = who(stage.hello().target(target));
                assert!(told.contains("stopped by switch `tested/off`: closed"), "{target}: {told}");
            }
            document.act("island: local");
            let ended = all_come("home", || stage.hello());
            println!("a switch was obeyed {began:?} after it was written, its end {ended:?} after it was");
            best = [best[0].min(began), best[1].min(ended)];
            if best.iter().all(|took| *took < OBEYED) {
                break;
            }
        }
        assert!(best.iter().all(|took| *took < OBEYED), "at best {best:?}");
    }
    // The own island by its name, of which calls elsewhere know nothing.
    document.say("switches:\n  - name: off\n    island: home\n    say: closed\nrules:\n  - name: r\n    act: { failover: [local, beijing] }\n");
    all_come("beijing by the gateway", || stage.hello());
    assert!(who(stage.hello().target("local")).contains("closed"));
}

/// They left before it was known that a switch stops them.
#[test]
fn the_first_calls_to_an_address_that_was_given_wait_for_the_switches() {
    let (stage, _line, _mine) = stage();
    let document = Document::new(stage);
    document.act("island: local");
    all_come("home", || stage.hello());
    let here = wait(stage.hello().reply()).unwrap().from;
    document.say("switches:\n  - name: off\n    say: closed\n");
    all_come("refused here", || stage.hello());
    let registry = stage.home().registry_url();
    let first = || {
        let options = CallOptions::new().timeout(PATIENT);
        let highway = Highway::builder().application("rust-shop").registry(&registry).options(options).build().unwrap();
        let greeter = highway.service(GREETING).group(STAYS).address(&here).build().unwrap();
        who(greeter.call("sayHello", ("bo",)))
    };
    for _ in 0..5 {
        let told = stage.home().place().inside(first).unwrap();
        assert!(told.contains("stopped by switch `tested/off`: closed"), "{told}");
    }
    document.act("island: local");
    all_come("home", || stage.hello());
    assert_eq!(stage.home().place().inside(first).unwrap(), "home", "of rules they obey switches alone");
}

#[test]
fn calls_go_where_a_rule_says_and_what_leaves_is_decided_by_a_gateway() {
    let (stage, _line, _mine) = stage();
    let document = Document::new(stage);
    for (act, from) in [
        ("island: shanghai", "shanghai by the gateway"),
        ("island: local", "home"),
        ("island: home", "home"),
        ("failover: [beijing, local]", "beijing by the gateway"),
        ("failover: [local, beijing]", "home"),
        ("local-first: { then: [shanghai] }", "home"),
        ("split: { to: { local: 1 } }", "home"),
        (
            "refuse: \"use the new service\"",
            "refused here: `stays/com.example.GreetingService#sayHello` was not sent: refused by rule `tested/r`: use the new service",
        ),
    ] {
        document.forbid();
        document.act(act);
        let came = all_come(from, || stage.hello());
        println!("{act}: {from} after {came:?}");
        assert_eq!(who(stage.hello()), from, "{act}");
        assert_eq!(
            who(stage.hello().target("beijing")),
            "beijing by the gateway",
            "the caller's word stands above {act}"
        );
        assert_eq!(who(stage.hello().target("local")), "home", "the caller's word stands above {act}");
    }
    document.act("split: { to: { local: 1, shanghai: 1, beijing: 1 } }");
    let mut islands = BTreeSet::new();
    until("all three answer by the gateway", CHANGED, || {
        islands.insert(who(stage.hello()));
        ["home", "shanghai", "beijing"]
            .iter()
            .all(|island| islands.contains(&format!("{island} by the gateway")))
            .then_some(())
    })
    .unwrap();
}

#[test]
fn rules_see_application_method_attachments_and_address_of_a_call() {
    let (stage, _line, _mine) = stage();
    let document = Document::new(stage);
    let address = stage.home().place().address();
    for condition in [
        "application: rust-shop".to_owned(),
        "methods: [\"say*\"]".to_owned(),
        "service: stays/com.example.GreetingService".to_owned(),
        "attachments: { env: \"gray*\" }".to_owned(),
        format!("source: [\"{address}/32\"]"),
    ] {
        let rules = |condition: &str, act: &str| {
            format!(
                "rules:\n  - name: r\n    match: {{ {condition} }}\n    act: {{ {act} }}\n  - name: rest\n    act: {{ island: local }}\n"
            )
        };
        let gray = || stage.hello().attachment("env", "gray-1");
        document.say(&rules(&condition, "refuse: no"));
        all_come("refused here", gray);
        document.say(&rules(&condition, "island: beijing"));
        all_come("beijing by the gateway", gray);
    }
    assert_eq!(who(stage.hello().attachment("env", "blue")), "beijing by the gateway", "by its address");
    document.say("rules:\n  - name: r\n    match: { application: other }\n    act: { refuse: no }\n  - name: s\n    match: { methods: [other] }\n    act: { refuse: no }\n  - name: rest\n    act: { island: local }\n");
    all_come("home", || stage.hello());
}

#[test]
fn a_broken_document_and_a_registry_that_is_gone_change_nothing() {
    let (stage, _line, _mine) = stage();
    let document = Document::new(stage);
    document.say("rules:\n  - name: r\n    match: { attachments: { to: beijing } }\n    act: { island: beijing }\n  - name: rest\n    act: { refuse: \"not here\" }\n");
    let obeyed = || {
        all_come("refused here", || stage.hello());
        all_come("beijing by the gateway", || stage.hello().attachment("to", "beijing"));
    };
    obeyed();
    let zookeeper = &stage.home().zookeeper;
    zookeeper.command_line(&["set /dubbo/config/highway/tested rules:[".to_owned()]).unwrap();
    let stands = || {
        let status = stage.home().egress().status().ok()?;
        status["egress"]["rules"].as_array()?.iter().any(|document| document["refused"].is_string()).then_some(())
    };
    until("the gateway has seen the broken document", CHANGED, stands).unwrap();
    obeyed();
    zookeeper.kill();
    obeyed();
    zookeeper.again().unwrap();
    obeyed();
}

/// The provider here dies, and calls leave without one of them failing that was made after it was seen.
#[test]
fn calls_leave_when_the_last_provider_here_is_gone() {
    let (stage, _line, _mine) = stage();
    let leaves = stage.leaves.lock().unwrap().take().expect("no other test takes it");
    let document = Document::new(stage);
    document.act("local-first: { then: [shanghai], back-after: 30s }");
    let hello = || stage.leaving.call("sayHello", ("bo",));
    all_come("home", hello);
    let here = wait(hello().reply()).unwrap().from;
    // Its node in the registry stays for as long as its session does.
    leaves.kill();
    until("its connection is seen to have ended", CHANGED, || {
        let known = wait(stage.highway.providers()).unwrap();
        let is_up = |one: &ProviderStatus| one.address == here && one.state == ProviderState::Up;
        (!known.iter().any(is_up)).then_some(())
    })
    .unwrap();
    for _ in 0..10 {
        assert_eq!(who(hello()), "shanghai by the gateway");
    }
}
