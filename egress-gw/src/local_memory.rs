//! Which services had a provider of this island, and when last: a local provider that restarts must not find that the
//! gateway took its consumers meanwhile.
//!
//! ```text
//!  state directory: local-services.json   {"version":1,"seen":{"g1/com.acme.Greeter:1.0.0":1795249688, …}}
//!                                          seconds since 1970; rewritten when a service comes or goes, and every
//!                                          10 minutes while any is there
//! ```
//!
//! A file that cannot be read counts as no memory and is said once in the log. Never remembers a virtual provider.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// The file in the state directory.
pub const FILE: &str = "local-services.json";
/// The largest file that is read; half a million services.
pub const FILE_MAX_LEN: u64 = 64 << 20;
/// While local providers are there their time on disk is at most this old.
const REWRITE_EVERY: Duration = Duration::from_secs(600);
/// A clock that was wrong for a while must not make memories of the future stay for ever.
const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// Local services by key text, with when each was last seen.
#[derive(Debug)]
pub struct LocalMemory {
    keep: Duration,
    seen: BTreeMap<String, SystemTime>,
    present: BTreeSet<String>,
    written: Option<SystemTime>,
}

/// Whether the file should be written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDisk {
    /// What stands there still says it.
    Current,
    /// Write [`LocalMemory::encode`].
    Outdated,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    seen: BTreeMap<String, u64>,
}

/// Why a memory file was not read.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It is no such file.
    #[error("the memory of local services cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was written by a later release.
    #[error("the memory of local services has version {0}, wanted 1")]
    Version(u32),
}

impl LocalMemory {
    /// An empty memory that keeps a service for `keep` after it was last seen.
    #[must_use]
    pub fn new(keep: Duration) -> Self {
        Self { keep, seen: BTreeMap::new(), present: BTreeSet::new(), written: None }
    }

    /// The memory in the bytes of [`FILE`].
    ///
    /// # Errors
    /// [`MemoryError`]; an empty memory is then the best there is.
    pub fn decode(keep: Duration, now: SystemTime, bytes: &[u8]) -> Result<Self, MemoryError> {
        let file: File = serde_json::from_slice(bytes)?;
        if file.version != 1 {
            return Err(MemoryError::Version(file.version));
        }
        let mut memory = Self::new(keep);
        for (service, seconds) in file.seen {
            if let Some(at) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
                memory.seen.insert(service, at.min(now + CLOCK_SLACK));
            }
        }
        memory.forget(now);
        Ok(memory)
    }

    /// Another time to keep services for, from now on.
    pub fn set_keep(&mut self, keep: Duration) {
        self.keep = keep;
    }

    /// The bytes for [`FILE`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let seconds = |at: &SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let seen = self.seen.iter().map(|(service, at)| (service.clone(), seconds(at))).collect();
        serde_json::to_vec(&File { version: 1, seen }).unwrap_or_default()
    }

    /// The services that have a local provider now, all of them.
    pub fn observe(&mut self, now: SystemTime, present: impl IntoIterator<Item = String>) -> OnDisk {
        let present: BTreeSet<String> = present.into_iter().collect();
        let changed = present != self.present;
        for service in present.iter().chain(&self.present) {
            self.seen.insert(service.clone(), now);
        }
        self.present = present;
        let forgot = self.forget(now);
        let due = self.written.is_none_or(|at| now.duration_since(at).unwrap_or(REWRITE_EVERY) >= REWRITE_EVERY);
        if changed || forgot || (due && !self.present.is_empty()) {
            self.written = Some(now);
            return OnDisk::Outdated;
        }
        OnDisk::Current
    }

    /// Whether the service has a local provider, or had one not long ago.
    #[must_use]
    pub fn is_local(&self, service: &str, now: SystemTime) -> bool {
        self.present.contains(service) || self.seen.get(service).is_some_and(|at| is_recent(*at, now, self.keep))
    }

    /// Whether the service has a local provider now.
    #[must_use]
    pub fn is_present(&self, service: &str) -> bool {
        self.present.contains(service)
    }

    /// The services that have a local provider now.
    pub fn present(&self) -> &BTreeSet<String> {
        &self.present
    }

    /// When the next remembered service is forgotten, if any is.
    #[must_use]
    pub fn next_change(&self) -> Option<SystemTime> {
        let gone = self.seen.iter().filter(|(service, _)| !self.present.contains(*service));
        gone.map(|(_, at)| *at + self.keep).min()
    }

    fn forget(&mut self, now: SystemTime) -> bool {
        let before = self.seen.len();
        let (keep, present) = (self.keep, &self.present);
        self.seen.retain(|service, at| present.contains(service) || is_recent(*at, now, keep));
        self.seen.len() != before
    }
}

fn is_recent(at: SystemTime, now: SystemTime, keep: Duration) -> bool {
    now.duration_since(at).map_or(true, |ago| ago < keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const GREETER: &str = "g1/com.acme.Greeter:1.0.0";

    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_249_688)
    }

    fn some() -> Vec<String> {
        vec![GREETER.to_owned()]
    }

    #[test]
    fn a_service_stays_local_for_a_day_after_its_last_provider_went() {
        let mut memory = LocalMemory::new(DAY);
        memory.observe(noon(), some());
        memory.observe(noon() + DAY * 3, some());
        let gone = noon() + DAY * 4;
        memory.observe(gone, []);
        assert!(memory.is_local(GREETER, gone + DAY - Duration::from_secs(1)));
        assert!(!memory.is_local(GREETER, gone + DAY));
        assert_eq!(memory.next_change(), Some(gone + DAY));
        assert!(!memory.is_local("com.acme.Other", gone));
    }

    #[test]
    fn the_memory_survives_a_restart() {
        let mut memory = LocalMemory::new(DAY);
        assert_eq!(memory.observe(noon(), some()), OnDisk::Outdated);
        let read = LocalMemory::decode(DAY, noon() + DAY / 2, &memory.encode()).unwrap();
        assert!(read.is_local(GREETER, noon() + DAY / 2));
        assert!(!read.is_local(GREETER, noon() + DAY * 2));
        let late = LocalMemory::decode(DAY, noon() + DAY * 2, &memory.encode()).unwrap();
        assert!(late.next_change().is_none());
    }

    #[test]
    fn the_file_is_written_on_a_change_and_now_and_then() {
        let mut memory = LocalMemory::new(DAY);
        let minute = Duration::from_secs(60);
        assert_eq!(memory.observe(noon(), some()), OnDisk::Outdated);
        assert_eq!(memory.observe(noon() + minute, some()), OnDisk::Current);
        assert_eq!(memory.observe(noon() + minute * 10, some()), OnDisk::Outdated);
        assert_eq!(memory.observe(noon() + minute * 11, []), OnDisk::Outdated);
        assert_eq!(memory.observe(noon() + minute * 60, []), OnDisk::Current);
        assert_eq!(memory.observe(noon() + DAY * 2, []), OnDisk::Outdated);
    }

    #[test]
    fn a_time_from_the_future_is_not_believed_for_ever() {
        let file = format!("{{\"version\":1,\"seen\":{{\"{GREETER}\":{}}}}}", u32::MAX);
        let memory = LocalMemory::decode(DAY, noon(), file.as_bytes()).unwrap();
        assert!(memory.is_local(GREETER, noon()));
        assert!(!memory.is_local(GREETER, noon() + DAY * 2));
    }

    #[test]
    fn what_is_no_memory_is_refused() {
        assert!(LocalMemory::decode(DAY, noon(), b"[]").is_err());
        let error = LocalMemory::decode(DAY, noon(), b"{\"version\":2,\"seen\":{}}").unwrap_err();
        assert_eq!(error.to_string(), "the memory of local services has version 2, wanted 1");
    }
}
