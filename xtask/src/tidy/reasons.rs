//! Holds the crates of others to the table of reasons: each one that the workspace takes has a row, and each row is of one it takes.
//!
//! ```text
//!  ## Dependencies
//!  | for  | crate                       | why this one |
//!  | HTTP | hyper, http, own parser     | …            |    names, separated by commas; `own …` is code of ours
//!  | TLS  | rustls with ring            | …            |    a name is the first word
//! ```
//!
//! Whether a reason is a good one, people say. Pure.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::Finding;
use super::table::FILE;

const SECTION: &str = "## Dependencies";

/// Every crate without its row, and every row without its crate. `manifest` is the root `Cargo.toml`.
pub fn check(architecture: &str, manifest: &str) -> Result<Vec<Finding>> {
    let manifest: toml::Table = manifest.parse().context("Cargo.toml")?;
    let taken = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let taken = taken.and_then(toml::Value::as_table).context("Cargo.toml has no [workspace.dependencies]")?;
    let theirs: BTreeSet<&str> =
        taken.iter().filter(|(_, said)| said.get("path").is_none()).map(|(name, _)| name.as_str()).collect();
    let rows: Vec<(usize, &str)> = names(architecture).collect();
    let without_row = theirs.iter().filter(|name| rows.iter().all(|(_, row)| row != *name)).map(|name| {
        Finding::new("Cargo.toml", format!("takes {name}, which has no row in {FILE}, section \"Dependencies\""))
    });
    let without_crate = rows.iter().filter(|(_, row)| !theirs.contains(row)).map(|(line, row)| {
        Finding::at(FILE, *line, format!("gives a reason for {row}, which the workspace does not take"))
    });
    Ok(without_row.chain(without_crate).collect())
}

/// The crates of the table with their lines.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let section = text.lines().enumerate().skip_while(|(_, line)| *line != SECTION).skip(1);
    let rows = section.take_while(|(_, line)| !line.starts_with("## ")).filter(|(_, line)| line.starts_with("| "));
    rows.skip(1)
        .flat_map(|(at, line)| {
            let cell = line.split('|').nth(2).unwrap_or_default();
            cell.split(',').filter_map(move |part| Some((at + 1, part.split_whitespace().next()?)))
        })
        .filter(|(_, name)| *name != "own")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(row: &str) -> Vec<String> {
        let text = format!(
            "# A\n| b | c | d |\n## Dependencies\n\n| for | crate | why |\n|---|---|---|\n{row}\n## After\n| x | y | z |\n"
        );
        let manifest =
            "[workspace.dependencies]\nwire = { path = \"wire\" }\nhyper = \"1\"\nrustls = { version = \"0.23\" }\n";
        check(&text, manifest).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn crates_and_rows_agree() {
        assert_eq!(said("| net | hyper, rustls with ring | ours |\n| parser | own one in `wire` | |"), [""; 0]);
    }

    #[test]
    fn a_crate_without_a_reason_is_a_finding() {
        let sentence = "Cargo.toml: takes rustls, which has no row in ARCHITECTURE.md, section \"Dependencies\"";
        assert_eq!(said("| net | hyper | |"), [sentence]);
    }

    #[test]
    fn a_reason_for_nothing_is_a_finding() {
        let sentence = "ARCHITECTURE.md:7: gives a reason for mio, which the workspace does not take";
        assert_eq!(said("| net | hyper, rustls, mio | |"), [sentence]);
    }
}
