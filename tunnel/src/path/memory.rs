//! What worked on each path, kept over restarts: one small file, written whole or not at all. It holds no secret, and is never needed: what
//! cannot be read is forgotten, what cannot be written is not remembered.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

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

    /// What worked last on the way to this address.
    pub(crate) fn recall(&self, address: &HubAddress) -> Option<Transport> {
        self.read().worked.get(&name(address)).copied().filter(|transport| *transport != Transport::Auto)
    }

    /// Remembers what works. `number` keeps those apart who write at once.
    pub(crate) fn keep(&self, address: &HubAddress, transport: Transport, number: usize) {
        let Some(file) = &self.0 else { return };
        let mut written = self.read();
        if written.worked.insert(name(address), transport) == Some(transport) {
            return;
        }
        let new = file.with_extension(format!("new-{number}"));
        let done = serde_json::to_vec_pretty(&written)
            .map_err(std::io::Error::other)
            .and_then(|text| fs::write(&new, text))
            .and_then(|()| fs::rename(&new, file));
        if let Err(error) = done {
            tracing::debug!(file = %file.display(), %error, "what works on the way to the hub is not remembered");
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

    #[test]
    fn what_worked_is_known_to_the_next_process_and_what_cannot_be_read_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("paths.json");
        let memory = || Memory::new(Some(file.clone()));
        let [one, other] = ["http://one", "http://other"].map(|url| HubAddress::new(url, Vec::new()));
        assert_eq!(memory().recall(&one), None);
        memory().keep(&one, Transport::Post, 0);
        memory().keep(&other, Transport::H2, 1);
        assert_eq!((memory().recall(&one), memory().recall(&other)), (Some(Transport::Post), Some(Transport::H2)));
        memory().keep(&one, Transport::Ws, 0);
        assert_eq!(memory().recall(&one), Some(Transport::Ws));
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["paths.json"]);
        for broken in ["{\"worked\": {\"http://one\": \"pigeon\"}}".to_owned(), "x".repeat(70_000)] {
            fs::write(&file, broken).unwrap();
            assert_eq!(memory().recall(&one), None);
        }
        memory().keep(&one, Transport::H1, 0);
        assert_eq!(memory().recall(&one), Some(Transport::H1));
        assert_eq!(Memory::new(None).recall(&one), None);
        Memory::new(Some(folder.path().join("no/such/folder/paths.json"))).keep(&one, Transport::H1, 0);
    }
}
