//! `egress.allow` and `[egress.tls]`: who may connect to the Dubbo ports, and what a consumer with TLS is shown.

use std::path::Path;
use std::sync::Arc;

use chassis::{Mistakes, Sources};
use shard::tls::{self, Identity};

use super::raw::RawTls;
use crate::entrance::Entrance;

/// Checks both.
pub fn settle(allow: &[String], tls: &RawTls, mistakes: &mut Mistakes) -> Entrance {
    Entrance { allow: Sources::settle("egress.allow", allow, mistakes), tls: settle_tls(tls, mistakes) }
}

/// The files are read here, so that a change of one is noticed.
fn settle_tls(raw: &RawTls, mistakes: &mut Mistakes) -> Option<Arc<rustls::ServerConfig>> {
    let RawTls { certificate_file, key_file, client_ca_file } = raw;
    if certificate_file.is_none() && key_file.is_none() && client_ca_file.is_none() {
        return None;
    }
    let chain = "a PEM file with the certificate and those that vouch for it";
    let certificate = mistakes.require("egress.tls.certificate_file", certificate_file.as_deref(), chain);
    let key = mistakes.require("egress.tls.key_file", key_file.as_ref(), "a PEM file with the private key, mode 0600");
    let (certificate, key) = (certificate?, key?);
    mistakes.content("egress.tls.certificate_file", certificate)?;
    mistakes.secret("egress.tls.key_file", key)?;
    if let Some(file) = client_ca_file {
        mistakes.content("egress.tls.client_ca_file", file)?;
    }
    let resolve = |file: &Path| mistakes.resolve(file);
    let (certificate, key) = (resolve(certificate), resolve(key.path()));
    let identity = Identity { certificate_file: &certificate, key_file: &key };
    let settled = tls::server(identity, client_ca_file.as_deref().map(resolve).as_deref());
    settled.map_err(|error| mistakes.say("egress.tls", error.to_string())).ok()
}
