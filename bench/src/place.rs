//! Where the programs of a chain stand: on the loopback address of this machine, or each in a network namespace.
//!
//! It makes no namespace.

use crate::program::{Program, free_ports};
use anyhow::{Context, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port that is given out in namespaces, where nobody else listens.
const FIRST_PORT: u16 = 20_000;

/// Where a program stands.
#[derive(Debug, Clone)]
pub struct Place {
    /// The namespace, if it is not that of this process.
    namespace: Option<String>,
    /// Where others reach it.
    address: Ipv4Addr,
}

impl Place {
    /// Beside this process.
    pub const HERE: Place = Place { namespace: None, address: Ipv4Addr::LOCALHOST };

    /// In this namespace, and reached at `address`; without a name in that of this process.
    pub fn at(namespace: Option<String>, address: Ipv4Addr) -> Place {
        Place { namespace, address }
    }

    /// An address with a port that nobody listens on.
    ///
    /// # Errors
    /// When the system has none.
    pub fn port(&self) -> Result<SocketAddr> {
        static NEXT: AtomicU16 = AtomicU16::new(FIRST_PORT);
        if self.address.is_loopback() {
            let [free] = free_ports()?;
            return Ok(free);
        }
        Ok(SocketAddr::new(IpAddr::V4(self.address), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Starts a program there, as [`Program::start`] does.
    ///
    /// # Errors
    /// When the log cannot be made or the program cannot be started.
    pub fn start(&self, name: &str, program: &Path, arguments: &[&str], dir: &Path) -> Result<Program> {
        let (program, arguments) = self.command(program, arguments)?;
        Program::start(name, &program, &arguments, dir)
    }

    /// What runs `program` there, and with which arguments.
    pub fn command<'a>(
        &'a self,
        program: &'a Path,
        arguments: &[&'a str],
    ) -> Result<(std::path::PathBuf, Vec<&'a str>)> {
        let Some(namespace) = &self.namespace else { return Ok((program.to_owned(), arguments.to_vec())) };
        let program = program.to_str().context("the program's path is not UTF-8")?;
        let inside = ["netns", "exec", namespace, program].into_iter().chain(arguments.iter().copied());
        Ok(("ip".into(), inside.collect()))
    }
}
