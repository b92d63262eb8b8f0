//! Carrying steps out: one transaction a step where the server can, else one write after the other.
//!
//! Folders above a node are made when they are missing. It stops at the first step that does not fit: the tree is not
//! what the plan was made for, and another plan is made. A step that we may not take is said, and the others are taken.

use std::collections::BTreeSet;

use zookeeper_client::{CreateMode, Error, MultiWriteError};

use super::{Op, Step};
use crate::session::{Fault, Session};

/// How far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Every step but those refused, with a sentence for each of them.
    All {
        /// What we may not do.
        refused: Vec<String>,
    },
    /// A step did not fit: plan again.
    Conflict,
}

/// Folders that are known to be there, for one session.
#[derive(Debug, Default)]
pub(crate) struct Folders(BTreeSet<String>);

/// Carries out `steps` in order; `touched` is told of every path before it is written.
///
/// # Errors
/// The connection or session is lost: how far it got is not known, so the tree has to be read again.
pub(crate) async fn apply(
    session: &Session,
    steps: &[Step],
    folders: &mut Folders,
    mut touched: impl FnMut(&str),
) -> Result<Applied, Error> {
    let mut refused = Vec::new();
    for step in steps {
        step.iter().map(Op::path).for_each(&mut touched);
        match take(session, step, folders).await {
            Ok(()) => {}
            Err(error) => match Fault::of(&error) {
                Fault::Conflict => {
                    // Perhaps a folder that was there is gone.
                    folders.0.clear();
                    return Ok(Applied::Conflict);
                }
                Fault::Denied => {
                    let path = step.last().map(Op::path).unwrap_or_default();
                    refused.push(format!("may not write {path}: {error}"));
                }
                Fault::Lost => return Err(error),
                Fault::Odd => {
                    let path = step.last().map(Op::path).unwrap_or_default();
                    refused.push(format!("cannot write {path}: {error}"));
                }
            },
        }
    }
    Ok(Applied::All { refused })
}

async fn take(session: &Session, step: &[Op], folders: &mut Folders) -> Result<(), Error> {
    for op in step {
        if let Op::CreateEphemeral { path, .. } | Op::CreatePersistent { path, .. } = op {
            folders.ensure(session, path).await?;
        }
    }
    match step {
        [op] => one(session, op).await,
        ops if session.has_multi() => all_or_none(session, ops).await,
        ops => {
            for op in ops {
                one(session, op).await?;
            }
            Ok(())
        }
    }
}

async fn one(session: &Session, op: &Op) -> Result<(), Error> {
    let client = &session.client;
    match op {
        Op::CreateEphemeral { path, data } => {
            let options = CreateMode::Ephemeral.with_acls(session.acls());
            session.answer(client.create(path, data.as_bytes(), &options)).await.map(drop)
        }
        Op::CreatePersistent { path, data } => {
            let options = CreateMode::Persistent.with_acls(session.acls());
            session.answer(client.create(path, data.as_bytes(), &options)).await.map(drop)
        }
        Op::Set { path, data, version } => {
            session.answer(client.set_data(path, data.as_bytes(), *version)).await.map(drop)
        }
        Op::Delete { path, version } => session.answer(client.delete(path, *version)).await,
        Op::DeleteEmpty { path } => match session.answer(client.delete(path, None)).await {
            Err(Error::NotEmpty | Error::NoNode) => Ok(()),
            answer => answer,
        },
    }
}

async fn all_or_none(session: &Session, ops: &[Op]) -> Result<(), Error> {
    let mut writer = session.client.new_multi_writer();
    for op in ops {
        match op {
            Op::CreateEphemeral { path, data } => {
                writer.add_create(path, data.as_bytes(), &CreateMode::Ephemeral.with_acls(session.acls()))?;
            }
            Op::CreatePersistent { path, data } => {
                writer.add_create(path, data.as_bytes(), &CreateMode::Persistent.with_acls(session.acls()))?;
            }
            Op::Set { path, data, version } => writer.add_set_data(path, data.as_bytes(), *version)?,
            Op::Delete { path, version } => writer.add_delete(path, *version)?,
            Op::DeleteEmpty { path } => writer.add_delete(path, None)?,
        }
    }
    let commit = writer.commit();
    session.answer(async { commit.await.map_err(first_cause) }).await.map(drop)
}

fn first_cause(error: MultiWriteError) -> Error {
    match error {
        MultiWriteError::RequestFailed { source } | MultiWriteError::OperationFailed { source, .. } => source,
    }
}

impl Folders {
    async fn ensure(&mut self, session: &Session, path: &str) -> Result<(), Error> {
        let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) else { return Ok(()) };
        if self.0.contains(folder) {
            return Ok(());
        }
        let options = CreateMode::Persistent.with_acls(session.acls());
        session.answer(session.client.mkdir(folder, &options)).await?;
        self.0.insert(folder.to_owned());
        Ok(())
    }
}

impl Op {
    /// The node that it writes.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::CreateEphemeral { path, .. }
            | Self::CreatePersistent { path, .. }
            | Self::Set { path, .. }
            | Self::Delete { path, .. }
            | Self::DeleteEmpty { path } => path,
        }
    }
}
