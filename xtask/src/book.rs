//! `docs/` as a book: what is made before mdBook reads it, and what it is told of links that lead out of the folder.
//!
//! ```text
//!  the documented TOML files ── keys ──▶ docs/configuration.md      renewed by `book --write`, held by `tidy`
//!  docs/*.md ── mdBook ── links ──▶ target/book                     `links` is its preprocessor, called by docs/book.toml
//! ```
//! Whether pages are missing from docs/SUMMARY.md or include what is not there, `tidy` says without mdBook.

pub mod keys;
pub mod links;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Result, bail};

use crate::step::{command, root, run};

/// Builds the book with `mdbook`; `--write` first renews the page that is made from the documented files.
pub fn run_chore(mdbook: impl FnOnce() -> Result<std::path::PathBuf>, arguments: &[String]) -> Result<()> {
    let root = root();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // What mdBook asks of a preprocessor, and then its question itself.
        ["links", "supports", ..] => Ok(()),
        ["links"] => preprocess(&root),
        [] => build(mdbook),
        ["--write"] => {
            fs::write(root.join(keys::PAGE), keys::page(&root)?)?;
            build(mdbook)
        }
        _ => bail!("found `book {}`, wanted `book` or `book --write`", arguments.join(" ")),
    }
}

fn build(mdbook: impl FnOnce() -> Result<std::path::PathBuf>) -> Result<()> {
    run(command(mdbook()?, &["build", "docs"]))?;
    println!("xtask: the book begins at target/book/index.html");
    Ok(())
}

fn preprocess(root: &Path) -> Result<()> {
    let mut asked = String::new();
    std::io::stdin().read_to_string(&mut asked)?;
    let [_context, mut book]: [serde_json::Value; 2] = serde_json::from_str(&asked)?;
    links::of_book(root, &repository(root)?, &mut book);
    Ok(std::io::stdout().write_all(book.to_string().as_bytes())?)
}

/// Where the sources are for who reads the book elsewhere.
fn repository(root: &Path) -> Result<String> {
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let repository =
        manifest.get("workspace").and_then(|workspace| workspace.get("package")?.get("repository")?.as_str());
    let Some(repository) = repository else { bail!("Cargo.toml names no repository") };
    Ok(repository.to_owned())
}
