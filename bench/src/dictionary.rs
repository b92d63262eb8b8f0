//! `bench dictionary FILE`: trains the dictionary that links pack with (`tunnel/dictionary`) from values of made-up applications, the same bytes each time with the
//! same release of zstd. It sees nothing that is measured with.

use crate::frames::Chance;
use crate::frames::business::LEARNT;
use anyhow::{Result, ensure};
use std::fs;
use std::path::Path;

/// Values that it learns from, of each domain as many.
const VALUES: usize = 2000;
/// Its length. Longer ones know more of the made-up applications, and less of others.
const LEN: usize = 4096;
/// Its version, which is also its id: `tunnel/src/session/packing/zstd.rs`.
const VERSION: u32 = 1;
/// Where in a dictionary of zstd its id stands.
const ID: std::ops::Range<usize> = 4..8;

/// Writes it.
///
/// # Errors
/// When it cannot be trained or written.
pub fn write(file: &Path) -> Result<()> {
    Ok(fs::write(file, trained()?)?)
}

fn trained() -> Result<Vec<u8>> {
    let mut chance = Chance::new(1);
    let (mut samples, mut lens) = (Vec::new(), Vec::new());
    for number in 0..VALUES {
        let value = LEARNT[number % LEARNT.len()].value(&mut chance, 600 + number % 2400);
        lens.push(value.len());
        samples.extend_from_slice(&value);
    }
    let mut dictionary = Vec::with_capacity(LEN);
    let len = zstd_safe::train_from_buffer(&mut dictionary, &samples, &lens);
    ensure!(len.is_ok_and(|len| len > ID.end), "zstd cannot train a dictionary: {len:?}");
    dictionary[ID].copy_from_slice(&VERSION.to_le_bytes());
    Ok(dictionary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_of_links_is_what_is_trained_here() {
        let found = include_bytes!("../../tunnel/dictionary/1.zstd-dictionary");
        // A newer zstd may train another one: then a release that can train this one is named in its README, and this test goes.
        assert!(trained().unwrap() == found, "wanted what `bench dictionary` trains");
    }
}
