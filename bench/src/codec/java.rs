//! Dubbo's own hessian2 in a process of its own, asked line by line.

use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The process. It ends when this is dropped, with its stdin.
pub struct Java {
    child: Child,
    asks: Option<ChildStdin>,
    says: Lines<BufReader<ChildStdout>>,
}

impl Java {
    /// Starts this program, a source file, on these jars.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(java: &Path, class_path: &str, program: &Path) -> Result<Self> {
        let mut command = Command::new(java);
        // hessian-lite looks into classes of Java's own.
        command.args([
            "--add-opens",
            "java.base/java.lang=ALL-UNNAMED",
            "--add-opens",
            "java.base/java.util=ALL-UNNAMED",
        ]);
        command.args(["--add-opens", "java.base/java.math=ALL-UNNAMED", "-Xms512m", "-cp", class_path]).arg(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {}", java.display()))?;
        let (asks, says) = (child.stdin.take(), child.stdout.take().context("a process without stdout")?);
        Ok(Self { child, asks, says: BufReader::new(says).lines() })
    }

    /// The bytes that it writes of the value that it reads of these.
    ///
    /// # Errors
    /// It could not, and says why on stderr.
    pub fn again(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let said = self.ask(&format!("again {}", hex(bytes)))?;
        ensure!(said.len() % 2 == 0, "an odd number of digits");
        let octet = |at: usize| u8::from_str_radix(said.get(at..at + 2).unwrap_or_default(), 16);
        (0..said.len()).step_by(2).map(octet).collect::<Result<_, _>>().context("what Java wrote is no hex")
    }

    /// Nanoseconds in which it does this once, `encode` or `decode`, with the value of these bytes, over so long.
    ///
    /// # Errors
    /// As [`Java::again`].
    pub fn time(&mut self, what: &str, bytes: &[u8], time: Duration) -> Result<f64> {
        let said = self.ask(&format!("{what} {} {}", hex(bytes), time.as_millis()))?;
        let (count, nanos) = said.split_once(' ').context("no two numbers")?;
        Ok(nanos.parse::<f64>()? / count.parse::<f64>()?)
    }

    fn ask(&mut self, line: &str) -> Result<String> {
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, octet| {
        let _ = write!(hex, "{octet:02x}");
        hex
    })
}
