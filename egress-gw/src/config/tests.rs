//! The example file, and what is said about files that are wrong.

use std::path::Path;

use chassis::config::settle_text;

use super::*;

const EXAMPLE: &str = include_str!("../../egress-gw.toml");

/// A folder with the key file that every configuration needs.
fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::OpenOptionsExt;
    let folder = tempfile::tempdir().unwrap();
    for name in ["egress-1.key", "admin.token", "zookeeper.password"] {
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(folder.path().join(name)).unwrap();
        let content = tunnel::key::PrivateKey::generate().unwrap().to_text();
        std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
    }
    folder
}

fn settled(folder: &Path, text: &str) -> Result<Config, Mistakes> {
    settle_text(&folder.join("egress-gw.toml"), text, &[], settle).map(|settled| settled.config)
}

/// The mistakes of a file that is wrong, without its path.
fn mistakes(text: &str) -> Vec<String> {
    let folder = folder();
    let mistakes = settled(folder.path(), text).unwrap_err();
    let path = format!("{}/", folder.path().display());
    mistakes.to_string().replace(&path, "").lines().map(str::to_owned).collect()
}

const SMALLEST: &str = r#"
[island]
id = "cloud"
gateway = "egress-1"
[link]
key_file = "egress-1.key"
[[hub]]
url = "http://127.0.0.1:8443"
key = ["highway-pub-1:kH0r2mAuVTk9h9ljh4dNYQ5yHNs2CJ4M0VNsDgGjVBM="]
"#;

#[test]
fn the_example_settles_to_the_defaults_it_names() {
    let folder = folder();
    let example = settled(folder.path(), EXAMPLE).unwrap();
    assert_eq!(example.limits, Limits::default());
    assert_eq!(example.timeouts, Timeouts::default());
    assert_eq!((&*example.island, &*example.gateway), ("cloud", "egress-1"));
    assert_eq!(example.ports.len(), 2);
    assert_eq!(example.ports[1], Port { number: 20991, island: Some("shanghai".into()) });
    assert_eq!(example.import.imports.len(), 2);
    assert_eq!(example.import.publish, Publish::Imported);
    assert_eq!(example.registries.len(), 1);
    assert_eq!(example.state_dir, Path::new(STATE_DIR));
}

/// Taking the comment sign off every key must give a file that settles too: no key is misspelt, no default is another.
#[test]
fn every_key_of_the_example_exists_and_its_default_is_the_one_it_shows() {
    let key = |line: &str| {
        line.split(" = ").next().is_some_and(|key| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let not_both = [
        "advertise",
        "password_env",
        "ca_file",
        "server_name",
        "proxy",
        "host",
        "headers",
        "username",
        "password_file",
        "server_version",
        "idempotent",
        "beside_local",
        "certificate_file",
        "key_file",
        "client_ca_file",
    ];
    let uncommented: Vec<String> = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") && key(rest) && !not_both.iter().any(|name| rest.starts_with(name)) => {
                rest.to_owned()
            }
            _ => line.to_owned(),
        })
        .collect();
    let folder = folder();
    let (short, long) =
        (settled(folder.path(), EXAMPLE).unwrap(), settled(folder.path(), &uncommented.join("\n")).unwrap());
    let different = short.fixed_differences(&long);
    let shards_differ = short.shards != 2;
    assert_eq!(different, if shards_differ { vec!["shards", "[[registry]]"] } else { vec!["[[registry]]"] });
    assert_eq!(short.import, long.import);
    assert_eq!(short.drain_within, long.drain_within);
    assert_eq!(short.admin.listen, long.admin.listen);
    for name in not_both {
        assert!(EXAMPLE.contains(&format!("# {name} = ")), "{name}");
    }
}

#[test]
fn the_smallest_file_is_enough_where_there_is_no_registry() {
    let folder = folder();
    let config = settled(folder.path(), SMALLEST).unwrap();
    assert_eq!(config.ports, [Port { number: 20990, island: None }]);
    assert!(config.import.imports.is_empty());
    assert_eq!(config.advertise, None);
}

#[test]
fn an_empty_file_is_told_everything_it_lacks() {
    assert_eq!(
        mistakes(""),
        [
            "egress-gw.toml: island.id: missing, wanted 1 to 32 of a-z, 0-9 and `-`",
            "egress-gw.toml: island.gateway: missing, wanted 1 to 32 of a-z, 0-9 and `-`",
            "egress-gw.toml: hub: missing, wanted at least one section [[hub]] with a url and a key",
            "egress-gw.toml: link.key_file: missing, wanted the file that `highway key new` wrote",
        ]
    );
}

#[test]
fn the_address_for_consumers_may_be_said_or_listened_on_or_left_to_be_found() {
    let folder = folder();
    let with_registry = format!("{SMALLEST}[[registry]]\naddress = \"zk1,zk2:2182/shop\"\n");
    let config = |egress: &str| settled(folder.path(), &format!("{with_registry}[egress]\n{egress}\n")).unwrap();
    let open = config("");
    assert_eq!((open.advertise, open.registry_servers), (None, vec!["zk1:2181".to_owned(), "zk2:2182".to_owned()]));
    assert_eq!(config("listen = [\"10.0.0.9\"]").advertise, Some("10.0.0.9".parse().unwrap()));
    assert_eq!(config("advertise = \"10.0.0.8\"").advertise, Some("10.0.0.8".parse().unwrap()));
    for nobodys in ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "fe80::1"] {
        let found = mistakes(&format!("{with_registry}[egress]\nadvertise = \"{nobodys}\"\n"));
        let wanted = format!("egress.advertise: found {nobodys}, wanted an address that consumers can reach");
        assert!(found.len() == 1 && found[0].ends_with(&wanted), "{found:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_line() {
    let wrong = r#"
[egress]
listen = ["0.0.0.0", "0.0.0.0"]
[egress.ports]
default = 20990
shanghai = 20990
Beijing = 20991
cloud = 20992
[import]
rule = [{ island = "*", service = "a b" }, { service = "x", leave = true, beside_local = true, plain = true }]
[limits]
frame = "0B"
held = "1KiB"
connections = 0
[timeouts]
call = "0s"
"#;
    let found = mistakes(&format!("{SMALLEST}{wrong}"));
    let line = |wanted: &str| assert!(found.iter().any(|line| line.ends_with(wanted)), "{wanted} in {found:#?}");
    line("egress.listen[1]: found 0.0.0.0 again, wanted each address once");
    line("egress.ports.shanghai: found port 20990 again, wanted a port of its own for each island");
    line(
        "egress.ports.Beijing: found the name \"Beijing\", wanted `default`, or an island: 1 to 32 of a-z, 0-9 and `-`",
    );
    line(
        "egress.ports.cloud: found a port of the own island, wanted ports of other islands: local providers are called directly",
    );
    line("import.rule[0].service: `a b` holds ' ', wanted letters, digits, `.`, `-`, `_`, `$` and `*`");
    line("import.rule[1].island: missing, wanted an island, or a pattern such as \"*\"");
    line("import.rule[1].beside_local: says how to publish what `leave` leaves, wanted one of the two");
    line("import.rule[1].plain: says how links carry what `leave` leaves, wanted one of the two");
    line("limits.frame: found 0 bytes, wanted 1 to 1073741824 bytes");
    line("limits.connections: found 0, wanted 1 to 16777216");
    line("timeouts.call: found 0ns, wanted 1ms to 49d");
    line(
        "limits.held: found 1024 bytes, wanted at least 11184832 bytes, so that a frame of 8388624 bytes fits into three quarters of it",
    );
    assert!(found.iter().all(|line| line.starts_with("egress-gw.toml:")), "{found:#?}");
}

#[test]
fn a_hub_without_a_sound_address_or_key_is_refused() {
    let wrong = SMALLEST.replace("http://", "ftp://").replace("highway-pub-1:", "highway-key-1:");
    let found = mistakes(&wrong);
    assert!(
        found[0].ends_with("hub[0].url: found \"ftp://127.0.0.1:8443\", wanted http://HOST:PORT or https://HOST:PORT"),
        "{found:#?}"
    );
    assert!(found[1].contains("hub[0].key[0]: found a private key"), "{found:#?}");
    assert!(!found[1].contains("kH0r2"), "a key is never repeated");
}

#[test]
fn tls_wants_a_certificate_with_its_key_and_says_what_is_wrong_with_them() {
    let folder = folder();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.path().join("own.pem"), own.cert.pem()).unwrap();
    let tls = |lines: &str| settled(folder.path(), &format!("{SMALLEST}[egress.tls]\n{lines}\n"));
    let without_key = tls("certificate_file = \"own.pem\"").unwrap_err().to_string();
    assert!(without_key.contains("egress.tls.key_file: missing, wanted a PEM file"), "{without_key}");
    // The gateway's own key is no PEM.
    let no_pem = tls("certificate_file = \"own.pem\"\nkey_file = \"egress-1.key\"").unwrap_err().to_string();
    assert!(no_pem.contains("egress.tls: ") && no_pem.contains("egress-1.key"), "{no_pem}");
    assert!(!no_pem.contains("highway-key-1"), "a key is never repeated");
    std::fs::write(folder.path().join("admin.token"), own.signing_key.serialize_pem()).unwrap();
    let good = "certificate_file = \"own.pem\"\nkey_file = \"admin.token\"\nclient_ca_file = \"own.pem\"";
    let good = tls(good).unwrap();
    assert!(good.entrance.tls.is_some());
    assert!(settled(folder.path(), SMALLEST).unwrap().fixed_differences(&good).is_empty(), "it may change as it runs");
}

#[test]
fn ranges_and_ipv6_addresses_are_read() {
    let folder = folder();
    let text = "[egress]\nlisten = [\"0.0.0.0\", \"::\"]\nadvertise = \"2001:db8::5\"\nallow = [\"10.0.0.0/8\", \"fd00::/8\"]\n";
    let config = settled(folder.path(), &format!("{SMALLEST}{text}")).unwrap();
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.advertise, Some("2001:db8::5".parse().unwrap()));
    assert_eq!(config.entrance.allow.to_string(), "10.0.0.0/8, fd00::/8");
    let found = mistakes(&format!("{SMALLEST}[egress]\nallow = [\"10.1.0.0/8\"]\n"));
    assert!(
        found[0].ends_with("egress.allow[0]: found \"10.1.0.0/8\", wanted \"10.0.0.0/8\", the range that this is in"),
        "{found:?}"
    );
}

#[test]
fn what_needs_a_restart_is_named() {
    let folder = folder();
    let before = settled(folder.path(), SMALLEST).unwrap();
    let imports = format!("{SMALLEST}[import]\nrule = [{{ island = \"*\", service = \"*\" }}]\n");
    assert!(before.fixed_differences(&settled(folder.path(), &imports).unwrap()).is_empty());
    let limits = format!("{SMALLEST}[limits]\nconnections = 7\n[timeouts]\ncall = \"5s\"\n");
    assert_eq!(before.fixed_differences(&settled(folder.path(), &limits).unwrap()), ["[limits]", "[timeouts]"]);
}

#[test]
fn a_prefix_of_parameters_is_what_can_begin_a_name() {
    let folder = folder();
    let with = |prefixes: &str| format!("{SMALLEST}[egress]\nreference_prefixes = {prefixes}\n");
    let before = settled(folder.path(), SMALLEST).unwrap();
    assert_eq!(before.reference_prefixes, Prefixes::new(vec!["highway.".to_owned()]));
    let two = settled(folder.path(), &with("[\"highway.\", \"ENV_\"]")).unwrap();
    assert_eq!(two.reference_prefixes, Prefixes::new(vec!["highway.".to_owned(), "ENV_".to_owned()]));
    assert_eq!(before.fixed_differences(&two), ["[egress]"]);
    let found = mistakes(&with("[\"\", \"._\", \"a b\"]"));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("egress.reference_prefixes[0]: found \"\", wanted 1 to 64 letters"), "{found:?}");
}

#[test]
fn providers_of_this_island_with_tls_are_known_by_what_the_section_says() {
    let folder = folder();
    std::fs::write(
        folder.path().join("ca.pem"),
        rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap().cert.pem(),
    )
    .unwrap();
    let tls = |lines: &str| settled(folder.path(), &format!("{SMALLEST}[local.tls]\n{lines}\n"));
    let good = tls("with = \"everybody\"\nca_file = \"ca.pem\"").unwrap();
    assert!(good.local_tls.trust.is_some() && good.local_tls.with == client::TlsWith::Everybody);
    let before = settled(folder.path(), SMALLEST).unwrap();
    assert!(before.local_tls.trust.is_none() && before.local_tls != good.local_tls);
    assert!(before.fixed_differences(&good).is_empty(), "it may change as it runs");
    let said = |lines: &str| tls(lines).unwrap_err().to_string();
    assert!(said("certificate_file = \"ca.pem\"").contains("local.tls.key_file: missing"));
    let name = said("ca_file = \"ca.pem\"\nserver_name = \"not a name\"");
    assert!(name.contains("local.tls.server_name: found \"not a name\", wanted a host name"), "{name}");
}
