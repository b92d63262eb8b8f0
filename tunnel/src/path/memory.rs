//! What was learnt of each path, kept over restarts: one small file, written whole or not at all. It holds no secret, and is never needed: what
//! cannot be read is forgotten, what cannot be written is not remembered. A disk may be slow: nothing is read or written by a thread that carries calls
//! once it does.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{HubAddress, Transport};

/// What the file is called, in a folder of its process.
pub const FILE: &str = "paths.json";
/// A longer file is none of ours.
const FILE_LEN: u64 = 64 * 1024;

/// The file, if there is one.
#[derive(Debug, Clone)]
pub(crate) struct Memory(Option<PathBuf>);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    /// By URL, and proxy where there is one.
    worked: BTreeMap<String, Transport>,
    /// Silences after which connections are cut, in milliseconds.
    #[serde(default)]
    silences: BTreeMap<String, u64>,
}

/// What is remembered of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Remembered {
    /// What worked last.
    pub(crate) transport: Option<Transport>,
    /// The silence after which connections are cut.
    pub(crate) silence: Option<Duration>,
}

impl Memory {
    /// What stands in `file`, if one is given.
    pub(crate) fn new(file: Option<PathBuf>) -> Memory {
        Memory(file)
    }

    fn read(&self) -> Written {
        let Some(file) = &self.0 else { return Written::default() };
        let is_ours = fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() <= FILE_LEN);
        let text = is_ours.then(|| fs::read(file).ok()).flatten().unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// What is known of the way to this address.
    pub(crate) fn recall(&self, address: &HubAddress) -> Remembered {
        let (written, name) = (self.read(), name(address));
        Remembered {
            transport: written.worked.get(&name).copied().filter(|transport| *transport != Transport::Auto),
            silence: written.silences.get(&name).copied().map(Duration::from_millis),
        }
    }

    /// Remembers what is known now, on a thread that may wait; what is not known changes nothing. `number` keeps those apart who write at once.
    pub(crate) async fn keep(&self, address: &HubAddress, known: Remembered, number: usize) {
        let (memory, name) = (self.clone(), name(address));
        let _ = tokio::task::spawn_blocking(move || memory.write(name, known, number)).await;
    }

    fn write(&self, name: String, known: Remembered, number: usize) {
        let Some(file) = &self.0 else { return };
        // Who reads it in order to write is alone in this process.
        static WRITER: Mutex<()> = Mutex::new(());
        let _alone = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = self.read();
        let silence = known.silence.and_then(|silence| u64::try_from(silence.as_millis()).ok());
        let is_known =
            known.transport.is_none_or(|transport| written.worked.insert(name.clone(), transport) == known.transport)
                & silence.is_none_or(|ms| written.silences.insert(name, ms) == silence);
        if is_known {
            return;
        }
        let new = file.with_extension(format!("new-{number}"));
        let done = serde_json::to_vec_pretty(&written)
            .map_err(std::io::Error::other)
            .and_then(|text| fs::write(&new, text))
            .and_then(|()| fs::rename(&new, file));
        if let Err(error) = done {
            tracing::debug!(file = %file.display(), %error, "what was learnt of the way to the hub is not remembered");
        }
    }
}

fn name(address: &HubAddress) -> String {
    match &address.proxy {
        Some(proxy) => format!("{} through {proxy}", address.url),
        None => address.url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn works(transport: Transport) -> Remembered {
        Remembered { transport: Some(transport), silence: None }
    }

    #[test]
    fn what_was_learnt_is_known_to_the_next_process_and_what_cannot_be_read_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("paths.json");
        let memory = || Memory::new(Some(file.clone()));
        let keep = |address: &HubAddress, known, number| memory().write(name(address), known, number);
        let [one, other] = ["http://one", "http://other"].map(|url| HubAddress::new(url, Vec::new()));
        assert_eq!(memory().recall(&one), Remembered::default());
        keep(&one, works(Transport::Post), 0);
        keep(&other, works(Transport::H2), 1);
        assert_eq!([memory().recall(&one), memory().recall(&other)], [Transport::Post, Transport::H2].map(works));
        keep(&one, works(Transport::Ws), 0);
        let silence = Some(Duration::from_millis(1400));
        keep(&one, Remembered { transport: None, silence }, 0);
        assert_eq!(memory().recall(&one), Remembered { silence, ..works(Transport::Ws) });
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["paths.json"]);
        fs::write(&file, "{\"worked\": {\"http://one\": \"h2\"}}").unwrap();
        assert_eq!(memory().recall(&one), works(Transport::H2), "as an older release wrote it");
        for broken in ["{\"worked\": {\"http://one\": \"pigeon\"}}".to_owned(), "x".repeat(70_000)] {
            fs::write(&file, broken).unwrap();
            assert_eq!(memory().recall(&one), Remembered::default());
        }
        keep(&one, works(Transport::H1), 0);
        assert_eq!(memory().recall(&one), works(Transport::H1));
        assert_eq!(Memory::new(None).recall(&one), Remembered::default());
        Memory::new(Some(folder.path().join("no/such/folder/paths.json"))).write(name(&one), works(Transport::H1), 0);
    }
}
