//! One TOML file becomes a `Raw` (what was typed) and then a `Config` (what is true); all mistakes are told at once.
//!
//! ```text
//!  file ─ parse ─▶ tree with lines ◀─ HIGHWAY__HUB__0__URL=…      (env: the same paths, lists by index)
//!                       │ serde; a wrong value is noted, taken out, and reading goes on
//!                       ▼
//!                     Raw ── settle(raw, mistakes) ──▶ Config, or every mistake with its line
//! ```
//!
//! Tables of a `Raw` are `#[serde(deny_unknown_fields, default)]` with `Option` fields: what is required is said by
//! `settle`, so that all of it is said at once. A program that is built on another one reads [`Extended`]: all that the other reads, and
//! a section of its own. Nothing here logs, and no message carries the content of a secret file.

mod environment;
mod extended;
mod files;
mod mistakes;
mod nearest;
mod peer_tls;
mod place;
mod reader;
mod secret;
mod sections;
mod tree;
mod units;

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;

pub use extended::{Extended, Section};
pub use files::FileRead;
pub use mistakes::{Mistake, Mistakes};
pub use peer_tls::{PeerTls, RawPeerTls, WithTls};
pub use place::{Key, Place, Step};
pub use secret::{Secret, SecretError, SecretFile};
pub use sections::{RawAdmin, RawDrain, RawLog, RawState};
pub use units::{Size, Time};

/// The largest configuration file that is read.
const FILE_LIMIT_LEN: u64 = 4 << 20;

/// The variables of this process that override a configuration.
#[must_use]
pub fn variables() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with(environment::PREFIX)).collect()
}

/// Reads and settles a configuration file; `variables` are environment variables ([`variables`], or none).
///
/// # Errors
/// All mistakes.
pub fn settle_file<R: DeserializeOwned, C>(
    file: &Path,
    variables: &[(String, String)],
    settle: impl FnOnce(R, &mut Mistakes) -> Option<C>,
) -> Result<Settled<C>, Mistakes> {
    match content_of(file) {
        Ok(content) => settle_content(file, &content, variables, settle),
        Err(error) => {
            let mut mistakes = Mistakes::new(file, BTreeMap::new());
            mistakes.was_read(FileRead::unreadable(file));
            mistakes.say("", format!("cannot be read: {error}"));
            Err(mistakes)
        }
    }
}

/// Settles a configuration given as text, as if it stood in `file`.
///
/// # Errors
/// All mistakes.
pub fn settle_text<R: DeserializeOwned, C>(
    file: &Path,
    text: &str,
    variables: &[(String, String)],
    settle: impl FnOnce(R, &mut Mistakes) -> Option<C>,
) -> Result<Settled<C>, Mistakes> {
    settle_content(file, text.as_bytes(), variables, settle)
}

/// A configuration without a mistake.
#[derive(Debug)]
pub struct Settled<C> {
    /// What is true.
    pub config: C,
    /// Every file it was read from, with the digest of what was read: a change in one is a reason to reload.
    pub files: Vec<FileRead>,
}

fn settle_content<R: DeserializeOwned, C>(
    file: &Path,
    content: &[u8],
    variables: &[(String, String)],
    settle: impl FnOnce(R, &mut Mistakes) -> Option<C>,
) -> Result<Settled<C>, Mistakes> {
    let (raw, mut mistakes) = read::<R>(file, content, variables);
    mistakes.was_read(FileRead::new(file, content));
    let settled = raw.and_then(|raw| settle(raw, &mut mistakes));
    match settled {
        Some(config) if mistakes.is_empty() => Ok(Settled { config, files: mistakes.files().to_vec() }),
        _ => Err(mistakes),
    }
}

fn read<R: DeserializeOwned>(file: &Path, content: &[u8], variables: &[(String, String)]) -> (Option<R>, Mistakes) {
    let text = match std::str::from_utf8(content) {
        Ok(text) => text,
        Err(error) => {
            let line = content[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            let mut mistakes = Mistakes::new(file, BTreeMap::new());
            mistakes.push_at(Place::Line(line), String::new(), "not UTF-8".to_owned());
            return (None, mistakes);
        }
    };
    let (mut tree, errors) = tree::parse(text);
    let refused = environment::lay_over(&mut tree, variables);
    let mut mistakes = Mistakes::new(file, tree.places());
    for (place, what) in errors {
        mistakes.push_at(place, String::new(), what);
    }
    for (place, key, what) in refused {
        mistakes.push_at(place, key.to_string(), what);
    }
    // After a syntax error the tree is a guess, and whatever is wrong in it a consequence.
    let raw = if mistakes.is_empty() { reader::read(&mut tree, &mut mistakes) } else { None };
    (raw, mistakes)
}

fn content_of(file: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut content = Vec::new();
    std::fs::File::open(file)?.take(FILE_LIMIT_LEN + 1).read_to_end(&mut content)?;
    if content.len() as u64 > FILE_LIMIT_LEN {
        return Err(std::io::Error::other(format!("it has more than {FILE_LIMIT_LEN} bytes")));
    }
    Ok(content)
}
