//! Where a call goes: the name of an island, or `local`.
//!
//! It never says whether there is such an island.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Where a call goes: an island, or `local`, a provider of the caller's own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target(Arc<str>);

/// A text that names no target.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("found target {found:?}, wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`")]
pub struct NotATarget {
    found: String,
}

impl Target {
    /// The target of this name.
    ///
    /// # Errors
    /// [`NotATarget`]. Whether there is such an island is asked with each call.
    pub fn new(name: &str) -> Result<Self, NotATarget> {
        if name == route::LOCAL || route::is_island_id(name) {
            return Ok(Self(name.into()));
        }
        Err(NotATarget { found: name.chars().take(64).collect() })
    }

    /// A provider of the caller's own island.
    #[must_use]
    pub fn local() -> Self {
        Self(route::LOCAL.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the caller's own island.
    #[must_use]
    pub fn is_local(&self) -> bool {
        &*self.0 == route::LOCAL
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<&str> for Target {
    type Error = NotATarget;

    fn try_from(name: &str) -> Result<Self, NotATarget> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_target_is_refused_with_what_was_found() {
        for name in ["", "Shanghai", "a b", "x".repeat(33).as_str()] {
            assert!(Target::new(name).is_err(), "{name}");
        }
        let said = Target::new("Shanghai").unwrap_err().to_string();
        assert_eq!(said, "found target \"Shanghai\", wanted an island's id (1 to 32 of a-z, 0-9 and -) or `local`");
        assert!(Target::local().is_local() && !Target::new("shanghai").unwrap().is_local());
    }
}
