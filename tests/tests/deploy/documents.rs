//! docs/deploy.md says what the other tests here do: its commands are theirs, and what it names is there.

use std::fs;
use std::process::Command;

use lab::install::workspace;
use lab::program;

/// Commands of the page that other files here run, or that the programs have.
const DONE: [&str; 8] = [
    "dpkg -i highway_",
    "highway island new ",
    "systemctl enable --now highway-egress-gw highway-ingress-gw",
    "highway status",
    "docker-compose up -d",
    "docker-compose logs keys",
    "highway key new --out ",
    "kubectl apply -k .",
];

#[test]
fn the_page_on_running_it_names_what_is_there() {
    let page = fs::read_to_string(workspace().join("docs/deploy.md")).unwrap();
    for command in DONE {
        assert!(page.contains(command), "{command}");
    }
    // Each service, volume and secret that it names is one.
    let read = |file: &str| fs::read_to_string(workspace().join(file)).unwrap();
    let compose = read("docker-compose.yml") + &read("deploy/hub/docker-compose.yml") + &read(".env.example");
    for word in
        ["keys:", "HIGHWAY_VERSION", "RUST_IMAGE", "RUNTIME_IMAGE", "DUBBO_PORT", "ADVERTISE", "COMPOSE_PROFILES"]
    {
        assert!(page.contains(word.trim_end_matches(':')) && compose.contains(word), "{word}");
    }
    for set in ["island/egress-gw.yaml", "island/ingress-gw.yaml", "hub/central-hub.yaml"] {
        let manifest = read(&format!("deploy/kubernetes/{set}"));
        let secret = manifest.lines().find_map(|line| line.split_once("secretName: ")?.1.split(',').next()).unwrap();
        assert!(page.contains(&format!("create secret generic {secret} ")), "{secret}");
    }
    assert!(read("Dockerfile").contains("/usr/share/highway/sbom.cdx.json"));
}

/// The words of the page's `highway` commands are words that it takes.
#[test]
fn the_commands_of_the_page_are_understood() {
    let page = fs::read_to_string(workspace().join("docs/deploy.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = program::highway(&["key", "new", "--out", folder.path().join("hub.key").to_str().unwrap()]).unwrap();
    let line = page.lines().find(|line| line.starts_with("highway island new ")).unwrap();
    let line = line.replace("highway-pub-1:…", key.trim());
    let script =
        format!("PATH={}:$PATH; {line} --dir {}", program::folder().unwrap().display(), folder.path().display());
    let made = Command::new("sh").args(["-ec", &script]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for program in ["egress-gw", "ingress-gw"] {
        let file = folder.path().join(format!("{program}.toml"));
        program::highway(&["check", file.to_str().unwrap()]).unwrap();
    }
}
