//! How many tests ran, summed over all test binaries of a run.
//!
//! Reads the closing lines of `cargo test` (`test result: ok. 12 passed; 0 failed; 1 ignored; …`). Pure.

use std::fmt;

/// The sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Count {
    /// Adds a line of output, if it is a closing line.
    pub fn add(&mut self, line: &str) {
        let Some((_, numbers)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for part in numbers.split("; ") {
            let Some((number, word)) = part.split_once(' ') else { continue };
            let number = number.parse::<u64>().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }

    /// Tests that were executed.
    pub fn ran(&self) -> u64 {
        self.passed + self.failed
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_summed_and_others_are_not() {
        let mut count = Count::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s",
            "test a_test ... ok",
            "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: nonsense",
        ] {
            count.add(line);
        }
        assert_eq!(count.to_string(), "13 passed, 2 failed, 1 skipped");
        assert_eq!(count.ran(), 15);
    }

    #[test]
    fn nothing_skipped_is_not_said() {
        let mut count = Count::default();
        count.add("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(count.to_string(), "1 passed, 0 failed");
    }
}
