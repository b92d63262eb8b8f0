//! A provider on Dubbo 3.3 that takes nothing but TLS and asks for a certificate: who is called, who is not, and in which words.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use highway_sdk::{BuildError, CallError, CallErrorKind, Highway, Outcome, Tls};
use lab::Lab;
use lab::install::Release;
use lab::peer::{Application, DUBBO_PORT, GREETING, Service};
use lab::process::until;

use crate::providers::{PATIENT, wait};

/// The name in the provider's certificate.
const NAME: &str = "provider.internal";

/// Files are looked at every second, and a connection is tried again after a pause.
const RENEWED: Duration = Duration::from_secs(30);
/// In which a file was certainly looked at.
const LOOKED: Duration = Duration::from_millis(2500);

/// An authority, what it signed for both sides, and an authority that signed nothing of it.
struct Papers(tempfile::TempDir);

impl Papers {
    fn new() -> Self {
        let papers = Self(tempfile::tempdir().unwrap());
        let key = rcgen::KeyPair::generate().unwrap();
        let mut about = rcgen::CertificateParams::default();
        about.distinguished_name.push(rcgen::DnType::CommonName, "the lab's authority");
        about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        papers.write("ca.pem", &about.self_signed(&key).unwrap().pem());
        let issuer = rcgen::Issuer::new(about, key);
        for (file, name) in [("provider", NAME), ("own", "shop.internal")] {
            let key = rcgen::KeyPair::generate().unwrap();
            let about = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
            papers.write(&format!("{file}.pem"), &about.signed_by(&key, &issuer).unwrap().pem());
            papers.write(&format!("{file}.key"), &key.serialize_pem());
        }
        let other = rcgen::generate_simple_self_signed(vec!["other.internal".to_owned()]).unwrap();
        papers.write("other.pem", &other.cert.pem());
        papers.write("other.key", &other.signing_key.serialize_pem());
        papers
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
        std::fs::set_permissions(self.file(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Trusts the authority, whose certificate has that name, and shows the own one.
    fn whole(&self) -> Tls {
        Tls::new().ca_file(self.file("ca.pem")).own_files(self.file("own.pem"), self.file("own.key")).server_name(NAME)
    }
}

fn greet(highway: &Highway, address: Option<&str>) -> Result<String, CallError> {
    let service = highway.service(GREETING);
    let service = address.into_iter().fold(service, |service, address| service.address(address));
    wait(async { service.build().unwrap().call("sayHello", ("bo",)).timeout(PATIENT).await })
}

#[test]
fn a_provider_with_tls_is_called_by_who_trusts_it_and_by_nobody_else() {
    let papers = Papers::new();
    let lab = Lab::new(&["a"]).unwrap();
    let zookeeper = lab.zookeeper("a").unwrap();
    let place = lab.net.island("a");
    let port = place.listen(DUBBO_PORT).unwrap().port();
    let flags = [("key-cert-chain-path", "provider.pem"), ("private-key-path", "provider.key")];
    let flags = flags.into_iter().chain([("trust-cert-collection-path", "ca.pem")]);
    let application = Application::new("provider", Release::V3_3_6)
        .registry(zookeeper.url())
        .port(port)
        .service(Service::new(GREETING, "the lab").parameter("ssl-enabled", "true"))
        .flag("-Ddubbo.protocol.ssl-enabled=true");
    let flag = |(key, file)| format!("-Ddubbo.ssl.server-{key}={}", papers.file(file).display());
    let application = flags.map(flag).fold(application, |application, flag| application.flag(&flag));
    let _provider = application.start(place, &lab.tools, lab.folder()).unwrap();

    let highway = |tls: Option<Tls>| {
        let builder = Highway::builder().application("shop").registry(&zookeeper.url());
        tls.into_iter().fold(builder, |builder, tls| builder.tls(tls)).build().unwrap()
    };
    let secured = format!("dubbo://{}:{port}?ssl-enabled=true", place.address());
    let inside = || {
        let from_bytes = Tls::new()
            .ca_pem(papers.text("ca.pem"))
            .own_pem(papers.text("own.pem"), papers.text("own.key"))
            .server_name(NAME);
        for tls in [papers.whole(), from_bytes] {
            let highway = highway(Some(tls));
            for address in [None, Some(&*secured)] {
                let hello = greet(&highway, address).unwrap();
                assert!(hello.contains("bo"), "{hello}");
            }
            let standing = wait(highway.providers()).unwrap();
            assert!(standing.iter().all(|one| one.address.ends_with(" (TLS)")), "{standing:?}");
        }
        let unknown = "; it is signed by none of the authorities that this end trusts";
        let no_word = "it wants TLS, and nobody has said whom to trust: see ";
        for (tls, why) in [
            (None, no_word),
            (Some(papers.whole().ca_file(papers.file("other.pem"))), unknown),
            (Some(papers.whole().server_name("elsewhere.internal")), "elsewhere.internal"),
        ] {
            let highway = highway(tls);
            for address in [None, Some(&*secured)] {
                let error = greet(&highway, address).unwrap_err();
                assert!(error.to_string().contains(why), "{error}");
                assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
                assert!(matches!(error.kind(), CallErrorKind::Connection(_)), "{error}");
            }
        }
        // Both are renewed while the process runs; what is no certificate changes nothing.
        let [trusted, own, own_key] = ["now.pem", "mine.pem", "mine.key"];
        for (to, from) in [(trusted, "other.pem"), (own, "own.pem"), (own_key, "own.key")] {
            papers.write(to, &papers.text(from));
        }
        let tls = Tls::new().ca_file(papers.file(trusted)).server_name(NAME);
        let highway = highway(Some(tls.own_files(papers.file(own), papers.file(own_key))));
        let error = greet(&highway, None).unwrap_err();
        assert!(error.to_string().contains(unknown), "{error}");
        papers.write(trusted, &papers.text("ca.pem"));
        until("the renewed authority is trusted", RENEWED, || greet(&highway, None).ok()).unwrap();
        papers.write(trusted, "half a certifi");
        std::thread::sleep(LOOKED);
        greet(&highway, None).unwrap();
        papers.write(trusted, &papers.text("other.pem"));
        let refused = || greet(&highway, None).err().filter(|error| error.to_string().contains(unknown));
        until("the authority that was taken out is not trusted", RENEWED, refused).unwrap();
    };
    place.inside(inside).unwrap();
}

#[test]
fn what_is_no_certificate_key_or_name_is_said_and_no_key_is_shown() {
    let papers = Papers::new();
    papers.write("text.pem", "no PEM at all");
    let (whole, file) = (|| papers.whole(), |name: &str| papers.file(name));
    let key = papers.text("own.key");
    for (tls, says) in [
        (whole().ca_file(file("gone.pem")), "gone.pem: "),
        (whole().ca_file(file("text.pem")), "text.pem: no certificate in it"),
        (whole().ca_file(file("own.key")), "own.key: no certificate in it"),
        (whole().ca_pem(&key), "the PEM of `ca_pem`: no certificate in it"),
        (whole().ca_pem("-----BEGIN CERTIFICATE-----\n???"), "the PEM of `ca_pem`: "),
        (whole().own_files(file("own.pem"), file("ca.pem")), "ca.pem: no private key in it"),
        (whole().own_pem("", &key), "the certificate of `own_pem`: no certificate in it"),
        (whole().own_pem(papers.text("own.pem"), ""), "the key of `own_pem`: no private key in it"),
        (whole().own_files(file("own.pem"), file("other.key")), "own.pem: "),
        (whole().server_name("not a name"), "found \"not a name\", wanted a host name or an address"),
    ] {
        let builder = Highway::builder().application("shop").gateway("127.0.0.1:1").tls(tls);
        let shown = format!("{builder:?}");
        let error = builder.build().unwrap_err();
        assert!(matches!(&error, BuildError::Setting { key, .. } if key == "tls"), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
        for line in key.lines().filter(|line| !line.starts_with('-')) {
            assert!(!shown.contains(line) && !error.to_string().contains(line), "{shown} {error:?}");
        }
    }
}
