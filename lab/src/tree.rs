//! All that is in a ZooKeeper, byte for byte, as a client sees it: to compare what was there with what is there.
//!
//! Read node by node while others may write: two readings are compared only where nobody does. Writes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use zookeeper_client::{Client, Error};

/// For all of it.
const READ_WITHIN: Duration = Duration::from_secs(20);

/// Nodes by path.
pub type Tree = BTreeMap<String, Node>;

/// What is known of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its content.
    pub data: Vec<u8>,
    /// How often the content was written.
    pub version: i32,
    /// How often its access list was written.
    pub acl_version: i32,
    /// The session it lives with; 0 where it stays.
    pub owner: i64,
    /// The transaction that made it.
    pub created: i64,
    /// The transaction that wrote its content last.
    pub written: i64,
    /// When that was by the server's clock, in milliseconds since 1970.
    pub written_ms: i64,
    /// The transaction that last put a child in or took one out.
    pub children_changed: i64,
}

impl Node {
    /// Its content as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

/// Reads everything below a folder (`/` is all) but ZooKeeper's own nodes.
///
/// # Errors
/// The server does not answer, or not in time.
pub(crate) fn read(address: &str, below: &str) -> Result<Tree> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reading = async { tokio::time::timeout(READ_WITHIN, walk(address, below)).await };
    runtime.block_on(reading).with_context(|| format!("{address} was not read within {READ_WITHIN:?}"))?
}

async fn walk(address: &str, below: &str) -> Result<Tree> {
    let client = Client::connector().with_server_version(3, 4, 0).connect(address).await?;
    let mut tree = Tree::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        let names = match client.list_children(&folder).await {
            Err(Error::NoNode) => continue,
            names => names?,
        };
        for name in names.into_iter().filter(|name| folder != "/" || name != "zookeeper") {
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let (data, stat) = match client.get_data(&path).await {
                Err(Error::NoNode) => continue,
                node => node?,
            };
            let node = Node {
                data,
                version: stat.version,
                acl_version: stat.aversion,
                owner: stat.ephemeral_owner,
                created: stat.czxid,
                written: stat.mzxid,
                written_ms: stat.mtime,
                children_changed: stat.pzxid,
            };
            tree.insert(path.clone(), node);
            folders.push(path);
        }
    }
    Ok(tree)
}
