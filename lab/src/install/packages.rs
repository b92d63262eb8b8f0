//! Debian packages, by the command each of them brings.
//!
//! With root they are installed; without it the error is the line that a person has to run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::reaper;

/// Where Debian asks whether a package may start its service; 101 says no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// A command that has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A JDK: the peers are compiled here.
    Java,
    /// Fetches the artefacts.
    Maven,
    /// Makes the namespaces.
    Ip,
    /// Keeps them apart.
    Nft,
    /// What the benchmark is compared with.
    Nginx,
    /// Runs what others wrote in JavaScript.
    Node,
    /// Fetches it.
    Npm,
    /// A proxy that lets programs out of a network.
    Squid,
    /// A load balancer.
    Haproxy,
    /// A web server that is a reverse proxy too.
    Apache,
    /// A cache in front of web servers.
    Varnish,
    /// A firewall that looks into requests, inside nginx.
    Modsecurity,
    /// What the rules of most such firewalls come from.
    CoreRules,
    /// Runs what others wrote in Python, and keeps it apart.
    Python,
    /// An engine for containers.
    Docker,
    /// Reads what several containers are together.
    Compose,
    /// Makes a fresh Debian.
    Mmdebstrap,
    /// Reads units.
    Systemd,
}

impl Need {
    /// The command, or the file, that shows whether it is there.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Need::Java => "javac",
            Need::Maven => "mvn",
            Need::Ip => "ip",
            Need::Nft => "nft",
            Need::Nginx => "nginx",
            Need::Node => "node",
            Need::Npm => "npm",
            Need::Squid => "squid",
            Need::Haproxy => "haproxy",
            Need::Apache => "apache2",
            Need::Varnish => "varnishd",
            Need::Python => "python3",
            Need::Docker => "dockerd",
            Need::Compose => "docker-compose",
            Need::Mmdebstrap => "mmdebstrap",
            Need::Systemd => "systemd-analyze",
            Need::Modsecurity => "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so",
            Need::CoreRules => "/usr/share/modsecurity-crs/owasp-crs.load",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Need::Java => "openjdk-17-jdk-headless",
            Need::Maven => "maven",
            Need::Ip => "iproute2",
            Need::Nft => "nftables",
            Need::Nginx => "nginx-light",
            Need::Node => "nodejs",
            Need::Npm => "npm",
            Need::Squid => "squid",
            Need::Haproxy => "haproxy",
            Need::Apache => "apache2-bin",
            Need::Varnish => "varnish",
            Need::Python => "python3-venv",
            Need::Docker => "docker.io",
            Need::Compose => "docker-compose",
            Need::Mmdebstrap => "mmdebstrap",
            Need::Systemd => "systemd",
            Need::Modsecurity => "libnginx-mod-http-modsecurity",
            Need::CoreRules => "modsecurity-crs",
        }
    }
}

/// Looks on the path and where root's commands lie, which a user's path often lacks.
pub(super) fn find(command: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|folder| folder.join(command))
        .find(|file| file.is_file())
}

pub(super) fn install(needs: &[Need]) -> Result<()> {
    let missing: Vec<&str> =
        needs.iter().filter(|need| find(need.command()).is_none()).map(|need| need.package()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !rustix::process::geteuid().is_root() {
        bail!(
            "{list} not installed, and only root can do that; run: sudo apt-get update && sudo apt-get install -y --no-install-recommends {list}"
        );
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("there is no apt-get here to install {list}; install what brings these commands and run this again");
    }
    eprintln!("lab: installing {list} (apt-get)");
    let _quiet = NoServices::begin()?;
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"];
    arguments.extend(&missing);
    apt(&arguments)?;
    for need in needs {
        find(need.command())
            .with_context(|| format!("{} is installed but brought no {}", need.package(), need.command()))?;
    }
    Ok(())
}

/// While it lives, no package starts a service of its own. A policy that is there already is left as it is.
struct NoServices {
    is_ours: bool,
}

impl NoServices {
    fn begin() -> Result<Self> {
        let is_ours = !Path::new(POLICY).exists();
        if is_ours {
            // Whatever ends this run: a machine with it starts no service of any package any more.
            reaper::tell("dir", POLICY)?;
            fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        }
        Ok(NoServices { is_ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_file(POLICY).map(|()| reaper::tell("keep", POLICY));
        }
    }
}

fn apt(arguments: &[&str]) -> Result<()> {
    let output = Command::new("/usr/bin/apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // While it works the policy stays, whatever has become of us.
        .stdin(reaper::awaited()?)
        .output()
        .context("cannot run apt-get")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("apt-get {} ended with {}: {}", arguments[0], output.status, words.trim());
    }
    Ok(())
}
