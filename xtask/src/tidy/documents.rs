//! Holds the documents to what is there: a file that a `.md` links to or names, and a heading that a link goes to.
//!
//! | in a document | what must be there |
//! |---|---|
//! | `[text](file#heading)` | the file, from the document's own folder, and in it the heading |
//! | a path in backticks whose first folder is one of the workspace | the file, from the root or from the document's folder |
//!
//! Code blocks are examples and not looked at, nor is what a build makes (`target`), nor anything on another machine.

use std::path::Path;

use anyhow::Result;

use super::{Finding, sources, text};

/// Every finding in the documents of the workspace.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in sources::files(root, ".md")? {
        let file = path.strip_prefix(root).unwrap_or(&path);
        findings.extend(document(root, file, &text(root, file)?));
    }
    Ok(findings)
}

fn document(root: &Path, file: &Path, text: &str) -> Vec<Finding> {
    let beside = root.join(file.parent().unwrap_or(Path::new("")));
    let mut findings = Vec::new();
    let mut is_code = false;
    for (at, line) in text.lines().enumerate() {
        is_code ^= line.starts_with("```");
        if is_code {
            continue;
        }
        for link in links(line) {
            let (name, heading) = link.split_once('#').map_or((link, None), |(name, heading)| (name, Some(heading)));
            let target = if name.is_empty() { root.join(file) } else { beside.join(name) };
            if !target.exists() {
                findings.push(Finding::at(file, at + 1, format!("links to `{name}`, which is not there")));
            } else if heading.is_some_and(|heading| !has_heading(&target, heading)) {
                findings.push(Finding::at(
                    file,
                    at + 1,
                    format!("links to `{link}`, and no heading there is called so"),
                ));
            }
        }
        for path in line.split('`').skip(1).step_by(2).filter(|span| is_path(root, span)) {
            if !root.join(path).exists() && !beside.join(path).exists() {
                findings.push(Finding::at(file, at + 1, format!("names `{path}`, which is not there")));
            }
        }
    }
    findings
}

/// Where the links of a line go, but for other machines.
pub(super) fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains(':'))
}

/// Whether what stands in backticks is a path of the workspace.
fn is_path(root: &Path, span: &str) -> bool {
    let is_plain = span.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
    let Some((folder, _)) = span.split_once('/') else { return false };
    is_plain && !["", ".", "..", "target"].contains(&folder) && root.join(folder).is_dir()
}

fn has_heading(file: &Path, wanted: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line.trim_start_matches('#').trim()) == wanted)
}

/// What a heading is called in links: small letters, hyphens for spaces, no other signs.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of `docs/a.md` with this text, beside `docs/b.md` and `wire/src/frame.rs`.
    fn said(text: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for (file, content) in [("docs/b.md", "# B\n## How it's *done*, in short\n"), ("wire/src/frame.rs", "//! F.\n")]
        {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        document(root.path(), Path::new("docs/a.md"), text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_there_may_be_linked_and_named() {
        let text = "[b](b.md), [part](b.md#how-its-done-in-short), [frames](../wire/src/frame.rs), [folder](../wire)\n\
                    `wire/src/frame.rs`, `docs/b.md`, [far](https://a.example/c.md)\n";
        assert_eq!(said(text), [""; 0]);
    }

    #[test]
    fn a_link_to_nothing_is_a_finding() {
        assert_eq!(said("\nsee [c](c.md)"), ["docs/a.md:2: links to `c.md`, which is not there"]);
        let sentence = "docs/a.md:1: links to `b.md#undone`, and no heading there is called so";
        assert_eq!(said("[b](b.md), [b](b.md#undone)"), [sentence]);
    }

    #[test]
    fn a_path_to_nothing_is_a_finding() {
        let sentence = "docs/a.md:1: names `wire/src/farm.rs`, which is not there";
        assert_eq!(said("`wire/src/frame.rs` and `wire/src/farm.rs`"), [sentence]);
    }

    #[test]
    fn what_is_no_path_of_the_workspace_is_let_be() {
        let text =
            "`com/acme/Greeter` `/dubbo/x` `wire/*/golden` `wire/ x` `and/or` `target/lab`\n```\n`wire/none`\n```\n";
        assert_eq!(said(text), [""; 0]);
    }
}
