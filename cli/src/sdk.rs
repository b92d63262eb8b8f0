//! `highway sdk generate SERVICE`: the Rust trait and types of a service, from what its providers publish of it.
//!
//! ```text
//!   registry ─▶ definitions ─▶ one: of this group and version, the newest ─▶ classes and methods ─▶ Rust
//! ```
//!
//! | file | for |
//! |---|---|
//! | `definition`, `java_name` | what is published, read: methods, classes, and the names of types taken apart |
//! | `meant` | which of several definitions is meant |
//! | `rust`, `classes`, `rust_type`, `names` | the text: the trait, its types, which Rust type is which, what things are called |
//! | `layout` | lines as rustfmt breaks them |
//! | `file` | where the text goes |
//!
//! It never changes a registry, and never writes over a file that it did not write.

mod circles;
mod classes;
mod definition;
mod file;
mod java_name;
mod layout;
mod meant;
mod names;
mod rust;
mod rust_type;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use meant::Which;

use crate::output;
use crate::reach::Registry;
use crate::wrong::wrong;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    registry: Registry,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the trait of a service with the types that its methods take and give, for `#[highway_sdk::service]`, from the definition that
    /// a provider published in the registry.
    Generate {
        #[command(flatten)]
        which: Which,
        /// The file to write, instead of printing it; one that is there is written anew if this command has written it for this service.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Does what was asked for.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Command::Generate { which, out } = &arguments.command;
    which.check().map_err(wrong)?;
    let registry = arguments.registry.settings(|_| {}).map_err(wrong)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let published = runtime.block_on(zk_bridge::definitions(&registry, &which.service))?;
    let definition = which.of(published, registry.name())?;
    let text = rust::print(&which.service, &definition);
    match out {
        Some(out) => output::line(file::write(out, &which.service, &text)?)?,
        None => output::text(text)?,
    }
    Ok(ExitCode::SUCCESS)
}
