//! `docs/choosing.md` and the tests that it names: each is there, and each cell of its table leads to one.

use std::collections::{BTreeMap, BTreeSet};

use lab::install;

/// A column for the way, and one for each line of Dubbo.
const COLUMNS: usize = 7;

fn page() -> String {
    std::fs::read_to_string(install::workspace().join("docs/choosing.md")).unwrap()
}

fn is_test(file: &str, name: &str) -> bool {
    let source = std::fs::read_to_string(install::workspace().join(file)).unwrap_or_default();
    source.contains(&format!("\n#[test]\nfn {name}() {{"))
}

/// What stands between backticks.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// What stands in these brackets and is nothing but such signs: the numbers and letters of a cell.
fn marks(cell: &str, [open, close]: [char; 2], is_sign: fn(char) -> bool) -> Vec<&str> {
    let bracketed = cell.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(mark, _)| mark);
    bracketed.filter(|mark| (1..=2).contains(&mark.len()) && mark.chars().all(is_sign)).collect()
}

/// What stands behind each beginning such as `1. `, up to the next line that is not indented.
fn entries(page: &str, begins: fn(&str) -> Option<(&str, &str)>) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut last = None;
    for line in page.lines() {
        if let Some((mark, text)) = begins(line) {
            last = Some(mark.to_owned());
            found.insert(mark.to_owned(), text.to_owned());
        } else if let Some(text) = last.as_ref().filter(|_| line.starts_with("  ")).and_then(|mark| found.get_mut(mark))
        {
            *text += line;
        } else {
            last = None;
        }
    }
    found
}

fn number(mark: &str) -> bool {
    !mark.is_empty() && mark.chars().all(|sign| sign.is_ascii_digit())
}

#[test]
fn the_documentation_names_tests_that_are_here() {
    let page = page();
    let (mut file, mut found) = ("", 0);
    for span in spans(&page) {
        let is_name =
            |text: &str| text.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_');
        // What begins with a capital is a type of the SDK.
        if let Some((module, name)) = span.split_once("::").filter(|(module, _)| is_name(module)) {
            assert!(is_test(&format!("tests/tests/choosing/{module}.rs"), name), "docs/choosing.md names {span}");
            found += 1;
        } else if span.ends_with(".rs") {
            file = span;
        } else if is_name(span) && span.matches('_').count() > 3 {
            assert!(is_test(file, span), "docs/choosing.md names {span} of {file:?}");
            found += 1;
        }
    }
    assert!(found > 25, "only {found} tests are named");
}

#[test]
fn each_cell_of_the_table_leads_to_a_test_or_says_why_there_is_none() {
    let page = page();
    let tests = entries(&page, |line| line.split_once(". ").filter(|(mark, _)| number(mark)));
    let notes = entries(&page, |line| line.strip_prefix('(')?.split_once(") ").filter(|(mark, _)| mark.len() == 1));
    let links = entries(&page, |line| line.strip_prefix('[')?.split_once("]: ").filter(|(mark, _)| number(mark)));
    let table = page.lines().skip_while(|line| !line.starts_with("| way |")).skip(2);
    let mut used = BTreeSet::new();
    for row in table.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), COLUMNS, "{row}");
        for cell in &cells[1..] {
            let numbers = marks(cell, ['[', ']'], |sign| sign.is_ascii_digit());
            let letters = marks(cell, ['(', ')'], |sign| sign.is_ascii_lowercase());
            assert!(!numbers.is_empty() || !letters.is_empty(), "{cell:?} of {row} says nothing");
            assert!(letters.iter().all(|letter| notes.contains_key(*letter)), "{cell:?} of {row}: {:?}", notes.keys());
            used.extend(numbers.into_iter().map(str::to_owned));
        }
    }
    assert!(used.len() > 15, "{used:?}");
    assert_eq!(used, tests.keys().cloned().collect(), "cells, and the list below them");
    assert_eq!(used, links.keys().cloned().collect(), "cells, and the links");
    for (number, text) in &tests {
        let (module, _) = spans(text).find_map(|span| span.split_once("::")).expect(text);
        assert_eq!(links[number], format!("../tests/tests/choosing/{module}.rs"), "the link of {number}: {text}");
    }
}
