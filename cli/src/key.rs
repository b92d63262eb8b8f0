//! `highway key`: key files are made for their owner alone, never overwritten, and refused when others can read them.
//!
//! The text of a key is the tunnel's (`tunnel::key`); here are only the files. Prints public halves and nothing else.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use chassis::SecretFile;
use tunnel::key::PrivateKey;

/// Makes a key file; the text of its public half.
pub fn new(out: &Path) -> Result<String> {
    let key = PrivateKey::generate()?;
    let public = key.public()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .with_context(|| format!("cannot make {}", out.display()))?;
    let written = writeln!(file, "{}", key.to_text()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a key is none; it was not there before.
        let _ = fs::remove_file(out);
        return Err(error).with_context(|| format!("cannot write {}", out.display()));
    }
    Ok(public.to_string())
}

/// The text of the public half of a key file.
pub fn show(file: &Path) -> Result<String> {
    let content = SecretFile::new(file).read(Path::new(""))?;
    let key = PrivateKey::from_file_content(content.bytes()).with_context(|| file.display().to_string())?;
    Ok(key.public()?.to_string())
}
