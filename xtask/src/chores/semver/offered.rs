//! What the SDK offers now: its features, and each item of its API as rustdoc sees it with all of them.
//!
//! ```text
//!  cargo rustdoc ─▶ JSON of the SDK ─▶ public-api ─▶ lines
//!                        └─ re-exported from a crate of ours ─▶ JSON of that ─▶ the lines of that item, under the name it has here
//! ```
//!
//! rustdoc writes JSON for nightly toolchains alone unless it is told that it may, which is said to rustdoc only: said to cargo it would
//! compile every crate anew. What the compiler makes up for each type stays out where no service asks for it.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::text::{Text, Version};
use crate::step::{cargo, output, run, target};

const PACKAGE: &str = "highway-sdk";
const LIBRARY: &str = "highway_sdk";

/// Traits that the compiler gives or takes without a word, and of which it gets more from release to release.
const MADE_UP: [&str; 5] = [
    "core::marker::Freeze",
    "core::marker::StructuralPartialEq",
    "core::marker::UnsafeUnpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

/// Asks cargo and rustdoc. What they compile for it `cargo doc` compiles as well.
pub fn read() -> Result<Text> {
    let metadata = json(&output(cargo(&["metadata", "--no-deps", "--format-version", "1"]))?)?;
    let packages = metadata["packages"].as_array().context("cargo metadata without packages")?;
    let sdk = packages.iter().find(|package| package["name"] == PACKAGE).context("no such package")?;
    let version = sdk["version"].as_str().and_then(Version::parse).context("the package has no version")?;
    // One of somebody else's crate has a version of its own.
    let ours = |package: &&Value| {
        let mut taken = sdk["dependencies"].as_array().into_iter().flatten();
        taken.any(|one| one["kind"].is_null() && one["name"] == package["name"]) || package["name"] == PACKAGE
    };
    let ours: Vec<&Value> = packages.iter().filter(ours).collect();
    let documents = document(&ours, sdk)?;

    let found = fs::read_to_string(documents.join(format!("{LIBRARY}.json"))).context("rustdoc wrote nothing")?;
    let elsewhere = elsewhere(&json(&found)?);
    let mut lines = features(sdk);
    for library in ours.into_iter().filter_map(library) {
        let is_told = |line: &String| library == LIBRARY || elsewhere.iter().any(|item| item.is_told_by(line));
        let items = items(documents.join(format!("{library}.json")))?.into_iter().filter(is_told);
        lines.extend(items.map(|line| elsewhere.iter().fold(line, |line, item| item.renamed(&line))));
    }
    // What two modules hand on is told in each, and what is implemented for it twice with the same words.
    let mut told = HashSet::new();
    lines.retain(|line| told.insert(line.clone()));
    Ok(Text { version, lines })
}

/// An item of another crate that the SDK hands on.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Elsewhere {
    /// Where it is taken from, as its crate offers it: `highway_client::ProviderStatus`.
    taken: String,
    /// Where it is written, as signatures name it: `highway_client::status::ProviderStatus`.
    written: String,
    /// What it is called here: `highway_sdk::ProviderStatus`.
    here: String,
}

impl Elsewhere {
    /// Whether a line of its crate is about it: its own, one of its parts, or what is implemented for it.
    fn is_told_by(&self, line: &str) -> bool {
        let subject = if line.starts_with("impl") { line.rsplit(" for ").next().unwrap_or(line) } else { line };
        let library = self.taken.split("::").next().unwrap_or_default();
        let first = subject.find(&format!("{library}::")).map(|at| &subject[at..]);
        first.is_some_and(|first| first.strip_prefix(&self.taken).is_some_and(is_end_of_name))
    }

    /// The line with the name that it has here.
    fn renamed(&self, line: &str) -> String {
        [&self.taken, &self.written].into_iter().fold(line.to_owned(), |line, path| renamed(&line, path, &self.here))
    }
}

fn renamed(line: &str, path: &str, here: &str) -> String {
    let mut parts = line.split(path);
    let mut renamed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        renamed.push_str(if is_end_of_name(part) { here } else { path });
        renamed.push_str(part);
    }
    renamed
}

/// Whether a name that stands before this ends there.
fn is_end_of_name(rest: &str) -> bool {
    !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
}

/// What a document of rustdoc says of items that it hands on from other crates.
fn elsewhere(document: &Value) -> Vec<Elsewhere> {
    let mut found = Vec::new();
    for (id, item) in document["index"].as_object().into_iter().flatten() {
        let items = item["inner"]["module"]["items"].as_array();
        let used =
            items.into_iter().flatten().filter_map(|item| document["index"][item.to_string()]["inner"].get("use"));
        found.extend(used.filter_map(|used| taken(document, id, used)));
    }
    found.sort();
    found
}

/// What a module takes from another crate, if this does.
fn taken(document: &Value, module: &str, used: &Value) -> Option<Elsewhere> {
    let path = |id: &str| {
        let path = document["paths"][id]["path"].as_array()?;
        Some(path.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("::"))
    };
    let id = used["id"].as_u64()?.to_string();
    if document["index"].get(&id).is_some() {
        return None;
    }
    let written = path(&id)?;
    // A crate may have another name in the code that takes from it.
    let (_, within) = used["source"].as_str()?.split_once("::")?;
    let taken = format!("{}::{within}", written.split("::").next()?);
    Some(Elsewhere { taken, written, here: format!("{}::{}", path(module)?, used["name"].as_str()?) })
}

/// A line a feature, and which of them are there without being asked for.
fn features(package: &Value) -> Vec<String> {
    let by_default = package["features"]["default"].as_array().cloned().unwrap_or_default();
    let names = package["features"].as_object().into_iter().flatten().map(|(name, _)| name);
    let line = |name: &String| {
        let more = if by_default.iter().any(|one| one == name) { ", by default" } else { "" };
        format!("feature {name}{more}")
    };
    names.filter(|name| *name != "default").map(line).collect()
}

/// The lines of a document.
fn items(document: PathBuf) -> Result<Vec<String>> {
    let api = public_api::Builder::from_rustdoc_json(document).omit_blanket_impls(true).build().context(
        "this rustdoc writes another JSON than the crate public-api reads: take a version of that for this toolchain",
    )?;
    let is_said = |line: &String| {
        let implemented = line.strip_prefix("impl").and_then(|rest| rest.split(" for ").next());
        implemented.is_none_or(|what| !MADE_UP.iter().any(|made_up| what.ends_with(made_up)))
    };
    Ok(api.items().map(ToString::to_string).filter(is_said).collect())
}

/// Has rustdoc write about these, with all features of the SDK, and says where.
fn document(packages: &[&Value], sdk: &Value) -> Result<PathBuf> {
    let features = sdk["features"].as_object().into_iter().flatten().map(|(name, _)| format!("{PACKAGE}/{name}"));
    let mut doc = cargo(&["doc", "--quiet", "--no-deps", "--features", &features.collect::<Vec<_>>().join(",")]);
    for package in packages {
        doc.args(["-p", package["name"].as_str().context("a package without a name")?]);
    }
    doc.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json -A rustdoc::all").env("RUSTDOC", rustdoc()?);
    run(doc)?;
    Ok(target().join("doc"))
}

/// rustdoc, which may.
fn rustdoc() -> Result<PathBuf> {
    let tools = target().join("tools");
    fs::create_dir_all(&tools)?;
    let program = tools.join("rustdoc");
    fs::write(&program, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(program)
}

/// What the library of a package is called in code.
fn library(package: &Value) -> Option<String> {
    let mut targets = package["targets"].as_array()?.iter();
    let library =
        targets.find(|one| one["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "lib")))?;
    Some(library["name"].as_str()?.replace('-', "_"))
}

fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).context("what a tool wrote is no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status() -> Elsewhere {
        Elsewhere {
            taken: "client::Status".to_owned(),
            written: "client::status::Status".to_owned(),
            here: "sdk::ProviderStatus".to_owned(),
        }
    }

    #[test]
    fn what_is_handed_on_from_another_crate_is_found_with_all_its_names() {
        let document = json!({
            "index": {
                "1": { "inner": { "module": { "items": [2, 3, 4] } } },
                "2": { "inner": { "use": { "source": "renamed::Status", "name": "ProviderStatus", "id": 9 } } },
                "3": { "inner": { "use": { "source": "own::Service", "name": "Service", "id": 4 } } },
                "4": { "inner": { "struct": {} } },
            },
            "paths": {
                "1": { "path": ["sdk"] },
                "4": { "path": ["sdk", "own", "Service"] },
                "9": { "path": ["client", "status", "Status"] },
            },
        });
        assert_eq!(elsewhere(&document), [status()]);
    }

    #[test]
    fn lines_of_another_crate_are_told_where_they_are_about_what_is_handed_on() {
        for about in [
            "pub struct client::Status",
            "pub client::Status::state: client::State",
            "pub fn client::Status::new() -> Self",
            "impl core::clone::Clone for client::Status",
            "impl client::Status",
        ] {
            assert!(status().is_told_by(about), "{about}");
        }
        for other in [
            "pub struct client::StatusOfAll",
            "pub fn client::ask() -> client::Status",
            "impl core::convert::From<client::Status> for client::State",
            "pub mod client",
        ] {
            assert!(!status().is_told_by(other), "{other}");
        }
    }

    #[test]
    fn a_name_is_replaced_whole_and_everywhere() {
        let line = "pub fn client::Status::eq(&self, &client::status::Status, client::StatusOfAll) -> client::Status";
        let wanted =
            "pub fn sdk::ProviderStatus::eq(&self, &sdk::ProviderStatus, client::StatusOfAll) -> sdk::ProviderStatus";
        assert_eq!(status().renamed(line), wanted);
    }

    #[test]
    fn a_feature_says_whether_it_must_be_asked_for() {
        let package = json!({ "features": { "default": ["macros"], "macros": ["dep:m"], "tower": [] } });
        assert_eq!(features(&package), ["feature macros, by default", "feature tower"]);
    }
}
