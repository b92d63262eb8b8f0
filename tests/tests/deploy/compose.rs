//! A hub and two islands by the compose files of the project, each on a machine of its own that cannot dial the others; Java on both sides.
//!
//! Where no engine can run, this says so and shows nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lab::Lab;
use lab::install::{self, Need, Release, workspace};
use lab::net::{Dial, HUB_PORT, Isolation, Net};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Peer, Refer, Service};
use lab::process::{together, until};
use lab::zookeeper::ZooKeeper;
use serde_json::json;

use crate::engine::Engine;
use crate::{images, run};

/// How long a call may go unanswered while what was killed comes back.
const HEALS: Duration = Duration::from_secs(90);

/// One project on its engine.
struct Project {
    engine: Engine,
    name: String,
    file: PathBuf,
    variables: PathBuf,
}

impl Project {
    fn compose(&self, words: &[&str]) -> String {
        run(&mut self.engine.compose(&self.name, &self.file, &self.variables, words))
    }

    /// What the service that makes the keys prints: the same each time.
    fn keys(&self) -> String {
        self.compose(&["run", "--rm", "keys"]).replace('\r', "")
    }

    fn up(&self) {
        self.compose(&["up", "-d", "--no-build"]);
    }
}

struct Islands {
    consumers: Vec<Peer>,
    _providers: Vec<Peer>,
    registries: Vec<ZooKeeper>,
}

impl Islands {
    /// The consumer of each island calls the provider of the other until both have been answered.
    fn call_both_ways(&self, when: &str) {
        for (consumer, there) in self.consumers.iter().zip(["b", "a"]) {
            let name = format!("to-{there}");
            let answered = until(&format!("{when}: a call to {there} is answered"), HEALS, || {
                let answer = consumer.call(&Call::new(&name, "sayHello", [json!("you")])).ok()?;
                (answer.result == json!(format!("Hello you, this is {there}"))).then_some(())
            });
            answered.unwrap();
        }
    }
}

#[test]
fn two_islands_and_a_hub_come_up_heal_and_leave_nothing() {
    let net = Net::new(&["a", "b"]).unwrap();
    if let Isolation::None { reason } = net.isolation() {
        println!("SKIPPED: no engine can have a network of its own here: {reason}");
        return;
    }
    let lab = Lab::on(install::install(&[], &[]).unwrap(), net).unwrap();
    let places = [lab.net.hub(), lab.net.island("a"), lab.net.island("b")];
    let engines: Result<Vec<Engine>, _> = places.iter().map(|place| Engine::start(place, lab.folder())).collect();
    let engines = match engines {
        Ok(engines) => engines,
        Err(error) => {
            println!("SKIPPED: {error:#}");
            return;
        }
    };
    let [hub, a, b] = <[Engine; 3]>::try_from(engines).unwrap_or_else(|_| panic!("an engine is missing"));

    let started = Instant::now();
    let hub = project(hub, &workspace().join("deploy/hub/docker-compose.yml"), lab.folder(), "");
    images::bases(&a, lab.folder());
    let island = |engine: Engine, key: &str| {
        let address = engine.place().address();
        let name = engine.place().name().to_owned();
        let variables = format!(
            "ISLAND={name}\nHUB=http://{}:{HUB_PORT}\nHUB_KEY={key}\nREGISTRY={address}:2181\nADVERTISE={address}\nIMPORT=com.example.*\nEXPORT=com.example.*\n",
            lab.net.hub().address()
        );
        project(engine, &workspace().join("docker-compose.yml"), lab.folder(), &variables)
    };
    build_once(&a, &[&hub.engine, &b], lab.folder());
    let address = a.place().address();
    an_address_that_was_not_said_is_refused_or_found(&a, &format!("{address}:2181"), &address.to_string());
    println!("images after {:?}", started.elapsed());

    // The hub has a key before it has a policy; each island has keys before the hub knows it.
    let policy = lab.folder().join("policy");
    fs::create_dir_all(&policy).unwrap();
    let grants = "[[grant]]\nid = \"all\"\nfrom = [\"*\"]\nto = [\"*\"]\nservice = [\"com.example.*\"]\n";
    fs::write(policy.join("grants.toml"), grants).unwrap();
    fs::write(policy.join("islands.toml"), "").unwrap();
    fs::write(&hub.variables, format!("POLICY={}\n", policy.display())).unwrap();
    let key = hub.keys();
    hub.up();
    let [a, b] = [island(a, key.trim()), island(b, key.trim())];
    fs::write(policy.join("islands.toml"), format!("{}\n{}\n", a.keys(), b.keys())).unwrap();

    let islands = applications(&lab);
    together(vec![&a, &b], |island| {
        island.up();
        Ok(())
    })
    .unwrap();
    let containers =
        [(&hub, "central-hub"), (&a, "egress-gw"), (&a, "ingress-gw"), (&b, "egress-gw"), (&b, "ingress-gw")];
    let containers =
        containers.map(|(project, service)| (project, service, project.engine.container(&project.name, service)));
    for (project, service, container) in &containers {
        project.engine.healthy(container, 0);
        is_hardened(&project.engine, service, container);
    }
    for (consumer, there) in islands.consumers.iter().zip(["b", "a"]) {
        let refer = Refer::new(&format!("to-{there}"), GREETING).group(there).patient();
        // It is refused until the gateway has put the other island's service into the registry.
        until("the service of the other island can be referred to", HEALS, || consumer.refer(&refer).ok()).unwrap();
    }
    islands.call_both_ways("at first");
    println!("called both ways after {:?}", started.elapsed());
    apart(&lab);

    for (project, service, container) in &containers {
        project.engine.crash(container);
        project.engine.healthy(container, 1);
        islands.call_both_ways(&format!("after a crash of {service} of {}", project.name));
    }
    b.compose(&["restart", "-t", "80", "ingress-gw"]);
    islands.call_both_ways("after a restart in order");
    println!("healed after {:?}", started.elapsed());

    drop(islands.consumers);
    together(vec![&a, &b, &hub], |project| {
        project.compose(&["down", "-v"]);
        Ok(())
    })
    .unwrap();
    for project in [&a, &b, &hub] {
        for list in [&["ps", "-aq"][..], &["volume", "ls", "-q"], &["network", "ls", "-q", "-f", "type=custom"]] {
            assert_eq!(run(&mut project.engine.docker(list)), "", "{}: {list:?}", project.name);
        }
    }
    // What a gateway without a second one has written stays for the next start, and goes with its session where there is none.
    for registry in &islands.registries {
        let is_ours = |node: &String| node.contains("highway");
        let nothing = || registry.ephemerals().ok()?.iter().all(|node| !is_ours(node)).then_some(());
        until("the registry has nothing of a gateway that is gone", HEALS, nothing).unwrap();
    }
    println!("down after {:?}", started.elapsed());
}

fn project(engine: Engine, file: &Path, folder: &Path, variables: &str) -> Project {
    let name = format!("hw-{}", engine.place().name());
    let place = folder.join(format!("{name}.env"));
    fs::write(&place, variables).unwrap();
    Project { name, file: file.to_owned(), variables: place, engine }
}

/// By compose where the islands' two are, by the engine where the hub's is; then the others get them as they are.
fn build_once(at: &Engine, others: &[&Engine], folder: &Path) {
    let variables = folder.join("build.env");
    fs::copy(workspace().join(".env.example"), &variables).unwrap();
    run(&mut at.compose("build", &workspace().join("docker-compose.yml"), &variables, &["build"]));
    run(&mut at.compose("build", &workspace().join("deploy/hub/docker-compose.yml"), &variables, &["build"]));
    let file = folder.join("images.tar");
    run(at.docker(&["save", "-o"]).arg(&file).args(images::IMAGES));
    for other in others {
        run(other.docker(&["load", "-q", "-i"]).arg(&file));
    }
    let label = at.inspect(images::IMAGES[0], "{{index .Config.Labels \"io.highway.sbom\"}} {{.Config.User}}");
    assert_eq!(label, "/usr/share/highway/sbom.cdx.json 65532:65532");
    let size: u64 = at.inspect(images::IMAGES[0], "{{.Size}}").parse().unwrap();
    println!("an image of {} MB", size / 1_000_000);
}

/// The image of an egress gateway without a word on its address: refused behind the engine's bridge, found in the machine's network.
fn an_address_that_was_not_said_is_refused_or_found(engine: &Engine, registry: &str, own: &str) {
    let registry = format!("HIGHWAY__REGISTRY__0__ADDRESS={registry}");
    let key = "HIGHWAY__HUB__0__KEY__0=highway-pub-1:kH0r2mAuVTk9h9ljh4dNYQ5yHNs2CJ4M0VNsDgGjVBM=";
    let said = |network: &str| {
        let volume = "keys-of-nobody:/var/lib/highway/keys";
        run(&mut engine.docker(&[
            "run",
            "--rm",
            "-v",
            volume,
            "--entrypoint",
            "/usr/bin/highway",
            images::IMAGES[0],
            "island",
            "keys",
            "east",
            "--dir",
            "/var/lib/highway/keys",
        ]));
        let variables = [
            "HIGHWAY__ISLAND__ID=east",
            "HIGHWAY__ISLAND__GATEWAY=east-1",
            "HIGHWAY__HUB__0__URL=http://192.0.2.1:8443",
            key,
            &registry,
        ];
        let mut words = vec!["run", "-d", "--name", "address", "--network", network, "-v", volume];
        words.extend(variables.iter().flat_map(|variable| ["-e", *variable]));
        words.push(images::IMAGES[0]);
        run(&mut engine.docker(&words));
        let words = || {
            let said = engine.docker(&["logs", "address"]).output().ok()?;
            let said = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
            (said.contains("egress.advertise")).then_some(said)
        };
        let said = until("the gateway says what it makes of its address", HEALS, words).unwrap();
        run(&mut engine.docker(&["rm", "-f", "address"]));
        run(&mut engine.docker(&["volume", "rm", "keys-of-nobody"]));
        said
    };
    let refused = said("bridge");
    assert!(refused.contains("this container has a network of its own"), "{refused}");
    let found = said("host");
    assert!(found.contains("consumers are told this address") && found.contains(own), "{found}");
}

/// A provider and a consumer in each island, and the registry between them.
fn applications(lab: &Lab) -> Islands {
    let registries: Vec<_> = ["a", "b"].iter().map(|island| lab.zookeeper(island).unwrap()).collect();
    let start = |application: Application, at: usize| {
        let island = lab.net.island(["a", "b"][at]);
        application.registry(registries[at].url()).start(island, &lab.tools, lab.folder()).unwrap()
    };
    let provider = |at: usize| {
        let service = Service::new(GREETING, ["a", "b"][at]).group(["a", "b"][at]);
        start(Application::new("greeter", Release::V3_3_6).port(DUBBO_PORT).service(service), at)
    };
    let _providers = vec![provider(0), provider(1)];
    let consumers = (0..2).map(|at| start(Application::new("caller", Release::V2_7_23), at)).collect();
    Islands { consumers, _providers, registries }
}

/// Nobody dials an island: not the other one, and not the hub.
fn apart(lab: &Lab) {
    assert_eq!(lab.net.packets_between_islands().unwrap(), 0);
    let [hub, a, b] = [lab.net.hub(), lab.net.island("a"), lab.net.island("b")];
    for (from, to) in [(a, b), (b, a), (hub, a), (hub, b)] {
        let address = std::net::SocketAddrV4::new(to.address(), 20990);
        assert_eq!(from.dial(address).unwrap(), Dial::Silent, "{} dials {}", from.name(), to.name());
    }
}

fn is_hardened(engine: &Engine, service: &str, container: &str) {
    let form = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.Config.StopTimeout}} {{.Config.User}}";
    let said = engine.inspect(container, form);
    assert!(said.starts_with("true [ALL] [no-new-privileges:true] "), "{service}: {said}");
    assert!(said.ends_with(" 65532:65532"), "{service}: {said}");
}

#[test]
fn compose_reads_both_files_and_says_what_env_lacks() {
    install::also(Need::Compose).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let compose = |file: &str, variables: &Path| {
        let mut command = std::process::Command::new("docker-compose");
        command.arg("-f").arg(workspace().join(file)).arg("--env-file").arg(variables).arg("config");
        command.output().unwrap()
    };
    let island = compose("docker-compose.yml", &workspace().join(".env.example"));
    let config = String::from_utf8_lossy(&island.stdout).into_owned();
    assert!(island.status.success() && island.stderr.is_empty(), "{}", String::from_utf8_lossy(&island.stderr));
    for line in ["HIGHWAY__ISLAND__ID: shanghai", "HIGHWAY__EGRESS__ADVERTISE: 10.20.0.5", "read_only: true"] {
        assert!(config.contains(line), "{line}: {config}");
    }
    let hub = compose("deploy/hub/docker-compose.yml", &empty);
    assert!(hub.status.success() && hub.stderr.is_empty(), "{}", String::from_utf8_lossy(&hub.stderr));
    let nothing = compose("docker-compose.yml", &empty);
    assert!(!nothing.status.success());
    let said = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(said.contains("in .env"), "{said}");
}
