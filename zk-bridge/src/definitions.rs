//! What providers publish of an interface: its methods and types as JSON. For tools that make clients of it.
//!
//! ```text
//!   /<root>/metadata/<interface>[/<version>][/<group>]/provider/<application>    Dubbo 2.7 and 3; 2.6 writes none
//! ```
//!
//! It never reads into a definition and never writes one.
//! Source: `AbstractMetadataReport`, `ServiceMetadataIdentifier` of apache/dubbo.

use thiserror::Error;
use zookeeper_client::Error as ZooKeeperError;

use crate::config::RegistrySettings;
use crate::keeper::Keeper;
use crate::layout::Layout;
use crate::session::{Fault, Session};

/// Folders and definitions of one interface that are read at most.
const READ_MAX: usize = 256;
/// Folders below each other: interface, version, group.
const FOLDERS_DEEP: usize = 3;
/// The folder of those who offer it.
const PROVIDER: &str = "provider";
/// The folder of those who use it, which may be many and tell nothing.
const CONSUMER: &str = "consumer";

/// What an application published of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its node.
    pub path: String,
    /// The application.
    pub application: String,
    /// What it published, JSON.
    pub text: String,
    /// The larger, the newer.
    pub written: i64,
}

/// Why definitions cannot be read.
#[derive(Debug, Error)]
pub enum DefinitionsFailure {
    /// There is no session, or it was lost; the sentence says why.
    #[error("{0}")]
    Unreachable(String),
    /// There are more folders or definitions than are read.
    #[error("found {0} below {1}, wanted at most {READ_MAX}")]
    TooMany(usize, String),
    /// Who we are may not read them.
    #[error("may not read {0}; log in as somebody who may")]
    Denied(String),
}

/// All definitions of an interface that are published in this registry, by their paths.
///
/// # Errors
/// [`DefinitionsFailure`].
pub async fn definitions(settings: &RegistrySettings, interface: &str) -> Result<Vec<Definition>, DefinitionsFailure> {
    let unreachable = DefinitionsFailure::Unreachable;
    let keeper = Keeper::start().map_err(|error| unreachable(format!("no thread for a session: {error}")))?;
    let session = Session::open(settings.session_timeout, settings, &keeper).await.map_err(unreachable)?;
    let lost =
        |error| DefinitionsFailure::Unreachable(format!("the session with {} failed: {error}", settings.address));
    let root = Layout::new(&settings.root, &settings.services_root).definitions(interface);
    let mut folders = vec![root.clone()];
    let mut paths = Vec::new();
    for _ in 0..FOLDERS_DEEP {
        let all = session.each(&folders, |folder| session.client.get_children(folder)).await.map_err(lost)?;
        let mut deeper = Vec::new();
        for (folder, names) in folders.iter().zip(all) {
            for name in there(folder, names)?.map(|(names, _)| names).unwrap_or_default() {
                let path = format!("{folder}/{name}");
                match &*name {
                    PROVIDER => paths.push(path),
                    CONSUMER => {}
                    _ => deeper.push(path),
                }
            }
        }
        folders = bounded(deeper, &root)?;
    }
    let paths = bounded(paths, &root)?;
    let all = session.each(&paths, |path| session.client.get_children(path)).await.map_err(lost)?;
    let mut nodes = Vec::new();
    for (path, names) in paths.iter().zip(all) {
        let names = there(path, names)?.map(|(names, _)| names).unwrap_or_default();
        nodes.extend(names.into_iter().map(|name| (format!("{path}/{name}"), name)));
    }
    nodes.sort();
    let nodes = bounded(nodes, &root)?;
    let all = session.each(&nodes, |(path, _)| session.client.get_data(path)).await.map_err(lost)?;
    let mut definitions = Vec::new();
    for ((path, application), data) in nodes.into_iter().zip(all) {
        if let Some((data, stat)) = there(&path, data)? {
            let text = String::from_utf8_lossy(&data).into_owned();
            definitions.push(Definition { path, application, text, written: stat.mzxid });
        }
    }
    Ok(definitions)
}

/// # Errors
/// [`DefinitionsFailure::TooMany`].
fn bounded<T>(found: Vec<T>, root: &str) -> Result<Vec<T>, DefinitionsFailure> {
    if found.len() > READ_MAX { Err(DefinitionsFailure::TooMany(found.len(), root.to_owned())) } else { Ok(found) }
}

/// What is there of it; `None` where it is gone.
fn there<T>(path: &str, answer: Result<T, ZooKeeperError>) -> Result<Option<T>, DefinitionsFailure> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if Fault::of(&error) == Fault::Denied => Err(DefinitionsFailure::Denied(path.to_owned())),
        Err(_) => Ok(None),
    }
}
