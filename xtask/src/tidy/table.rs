//! The import table of ARCHITECTURE.md, read as it stands there for people.
//!
//! ```text
//!  ## The workspace
//!  | folder        | what it is | may import              |
//!  | `egress-gw/`  | program: … | wire, route, tunnel     |    folders, separated by commas
//!  | `wire/`       | …          | nothing of ours, no tokio |  and packages of others that it must not have
//!  | `cli/`        | …          | any library above       |    every row before it that is no program
//!  | `bench/`      | …          | wire, gateway libraries |    `gateway libraries` are the libraries of the programs
//!  | `tests/`      | …          | all                     |
//! ```
//!
//! A row whose description begins with `program:` is a program. `(zk-bridge for the store)` allows the folder it begins
//! with. Anything else is a finding, not a guess. Pure.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::Finding;

/// Where the table stands.
pub const FILE: &str = "ARCHITECTURE.md";
const SECTION: &str = "## The workspace";

/// What each folder may import.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub rows: Vec<Row>,
}

/// One folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub folder: String,
    pub line: usize,
    pub is_program: bool,
    /// Folders of ours that it may import.
    pub may: BTreeSet<String>,
    /// Packages of others that it must not import.
    pub must_not: BTreeSet<String>,
}

impl Table {
    /// Reads the table, and what in it cannot be understood.
    pub fn parse(text: &str) -> Result<(Self, Vec<Finding>)> {
        let cells = cells(text);
        if cells.is_empty() {
            bail!("{FILE} has no table in its section {SECTION:?}");
        }
        let names: Vec<(String, bool)> =
            cells.iter().map(|row| (row.folder.to_owned(), row.what.starts_with("program:"))).collect();
        let mut rows = Vec::new();
        let mut findings = Vec::new();
        for (at, cell) in cells.iter().enumerate() {
            let mut row =
                Row { folder: cell.folder.to_owned(), line: cell.line, is_program: names[at].1, ..Row::default() };
            for word in cell.imports.split(',').flat_map(|part| part.split(['(', ')'])).map(str::trim) {
                if let Err(what) = row.allow(word, &names, at) {
                    findings.push(Finding::at(FILE, cell.line, what));
                }
            }
            rows.push(row);
        }
        Ok((Self { rows }, findings))
    }
}

impl Row {
    fn allow(&mut self, word: &str, names: &[(String, bool)], at: usize) -> Result<(), String> {
        let known = |name: &str| names.iter().any(|(folder, _)| folder == name);
        match word {
            "" | "nothing of ours" => {}
            "all" => self.may.extend(names.iter().map(|(folder, _)| folder.clone())),
            "any library above" => {
                self.may.extend(names[..at].iter().filter(|(_, program)| !program).map(|(folder, _)| folder.clone()));
            }
            "gateway libraries" => {
                self.may.extend(names.iter().filter(|(_, program)| *program).map(|(folder, _)| folder.clone()));
            }
            _ => {
                let first = word.split(' ').next().unwrap_or_default();
                if let Some(package) = word.strip_prefix("no ") {
                    self.must_not.insert(package.to_owned());
                } else if known(word) || (known(first) && word.starts_with(&format!("{first} for "))) {
                    self.may.insert(first.to_owned());
                } else {
                    return Err(format!(
                        "the import table lets `{}/` import {word:?}, which is no folder",
                        self.folder
                    ));
                }
            }
        }
        Ok(())
    }
}

struct Cells<'a> {
    line: usize,
    folder: &'a str,
    what: &'a str,
    imports: &'a str,
}

/// The rows of the section's table that begin with a folder.
fn cells(text: &str) -> Vec<Cells<'_>> {
    let section = text.lines().enumerate().skip_while(|(_, line)| line.trim_end() != SECTION).skip(1);
    let section = section.take_while(|(_, line)| !line.starts_with("## "));
    section
        .filter_map(|(at, line)| {
            let mut columns = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
            let folder = columns.next()?.strip_prefix('`')?.strip_suffix("/`")?;
            Some(Cells { line: at + 1, folder, what: columns.next()?, imports: columns.next()? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n\n| `not/` | here | all |\n\n## The workspace\n\nWords.\n\n\
        | folder | what it is | may import |\n|---|---|---|\n\
        | `gw/` | program: consumers come in here | wire, tunnel |\n\
        | `hub/` | program: switches | wire (zk for the shared store) |\n\
        | `tunnel/` | links | wire |\n\
        | `zk/` | registry | wire |\n\
        | `wire/` | shapes | nothing of ours, no tokio |\n\
        | `cli/` | the command | any library above |\n\
        | `tests/` | all | all |\n\
        | `bench/` | load | wire, gateway libraries |\n\n\
        ## After\n\n| `late/` | x | all |\n";

    fn may<'a>(table: &'a Table, folder: &str) -> Vec<&'a str> {
        let row = table.rows.iter().find(|row| row.folder == folder).unwrap();
        row.may.iter().map(String::as_str).collect()
    }

    #[test]
    fn the_table_is_read_as_people_read_it() {
        let (table, findings) = Table::parse(TEXT).unwrap();
        assert_eq!(findings, []);
        assert_eq!(table.rows.len(), 8, "only the table of the section counts");
        assert_eq!(may(&table, "gw"), ["tunnel", "wire"]);
        assert_eq!(may(&table, "hub"), ["wire", "zk"]);
        assert_eq!(may(&table, "wire"), [""; 0]);
        assert_eq!(may(&table, "cli"), ["tunnel", "wire", "zk"]);
        assert_eq!(may(&table, "bench"), ["gw", "hub", "wire"]);
        assert_eq!(may(&table, "tests").len(), 8);
        let wire = &table.rows[4];
        assert_eq!((wire.line, wire.is_program), (15, false));
        assert!(wire.must_not.contains("tokio") && table.rows[0].is_program);
    }

    #[test]
    fn a_word_that_is_no_folder_is_a_finding() {
        let (_, findings) = Table::parse(&TEXT.replace("| wire, tunnel |", "| wire, tunel |")).unwrap();
        let expected = "ARCHITECTURE.md:11: the import table lets `gw/` import \"tunel\", which is no folder";
        assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn a_text_without_the_table_is_an_error_and_not_a_free_pass() {
        assert!(Table::parse("# A\n").is_err());
        assert!(Table::parse("## The workspace\n\nWords.\n").is_err());
    }
}
