//! Holds docs/operations.md to what the programs say: each metric has a row and each row a metric; each log line of level `error`,
//! at which a person must act, has a row, and each row of a line is one that the code has.
//!
//! A metric is a whole text `"highway_…"` in the code of a crate; the crates themselves are called so too, and tests make up others.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::workspace::Workspace;
use super::{Finding, sources, text};

const FILE: &str = "docs/operations.md";
const PREFIX: &str = "highway_";

/// What is on one side alone.
pub fn check(root: &Path, workspace: &Workspace) -> Result<Vec<Finding>> {
    let crates: BTreeSet<String> = workspace.crates.values().map(|member| member.package.replace('-', "_")).collect();
    let (mut exported, mut code) = (BTreeSet::new(), Vec::new());
    for folder in workspace.crates.keys().filter(|folder| !["xtask", "tests", "sdk"].contains(&folder.as_str())) {
        for path in sources::files(&root.join(folder).join("src"), ".rs")? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if stem != "tests" && !stem.ends_with("_tests") {
                let source = program(&text(root, &path)?);
                exported.extend(named(&source).filter(|name| !crates.contains(name)));
                code.push(source);
            }
        }
    }
    let page = text(root, FILE)?;
    Ok(compare(&exported, &page).into_iter().chain(lines(&code, &page)).collect())
}

/// The rows of log lines, against the code.
fn lines(code: &[String], page: &str) -> Vec<Finding> {
    let part = page.split("\n## Log lines\n").nth(1).and_then(|part| part.split("\n## ").next()).unwrap_or_default();
    let rows: BTreeSet<&str> = part.lines().filter_map(|line| line.strip_prefix("| `")?.split("` |").next()).collect();
    let errors: BTreeSet<String> = code.iter().flat_map(|source| errors(source)).collect();
    let missing = errors.iter().filter(|line| !rows.contains(line.as_str()));
    let missing = missing.map(|line| Finding::new(FILE, format!("has no row for the log line `{line}`")));
    let is_said = |row: &&str| code.iter().any(|source| source.contains(&row.replace('…', "{}")));
    let made_up = rows
        .iter()
        .filter(|row| !is_said(row))
        .map(|row| Finding::new(FILE, format!("has a row for `{row}`, which no program logs")));
    missing.chain(made_up).collect()
}

/// What the log lines of level `error` in a source say: the first text with several words.
fn errors(source: &str) -> Vec<String> {
    let macros = source.split("tracing::error!(").skip(1);
    let said = macros.filter_map(|rest| rest.split('"').skip(1).step_by(2).find(|text| text.contains(' ')));
    said.map(|text| text.replace("{}", "…")).collect()
}

fn compare(exported: &BTreeSet<String>, page: &str) -> Vec<Finding> {
    let rows: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|cell| cell.split('{').next().unwrap_or(cell).to_owned())
        .filter(|cell| cell.starts_with(PREFIX))
        .collect();
    let missing =
        exported.difference(&rows).map(|name| Finding::new(FILE, format!("has no row for the metric `{name}`")));
    let made_up = rows
        .difference(exported)
        .map(|name| Finding::new(FILE, format!("has a row for `{name}`, which no program exports")));
    missing.chain(made_up).collect()
}

/// A source without its comments and what is for tests alone.
fn program(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or(source);
    code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect()
}

fn named(code: &str) -> impl Iterator<Item = String> {
    let texts = code.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
    let is_name =
        |text: &&str| text.starts_with(PREFIX) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    texts.filter(is_name).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_row_and_a_row_without_a_name_are_findings() {
        let source = "// \"highway_not_this\"\nx(\"highway_a_total\", \"highway_b and more\");\n#[cfg(test)]\nmod tests {\n\"highway_nor_this\"";
        let exported: BTreeSet<String> = named(&program(source)).collect();
        assert_eq!(exported, BTreeSet::from(["highway_a_total".to_owned()]));
        assert_eq!(compare(&exported, "| `highway_a_total{outcome}` | hub | … |\n"), []);
        let said: Vec<String> =
            compare(&exported, "| `highway_c_total` | hub |\n").iter().map(ToString::to_string).collect();
        let sentences = [
            "docs/operations.md: has no row for the metric `highway_a_total`",
            "docs/operations.md: has a row for `highway_c_total`, which no program exports",
        ];
        assert_eq!(said, sentences);
    }

    #[test]
    fn an_error_without_a_row_and_a_row_without_a_line_are_findings() {
        let code =
            ["tracing::error!(%why, error = \"{x}\", \"the disk is full\");\ntracing::warn!(\"one more\");".to_owned()];
        let page =
            "\n## Log lines\n| `the disk is full` | error | … |\n| `one more` | warn | … |\n## Other\n| `not here` |\n";
        assert_eq!(lines(&code, page), []);
        let said: Vec<String> =
            lines(&code, "\n## Log lines\n| `one less` | warn |\n").iter().map(ToString::to_string).collect();
        let sentences = [
            "docs/operations.md: has no row for the log line `the disk is full`",
            "docs/operations.md: has a row for `one less`, which no program logs",
        ];
        assert_eq!(said, sentences);
    }
}
