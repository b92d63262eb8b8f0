//! One lab: tools, networks and a folder for everything that runs in it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::install::{self, Toolbox};
use crate::net::{Isolation, Net};
use crate::reaper;
use crate::zookeeper::ZooKeeper;

/// Dropping it removes networks and folder. In a `static`, which is never dropped, the reaper does that at the end of the process.
#[derive(Debug)]
pub struct Lab {
    /// What it runs with.
    pub tools: Toolbox,
    /// Where it runs.
    pub net: Net,
    folder: PathBuf,
}

impl Lab {
    /// Installs what is missing and makes the places: a hub and these islands.
    ///
    /// # Errors
    /// As [`install::install`] and [`Net::new`].
    pub fn new(islands: &[&str]) -> Result<Self> {
        Lab::with_boxes(islands, 0)
    }

    /// As [`new`](Self::new), with places for so many boxes between islands and hub.
    ///
    /// # Errors
    /// As [`install::install`] and [`Net::with_boxes`].
    pub fn with_boxes(islands: &[&str], boxes: usize) -> Result<Self> {
        Lab::on(install::install(&[], &[])?, Net::with_boxes(islands, boxes)?)
    }

    /// A lab on networks that are made already.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn on(tools: Toolbox, net: Net) -> Result<Self> {
        if let Isolation::None { reason } = net.isolation() {
            eprintln!("lab: NO ISOLATION: all islands are this one machine with several ports ({reason})");
        }
        let folder = tempfile::Builder::new().prefix("highway-lab-").tempdir()?.keep();
        reaper::tell("dir", &folder.display().to_string())?;
        Ok(Lab { tools, net, folder })
    }

    /// Logs, data and configuration of all that runs here.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Leaves the folder behind when everything ends, to look into it.
    ///
    /// # Errors
    /// The reaper is gone.
    pub fn keep_folder(&self) -> Result<()> {
        reaper::tell("keep", &self.folder.display().to_string())
    }

    /// Starts the ZooKeeper of an island.
    ///
    /// # Errors
    /// As [`ZooKeeper::start`].
    pub fn zookeeper(&self, island: &str) -> Result<ZooKeeper> {
        ZooKeeper::start(self.net.island(island), &self.tools, &self.folder)
    }

    /// Starts a second ZooKeeper of an island, apart from the first.
    ///
    /// # Errors
    /// As [`ZooKeeper::second`].
    pub fn second_zookeeper(&self, island: &str) -> Result<ZooKeeper> {
        ZooKeeper::second(self.net.island(island), &self.tools, &self.folder)
    }

    /// Starts three that are the ZooKeeper of an island.
    ///
    /// # Errors
    /// As [`ZooKeeper::ensemble`].
    pub fn ensemble(&self, island: &str) -> Result<Vec<ZooKeeper>> {
        ZooKeeper::ensemble(self.net.island(island), &self.tools, &self.folder)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
