//! What a policy lets pass, and what it says of mistakes in it.

use super::*;
use tunnel::key::PrivateKey;

fn public() -> String {
    PrivateKey::generate().unwrap().public().unwrap().to_string()
}

fn settle(text: &str) -> (Policy, Vec<String>) {
    let mut mistakes = Mistakes::nowhere();
    let policy = Policy::settle(toml::from_str(text).unwrap(), &mut mistakes).unwrap();
    let told = mistakes.list().iter().map(ToString::to_string).collect();
    (policy, told)
}

fn asked() -> Asked<'static> {
    Asked {
        from: "shanghai",
        to: "beijing",
        group: "",
        service: "com.example.GreetingService",
        version: "",
        method: "sayHello",
        application: "web",
        serialization: HESSIAN2,
        generic: "",
        callbacks: false,
        opaque: false,
    }
}

const GRANT: &str = "[[grant]]\nid = 'g'\nfrom = ['shang*']\nto = ['beijing']\nservice = ['com.example.*']\n";

#[test]
fn without_a_grant_nothing_passes() {
    assert!(Policy::default().grant(&asked()).is_none());
    assert!(!Policy::default().sees("shanghai", "beijing", "", "com.example.GreetingService", ""));
}

#[test]
fn a_grant_allows_what_it_names_and_nothing_else() {
    let (policy, mistakes) = settle(&format!("{GRANT}method = ['say*']\napplication = ['web', 'job-*']"));
    assert_eq!(mistakes, [""; 0]);
    assert_eq!(policy.grant(&asked()).unwrap().id().as_ref(), "g");
    for other in [
        Asked { from: "beijing", ..asked() },
        Asked { to: "shanghai", ..asked() },
        Asked { service: "org.example.GreetingService", ..asked() },
        Asked { method: "delete", ..asked() },
        Asked { application: "unknown", ..asked() },
        Asked { serialization: 3, ..asked() },
        Asked { generic: "nativejava", ..asked() },
        Asked { generic: "bean", ..asked() },
        Asked { callbacks: true, ..asked() },
        Asked { opaque: true, ..asked() },
    ] {
        assert!(policy.grant(&other).is_none(), "{other:?}");
    }
    for same in [
        Asked { generic: "true", ..asked() },
        Asked { serialization: FASTJSON2, ..asked() },
        Asked { application: "job-7", ..asked() },
        Asked { group: "g", version: "1.0.0", ..asked() },
    ] {
        assert!(policy.grant(&same).is_some(), "{same:?}");
    }
}

#[test]
fn what_is_dangerous_needs_to_be_named() {
    let (policy, _) = settle(&format!(
        "{GRANT}serialization = ['hessian2', 3]\ngeneric = ['nativejava']\ncallbacks = true\nopaque = true"
    ));
    assert!(
        policy
            .grant(&Asked { serialization: 3, opaque: true, generic: "nativejava", callbacks: true, ..asked() })
            .is_some()
    );
    assert!(policy.grant(&Asked { generic: "true", ..asked() }).is_none(), "a list replaces the default");
    assert!(policy.grant(&Asked { serialization: FASTJSON2, ..asked() }).is_none());
}

#[test]
fn an_unknown_application_passes_only_where_every_application_may() {
    let (policy, _) = settle(&format!("{GRANT}application = ['*']"));
    assert!(policy.grant(&Asked { application: "unknown", ..asked() }).is_some());
}

#[test]
fn a_key_belongs_to_one_gateway_and_an_island_is_listed_once() {
    let key = public();
    let text = format!(
        "[[island]]\nid = 'a'\n[[island.gateway]]\nid = 'e1'\nrole = 'egress'\nkey = '{key}'\n[[island.gateway]]\nid = 'i1'\nrole = 'ingress'\nkey = '{key}'\n[[island]]\nid = 'a'"
    );
    let (_, mistakes) = settle(&text);
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(mistakes[0].contains("already that of gateway `e1` of island `a`"), "{mistakes:?}");
    assert!(mistakes[1].contains("island `a` is listed twice"), "{mistakes:?}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let (_, mistakes) = settle(
        "[[island]]\nid = 'Shanghai 1'\n[[island.gateway]]\nkey = 'highway-pub-1:short'\n[[island]]\n[[grant]]\nserialization = [40]",
    );
    let all = mistakes.join("\n");
    for part in [
        "Shanghai 1",
        "island[0].gateway[0].id",
        "island[0].gateway[0].role",
        "island[0].gateway[0].key",
        "island[1].id",
        "grant[0].id",
        "grant[0].from",
        "grant[0].to",
        "grant[0].service",
        "40",
    ] {
        assert!(all.contains(part), "{part} is missing in\n{all}");
    }
}

#[test]
fn a_revoked_key_stays_known() {
    let key = public();
    let (policy, _) = settle(&format!(
        "[[island]]\nid = 'a'\n[[island.gateway]]\nid = 'e1'\nrole = 'egress'\nkey = '{key}'\nrevoked = true"
    ));
    let gateway = policy.gateway(&key.parse().unwrap()).unwrap();
    assert!(gateway.revoked);
    assert_eq!((gateway.island.as_str(), gateway.id.as_str(), gateway.role), ("a", "e1", Role::Egress));
}

#[test]
fn the_documented_policy_is_good_and_says_the_defaults() {
    let (policy, mistakes) = settle(include_str!("../policy.toml"));
    assert_eq!(mistakes, [""; 0]);
    assert_eq!((policy.islands().count(), policy.grants_len()), (2, 1));
    assert!(policy.grant(&asked()).is_some());
    let documented = format!("{:?}", policy.grants[0]);
    let (short, _) = settle(
        "[[grant]]\nid = 'greetings'\nfrom = ['shanghai']\nto = ['beijing']\nservice = ['com.example.*']\nmethod = ['say*']\napplication = ['*']",
    );
    assert_eq!(format!("{:?}", short.grants[0]), documented);
}
