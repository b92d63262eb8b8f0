//! What somebody who types a configuration gets to read. Never looks inside the reader.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands, in its helpers too")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use highway_chassis::config::{Mistakes, RawAdmin, RawLog, SecretFile, Settled, Size, Time, settle_file, settle_text};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    log: RawLog,
    admin: RawAdmin,
    hub: Vec<RawHub>,
    ports: BTreeMap<String, u16>,
    limits: RawLimits,
    allow: Vec<String>,
    mode: Option<Mode>,
    key_file: Option<SecretFile>,
    policy: Option<std::path::PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHub {
    url: Option<String>,
    dial_every: Option<Time>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLimits {
    body: Option<Size>,
    calls: Option<u32>,
    strict: Option<bool>,
    share: Option<f64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Imported,
    OnDemand,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPolicy {
    islands: Vec<String>,
}

#[derive(Debug)]
struct Config {
    raw: Raw,
    urls: Vec<String>,
    islands: Vec<String>,
}

fn settle(mut raw: Raw, mistakes: &mut Mistakes) -> Option<Config> {
    std::mem::take(&mut raw.log).settle(mistakes);
    let admin = "127.0.0.1:1".parse().unwrap();
    std::mem::take(&mut raw.admin).settle(admin, mistakes);
    let mut urls = Vec::new();
    for (at, hub) in raw.hub.iter().enumerate() {
        urls.extend(mistakes.require(&format!("hub[{at}].url"), hub.url.clone(), "the address of a hub"));
    }
    for (island, port) in &raw.ports {
        if *port == 0 {
            mistakes.wrong(&format!("ports.{island}"), port, "a port from 1 to 65535");
        }
    }
    if let Some(file) = &raw.key_file {
        let _ = mistakes.secret("key_file", file);
    }
    let mut islands = Vec::new();
    if let Some(file) = raw.policy.clone() {
        let policy = mistakes.document("policy", &file, |policy: RawPolicy, mistakes| {
            if policy.islands.is_empty() {
                mistakes.missing("islands", "at least one island");
            }
            Some(policy)
        });
        islands = policy.map(|policy| policy.islands).unwrap_or_default();
    }
    Some(Config { raw, urls, islands })
}

fn read(text: &str) -> Result<Settled<Config>, Mistakes> {
    settle_text(Path::new("gw.toml"), text, &[], settle)
}

fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<Settled<Config>, Mistakes> {
    let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    settle_text(Path::new("gw.toml"), text, &variables, settle)
}

fn said(result: Result<Settled<Config>, Mistakes>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_good_file_is_read() {
    let text = r#"
        allow = ["a", "b"]
        mode = "on-demand"
        [[hub]]
        url = "https://hub-1"
        dial_every = "1m30s"
        [ports]
        shanghai = 20991
        [limits]
        body = "64MiB"
        share = 0.5
    "#;
    let config = read(text).unwrap().config;
    assert_eq!(config.urls, ["https://hub-1"]);
    assert_eq!(config.raw.hub[0].dial_every, Some(Time(Duration::from_secs(90))));
    assert_eq!(config.raw.limits.body, Some(Size(64 << 20)));
    assert_eq!(config.raw.limits.share, Some(0.5));
    assert_eq!(config.raw.ports["shanghai"], 20991);
    assert_eq!(config.raw.mode, Some(Mode::OnDemand));
}

#[test]
fn an_empty_file_is_a_file_of_defaults() {
    assert!(read("").unwrap().config.urls.is_empty());
}

#[test]
fn every_mistake_is_said_at_once_with_its_line() {
    let text = r#"
[[hub]]
ulr = "https://hub-1"
[[hub]]
url = 7
dial_every = "soon"
[ports]
shanghai = 70000
beijing = 0
[limits]
body = 5
calls = -1
strict = "yes"
[log]
format = "jsn"
level = "loud=quiet=1"
[surprise]
"#;
    let expected = r#"gw.toml:3: hub[0].ulr: unknown key, did you mean `hub[0].url`
gw.toml:5: hub[1].url: found 7, wanted a text in quotes
gw.toml:6: hub[1].dial_every: found "soon", wanted a duration such as "200ms", "5s", "1m30s", "24h" or "7d"
gw.toml:8: ports.shanghai: found 70000, wanted a whole number from 0 to 65535
gw.toml:9: ports.beijing: found 0, wanted a port from 1 to 65535
gw.toml:11: limits.body: found 5, wanted a size such as "512B", "64KiB", "8MiB" or "1GiB"
gw.toml:12: limits.calls: found -1, wanted a whole number from 0 to 4294967295
gw.toml:13: limits.strict: found "yes", wanted true or false
gw.toml:15: log.format: found "jsn", wanted one of ["human", "json"], did you mean "json"
"#;
    let said = said(read(text));
    for line in expected.lines() {
        assert!(said.lines().any(|found| found == line), "missing: {line}\nin:\n{said}");
    }
    assert!(said.contains("gw.toml:16: log.level: found \"loud=quiet=1\""), "{said}");
    assert!(said.contains("gw.toml:17: surprise: unknown key, known here: log, admin, hub, ports,"), "{said}");
    // The url of the first hub is missing because its key is mistyped.
    assert!(said.contains("hub[0].url: missing, wanted the address of a hub"), "{said}");
    assert_eq!(said.lines().count(), 12, "{said}");
}

#[test]
fn a_value_that_is_wrong_is_not_also_missing() {
    assert_eq!(said(read("[[hub]]\nurl = 7")), "gw.toml:2: hub[0].url: found 7, wanted a text in quotes");
}

#[test]
fn a_type_with_required_keys_says_each_mistake_once() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        item: Vec<StrictItem>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct StrictItem {
        name: String,
        port: u16,
    }
    let text = "[[item]]\nname = 1\nport = 1\n[[item]]\nname = \"b\"\n[[item]]\nname = \"c\"\nport = \"x\"\n";
    let read = settle_text(Path::new("gw.toml"), text, &[], |raw: Strict, _| -> Option<()> {
        let left: Vec<_> = raw.item.into_iter().map(|item| (item.name, item.port)).collect();
        panic!("an item is gone, so indices say something else than what was typed: {left:?}")
    });
    assert_eq!(
        read.unwrap_err().to_string(),
        "gw.toml:2: item[0].name: found 1, wanted a text in quotes\n\
         gw.toml:4: item[1].port: missing\n\
         gw.toml:8: item[2].port: found \"x\", wanted a whole number from 0 to 65535"
    );
}

#[test]
fn a_list_where_a_table_is_wanted_is_said_in_words_of_toml() {
    assert_eq!(said(read("log = [1]")), "gw.toml:1: log: found a list, wanted a table");
    assert_eq!(said(read("allow = { a = 1 }")), "gw.toml:1: allow: found a table, wanted a list");
    assert_eq!(said(read("allow = [\n\"a\",\n1]")), "gw.toml:3: allow[1]: found 1, wanted a text in quotes");
}

#[test]
fn syntax_errors_have_their_lines() {
    let said = said(read("[log]\nlevel = \n[admin\n"));
    assert!(said.starts_with("gw.toml:2: "), "{said}");
    assert!(said.lines().any(|line| line.starts_with("gw.toml:3: ")), "{said}");
}

#[test]
fn bytes_that_are_no_text_are_refused_with_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gw.toml");
    std::fs::write(&file, b"# one\n\xff").unwrap();
    let said = said(settle_file(&file, &[], settle));
    assert!(said.ends_with("gw.toml:2: not UTF-8"), "{said}");
}

#[test]
fn a_missing_file_is_said() {
    let said = said(settle_file(Path::new("/nowhere/gw.toml"), &[], settle));
    assert!(said.starts_with("/nowhere/gw.toml: cannot be read: No such file"), "{said}");
}

#[test]
fn variables_override_and_add() {
    let text = "[[hub]]\nurl = \"https://old\"\n[limits]\ncalls = 1";
    let variables = [
        ("HIGHWAY__HUB__0__URL", "https://new"),
        ("HIGHWAY__HUB__1__URL", "12345"),
        ("HIGHWAY__HUB__1__DIAL_EVERY", "5s"),
        ("HIGHWAY__LIMITS__CALLS", "2"),
        ("HIGHWAY__LIMITS__STRICT", "true"),
        ("HIGHWAY__LIMITS__SHARE", "0.25"),
        ("HIGHWAY__PORTS__SHANGHAI", "20991"),
        ("HIGHWAY__ALLOW", r#"["a", "b"]"#),
        ("HIGHWAY__MODE", "imported"),
        ("HIGHWAY__ADMIN__LISTEN__0", "127.0.0.1:9"),
        ("HIGHWAYMAN", "not ours"),
    ];
    let config = read_with(text, &variables).unwrap().config;
    assert_eq!(config.urls, ["https://new", "12345"], "what looks like a number is a text where one is wanted");
    assert_eq!(config.raw.limits.calls, Some(2));
    assert_eq!(config.raw.limits.strict, Some(true));
    assert_eq!(config.raw.limits.share, Some(0.25));
    assert_eq!(config.raw.ports["shanghai"], 20991);
    assert_eq!(config.raw.allow, ["a", "b"]);
    assert_eq!(config.raw.mode, Some(Mode::Imported));
}

#[test]
fn variables_come_in_any_order() {
    let mut variables = vec![("HIGHWAY__HUB", "[{ url = \"a\" }, { url = \"b\" }]".to_owned())];
    let names: Vec<_> = (1..12).map(|at| format!("HIGHWAY__HUB__{at}__URL")).collect();
    variables.extend(names.iter().map(|name| (name.as_str(), "c".to_owned())));
    variables.reverse();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let urls = read_with("", &variables).unwrap().config.urls;
    assert_eq!((urls.len(), urls[0].as_str(), urls[1].as_str(), urls[11].as_str()), (12, "a", "c", "c"));
}

#[test]
fn mistakes_in_variables_name_the_variable() {
    let variables = [
        ("HIGHWAY__HUB__3__URL", "x"),
        ("HIGHWAY__LIMITS__CALLS", "many"),
        ("HIGHWAY__LOG__LEVEL__MORE", "x"),
        ("HIGHWAY__LOGG__LEVEL", "x"),
    ];
    let said_of = |variable: (&str, &str)| said(read_with("[log]\nlevel = \"info\"", &[variable]));
    let expected = [
        "environment HIGHWAY__HUB__3__URL: hub: found index 3, wanted one up to 0",
        "environment HIGHWAY__LIMITS__CALLS: limits.calls: found \"many\", wanted a whole number from 0 to 4294967295",
        "environment HIGHWAY__LOG__LEVEL__MORE: log.level: a single value, with nothing inside it",
        "environment HIGHWAY__LOGG__LEVEL: logg: unknown key, did you mean `log`",
    ];
    for (variable, expected) in variables.into_iter().zip(expected) {
        assert_eq!(said_of(variable), expected);
    }
}

#[test]
fn an_admin_listener_for_everybody_wants_a_token() {
    let open = "[admin]\nlisten = [\"127.0.0.1:1\", \"0.0.0.0:2\"]";
    let expected =
        "gw.toml:2: admin.listen[1]: found 0.0.0.0:2, wanted a loopback address, or `admin.token_file` beside it";
    assert_eq!(said(read(open)), expected);
    let wrong = said(read("[admin]\nlisten = [\"localhost\"]"));
    assert!(wrong.starts_with("gw.toml:2: admin.listen[0]: found \"localhost\": invalid socket address"), "{wrong}");
    let folder = tempfile::tempdir().unwrap();
    write_private(&folder.path().join("token"), "hush");
    let text = format!("{open}\ntoken_file = \"token\"");
    let settled = settle_text(&folder.path().join("gw.toml"), &text, &[], |raw: Raw, mistakes| {
        Some(raw.admin.settle("127.0.0.1:1".parse::<SocketAddr>().unwrap(), mistakes))
    });
    assert_eq!(settled.unwrap().config.token.unwrap().trimmed(), b"hush");
}

#[test]
fn a_secret_that_others_can_read_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "hush").unwrap();
    std::process::Command::new("chmod").arg("644").arg(folder.path().join("key")).status().unwrap();
    let said = said(settle_text(&folder.path().join("gw.toml"), "key_file = \"key\"", &[], settle));
    assert!(said.contains("gw.toml:1: key_file: ") && said.contains("has mode 644"), "{said}");
    assert!(!said.contains("hush"));
}

#[test]
fn mistakes_in_a_named_file_carry_its_own_name_and_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.toml"), "\nisland = []\n").unwrap();
    let said = said(settle_text(&folder.path().join("gw.toml"), "policy = \"policy.toml\"", &[], settle));
    let policy = folder.path().join("policy.toml").display().to_string();
    assert_eq!(
        said,
        format!(
            "{policy}: islands: missing, wanted at least one island\n\
             {policy}:2: island: unknown key, did you mean `islands`"
        )
    );
}

#[test]
fn every_file_that_was_read_is_known_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let [main, policy, key] = ["gw.toml", "policy.toml", "key"].map(|name| folder.path().join(name));
    std::fs::write(&main, "policy = \"policy.toml\"\nkey_file = \"key\"").unwrap();
    std::fs::write(&policy, "islands = [\"a\"]").unwrap();
    write_private(&key, "hush");
    let settled = settle_file(&main, &[], settle).unwrap();
    assert_eq!(settled.config.islands, ["a"]);
    let mut paths: Vec<_> = settled.files.iter().map(|file| file.path().to_owned()).collect();
    paths.sort();
    let mut expected = vec![main, policy.clone(), key];
    expected.sort();
    assert_eq!(paths, expected);
    assert!(settled.files.iter().all(|file| file.again() == *file));
    std::fs::write(&policy, "islands = [\"b\"]").unwrap();
    let changed: Vec<_> = settled.files.iter().filter(|file| file.again() != **file).map(|file| file.path()).collect();
    assert_eq!(changed, [policy]);
}

fn write_private(path: &Path, content: &str) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
}

#[test]
fn a_file_that_goes_too_deep_is_refused() {
    for text in [
        format!("{}a = 1", "a.".repeat(200_000)),
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{a=".repeat(200_000)),
    ] {
        assert!(!said(read(&text)).is_empty());
    }
}
