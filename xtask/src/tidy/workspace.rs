//! The crates of the workspace as cargo knows them: folder, package, and which of ours each depends on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::step;

/// All crates, by folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    pub crates: BTreeMap<String, Member>,
}

/// One crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub package: String,
    /// Folders of ours that it depends on, in any way: as a library, to build, or in its tests.
    pub ours: Vec<String>,
    /// Packages of others that it depends on, but not in its tests.
    pub theirs: Vec<String>,
    /// Has a binary that runs as a process of the line: the folder's own name, or `highway`.
    pub is_program: bool,
}

impl Workspace {
    /// Asks cargo.
    pub fn read(root: &Path) -> Result<Self> {
        let mut ask = step::cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        ask.current_dir(root);
        let metadata: Value = serde_json::from_str(&step::output(ask)?).context("cargo metadata is no JSON")?;
        Self::from_metadata(&metadata).context("cargo metadata has another form than expected")
    }

    /// Packages to build before anything that starts the programs.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.crates.values().filter(|member| member.is_program).map(|member| member.package.as_str())
    }

    /// Packages of the examples: not part of what is shipped, but started by tests.
    pub fn examples(&self) -> impl Iterator<Item = &str> {
        let examples = self.crates.iter().filter(|(folder, _)| folder.starts_with("examples/"));
        examples.map(|(_, member)| member.package.as_str())
    }

    fn from_metadata(metadata: &Value) -> Option<Self> {
        let root = Path::new(metadata["workspace_root"].as_str()?);
        let mut crates = BTreeMap::new();
        for package in metadata["packages"].as_array()? {
            let folder = folder(root, Path::new(package["manifest_path"].as_str()?).parent()?)?;
            let mut member = Member { package: package["name"].as_str()?.to_owned(), ..Member::default() };
            for dependency in package["dependencies"].as_array()? {
                match dependency["path"].as_str() {
                    Some(path) => member.ours.extend(self::folder(root, Path::new(path))),
                    None if dependency["kind"] == "dev" => {}
                    None => member.theirs.push(dependency["name"].as_str()?.to_owned()),
                }
            }
            member.is_program = package["targets"].as_array()?.iter().any(|target| {
                let is_bin = target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"));
                let name = target["name"].as_str().unwrap_or_default();
                // The tools of `tests`, `bench` and `xtask` are no part of the line.
                is_bin && (name == "highway" || name == folder && !["bench", "xtask"].contains(&name))
            });
            member.ours.sort();
            member.ours.dedup();
            crates.insert(folder, member);
        }
        Some(Self { crates })
    }
}

fn folder(root: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(root).ok().map(PathBuf::from)?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn folders_and_dependencies_are_read() {
        let gateway = json!({
            "name": "highway-egress-gw", "manifest_path": "/w/egress-gw/Cargo.toml",
            "targets": [{ "kind": ["lib"], "name": "egress_gw" }, { "kind": ["bin"], "name": "egress-gw" }],
            "dependencies": [
                { "name": "highway-wire", "kind": null, "path": "/w/wire" },
                { "name": "highway-route", "kind": "dev", "path": "/w/route" },
                { "name": "tokio", "kind": null },
                { "name": "tempfile", "kind": "dev" },
            ],
        });
        let tool = json!({
            "name": "xtask", "manifest_path": "/w/xtask/Cargo.toml", "dependencies": [],
            "targets": [{ "kind": ["bin"], "name": "xtask" }],
        });
        let workspace =
            Workspace::from_metadata(&json!({ "workspace_root": "/w", "packages": [gateway, tool] })).unwrap();
        assert_eq!(workspace.crates["egress-gw"].ours, ["route", "wire"]);
        assert_eq!(workspace.crates["egress-gw"].theirs, ["tokio"]);
        assert_eq!(workspace.programs().collect::<Vec<_>>(), ["highway-egress-gw"]);
    }

    #[test]
    fn this_workspace_has_its_four_programs() {
        let workspace = Workspace::read(&step::root()).unwrap();
        let programs: Vec<_> = workspace.programs().collect();
        assert_eq!(programs, ["highway-central-hub", "highway-cli", "highway-egress-gw", "highway-ingress-gw"]);
        let examples: Vec<_> = workspace.examples().collect();
        assert_eq!(examples, ["highway-example-answers-from-file", "highway-example-sdk"]);
    }
}
