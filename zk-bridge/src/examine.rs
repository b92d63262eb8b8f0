//! What a tool can say of a registry before anything is published: who answers, whether there is a session, and what its login may do there.
//!
//! ```text
//!   read     the children of a folder, and whether there are any
//!   create   a transaction of two: create a node there, and check a version that no node has. The server looks at the right before it looks
//!            at the version, so that the first failure says which of the two it was; nothing is ever made
//! ```
//!
//! It changes nothing, and shows no name of anybody who logs in.

use std::time::{Duration, Instant};

use zookeeper_client::{CreateMode, Error, MultiWriteError};

use crate::config::RegistrySettings;
use crate::keeper::Keeper;
use crate::layout::Layout;
use crate::session::{Fault, Session, host_and_port, hosts, version_of_host};

/// A version that a node has after two thousand million changes.
const NO_VERSION: i32 = i32::MAX;
/// The name of what is never made.
const NEVER: &str = "highway-doctor";

/// One server of an ensemble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `HOST:PORT`.
    pub address: String,
    /// What it says of itself; a server that takes no sessions says nothing, and one may be told to keep it to itself.
    pub version: Option<String>,
}

/// What was tried in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To read what is there.
    Read,
    /// To make nodes there.
    Create,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// The right is there.
    Yes,
    /// It is not.
    No,
    /// There is no such folder.
    Nothing,
    /// Nobody can tell, for this reason.
    Unknown(String),
}

/// A registry, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its servers in the order of the address.
    pub servers: Vec<Server>,
    /// How long a session took to make and how long it may be silent, or why there is none.
    pub session: Result<(Duration, Duration), String>,
    /// What was tried, by the folder's path.
    pub rights: Vec<(String, Right, Granted)>,
}

/// The servers of a registry: host and port of each, in the order of its address.
#[must_use]
pub fn servers(settings: &RegistrySettings) -> Vec<(&str, u16)> {
    let bare = |(host, port): (_, u16)| (str::trim_matches(host, ['[', ']']), port);
    hosts(&settings.address).map(host_and_port).map(bare).collect()
}

/// Looks at a registry; with `Right::Create` also at what a gateway needs that publishes.
pub async fn examine(settings: &RegistrySettings, wanted: Right) -> Examined {
    let mut servers = Vec::new();
    for host in hosts(&settings.address) {
        let version = version_of_host(host).await.map(|version| version.to_string());
        servers.push(Server { address: host.to_owned(), version });
    }
    let start = Instant::now();
    let opened = match Keeper::start() {
        Ok(keeper) => Session::open(settings.session_timeout, settings, &keeper).await.map(|session| (keeper, session)),
        Err(error) => Err(format!("no thread for a session: {error}")),
    };
    let (_keeper, session) = match opened {
        Ok(opened) => opened,
        Err(why) => return Examined { servers, session: Err(why), rights: Vec::new() },
    };
    let took = start.elapsed();
    let layout = Layout::new(&settings.root, &settings.services_root);
    let mut rights = Vec::new();
    // The roots, and for who decides by rules their documents.
    let mut folders = vec![layout.root(), layout.services()];
    if wanted == Right::Create {
        folders.push(format!("/{}/highway", settings.config_root));
    }
    folders.dedup();
    for folder in folders {
        let read = session.answer(session.client.list_children(&folder)).await;
        rights.push((folder, Right::Read, granted(read.map(drop))));
    }
    if wanted == Right::Create {
        let mut folders =
            vec![layout.root(), layout.services(), format!("/{}/mapping", settings.root), layout.all_metadata()];
        folders.dedup();
        for folder in folders {
            let made = may_create(&session, &folder).await;
            rights.push((folder, Right::Create, made));
        }
    }
    Examined { servers, session: Ok((took, session.client.session_timeout())), rights }
}

/// Where a folder is missing, the one that it would be made in says it.
async fn may_create(session: &Session, folder: &str) -> Granted {
    if !session.has_multi() {
        return Granted::Unknown("servers before 3.5 cannot be asked without making a node".to_owned());
    }
    let mut folder = folder;
    loop {
        let parent = if folder.is_empty() { "/" } else { folder };
        match session.answer(session.client.check_stat(parent)).await {
            Ok(Some(_)) => break granted(would_create(session, parent).await),
            Ok(None) => folder = folder.rsplit_once('/').map_or("", |(above, _)| above),
            Err(error) => break granted(Err(error)),
        }
        if parent == "/" {
            break Granted::Nothing;
        }
    }
}

async fn would_create(session: &Session, folder: &str) -> Result<(), Error> {
    let path = format!("{}/{NEVER}", folder.trim_end_matches('/'));
    let mut writer = session.client.new_multi_writer();
    writer.add_create(&path, b"", &CreateMode::Ephemeral.with_acls(session.acls()))?;
    writer.add_check_version(folder, NO_VERSION)?;
    let done = session.answer(async { Ok(writer.commit().await) }).await?;
    match done {
        // What stands before it would have been made; that the folder may not be read, which the second operation wants, is another question.
        Err(MultiWriteError::OperationFailed { index: 1, source: Error::BadVersion | Error::NoAuth }) => Ok(()),
        Err(MultiWriteError::OperationFailed { index: 0, source: Error::NodeExists }) => Ok(()),
        Err(error) => Err(error.into()),
        // A node that has been changed so often does not exist; what was made goes with the session.
        Ok(_) => Ok(()),
    }
}

fn granted(answer: Result<(), Error>) -> Granted {
    match answer {
        Ok(()) => Granted::Yes,
        Err(Error::NoNode) => Granted::Nothing,
        Err(error) if Fault::of(&error) == Fault::Denied => Granted::No,
        Err(error) => Granted::Unknown(error.to_string()),
    }
}
