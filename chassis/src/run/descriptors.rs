//! How many files and sockets the process may have open: as many as the system lets it. It never asks for more than that.
//!
//! Shells and service managers start programs with a soft limit of 1024, for programs that still use `select`. Ours do not,
//! and a gateway has a socket for each consumer and provider.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one; returns the limit that is in force (`None`: there is none).
///
/// # Errors
/// The system refuses; the limit is as it was.
pub(super) fn raise() -> std::io::Result<Option<u64>> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    }
    Ok(limit.maximum)
}

/// How many files and sockets the process may have open just now; `usize::MAX` where the system does not count them.
#[must_use]
pub fn limit() -> usize {
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let before = getrlimit(Resource::Nofile);
        let low = Rlimit { current: before.maximum.map(|most| most.min(900)).or(Some(900)), maximum: before.maximum };
        setrlimit(Resource::Nofile, low).unwrap();
        assert_eq!(raise().unwrap(), before.maximum);
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum);
    }
}
