//! An island that lets its programs out through a proxy alone: a real squid, as a company sets it, with accounts and one port to which it
//! connects. What it refuses is told in words that its owners understand; a restart of it costs no call.
//!
//! ```text
//!   island a: consumer ─▶ egress ─CONNECT─▶ squid ──▶ hub ◀── island b: ingress ─▶ provider
//! ```
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::net::SocketAddrV4;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use lab::install::{self, Need, Release};
use lab::line::{Line, Plan};
use lab::net::Place;
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service};
use lab::process::{Process, Stdout, until};
use serde_json::json;

/// `shop` with the password `sesame`, as `openssl passwd -apr1` writes it.
const ACCOUNT: &str = "shop:$apr1$highway$bYsYhPxkn9JW.buKUHTB30\n";
/// squid looks up names, opens its logs and starts the program that knows the accounts.
const STARTING: Duration = Duration::from_secs(60);
/// A refused link is tried again within five seconds.
const TOLD: Duration = Duration::from_secs(30);

/// A running squid, which can be started again.
struct Squid {
    program: PathBuf,
    place: Place,
    address: SocketAddrV4,
    folder: tempfile::TempDir,
    process: Option<Process>,
}

impl Squid {
    /// In a place, with one account, and connections to this port alone.
    fn start(place: &Place, hub_port: u16) -> Self {
        let program = install::also(Need::Squid).unwrap();
        let address = place.listen(3128).unwrap();
        let folder = tempfile::tempdir().unwrap();
        // squid does not stay root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(folder.path().join("accounts"), ACCOUNT).unwrap();
        let here = folder.path().display();
        let conf = format!(
            "http_port {address}\npid_filename none\nvisible_hostname squid.lab\n\
             auth_param basic program /usr/lib/squid/basic_ncsa_auth {here}/accounts\nauth_param basic realm lab\n\
             acl hub port {hub_port}\nacl known proxy_auth REQUIRED\n\
             http_access deny !known\nhttp_access deny CONNECT !hub\nhttp_access allow CONNECT known\nhttp_access deny all\n\
             access_log stdio:{here}/access.log\ncache_log {here}/cache.log\ncache deny all\ncoredump_dir {here}\n\
             shutdown_lifetime 0 seconds\n"
        );
        fs::write(folder.path().join("squid.conf"), conf).unwrap();
        let mut squid = Self { program, place: place.clone(), address, folder, process: None };
        squid.again();
        squid
    }

    /// Starts it, or ends it and starts it.
    fn again(&mut self) {
        self.process = None;
        let mut command = self.place.command(&self.program);
        command.arg("-N").arg("-f").arg(self.folder.path().join("squid.conf"));
        let process = Process::start("squid", self.folder.path(), command, Stdout::Logged).unwrap();
        let is_up = || self.place.inside(|| std::net::TcpStream::connect(self.address).is_ok()).unwrap().then_some(());
        until("squid listens", STARTING, is_up).unwrap_or_else(|error| panic!("{error:#}\n{}", process.last_words(30)));
        self.process = Some(process);
    }

    /// How many connections it has let through that have ended.
    fn let_through(&self) -> usize {
        self.log().matches("TCP_TUNNEL/200").count()
    }

    /// What it let through and what not, a line for each connection that has ended.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }
}

/// The egress of island `a` with this under `[[hub]]`, and the hub at this port.
fn restart(line: &Line, typed: &str, more: &str) {
    let egress = line.island("a").egress();
    fs::write(egress.configuration(), typed.replace("[[hub]]\n", &format!("[[hub]]\n{more}"))).unwrap();
    egress.stop().unwrap();
    egress.start().unwrap();
}

/// Waits until the egress says this of its hub.
fn tells(line: &Line, sentence: &str) {
    let egress = line.island("a").egress();
    let page = || egress.status().map(|status| status.to_string()).unwrap_or_default();
    until(sentence, TOLD, || page().contains(sentence).then_some(()))
        .unwrap_or_else(|error| panic!("{error:#}\n{}", page()));
}

fn greets(consumer: &Peer) -> bool {
    let hello = consumer.call(&Call::new("greeting", "sayHello", [json!("you")])).unwrap();
    hello.returned().as_str().is_some_and(|text| text.contains("you"))
}

#[test]
fn a_link_goes_out_through_a_proxy_that_wants_credentials_and_outlives_its_restart() {
    let line = Line::start(Plan::new("a", "b")).unwrap();
    let line = line.watched();
    let egress = line.island("a").egress();
    let typed = fs::read_to_string(egress.configuration()).unwrap();
    let hub = typed.split("url = \"http://").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let hub: SocketAddrV4 = hub.parse().unwrap();
    let mut squid = Squid::start(line.island("a").place(), hub.port());
    let at = squid.address;
    let account = |text: &str| {
        egress.write("proxy.credentials", text).unwrap();
        fs::set_permissions(egress.folder().join("proxy.credentials"), fs::Permissions::from_mode(0o600)).unwrap();
    };
    let proxy = format!("proxy = \"http://{at}\"\n");
    let with_account = format!("{proxy}proxy_credentials_file = \"proxy.credentials\"\n");

    restart(&line, &typed, &proxy);
    tells(&line, &format!("proxy {at} wants credentials (407); write USER:PASSWORD into a file"));
    account("shop:open\n");
    restart(&line, &typed, &with_account);
    tells(&line, &format!("proxy {at} does not take the credentials (407); look at proxy_credentials_file"));
    account("shop:sesame\n");
    let elsewhere = SocketAddrV4::new(*hub.ip(), hub.port() ^ 1);
    restart(&line, &typed.replace(&hub.to_string(), &elsewhere.to_string()), &with_account);
    tells(&line, &format!("proxy {at} does not allow CONNECT to {elsewhere} (403); ask for this host and port"));

    restart(&line, &typed, &with_account);
    egress.ready(Duration::from_secs(30)).unwrap();
    tells(&line, &format!("\"proxy\":\"{at}\""));
    assert!(!egress.log().contains("sesame") && !egress.status().unwrap().to_string().contains("sesame"));
    assert_eq!(squid.let_through(), 0, "{}", squid.log());

    let provider = Application::new("provider", Release::V3_3_6)
        .port(line.island("b").place().listen(DUBBO_PORT).unwrap().port())
        .service(Service::new(GREETING, "provider-in-b"));
    let _provider = line.application("b", provider).unwrap();
    line.island("a").finds(GREETING).unwrap();
    let consumer = line.application("a", Application::new("consumer", Release::V2_7_23)).unwrap();
    // The longest silence: squid is away until it has started again.
    let refer = Refer::new("greeting", GREETING).patient().retries(0).timeout(Duration::from_secs(25));
    consumer.refer(&refer).unwrap();
    assert!(greets(&consumer));

    let (answered, over) = (AtomicU32::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert!(greets(&consumer));
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        let more = |count: u32| {
            let wanted = answered.load(Ordering::Relaxed) + count;
            until("calls go on", STARTING, || (answered.load(Ordering::Relaxed) >= wanted).then_some(()))
        };
        let done = more(50).and_then(|()| {
            squid.again();
            more(50)
        });
        over.store(true, Ordering::Relaxed);
        done.unwrap();
    });
    println!("{} calls answered, none failed", answered.load(Ordering::Relaxed));
    egress.stop().unwrap();
    let told = || (squid.let_through() >= 1).then_some(());
    until("squid tells of the links that it let through", TOLD, told)
        .unwrap_or_else(|error| panic!("{error:#}\n{}", squid.log()));
}
