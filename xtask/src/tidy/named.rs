//! Holds the tests that documents name: what stands in backticks like `module::a_sentence_of_five_words_or_more` is a function of a test.
//!
//! Names of fewer words are keys, metrics and attachments as well and not looked at. Whether the test is right, its run says.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{Finding, sources, text};

/// Underscores of a name that is a sentence.
const GAPS: usize = 4;

/// Every name in `docs/` that no test has.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut tests = BTreeSet::new();
    for path in sources::files(root, ".rs")? {
        tests.extend(functions(&text(root, &path)?));
    }
    let mut findings = Vec::new();
    for path in sources::files(&root.join("docs"), ".md")? {
        let file = path.strip_prefix(root).unwrap_or(&path);
        findings.extend(missing(file, &text(root, file)?, &tests));
    }
    Ok(findings)
}

/// The functions behind an attribute of a test.
fn functions(source: &str) -> Vec<String> {
    let tests = source.split("test]").skip(1).chain(source.split("proptest! {").skip(1));
    let names = tests.filter_map(|rest| rest.split_once("fn ")?.1.split('(').next());
    names.map(str::to_owned).collect()
}

fn missing(file: &Path, page: &str, tests: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in page.lines().enumerate() {
        for span in line.split('`').skip(1).step_by(2) {
            let name = span.rsplit("::").next().unwrap_or(span);
            let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            let is_sentence = is_name && name.matches('_').count() >= GAPS && !name.starts_with("highway_");
            if is_sentence && !tests.contains(name) {
                findings.push(Finding::at(file, at + 1, format!("names the test `{span}`, which is not there")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_is_a_finding() {
        let source = "#[test]\nfn a_call_is_answered_once() {}\nfn no_test_of_any_kind_here() {}\n";
        let tests: BTreeSet<String> = functions(source).into_iter().collect();
        let said = |line: &str| {
            let findings = missing(Path::new("docs/a.md"), line, &tests);
            findings.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            said("`line::a_call_is_answered_once`, `in_flight_per_connection`, `highway_hub_calls_in_all_total`"),
            [""; 0]
        );
        let sentence = "docs/a.md:1: names the test `line::a_call_is_answered_twice`, which is not there";
        assert_eq!(said("`line::a_call_is_answered_twice`"), [sentence]);
        assert_eq!(said("`no_test_of_any_kind_here`").len(), 1);
    }
}
