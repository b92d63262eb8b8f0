//! nginx in its usual shapes, and with ModSecurity and the OWASP Core Rule Set inside.
//!
//! Whatever is not written here is as nginx has it: both bufferings on, 60 s timeouts, 1 MB bodies.

use std::fs;
use std::net::SocketAddrV4;
use std::path::PathBuf;

use anyhow::Result;

use super::kind::{Entrance, Kind, Nature, Spot};
use super::running::{Parts, Program};
use crate::install::{Need, also};

/// nginx with nothing but where to go.
pub(super) static DEFAULT: Kind = Kind {
    name: "nginx-default",
    about: "nginx with one proxy_pass and nothing else: HTTP/1.0 to the hub, no upgrades, bodies up to 1 MB read whole.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| parts(spot, "", &format!("listen {};", spot.listen()), "location / { proxy_pass http://up; }"),
};

/// nginx with the few lines that WebSocket wants.
pub(super) static UPGRADE: Kind = Kind {
    name: "nginx-upgrade",
    about: "nginx that passes upgrades on; it cuts what is silent for 60 s and reads request bodies whole.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| parts(spot, "", &format!("listen {};", spot.listen()), &upgrade("")),
};

/// nginx that ends TLS, with HTTP/2 in front and gRPC behind.
pub(super) static H2: Kind = Kind {
    name: "nginx-h2",
    about: "nginx that ends TLS and speaks HTTP/2; gRPC goes by grpc_pass and no request may bring more than 16 MB.",
    entrance: Entrance::Tls,
    nature: Nature::Usual,
    parts: |spot| parts(spot, "", &tls(spot, spot.listen()), &upgrade(GRPC)),
};

/// nginx that speaks cleartext HTTP/2 and nothing else.
pub(super) static H2C: Kind = Kind {
    name: "nginx-h2c",
    about: "nginx on a port for cleartext HTTP/2 alone, where HTTP/1.1 cannot be spoken.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| parts(spot, "", &format!("listen {} http2;", spot.listen()), "location / { grpc_pass grpc://up; }"),
};

/// A web application firewall.
pub(super) static WAF: Kind = Kind {
    name: "waf-crs",
    about: "nginx-upgrade behind ModSecurity with the OWASP Core Rule Set at paranoia level 1, blocking.",
    entrance: Entrance::Plain,
    nature: Nature::Usual,
    parts: |spot| guarded(spot, &upgrade("")),
};

/// The same firewall where nothing but POSTs is left, and in front of those that it refuses.
pub(super) static WAF_FORMS: Kind = Kind {
    name: "waf-forms",
    about: "nginx with one proxy_pass behind the same firewall: no upgrades, and no bodies of bytes but files of forms.",
    entrance: Entrance::Forms,
    nature: Nature::Usual,
    parts: |spot| guarded(spot, "location / { proxy_pass http://up; }"),
};

/// Behind ModSecurity with the Core Rule Set.
fn guarded(spot: &Spot, server: &str) -> Result<Parts> {
    let module = also(Need::Modsecurity)?;
    also(Need::CoreRules)?;
    // As the package has it but for blocking, with its own reports to nowhere.
    let text = "Include /etc/nginx/modsecurity.conf\nSecRuleEngine On\nSecAuditEngine Off\n\
                Include /etc/modsecurity/crs/crs-setup.conf\nInclude /usr/share/modsecurity-crs/rules/*.conf\n";
    let file = spot.folder.join("rules.conf");
    fs::write(&file, text)?;
    let inside = format!("modsecurity on; modsecurity_rules_file {};\n{server}", file.display());
    parts(spot, &format!("load_module {};", module.display()), &format!("listen {};", spot.listen()), &inside)
}

/// gRPC over HTTP/2 to the hub, told by its content type.
const GRPC: &str = "if ($content_type ~ \"^application/grpc\") { grpc_pass grpc://up; }";

/// nginx-h2 at another address, for a proxy to lead to.
pub(super) fn edge(spot: &Spot, at: SocketAddrV4) -> Result<Parts> {
    parts_at(spot, at, "", &tls(spot, at), &upgrade(GRPC))
}

fn tls(spot: &Spot, at: SocketAddrV4) -> String {
    let (certificate, key) = (spot.papers.certificate(), spot.papers.key());
    format!("listen {at} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};")
}

fn upgrade(first: &str) -> String {
    format!(
        "client_max_body_size 16m;
         location / {{
           {first}
           proxy_pass http://up; proxy_http_version 1.1;
           proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $kept;
         }}"
    )
}

fn parts(spot: &Spot, first: &str, listen: &str, server: &str) -> Result<Parts> {
    parts_at(spot, spot.listen(), first, listen, server)
}

fn parts_at(spot: &Spot, at: SocketAddrV4, first: &str, listen: &str, server: &str) -> Result<Parts> {
    let program: PathBuf = also(Need::Nginx)?;
    let (here, hub) = (spot.folder.display(), spot.hub);
    let kept: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|what| format!("{what}_temp_path {here}/{what};\n"))
        .collect();
    let text = format!(
        "{first}
daemon off; user root; worker_processes 2; pid {here}/nginx.pid; error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  {kept}
  map $http_upgrade $kept {{ default upgrade; '' close; }}
  upstream up {{ server {hub}; }}
  server {{
    {listen}
    {server}
  }}
}}
"
    );
    let file = spot.folder.join("nginx.conf");
    fs::write(&file, text)?;
    Ok(vec![Program::part(spot, program, &["-c", &file.display().to_string(), "-e", "stderr"], at)])
}
