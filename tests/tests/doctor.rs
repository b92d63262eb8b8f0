//! `highway doctor` before a real hub with real boxes in between: what it says, and how it ends.
//!
//! ```text
//!   island a: highway doctor ─▶ nginx, squid, a portal, nobody ──▶ hub
//! ```
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use lab::Lab;
use lab::boxes::{self, Papers, Running};
use lab::install::{self, Need};
use lab::net::Place;
use lab::process::{Process, Stdout, until};
use lab::program::{self, Kind, Program};
use serde_json::Value;

const STARTING: Duration = Duration::from_secs(60);
/// `shop` with the password `sesame`, as `openssl passwd -apr1` writes it.
const ACCOUNT: &str = "shop:$apr1$highway$bYsYhPxkn9JW.buKUHTB30\n";

struct World {
    lab: Lab,
    hub: Program,
    address: SocketAddrV4,
}

fn world() -> World {
    let lab = Lab::new(&["a"]).unwrap();
    let place = lab.net.hub();
    let hub = Program::new(Kind::CentralHub, "central-hub", place, lab.folder(), 20_900).unwrap();
    let address = place.listen(8443).unwrap();
    program::highway(&["key", "new", "--out", hub.folder().join("hub.key").to_str().unwrap()]).unwrap();
    hub.write("islands.toml", "").unwrap();
    let text = format!(
        "[policy]\nfiles = [\"islands.toml\"]\n\n[audit]\nfile = \"audit.jsonl\"\n\n\
         [hub]\nid = \"hub-1\"\nlisten = [\"{address}\"]\nkey_file = \"hub.key\"\n"
    );
    hub.configure(&text).unwrap();
    hub.start().unwrap();
    hub.ready(STARTING).unwrap();
    World { lab, hub, address }
}

/// What it said, on both ends, and its exit code.
struct Told {
    code: Option<i32>,
    value: Value,
    whole: String,
}

impl World {
    fn island(&self) -> &Place {
        self.lab.net.island("a")
    }

    fn doctor(&self, at: SocketAddrV4, more: &[&str]) -> Told {
        let url = format!("http://{at}");
        self.told(&[&["doctor", "--hub", &url], more, &["--json"]].concat())
    }

    fn told(&self, arguments: &[&str]) -> Told {
        let program = program::folder().unwrap().join("highway");
        let output = self.island().command(program).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let whole = text(&output.stdout) + &text(&output.stderr);
        let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {whole}"));
        Told { code: output.status.code(), value, whole }
    }

    fn nginx(&self, name: &str, inside: &str) -> (Process, SocketAddrV4) {
        let program = install::also(Need::Nginx).unwrap();
        let at = self.island().listen(8080).unwrap();
        let folder = self.lab.folder().join(name);
        fs::create_dir_all(&folder).unwrap();
        let (here, hub) = (folder.display(), self.address);
        let kept: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {here}/{what}; "))
            .concat();
        let text = format!(
            "daemon off; master_process off; user root; pid {here}/pid; error_log stderr; events {{ }}\nhttp {{ access_log off; {kept}\n\
             map $http_upgrade $kept {{ default upgrade; '' close; }}\n\
             server {{ listen {at}; {inside} location / {{ proxy_pass http://{hub}; {inside_location} }} }} }}\n",
            inside = if inside.is_empty() { "" } else { "client_max_body_size 16m;" },
            inside_location = inside,
        );
        fs::write(folder.join("nginx.conf"), text).unwrap();
        let mut command = self.island().command(program);
        command.arg("-e").arg("stderr").arg("-c").arg(folder.join("nginx.conf"));
        let process = Process::start(name, &folder, command, Stdout::Logged).unwrap();
        self.listens(&process, at);
        (process, at)
    }

    fn squid(&self) -> (Process, SocketAddrV4) {
        let program = install::also(Need::Squid).unwrap();
        let at = self.island().listen(3128).unwrap();
        let folder = self.lab.folder().join("squid");
        fs::create_dir_all(&folder).unwrap();
        // squid does not stay root.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(folder.join("accounts"), ACCOUNT).unwrap();
        let (here, port) = (folder.display(), self.address.port());
        let conf = format!(
            "http_port {at}\npid_filename none\nvisible_hostname squid.lab\n\
             auth_param basic program /usr/lib/squid/basic_ncsa_auth {here}/accounts\nauth_param basic realm lab\n\
             acl hub port {port}\nacl known proxy_auth REQUIRED\nhttp_access deny !known\n\
             http_access deny CONNECT !hub\nhttp_access allow CONNECT known\nhttp_access deny all\n\
             access_log none\ncache_log {here}/cache.log\ncache deny all\ncoredump_dir {here}\nshutdown_lifetime 0 seconds\n"
        );
        fs::write(folder.join("squid.conf"), conf).unwrap();
        let mut command = self.island().command(program);
        command.arg("-N").arg("-f").arg(folder.join("squid.conf"));
        let process = Process::start("squid", &folder, command, Stdout::Logged).unwrap();
        self.listens(&process, at);
        (process, at)
    }

    fn listens(&self, process: &Process, at: SocketAddrV4) {
        let is_up = || self.island().inside(|| std::net::TcpStream::connect(at).is_ok()).unwrap().then_some(());
        until("it listens", STARTING, is_up).unwrap_or_else(|error| panic!("{error:#}\n{}", process.last_words(30)));
    }
}

impl Told {
    /// What a step says, all of it.
    fn step(&self, name: &str) -> String {
        let steps = self.value["hubs"][0]["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["step"] == name);
        step.unwrap_or_else(|| panic!("no step {name}: {}", self.whole)).to_string()
    }

    fn passes(&self) -> &Value {
        &self.value["hubs"][0]["passes"]
    }
}

#[test]
fn what_stands_before_the_hub_is_told_in_the_words_of_those_who_run_it() {
    let world = world();

    // Nothing in between.
    let told = world.doctor(world.address, &[]);
    assert_eq!(told.code, Some(0), "{}\n{}", told.whole, world.hub.last_words());
    assert_eq!(told.passes(), &serde_json::json!(["ws", "h2", "h1", "post"]), "{}", told.whole);

    // nginx with nothing but where to go.
    let (nginx, at) = world.nginx("nginx-default", "");
    let told = world.doctor(at, &[]);
    assert_eq!(told.code, Some(4), "{}", told.whole);
    assert_eq!(told.passes(), &serde_json::json!(["post"]), "{}", told.whole);
    assert!(told.step("answer").contains("HTTP/1.0"), "{}", told.whole);
    let upgrade = told.step("websocket");
    assert!(upgrade.contains("the proxy does not pass WebSocket upgrades"), "{upgrade}");
    assert!(upgrade.contains("proxy_set_header Upgrade $http_upgrade;"), "{upgrade}");
    assert!(
        told.step("flow").contains("requests are held until they are whole; answers pass piece by piece"),
        "{}",
        told.whole
    );
    drop(nginx);

    // The same with the lines that were asked for.
    let lines = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $kept;";
    let (nginx, at) = world.nginx("nginx-upgrade", lines);
    let told = world.doctor(at, &[]);
    assert_eq!(told.code, Some(0), "{}", told.whole);
    assert_eq!(told.passes(), &serde_json::json!(["ws", "post"]), "{}", told.whole);
    assert!(told.step("h1 stream").contains("requests are held until they are whole"), "{}", told.whole);
    assert!(told.step("headers").contains("up to 7 KB pass"), "{}", told.whole);
    drop(nginx);
}

#[test]
fn a_proxy_a_portal_and_a_dead_port_are_told_apart() {
    let world = world();
    let (_squid, squid) = world.squid();
    let proxy = format!("http://{squid}");
    let account = world.lab.folder().join("account");
    let account = account.to_str().unwrap();
    let with = |text: &str| {
        fs::write(account, text).unwrap();
        fs::set_permissions(account, fs::Permissions::from_mode(0o600)).unwrap();
        ["--proxy", proxy.as_str(), "--proxy-credentials-file", account]
    };

    let told = world.doctor(world.address, &["--proxy", &proxy]);
    assert_eq!(told.code, Some(3), "{}", told.whole);
    assert!(told.step("proxy").contains("wants credentials (407)"), "{}", told.whole);
    let told = world.doctor(world.address, &with("shop:planted-secret"));
    assert_eq!(told.code, Some(3), "{}", told.whole);
    assert!(told.step("proxy").contains("does not take the credentials (407)"), "{}", told.whole);
    assert!(!told.whole.contains("planted-secret"), "{}", told.whole);
    let other = SocketAddrV4::new(*world.address.ip(), world.address.port() ^ 1);
    let told = world.doctor(other, &with("shop:sesame"));
    assert_eq!(told.code, Some(3), "{}", told.whole);
    assert!(told.step("proxy").contains("the proxy's rules do not allow this host and port"), "{}", told.whole);
    let told = world.doctor(world.address, &with("shop:sesame"));
    assert_eq!(told.code, Some(0), "{}", told.whole);

    // A page to log in, whatever is asked.
    let at = world.island().listen(80).unwrap();
    let portal = world.island().inside(|| TcpListener::bind(at)).unwrap().unwrap();
    std::thread::spawn(move || {
        let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 18\r\nConnection: close\r\n\r\n<h1>log in</h1>\r\n\r\n";
        for mut asked in portal.incoming().flatten() {
            let _ = asked.read(&mut [0; 4096]);
            let _ = asked.write_all(&page.as_bytes()[..page.len() - 1]);
        }
    });
    let told = world.doctor(at, &["--proxy", "none"]);
    assert_eq!(told.code, Some(3), "{}", told.whole);
    assert!(told.step("answer").contains("something other than the hub answers"), "{}", told.whole);

    let dead = world.island().listen(9).unwrap();
    let told = world.doctor(dead, &["--proxy", "none"]);
    assert_eq!(told.code, Some(3), "{}", told.whole);
    assert!(told.step("connect").contains("nobody listens there"), "{}", told.whole);
}

#[test]
fn a_firewall_is_told_by_what_it_refuses_with_the_line_for_its_team() {
    let world = world();
    let papers = Papers::new(world.lab.folder()).unwrap();
    let kind = boxes::Kind::of("waf-crs").unwrap();
    let firewall = Running::start(kind, world.island(), world.address, world.lab.folder(), &papers).unwrap();
    let at = SocketAddrV4::new(world.island().address(), 8080);
    let told = world.doctor(at, &["--proxy", "none"]);
    assert_eq!(told.code, Some(4), "{}\n{}", told.whole, firewall.last_words());
    // Its 403 to a POST is not taken for somebody else in the hub's place, and upgrades pass.
    assert!(told.step("answer").contains("the hub"), "{}", told.whole);
    assert_eq!(told.passes()[0], "ws", "{}", told.whole);
    let step = told.step("firewall");
    for words in ["octet-stream gets status 403", "\\\"@beginsWith /highway/link\\\"", "removeById=920420"] {
        assert!(step.to_lowercase().contains(&words.to_lowercase()), "{words}: {step}");
    }
}

/// What forms alone get through: the probes go by none, the gateway's links do, and the hub has the last word.
#[test]
fn where_only_forms_pass_the_hub_is_asked_by_forms() {
    let world = world();
    let forms_alone = "proxy_http_version 1.1; set $asked \"$request_method $content_type\"; if ($asked ~ \"^POST (?!multipart/form-data)\") { return 403; }";
    let (_nginx, at) = world.nginx("forms", forms_alone);
    let folder = world.lab.folder().join("gateway");
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let key = program::highway(&["key", "new", "--out", &file("gateway.key")]).unwrap();
    let hub = program::highway(&["key", "show", world.hub.folder().join("hub.key").to_str().unwrap()]).unwrap();
    let doctor = |post: &str| {
        let text = format!(
            "[island]\nid = \"a\"\ngateway = \"e1\"\n\n[link]\nkey_file = \"gateway.key\"\n\n[[hub]]\nurl = \"http://{at}\"\nkey = [\"{}\"]\n{post}",
            hub.trim()
        );
        fs::write(file("egress-gw.toml"), text).unwrap();
        world.told(&["doctor", "--json", "--config", &file("egress-gw.toml")])
    };
    let listed = |multipart: bool| {
        let text = format!(
            "[[island]]\nid = \"a\"\nmultipart = {multipart}\n[[island.gateway]]\nid = \"e1\"\nrole = \"egress\"\nkey = \"{}\"\n",
            key.trim()
        );
        world.hub.write("islands.toml", &text).unwrap();
    };
    let forms = "post.encoding = \"multipart\"\n";
    listed(false);
    let told = until("the hub knows the gateway", STARTING, || {
        let told = doctor(forms);
        told.whole.contains("takes no POSTs").then_some(told)
    })
    .unwrap();
    assert_eq!(told.code, Some(3), "{}", told.whole);
    listed(true);
    let told = until("the hub takes forms", STARTING, || {
        let told = doctor(forms);
        (told.code != Some(3)).then_some(told)
    })
    .unwrap();
    assert_eq!(
        (told.code, told.passes().as_array().unwrap().as_slice()),
        (Some(4), [Value::from("post")].as_slice()),
        "{}",
        told.whole
    );
    assert!(told.step("link").contains("would link with egress gateway `e1`"), "{}", told.whole);
    assert_eq!(doctor("").code, Some(3));
}

/// What an earlier hub says, which has no probes, behind something that refuses POSTs.
#[test]
fn an_earlier_hub_behind_a_box_that_refuses_posts_is_not_taken_for_one_with_probes() {
    let world = world();
    let at = world.island().listen(8081).unwrap();
    let listener = world.island().inside(|| TcpListener::bind(at)).unwrap().unwrap();
    std::thread::spawn(move || {
        for mut asked in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let len = asked.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..len]).into_owned();
            let (status, words) = match () {
                () if head.starts_with("POST ") => ("403 Forbidden", "no\n"),
                () if head.contains("/highway/link ") => {
                    ("426 Upgrade Required", "A link is a WebSocket (version 13) or an HTTP/2 POST.\n")
                }
                () => ("404 Not Found", "This is a Highway hub; links are at /highway/link.\n"),
            };
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{words}", words.len());
            let _ = asked.write_all(answer.as_bytes());
        }
    });
    let told = world.doctor(at, &["--proxy", "none"]);
    assert!(told.step("answer").contains("a hub answers that has no probes"), "{}", told.whole);
    assert!(told.step("clock").contains("no Date header"), "{}", told.whole);
    // Probes that it does not have are not held against the way.
    let steps = told.value["hubs"][0]["steps"].to_string();
    assert!(!steps.contains("\"firewall\"") && !steps.contains("\"bodies\""), "{}", told.whole);
}

/// The same proxy, by the file of a gateway: its credentials, and its own key at the hub.
#[test]
fn a_gateways_file_leads_through_the_proxy_to_the_hubs_word() {
    let world = world();
    let (_squid, squid) = world.squid();
    let folder = world.lab.folder().join("gateway");
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let key = program::highway(&["key", "new", "--out", &file("gateway.key")]).unwrap();
    let hub = program::highway(&["key", "show", world.hub.folder().join("hub.key").to_str().unwrap()]).unwrap();
    let with = |account: &str| {
        fs::write(file("account"), account).unwrap();
        fs::set_permissions(file("account"), fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "[island]\nid = \"a\"\ngateway = \"e1\"\n\n[link]\nkey_file = \"gateway.key\"\n\n[[hub]]\nurl = \"http://{}\"\nkey = [\"{}\"]\n\
             proxy = \"http://{squid}\"\nproxy_credentials_file = \"account\"\n",
            world.address,
            hub.trim()
        );
        fs::write(file("egress-gw.toml"), text).unwrap();
        world.told(&["doctor", "--json", "--config", &file("egress-gw.toml")])
    };
    let told = with("shop:planted-secret\n");
    assert_eq!(told.code, Some(3), "{}", told.whole);
    assert!(told.step("proxy").contains("does not take the credentials (407)"), "{}", told.whole);
    assert!(!told.whole.contains("planted-secret"), "{}", told.whole);

    let told = with("shop:sesame\n");
    assert_eq!(told.code, Some(3), "{}", told.whole);
    assert!(told.step("link").contains("no gateway has the key"), "{}", told.whole);
    let listed = format!(
        "[[island]]\nid = \"a\"\n[[island.gateway]]\nid = \"e1\"\nrole = \"egress\"\nkey = \"{}\"\n",
        key.trim()
    );
    world.hub.write("islands.toml", &listed).unwrap();
    let told = until("the hub knows the gateway", STARTING, || {
        let told = with("shop:sesame\n");
        (told.code != Some(3)).then_some(told)
    })
    .unwrap();
    assert!(told.step("proxy").contains("connects to"), "{}", told.whole);
    assert!(told.step("link").contains("would link with egress gateway `e1`"), "{}", told.whole);
}
