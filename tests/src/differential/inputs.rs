//! What is compared: golden frames as they are and wounded, requests made by structure, what the fuzzers found.
//!
//! All but the last is the same for the same seed. It never makes anything but frames.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;
use wire::fuzzing::{self, Dice};

use lab::install::workspace;

/// Bytes behind one made request: choices beyond them are all the first one.
const CHOICES_LEN: usize = 400;
/// The longest input that a corpus may bring; longer ones say nothing new.
const MAX_CORPUS_LEN: u64 = 64 * 1024;
const HEADER_LEN: usize = 16;

/// Numbers from a seed (xorshift64*).
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// The numbers of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes()[..chunk.len()]);
        }
    }
}

/// The requests among the golden frames.
///
/// # Errors
/// A file cannot be read.
pub fn golden() -> Result<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    for file in fs::read_dir(workspace().join("wire/tests/golden"))? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(&path)?.lines() {
            let notes: Value = serde_json::from_str(line)?;
            if matches!(notes["kind"].as_str(), Some("request" | "one-way")) {
                frames.push(unhex(notes["frame"].as_str().context("a line without a frame")?)?);
            }
        }
    }
    frames.sort();
    Ok(frames)
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    text.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?)).collect()
}

/// `count` requests made by structure.
#[must_use]
pub fn made(seed: &mut Seeded, count: usize) -> Vec<Vec<u8>> {
    let mut choices = [0; CHOICES_LEN];
    let one = |_| {
        seed.fill(&mut choices);
        fuzzing::request(&mut Dice::new(&choices))
    };
    (0..count).map(one).collect()
}

/// `count` of these frames with wounded bodies; the headers say the new lengths.
#[must_use]
pub fn wounded(seed: &mut Seeded, frames: &[Vec<u8>], count: usize) -> Vec<Vec<u8>> {
    let mut choices = [0; 64];
    let one = |at: usize| {
        let frame = &frames[at % frames.len()];
        let mut body = frame[HEADER_LEN..].to_vec();
        while body == frame[HEADER_LEN..] {
            seed.fill(&mut choices);
            fuzzing::wound(&mut Dice::new(&choices), &mut body);
        }
        with_header(&frame[..HEADER_LEN], &body)
    };
    (0..count).map(one).collect()
}

/// What the fuzzers have found, as requests; nothing where they have not run.
///
/// # Errors
/// A file cannot be read.
pub fn corpus() -> Result<Vec<Vec<u8>>> {
    const TWO_WAY_HESSIAN2: [u8; HEADER_LEN] = [0xda, 0xbb, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0];
    let mut frames = Vec::new();
    for target in ["frame", "peek", "rewrite"] {
        let Ok(folder) = fs::read_dir(workspace().join("wire/fuzz/corpus").join(target)) else { continue };
        for file in folder {
            let file = file?;
            if file.metadata()?.len() > MAX_CORPUS_LEN {
                continue;
            }
            let bytes = fs::read(file.path())?;
            // The target reads its input as a frame, and as choices.
            frames.push(fuzzing::request(&mut Dice::new(&bytes)));
            if let Some((header, body)) = bytes.split_at_checked(HEADER_LEN) {
                let is_request = header[..2] == TWO_WAY_HESSIAN2[..2] && header[2] & 0xa0 == 0x80;
                frames.push(with_header(if is_request { header } else { &TWO_WAY_HESSIAN2 }, body));
            }
        }
    }
    Ok(frames)
}

fn with_header(header: &[u8], body: &[u8]) -> Vec<u8> {
    let mut frame = header.to_vec();
    frame[12..HEADER_LEN].copy_from_slice(&(body.len() as u32).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}
