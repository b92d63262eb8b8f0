//! Highway's three programs, as an operator would run them: keys, one grant, files, and all else by default.
//!
//!   load ──▶ egress-gw (island `bench-a`) ══▶ central-hub ◀══ ingress-gw (island `bench-b`) ──▶ echo provider
//!            port bound to `bench-b`          one grant         one static provider
//!
//! No ZooKeeper, no virtual providers: the consumer comes in by port. Private keys stand in files that only their owner
//! reads, in a folder that ends with the benchmark.

use crate::place::Place;
use crate::program::{Program, free_ports};
use crate::variant::{Cover, Packing, Transport, Variant};
use anyhow::{Context, Result, ensure};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tunnel::key::PrivateKey;

const CALLER: &str = "bench-a";
const CALLED: &str = "bench-b";
/// The name in the hub's certificate.
const SERVER_NAME: &str = "hub.bench.test";

/// Audit segments that are kept, so that a long run does not fill the disk.
const AUDIT: &str = "[audit]\nfile = \"audit.jsonl\"\nrotate_at = \"64MB\"\nkeep = 2\n\n";

/// The three programs in the order of a call, and where consumers connect to.
///
/// # Errors
/// When a program is not built, a file cannot be written, or a program cannot be started.
pub fn start(
    variant: Variant,
    places: &[Place; 3],
    provider: SocketAddr,
    programs: &Path,
    dir: &Path,
) -> Result<(Vec<Program>, SocketAddr)> {
    let [near, middle, far] = places;
    let (entry, hub) = (near.port()?, middle.port()?);
    let [hub_admin, egress_admin, ingress_admin] = free_ports()?;
    let hub_key = new_key(&dir.join("hub.key"))?;
    let egress_key = new_key(&dir.join("egress.key"))?;
    let ingress_key = new_key(&dir.join("ingress.key"))?;
    if variant.cover == Cover::Tls {
        write_certificates(dir)?;
    }
    let service = crate::chain::SERVICE;
    write(dir, "policy.toml", &policy(service, &egress_key, &ingress_key))?;
    write(dir, "central-hub.toml", &hub_file(variant, hub, hub_admin))?;
    write(dir, "egress-gw.toml", &egress_file(variant, hub, &hub_key, service, entry, egress_admin))?;
    write(dir, "ingress-gw.toml", &ingress_file(variant, hub, &hub_key, service, provider, ingress_admin))?;

    let launch = |name: &str, place: &Place| {
        let program = programs.join(name);
        ensure!(program.is_file(), "{} is not there: build it first", program.display());
        let file = dir.join(format!("{name}.toml"));
        let file = file.to_str().context("the folder's name is not UTF-8")?;
        place.start(name, &program, &["--config", file], dir)
    };
    let hub = launch("central-hub", middle)?;
    let ingress = launch("ingress-gw", far)?;
    let egress = launch("egress-gw", near)?;
    Ok((vec![egress, hub, ingress], entry))
}

/// Writes a new private key that only its owner reads, and says its public half.
fn new_key(file: &Path) -> Result<String> {
    let key = PrivateKey::generate()?;
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    writeln!(out, "{}", key.to_text()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(key.public()?.to_string())
}

/// An authority, and a hub's certificate of it.
fn write_certificates(dir: &Path) -> Result<()> {
    let mut authority = rcgen::CertificateParams::new(Vec::new())?;
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(vec![SERVER_NAME.to_owned()])?.signed_by(&key, &issuer)?;
    write(dir, "authority.pem", &authority_certificate.pem())?;
    write(dir, "hub.pem", &certificate.pem())?;
    let mut out =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(dir.join("hub-tls.key"))?;
    Ok(out.write_all(key.serialize_pem().as_bytes())?)
}

fn write(dir: &Path, name: &str, text: &str) -> Result<()> {
    let file = dir.join(name);
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn seal(variant: Variant) -> &'static str {
    match variant.cover {
        Cover::Plain => "off",
        Cover::Sealed => "on",
        // Both ends see the same TLS, so nothing is sealed a second time.
        Cover::Tls => "auto",
    }
}

fn compress(variant: Variant) -> &'static str {
    match variant.packing {
        Packing::Off => "off",
        Packing::On => "on",
    }
}

fn policy(service: &str, egress_key: &str, ingress_key: &str) -> String {
    let island = |id: &str, role: &str, key: &str| {
        format!(
            "[[island]]\nid = \"{id}\"\n\
             \x20 [[island.gateway]]\n  id = \"{id}-{role}\"\n  role = \"{role}\"\n  key = \"{key}\"\n\n"
        )
    };
    format!(
        "{}{}[[grant]]\nid = \"bench\"\nfrom = [\"{CALLER}\"]\nto = [\"{CALLED}\"]\nservice = [\"{service}\"]\n",
        island(CALLER, "egress", egress_key),
        island(CALLED, "ingress", ingress_key),
    )
}

fn hub_file(variant: Variant, listen: SocketAddr, admin: SocketAddr) -> String {
    let tls = match variant.cover {
        Cover::Tls => "tls = { certificate_file = \"hub.pem\", key_file = \"hub-tls.key\" }\n",
        Cover::Plain | Cover::Sealed => "",
    };
    format!(
        "[hub]\nid = \"bench-hub\"\nlisten = [\"{listen}\"]\nkey_file = \"hub.key\"\nseal = \"{}\"\ncompress = \"{}\"\n{tls}\n\
         [policy]\nfiles = [\"policy.toml\"]\n\n{AUDIT}\
         [state]\ndir = \"hub-state\"\n\n\
         [admin]\nlisten = [\"{admin}\"]\n",
        seal(variant),
        compress(variant),
    )
}

fn egress_file(
    variant: Variant,
    hub: SocketAddr,
    hub_key: &str,
    service: &str,
    entry: SocketAddr,
    admin: SocketAddr,
) -> String {
    format!(
        "{}[egress]\nlisten = [\"{}\"]\n\n[egress.ports]\n{CALLED} = {}\n\n\
         [[import.rule]]\nisland = \"{CALLED}\"\nservice = \"{service}\"\n\n[state]\ndir = \"egress-state\"\n\n\
         [admin]\nlisten = [\"{admin}\"]\n",
        gateway(variant, CALLER, "egress", hub, hub_key),
        entry.ip(),
        entry.port(),
    )
}

fn ingress_file(
    variant: Variant,
    hub: SocketAddr,
    hub_key: &str,
    service: &str,
    provider: SocketAddr,
    admin: SocketAddr,
) -> String {
    format!(
        "{}[[export.rule]]\nservice = \"{service}\"\n\n\
         [[provider]]\naddress = \"{provider}\"\nservice = \"{service}\"\n\n\
         [state]\ndir = \"ingress-state\"\n\n[admin]\nlisten = [\"{admin}\"]\n",
        gateway(variant, CALLED, "ingress", hub, hub_key),
    )
}

/// What both gateways are told alike.
fn gateway(variant: Variant, island: &str, role: &str, hub: SocketAddr, hub_key: &str) -> String {
    let (scheme, trust) = match variant.cover {
        Cover::Tls => ("https", format!("ca_file = \"authority.pem\"\nserver_name = \"{SERVER_NAME}\"\n")),
        Cover::Plain | Cover::Sealed => ("http", String::new()),
    };
    let transport = match variant.transport {
        Transport::Ws => "ws",
        Transport::H2 => "h2",
    };
    format!(
        "[island]\nid = \"{island}\"\ngateway = \"{island}-{role}\"\n\n\
         [[hub]]\nurl = \"{scheme}://{hub}\"\nkey = [\"{hub_key}\"]\ntransport = \"{transport}\"\n\
         compress = \"{}\"\n{trust}\n\
         [link]\nkey_file = \"{role}.key\"\nseal = \"{}\"\n\n",
        compress(variant),
        seal(variant),
    )
}
