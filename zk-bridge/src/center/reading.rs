//! The last good documents: what is read again, and what is kept where reading says nothing good.
//!
//! ```text
//!   folder ─▶ names ─▶ state of each ─▶ text of those that changed ─▶ Held ─▶ Documents
//!
//!   found                                         then
//!   no connection, no right, too long, no text    the last good text stays, and it is said
//!   a document is gone, the folder is empty       somebody took it away: gone
//!   no folder, though this session saw one        somebody took everything away: gone
//!   no folder, and this session never saw one     a tree that was lost, or another one: the last good documents stay
//! ```
//!
//! Nobody registers documents again after a server has lost its tree, as providers do, so what was read before stays until
//! there is a folder: without it an emergency switch would end with the disk of a server.
//!
//! It knows no time and shows nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zookeeper_client::{Error, Stat};

use super::{
    DOCUMENT_MAX_LEN, DOCUMENTS_MAX, DOCUMENTS_MAX_LEN, Document, Documents, Place, READ_AT_ONCE, Version,
    is_document_name, time,
};
use crate::session::Session;

/// The last good state.
#[derive(Debug, Default)]
pub(crate) struct Held {
    nodes: BTreeMap<String, Node>,
    is_read: bool,
    /// Whether the session has seen the folder.
    is_seen: bool,
    /// Whether something may not be read: nobody tells when it is opened.
    pub(crate) is_denied: bool,
    /// What is wrong with the folder as a whole.
    of_folder: Vec<String>,
}

/// What is known of a document.
#[derive(Debug, Default)]
struct Node {
    /// Its last change that was read in this session.
    changed_at: Option<i64>,
    good: Option<Arc<Document>>,
    problem: Option<String>,
}

impl Held {
    /// Nothing of another session's tree can be compared.
    pub(crate) fn new_session(&mut self) {
        self.is_seen = false;
        self.nodes.values_mut().for_each(|node| node.changed_at = None);
    }

    /// As they are shown.
    pub(crate) fn documents(&self) -> Documents {
        let all = self.nodes.values().filter_map(|node| node.good.clone()).collect();
        let without = self.nodes.iter().filter(|(_, node)| node.good.is_none());
        let unsound = without.map(|(name, _)| name.clone()).collect();
        Documents { is_read: self.is_read, has_folder: self.is_seen, unsound, all }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What is wrong, a sentence each.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let of_nodes = self.nodes.values().filter_map(|node| node.problem.as_ref());
        self.of_folder.iter().chain(of_nodes).cloned()
    }

    /// Reads what changed.
    ///
    /// # Errors
    /// The connection or session is lost, or the server answered something odd. What was read until then is kept.
    pub(crate) async fn refresh(&mut self, session: &Session, place: &Place) -> Result<(), Error> {
        let folder = place.documents();
        let answers = session.each(std::slice::from_ref(&folder), |folder| session.client.get_children(folder)).await?;
        self.is_denied = false;
        self.of_folder.clear();
        for answer in answers {
            match answer {
                Ok((names, _)) => {
                    self.is_seen = true;
                    self.list(names);
                }
                Err(Error::NoNode) if self.is_lost() => {
                    let count = self.nodes.values().filter(|node| node.good.is_some()).count();
                    self.of_folder.push(format!(
                        "found no folder {folder}, where there were {count} rule documents: they stay as they were; \
                         write them again, or make the folder without them where they are to go"
                    ));
                    return Ok(());
                }
                Err(Error::NoNode) => self.list(Vec::new()),
                Err(_) => {
                    self.is_denied = true;
                    self.of_folder.push(format!("may not read {folder}: the rule documents stay as they were"));
                    return Ok(());
                }
            }
        }
        let changed = self.changed(session, place).await?;
        self.read(session, place, &changed).await?;
        self.is_read = true;
        Ok(())
    }

    /// Whether a missing folder says nothing about the documents.
    fn is_lost(&self) -> bool {
        !self.is_seen && self.nodes.values().any(|node| node.good.is_some())
    }

    /// Takes over which documents there are. Of too many, those stay that are known; further ones by name.
    fn list(&mut self, names: Vec<String>) {
        let (mut sound, unsound): (BTreeSet<String>, BTreeSet<String>) =
            names.into_iter().partition(|name| is_document_name(name));
        self.of_folder.extend(unsound.iter().map(|name| {
            format!(
                "found a rule document {name:?}, wanted a name of at most 128 of A-Z a-z 0-9 . _ : ~ -: it is not read"
            )
        }));
        self.nodes.retain(|name, _| sound.remove(name));
        let room = DOCUMENTS_MAX.saturating_sub(self.nodes.len());
        let beyond = sound.len().saturating_sub(room);
        if beyond > 0 {
            let what = format!("found {beyond} rule documents over the limit of {DOCUMENTS_MAX}: they are not read");
            self.of_folder.push(what);
        }
        self.nodes.extend(sound.into_iter().take(room).map(|name| (name, Node::default())));
    }

    /// Those whose text has to be read.
    async fn changed(&mut self, session: &Session, place: &Place) -> Result<Vec<String>, Error> {
        let names: Vec<String> = self.nodes.keys().cloned().collect();
        let stats = session.each(&names, |name| session.client.check_stat(&place.document(name))).await?;
        let mut changed = Vec::new();
        for (name, stat) in names.into_iter().zip(stats) {
            match stat {
                Ok(None) | Err(Error::NoNode) => drop(self.nodes.remove(&name)),
                Ok(Some(stat)) if !self.is_known(&name, &stat) => {
                    match self.room_for(&name, usize::try_from(stat.data_length).unwrap_or(0)) {
                        Ok(()) => changed.push(name),
                        Err(what) => self.refuse(&name, &what),
                    }
                }
                Ok(Some(_)) => {}
                Err(_) => self.deny(&name, place),
            }
        }
        Ok(changed)
    }

    fn is_known(&self, name: &str, stat: &Stat) -> bool {
        self.nodes.get(name).is_some_and(|node| node.changed_at == Some(stat.mzxid))
    }

    async fn read(&mut self, session: &Session, place: &Place, names: &[String]) -> Result<(), Error> {
        for names in names.chunks(READ_AT_ONCE) {
            let answers = session.each(names, |name| session.client.get_data(&place.document(name))).await?;
            for (name, answer) in names.iter().zip(answers) {
                match answer {
                    Ok((data, stat)) => self.take(name, data, &stat),
                    Err(Error::NoNode) => drop(self.nodes.remove(name)),
                    Err(_) => self.deny(name, place),
                }
            }
        }
        Ok(())
    }

    /// Takes what was read of a document, if it is a text that fits.
    fn take(&mut self, name: &str, data: Vec<u8>, stat: &Stat) {
        let text = self.room_for(name, data.len()).and_then(|()| {
            String::from_utf8(data).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                format!("rule document {name} is no text in UTF-8 from byte {at} on")
            })
        });
        match text {
            Ok(text) => {
                let written = time(stat.mtime);
                let good = Document { name: name.to_owned(), text, version: Version(stat.mzxid), written };
                let node = self.nodes.entry(name.to_owned()).or_default();
                // The same one stays: it is what others compare.
                if node.good.as_deref() != Some(&good) {
                    node.good = Some(Arc::new(good));
                }
                (node.changed_at, node.problem) = (Some(stat.mzxid), None);
            }
            Err(what) => self.refuse(name, &what),
        }
    }

    /// Whether a document may be so long.
    fn room_for(&self, name: &str, len: usize) -> Result<(), String> {
        if len > DOCUMENT_MAX_LEN {
            return Err(format!("rule document {name} has {len} bytes, wanted at most {DOCUMENT_MAX_LEN}"));
        }
        let others = self.nodes.iter().filter(|(other, _)| *other != name);
        let others: usize = others.filter_map(|(_, node)| Some(node.good.as_ref()?.text.len())).sum();
        if others + len > DOCUMENTS_MAX_LEN {
            let all = others + len;
            return Err(format!(
                "rule document {name} has {len} bytes, which makes {all} of all documents, wanted at most {DOCUMENTS_MAX_LEN}"
            ));
        }
        Ok(())
    }

    fn deny(&mut self, name: &str, place: &Place) {
        self.is_denied = true;
        self.refuse(name, &format!("may not read {}", place.document(name)));
    }

    /// What is there is not taken, and looked at again whenever something is read: others may make room.
    fn refuse(&mut self, name: &str, what: &str) {
        let node = self.nodes.entry(name.to_owned()).or_default();
        let then = if node.good.is_some() { "its last good text stays" } else { "it says nothing" };
        (node.changed_at, node.problem) = (None, Some(format!("{what}: {then}")));
    }
}
