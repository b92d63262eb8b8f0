//! Holds the crates to the import table.
//!
//! Every kind of dependency counts: libraries, build scripts and tests alike, since what goes across crates is tested in
//! `tests/`. Packages of others that a row forbids are looked for among direct dependencies, tests excepted. Pure.

use super::Finding;
use super::table::{FILE, Table};
use super::workspace::Workspace;

/// Every edge that the table does not have, and every folder or row without its other half.
pub fn check(table: &Table, workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in &table.rows {
        let Some(member) = workspace.crates.get(&row.folder) else {
            findings.push(Finding::at(
                FILE,
                row.line,
                format!("the import table has `{}/`, the workspace has not", row.folder),
            ));
            continue;
        };
        let manifest = format!("{}/Cargo.toml", row.folder);
        for import in member.ours.iter().filter(|import| !row.may.contains(*import)) {
            let may: Vec<_> = row.may.iter().map(String::as_str).collect();
            let may = if may.is_empty() { "nothing of ours".to_owned() } else { may.join(", ") };
            let what = format!("`{}` imports `{import}`, the table in {FILE} lets it import {may}", row.folder);
            findings.push(Finding::new(&manifest, what));
        }
        for import in member.theirs.iter().filter(|import| row.must_not.contains(*import)) {
            let what = format!("`{}` imports {import}, the table in {FILE} says it must not", row.folder);
            findings.push(Finding::new(&manifest, what));
        }
    }
    for folder in workspace.crates.keys().filter(|folder| table.rows.iter().all(|row| row.folder != **folder)) {
        findings.push(Finding::new(
            format!("{folder}/Cargo.toml"),
            format!("`{folder}` has no row in the table of {FILE}"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::workspace::Member;
    use super::*;

    fn workspace(crates: &[(&str, &[&str], &[&str])]) -> Workspace {
        let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let member = |ours, theirs| Member { ours: texts(ours), theirs: texts(theirs), ..Member::default() };
        let crates = crates.iter().map(|(folder, ours, theirs)| ((*folder).to_owned(), member(ours, theirs)));
        Workspace { crates: crates.collect() }
    }

    fn said(crates: &[(&str, &[&str], &[&str])]) -> Vec<String> {
        let text = "## The workspace\n| `gw/` | program: x | wire |\n| `wire/` | y | nothing of ours, no tokio |\n";
        let (table, _) = Table::parse(text).unwrap();
        check(&table, &workspace(crates)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_the_table_has_is_let_through() {
        assert_eq!(said(&[("gw", &["wire"], &["tokio"]), ("wire", &[], &["bytes"])]), [""; 0]);
    }

    #[test]
    fn an_edge_that_the_table_does_not_have_is_a_finding() {
        assert_eq!(
            said(&[("gw", &["wire"], &[]), ("wire", &["gw"], &[])]),
            ["wire/Cargo.toml: `wire` imports `gw`, the table in ARCHITECTURE.md lets it import nothing of ours"]
        );
    }

    #[test]
    fn a_package_that_a_row_forbids_is_a_finding() {
        assert_eq!(
            said(&[("gw", &[], &[]), ("wire", &[], &["tokio"])]),
            ["wire/Cargo.toml: `wire` imports tokio, the table in ARCHITECTURE.md says it must not"]
        );
    }

    #[test]
    fn a_folder_without_a_row_and_a_row_without_a_folder_are_findings() {
        assert_eq!(
            said(&[("gw", &[], &[]), ("util", &[], &[])]),
            [
                "ARCHITECTURE.md:3: the import table has `wire/`, the workspace has not",
                "util/Cargo.toml: `util` has no row in the table of ARCHITECTURE.md"
            ]
        );
    }
}
