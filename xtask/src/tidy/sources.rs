//! Rules on single files: how a source begins, how long it is, tests that are switched off, manifests without the lints.
//!
//! Looks at what lies in the folders of the workspace; build output and folders whose name begins with a dot are no
//! sources.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::workspace::Workspace;
use super::{Finding, text};

/// Lines from which a file has to say why it is so long.
const LONG: usize = 400;
/// Lines that the `main.rs` of a program stays under: it starts a library and does nothing itself.
const MAIN: usize = 20;
const REASON: &str = "//! Long because:";

/// Every finding in the crates of the workspace.
pub fn check(root: &Path, workspace: &Workspace) -> Result<Vec<Finding>> {
    let programs: Vec<&str> = workspace.programs().collect();
    let mut findings = Vec::new();
    for (folder, member) in &workspace.crates {
        findings.extend(manifest(folder, &text(root, format!("{folder}/Cargo.toml"))?)?);
        for file in files(&root.join(folder), ".rs")? {
            let name = file.strip_prefix(root).context("a source outside of the workspace")?.to_owned();
            findings.extend(source(&name, &text(root, &file)?));
        }
        // `highway` is a command with subcommands, not a process of the line.
        if programs.contains(&member.package.as_str()) && folder != "cli" {
            findings.extend(main(folder, &text(root, format!("{folder}/src/main.rs"))?));
        }
    }
    Ok(findings)
}

fn source(file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        findings.push(Finding::at(file, 1, "begins without `//!`: say what the file is for, then what it never does"));
    }
    let lines = text.lines().count();
    if lines > LONG && !text.lines().any(|line| line.starts_with(REASON)) {
        let what = format!("has {lines} lines, over {LONG} wants a header line `{REASON} …` or two files");
        findings.push(Finding::new(file, what));
    }
    for (at, line) in text.lines().enumerate() {
        let attribute = line.trim_start();
        if attribute.starts_with("#[ignore") || (attribute.starts_with("#[cfg_attr") && attribute.contains("ignore")) {
            findings.push(Finding::at(file, at + 1, "switches a test off: mend it or remove it"));
        }
    }
    findings
}

fn manifest(folder: &str, text: &str) -> Result<Option<Finding>> {
    let file = format!("{folder}/Cargo.toml");
    let manifest: toml::Table = text.parse().with_context(|| file.clone())?;
    let takes = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    Ok((takes != Some(true))
        .then(|| Finding::new(file, "does not take the workspace's lints: `[lints] workspace = true`")))
}

fn main(folder: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    let what = format!("has {lines} lines, the main of a program stays under {MAIN}");
    (lines >= MAIN).then(|| Finding::new(format!("{folder}/src/main.rs"), what))
}

/// The files of a folder, however deep, whose names end so.
pub fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if kind.is_file() && name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        source(Path::new("a/src/b.rs"), text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_without_a_header_is_a_finding() {
        let sentence = "a/src/b.rs:1: begins without `//!`: say what the file is for, then what it never does";
        assert_eq!(said("use std::fmt;\n"), [sentence]);
        assert_eq!(said(""), [sentence]);
        assert_eq!(said("//! Something.\n"), [""; 0]);
    }

    #[test]
    fn a_long_file_wants_a_reason() {
        let long = format!("//! Something.\n{}", "\n".repeat(LONG));
        let sentence = "a/src/b.rs: has 401 lines, over 400 wants a header line `//! Long because: …` or two files";
        assert_eq!(said(&long), [sentence]);
        assert_eq!(said(&long.replacen("\n", "\n//! Long because: one table.\n", 1)), [""; 0]);
    }

    #[test]
    fn a_test_that_is_switched_off_is_a_finding() {
        for attribute in ["ignore", "ignore = \"slow\"", "cfg_attr(miri, ignore)"] {
            let text = format!("//! T.\n    #[{attribute}]\n    fn t() {{}}\n");
            assert_eq!(said(&text), ["a/src/b.rs:2: switches a test off: mend it or remove it"], "{attribute}");
        }
    }

    #[test]
    fn a_crate_without_the_lints_is_a_finding() {
        assert!(manifest("a", "[lints]\nworkspace = true").unwrap().is_none());
        for text in ["", "[lints]\nworkspace = false", "[lints.rust]\nunsafe_code = \"deny\""] {
            assert_eq!(
                manifest("a", text).unwrap().unwrap().to_string(),
                "a/Cargo.toml: does not take the workspace's lints: `[lints] workspace = true`"
            );
        }
    }

    #[test]
    fn a_main_that_does_something_itself_is_a_finding() {
        assert_eq!(main("gw", &"\n".repeat(19)), None);
        let sentence = "gw/src/main.rs: has 20 lines, the main of a program stays under 20";
        assert_eq!(main("gw", &"\n".repeat(20)).unwrap().to_string(), sentence);
    }

    #[test]
    fn sources_are_found_in_depth_and_build_output_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["src/a.rs", "src/b/c.rs", "target/d.rs", ".hidden/e.rs", "src/f.txt"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = files(folder.path(), ".rs").unwrap();
        assert_eq!(found, [folder.path().join("src/a.rs"), folder.path().join("src/b/c.rs")]);
    }
}
