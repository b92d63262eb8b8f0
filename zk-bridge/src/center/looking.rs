//! What a tool sees of the config center: documents, their histories, and who may read them. Many are asked for side by side, a few at once.
//!
//! Never writes.

use std::future::Future;
use std::time::SystemTime;

use zookeeper_client::{Acl, Error, Permission, Stat};

use super::change::{AllRead, CenterFailure, Expected, Facts, Listed, NoText, Readers, Seen, sound_name};
use super::editing::{ConfigCenter, ENTRIES_KEPT};
use super::history::{Entry, number_of};
use super::{READ_AT_ONCE, Version, is_document_name, time};
use crate::session::Fault;

/// What is there of a document.
pub(super) struct Found {
    pub(super) data: Vec<u8>,
    pub(super) version: Version,
    /// How often the node was written, which is what a write is compared by.
    pub(super) writes: i32,
    pub(super) written: SystemTime,
}

impl Found {
    fn of(data: Vec<u8>, stat: &Stat) -> Self {
        Self { data, version: Version(stat.mzxid), writes: stat.version, written: time(stat.mtime) }
    }

    fn seen(self, name: &str) -> Seen {
        let name = name.to_owned();
        let text = String::from_utf8(self.data)
            .map_err(|error| NoText { name: name.clone(), at: error.utf8_error().valid_up_to() });
        Seen { name, text, version: self.version, written: self.written }
    }
}

impl ConfigCenter {
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
            let facts = match stat.map_err(|error| failure(&path(&name), &error)) {
                Ok(None) => continue,
                Ok(Some(stat)) => {
                    let len = usize::try_from(stat.data_length).unwrap_or(0);
                    Some(Facts { version: Version(stat.mzxid), len, written: time(stat.mtime) })
                }
                Err(CenterFailure::Denied(_)) => None,
                Err(failure) => return Err(failure),
            };
            listed.push(Listed { name, facts });
        }
        Ok(listed)
    }

    /// Whether there is a folder of documents. A gateway that holds documents keeps them while there is none, and drops those that are not in
    /// it when there is one.
    ///
    /// # Errors
    /// [`CenterFailure`].
    pub async fn has_folder(&self) -> Result<bool, CenterFailure> {
        let folder = self.place.documents();
        Ok(self.read_of(&folder, self.session.client.check_stat(&folder)).await?.flatten().is_some())
    }

    /// Those of these documents that are there. One that cannot be read keeps nobody from reading the others: any team may close its own.
    ///
    /// # Errors
    /// [`CenterFailure`].
    pub async fn read_all(&self, names: &[String]) -> Result<AllRead, CenterFailure> {
        names.iter().try_for_each(|name| sound_name(name))?;
        let path = |name: &String| self.place.document(name);
        let mut all = AllRead::default();
        for some in names.chunks(READ_AT_ONCE) {
            let nodes = self.session.each(some, |name| self.session.client.get_data(&path(name))).await;
            for (name, node) in some.iter().zip(nodes.map_err(|error| failure(&self.place.documents(), &error))?) {
                match node {
                    Ok((data, stat)) => match Found::of(data, &stat).seen(name).document() {
                        Ok(document) => all.documents.push(document),
                        Err(no_text) => all.unread.push(no_text.to_string()),
                    },
                    Err(Error::NoNode) => {}
                    Err(error) => match failure(&path(name), &error) {
                        CenterFailure::Denied(what) => all.unread.push(what),
                        failure => return Err(failure),
                    },
                }
            }
        }
        Ok(all)
    }

    /// Who may read a document: its text, and that it is there. `None` where that may not be asked, or there is no document.
    ///
    /// # Errors
    /// [`CenterFailure`].
    pub async fn readers(&self, name: &str) -> Result<Option<Readers>, CenterFailure> {
        sound_name(name)?;
        let mut only: Option<Vec<String>> = None;
        for path in [self.place.documents(), self.place.document(name)] {
            let acl = match self.read_of(&path, self.session.client.get_acl(&path)).await {
                Ok(Some((acl, _))) => acl,
                Ok(None) | Err(CenterFailure::Denied(_)) => return Ok(None),
                Err(failure) => return Err(failure),
            };
            let Some(readers) = readers_of(&acl) else { continue };
            only = Some(match only {
                Some(before) => readers.into_iter().filter(|reader| before.contains(reader)).collect(),
                None => readers,
            });
        }
        Ok(Some(only.map_or(Readers::Everybody, Readers::Only)))
    }

    /// A document, if it is there.
    ///
    /// # Errors
    /// [`CenterFailure`].
    pub async fn read(&self, name: &str) -> Result<Option<Seen>, CenterFailure> {
        sound_name(name)?;
        Ok(self.found(name).await?.map(|found| found.seen(name)))
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
                Ok((data, stat)) => entries.extend(Entry::read(number, &data, stat.czxid)),
                Err(Error::NoNode) => {}
                Err(error) => return Err(failure(&path(&number), &error)),
            }
        }
        Ok(entries)
    }

    pub(super) async fn found(&self, name: &str) -> Result<Option<Found>, CenterFailure> {
        let path = self.place.document(name);
        let node = self.read_of(&path, self.session.client.get_data(&path)).await?;
        Ok(node.map(|(data, stat)| Found::of(data, &stat)))
    }

    pub(super) async fn entry(&self, name: &str, number: u64) -> Result<Option<Entry>, CenterFailure> {
        let path = self.place.entry(name, number);
        let node = self.read_of(&path, self.session.client.get_data(&path)).await?;
        Ok(node.and_then(|(data, stat)| Entry::read(number, &data, stat.czxid)))
    }

    /// The numbers of the entries of a history, the oldest first.
    pub(super) async fn numbers(&self, name: &str) -> Result<Vec<u64>, CenterFailure> {
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
    pub(super) async fn read_of<T>(
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

pub(super) fn expected(found: Option<&Found>) -> Expected {
    found.map_or(Expected::Absent, |found| Expected::Version(found.version))
}

/// Who may read by these rights, as `scheme:user`; `None`: everybody. A password's hash is nobody's business.
fn readers_of(acl: &[Acl]) -> Option<Vec<String>> {
    let readers = acl.iter().filter(|acl| acl.permission().has(Permission::READ));
    let mut names = Vec::new();
    for (scheme, id) in readers.map(|acl| (acl.scheme(), acl.id())) {
        if (scheme, id) == ("world", "anyone") {
            return None;
        }
        let id = if scheme == "digest" { id.split(':').next().unwrap_or_default() } else { id };
        names.push(format!("{scheme}:{id}"));
    }
    names.sort();
    names.dedup();
    Some(names)
}

fn failure(path: &str, error: &Error) -> CenterFailure {
    match Fault::of(error) {
        Fault::Denied => CenterFailure::Denied(format!("may not read {path}: {error}")),
        Fault::Lost => CenterFailure::Lost(format!("{path} was not read: {error}")),
        Fault::Conflict | Fault::Odd => CenterFailure::Odd(format!("cannot read {path}: {error}")),
    }
}
