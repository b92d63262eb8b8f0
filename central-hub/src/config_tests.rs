//! The documented file is the real one.

use std::path::Path;

use super::*;

const EXAMPLE: &str = include_str!("../central-hub.toml");

/// The example with its files there: keys, certificate and policy.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let secret = |name: &str, text: &str| {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = folder.path().join(name);
        std::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    };
    secret("hub.key", &PrivateKey::generate().unwrap().to_text());
    let own = rcgen::generate_simple_self_signed(vec!["hub.example".to_owned()]).unwrap();
    secret("hub-tls.key", &own.signing_key.serialize_pem());
    std::fs::write(folder.path().join("hub.pem"), own.cert.pem()).unwrap();
    let public = PrivateKey::generate().unwrap().public().unwrap();
    let islands =
        format!("[[island]]\nid = 'shanghai'\n[[island.gateway]]\nid = 'e1'\nrole = 'egress'\nkey = '{public}'");
    std::fs::write(folder.path().join("islands.toml"), islands).unwrap();
    std::fs::write(folder.path().join("grants.toml"), "[[grant]]\nid = 'g'\nfrom = ['*']\nto = ['*']\nservice = ['*']")
        .unwrap();
    folder
}

fn settle_example(folder: &Path, text: &str) -> Result<Config, Vec<String>> {
    chassis::config::settle_text(&folder.join("central-hub.toml"), text, &[], settle)
        .map(|settled| settled.config)
        .map_err(|mistakes| mistakes.list().iter().map(ToString::to_string).collect())
}

#[test]
fn the_documented_file_is_good_and_says_the_defaults() {
    let folder = folder();
    let config = settle_example(folder.path(), EXAMPLE).unwrap();
    assert_eq!((config.id.as_str(), config.hold_down, config.seal), ("hub-1", HOLD_DOWN, tunnel::Seal::Auto));
    assert_eq!(config.compress, tunnel::Compress::Off);
    assert!(config.tls.is_some());
    assert_eq!((config.policy.islands().count(), config.policy.grants_len()), (1, 1));
    let short = "[hub]\nid = 'hub-1'\nlisten = ['0.0.0.0:8443']\nkey_file = 'hub.key'\n[policy]\nfiles = ['islands.toml', 'grants.toml']";
    let short = settle_example(folder.path(), short).unwrap();
    assert_eq!((short.hubs, short.hold_down, short.audit), (config.hubs, config.hold_down, config.audit));
    assert_eq!(short.limits, config.limits);
    assert_eq!(short.basics.admin, config.basics.admin);
    assert_eq!(short.basics.drain_within, config.basics.drain_within);
}

#[test]
fn every_mistake_is_told_at_once_those_of_policy_files_with_their_file() {
    let folder = folder();
    std::fs::write(folder.path().join("grants.toml"), "[[grant]]\nid = 'g'\nform = ['*']").unwrap();
    let text = EXAMPLE
        .replace("hub.pem", "nothing.pem")
        .replace("[\"hub-1\"] ", "[\"hub-2\"] ")
        .replace("rotate_at", "rotate");
    let mistakes = settle_example(folder.path(), &text).unwrap_err().join("\n");
    for part in ["nothing.pem", "hub-2", "audit.rotate", "grants.toml", "form", "from"] {
        assert!(mistakes.contains(part), "{part} is missing in\n{mistakes}");
    }
}

#[test]
fn nothing_that_is_required_goes_unsaid() {
    let folder = folder();
    let mistakes = settle_example(folder.path(), "").unwrap_err().join("\n");
    for key in ["hub.id", "hub.listen", "hub.key_file", "policy.files"] {
        assert!(mistakes.contains(key), "{key} is missing in\n{mistakes}");
    }
}
