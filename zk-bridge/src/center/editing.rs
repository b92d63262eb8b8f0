//! The tools' side of the config center: documents and their history, read, and written without losing anybody's change.
//!
//! ```text
//!   read (version) ─▶ edit ─▶ write (expected version) ─┬─ as expected ─▶ one transaction: entry n+1 made, document set
//!                                                       └─ otherwise ───▶ Meanwhile: who, and when
//! ```
//!
//! Entries before the newest 20 go afterwards. The new entry holds the place of a lock: two who write at once make the same one, and
//! one of them fails. Where the connection is lost meanwhile, the entry says whether it was done. On 3.4, which has no transactions,
//! the document is written first, by its version, and the entry after it.
//!
//! It never writes blindly, and nothing at all where nothing changes for anybody.

use std::time::{Duration, SystemTime};

use zookeeper_client::Error;

use super::change::{CenterFailure, Edit, Expected, Listed, Meanwhile, sound_name, sound_text};
use super::history::{Action, Entry, number_of};
use super::{DOCUMENT_MAX_LEN, Document, Place, Version, is_document_name, time};
use crate::config::RegistrySettings;
use crate::keeper::Keeper;
use crate::publish::apply::{Applied, Folders, Refused, apply};
use crate::publish::{Op, Step};
use crate::session::{AT_ONCE, Fault, Session};

/// Entries that are kept of a document.
const ENTRIES_KEPT: usize = 20;
/// A tool's session; a server that says nothing for two fifths of it is given up.
const SESSION: Duration = Duration::from_secs(6);
/// How often it is begun anew where somebody else noted the same change at the same moment.
const ROUNDS_MAX: u32 = 3;

/// The config center of a registry, for a tool.
pub struct ConfigCenter {
    session: Session,
    place: Place,
    /// Keeps the session alive.
    _keeper: Keeper,
}

/// What is there of a document.
struct Found {
    data: Vec<u8>,
    version: Version,
    /// How often the node was written, which is what a write is compared by.
    writes: i32,
    written: SystemTime,
}

/// What is there of a history.
struct Fit {
    /// Of its entries, the oldest first.
    numbers: Vec<u64>,
    /// What it does not say of the document.
    unnoted: Option<Entry>,
    /// How often the document was written; `None` where there is none.
    writes: Option<i32>,
}

impl ConfigCenter {
    /// Makes a session with the registry that holds it.
    ///
    /// # Errors
    /// [`CenterFailure::Unreachable`]; [`CenterFailure::Refused`] where the address has a chroot that is not there.
    pub async fn open(settings: &RegistrySettings) -> Result<Self, CenterFailure> {
        let keeper =
            Keeper::start().map_err(|error| CenterFailure::Odd(format!("no thread for a session: {error}")))?;
        let session_timeout = settings.session_timeout.min(SESSION);
        let session = Session::open(session_timeout, settings, &keeper).await.map_err(CenterFailure::Unreachable)?;
        let center = Self { session, place: Place::new(&settings.config_root), _keeper: keeper };
        let client = &center.session.client;
        center.read_of("/", client.sync("/")).await?;
        if center.read_of("/", client.check_stat("/")).await?.flatten().is_none() {
            let address = &settings.address;
            return Err(CenterFailure::Refused(format!(
                "the chroot of {address} does not exist: create it, or correct the address"
            )));
        }
        Ok(center)
    }

    /// Every document, by name.
    ///
    /// # Errors
    /// [`CenterFailure`].
    pub async fn list(&self) -> Result<Vec<Listed>, CenterFailure> {
        let folder = self.place.documents();
        let mut names = self.names(&folder).await?;
        names.retain(|name| is_document_name(name));
        names.sort();
        let path = |name: &String| self.place.document(name);
        let stats = self.session.each(&names, |name| self.session.client.check_stat(&path(name))).await;
        let stats = stats.map_err(|error| failure(&folder, &error))?;
        let mut listed = Vec::new();
        for (name, stat) in names.into_iter().zip(stats) {
            let stat = stat.map_err(|error| failure(&path(&name), &error))?;
            let Some(stat) = stat else { continue };
            let len = usize::try_from(stat.data_length).unwrap_or(0);
            listed.push(Listed { name, version: Version(stat.mzxid), len, written: time(stat.mtime) });
        }
        Ok(listed)
    }

    /// A document, if it is there. What is no UTF-8 in it is shown as `U+FFFD`.
    ///
    /// # Errors
    /// [`CenterFailure`].
    pub async fn read(&self, name: &str) -> Result<Option<Document>, CenterFailure> {
        sound_name(name)?;
        let found = self.found(name).await?;
        Ok(found.map(|Found { data, version, written, .. }| {
            let text = String::from_utf8_lossy(&data).into_owned();
            Document { name: name.to_owned(), text, version, written }
        }))
    }

    /// What is kept of a document's history, the newest first; also of one that is not there any more.
    ///
    /// # Errors
    /// [`CenterFailure`].
    pub async fn history(&self, name: &str) -> Result<Vec<Entry>, CenterFailure> {
        sound_name(name)?;
        let numbers = self.numbers(name).await?;
        let newest: Vec<u64> = numbers.into_iter().rev().take(ENTRIES_KEPT).collect();
        let path = |number: &u64| self.place.entry(name, *number);
        let nodes = self.session.each(&newest, |number| self.session.client.get_data(&path(number))).await;
        let nodes = nodes.map_err(|error| failure(&self.place.history(name), &error))?;
        let mut entries = Vec::new();
        for (number, node) in newest.into_iter().zip(nodes) {
            match node {
                Ok((data, _)) => entries.extend(Entry::read(number, &data)),
                Err(Error::NoNode) => {}
                Err(error) => return Err(failure(&path(&number), &error)),
            }
        }
        Ok(entries)
    }

    /// Changes a document and its history; what there is from then on.
    ///
    /// # Errors
    /// [`CenterFailure`]; nothing was written but for [`CenterFailure::Unknown`].
    pub async fn write(&self, edit: &Edit) -> Result<Expected, CenterFailure> {
        for _ in 0..ROUNDS_MAX {
            let fit = self.fit(edit).await?;
            if let Some(after) = self.written(edit, fit).await? {
                return Ok(after);
            }
        }
        let found = self.found(&edit.name).await?;
        Err(self.meanwhile(edit, found.as_ref()).await)
    }

    /// Whether [`ConfigCenter::write`] would begin to write.
    ///
    /// # Errors
    /// Why not.
    pub async fn would_write(&self, edit: &Edit) -> Result<(), CenterFailure> {
        self.fit(edit).await.map(drop)
    }

    /// What there is, if a change fits to it.
    async fn fit(&self, edit: &Edit) -> Result<Fit, CenterFailure> {
        let name = &edit.name;
        sound_name(name)?;
        edit.text.as_deref().map_or(Ok(()), |text| sound_text(name, text))?;
        // The history first: a change between the two is seen in the document, and else by who made the entry.
        let numbers = self.numbers(name).await?;
        let noted = self.entry(name, last(&numbers)).await?;
        let found = self.found(name).await?;
        if expected(found.as_ref()) != edit.expected {
            return Err(self.meanwhile(edit, found.as_ref()).await);
        }
        if found.is_none() && edit.text.is_none() {
            return Err(CenterFailure::Refused(format!("found no document {name}, wanted one to take away")));
        }
        let unnoted = unnoted(noted.as_ref(), found.as_ref());
        Ok(Fit { numbers, unnoted, writes: found.map(|found| found.writes) })
    }

    /// One attempt, and what there is after it; `None` where somebody else wrote at the same moment.
    async fn written(&self, edit: &Edit, fit: Fit) -> Result<Option<Expected>, CenterFailure> {
        let Fit { mut numbers, unnoted, writes } = fit;
        let name = &edit.name;
        let document = self.place.document(name);
        let path = document.clone();
        let change = match (edit.text.clone(), writes) {
            (Some(data), None) => Op::CreatePersistent { path, data },
            (Some(data), Some(writes)) => Op::Set { path, data, version: Some(writes) },
            (None, writes) => Op::Delete { path, version: writes },
        };
        if let Some(unnoted) = unnoted {
            let number = last(&numbers) + 1;
            if !self.is_done(name, vec![self.making(&Entry { number, ..unnoted }, name)]).await? {
                return Ok(None);
            }
            numbers.push(number);
        }
        let (now, number) = (SystemTime::now(), last(&numbers) + 1);
        let entry = self.making(&Entry::new(number, now, &edit.by, edit.action, edit.text.as_deref()), name);
        let (step, after) =
            if self.session.has_multi() { (vec![entry, change], None) } else { (vec![change], Some(entry)) };
        // Of a transaction all that it writes has one version.
        let telling = if after.is_none() { self.place.entry(name, number) } else { document };
        if !self.is_done(name, step).await? {
            return Ok(None);
        }
        if let Some(entry) = after {
            // It is written, whatever becomes of its entry; who writes next notes what has none.
            let _ = self.is_done(name, vec![entry]).await;
        }
        let old = numbers.len().saturating_sub(ENTRIES_KEPT - 1);
        self.forget(name, &numbers[..old]).await;
        if edit.text.is_none() {
            return Ok(Some(Expected::Absent));
        }
        let stat = self.read_of(&telling, self.session.client.check_stat(&telling)).await;
        let stat =
            stat.map_err(|error| CenterFailure::Odd(format!("{name} was written, but what came of it: {error}")))?;
        Ok(Some(stat.flatten().map_or(Expected::Absent, |stat| Expected::Version(Version(stat.mzxid)))))
    }

    fn making(&self, entry: &Entry, name: &str) -> Op {
        Op::CreatePersistent { path: self.place.entry(name, entry.number), data: entry.data() }
    }

    /// Deletes old entries; what cannot be deleted now is tried again with the next change.
    async fn forget(&self, name: &str, numbers: &[u64]) {
        let delete = |number: &u64| self.session.client.delete(&self.place.entry(name, *number), None);
        let _ = self.session.all(numbers.iter().take(AT_ONCE).map(delete).collect()).await;
    }

    /// Carries out a step; `false` where the tree is not as it was thought.
    async fn is_done(&self, name: &str, step: Step) -> Result<bool, CenterFailure> {
        match apply(&self.session, &[&step], &mut Folders::default(), &mut None, || false, |_| {}).await {
            Ok(Applied::All { refused }) => match refused.into_iter().next() {
                Some(Refused { why, .. }) => Err(CenterFailure::Denied(why)),
                None => Ok(true),
            },
            Ok(Applied::Conflict | Applied::Overtaken) => Ok(false),
            Err(error) => match self.outcome(&step).await {
                Some(true) => Ok(true),
                Some(false) => Err(CenterFailure::Lost(error.to_string())),
                None => Err(CenterFailure::Unknown(name.to_owned())),
            },
        }
    }

    /// Whether a step was carried out whose answer was lost: its entry says it. `None` where that cannot be known.
    async fn outcome(&self, step: &[Op]) -> Option<bool> {
        let Some(Op::CreatePersistent { path, data }) = step.first() else { return None };
        self.session.answer(self.session.client.sync("/")).await.ok()?;
        match self.session.answer(self.session.client.get_data(path)).await {
            Ok((found, _)) => Some(found == data.as_bytes()),
            Err(Error::NoNode) => Some(false),
            Err(_) => None,
        }
    }

    async fn meanwhile(&self, edit: &Edit, found: Option<&Found>) -> CenterFailure {
        let entries = self.history(&edit.name).await.unwrap_or_default();
        let text = found.and_then(|found| std::str::from_utf8(&found.data).ok());
        let noted = entries.first().filter(|entry| entry.text.as_deref() == text);
        let unnoted = || {
            let at = humantime::format_rfc3339_millis(found?.written).to_string();
            Some(("somebody who left no entry in its history".to_owned(), at))
        };
        CenterFailure::Meanwhile(Box::new(Meanwhile {
            name: edit.name.clone(),
            expected: edit.expected,
            found: expected(found),
            by: noted.map(|entry| (entry.by.clone(), entry.at.clone())).or_else(unnoted),
        }))
    }

    async fn found(&self, name: &str) -> Result<Option<Found>, CenterFailure> {
        let path = self.place.document(name);
        let node = self.read_of(&path, self.session.client.get_data(&path)).await?;
        Ok(node.map(|(data, stat)| Found {
            data,
            version: Version(stat.mzxid),
            writes: stat.version,
            written: time(stat.mtime),
        }))
    }

    async fn entry(&self, name: &str, number: u64) -> Result<Option<Entry>, CenterFailure> {
        let path = self.place.entry(name, number);
        let node = self.read_of(&path, self.session.client.get_data(&path)).await?;
        Ok(node.and_then(|(data, _)| Entry::read(number, &data)))
    }

    /// The numbers of the entries of a history, the oldest first.
    async fn numbers(&self, name: &str) -> Result<Vec<u64>, CenterFailure> {
        let names = self.names(&self.place.history(name)).await?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// What is in a folder; nothing where it is not there.
    async fn names(&self, folder: &str) -> Result<Vec<String>, CenterFailure> {
        let found = self.read_of(folder, self.session.client.get_children(folder)).await?;
        Ok(found.map_or_else(Vec::new, |(names, _)| names))
    }

    /// An answer about a path; none where nothing is there.
    async fn read_of<T>(
        &self,
        path: &str,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<Option<T>, CenterFailure> {
        match self.session.answer(request).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::NoNode) => Ok(None),
            Err(error) => Err(failure(path, &error)),
        }
    }
}

fn last(numbers: &[u64]) -> u64 {
    numbers.last().copied().unwrap_or(0)
}

fn expected(found: Option<&Found>) -> Expected {
    found.map_or(Expected::Absent, |found| Expected::Version(found.version))
}

/// What is there and the history does not say: somebody wrote without it. What no gateway obeys is not noted.
fn unnoted(noted: Option<&Entry>, found: Option<&Found>) -> Option<Entry> {
    let text = match found {
        Some(found) => Some(std::str::from_utf8(&found.data).ok().filter(|text| text.len() <= DOCUMENT_MAX_LEN)?),
        None => None,
    };
    if noted.and_then(|entry| entry.text.as_deref()) == text {
        return None;
    }
    let at = found.map_or_else(SystemTime::now, |found| found.written);
    Some(Entry::new(0, at, "unknown", Action::Edit, text))
}

fn failure(path: &str, error: &Error) -> CenterFailure {
    match Fault::of(error) {
        Fault::Denied => CenterFailure::Denied(format!("may not read {path}: {error}")),
        Fault::Lost => CenterFailure::Lost(format!("{path} was not read: {error}")),
        Fault::Conflict | Fault::Odd => CenterFailure::Odd(format!("cannot read {path}: {error}")),
    }
}
