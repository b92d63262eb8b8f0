//! An island behind an nginx that has one line of configuration: it holds every body until it is whole, speaks HTTP/1.0 to the hub and ends
//! each connection, passes no upgrade and no body over a megabyte. Small POSTs pass; a restart of it costs no call.
//!
//! ```text
//!   island a: consumer ─▶ egress ─POST─▶ nginx ─HTTP/1.0─▶ hub ◀── island b: ingress ─▶ provider
//! ```
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use lab::install::{self, Need, Release};
use lab::line::{Line, Plan};
use lab::net::Place;
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service};
use lab::process::{Process, Stdout, until};
use serde_json::json;

const STARTING: Duration = Duration::from_secs(60);

/// A running nginx, which can be started again.
struct Nginx {
    program: PathBuf,
    place: Place,
    address: SocketAddrV4,
    folder: tempfile::TempDir,
    process: Option<Process>,
}

impl Nginx {
    /// In a place, in front of the hub.
    fn start(place: &Place, hub: SocketAddrV4) -> Self {
        let program = install::also(Need::Nginx).unwrap();
        let address = place.listen(8080).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("  {kind}_temp_path {here}/{kind};\n"))
            .concat();
        let conf = format!(
            "daemon off;\npid {here}/pid;\nerror_log {here}/error.log;\nuser root;\nevents {{}}\nhttp {{\n{temporary}  \
             access_log {here}/access.log;\n  server {{\n    listen {address};\n    \
             location / {{ proxy_pass http://{hub}; }}\n  }}\n}}\n"
        );
        fs::write(folder.path().join("nginx.conf"), conf).unwrap();
        let mut nginx = Self { program, place: place.clone(), address, folder, process: None };
        nginx.again();
        nginx
    }

    /// Starts it, or ends it and starts it.
    fn again(&mut self) {
        self.process = None;
        let mut command = self.place.command(&self.program);
        command.arg("-c").arg(self.folder.path().join("nginx.conf")).arg("-p").arg(self.folder.path());
        let process = Process::start("nginx", self.folder.path(), command, Stdout::Logged).unwrap();
        let is_up = || self.place.inside(|| std::net::TcpStream::connect(self.address).is_ok()).unwrap().then_some(());
        until("nginx listens", STARTING, is_up).unwrap_or_else(|error| panic!("{error:#}\n{}", process.last_words(30)));
        self.process = Some(process);
    }

    /// A line for each request.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }
}

fn greets(consumer: &Peer, whom: &str) -> bool {
    let hello = consumer.call(&Call::new("greeting", "sayHello", [json!(whom)])).unwrap();
    hello.returned().as_str().is_some_and(|text| text.contains(whom))
}

#[test]
fn a_link_of_small_posts_goes_through_an_nginx_as_it_comes_and_outlives_its_restart() {
    let line = Line::start(Plan::new("a", "b")).unwrap();
    let line = line.watched();
    let egress = line.island("a").egress();
    let typed = fs::read_to_string(egress.configuration()).unwrap();
    let hub = typed.split("url = \"http://").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut nginx = Nginx::start(line.island("a").place(), hub.parse().unwrap());
    let through = typed.replace(&hub, &nginx.address.to_string());
    // Nothing is said of transports: it finds out what passes.
    fs::write(egress.configuration(), through).unwrap();
    egress.stop().unwrap();
    egress.start().unwrap();
    egress.ready(Duration::from_secs(30)).unwrap();
    let page = egress.status().unwrap().to_string();
    assert!(
        page.contains("\"transport\":\"post\",\"unacknowledged_len\"") && page.contains("\"sealed\":true"),
        "{page}"
    );
    assert!(page.contains("status 200 instead of 101") || page.contains("status 426 instead of 101"), "{page}");

    let provider = Application::new("provider", Release::V3_3_6)
        .port(line.island("b").place().listen(DUBBO_PORT).unwrap().port())
        .service(Service::new(GREETING, "provider-in-b"));
    let _provider = line.application("b", provider).unwrap();
    line.island("a").finds(GREETING).unwrap();
    let consumer = line.application("a", Application::new("consumer", Release::V2_7_23)).unwrap();
    let refer = Refer::new("greeting", GREETING).patient().retries(0).timeout(Duration::from_secs(25));
    consumer.refer(&refer).unwrap();
    assert!(greets(&consumer, "you"));
    assert!(greets(&consumer, &"long ".repeat(500_000)), "longer than any body that this nginx takes");

    let (answered, over) = (AtomicU32::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert!(greets(&consumer, "you"));
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        let more = |count: u32| {
            let wanted = answered.load(Ordering::Relaxed) + count;
            until("calls go on", STARTING, || (answered.load(Ordering::Relaxed) >= wanted).then_some(()))
        };
        let done = more(50).and_then(|()| {
            nginx.again();
            more(50)
        });
        over.store(true, Ordering::Relaxed);
        done.unwrap();
    });
    let log = nginx.log();
    assert!(log.contains("\"POST /highway/link/post HTTP/1.1\" 200 "), "{log}");
    println!("{} calls answered, none failed, {} POSTs", answered.load(Ordering::Relaxed), log.lines().count());
}
