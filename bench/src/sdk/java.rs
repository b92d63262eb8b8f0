//! A consumer of released Dubbo in a process of its own (`tests/java/bench/Client.java`), and what its calls cost.
//!
//! It counts its calls and its time itself; its CPU is what the kernel says of the whole process: threads that compile and collect garbage
//! are a part of what a call costs, those that have ended meanwhile too.

use super::{ARGUMENT_LEN, Sample};
use crate::java::Java;
use crate::{args, usage};
use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// How callers wait for their answers.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// Each is a thread, which sleeps.
    Threads,
    /// None is a thread: who brings an answer makes its caller's next call.
    Futures,
}

/// The process.
pub struct Consumer(Java);

impl Consumer {
    /// Starts it for the provider at this address. What Dubbo keeps at home it keeps in this folder.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(java: &args::Java, provider: SocketAddr, home: &Path) -> Result<Self> {
        let flags =
            [format!("-Duser.home={}", home.display()), "-Dorg.slf4j.simpleLogger.defaultLogLevel=error".to_owned()];
        Ok(Self(Java::start(java, &flags, &[provider.to_string()])?))
    }

    /// So many callers for so long, each with one call at a time.
    ///
    /// # Errors
    /// A call failed, and it says why on stderr.
    pub fn calls(&mut self, way: Way, callers: usize, time: Duration) -> Result<Sample> {
        let way = match way {
            Way::Threads => "threads",
            Way::Futures => "futures",
        };
        let before = usage::cpu_of_all(self.0.pid())?;
        let said = self.0.ask(&format!("{way} {callers} {ARGUMENT_LEN} {}", time.as_millis()))?;
        let used = usage::cpu_of_all(self.0.pid())?.saturating_sub(before);
        let (count, nanos) = said.split_once(' ').context("no two numbers")?;
        let (count, nanos) = (count.parse::<f64>()?, nanos.parse::<f64>()?);
        Ok(Sample { calls_per_second: count * 1e9 / nanos, cpu_us: used.as_secs_f64() * 1e6 / count, sleeps: None })
    }
}
