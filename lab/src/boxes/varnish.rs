//! Varnish, a cache that passes upgrades on and reads everything else.

use std::fs;

use super::kind::{Entrance, Kind, Nature};
use super::running::Program;
use crate::install::{Need, also};

/// The built-in rules and a pipe for WebSocket.
pub(super) static PIPE: Kind = Kind {
    name: "varnish-pipe",
    about: "Varnish with a pipe for WebSocket; whoever says nothing for 60 s is cut, and HTTP/2 is not spoken.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| {
        let (ip, port) = (spot.hub.ip(), spot.hub.port());
        let text = format!(
            "vcl 4.1;\nbackend hub {{ .host = \"{ip}\"; .port = \"{port}\"; }}\n\
             sub vcl_recv {{ if (req.http.upgrade ~ \"(?i)websocket\") {{ return (pipe); }} }}\n\
             sub vcl_pipe {{ if (req.http.upgrade) {{ set bereq.http.upgrade = req.http.upgrade; set bereq.http.connection = req.http.connection; }} }}\n"
        );
        let file = spot.folder.join("hub.vcl");
        fs::write(&file, text)?;
        let (file, work, listen) =
            (file.display().to_string(), spot.folder.join("work").display().to_string(), spot.listen().to_string());
        let arguments = ["-F", "-j", "none", "-a", &listen, "-f", &file, "-n", &work, "-s", "malloc,32m", "-T", "none"];
        Ok(vec![Program::part(spot, also(Need::Varnish)?, &arguments, spot.listen())])
    },
};
