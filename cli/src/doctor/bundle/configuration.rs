//! A configuration without its secrets. Nothing is taken out by its name: a text is left out unless what it says can be none.
//!
//! ```text
//!   typed    the file and the variables laid over it. Shown: numbers, true and false, and texts that are an address, a time, a size or a
//!            public key, whatever key they stand at. Every other text is left out
//!   meant    what those types say that the doctor itself uses: ids, URLs without credentials, names of headers, registries
//! ```

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::Result;
use chassis::{Size, Time};
use serde_json::{Map, Value, json};
use tunnel::key::PublicKey;

use super::OUT;
use crate::doctor::about::{About, Gateway};
use crate::doctor::target::Target;

/// What was typed, as far as it can be shown.
pub fn typed(file: &Path) -> Result<Value> {
    let variables = chassis::config::variables();
    let read = chassis::config::settle_file(file, &variables, |raw: Map<String, Value>, _| Some(Value::Object(raw)))?;
    Ok(shown(read.config))
}

fn shown(value: Value) -> Value {
    match value {
        Value::String(text) if !is_open(&text) => OUT.into(),
        Value::Array(items) => items.into_iter().map(shown).collect(),
        // Names of tables are the programs' own, but for those of headers and ports.
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, shown(value))).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}

/// Whether a text is of a kind that holds no secret.
fn is_open(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
        || text.parse::<SocketAddr>().is_ok()
        || text.parse::<PublicKey>().is_ok()
        || Time::parse(text).is_some()
        || Size::parse(text).is_some()
}

/// What is true of it, where the doctor looks at it.
pub fn meant(about: &About) -> Value {
    let gateway = about.gateway.as_ref().map(|Gateway { role, island, id, seal }| {
        json!({ "role": role.to_string(), "island": island, "gateway": id, "seal": format!("{seal:?}").to_lowercase() })
    });
    let advertised = about.advertised.as_ref().map(|told| json!({ "address": told.address, "ports": told.ports }));
    let registries = about.registries.iter().map(|registry| {
        let servers = zk_bridge::servers(registry).into_iter().map(|(host, port)| format!("{host}:{port}"));
        servers.collect::<Vec<_>>()
    });
    json!({
        "gateway": gateway,
        "hubs": about.hubs.iter().map(hub).collect::<Vec<_>>(),
        "registries": registries.collect::<Vec<_>>(),
        "advertised": advertised,
        "admin": about.admin.listen,
    })
}

fn hub(Target { hub, transport }: &Target) -> Value {
    json!({
        "url": hub.url,
        "transport": transport.as_deref().unwrap_or("auto"),
        "server_name": hub.server_name,
        "host": hub.host,
        "proxy": hub.proxy.as_ref().map(ToString::to_string),
        "headers": hub.headers.keys().map(|name| name.as_str()).collect::<Vec<_>>(),
        "keys": hub.keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "encoding": hub.encoding,
        "models": hub.models,
        "compress": hub.compress,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_a_secret_is_left_out_wherever_it_stands() {
        let typed = json!({ "a": "hunter2", "b": ["10.0.0.1:80", "sesame"], "c": { "d": 5, "e": "15s", "f": "8MiB", "g": true } });
        let wanted =
            json!({ "a": OUT, "b": ["10.0.0.1:80", OUT], "c": { "d": 5, "e": "15s", "f": "8MiB", "g": true } });
        assert_eq!(shown(typed), wanted);
    }
}
