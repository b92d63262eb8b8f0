//! What was typed or configured is wrong: exit code 2, whatever the command. All other failures are 1.
//!
//! Decides nothing else.

use std::process::ExitCode;

use chassis::Mistakes;

/// What is wrong with an argument, or with the content of a file that one names.
#[derive(Debug)]
pub struct Wrong(anyhow::Error);

impl std::error::Error for Wrong {}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

/// The error of a wrong argument, from its sentence or from what was found.
pub fn wrong(what: impl Into<Wrong>) -> anyhow::Error {
    anyhow::Error::new(what.into())
}

impl From<anyhow::Error> for Wrong {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self(anyhow::Error::msg(what))
    }
}

/// How a command ends that failed over this.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    let is_wrong = error.chain().any(|cause| cause.is::<Wrong>() || cause.is::<Mistakes>());
    if is_wrong { ExitCode::from(2) } else { ExitCode::FAILURE }
}
