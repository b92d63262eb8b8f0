//! Java's values in the bytes that a release's hessian-lite gives them, and what a provider on that release makes of them: the program
//! `lab/java/peer/lab/Declared.java`.
//!
//! A value is told as `Canonical.java` tells it: classes, every field, order, what is one object twice.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value as Json;

use lab::install::{self, Release};

/// Java with this release's hessian-lite.
pub struct Values {
    child: Child,
    lines: Box<dyn Iterator<Item = std::io::Result<String>>>,
}

/// A value as Java writes it.
#[derive(Debug, Deserialize)]
pub struct Written {
    /// Which of the cases it is of.
    pub case: String,
    /// The method of `TypesService` that it is an argument of.
    pub method: String,
    /// The types of all parameters of that method, as Java's source names them.
    pub types: Vec<String>,
    /// In hex.
    bytes: String,
    back: String,
    /// What Java reads there as the declared type of that parameter; null where that is none of it.
    pub declared: Json,
}

impl Written {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        unhex(&self.bytes)
    }

    /// The bytes of what Java reads there as the declared type.
    #[must_use]
    pub fn back(&self) -> Vec<u8> {
        unhex(&self.back)
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("Java writes hex")).collect()
}

impl Values {
    /// Starts it; what is missing is fetched and compiled.
    ///
    /// # Errors
    /// As [`install::install`]; Java does not start.
    pub fn start(release: Release) -> Result<Self> {
        let tools = install::install(&[release], &[])?;
        let mut command = Command::new(&tools.java);
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        for package in ["java.lang", "java.util", "java.util.concurrent", "java.math", "java.time"] {
            command.args(["--add-opens".to_owned(), format!("java.base/{package}=ALL-UNNAMED")]);
        }
        command.args(["-cp", &tools.peer_class_path(release)?, "lab.Declared"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("its stdout is piped")?).lines();
        Ok(Self { child, lines: Box::new(lines) })
    }

    /// All values that it can write, once.
    ///
    /// # Errors
    /// It ended before the last.
    pub fn written(&mut self) -> Result<Vec<Written>> {
        let mut written = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(written);
            }
            written.push(serde_json::from_str(&line)?);
        }
    }

    fn line(&mut self) -> Result<String> {
        Ok(self.lines.next().context("lab.Declared has ended")??)
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
