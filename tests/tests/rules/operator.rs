//! An operator, with files of their own, and the registry whose config center they change.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use lab::Lab;
use lab::program;
use lab::zookeeper::ZooKeeper;
use serde_json::Value;
use zookeeper_client::{Acls, Client, CreateMode, Error};

pub struct Island {
    pub lab: Lab,
    pub zookeeper: ZooKeeper,
}

/// One server for this file; each test has a config root of its own.
pub fn island() -> &'static Island {
    static LAB: OnceLock<Island> = OnceLock::new();
    LAB.get_or_init(|| {
        let lab = Lab::new(&["a"]).unwrap();
        let zookeeper = lab.zookeeper("a").unwrap();
        Island { lab, zookeeper }
    })
}

/// An operator with files of their own.
pub struct Operator {
    name: &'static str,
    pub folder: tempfile::TempDir,
}

impl Operator {
    pub fn new(root: &'static str, name: &'static str) -> Self {
        let operator = Self { name, folder: tempfile::tempdir().unwrap() };
        let address = island().zookeeper.address();
        let config = format!("[[registry]]\naddress = \"{address}\"\nconfig_root = \"{root}/config\"\n");
        operator.file("egress-gw.toml", &config);
        operator
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_by("egress-gw.toml", arguments)
    }

    /// By the configuration of a gateway.
    fn command_by(&self, config: &str, arguments: &[&str]) -> Command {
        let highway = program::folder().unwrap().join("highway");
        let mut command = island().lab.net.island("a").command(highway);
        command.current_dir(self.folder.path()).env_remove("SUDO_USER").env("USER", self.name);
        command.arg("rules").args(arguments).args(["--config", config]);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Exit code, and what was printed.
    pub fn does(&self, arguments: &[&str]) -> (Option<i32>, String) {
        said(self.run(arguments))
    }

    /// The same by another configuration.
    pub fn does_by(&self, config: &str, arguments: &[&str]) -> (Option<i32>, String) {
        said(self.command_by(config, arguments).output().unwrap())
    }

    /// The same with a file as its standard input.
    pub fn does_with(&self, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        let input = fs::File::open(self.folder.path().join(input)).unwrap();
        said(self.command(arguments).stdin(input).output().unwrap())
    }

    pub fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.does(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said
    }

    pub fn version(&self) -> String {
        self.json(&["get", "shop"])["version"].as_str().unwrap().to_owned()
    }

    pub fn text(&self) -> String {
        self.json(&["get", "shop"])["text"].as_str().unwrap().to_owned()
    }

    /// `highway rules get shop > shop.yaml`, and an edit of it.
    pub fn edit(&self, from: &str, to: &str) {
        let file = self.file("shop.yaml", &self.good(&["get", "shop"]));
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(file, text.replace(from, to)).unwrap();
    }

    /// The first document.
    pub fn first(&self, text: &str) {
        self.file("shop.yaml", text);
        self.good(&["apply", "shop.yaml", "--first"]);
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(&[arguments, &["--json"]].concat())).unwrap()
    }
}

fn said(output: Output) -> (Option<i32>, String) {
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Writes a node as somebody with another client does, whatever it is.
pub fn by_hand(path: &str, data: &[u8]) {
    let address = island().zookeeper.address().to_string();
    let written = island().lab.net.island("a").inside(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = Client::connect(&address).await?;
            match client.set_data(path, data, None).await {
                Err(Error::NoNode) => {
                    let mode = CreateMode::Persistent.with_acls(Acls::anyone_all());
                    client.create(path, data, &mode).await.map(drop)
                }
                done => done.map(drop),
            }
        })
    });
    written.unwrap().unwrap();
}

pub fn rule(island: &str) -> String {
    format!("application: shop\nrules:\n- name: all\n  act: {{ island: {island} }}\n")
}
