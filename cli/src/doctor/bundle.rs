//! `--bundle FILE`: one archive for whoever helps, without a secret.
//!
//! ```text
//!   doctor.json           what the doctor found
//!   configuration.json    the file and the variables laid over it, as far as they cannot be secret ([`configuration`])
//!   versions.json         of this command, the program that runs, the system
//!   status.json           what the running program says of itself, if it answers
//!   metrics.txt           its counters, the same
//! ```
//!
//! No log is in it, and no file is taken as it is. Whatever goes in is looked through for the secrets that are known here, and they are
//! taken out once more, should one have found a way in.

mod configuration;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chassis::admin::Admin;
use chassis::{Secret, SecretFile};
use serde_json::{Value, json};

use super::about::About;
use crate::admin::{self, Page};
use crate::terminal;

/// Stands where something was taken out.
const OUT: &str = "(left out)";
/// Shorter ones would be found everywhere.
const SECRET_LEN: usize = 4;

/// What is told of a program beside what the doctor found.
pub struct Subject {
    file: PathBuf,
    program: &'static str,
    admin: Admin,
    meant: Value,
    secrets: Vec<Vec<u8>>,
}

impl Subject {
    pub fn of(about: &About) -> Subject {
        let mut secrets: Vec<Vec<u8>> = Vec::new();
        let mut knows = |secret: Option<Secret>| secrets.extend(secret.map(|secret| secret.trimmed().to_vec()));
        let read = |file: &Option<PathBuf>| SecretFile::new(file.clone()?).read(Path::new("")).ok();
        knows(read(&about.key_file));
        about.papers.iter().for_each(|papers| knows(read(&papers.key_file)));
        knows(about.admin.token.clone());
        for target in &about.hubs {
            secrets.extend(target.hub.headers.values().map(|value| value.as_bytes().to_vec()));
        }
        secrets.retain(|secret| secret.len() >= SECRET_LEN);
        let in_json: Vec<Vec<u8>> = secrets.iter().filter_map(|secret| escaped(secret)).collect();
        secrets.extend(in_json);
        Subject {
            file: about.file.clone(),
            program: about.kind.name(),
            admin: about.admin.clone(),
            meant: configuration::meant(about),
            secrets,
        }
    }
}

/// A new file that its owner alone can read.
pub fn create(file: &Path) -> Result<File> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    made.with_context(|| format!("cannot make {}", file.display()))
}

/// Puts everything in.
pub async fn write(archive: File, found: &Value, subject: Option<Subject>) -> Result<()> {
    let mut files = vec![("doctor.json", terminal::json(found)?.into_bytes())];
    let mut versions = json!({ "highway": env!("CARGO_PKG_VERSION"), "system": system() });
    let mut secrets = Vec::new();
    if let Some(subject) = subject {
        let configuration = json!({
            "program": subject.program,
            "meant": subject.meant,
            "typed": configuration::typed(&subject.file)?,
        });
        files.push(("configuration.json", terminal::json(&configuration)?.into_bytes()));
        if let Some(address) = subject.admin.listen.first() {
            let (admin, token) = (format!("http://{address}"), subject.admin.token.as_ref());
            match admin::ask(&admin, token, Page::Get("/status")).await {
                Ok(status) => {
                    versions["running"] = status["process"].clone();
                    files.push(("status.json", terminal::json(&status)?.into_bytes()));
                    let metrics = admin::text(&admin, token, "/metrics").await?;
                    files.push(("metrics.txt", metrics.into_bytes()));
                }
                Err(error) => versions["running"] = format!("does not answer: {error:#}").into(),
            }
        }
        secrets = subject.secrets;
    }
    files.push(("versions.json", terminal::json(&versions)?.into_bytes()));
    let mut archive = tar::Builder::new(archive);
    for (name, content) in files {
        let content = without(content, &secrets);
        let mut head = tar::Header::new_ustar();
        head.set_size(content.len() as u64);
        head.set_mode(0o600);
        head.set_cksum();
        archive.append_data(&mut head, format!("highway-doctor/{name}"), content.as_slice())?;
    }
    archive.into_inner()?.sync_all()?;
    Ok(())
}

/// How JSON says it, where that is otherwise.
fn escaped(secret: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(secret).ok()?;
    let json = Value::from(text).to_string();
    let inside = json.get(1..json.len() - 1)?;
    (inside != text).then(|| inside.as_bytes().to_vec())
}

/// The same bytes without these.
fn without(content: Vec<u8>, secrets: &[Vec<u8>]) -> Vec<u8> {
    secrets.iter().fold(content, |content, secret| {
        let mut out = Vec::with_capacity(content.len());
        let mut at = 0;
        while at < content.len() {
            if content[at..].starts_with(secret) {
                out.extend_from_slice(OUT.as_bytes());
                at += secret.len();
            } else {
                out.push(content[at]);
                at += 1;
            }
        }
        out
    })
}

/// Which system this is; nothing of whose it is.
fn system() -> Value {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).map(|name| name.trim_matches('"'));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({ "name": name, "kernel": kernel.trim(), "architecture": std::env::consts::ARCH, "cores": cores })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_found_a_way_in_is_taken_out_wherever_it_stands() {
        let secrets = [b"sesame".to_vec(), b"token".to_vec()];
        let out = without(b"sesamesesame and a token".to_vec(), &secrets);
        assert_eq!(String::from_utf8(out).unwrap(), "(left out)(left out) and a (left out)");
    }

    #[test]
    fn a_secret_is_known_as_json_says_it_too() {
        assert_eq!(escaped(b"sesame"), None);
        let secrets = [escaped("one \"two\"\nthree\\".as_bytes()).unwrap()];
        let page = json!({ "said": "it was one \"two\"\nthree\\." }).to_string();
        assert_eq!(without(page.into_bytes(), &secrets), br#"{"said":"it was (left out)."}"#);
    }
}
