//! `highway doctor --config` beside gateways at work: the machine, the registry, and what the hub says to the gateway's own key.
//!
//! ```text
//!   island a: egress, ingress, ZooKeeper ──▶ hub          highway doctor with the file of either, or with one that is wrong
//! ```
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use lab::line::{Island, Line, Plan, Role, Watched};
use lab::process::until;
use lab::program::{self, Program};
use serde_json::Value;

/// What it said and how it ended.
struct Told {
    code: Option<i32>,
    value: Value,
    whole: String,
}

impl Told {
    fn steps(&self, of: &Value, name: &str) -> Vec<String> {
        let steps = of.as_array().unwrap_or_else(|| panic!("{}", self.whole));
        let found: Vec<_> = steps.iter().filter(|step| step["step"] == name).map(Value::to_string).collect();
        assert!(!found.is_empty(), "no step {name}: {}", self.whole);
        found
    }

    /// All that is said of a part of the machine.
    fn machine(&self, name: &str) -> String {
        self.steps(&self.value["machine"], name).join("\n")
    }

    fn link(&self) -> String {
        self.steps(&self.value["hubs"][0]["steps"], "link").join("\n")
    }
}

/// One line for this file; the tests take turns, and leave it as it was.
fn line() -> (&'static Line, Watched<'static>, MutexGuard<'static, ()>) {
    static ALL: OnceLock<Line> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let mine = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let line = ALL.get_or_init(|| {
        // Few enough for machines with a low limit of open files.
        let plan = Plan::of(&["a"]).also(Role::Egress, "a", "\n[limits]\nconnections = 500\n");
        let line = Line::start(plan).unwrap();
        line.island("a").zookeeper.command_line(&["create /dubbo".to_owned()]).unwrap();
        line
    });
    (line, line.watched(), mine)
}

fn command(island: &Island, gateway: &Program, file: &str) -> Command {
    let program = program::folder().unwrap().join("highway");
    let mut command = island.place().command(program);
    command.arg("doctor").arg("--config").arg(gateway.folder().join(file));
    command
}

fn doctor(island: &Island, gateway: &Program, file: &str) -> Told {
    let output = command(island, gateway, file).arg("--json").output().unwrap();
    let whole = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {whole}"));
    Told { code: output.status.code(), value, whole }
}

/// Every link of a status page: whose it is, and how many connections it has had.
fn links(value: &Value, found: &mut Vec<(String, u64)>) {
    match value {
        Value::Object(fields) => {
            if let (Some(name), Some(connections)) = (value["name"].as_str(), value["connections"].as_u64()) {
                found.push((name.to_owned(), connections));
            }
            fields.values().for_each(|value| links(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| links(item, found)),
        _ => {}
    }
}

/// A copy of a gateway's file with something else in it.
fn variant(gateway: &Program, name: &str, from: &str, to: &str) -> String {
    let text = fs::read_to_string(gateway.configuration()).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    gateway.write(name, &text.replace(from, to)).unwrap();
    name.to_owned()
}

#[test]
fn gateways_at_work_are_left_alone_and_all_of_their_machine_is_told() {
    let (line, _words, _mine) = line();
    let island = line.island("a");
    let (egress, ingress): (&Program, _) = (island.egress(), island.ingress());
    let linked = || {
        let mut found = Vec::new();
        links(&line.hub.status().unwrap(), &mut found);
        found.sort();
        // A session that begins anew says so.
        (found, line.hub.log().matches("link is up").count())
    };
    let before = linked();
    let told = doctor(island, egress, "egress-gw.toml");
    assert_eq!(told.code, Some(0), "{}", told.whole);
    assert!(
        told.link().contains("hub `hub-1` would link with egress gateway `a-egress-1` of island `a`"),
        "{}",
        told.whole
    );
    assert!(told.machine("configuration").contains("is good"), "{}", told.whole);
    assert!(told.machine("key").contains("highway-pub-1:"), "{}", told.whole);
    assert!(told.machine("files").contains("the running egress-gw (pid"), "{}", told.whole);
    let registry = told.machine("registry");
    for words in ["is ZooKeeper 3.", "may read /dubbo", "may create nodes in /"] {
        assert!(registry.contains(words), "{words}: {}", told.whole);
    }
    let advertised = told.machine("advertised");
    for words in ["taken from this machine", "the registry has gateway a-egress-1 there"] {
        assert!(advertised.contains(words), "{words}: {}", told.whole);
    }
    let told = doctor(island, ingress, "ingress-gw.toml");
    assert_eq!(told.code, Some(0), "{}", told.whole);
    assert!(told.link().contains("ingress gateway `a-ingress-1`"), "{}", told.whole);
    assert_eq!(linked(), before, "a doctor leaves the links of the gateway alone");
    assert!(before.0.len() >= 2 && before.1 >= 2, "{before:?}");
}

#[test]
fn a_hub_that_would_not_link_is_told_in_its_own_words() {
    let (line, _words, _mine) = line();
    let island = line.island("a");
    let (egress, ingress): (&Program, _) = (island.egress(), island.ingress());
    program::highway(&["key", "new", "--out", egress.folder().join("other.key").to_str().unwrap()]).unwrap();
    let cases = [
        (variant(egress, "key-egress-gw.toml", "\"highway.key\"", "\"other.key\""), "key"),
        (variant(egress, "island-egress-gw.toml", "id = \"a\"", "id = \"b\""), "island"),
        (variant(ingress, "role-egress-gw.toml", "[[export.rule]]", "[[import.rule]]"), "role"),
    ];
    for ((file, word), gateway) in cases.iter().zip([egress, egress, ingress]) {
        let told = doctor(island, gateway, file);
        assert_eq!(told.code, Some(3), "{word}: {}", told.whole);
        let link = told.link();
        assert!(link.contains("refused by the hub: ") && link.contains(word), "{word}: {}", told.whole);
        assert!(
            told.value["hubs"][0]["verdict"].as_str().unwrap().starts_with("no link can be made: "),
            "{}",
            told.whole
        );
    }
    let islands = line.hub.folder().join("islands.toml");
    let listed = fs::read_to_string(&islands).unwrap();
    fs::write(&islands, listed.replace("role = \"ingress\"", "role = \"ingress\"\n  revoked = true")).unwrap();
    let told = until("the hub knows who is revoked", Duration::from_secs(30), || {
        let told = doctor(island, ingress, "ingress-gw.toml");
        (told.code == Some(3)).then_some(told)
    });
    fs::write(&islands, listed).unwrap();
    assert!(told.unwrap().link().contains("revoked"));
    until("the hub takes the gateway again", Duration::from_secs(30), || {
        (doctor(island, ingress, "ingress-gw.toml").code == Some(0)).then_some(())
    })
    .unwrap();
}

#[test]
fn a_registry_that_lets_nobody_write_a_low_limit_and_an_address_of_nobody_are_told() {
    let (line, _words, _mine) = line();
    let island = line.island("a");
    let egress: &Program = island.egress();
    island.zookeeper.command_line(&["setAcl /dubbo world:anyone:ra".to_owned()]).unwrap();
    let text = fs::read_to_string(egress.configuration()).unwrap();
    let text = text.replace("connections = 500", "connections = 16000000");
    egress.write("poor-egress-gw.toml", &text.replace("[egress]\n", "[egress]\nadvertise = \"127.0.0.1\"\n")).unwrap();
    let told = doctor(island, egress, "poor-egress-gw.toml");
    assert_eq!(told.code, Some(4), "{}", told.whole);
    assert!(told.machine("registry").contains("may not create nodes in /dubbo"), "{}", told.whole);
    assert!(told.machine("advertised").contains("127.0.0.1 is loopback"), "{}", told.whole);
    assert!(told.machine("files").contains("LimitNOFILE"), "{}", told.whole);
    island.zookeeper.command_line(&["setAcl /dubbo world:anyone:cdrwa".to_owned()]).unwrap();
    let left = island.zookeeper.tree().unwrap();
    assert!(!format!("{left:?}").contains("highway-doctor"), "asking whether a node can be made makes none");
}

/// A file that its owner alone can read.
fn secret(gateway: &Program, name: &str, text: &str) {
    gateway.write(name, text).unwrap();
    fs::set_permissions(gateway.folder().join(name), fs::Permissions::from_mode(0o600)).unwrap();
}

/// A secret in every place that a configuration has for one; none is said, printed or packed.
#[test]
fn a_bundle_has_what_support_wants_and_no_secret() {
    let (line, _words, _mine) = line();
    let island = line.island("a");
    let egress: &Program = island.egress();
    let folder = egress.folder();
    secret(egress, "secret.headers", "X-Filed: planted-headers-file\n");
    secret(egress, "secret.proxy", "shop:planted-proxy\n");
    secret(egress, "secret.password", "planted-password-file\n");
    secret(egress, "secret.admin", "planted-admin-token\n");
    let made = rcgen::generate_simple_self_signed(vec!["egress".to_owned()]).unwrap();
    let pem = made.signing_key.serialize_pem();
    egress.write("egress.pem", &made.cert.pem()).unwrap();
    secret(egress, "egress.key", &pem);
    let text = fs::read_to_string(egress.configuration()).unwrap();
    let url = text.lines().find(|line| line.starts_with("url = ")).unwrap();
    let key = text.lines().find(|line| line.starts_with("key = ")).unwrap();
    let nobody = "127.0.0.1:9";
    let text = text
        .replace(url, &format!("{url}\nproxy = \"none\"\nheaders = {{ X-Told = \"planted-header\" }}\nheaders_file = \"secret.headers\""))
        .replace("[admin]\n", "[admin]\ntoken_file = \"secret.admin\"\n")
        + &format!("\n[[hub]]\nurl = \"http://{nobody}\"\n{key}\nproxy = \"http://{nobody}\"\nproxy_credentials_file = \"secret.proxy\"\n")
        + &format!("\n[[hub]]\nurl = \"http://10.255.0.1:9\"\n{key}\n")
        + &["password_file = \"secret.password\"", "password_env = \"PLANTED\""]
            .map(|password| format!("\n[[registry]]\nname = {password:?}\naddress = \"{nobody}\"\nusername = \"shop\"\n{password}\nsession_timeout = \"1s\"\n"))
            .concat()
        + "\n[egress.tls]\ncertificate_file = \"egress.pem\"\nkey_file = \"egress.key\"\n";
    egress.write("secret-egress-gw.toml", &text).unwrap();
    let own = fs::read_to_string(folder.join("highway.key")).unwrap();
    let own = own.trim().rsplit(':').next().unwrap();
    let pem = pem.lines().nth(1).unwrap();

    let run = |form: &[&str]| {
        let mut command = command(island, egress, "secret-egress-gw.toml");
        command
            .args(form)
            .env("PLANTED", "planted-password-env")
            .env("HTTP_PROXY", format!("http://shop:planted-environment@{nobody}"));
        command
            .env("HIGHWAY__HUB__0__HEADERS__X_LAID_OVER", "planted-override")
            .env("HIGHWAY__HUB__0__HEADERS__X_NUMBER", "716253443526");
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(3 | 4)), "{output:?}");
        [output.stdout, output.stderr].concat()
    };
    let bundle = folder.join("bundle.tar");
    let _ = fs::remove_file(&bundle);
    let packed = run(&["--json", "--bundle", bundle.to_str().unwrap()]);
    assert_eq!(fs::metadata(&bundle).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = Command::new("tar").arg("-tf").arg(&bundle).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let bundle = fs::read(&bundle).unwrap();
    for name in ["doctor.json", "configuration.json", "versions.json", "status.json", "metrics.txt"] {
        assert!(listed.contains(&format!("highway-doctor/{name}\n")), "{listed}\n{}", String::from_utf8_lossy(&packed));
    }
    let has = |bytes: &[u8], words: &str| bytes.windows(words.len()).any(|at| at == words.as_bytes());
    for words in ["a-egress-1", "x-told", "highway_build_info", "(left out)"] {
        assert!(has(&bundle, words), "{words}: {}", String::from_utf8_lossy(&bundle));
    }
    for (place, said) in [("text", &run(&[])), ("json", &packed), ("bundle", &bundle)] {
        // As base64 too, as a proxy is told it.
        for planted in ["planted", "c2hvcDpwbGFudGVk", "716253443526", own, pem] {
            assert!(!has(said, planted), "{planted} in {place}: {}", String::from_utf8_lossy(said));
        }
    }

    // Nowhere to put it but the address: refused, and not said.
    egress
        .write("address-egress-gw.toml", &text.replace("http://10.255.0.1:9", "http://shop:planted@10.255.0.1:9"))
        .unwrap();
    let mut file = command(island, egress, "address-egress-gw.toml");
    let mut typed = island.place().command(program::folder().unwrap().join("highway"));
    for refused in [file.env("PLANTED", "planted"), typed.args(["doctor", "--hub", "http://shop:planted@10.255.0.1:9"])]
    {
        let output = refused.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(
            has(&said, "found credentials in the address") && !has(&said, "planted"),
            "{}",
            String::from_utf8_lossy(&said)
        );
    }
}
