//! Which hubs are meant, and how they are reached: by a gateway's own configuration, or by an address alone.
//!
//! It dials nothing.

use std::path::Path;

use anyhow::Result;
use chassis::{Mistakes, SecretFile};
use tunnel::{HubAddress, HubConfig, Proxy};

use super::Arguments;
use crate::wrong::wrong;

/// A hub to go to.
pub struct Target {
    pub hub: HubAddress,
    /// The transport that the configuration asks for; `None` where any will do.
    pub transport: Option<String>,
}

/// Those of a configuration, as far as they are sound.
pub fn settle(typed: &[HubConfig], mistakes: &mut Mistakes) -> Vec<Target> {
    if typed.is_empty() {
        mistakes.missing("hub", "a section [[hub]]");
    }
    let folder = mistakes.resolve(Path::new(""));
    let mut all = Vec::new();
    for (at, typed) in typed.iter().enumerate() {
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
    all
}

/// The one that the arguments name.
pub fn at(arguments: &Arguments) -> Result<Target> {
    let Some(url) = arguments.hub.as_deref() else {
        return Err(wrong("found no hub, wanted --hub with its address or --config with a program's file".to_owned()));
    };
    HubAddress::is_open(url).map_err(|what| wrong(format!("--hub: {what}")))?;
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
