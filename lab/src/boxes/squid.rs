//! Squid as a company's way out: accounts, one port that may be asked for, and an edge that ends TLS behind it.

use std::fs;
use std::net::SocketAddrV4;

use super::kind::{Entrance, HUB, Kind, Nature, PROXY_PORT, TLS_PORT};
use super::nginx;
use super::running::Program;
use crate::install::{Need, also};

/// `shop` with the password `sesame`, as `openssl passwd -apr1` writes it.
const ACCOUNT: &str = "shop:$apr1$highway$bYsYhPxkn9JW.buKUHTB30\n";
/// The gateway's file, and what is in it.
pub(super) const CREDENTIALS: (&str, &str) = ("proxy.credentials", "shop:sesame\n");

/// Port 443 alone, and what is silent for 20 s is cut.
pub(super) static PORT_443: Kind = Kind {
    name: "squid-443",
    about: "Squid that wants an account, connects to port 443 alone and cuts what is silent for 20 s; nginx-h2 behind it.",
    entrance: Entrance::Proxy,
    nature: Nature::Usual,
    parts: |spot| {
        let here = spot.folder.display();
        let at = |port| SocketAddrV4::new(spot.place.address(), port);
        fs::write(spot.folder.join("accounts"), ACCOUNT)?;
        fs::write(spot.folder.join("hosts"), format!("{} {HUB}\n", spot.place.address()))?;
        let text = format!(
            "http_port {}\npid_filename none\nvisible_hostname squid.lab\nhosts_file {here}/hosts\n\
             auth_param basic program /usr/lib/squid/basic_ncsa_auth {here}/accounts\nauth_param basic realm lab\n\
             acl SSL_ports port {TLS_PORT}\nacl CONNECT method CONNECT\nacl known proxy_auth REQUIRED\n\
             http_access deny !known\nhttp_access deny CONNECT !SSL_ports\nhttp_access allow CONNECT known\nhttp_access deny all\n\
             read_timeout 20 seconds\naccess_log stdio:{here}/access.log\ncache_log {here}/cache.log\ncache deny all\n\
             coredump_dir {here}\nshutdown_lifetime 0 seconds\n",
            at(PROXY_PORT)
        );
        let file = spot.folder.join("squid.conf");
        fs::write(&file, text)?;
        let mut parts = nginx::edge(spot, at(TLS_PORT))?;
        let arguments = ["-N", "-f", &file.display().to_string()];
        parts.push(Program::part(spot, also(Need::Squid)?, &arguments, at(PROXY_PORT)));
        Ok(parts)
    },
};
