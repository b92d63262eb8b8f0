//! Holds the book to what is there, without building it.
//!
//! | rule | where |
//! |---|---|
//! | each page is in the summary | docs/SUMMARY.md |
//! | what a page includes is there, and so is the part of it | `include FILE:PART` between double braces |
//! | the walk in Chinese has the files and commands of the README's, which a test does | docs/zh/start.md |
//! | the page of every key is what the documented files say | docs/configuration.md |
//!
//! That the summary's own links lead somewhere is `documents`' part.

use std::path::Path;

use anyhow::Result;

use super::{Finding, documents, sources, text};
use crate::book::keys;

const SUMMARY: &str = "docs/SUMMARY.md";
const CHINESE: &str = "docs/zh/start.md";
const INCLUDE: &str = "{{#include ";

/// Every finding in `docs/`.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let summary = text(root, SUMMARY)?;
    let mut findings = Vec::new();
    for path in sources::files(root, ".md")? {
        let file = path.strip_prefix(root).unwrap_or(&path);
        let Ok(page) = file.strip_prefix("docs") else { continue };
        let is_in_book = summary.lines().flat_map(documents::links).any(|link| Path::new(link) == page);
        if file != Path::new(SUMMARY) && !is_in_book {
            findings.push(Finding::new(SUMMARY, format!("has no line for `{}`", page.display())));
        }
        findings.extend(includes(root, file, &text(root, file)?));
    }
    if text(root, keys::PAGE)? != keys::page(root)? {
        findings.push(Finding::new(keys::PAGE, "is not what the documented files say: cargo xtask book --write"));
    }
    if walk(&text(root, CHINESE)?) != walk(&text(root, "README.md")?) {
        findings.push(Finding::new(CHINESE, "shows other files or commands than README.md"));
    }
    Ok(findings)
}

/// The blocks that name a place, which are those that are done: their marks and what is in them.
fn walk(page: &str) -> Vec<&str> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    blocks.filter(|block| block.lines().next().is_some_and(|mark| mark.contains(' '))).collect()
}

fn includes(root: &Path, file: &Path, page: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in page.lines().enumerate() {
        let Some(wanted) = line.trim().strip_prefix(INCLUDE).and_then(|rest| rest.strip_suffix("}}")) else { continue };
        let (name, part) = wanted.split_once(':').unwrap_or((wanted, ""));
        let included = root.join(file.parent().unwrap_or(Path::new(""))).join(name);
        let text = std::fs::read_to_string(&included).unwrap_or_default();
        let has = |mark: &str| {
            text.lines()
                .any(|line| line.split_whitespace().collect::<Vec<_>>().windows(2).any(|words| words == [mark, part]))
        };
        if !included.is_file() {
            findings.push(Finding::at(file, at + 1, format!("includes `{name}`, which is not there")));
        } else if !part.is_empty() && ["ANCHOR:", "ANCHOR_END:"].into_iter().any(|mark| !has(mark)) {
            findings.push(Finding::at(file, at + 1, format!("includes `{wanted}`, and no part there is called so")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_with_a_place_are_compared() {
        let page = "a\n```sh\nls\n```\nb\n```sh hub\nls -l\n```\n";
        assert_eq!(walk(page), ["sh hub\nls -l"]);
        assert_eq!(walk(&page.replace("ls\n", "dir\n")), walk(page));
        assert_ne!(walk(&page.replace("-l", "-a")), walk(page));
    }

    #[test]
    fn an_include_of_nothing_is_a_finding() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        std::fs::write(root.path().join("A.java"), "// ANCHOR: call\na();\n// ANCHOR_END: call\n// ANCHOR: open\n")
            .unwrap();
        let said = |line: &str| {
            let findings = includes(root.path(), Path::new("docs/a.md"), &format!("```java\n{line}\n```\n"));
            findings.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(said("{{#include ../A.java:call}}"), [""; 0]);
        assert_eq!(said("{{#include ../A.java}}"), [""; 0]);
        assert_eq!(said("{{#include ../B.java}}"), ["docs/a.md:2: includes `../B.java`, which is not there"]);
        for part in ["calls", "open"] {
            let sentence = format!("docs/a.md:2: includes `../A.java:{part}`, and no part there is called so");
            assert_eq!(said(&format!("{{{{#include ../A.java:{part}}}}}")), [sentence]);
        }
    }
}
