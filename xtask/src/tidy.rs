//! The rules that no compiler holds. Every finding is a line with a file and a sentence; any finding is a failure.
//!
//! | rule | where it is written |
//! |---|---|
//! | who may import whom | the table in ARCHITECTURE.md, "The workspace" |
//! | a crate of others has a row with its reason | the table in ARCHITECTURE.md, "Dependencies" |
//! | crates that may not be in a lock file | `[bans]` in deny.toml |
//! | every source file begins with `//!` | CONTRIBUTING.md |
//! | over 400 lines only with `//! Long because: …` | CONTRIBUTING.md |
//! | a test is never switched off; a `main.rs` of a program has under 20 lines | CONTRIBUTING.md |
//! | every crate takes the lints of the workspace | root Cargo.toml |
//! | a file that a document links to or names is there | CONTRIBUTING.md |
//! | a sentence that docs/bad-input.md quotes stands in a test | docs/bad-input.md |
//! | the book has each page, each part that a page includes, and each key | docs/SUMMARY.md, docs/configuration.md |
//! | a test that a document names is there | docs/choosing.md, docs/releases.md |
//! | each metric is explained | docs/operations.md |
//!
//! Reads files and `cargo metadata`, changes nothing.

mod book;
mod documents;
mod imports;
mod lock;
mod metrics;
mod named;
mod quotes;
mod reasons;
mod sources;
mod table;
pub mod workspace;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::step;
use table::Table;
use workspace::Workspace;

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// From the folder of the workspace.
    file: PathBuf,
    line: Option<usize>,
    what: String,
}

impl Finding {
    fn new(file: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, what: what.into() }
    }

    fn at(file: impl Into<PathBuf>, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.into(), line: Some(line), what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Checks the workspace.
pub fn run() -> Result<()> {
    let findings = check(&step::root())?;
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    println!("xtask: tidy");
    Ok(())
}

fn check(root: &Path) -> Result<Vec<Finding>> {
    let workspace = Workspace::read(root)?;
    let architecture = text(root, table::FILE)?;
    let (table, mut findings) = Table::parse(&architecture)?;
    findings.extend(imports::check(&table, &workspace));
    findings.extend(reasons::check(&architecture, &text(root, "Cargo.toml")?)?);
    findings.extend(lock::check(root)?);
    findings.extend(sources::check(root, &workspace)?);
    findings.extend(documents::check(root)?);
    findings.extend(quotes::check(root)?);
    findings.extend(book::check(root)?);
    findings.extend(named::check(root)?);
    findings.extend(metrics::check(root, &workspace)?);
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// A text file of the workspace.
fn text(root: &Path, file: impl AsRef<Path>) -> Result<String> {
    let path = root.join(file);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}
