//! What the programs are made of, as CycloneDX 1.5 (JSON): every crate that is compiled into one of them, with its version, licence,
//! and the digest under which the registry has it.
//!
//! From `cargo metadata` and `Cargo.lock`, which know it all; a tool of somebody else's would read the same two. Holds crates alone: the
//! programs bring no C but ring's, which is in its crate. The same lock gives the same bytes, so there is no date and no serial number in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::step::{self, cargo};
use crate::tidy::workspace::Workspace;

/// Writes it to `file`.
pub fn write(file: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(&of_the_programs()?)?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    println!("xtask: {} says what the programs are made of", file.display());
    Ok(())
}

fn of_the_programs() -> Result<Value> {
    let target = step::output(step::command("rustc", &["--print", "host-tuple"]))?;
    let ask = cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", target.trim()]);
    let metadata: Value = serde_json::from_str(&step::output(ask)?)?;
    let lock: toml::Table = std::fs::read_to_string(step::root().join("Cargo.lock"))?.parse()?;
    let workspace = Workspace::read(&step::root())?;
    let programs: BTreeSet<&str> = workspace.programs().filter(|name| !name.contains("example")).collect();
    bill(&metadata, &digests(&lock), &programs).context("cargo metadata has another form than expected")
}

/// Digests of packages by name and version.
fn digests(lock: &toml::Table) -> BTreeMap<(String, String), String> {
    let packages = lock.get("package").and_then(|list| list.as_array()).into_iter().flatten();
    let digest = |package: &toml::Value| {
        let text = |key: &str| package.get(key)?.as_str().map(str::to_owned);
        Some(((text("name")?, text("version")?), text("checksum")?))
    };
    packages.filter_map(digest).collect()
}

fn bill(metadata: &Value, digests: &BTreeMap<(String, String), String>, programs: &BTreeSet<&str>) -> Option<Value> {
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()?
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let nodes: BTreeMap<&str, &Value> =
        metadata["resolve"]["nodes"].as_array()?.iter().filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let is_program = |package: &&Value| package["name"].as_str().is_some_and(|name| programs.contains(name));
    let mut open: Vec<&str> = packages.iter().filter(|(_, package)| is_program(package)).map(|(id, _)| *id).collect();
    let mut parts = BTreeMap::new();
    while let Some(id) = open.pop() {
        if parts.contains_key(id) {
            continue;
        }
        let mut needs: Vec<&str> = nodes.get(id)?["deps"].as_array()?.iter().filter_map(compiled_in).collect();
        needs.sort_unstable();
        open.extend(&needs);
        parts.insert(id, needs);
    }
    let component = |id: &&str| {
        let package = packages.get(id)?;
        let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
        let mut component = json!({
            "type": if is_program(package) { "application" } else { "library" },
            "bom-ref": reference(package)?, "name": name, "version": version,
        });
        if let Some(licence) = package["license"].as_str() {
            // An old way to write OR.
            component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        if let Some(digest) = digests.get(&(name.to_owned(), version.to_owned())) {
            component["purl"] = json!(format!("pkg:cargo/{name}@{version}"));
            component["hashes"] = json!([{ "alg": "SHA-256", "content": digest }]);
        }
        Some(component)
    };
    let refer = |id: &&str| reference(packages.get(id)?);
    let dependencies = parts.iter().filter_map(|(id, needs)| {
        Some(json!({ "ref": refer(id)?, "dependsOn": needs.iter().filter_map(refer).collect::<Vec<_>>() }))
    });
    Some(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": { "type": "application", "bom-ref": "highway", "name": "highway", "version": env!("CARGO_PKG_VERSION") } },
        "components": parts.keys().filter_map(component).collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    }))
}

/// The id of a dependency that ends up in the program: not one of tests or of build scripts alone.
fn compiled_in(dependency: &Value) -> Option<&str> {
    let is_normal = dependency["dep_kinds"].as_array()?.iter().any(|kind| kind["kind"].is_null());
    is_normal.then_some(dependency["pkg"].as_str()?)
}

fn reference(package: &Value) -> Option<String> {
    Some(format!("{}@{}", package["name"].as_str()?, package["version"].as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_in_is_listed_once_and_what_tests_need_is_not() {
        let package = |name: &str| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0" });
        let dep = |to: &str, kind: Value| json!({ "pkg": to, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [package("gateway"), package("wire"), package("tempfile"), package("bench")],
            "resolve": { "nodes": [
                { "id": "gateway", "deps": [dep("wire", Value::Null), dep("tempfile", json!("dev"))] },
                { "id": "wire", "deps": [] }, { "id": "tempfile", "deps": [] },
                { "id": "bench", "deps": [dep("wire", Value::Null)] },
            ] },
        });
        let digests = BTreeMap::from([(("wire".to_owned(), "1.0.0".to_owned()), "ab".to_owned())]);
        let bill = bill(&metadata, &digests, &BTreeSet::from(["gateway"])).unwrap();
        let names: Vec<_> = bill["components"].as_array().unwrap().iter().map(|part| part["name"].clone()).collect();
        assert_eq!(names, ["gateway", "wire"]);
        assert_eq!(bill["components"][1]["purl"], "pkg:cargo/wire@1.0.0");
        assert_eq!(bill["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"][0], json!({ "ref": "gateway@1.0.0", "dependsOn": ["wire@1.0.0"] }));
    }
}
