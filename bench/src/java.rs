//! A Java program on the jars of a released Dubbo, asked line by line: a line in, a line out.
//!
//! Never outlives the benchmark: it ends with its stdin.

use crate::args;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Packages of Java's own that hessian-lite looks into; what calls want besides them Dubbo's manual says.
const OPEN: [&str; 3] = ["java.lang", "java.util", "java.math"];

/// The process. It ends when this is dropped.
pub struct Java {
    child: Child,
    asks: Option<ChildStdin>,
    says: Lines<BufReader<ChildStdout>>,
}

impl Java {
    /// Starts the program, a source file, with these flags for the machine and these arguments for itself.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(asked: &args::Java, flags: &[String], arguments: &[String]) -> Result<Self> {
        let mut command = Command::new(&asked.java);
        for package in OPEN {
            command.args(["--add-opens".to_owned(), format!("java.base/{package}=ALL-UNNAMED")]);
        }
        command.args(flags).args(["-cp", &asked.class_path]).arg(&asked.program).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {}", asked.java.display()))?;
        let (asks, says) = (child.stdin.take(), child.stdout.take().context("a process without stdout")?);
        Ok(Self { child, asks, says: BufReader::new(says).lines() })
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it says to this line.
    ///
    /// # Errors
    /// It has ended, and said why on stderr.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        writeln!(self.asks.as_mut().context("stdin is closed")?, "{line}")?;
        self.says.next().context("Java ended: what it said stands above")?.map_err(Into::into)
    }
}

impl Drop for Java {
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.child.wait();
    }
}
