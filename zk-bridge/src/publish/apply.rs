//! Carrying steps out: one transaction a step where the server can, else one write after the other.
//!
//! Light steps are sent many at a time and answered in order; a heavy one goes alone, so that it is known which one it
//! was if the server ends the connection over it. Folders above a node are made when they are missing. Where a step does
//! not fit, the tree is not what the plan was made for: those that were sent together with it may be taken, nothing more is
//! sent, and another plan is made. A step that we may not take is said, and the others are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use zookeeper_client::{CreateMode, Error, MultiWriteError};

use super::{Op, Step};
use crate::session::{AT_ONCE, Fault, Session};

/// Content of a step that is sent with others; a server that ends connections over less than that serves nobody.
const LIGHT_MAX_LEN: usize = 16 * 1024;

/// How far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Every step but those refused.
    All {
        /// What we may not do.
        refused: Vec<Refused>,
    },
    /// A step did not fit: plan again.
    Conflict,
    /// Something else is wanted meanwhile.
    Overtaken,
}

/// A step that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// See [`name_of`].
    pub(crate) step: String,
    /// The sentence.
    pub(crate) why: String,
}

/// A step so large that a server may end the connection over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heavy {
    /// See [`name_of`].
    pub(crate) step: String,
    pub(crate) len: usize,
}

/// Folders that are known to be there, for one session.
#[derive(Debug, Default)]
pub(crate) struct Folders(BTreeSet<String>);

/// What a step is called: the last node that it writes.
pub(crate) fn name_of(step: &[Op]) -> &str {
    step.last().map(Op::path).unwrap_or_default()
}

/// Bytes that a step takes in a request, about.
pub(crate) fn len_of(step: &[Op]) -> usize {
    step.iter().map(|op| op.path().len() + op.data_len()).sum()
}

/// Carries out `steps` in order, until something else is wanted; `touched` is told of every path before it is written.
/// `heavy` holds the heavy step that is on its way, also after this was cut off.
///
/// # Errors
/// The connection or session is lost: how far it got is not known, so the tree has to be read again.
pub(crate) async fn apply(
    session: &Session,
    steps: &[&Step],
    folders: &mut Folders,
    heavy: &mut Option<Heavy>,
    is_overtaken: impl Fn() -> bool,
    mut touched: impl FnMut(&str),
) -> Result<Applied, Error> {
    let mut refused = Vec::new();
    let mut rest = steps;
    while !rest.is_empty() {
        if is_overtaken() {
            return Ok(Applied::Overtaken);
        }
        let (some, left) = rest.split_at(together(session, rest));
        some.iter().flat_map(|step| step.iter()).map(Op::path).for_each(&mut touched);
        *heavy = some
            .first()
            .filter(|step| len_of(step) > LIGHT_MAX_LEN)
            .map(|step| Heavy { step: name_of(step).to_owned(), len: len_of(step) });
        let mut fits = true;
        for (step, outcome) in some.iter().zip(take(session, some, folders).await?) {
            let Err(error) = outcome else { continue };
            let step = name_of(step).to_owned();
            match Fault::of(&error) {
                Fault::Conflict => fits = false,
                Fault::Denied => refused.push(Refused { why: format!("may not write {step}: {error}"), step }),
                Fault::Lost => return Err(error),
                Fault::Odd => refused.push(Refused { why: format!("cannot write {step}: {error}"), step }),
            }
        }
        *heavy = None;
        if !fits {
            // Perhaps a folder that was there is gone.
            folders.0.clear();
            return Ok(Applied::Conflict);
        }
        rest = left;
    }
    Ok(Applied::All { refused })
}

/// How many of the steps go at once.
fn together(session: &Session, steps: &[&Step]) -> usize {
    let is_light = |step: &&&Step| len_of(step) <= LIGHT_MAX_LEN && (step.len() == 1 || session.has_multi());
    steps.iter().take(AT_ONCE).take_while(is_light).count().max(1)
}

/// What became of each of the steps, sent at once; several without transactions never come here.
async fn take(session: &Session, steps: &[&Step], folders: &mut Folders) -> Result<Vec<Result<(), Error>>, Error> {
    let missing = folders.ensure(session, steps).await?;
    let impossible = |step: &Step| step.iter().find_map(|op| missing.get(op.folder()?).cloned());
    if let [step] = steps
        && !session.has_multi()
    {
        return Ok(vec![match impossible(step) {
            Some(error) => Err(error),
            None => one_by_one(session, step).await,
        }]);
    }
    let (mut outcomes, mut sent) = (Vec::new(), Vec::new());
    for step in steps {
        match impossible(step) {
            Some(error) => outcomes.push(Some(Err(error))),
            None => {
                sent.push(write(session, step));
                outcomes.push(None);
            }
        }
    }
    let mut answers = session.all(sent).await.into_iter();
    Ok(outcomes.into_iter().map(|known| known.or_else(|| answers.next()).unwrap_or(Ok(()))).collect())
}

async fn one_by_one(session: &Session, step: &[Op]) -> Result<(), Error> {
    for op in step {
        session.answer(one(session, op)).await?;
    }
    Ok(())
}

type Sent<'s> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 's>>;

/// One request for the whole step.
fn write<'s>(session: &'s Session, step: &'s [Op]) -> Sent<'s> {
    match step {
        [op] => one(session, op),
        ops => all_or_none(session, ops),
    }
}

fn one<'s>(session: &'s Session, op: &'s Op) -> Sent<'s> {
    let client = &session.client;
    match op {
        Op::CreateEphemeral { path, data } => {
            let options = CreateMode::Ephemeral.with_acls(session.acls());
            let sent = client.create(path, data.as_bytes(), &options);
            Box::pin(async { sent.await.map(drop) })
        }
        Op::CreatePersistent { path, data } => {
            let options = CreateMode::Persistent.with_acls(session.acls());
            let sent = client.create(path, data.as_bytes(), &options);
            Box::pin(async { sent.await.map(drop) })
        }
        Op::Set { path, data, version } => {
            let sent = client.set_data(path, data.as_bytes(), *version);
            Box::pin(async { sent.await.map(drop) })
        }
        Op::Delete { path, version } => Box::pin(client.delete(path, *version)),
        Op::DeleteEmpty { path } => {
            let sent = client.delete(path, None);
            Box::pin(async {
                match sent.await {
                    Err(Error::NotEmpty | Error::NoNode) => Ok(()),
                    answer => answer,
                }
            })
        }
    }
}

fn all_or_none<'s>(session: &'s Session, ops: &[Op]) -> Sent<'s> {
    let mut writer = session.client.new_multi_writer();
    for op in ops {
        let added = match op {
            Op::CreateEphemeral { path, data } => {
                writer.add_create(path, data.as_bytes(), &CreateMode::Ephemeral.with_acls(session.acls()))
            }
            Op::CreatePersistent { path, data } => {
                writer.add_create(path, data.as_bytes(), &CreateMode::Persistent.with_acls(session.acls()))
            }
            Op::Set { path, data, version } => writer.add_set_data(path, data.as_bytes(), *version),
            Op::Delete { path, version } => writer.add_delete(path, *version),
            Op::DeleteEmpty { path } => writer.add_delete(path, None),
        };
        if let Err(error) = added {
            return Box::pin(std::future::ready(Err(error)));
        }
    }
    let sent = writer.commit();
    Box::pin(async { sent.await.map(drop).map_err(first_cause) })
}

fn first_cause(error: MultiWriteError) -> Error {
    match error {
        MultiWriteError::RequestFailed { source } | MultiWriteError::OperationFailed { source, .. } => source,
    }
}

impl Folders {
    /// Makes the folders that the steps need, and says of which that failed. What is there is not written: who may write
    /// below a folder need not be allowed to make it.
    async fn ensure(&mut self, session: &Session, steps: &[&Step]) -> Result<BTreeMap<String, Error>, Error> {
        let needed = steps.iter().flat_map(|step| step.iter()).filter_map(Op::folder);
        let unknown: BTreeSet<&str> = needed.filter(|folder| !self.0.contains(*folder)).collect();
        let unknown: Vec<String> = unknown.into_iter().map(str::to_owned).collect();
        let stats = session.each(&unknown, |folder| session.client.check_stat(folder)).await?;
        let mut absent = Vec::new();
        for (folder, stat) in unknown.into_iter().zip(stats) {
            match stat {
                Ok(None) => absent.push(folder),
                Ok(Some(_)) | Err(_) => drop(self.0.insert(folder)),
            }
        }
        self.make(session, absent).await
    }

    /// Makes folders and what is missing above them: upwards until one can be made, and down again.
    async fn make(&mut self, session: &Session, absent: Vec<String>) -> Result<BTreeMap<String, Error>, Error> {
        let mut failed = BTreeMap::new();
        let mut waiting = Vec::new();
        let mut layer = absent;
        while !layer.is_empty() {
            let above = self.create(session, &layer, &mut failed).await?;
            layer = above.iter().filter_map(|folder| Some(parent(folder)?.to_owned())).collect();
            layer.dedup();
            waiting.push(above);
        }
        while let Some(again) = waiting.pop() {
            for folder in self.create(session, &again, &mut failed).await? {
                let error = parent(&folder).and_then(|above| failed.get(above)).cloned().unwrap_or(Error::NoNode);
                failed.insert(folder, error);
            }
        }
        Ok(failed)
    }

    /// Tries to make each of the folders; gives those that have none above them.
    async fn create(
        &mut self,
        session: &Session,
        layer: &[String],
        failed: &mut BTreeMap<String, Error>,
    ) -> Result<Vec<String>, Error> {
        let options = CreateMode::Persistent.with_acls(session.acls());
        let mut without = Vec::new();
        for some in layer.chunks(AT_ONCE) {
            let sent = some.iter().map(|folder| session.client.create(folder, b"", &options)).collect();
            for (folder, answer) in some.iter().zip(session.all(sent).await) {
                match answer {
                    Ok(_) | Err(Error::NodeExists) => drop(self.0.insert(folder.clone())),
                    Err(Error::NoNode) => without.push(folder.clone()),
                    Err(error) if Fault::of(&error) == Fault::Lost => return Err(error),
                    Err(error) => drop(failed.insert(folder.clone(), error)),
                }
            }
        }
        Ok(without)
    }
}

/// The folder of a node; none above the first level.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(folder, _)| folder).filter(|folder| !folder.is_empty())
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

    /// The folder that it needs.
    fn folder(&self) -> Option<&str> {
        match self {
            Self::CreateEphemeral { path, .. } | Self::CreatePersistent { path, .. } => parent(path),
            Self::Set { .. } | Self::Delete { .. } | Self::DeleteEmpty { .. } => None,
        }
    }

    fn data_len(&self) -> usize {
        match self {
            Self::CreateEphemeral { data, .. } | Self::CreatePersistent { data, .. } | Self::Set { data, .. } => {
                data.len()
            }
            Self::Delete { .. } | Self::DeleteEmpty { .. } => 0,
        }
    }
}
