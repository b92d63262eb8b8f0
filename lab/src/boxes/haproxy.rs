//! HAProxy as a balancer: with a short idle limit, and with HTTP/2 on both sides.

use std::fs;

use anyhow::Result;

use super::kind::{Entrance, Kind, Nature, Spot};
use super::running::{Parts, Program};
use crate::install::{Need, also};

/// Cuts what is silent for five seconds.
pub(super) static IDLE5: Kind = Kind {
    name: "haproxy-idle5",
    about: "HAProxy that cuts any connection that is silent for 5 s, and makes HTTP/1.1 of HTTP/2.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| {
        let text = format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n\
             frontend in\n  bind {}\n  default_backend hub\n\
             backend hub\n  server hub {}\n",
            spot.listen(),
            spot.hub
        );
        parts(spot, &text)
    },
};

/// Ends TLS and speaks HTTP/2, to the hub too where gRPC is meant.
pub(super) static H2: Kind = Kind {
    name: "haproxy-h2",
    about: "HAProxy that ends TLS and speaks HTTP/2 on both sides; it cuts streams that are silent for 50 s.",
    entrance: Entrance::Tls,
    nature: Nature::Usual,
    parts: |spot| {
        let text = format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 50s\n  timeout server 50s\n  timeout tunnel 1h\n\
             frontend in\n  bind {} ssl crt {} alpn h2,http/1.1\n\
             \x20 use_backend grpc if {{ req.hdr(content-type) -m beg application/grpc }}\n  default_backend hub\n\
             backend grpc\n  server hub {hub} proto h2\n\
             backend hub\n  server hub {hub}\n",
            spot.listen(),
            spot.papers.with_key(),
            hub = spot.hub
        );
        parts(spot, &text)
    },
};

fn parts(spot: &Spot, text: &str) -> Result<Parts> {
    let file = spot.folder.join("haproxy.cfg");
    fs::write(&file, format!("global\n  maxconn 2000\n{text}"))?;
    Ok(vec![Program::part(spot, also(Need::Haproxy)?, &["-db", "-f", &file.display().to_string()], spot.listen())])
}
