//! `highway key`: key files are made for their owner alone, never overwritten, and refused when others can read them. Root makes them for whom
//! the folder belongs to, since that is who is to read them.
//!
//! The text of a key is the tunnel's (`tunnel::key`); here are only the files. Prints public halves, alone or in the entry of a hub's
//! policy, and nothing else on standard output; what comes next is said beside it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use anyhow::{Context, Result};
use chassis::SecretFile;
use clap::{Args, ValueEnum};
use tunnel::Listing;
use tunnel::key::{PrivateKey, PublicKey};

use crate::wrong::wrong;

/// The gateway that a key is for; all of it or nothing.
#[derive(Debug, Args)]
pub struct Gateway {
    /// Its island.
    #[arg(long, requires_all = ["role", "gateway"])]
    island: Option<String>,
    /// Which half it is.
    #[arg(long, requires = "island")]
    role: Option<Role>,
    /// Its id, unique in the island.
    #[arg(long, requires = "island")]
    gateway: Option<String>,
}

/// The gateways that there are.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Consumers come in there.
    Egress,
    /// Calls go out to providers there.
    Ingress,
}

/// What came of it.
pub struct Made {
    /// What is printed: the public half, or the entry of the policy.
    pub print: String,
    /// What comes next, for people.
    pub next: String,
}

/// Makes a key file; with `keep` one that is there is as good.
pub fn new(out: &Path, gateway: &Gateway, keep: bool) -> Result<Made> {
    if let Some(island) = gateway.island.as_deref().filter(|island| !is_island_id(island)) {
        return Err(wrong(format!("--island: found {island:?}, wanted 1 to 32 of a-z, 0-9 and `-`")));
    }
    let public = if keep { made_or_kept(out)? } else { made(out)? };
    let file = out.display();
    let (Some(island), Some(role), Some(gateway)) = (&gateway.island, gateway.role, &gateway.gateway) else {
        let next = format!(
            "next: this public half goes to those that the owner of {file} talks to: a hub's into [[hub]] key of its gateways, a gateway's \
             into [[island.gateway]] key of the hub's policy (with --island, --role and --gateway its entry is printed)"
        );
        return Ok(Made { print: public.to_string(), next });
    };
    let (role, program) = match role {
        Role::Egress => (tunnel::Role::Egress, "egress-gw"),
        Role::Ingress => (tunnel::Role::Ingress, "ingress-gw"),
    };
    let listing = Listing { island, gateway, role, key: &public };
    let next = format!(
        "next, at the hub: these lines go into its policy; where it has the island already, the first two are left out and the others \
         stand below it. It takes them within a second.\n\
         next, here: `[link] key_file = \"{file}\"`, `[island] id = \"{island}\"` and `gateway = \"{gateway}\"` in {program}.toml, \
         then `{program} --check {program}.toml`"
    );
    Ok(Made { print: listing.entry().trim_end().to_owned(), next })
}

fn is_island_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn made(out: &Path) -> Result<PublicKey> {
    let key = PrivateKey::generate()?;
    let public = key.public()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .with_context(|| format!("cannot make {}", out.display()))?;
    let written = given(&file, out).and_then(|()| writeln!(file, "{}", key.to_text())).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a key is none; it was not there before.
        let _ = fs::remove_file(out);
        return Err(error).with_context(|| format!("cannot write {}", out.display()));
    }
    Ok(public)
}

/// The public half of a key that is there, or of one that is made now.
pub fn made_or_kept(file: &Path) -> Result<PublicKey> {
    if file.exists() { public_half(file) } else { made(file) }
}

/// A file that root made belongs to whom its folder belongs to: a service does not run as root, and has to read its key.
fn given(file: &File, path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::metadata(folder)?;
    if file.metadata()?.uid() == 0 && folder.uid() != 0 {
        fchown(file, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
}

/// The text of the public half of a key file.
pub fn show(file: &Path) -> Result<String> {
    Ok(public_half(file)?.to_string())
}

fn public_half(file: &Path) -> Result<PublicKey> {
    let content = SecretFile::new(file).read(Path::new(""))?;
    let key = PrivateKey::from_file_content(content.bytes()).with_context(|| file.display().to_string())?;
    Ok(key.public()?)
}
