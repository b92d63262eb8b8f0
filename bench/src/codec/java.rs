//! Dubbo's own hessian2 in a process of its own, asked line by line.

use crate::args;
use crate::java::Java;
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::time::Duration;

/// The process.
pub struct HessianLite(Java);

impl HessianLite {
    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(java: &args::Java) -> Result<Self> {
        Ok(Self(Java::start(java, &["-Xms512m".to_owned()], &[])?))
    }

    /// The bytes that it writes of the value that it reads of these.
    ///
    /// # Errors
    /// It could not, and says why on stderr.
    pub fn again(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let said = self.0.ask(&format!("again {}", hex(bytes)))?;
        ensure!(said.len() % 2 == 0, "an odd number of digits");
        let octet = |at: usize| u8::from_str_radix(said.get(at..at + 2).unwrap_or_default(), 16);
        (0..said.len()).step_by(2).map(octet).collect::<Result<_, _>>().context("what Java wrote is no hex")
    }

    /// Nanoseconds in which it does this once, `encode` or `decode`, with the value of these bytes, over so long.
    ///
    /// # Errors
    /// As [`HessianLite::again`].
    pub fn time(&mut self, what: &str, bytes: &[u8], time: Duration) -> Result<f64> {
        let said = self.0.ask(&format!("{what} {} {}", hex(bytes), time.as_millis()))?;
        let (count, nanos) = said.split_once(' ').context("no two numbers")?;
        Ok(nanos.parse::<f64>()? / count.parse::<f64>()?)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, octet| {
        let _ = write!(hex, "{octet:02x}");
        hex
    })
}
