//! The number by which registries tell one start of a process from another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Milliseconds since 1970, and never the same twice in this process.
pub(crate) fn epoch() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now: Duration = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let next = |last: u64| Some(now.max(last + 1));
    LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).map_or(now, |last| now.max(last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_starts_have_the_same() {
        let all: Vec<u64> = (0..1000).map(|_| epoch()).collect();
        assert!(all.is_sorted_by(|one, next| one < next), "{all:?}");
    }
}
