//! The manifests, held to the schemas of Kubernetes, file by file and as they are put together; and the list of parts, to CycloneDX's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab::install::{schema_programs, workspace};
use lab::program;

use crate::run;

fn sets() -> [PathBuf; 2] {
    ["hub", "island"].map(|set| workspace().join("deploy/kubernetes").join(set))
}

fn manifests(set: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(set).unwrap().flatten().map(|entry| entry.path());
    let is_manifest = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml");
    let mut found: Vec<_> = all.filter(|path| is_manifest(path) && !path.ends_with("kustomization.yaml")).collect();
    found.sort();
    assert!(found.len() >= 2, "{found:?}");
    found
}

#[test]
fn kubernetes_takes_the_manifests() {
    let programs = schema_programs().unwrap();
    let validate = || {
        let mut command = Command::new(programs.join("kubernetes-validate"));
        command.args(["--strict", "--quiet"]);
        command
    };
    for set in sets() {
        run(validate().args(manifests(&set)));
        let Ok(whole) = Command::new("kubectl").arg("kustomize").arg(&set).output() else {
            println!("not shown on this machine: what kustomize makes of {}", set.display());
            continue;
        };
        assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("whole.yaml");
        fs::write(&file, whole.stdout).unwrap();
        run(validate().arg(&file));
    }
    // The tool sees what is wrong: a key that is nobody's.
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.yaml");
    let text = fs::read_to_string(&manifests(&sets()[1])[0]).unwrap();
    fs::write(&wrong, text.replace("  replicas: 2", "  replica: 2")).unwrap();
    assert!(!validate().arg(&wrong).output().unwrap().status.success());
}

#[test]
fn a_kustomization_names_each_manifest_and_file_beside_it() {
    for set in sets() {
        let kustomization = fs::read_to_string(set.join("kustomization.yaml")).unwrap();
        let named: Vec<&str> = kustomization.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
        for entry in fs::read_dir(&set).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            assert!(name == "kustomization.yaml" || named.contains(&name.as_str()), "{name} is left out");
        }
        for name in named.iter().filter(|name| name.ends_with(".yaml") || name.ends_with(".toml")) {
            assert!(set.join(name).is_file(), "{name} is not there");
        }
    }
}

/// The configuration in the manifests is one that the programs take, with the variables that stand beside their pods.
#[test]
fn the_programs_take_the_configuration_of_the_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("egress-gw-0.key");
    program::highway(&["key", "new", "--out", key.to_str().unwrap()]).unwrap();
    let [hub, island] = sets();
    for gateway in ["egress-gw", "ingress-gw"] {
        let mut check = Command::new(program::folder().unwrap().join(gateway));
        check.args(["--check", "--config"]).arg(island.join(format!("{gateway}.toml")));
        check.env("HIGHWAY__ISLAND__GATEWAY", format!("{gateway}-0")).env("HIGHWAY__LINK__KEY_FILE", &key);
        run(&mut check);
    }
    let text = fs::read_to_string(hub.join("central-hub.toml")).unwrap();
    let text = text.replace("/etc/highway-policy", hub.to_str().unwrap());
    let text = text.replace("/var/lib/highway/keys/hub.key", key.to_str().unwrap());
    let file = folder.path().join("central-hub.toml");
    fs::write(&file, text).unwrap();
    run(Command::new(program::folder().unwrap().join("central-hub")).args(["--check", "--config"]).arg(&file));
}

#[test]
fn the_list_of_parts_is_one_and_names_what_the_programs_are_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sbom.cdx.json");
    run(Command::new(program::folder().unwrap().join("xtask")).arg("sbom").arg(&file));
    run(Command::new(schema_programs().unwrap().join("python"))
        .arg(workspace().join("lab/python/schemas/bill.py"))
        .arg(&file));
    let bill: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let names: Vec<&str> =
        bill["components"].as_array().unwrap().iter().filter_map(|part| part["name"].as_str()).collect();
    for name in ["highway-egress-gw", "highway-wire", "tokio", "rustls", "ring", "zookeeper-client"] {
        assert!(names.contains(&name), "{name} is missing");
    }
    for name in ["proptest", "highway-tests", "jsonschema", "winapi"] {
        assert!(!names.contains(&name), "{name} is in no program");
    }
}
