//! Documents of rules, of island a where nothing else is said, written with `highway rules` and taken away again.

use std::time::{Duration, SystemTime};

use lab::line::{Egress, Line};
use lab::peer::GREETING;
use lab::process::until;

use super::stage::{BOTH, FOLLOWED};

/// Where they stand.
const FOLDER: &str = "/dubbo/config/highway";

/// Rules for what both islands offer; taken away again when the test is over.
pub struct Documents<'a> {
    line: &'a Line,
    island: &'static str,
    name: String,
    service: String,
}

impl<'a> Documents<'a> {
    /// None yet.
    pub fn of(line: &'a Line) -> Self {
        Self::about(line, BOTH)
    }

    /// None yet, about another group.
    pub fn about(line: &'a Line, group: &str) -> Self {
        Self::named(line, &format!("{group}.greeting"), group)
    }

    /// None yet, in a document of this name, about all groups of this pattern.
    pub fn named(line: &'a Line, name: &str, groups: &str) -> Self {
        Self::serving(line, name, &format!("{groups}/{GREETING}"))
    }

    /// None yet, in a document of this name, about all services of this pattern.
    pub fn serving(line: &'a Line, name: &str, service: &str) -> Self {
        Self { line, island: "a", name: name.to_owned(), service: service.to_owned() }
    }

    /// The same in the config center of another island.
    pub fn in_island(mut self, island: &'static str) -> Self {
        self.island = island;
        self
    }

    /// What the document is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn command(&self, command: &str, more: &[&str]) -> String {
        let island = self.line.island(self.island);
        let registry = island.zookeeper.address().to_string();
        let mut arguments = vec!["rules", command];
        arguments.extend(more);
        arguments.extend(["--registry", &registry]);
        island.place().highway(&arguments).unwrap()
    }

    /// Makes the document say these rules, in YAML.
    pub fn say(&self, rules: &str) {
        let file = self.line.lab.folder().join(format!("{}.yaml", self.name));
        std::fs::write(&file, format!("service: \"{}\"\n{rules}", self.service)).unwrap();
        self.command("apply", &[&file.display().to_string(), &self.name, "--overwrite", "--first"]);
    }

    /// Makes the document say this of every call.
    pub fn act(&self, act: &str) {
        self.say(&format!("rules:\n  - name: tested\n    act: {{ {act} }}\n"));
    }
}

impl Documents<'_> {
    /// Its node.
    pub fn path(&self) -> String {
        format!("{FOLDER}/{}", self.name)
    }

    /// When ZooKeeper took the last change in.
    pub fn committed(&self) -> SystemTime {
        let path = self.path();
        let nodes = self.line.island(self.island).zookeeper.below(FOLDER).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_millis(nodes[&path].written_ms.try_into().unwrap())
    }
}

impl Drop for Documents<'_> {
    /// Whatever became of the test: the next one finds neither the document nor a gateway that still obeys it.
    fn drop(&mut self) {
        let name = &self.name;
        let island = self.line.island(self.island);
        let registry = island.zookeeper.address().to_string();
        let removed = island.place().highway(&["rules", "remove", name, "--registry", &registry]);
        let is_forgotten = || {
            let stands = |egress: &Egress| {
                let status = egress.status().ok()?;
                Some(status["egress"]["rules"].as_array()?.iter().any(|document| document["name"] == **name))
            };
            island.egresses.iter().all(|egress| stands(egress) == Some(false)).then_some(())
        };
        let forgotten = until("the gateways have forgotten the document", FOLLOWED, is_forgotten);
        if !std::thread::panicking() {
            removed.unwrap();
            forgotten.unwrap();
        }
    }
}
