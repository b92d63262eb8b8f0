//! One look at all programs: both pages of each admin listener, asked at once, within a few seconds whoever is silent.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chassis::Secret;
use clap::Args;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::program::Program;
use crate::admin::{self, Page};
use crate::check::Kind;

/// A program that takes longer counts as away: the others are shown meanwhile.
const WITHIN: Duration = Duration::from_secs(3);

/// Whom to ask.
#[derive(Debug, Clone, Args)]
pub struct Admins {
    /// An admin listener to ask, such as http://127.0.0.1:20900; may be given several times [default: all three programs' default
    /// ports on this machine].
    #[arg(long)]
    pub admin: Vec<String>,
    /// File with the admin listeners' token, readable by its owner alone; each of them gets it.
    #[arg(long, requires = "admin")]
    pub token_file: Option<PathBuf>,
}

/// What was seen at one moment.
#[derive(Debug)]
pub struct Look {
    /// When.
    pub at: Instant,
    /// Who answered, in the order of the listeners.
    pub programs: Vec<Program>,
    /// Who did not, and why.
    pub silent: Vec<(String, anyhow::Error)>,
}

impl Admins {
    /// The listeners.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        if self.is_default() {
            return Kind::ALL.map(|kind| kind.default_admin().to_owned()).to_vec();
        }
        self.admin.clone()
    }

    /// Whether nobody was named, so that who does not answer need not be there.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.admin.is_empty()
    }

    /// The token.
    ///
    /// # Errors
    /// It cannot be read, or others can.
    pub fn token(&self) -> Result<Option<Arc<Secret>>> {
        Ok(admin::token(self.token_file.as_deref().map(Path::new))?.map(Arc::new))
    }

    /// Looks once.
    pub async fn look(&self, token: Option<&Arc<Secret>>) -> Look {
        let admins = self.all();
        let mut asking = JoinSet::new();
        for (place, admin) in admins.iter().cloned().enumerate() {
            let token = token.cloned();
            asking.spawn(async move {
                let both = async {
                    let status = admin::ask(&admin, token.as_deref(), Page::Get("/status")).await?;
                    let metrics = admin::text(&admin, token.as_deref(), "/metrics").await?;
                    anyhow::Ok(Program::read(&admin, status, &metrics))
                };
                let answer = timeout(WITHIN, both).await;
                (place, answer.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer from {admin} within {WITHIN:?}"))))
            });
        }
        let mut answers: Vec<(usize, Result<Program>)> = Vec::new();
        while let Some(asked) = asking.join_next().await {
            answers.extend(asked);
        }
        answers.sort_by_key(|(place, _)| *place);
        let mut look = Look { at: Instant::now(), programs: Vec::new(), silent: Vec::new() };
        for (place, answer) in answers {
            match answer {
                Ok(program) => look.programs.push(program),
                Err(error) => look.silent.push((admins[place].clone(), error)),
            }
        }
        look
    }

    /// The raw statuses: that of the one that was named, or an object with a field for each that answers.
    ///
    /// # Errors
    /// The one that was named does not answer, or nobody does.
    pub async fn statuses(&self, token: Option<&Arc<Secret>>) -> Result<Value> {
        if let [admin] = self.admin.as_slice() {
            return admin::ask(admin, token.map(|token| &**token), Page::Get("/status")).await;
        }
        let look = self.look(token).await.someone()?;
        let named = |program: &Program| if self.is_default() { program.name.clone() } else { program.admin.clone() };
        Ok(look.programs.into_iter().map(|program| (named(&program), program.status)).collect())
    }
}

impl Look {
    /// The same, in which somebody has answered.
    ///
    /// # Errors
    /// Why nobody did.
    pub fn someone(mut self) -> Result<Self> {
        if !self.programs.is_empty() {
            return Ok(self);
        }
        if self.silent.len() == 1 {
            return Err(self.silent.remove(0).1);
        }
        let why: Vec<_> = self.silent.iter().map(|(admin, why)| format!("{admin} ({why:#})")).collect();
        bail!("no program answers: {}; --admin names another listener", why.join(", "));
    }
}
