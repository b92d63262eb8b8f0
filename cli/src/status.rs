//! `highway status`: what running programs say about themselves on their admin listeners.
//!
//! Without an address all three default ports of this machine are asked, and whoever answers is shown. Never changes anything.

mod text;

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use crate::admin::{self, Page};
use crate::check::Kind;
use crate::terminal;

const STATUS: Page = Page::Get("/status");

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Where a program's admin listener stands unless its configuration says otherwise.
pub fn default_admin(kind: Kind) -> &'static str {
    match kind {
        Kind::CentralHub => "http://127.0.0.1:20900",
        Kind::EgressGw => "http://127.0.0.1:20901",
        Kind::IngressGw => "http://127.0.0.1:20902",
    }
}

/// Asks and shows.
pub fn run(at: Option<&str>, token_file: Option<&Path>, form: Form) -> Result<String> {
    let token = admin::token(token_file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(async {
        match at {
            Some(at) => admin::ask(at, token.as_ref(), STATUS).await,
            None => ask_all().await,
        }
    })?;
    match form {
        Form::Json => terminal::json(&status),
        Form::Text => Ok(text::lines(&status)),
    }
}

/// One field for each program that answers at its default port.
async fn ask_all() -> Result<Value> {
    let mut answers = Map::new();
    let mut silent = Vec::new();
    for kind in Kind::ALL {
        match admin::ask(default_admin(kind), None, STATUS).await {
            Ok(status) => drop(answers.insert(kind.name().to_owned(), status)),
            Err(error) => silent.push(format!("{} ({error:#})", kind.name())),
        }
    }
    if answers.is_empty() {
        bail!("no program answers on this machine's default admin ports: {}", silent.join(", "));
    }
    Ok(Value::Object(answers))
}
