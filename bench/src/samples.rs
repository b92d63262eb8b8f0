//! `bench samples FOLDER`: values of made-up applications, one a file, of which `zstd --train` makes the dictionary that links compress with
//! (`tunnel/dictionary/README.md`). It writes the same files each time.

use crate::frames::Chance;
use crate::frames::business::TRAINING;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Values of each domain.
const VALUES: usize = 400;

/// Writes them.
///
/// # Errors
/// When the folder or a file cannot be written.
pub fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut chance = Chance::new(1);
    for number in 0..VALUES * TRAINING.len() {
        let value = TRAINING[number % TRAINING.len()].value(&mut chance, 600 + number % 2400);
        let file = folder.join(format!("{number:04}"));
        fs::write(&file, value).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
