//! The example, which names every key, and the mistakes that a file can have.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use chassis::config::settle_text;
use client::{Endpoint, TlsWith};
use serde::de::DeserializeOwned;

use super::raw::*;
use super::*;

const EXAMPLE: &str = include_str!("../../ingress-gw.toml");
const SMALLEST: &str = r#"
[island]
id = "shanghai"
gateway = "in-1"
[link]
key_file = "gateway.key"
[[hub]]
url = "http://127.0.0.1:8443"
key = ["highway-pub-1:kH0r2mAuVTk9h9ljh4dNYQ5yHNs2CJ4M0VNsDgGjVBM="]
[[registry]]
address = "zk1:2181"
"#;

/// A folder with the secrets that the files name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = tunnel::key::PrivateKey::generate().unwrap().to_text();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, certificate_key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let files = [
        ("gateway.key", key.as_str()),
        ("proxy.credentials", "shop:sesame"),
        ("hub.headers", "X-Token: open"),
        ("zookeeper.password", "p"),
        ("greeter.token", "hush\n"),
        ("admin.token", "t"),
        ("providers-ca.pem", &certificate),
        ("ingress.pem", &certificate),
        ("ingress-tls.key", &certificate_key),
    ];
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

fn settled(text: &str) -> Result<Config, Vec<String>> {
    settled_in(&folder(), text)
}

fn settled_in(folder: &tempfile::TempDir, text: &str) -> Result<Config, Vec<String>> {
    let file = folder.path().join("ingress-gw.toml");
    let lines = |mistakes: Mistakes| {
        let prefix = format!("{}:", file.display());
        mistakes.to_string().lines().map(|line| line.replace(&prefix, "")).collect()
    };
    settle_text(&file, text, &[], settle).map(|settled| settled.config).map_err(lines)
}

/// Names of the keys of a table, as serde knows them.
fn keys<T: DeserializeOwned>() -> Vec<String> {
    let error = toml::from_str::<T>("no_such_key = 1").err().expect("an unknown key is refused").to_string();
    let names: Vec<String> =
        error.split('`').skip(1).step_by(2).map(str::to_owned).filter(|name| name != "no_such_key").collect();
    assert!(!names.is_empty(), "{error}");
    names
}

#[test]
fn the_example_is_good_and_says_what_it_says() {
    let config = settled(EXAMPLE).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let fixed = &config.fixed;
    assert_eq!((fixed.shards, &*fixed.island, &*fixed.gateway), (2, "shanghai", "in-1"));
    assert_eq!((fixed.hubs.addresses.len(), fixed.registries.len()), (1, 1));
    assert_eq!((config.policy.rules.len(), config.statics.len()), (2, 1));
    let greeter = &config.statics[0];
    assert_eq!(greeter.key.to_string(), "g1/com.acme.Greeter:1.0.0");
    assert_eq!(greeter.offer.endpoint, Endpoint::new("10.1.2.3", 20880));
    assert_eq!(greeter.offer.token.as_ref().unwrap().reveal(), "hush");
    assert!(config.policy.rules[1].terms.supply_token);
}

#[test]
fn the_example_names_every_key_in_its_section() {
    let example: toml::Table = EXAMPLE.parse().unwrap();
    let table = |path: &[&str]| {
        let mut value = &toml::Value::Table(example.clone());
        let mut tables = Vec::new();
        for step in path {
            value = value.get(step).unwrap_or_else(|| panic!("no section {path:?}"));
        }
        match value {
            toml::Value::Array(list) => tables.extend(list.iter().cloned()),
            other => tables.push(other.clone()),
        }
        tables
    };
    let sections: [(&[&str], Vec<String>); 14] = [
        (&[], keys::<Raw>()),
        (&["island"], keys::<RawIsland>()),
        (&["hub"], keys::<tunnel::HubConfig>()),
        (&["link"], keys::<RawLink>()),
        (&["registry"], keys::<RegistryConfig>()),
        (&["provider"], keys::<RawProvider>()),
        (&["export", "rule"], keys::<RawRule>()),
        (&["providers"], keys::<RawProviders>()),
        (&["providers", "tls"], keys::<RawProviderTls>()),
        (&["limits"], keys::<RawLimits>()),
        (&["state"], keys::<chassis::config::RawState>()),
        (&["admin"], keys::<chassis::config::RawAdmin>()),
        (&["drain"], keys::<chassis::config::RawDrain>()),
        (&["log"], keys::<chassis::config::RawLog>()),
    ];
    for (path, keys) in sections {
        let tables = table(path);
        for key in keys {
            // Beside the password's file its variable cannot stand; the comment names it.
            let named = tables.iter().any(|table| table.get(&key).is_some())
                || key == "password_env" && EXAMPLE.contains("password_env =");
            assert!(named, "the example does not name {key} in {path:?}");
        }
    }
}

#[test]
fn defaults_of_the_example_are_the_defaults() {
    let (example, smallest) = (settled(EXAMPLE).unwrap().fixed, settled(SMALLEST).unwrap().fixed);
    assert_eq!(
        format!("{:?}", example.pool),
        format!("{:?}", PoolConfig { pending_limit: example.pool.pending_limit, ..smallest.pool })
    );
    assert_eq!(
        (example.frame_len, example.held_len, example.in_flight),
        (smallest.frame_len, smallest.held_len, smallest.in_flight)
    );
    assert_eq!(example.state_dir, smallest.state_dir);
    assert_eq!((example.hubs.ping, example.hubs.seal), (smallest.hubs.ping, smallest.hubs.seal));
}

#[test]
fn nothing_is_exported_unless_said() {
    assert!(settled(SMALLEST).unwrap().policy.rules.is_empty());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = r#"
shards = 0
[island]
id = "Shanghai"
[link]
key_file = "missing.key"
[[hub]]
url = "hub.example.com"
[[provider]]
address = "10.1.2.3"
service = "com.acme.*"
[[export.rule]]
service = "com acme"
[[export.rule]]
service = "x"
action = "deny"
opaque = true
[limits]
frame = "64MiB"
held = "1MiB"
[providers]
wait = "1h"
connections = 0
"#;
    let mistakes = settled(text).err().unwrap();
    assert_eq!(mistakes.len(), 13, "{mistakes:#?}");
    for key in [
        "2: shards:",
        "4: island.id:",
        "island.gateway:",
        "6: link.key_file:",
        "8: hub[0].url:",
        "hub[0].key:",
        "10: provider[0].address:",
        "11: provider[0].service:",
        "13: export.rule[0].service:",
        "export.rule[1].action:",
        "limits.held:",
        "providers.wait:",
        "providers.connections:",
    ] {
        assert!(mistakes.iter().any(|mistake| mistake.contains(key)), "{key} is not in {mistakes:#?}");
    }
}

#[test]
fn a_certificate_wants_its_key_and_files_that_are_no_pem_are_named() {
    let tls = |lines: &str| settled(&format!("{SMALLEST}[providers.tls]\n{lines}\n"));
    let without_key = tls("certificate_file = \"ingress.pem\"").err().unwrap();
    assert!(without_key[0].contains("providers.tls.key_file: missing"), "{without_key:?}");
    let no_pem = tls("ca_file = \"greeter.token\"").err().unwrap();
    assert!(no_pem[0].contains("providers.tls: ") && no_pem[0].contains("greeter.token"), "{no_pem:?}");
    assert!(!no_pem[0].contains("hush"), "a secret is never repeated");
    let no_name = tls("ca_file = \"providers-ca.pem\"\nserver_name = \"not a name\"").err().unwrap();
    assert!(no_name[0].contains("found \"not a name\", wanted a host name or an address"), "{no_name:?}");
    let good = tls("with = \"everybody\"\nca_file = \"providers-ca.pem\"").unwrap();
    assert!(good.provider_tls.trust.is_some());
    assert_eq!(good.provider_tls.with, TlsWith::Everybody);
    assert_eq!(good.fixed_text, settled(SMALLEST).unwrap().fixed_text, "it may change as it runs");
}

#[test]
fn the_same_trust_is_known_again_and_another_is_not() {
    let folder = folder();
    let made_of = |lines: &str| settled_in(&folder, &format!("{SMALLEST}{lines}\n")).unwrap().provider_tls.made_of();
    let ca = "[providers.tls]\nca_file = \"providers-ca.pem\"\n";
    assert_eq!(made_of(ca), made_of(&format!("{ca}with = \"everybody\"\n[[export.rule]]\nservice = \"*\"")));
    assert_ne!(made_of(ca), made_of(&format!("{ca}server_name = \"provider.internal\"")));
    assert_ne!(made_of(ca), made_of(""));
    let before = made_of(ca);
    fs::write(folder.path().join("providers-ca.pem"), rcgen::generate_simple_self_signed([]).unwrap().cert.pem())
        .unwrap();
    assert_ne!(made_of(ca), before, "another authority in the same file");
}

#[test]
fn an_ipv6_provider_stands_in_brackets() {
    let provider = |address: &str| {
        let rule = "[[export.rule]]\nservice = \"*\"\n";
        settled(&format!(
            "{SMALLEST}{rule}[[provider]]\naddress = \"{address}\"\nservice = \"com.acme.A\"\ntls = true\n"
        ))
    };
    let endpoint = provider("[2001:db8::7]:20880").unwrap().statics[0].offer.endpoint.clone();
    assert_eq!(endpoint, Endpoint::new("2001:db8::7", 20880).with_tls());
    let naked = provider("2001:db8::7:20880").err().unwrap();
    assert!(naked[0].contains("found \"2001:db8::7:20880\", wanted HOST:PORT"), "{naked:?}");
}

#[test]
fn a_static_provider_that_no_rule_speaks_of_is_a_mistake() {
    let provider = "[[provider]]\naddress = \"10.1.2.3:20880\"\nservice = \"com.acme.A\"\n";
    let mistakes = settled(&format!("{SMALLEST}{provider}")).err().unwrap();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].contains("no [[export.rule]] fits com.acme.A"), "{mistakes:?}");
    for action in ["allow", "deny"] {
        let rule = format!("[[export.rule]]\nservice = \"com.acme.*\"\naction = \"{action}\"\n");
        assert!(settled(&format!("{SMALLEST}{provider}{rule}")).is_ok());
    }
}

#[test]
fn a_mistyped_key_is_told_with_the_one_that_was_meant() {
    let mistakes = settled(&SMALLEST.replace("gateway =", "gatway =")).err().unwrap();
    assert!(mistakes.iter().any(|mistake| mistake.contains("gatway") && mistake.contains("gateway")), "{mistakes:?}");
}

#[test]
fn what_a_reload_may_change_is_not_part_of_what_it_may_not() {
    let rule = "[[export.rule]]\nservice = \"*\"\n[log]\nlevel = \"debug\"\n";
    let before = settled(SMALLEST).unwrap();
    assert_eq!(before.fixed_text, settled(&format!("{SMALLEST}{rule}")).unwrap().fixed_text);
    let other = settled(&SMALLEST.replace("8443", "9443")).unwrap();
    assert_ne!(before.fixed_text, other.fixed_text);
}
