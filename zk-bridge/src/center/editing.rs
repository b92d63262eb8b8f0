//! The tools' side of the config center: documents and their history, written without losing anybody's change.
//!
//! ```text
//!   read (version) ─▶ edit ─▶ write (expected version) ─┬─ as expected ─▶ one transaction: entry n+1 made, document set
//!                                                       └─ otherwise ───▶ Meanwhile: who, and when
//! ```
//!
//! Entries before the newest 20 go afterwards. The new entry holds the place of a lock: two who write at once make the same one, and
//! one of them fails. Where the connection is lost meanwhile, the entry says whether it was done. On 3.4, which has no transactions,
//! the document is written first, by its version, and the entry, which says it, after it.
//!
//! It never writes blindly, and nothing at all where nothing changes for anybody.

use std::time::{Duration, SystemTime};

use zookeeper_client::Error;

use super::change::{CenterFailure, Edit, Expected, Meanwhile, sound_name, sound_text};
use super::history::{Action, Entry, Tells};
use super::looking::{Found, expected};
use super::{DOCUMENT_MAX_LEN, Place, Version};
use crate::config::RegistrySettings;
use crate::keeper::Keeper;
use crate::publish::apply::{Applied, Folders, Refused, apply};
use crate::publish::{Op, Step};
use crate::session::{AT_ONCE, Session};

/// Entries that are kept of a document.
pub(super) const ENTRIES_KEPT: usize = 20;
/// A tool's session; a server that says nothing for two fifths of it is given up.
const SESSION: Duration = Duration::from_secs(6);
/// How often it is begun anew where somebody else noted the same change at the same moment.
const ROUNDS_MAX: u32 = 3;

/// The config center of a registry, for a tool.
pub struct ConfigCenter {
    pub(super) session: Session,
    pub(super) place: Place,
    /// Keeps the session alive.
    _keeper: Keeper,
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
        let session = Session::open(session_timeout, &settings.of_documents(), &keeper)
            .await
            .map_err(CenterFailure::Unreachable)?;
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

    /// Changes a document and its history; what there is from then on, `None` where somebody else had changed it again before that could
    /// be read.
    ///
    /// # Errors
    /// [`CenterFailure`]; nothing was written but for [`CenterFailure::Unknown`].
    pub async fn write(&self, edit: &Edit) -> Result<Option<Expected>, CenterFailure> {
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

    /// One attempt, and what there is after it, if that is known; `None` where somebody else wrote at the same moment.
    async fn written(&self, edit: &Edit, fit: Fit) -> Result<Option<Option<Expected>>, CenterFailure> {
        let Fit { mut numbers, unnoted, writes } = fit;
        let name = &edit.name;
        let path = self.place.document(name);
        let change = match (edit.text.clone(), writes) {
            (Some(data), None) => Op::CreatePersistent { path, data },
            (Some(data), Some(writes)) => Op::Set { path, data, version: Some(writes) },
            (None, writes) => Op::Delete { path, version: writes },
        };
        if let Some(unnoted) = unnoted {
            let number = last(&numbers) + 1;
            if !self.is_done(name, vec![self.making(&Entry { number, ..unnoted }, name, Tells::InWords)]).await? {
                return Ok(None);
            }
            numbers.push(number);
        }
        let (now, number) = (SystemTime::now(), last(&numbers) + 1);
        let entry = Entry::new(number, now, &edit.by, edit.action, edit.text.as_deref());
        let version = if self.session.has_multi() {
            if !self.is_done(name, vec![self.making(&entry, name, Tells::ByItself), change]).await? {
                return Ok(None);
            }
            self.version_of(&self.place.entry(name, number), &entry.data(Tells::ByItself), 0).await
        } else {
            if !self.is_done(name, vec![change]).await? {
                return Ok(None);
            }
            let text = edit.text.as_deref().unwrap_or_default();
            let version = self
                .version_of(&self.place.document(name), text, writes.map_or(0, |writes| writes.wrapping_add(1)))
                .await;
            let entry = Entry { version, ..entry };
            // It is written, whatever becomes of its entry; who writes next notes what has none.
            let _ = self.is_done(name, vec![self.making(&entry, name, Tells::InWords)]).await;
            version
        };
        let old = numbers.len().saturating_sub(ENTRIES_KEPT - 1);
        self.forget(name, &numbers[..old]).await;
        Ok(Some(match edit.text {
            None => Some(Expected::Absent),
            Some(_) => version.map(Expected::Version),
        }))
    }

    /// The version that a write gave to a node, if what it wrote is still there: all that one transaction writes has the same. What
    /// somebody wrote since is not taken for it.
    async fn version_of(&self, path: &str, data: &str, writes: i32) -> Option<Version> {
        let (found, stat) = self.session.answer(self.session.client.get_data(path)).await.ok()?;
        (found == data.as_bytes() && stat.version == writes).then_some(Version(stat.mzxid))
    }

    fn making(&self, entry: &Entry, name: &str, tells: Tells) -> Op {
        Op::CreatePersistent { path: self.place.entry(name, entry.number), data: entry.data(tells) }
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
        let noted = entries.first().filter(|entry| kept(found) == Some(entry.text.as_deref()));
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
}

fn last(numbers: &[u64]) -> u64 {
    numbers.last().copied().unwrap_or(0)
}

/// What a history says of what is there; `None` of what it cannot keep, which no gateway obeys.
fn kept(found: Option<&Found>) -> Option<Option<&str>> {
    let Some(found) = found else { return Some(None) };
    std::str::from_utf8(&found.data).ok().filter(|text| text.len() <= DOCUMENT_MAX_LEN).map(Some)
}

/// What is there and the history does not say: somebody wrote without it.
fn unnoted(noted: Option<&Entry>, found: Option<&Found>) -> Option<Entry> {
    let text = kept(found)?;
    if noted.and_then(|entry| entry.text.as_deref()) == text {
        return None;
    }
    let at = found.map_or_else(SystemTime::now, |found| found.written);
    let version = found.map(|found| found.version);
    Some(Entry { version, ..Entry::new(0, at, "unknown", Action::Edit, text) })
}
