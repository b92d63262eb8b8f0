//! mitmproxy in front of the hub, as an inspecting proxy does it: TLS ends at its own certificate, and every body is stored whole
//! before it goes on.

use std::fs;

use super::kind::{Entrance, Kind, Nature};
use super::running::Program;
use crate::install;

/// Nothing streams, in either direction.
pub(super) static BUFFER: Kind = Kind {
    name: "mitm-buffer",
    about: "mitmproxy with a certificate of its own; it stores every body whole, so that nothing but WebSocket streams.",
    entrance: Entrance::Tls,
    nature: Nature::Usual,
    parts: |spot| {
        let own = spot.folder.join("own");
        fs::create_dir_all(&own)?;
        let (ip, port) = (spot.listen().ip().to_string(), spot.listen().port().to_string());
        let (own, mode, papers) = (
            format!("confdir={}", own.display()),
            format!("reverse:http://{}", spot.hub),
            format!("*={}", spot.papers.with_key()),
        );
        let arguments =
            ["--mode", &mode, "--listen-host", &ip, "--listen-port", &port, "--certs", &papers, "--set", &own, "-q"];
        Ok(vec![Program::part(spot, install::box_programs()?.join("mitmdump"), &arguments, spot.listen())])
    },
};
