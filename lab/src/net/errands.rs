//! What is asked from inside a place by a process of its own there, see [`crate::helper`].

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Dial, Place};
use crate::helper;
use crate::tree::Tree;

impl Place {
    /// The page at a URL, asked from inside: status and body.
    ///
    /// # Errors
    /// Nobody answers, or not with HTTP.
    pub fn get(&self, url: &str) -> Result<(u16, String)> {
        let reply = self.errand(&["get", url])?;
        let (status, body) = reply.split_once('\n').context("the errand brought no status")?;
        Ok((status.parse()?, body.to_owned()))
    }

    /// Waits until a page answers with 200.
    ///
    /// # Errors
    /// It did not in time; says what it answered last.
    pub fn ready(&self, url: &str, within: Duration) -> Result<()> {
        self.errand(&["ready", url, &within.as_millis().to_string()]).map(drop)
    }

    /// Waits until a ZooKeeper serves.
    ///
    /// # Errors
    /// It did not in time.
    pub fn zookeeper_serving(&self, address: SocketAddrV4, within: Duration) -> Result<()> {
        self.errand(&["serving", &address.to_string(), &within.as_millis().to_string()]).map(drop)
    }

    /// What a ZooKeeper answers to a four letter word.
    ///
    /// # Errors
    /// It does not.
    pub fn ask_zookeeper(&self, address: SocketAddrV4, word: &str) -> Result<String> {
        self.errand(&["ask", &address.to_string(), word])
    }

    /// Every node of a ZooKeeper.
    ///
    /// # Errors
    /// It does not answer.
    pub fn zookeeper_tree(&self, address: SocketAddrV4, below: &str) -> Result<Tree> {
        Ok(serde_json::from_str(&self.errand(&["tree", &address.to_string(), below])?)?)
    }

    /// Dials an address from inside.
    ///
    /// # Errors
    /// The attempt could not be made at all.
    pub fn dial(&self, address: SocketAddrV4) -> Result<Dial> {
        match self.errand(&["dial", &address.to_string()])?.as_str() {
            "open" => Ok(Dial::Open),
            "refused" => Ok(Dial::Refused),
            "silent" => Ok(Dial::Silent),
            other => bail!("dialling came back with {other:?}"),
        }
    }

    /// Every errand has its own deadline inside.
    fn errand(&self, words: &[&str]) -> Result<String> {
        let output = self.command(helper::program()?).args(words).output().context("cannot run an errand")?;
        if !output.status.success() {
            bail!("from {}: {}", self.name(), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
