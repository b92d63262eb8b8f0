//! The yardstick: three plain TCP relays, each an nginx of its own with the module `stream`.
//!
//!   load ──▶ nginx 1 ──▶ nginx 2 ──▶ nginx 3 ──▶ echo provider
//!
//! Set as its maker would set it for this: one worker, epoll, TCP_NODELAY, no access log, buffers of the default size,
//! no timeout that could strike. Installed from the distribution when missing. Never uses the system's own configuration.

use crate::packages;
use crate::place::Place;
use crate::program::Program;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where Debian keeps the module, if it is not compiled in.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

/// The three relays in the order of a call, and where the first listens.
///
/// # Errors
/// When nginx or its module cannot be had, or one of them does not start.
pub fn start(places: &[Place; 3], provider: SocketAddr, dir: &Path) -> Result<(Vec<Program>, SocketAddr)> {
    let program = ready_program()?;
    let [near, hub, far] = places;
    let (first, second, third) = (near.port()?, hub.port()?, far.port()?);
    let hops = [(first, second), (second, third), (third, provider)];
    let mut relays = Vec::new();
    for ((number, (listen, target)), place) in (1..).zip(hops).zip(places) {
        let name = format!("nginx-{number}");
        let folder = dir.join(&name);
        fs::create_dir_all(&folder)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(listen, target, &folder))?;
        let prefix = folder.to_str().context("the folder's name is not UTF-8")?;
        let file = file.to_str().context("the folder's name is not UTF-8")?;
        relays.push(place.start(&name, &program, &["-p", prefix, "-c", file], dir)?);
    }
    Ok((relays, first))
}

/// Where nginx is; installed with its module when missing.
///
/// # Errors
/// When it cannot be had.
pub fn ready_program() -> Result<PathBuf> {
    let mut missing = Vec::new();
    if packages::find("nginx").is_none() {
        missing.push("nginx-light");
    }
    if !Path::new(MODULE).exists() {
        missing.push("libnginx-mod-stream");
    }
    if !missing.is_empty() {
        packages::install(&missing)?;
    }
    packages::find("nginx").context("nginx was installed and is still not found")
}

fn configuration(listen: SocketAddr, target: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{words}");
    };
    line(format_args!("load_module {MODULE};"));
    line(format_args!("daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log warn;"));
    line(format_args!("events {{ use epoll; worker_connections 16384; }}"));
    line(format_args!("stream {{\n  access_log off;\n  server {{"));
    line(format_args!("    listen {listen} backlog=4096;\n    proxy_pass {target};"));
    line(format_args!("    tcp_nodelay on;\n    proxy_timeout 1h;\n    proxy_connect_timeout 5s;"));
    line(format_args!("  }}\n}}"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_listens_where_it_is_told_and_passes_on_to_the_next() {
        let text = configuration("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap(), Path::new("/x"));
        for wanted in ["listen 127.0.0.1:1 ", "proxy_pass 127.0.0.1:2;", "worker_processes 1;", "pid /x/nginx.pid;"] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
