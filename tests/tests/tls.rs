//! TLS at both ends of the line, with released Dubbo as the other side: consumers with `dubbo.ssl` come in on the port on
//! which plain ones do, and providers that take nothing but TLS are called.
//!
//! ```text
//!   island a: consumers on 2.7 and 3.3 with TLS, one on 3.3 without  ⇒  island b: providers on 2.7 and 3.3, both with TLS,
//!                                                                        both asking for the gateway's certificate
//! ```
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lab::install::Release;
use lab::line::{Line, Plan, Role};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, INTEROP, Peer, Refer, Service};
use lab::process::{Process, Stdout, until};
use lab::program::{binary, highway};
use serde_json::json;

/// One authority for both islands, and what it signed for each of the four who prove themselves.
struct Papers(tempfile::TempDir);

impl Papers {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, pem: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, pem).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        let key = rcgen::KeyPair::generate().unwrap();
        let mut about = rcgen::CertificateParams::default();
        about.distinguished_name.push(rcgen::DnType::CommonName, "the lab's authority");
        about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        write("ca.pem", about.self_signed(&key).unwrap().pem());
        let issuer = rcgen::Issuer::new(about, key);
        for name in ["egress", "ingress", "provider", "consumer"] {
            let key = rcgen::KeyPair::generate().unwrap();
            let about = rcgen::CertificateParams::new(vec![format!("{name}.internal")]).unwrap();
            write(&format!("{name}.pem"), about.signed_by(&key, &issuer).unwrap().pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The gateways' sections: the egress asks consumers for a certificate, the ingress shows one to providers.
    fn plan(&self) -> Plan {
        let egress = format!(
            "[egress.tls]\ncertificate_file = {:?}\nkey_file = {:?}\nclient_ca_file = {:?}\n",
            self.file("egress.pem"),
            self.file("egress.key"),
            self.file("ca.pem")
        );
        let ingress = format!(
            "[providers.tls]\nca_file = {:?}\nserver_name = \"provider.internal\"\ncertificate_file = {:?}\nkey_file = {:?}\n",
            self.file("ca.pem"),
            self.file("ingress.pem"),
            self.file("ingress.key")
        );
        Plan::new("a", "b").also(Role::Egress, "a", &egress).also(Role::Ingress, "b", &ingress)
    }

    /// `dubbo.ssl.*` of a provider (`server`) or a consumer (`client`).
    fn flags(&self, mut application: Application, side: &str, name: &str) -> Application {
        for (key, file) in [
            ("key-cert-chain-path", format!("{name}.pem")),
            ("private-key-path", format!("{name}.key")),
            ("trust-cert-collection-path", "ca.pem".to_owned()),
        ] {
            application = application.flag(&format!("-Ddubbo.ssl.{side}-{key}={}", self.file(&file).display()));
        }
        // Netty 4.2 compares the peer's host with its certificate, and Dubbo never tells it the host: then no consumer of 3.3
        // gets through to anybody.
        application.flag("-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE")
    }
}

fn provider(line: &Line, papers: &Papers, release: Release, interface: &str) -> Peer {
    let port = line.island("b").place().listen(DUBBO_PORT + u16::from(release == Release::V2_7_23)).unwrap().port();
    let application = Application::new(&format!("provider-{}", release.version()), release)
        .port(port)
        .service(Service::new(interface, release.version()).parameter("ssl-enabled", "true"))
        .flag("-Ddubbo.protocol.ssl-enabled=true");
    line.application("b", papers.flags(application, "server", "provider")).unwrap()
}

fn secured(line: &Line) -> u64 {
    let page = line.island("a").egress().metrics().unwrap();
    let counts = page.lines().filter_map(|line| line.strip_prefix("highway_egress_tls_connections_total "));
    counts.map(|count| count.parse::<u64>().unwrap()).sum()
}

#[test]
fn consumers_and_providers_with_tls_are_served_beside_those_without() {
    let papers = Papers::new();
    let line = Line::start(papers.plan()).unwrap();
    let line = line.watched();
    let _providers =
        [provider(&line, &papers, Release::V3_3_6, INTEROP), provider(&line, &papers, Release::V2_7_23, GREETING)];
    for interface in [INTEROP, GREETING] {
        line.island("a").finds(interface).unwrap();
    }
    let with_tls = || {
        let status = line.island("b").ingress().status().unwrap();
        let all: Vec<_> =
            status["shards"].as_array()?.iter().flat_map(|shard| shard["providers"].as_array()).flatten().collect();
        let up = |one: &&serde_json::Value| {
            one["address"].as_str().is_some_and(|at| at.ends_with("(TLS)")) && one["state"] == "up"
        };
        (!all.is_empty() && all.iter().all(up)).then_some(())
    };
    until("the ingress has every provider with TLS", Duration::from_secs(30), with_tls).unwrap();

    let mut before = 0;
    for (name, release, tls) in [
        ("secure-new", Release::V3_3_6, true),
        ("secure-old", Release::V2_7_23, true),
        ("plain", Release::V3_3_6, false),
    ] {
        let mut application = Application::new(name, release);
        if tls {
            application = papers.flags(application, "client", "consumer");
        }
        let consumer = line.application("a", application).unwrap();
        for (reference, interface) in [("interop", INTEROP), ("greeting", GREETING)] {
            let mut refer = Refer::new(reference, interface).patient().retries(0);
            // 2.7 asks the URL, where 3.x asks its own settings.
            if tls && release == Release::V2_7_23 {
                refer = refer.parameter("ssl-enabled", "true");
            }
            consumer.refer(&refer).unwrap_or_else(|error| panic!("{name}: {error:#}\n{}", consumer.process().log()));
        }
        let hello = consumer.call(&Call::new("greeting", "sayHello", [json!("you")])).unwrap();
        assert!(hello.returned().as_str().unwrap().contains("you"), "{name}");
        let long = "x".repeat(300_000);
        let echoed = consumer.call(&Call::new("interop", "text", [json!(long)])).unwrap();
        assert_eq!(echoed.returned(), json!(long), "{name}");
        let many = consumer.many(&Call::new("greeting", "sayHello", [json!("you")]).threads(8, 50)).unwrap();
        assert_eq!((many.ok, many.failed), (400, 0), "{name}: {many:?}");
        let now = secured(&line);
        assert_eq!(now > before, tls, "{name}: {before} connections with TLS before, {now} now");
        before = now;
    }
}

/// The hub's own certificate, for which no box stands in front of it: a renewed one is shown without a restart, and a hub without a sound one
/// keeps what it has.
#[test]
fn a_hub_shows_its_renewed_certificate() {
    let (papers, others) = (Papers::new(), Papers::new());
    let folder = papers.0.path();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    highway(&["key", "new", "--out", papers.file("hub.key").to_str().unwrap()]).unwrap();
    let configuration = format!(
        "[hub]\nid = \"hub-1\"\nlisten = [\"127.0.0.1:{port}\"]\nkey_file = \"hub.key\"\n\
         [hub.tls]\ncertificate_file = \"egress.pem\"\nkey_file = \"egress.key\"\n\
         [policy]\nfiles = []\n[audit]\nfile = \"audit.jsonl\"\n[admin]\nlisten = [\"127.0.0.1:0\"]\n"
    );
    std::fs::write(folder.join("central-hub.toml"), configuration).unwrap();
    let mut command = Command::new(binary("central-hub").unwrap());
    command.arg("central-hub.toml").current_dir(folder).env("HIGHWAY__STATE__DIR", folder.join("state"));
    let hub = Process::start("hub", folder, command, Stdout::Logged).unwrap();

    let trusted = |by: &Papers| {
        let mut doctor = Command::new(binary("highway").unwrap());
        doctor.args([
            "doctor",
            "--hub",
            &format!("https://127.0.0.1:{port}"),
            "--server-name",
            "egress.internal",
            "--json",
        ]);
        let said = doctor.arg("--ca").arg(by.file("ca.pem")).output().unwrap();
        matches!(said.status.code(), Some(0 | 4))
    };
    let shown = |what: &str, by: &Papers| {
        let seen = until(what, Duration::from_secs(60), || trusted(by).then_some(()));
        seen.map_err(|error| error.context(hub.last_words(30))).unwrap();
    };
    shown("the first certificate", &papers);
    assert!(!trusted(&others));
    // As a tool does it: both at once, or the one does not fit the other for a moment, which changes nothing.
    std::fs::copy(others.file("egress.pem"), papers.file("egress.pem")).unwrap();
    std::fs::copy(others.file("egress.key"), papers.file("egress.key")).unwrap();
    shown("the renewed certificate", &others);
    assert!(!trusted(&papers));
}
