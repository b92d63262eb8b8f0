//! From an installed package and a running hub to the first answered call of a new island: four commands, and a clock that reports.
//!
//! Each machine is the fresh Debian with folders of its own for configuration and state, in a place of the lab. There is no systemd on it, so
//! `systemctl enable --now` is done by hand: the program of the unit, as its user, told how to say that it runs.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lab::Lab;
use lab::install::{self, Release};
use lab::net::{HUB_PORT, Isolation, Net, Place};
use lab::peer::{Application, Call, DUBBO_PORT, GREETING, Refer, Service};
use lab::process::{Process, Stdout, until};
use serde_json::json;

use crate::machine::{Machine, dist, package};
use crate::run;

/// What a person types on the machine of a new island, after the words that differ from island to island.
const NEW: &str = "highway island new";
const START: &str = "systemctl enable --now highway-egress-gw highway-ingress-gw";
/// For what takes a moment on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The package on a machine of its own.
struct Installed<'a> {
    place: Place,
    root: PathBuf,
    /// Lies over /etc/highway and /var/lib/highway.
    own: PathBuf,
    logs: &'a Path,
}

impl<'a> Installed<'a> {
    fn at(place: &Place, root: &Path, logs: &'a Path) -> Self {
        let own = logs.join(format!("machine-{}", place.name()));
        for folder in ["etc", "var", "run"] {
            fs::create_dir_all(own.join(folder)).unwrap();
        }
        let owner = format!("--reference={}", root.join("etc/highway").display());
        run(Command::new("chown").arg(owner).arg(own.join("etc")).arg(own.join("var")));
        Installed { place: place.clone(), root: root.to_owned(), own, logs }
    }

    /// In it, as root.
    fn command(&self, script: &str) -> Command {
        let over = "mount --bind \"$0/etc\" \"$1/etc/highway\" && mount --bind \"$0/var\" \"$1/var/lib/highway\" && mount --bind \"$0/run\" \"$1/mnt\" && \
                    mount --rbind /dev \"$1/dev\" && exec chroot \"$1\" /bin/sh -ec \"$2\"";
        let mut command = self.place.command("unshare");
        command.args(["--mount", "sh", "-ec", over]).arg(&self.own).arg(&self.root).arg(script);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// What a person types there.
    fn types(&self, line: &str) -> String {
        run(&mut self.command(line))
    }

    fn writes(&self, file: &str, text: &str) {
        fs::write(self.own.join("etc").join(file), text).unwrap();
    }

    /// `systemctl enable --now` of a unit that the package brought.
    fn starts(&self, program: &str) -> Process {
        let unit = fs::read_to_string(self.root.join(format!("lib/systemd/system/highway-{program}.service"))).unwrap();
        let of =
            |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap().to_owned();
        assert_eq!(of("Type"), "notify");
        let (user, state) = (of("User"), of("StateDirectory"));
        let told = UnixDatagram::bind(self.own.join("run").join(program)).unwrap();
        told.set_read_timeout(Some(PATIENCE)).unwrap();
        let script = format!(
            "chmod 777 /mnt /mnt/{program}; install -d -m 700 -o {user} -g {user} /var/lib/{state}; export NOTIFY_SOCKET=/mnt/{program}; \
             exec setpriv --reuid {user} --regid {user} --clear-groups --no-new-privs {}",
            of("ExecStart")
        );
        let name = format!("{program}-{}", self.place.name());
        let process = Process::start(&name, self.logs, self.command(&script), Stdout::Logged).unwrap();
        let mut bytes = [0; 512];
        let len = told
            .recv(&mut bytes)
            .unwrap_or_else(|error| panic!("{program} says nothing: {error}\n{}", process.last_words(20)));
        assert!(bytes[..len].starts_with(b"READY=1\n"), "{}", process.last_words(20));
        process
    }
}

#[test]
fn a_new_island_needs_four_commands_to_its_first_answered_call() {
    let net = Net::new(&["west", "east"]).unwrap();
    if let Isolation::None { reason } = net.isolation() {
        println!("SKIPPED: no island can have a network of its own here: {reason}");
        return;
    }
    let lab = Lab::on(install::install(&[], &[]).unwrap(), net).unwrap();
    let machine = match Machine::fresh(lab.folder()) {
        Ok(machine) => machine,
        Err(error) => {
            println!("SKIPPED: no fresh Debian here: {error:#}");
            return;
        }
    };
    machine.install(&package(&dist(lab.folder())));
    let at = |place: &Place| Installed::at(place, machine.root(), lab.folder());
    let (hub, west, east) = (at(lab.net.hub()), at(lab.net.island("west")), at(lab.net.island("east")));

    // The hub, and an island that is there already.
    let hub_key = hub.types("highway key new --out /etc/highway/hub.key");
    let url = format!("http://{}:{HUB_PORT}", lab.net.hub().address());
    hub.writes(
        "central-hub.toml",
        &format!(
            "[hub]\nid = \"hub-1\"\nlisten = [\"{}:{HUB_PORT}\"]\nkey_file = \"hub.key\"\n[policy]\nfiles = [\"islands.toml\", \"grants.toml\"]\n\
             [audit]\nfile = \"/var/lib/highway/central-hub/audit.jsonl\"\n",
            lab.net.hub().address()
        ),
    );
    hub.writes("grants.toml", "[[grant]]\nid = \"all\"\nfrom = [\"*\"]\nto = [\"*\"]\nservice = [\"com.example.*\"]\n");
    hub.writes("islands.toml", "");
    let mut running = vec![hub.starts("central-hub")];
    let registries = ["west", "east"].map(|island| lab.zookeeper(island).unwrap());
    let new = |island: &Installed<'_>, registry: String| {
        let name = island.place.name();
        island.types(&format!(
            "{NEW} {name} --hub {url} --hub-key {} --registry {registry} --import 'com.example.*' --export 'com.example.*'",
            hub_key.trim()
        ))
    };
    let known = |lines: &str| hub.types(&format!("cat >> /etc/highway/islands.toml <<'END'\n{lines}\nEND"));
    known(&new(&west, registries[0].address().to_string()));
    running.extend(["egress-gw", "ingress-gw"].map(|program| west.starts(program)));
    let provider = Application::new("greeter", Release::V3_3_6).registry(registries[0].url()).port(DUBBO_PORT);
    let provider = provider.service(Service::new(GREETING, "west"));
    let _provider = provider.start(&west.place, &lab.tools, lab.folder()).unwrap();
    // Its consumers run before it is one: they are nobody's command here.
    let consumer = Application::new("caller", Release::V2_7_23).registry(registries[1].url());
    let consumer = consumer.start(&east.place, &lab.tools, lab.folder()).unwrap();

    let clock = Instant::now();
    let mut commands = vec![NEW];
    let lines = new(&east, registries[1].address().to_string());
    commands.push("cat >> /etc/highway/islands.toml");
    known(&lines);
    commands.push(START);
    running.extend(["egress-gw", "ingress-gw"].map(|program| east.starts(program)));
    commands.push("the call");
    let refer = Refer::new("greeting", GREETING).patient();
    let words = || running.iter().map(|process| process.last_words(15)).collect::<String>();
    let referred = until("the service is in the registry", PATIENCE, || consumer.refer(&refer).ok());
    referred.map_err(|error| error.context(words())).unwrap();
    let answer = consumer.call(&Call::new("greeting", "sayHello", [json!("you")])).unwrap();
    assert_eq!(answer.returned(), json!("Hello you, this is west"), "{}", words());
    println!(
        "first call of a new island after {} commands and {:?} (wanted: 4, 60 s)",
        commands.len(),
        clock.elapsed()
    );
    assert!(commands.len() <= 4);

    // What the first command says comes next is what was done, and the address was found.
    let said = String::from_utf8(
        east.command(&format!("highway island keys {} 2>&1", east.place.name())).output().unwrap().stdout,
    )
    .unwrap();
    assert!(said.contains("put the lines above into a file of its [policy] files"), "{said}");
    let log = fs::read_to_string(lab.folder().join("egress-gw-east.log")).unwrap();
    assert!(log.contains(&east.place.address().to_string()), "{log}");
}
