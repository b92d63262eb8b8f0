//! Our reading of a request held against the one that counts: a released Dubbo decodes the same bytes.
//!
//! ```text
//!   inputs ──┬─▶ wire: call::peek                       the effective call, or a refusal
//!            └─▶ java: DubboCountCodec of a release     what a provider would look up and run, or a refusal
//!                                    ╰─▶ verdict        equal · differs · only one of them refuses, and why
//! ```
//!
//! A difference is a hole: a caller is let through for one thing and makes the provider run another. Where we refuse what Java
//! takes, the reason has to stand in [`verdict::OURS_ALONE`]; where Java refuses alone nothing runs, so that is only counted.
//! What both take is rewritten too, and Java reads it once more.
//! The provider has every service and every method, so nothing is refused for want of them. It never goes over a socket.

pub mod inputs;
pub mod java;
pub mod rewritten;
pub mod verdict;

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};

use java::Decoder;
use lab::install::Release;
use verdict::Verdict;

/// Inputs whose answers are awaited at once.
const BATCH: usize = 1024;
/// Differences that are kept to be shown; all are counted.
const MAX_SHOWN: usize = 20;

/// What came out for one release.
#[derive(Debug)]
pub struct Tally {
    /// The release.
    pub release: Release,
    /// How often each verdict was given, with its reason.
    pub counts: BTreeMap<Verdict, u64>,
    /// The first holes: what differs, and the frame in hex.
    pub holes: Vec<(Verdict, String)>,
}

/// Decoders of all releases, and what they said so far.
#[derive(Debug)]
pub struct Comparison {
    sides: Vec<(Decoder, Tally)>,
}

impl Comparison {
    /// Starts a decoder for each of these releases.
    ///
    /// # Errors
    /// Java or the jars cannot be installed or started.
    pub fn start(releases: &[Release]) -> Result<Self> {
        let sides = releases.iter().map(|&release| {
            let tally = Tally { release, counts: BTreeMap::new(), holes: Vec::new() };
            Ok((Decoder::start(release)?, tally))
        });
        Ok(Self { sides: sides.collect::<Result<_>>()? })
    }

    /// Compares what both sides make of each of these frames.
    ///
    /// # Errors
    /// A decoder has ended or does not answer.
    pub fn compare(&mut self, frames: &[Vec<u8>]) -> Result<()> {
        std::thread::scope(|scope| {
            let all: Vec<_> = self.sides.iter_mut().map(|side| scope.spawn(move || compare(side, frames))).collect();
            all.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| anyhow::bail!("a comparison panicked")))
        })
    }

    /// What came out.
    pub fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.sides.iter().map(|(_, tally)| tally)
    }
}

fn compare((decoder, tally): &mut (Decoder, Tally), frames: &[Vec<u8>]) -> Result<()> {
    for batch in frames.chunks(BATCH) {
        let answers = decoder.ask(batch).with_context(|| format!("Dubbo {}", tally.release.version()))?;
        let mut again = Vec::new();
        for (frame, answer) in batch.iter().zip(&answers) {
            let verdict = verdict::of(tally.release, frame, answer);
            if verdict == Verdict::Equal
                && !verdict::goes_on(tally.release, answer)
                && let Some(new) = rewritten::rewritten(frame)
            {
                again.push((new, answer));
            }
            tally.add(frame, verdict, answer);
        }
        let (frames, before): (Vec<_>, Vec<_>) = again.into_iter().unzip();
        for ((frame, before), after) in frames.iter().zip(before).zip(&decoder.ask(&frames)?) {
            tally.add(frame, rewritten::of(before, after), after);
        }
    }
    Ok(())
}

impl Tally {
    fn add(&mut self, frame: &[u8], verdict: Verdict, answer: &serde_json::Value) {
        if verdict.is_hole() && self.holes.len() < MAX_SHOWN {
            let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
            self.holes.push((verdict.clone(), format!("{answer}\n    {hex}")));
        }
        *self.counts.entry(verdict).or_default() += 1;
    }

    /// Inputs that both took and understood alike.
    #[must_use]
    pub fn equal(&self) -> u64 {
        self.counts.get(&Verdict::Equal).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_input = |verdict: &Verdict| !matches!(verdict, Verdict::RewrittenEqual | Verdict::RewrittenDiffers(_));
        let all: u64 = self.counts.iter().filter(|(verdict, _)| is_input(verdict)).map(|(_, count)| count).sum();
        writeln!(f, "Dubbo {}: {all} inputs", self.release.version())?;
        for (verdict, count) in &self.counts {
            writeln!(f, "{count:>10}  {verdict}")?;
        }
        for (verdict, words) in &self.holes {
            writeln!(f, "  hole: {verdict}\n    {words}")?;
        }
        Ok(())
    }
}
