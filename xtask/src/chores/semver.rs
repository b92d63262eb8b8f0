//! `cargo xtask semver`: what the SDK offers to those who link it, held against `sdk/api.txt`, where it stands line by line.
//!
//! ```text
//!  a line is gone or another, or an enum that may be matched whole has one more variant  ─▶ wants a version that may break
//!  whatever else differs                                                                 ─▶ wants the text renewed
//! ```
//!
//! Nothing is compared with a release elsewhere: the text is the memory, and a change of it is read with the change that made it. What it
//! cannot tell are promises without a name in the API: a new item without a default in a trait that others implement, and what code does.

mod offered;
mod text;

use anyhow::{Context, Result, bail};
use std::fs;

use crate::step::root;
use text::{Change, Text};

/// Where it stands.
const FILE: &str = "sdk/api.txt";

/// The chore: checks, or renews the text.
pub fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => check().map(|said| println!("{said}")),
        [only] if only == "--write" => write(),
        _ => bail!("found `{}`, wanted --write or nothing", arguments.join(" ")),
    }
}

/// Fails where the text is not what is offered.
pub fn check() -> Result<String> {
    let (noted, found) = (noted()?, offered::read()?);
    let change = Change::between(&noted, &found);
    if let Some(why) = change.forbidden(&noted.version, &found.version) {
        bail!("{why}");
    }
    if !change.is_none() || noted.version != found.version {
        bail!("{FILE} is not what the SDK offers; `cargo xtask semver --write` renews it:\n{change}");
    }
    Ok(format!("{} lines, version {}", found.lines.len(), found.version))
}

fn write() -> Result<()> {
    let found = offered::read()?;
    if root().join(FILE).exists() {
        let noted = noted()?;
        let change = Change::between(&noted, &found);
        if let Some(why) = change.forbidden(&noted.version, &found.version) {
            bail!("{why}");
        }
        print!("{change}");
    }
    fs::write(root().join(FILE), found.to_string()).with_context(|| format!("cannot write {FILE}"))
}

fn noted() -> Result<Text> {
    Text::parse(&fs::read_to_string(root().join(FILE)).with_context(|| format!("cannot read {FILE}"))?).context(FILE)
}
