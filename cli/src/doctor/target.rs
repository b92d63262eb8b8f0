//! Which hubs are meant, and how they are reached: by a gateway's own configuration, or by an address alone.
//!
//! Of a configuration only `[[hub]]` is read; the program itself is the judge of the whole ([`crate::check`]).

use std::path::Path;

use anyhow::Result;
use chassis::{Mistakes, SecretFile};
use serde::Deserialize;
use tunnel::{HubAddress, HubConfig, Proxy};

use super::Arguments;
use crate::wrong::wrong;

/// A hub to go to.
pub struct Target {
    pub hub: HubAddress,
    /// The transport that the configuration asks for; `None` where any will do.
    pub transport: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    hub: Vec<HubConfig>,
}

pub fn all(arguments: &Arguments) -> Result<Vec<Target>> {
    match (&arguments.config, &arguments.hub) {
        (Some(file), _) => Ok(chassis::config::settle_file(file, &chassis::config::variables(), settle)?.config),
        (None, Some(url)) => Ok(vec![at(url, arguments)?]),
        (None, None) => {
            Err(wrong("found no hub, wanted --hub with its address or --config with a gateway's file".to_owned()))
        }
    }
}

fn settle(raw: Raw, mistakes: &mut Mistakes) -> Option<Vec<Target>> {
    if raw.hub.is_empty() {
        mistakes.missing("hub", "a section [[hub]]");
    }
    let folder = mistakes.resolve(Path::new(""));
    let mut all = Vec::new();
    for (at, typed) in raw.hub.iter().enumerate() {
        let secret = |key: &str, file: &Path| {
            let secret = mistakes.secret(&format!("hub[{at}].{key}"), &SecretFile::new(file))?;
            Some(secret.bytes().to_vec())
        };
        match typed.settle(&folder, secret) {
            Ok(hub) => {
                let name = format!("{:?}", hub.transport).to_lowercase();
                all.push(Target { transport: Some(name).filter(|name| name != "auto"), hub });
            }
            Err(list) => {
                for mistake in list {
                    mistakes.say(&format!("hub[{at}].{}", mistake.key), mistake.what);
                }
            }
        }
    }
    Some(all)
}

fn at(url: &str, arguments: &Arguments) -> Result<Target> {
    let mut hub = HubAddress::new(url, Vec::new());
    if url.starts_with("https://") {
        hub.tls = Some(tunnel::tls::client(arguments.ca.as_deref()).map_err(|error| wrong(format!("--ca: {error}")))?);
    }
    hub.server_name.clone_from(&arguments.server_name);
    let credentials = arguments.proxy_credentials_file.as_deref();
    let credentials = credentials.map(|file| SecretFile::new(file).read(Path::new(""))).transpose()?;
    let found = match &arguments.proxy {
        Some(proxy) => Proxy::configured(proxy, credentials.as_ref().map(chassis::Secret::bytes)),
        None => url.parse().map_or(Ok(None), |url| Proxy::from_environment(&url)),
    };
    hub.proxy = found.map_err(|what| wrong(format!("--proxy: {what}")))?;
    Ok(Target { hub, transport: None })
}
