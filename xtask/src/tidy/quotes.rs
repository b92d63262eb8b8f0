//! Holds docs/bad-input.md to its promise: each sentence that it quotes stands in a test.
//!
//! ```text
//!  `the key of gateway … is revoked`  ─▶ "the key of gateway", "is revoked"  ─▶ one source of tests with all of them in its code
//! ```
//! Whether that test is right, its run says.

use std::path::Path;

use anyhow::Result;

use super::{Finding, sources, text};

const FILE: &str = "docs/bad-input.md";
/// Stands for what is another each time.
const GAP: char = '…';
/// What is shorter between two gaps is anywhere.
const PART_LEN: usize = 8;
/// Fewer words are a name, a setting or a command.
const WORDS: usize = 4;

/// Every quoted sentence that stands in no test.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut tests = Vec::new();
    for path in sources::files(root, ".rs")? {
        let file = path.strip_prefix(root).unwrap_or(&path);
        tests.extend(tested(file, &text(root, file)?));
    }
    Ok(missing(&text(root, FILE)?, &tests))
}

fn missing(document: &str, tests: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in document.lines().enumerate() {
        for quote in quotes(line).into_iter().filter(|quote| is_sentence(quote)) {
            let parts: Vec<&str> = quote.split(GAP).map(str::trim).filter(|part| part.len() >= PART_LEN).collect();
            let is_held = tests.iter().any(|test| parts.iter().all(|part| test.contains(part)));
            if parts.is_empty() || !is_held {
                findings.push(Finding::at(FILE, at + 1, format!("quotes \"{quote}\", which stands in no test")));
            }
        }
    }
    findings
}

/// The code of the tests in a source, with the escapes of its texts undone; comments hold nothing.
fn tested(file: &Path, source: &str) -> Option<String> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let is_all =
        stem == "tests" || stem.ends_with("_tests") || file.components().any(|part| part.as_os_str() == "tests");
    let code = if is_all { source } else { source.split_once("#[cfg(test)]\nmod tests {")?.1 };
    let mut text = String::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        // A text that goes on in the next line goes on behind its indentation.
        let goes_on = text.ends_with('\\');
        if goes_on {
            text.pop();
        } else {
            text.push('\n');
        }
        text += if goes_on { line.trim_start() } else { line };
    }
    Some(text.replace("\\\"", "\"").replace("{{", "{").replace("}}", "}"))
}

/// What stands in a line between one backtick and the next, or between two and two.
fn quotes(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        let fence = if rest[at..].starts_with("``") { "``" } else { "`" };
        let inside = &rest[at + fence.len()..];
        let Some((quote, behind)) = inside.split_once(fence) else { break };
        found.push(quote.trim());
        rest = behind;
    }
    found
}

fn is_sentence(quote: &str) -> bool {
    let is_word = |word: &&str| {
        let letters = word.trim_end_matches([',', ';', ':', '.']);
        !letters.is_empty() && letters.chars().all(char::is_alphabetic)
    };
    quote.split_whitespace().filter(is_word).count() >= WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(document: &str, source: &str) -> Vec<String> {
        let tests: Vec<String> = tested(Path::new("wire/src/frame_tests.rs"), source).into_iter().collect();
        missing(document, &tests).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sentence_with_gaps_is_held_by_a_test_with_all_its_parts() {
        let source = "assert!(told.contains(\"the key of \\\"x\\\" is now {what}; \\\n        list it again\"));\n";
        assert_eq!(said("| a | `the key of \"x\" is now …; list it again`, and so on |", source), [""; 0]);
        assert_eq!(
            said("\n| a | `the key of \"x\" is now …; list them all` |", source),
            ["docs/bad-input.md:2: quotes \"the key of \"x\" is now …; list them all\", which stands in no test"]
        );
    }

    #[test]
    fn a_sentence_with_names_in_backticks_is_one() {
        let document = "``the key of `…` is revoked`` in `limits.held = 4`";
        assert_eq!(said(document, "contains(\"the key of `out` is revoked\")"), [""; 0]);
        assert_eq!(said(document, "contains(\"the keys of `out` are revoked\")").len(), 1);
    }

    #[test]
    fn a_comment_holds_no_sentence_and_neither_does_the_program() {
        assert_eq!(said("`the key is not known here`", "// the key is not known here\n").len(), 1);
        let program =
            "const WHY: &str = \"the key is not known here\";\n#[cfg(test)]\nmod tests {\n    \"another\"\n}\n";
        let tests: Vec<String> = tested(Path::new("wire/src/frame.rs"), program).into_iter().collect();
        assert_eq!((tests.len(), missing("`the key is not known here`", &tests).len()), (1, 1));
        assert_eq!(tested(Path::new("wire/src/frame.rs"), "fn main() {}\n"), None);
    }

    #[test]
    fn settings_names_and_commands_are_no_sentences() {
        for other in ["limits.held", "opaque = true", "highway rules check --live", "A-Z a-z 0-9 . _ : ~ -"] {
            assert!(!is_sentence(other), "{other}");
        }
    }
}
