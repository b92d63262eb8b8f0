//! A finding: what was seen, what it means and what to ask for. Plain values; every part of the doctor makes them.

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Good,
    /// Links can do without it.
    Note,
    Bad,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub mark: Mark,
    pub saw: String,
    pub means: Option<String>,
    pub ask: Option<String>,
}

impl Step {
    pub fn good(name: &'static str, saw: impl Into<String>) -> Step {
        Step { name, mark: Mark::Good, saw: saw.into(), means: None, ask: None }
    }

    pub fn found(name: &'static str, mark: Mark, saw: impl Into<String>, means: &str, ask: &str) -> Step {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Step { name, mark, saw: saw.into(), means: some(means), ask: some(ask) }
    }

    pub fn bad(name: &'static str, saw: impl Into<String>, means: &str, ask: &str) -> Step {
        Step::found(name, Mark::Bad, saw, means, ask)
    }

    pub fn note(name: &'static str, saw: impl Into<String>, means: &str, ask: &str) -> Step {
        Step::found(name, Mark::Note, saw, means, ask)
    }
}
