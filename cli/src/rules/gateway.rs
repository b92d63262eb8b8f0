//! An egress gateway that is asked what looks odd about a document beside what it knows: its services and islands.
//!
//! Asks its admin listener; changes nothing.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use route::rules::Warning;
use serde_json::json;

use super::file::Wanted;
use crate::admin::{self, Page};

/// Where a gateway is asked.
#[derive(Debug, Args)]
pub struct Gateway {
    /// Also says which services and islands an egress gateway does not know: its admin listener, such as http://127.0.0.1:20901.
    #[arg(long = "live", value_name = "URL")]
    admin: Option<String>,
    /// File with the admin listener's token, readable by its owner alone.
    #[arg(long, requires = "admin", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Gateway {
    /// What it says of a document; nothing where nobody is to be asked.
    pub async fn warnings(&self, file: &Wanted) -> Result<Vec<Warning>> {
        let Some(admin) = &self.admin else { return Ok(Vec::new()) };
        let token = admin::token(self.token_file.as_deref())?;
        let question = json!({ "name": file.name, "text": file.text });
        let answer = admin::ask(admin, token.as_ref(), Page::Ask("/rules", question)).await?;
        serde_json::from_value(answer).with_context(|| format!("{admin} answered no list of warnings"))
    }
}
