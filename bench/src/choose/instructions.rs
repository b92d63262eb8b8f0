//! Instructions of one decision, counted around a process of its own: that of a run that decides calls less that of one that only reads
//! them, divided by the calls.
//!
//! By `perf stat`, where the processor lets its counters be read, else by valgrind's cachegrind, which counts every instruction of the
//! program exactly and some twenty times slower. Never both in one table.

use super::{Kind, References, Step};
use crate::packages;
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Calls that are counted.
const TURNS: usize = 100_000;

/// What counts.
pub enum Counter {
    /// The processor, in user mode.
    Perf(PathBuf),
    /// A simulation of it.
    Valgrind(PathBuf),
}

impl Counter {
    /// The best that works here.
    pub fn find() -> Option<Self> {
        let perf = packages::find("perf").map(Self::Perf).filter(|perf| perf.run("true", &[]).is_ok());
        perf.or_else(|| packages::find("valgrind").map(Self::Valgrind))
    }

    /// For the table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Perf(_) => "perf stat, user mode",
            Self::Valgrind(_) => "valgrind (cachegrind), since the processor's counters are closed to this machine",
        }
    }

    /// Instructions of one call of this kind.
    ///
    /// # Errors
    /// A process that could not be counted.
    pub fn count(&self, references: References, kind: Kind) -> Result<f64> {
        let own = std::env::current_exe().context("cannot find this program")?;
        let own = own.to_str().context("the name of this program is not UTF-8")?;
        let of = |step: Step| {
            let (references, kind, step) = (name(&references)?, name(&kind)?, name(&step)?);
            let turns = TURNS.to_string();
            self.run(own, &["choose", "--references", &references, "--kind", &kind, "--step", &step, "--turns", &turns])
        };
        Ok((of(Step::Decided)? - of(Step::Read)?) / TURNS as f64)
    }

    /// Instructions of a whole process.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<f64> {
        let mut command = match self {
            Self::Perf(perf) => {
                let mut command = Command::new(perf);
                command.args(["stat", "-x", ";", "-e", "instructions:u", "--"]);
                command
            }
            Self::Valgrind(valgrind) => {
                let mut command = Command::new(valgrind);
                command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
                command
            }
        };
        let output = command.arg(program).args(arguments).stdin(Stdio::null()).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "counting failed: {}", told.trim());
        self.total(&told).with_context(|| format!("no count in {:?}", told.trim()))
    }

    /// The count in what it wrote.
    fn total(&self, told: &str) -> Option<f64> {
        let number = match self {
            Self::Perf(_) => told.lines().find(|line| line.contains(";instructions"))?.split(';').next()?.to_owned(),
            Self::Valgrind(_) => told.lines().find_map(|line| line.split_once(" refs:"))?.1.trim().replace(',', ""),
        };
        number.parse().ok()
    }
}

fn name(value: &impl clap::ValueEnum) -> Result<String> {
    Ok(value.to_possible_value().context("a value without a name")?.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counters_write_is_read() {
        let (perf, valgrind) = (Counter::Perf("perf".into()), Counter::Valgrind("valgrind".into()));
        assert_eq!(perf.total("1234;;instructions:u;5678;100.00;;\n"), Some(1234.0));
        assert_eq!(perf.total("<not supported>;;instructions:u;0;100.00;;\n"), None);
        assert_eq!(valgrind.total("==7== Cachegrind\n==7== \n==7== I   refs:      1,234,567\n"), Some(1_234_567.0));
        assert_eq!(valgrind.total("valgrind: failed"), None);
    }
}
