//! What the filters say, word for word: these sentences show in consumers' stack traces.

use super::*;
use crate::audit::{self, AuditFile};
use crate::limits::Limits as AllLimits;
use chassis::Mistakes;

const POLICY: &str = "[[island]]\nid = 'shanghai'\ncalls_per_second = 2\nconcurrent_calls = 1\n[[island]]\nid = 'beijing'\n\
    [[grant]]\nid = 'greetings'\nfrom = ['shanghai']\nto = ['beijing', 'shanghai']\nservice = ['com.example.*']\nmethod = ['say*']";

struct Door {
    policy: Policy,
    limits: AllLimits,
    audit: Audit,
    _folder: tempfile::TempDir,
    now: Instant,
}

fn door() -> Door {
    let mut mistakes = Mistakes::nowhere();
    let policy = Policy::settle(toml::from_str(POLICY).unwrap(), &mut mistakes).unwrap();
    assert!(mistakes.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let file = AuditFile { path: folder.path().join("audit"), rotate_len: 1, keep: 1 };
    let (audit, writer) = audit::open(file).unwrap();
    // Nobody writes in these tests: the queue fills and stays full.
    std::mem::forget(writer);
    let limits = AllLimits::default();
    limits.obey(&policy);
    Door { policy, limits, audit, _folder: folder, now: Instant::now() }
}

fn head() -> Head<'static> {
    Head {
        remaining_ms: 1000,
        serialization: 2,
        destination: "beijing",
        service: "com.example.GreetingService",
        method: "sayHello",
        application: "web",
        ..Head::default()
    }
}

impl Door {
    fn admit(&self, from: &str, head: &Head<'_>) -> Result<(Option<Arc<str>>, Open), Failure> {
        let limit = self.limits.of(from);
        let mut call = Admission { head, from, policy: &self.policy, audit: &self.audit, grant: None };
        filters().iter().try_for_each(|filter| filter.admit(&mut call))?;
        let open = within(&limit, from, self.now)?;
        Ok((call.grant, open))
    }

    fn refusal(&self, from: &str, head: &Head<'_>) -> (Kind, String) {
        let failure = self.admit(from, head).map(|_| ()).unwrap_err();
        assert_eq!((failure.outcome, failure.stage), (Outcome::NotSent, Stage::Admit));
        (failure.kind, failure.text.into_owned())
    }
}

#[test]
fn a_granted_call_passes_and_says_by_which_grant() {
    let (grant, _open) = door().admit("shanghai", &head()).unwrap();
    assert_eq!(grant.as_deref(), Some("greetings"));
}

#[test]
fn what_is_not_granted_is_refused_with_everything_a_grant_would_have_to_say() {
    let door = door();
    let (kind, text) = door.refusal("shanghai", &Head { method: "delete", group: "g", version: "1.0.0", ..head() });
    assert_eq!(kind, Kind::NotGranted);
    assert_eq!(
        text,
        "no grant lets application `web` of island `shanghai` call g/com.example.GreetingService:1.0.0#delete on island `beijing`; ask the hub's operator for a grant"
    );
    let (_, text) = door.refusal("beijing", &Head { destination: "shanghai", application: "", ..head() });
    assert!(text.starts_with("no grant lets application `unknown` of island `beijing` call com.example.GreetingService#sayHello on island `shanghai`"), "{text}");
    let (_, text) = door.refusal("shanghai", &Head { generic: "nativejava", ..head() });
    assert!(text.contains(" by generic invocation `nativejava` on island"), "{text}");
    let (_, text) = door.refusal("shanghai", &Head { flags: Flags::OPAQUE, serialization: 3, ..head() });
    assert!(text.contains(" as an opaque call in serialization 3 on island"), "{text}");
    let (_, text) = door.refusal("shanghai", &Head { serialization: 21, ..head() });
    assert!(text.contains(" as an opaque call in serialization 21 on island"), "{text}");
}

#[test]
fn an_island_that_does_not_exist_looks_like_one_that_is_not_granted() {
    let (kind, text) = door().refusal("shanghai", &Head { destination: "atlantis", ..head() });
    assert_eq!(kind, Kind::NotGranted);
    assert!(text.contains("on island `atlantis`"), "{text}");
}

#[test]
fn circles_own_islands_and_late_calls_are_refused() {
    let door = door();
    assert_eq!(door.refusal("shanghai", &Head { hops: 1, ..head() }).0, Kind::HopLimit);
    assert_eq!(door.refusal("shanghai", &Head { destination: "shanghai", ..head() }).0, Kind::TargetRefused);
    assert_eq!(door.refusal("shanghai", &Head { remaining_ms: 0, ..head() }).0, Kind::DeadlinePassed);
    assert_eq!(door.refusal("gone", &head()).0, Kind::NotGranted);
}

#[test]
fn limits_are_said_with_their_key_and_a_refused_call_costs_none() {
    let door = door();
    door.refusal("shanghai", &Head { method: "delete", ..head() });
    let first = door.admit("shanghai", &head()).unwrap();
    let (kind, text) = door.refusal("shanghai", &head());
    assert_eq!(kind, Kind::Overload);
    assert_eq!(text, "island `shanghai` has 1 calls open; its limit at the hub is concurrent_calls = 1");
    drop(first);
    drop(door.admit("shanghai", &head()).unwrap());
    let (_, text) = door.refusal("shanghai", &head());
    assert_eq!(
        text,
        "island `shanghai` has sent its 2 calls of this second; its limit at the hub is calls_per_second = 2"
    );
}
