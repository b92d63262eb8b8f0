//! All mistakes of a configuration, each with where it is, what was found and what was wanted.
//!
//! ```text
//!  egress-gw.toml:12: egress.ports.shanghai: found 70000, wanted a port from 1 to 65535
//!  environment HIGHWAY__LOG__LEVL: unknown key `log.levl`, did you mean `log.level`?
//! ```
//!
//! One mistake a place: what is said later about a value that is already wrong (or about what holds it) is dropped.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::files::FileRead;
use super::place::{Key, Place};
use super::secret::{Secret, SecretFile};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file it was read from.
    pub file: PathBuf,
    /// Line or variable.
    pub place: Place,
    /// The key, such as `hub[0].url`; empty for the file as a whole.
    pub key: String,
    /// What was found and what was wanted.
    pub what: String,
}

/// Collects the mistakes of one configuration and knows where each key stands.
///
/// Keys are written as they are read: `egress.ports.shanghai`, `hub[0].url`.
#[derive(Debug, Clone, Default)]
pub struct Mistakes {
    file: PathBuf,
    places: BTreeMap<Key, Place>,
    list: Vec<Mistake>,
    files: Vec<FileRead>,
}

impl Mistakes {
    pub(super) fn new(file: &Path, places: BTreeMap<Key, Place>) -> Self {
        Self { file: file.to_owned(), places, list: Vec::new(), files: Vec::new() }
    }

    /// A collector without a file, for tests and for values that were not typed.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// What was typed at `key` is wrong.
    pub fn wrong(&mut self, key: &str, found: impl fmt::Display, wanted: impl fmt::Display) {
        self.say(key, format!("found {found}, wanted {wanted}"));
    }

    /// Nothing was typed at `key`.
    pub fn missing(&mut self, key: &str, wanted: impl fmt::Display) {
        let below = Key::new(key);
        if !self.list.iter().any(|known| Key::new(&known.key).is_in(&below)) {
            self.say(key, format!("missing, wanted {wanted}"));
        }
    }

    /// The value, or the mistake that it is missing.
    pub fn require<T>(&mut self, key: &str, value: Option<T>, wanted: impl fmt::Display) -> Option<T> {
        if value.is_none() {
            self.missing(key, wanted);
        }
        value
    }

    /// Reads a typed text as `T`, or says what was wanted.
    pub fn parse<T: std::str::FromStr>(&mut self, key: &str, text: &str, wanted: impl fmt::Display) -> Option<T> {
        let read = text.parse().ok();
        if read.is_none() {
            self.wrong(key, format_args!("{text:?}"), wanted);
        }
        read
    }

    /// Anything else about `key`, as a sentence without a full stop.
    pub fn say(&mut self, key: &str, what: impl Into<String>) {
        let here = Key::new(key);
        if self.list.iter().any(|known| known.file == self.file && here.is_in(&Key::new(&known.key))) {
            return;
        }
        let place = self.place(&here);
        self.list.push(Mistake { file: self.file.clone(), place, key: key.to_owned(), what: what.into() });
    }

    pub(super) fn push_at(&mut self, place: Place, key: String, what: String) {
        self.list.push(Mistake { file: self.file.clone(), place, key, what });
    }

    /// The secret in `file`, or the mistake; the file is watched for changes along with the configuration.
    pub fn secret(&mut self, key: &str, file: &SecretFile) -> Option<Secret> {
        let path = self.resolve(file.path());
        match file.read(self.folder()) {
            Ok(secret) => {
                self.files.push(FileRead::new(path, secret.bytes()));
                Some(secret)
            }
            Err(error) => {
                self.files.push(FileRead::unreadable(path));
                self.say(key, error.to_string());
                None
            }
        }
    }

    /// The content of a file that the configuration names, or the mistake; watched for changes as [`Self::secret`].
    pub fn content(&mut self, key: &str, file: &Path) -> Option<Vec<u8>> {
        let path = self.resolve(file);
        match super::content_of(&path) {
            Ok(content) => {
                self.files.push(FileRead::new(path, &content));
                Some(content)
            }
            Err(error) => {
                self.files.push(FileRead::unreadable(&path));
                self.say(key, format!("cannot read {}: {error}", path.display()));
                None
            }
        }
    }

    /// Another TOML file that the configuration names (a policy, a list of keys), read with the same care: its mistakes
    /// carry its own name and lines. `settle` sees what was typed in it. Environment variables do not reach into it.
    pub fn document<R, T>(
        &mut self,
        key: &str,
        file: &Path,
        settle: impl FnOnce(R, &mut Self) -> Option<T>,
    ) -> Option<T>
    where
        R: DeserializeOwned,
    {
        let path = self.resolve(file);
        let text = self.content(key, file)?;
        let (raw, mut inner) = super::read::<R>(&path, &text, &[]);
        let settled = raw.and_then(|raw| settle(raw, &mut inner));
        let clean = inner.list.is_empty();
        self.list.append(&mut inner.list);
        self.files.append(&mut inner.files);
        settled.filter(|_| clean)
    }

    /// A path as typed, taken from the folder of the configuration file if it is relative.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder().join(path)
    }

    pub(super) fn was_read(&mut self, file: FileRead) {
        self.files.push(file);
    }

    /// Whether there is none so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, by file and line.
    #[must_use]
    pub fn list(&self) -> Vec<&Mistake> {
        let mut sorted: Vec<_> = self.list.iter().collect();
        sorted.sort_by(|a, b| (a.file != self.file, &a.file, &a.place).cmp(&(b.file != self.file, &b.file, &b.place)));
        sorted
    }

    /// Every file that was read: what has to be watched.
    #[must_use]
    pub fn files(&self) -> &[FileRead] {
        &self.files
    }

    fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    fn place(&self, key: &Key) -> Place {
        let mut key = key.clone();
        loop {
            if let Some(place) = self.places.get(&key) {
                return place.clone();
            }
            if !key.pop() {
                return Place::File;
            }
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Line(line) => write!(f, "{}:{line}: ", self.file.display())?,
            Place::Variable(name) => write!(f, "environment {name}: ")?,
            Place::File if self.file.as_os_str().is_empty() => {}
            Place::File => write!(f, "{}: ", self.file.display())?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list().into_iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
