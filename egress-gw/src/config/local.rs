//! `[local.tls]`: how providers of this island with TLS are known, which calls to `local` go to.

use chassis::Mistakes;
use chassis::config::{PeerTls, RawPeerTls, WithTls};
use client::{TlsWith, Trust, TrustError};

use crate::local::LocalTls;

/// Checks the section.
pub fn settle(raw: Option<&RawPeerTls>, mistakes: &mut Mistakes) -> LocalTls {
    const KEY: &str = "local.tls";
    let Some(settled) = raw.and_then(|raw| raw.settle(KEY, mistakes)) else { return LocalTls::default() };
    let PeerTls { with, ca_file, own, server_name } = settled;
    let own = own.as_ref().map(|(certificate, key)| (&**certificate, &**key));
    let trust = Trust::read(ca_file.as_deref(), own, server_name.as_deref()).map_err(|error| {
        let name = if matches!(error, TrustError::ServerName(_)) { ".server_name" } else { "" };
        mistakes.say(&format!("{KEY}{name}"), error.to_string());
    });
    let with = match with {
        WithTls::Marked => TlsWith::Marked,
        WithTls::Everybody => TlsWith::Everybody,
    };
    LocalTls { trust: trust.ok(), with }
}
