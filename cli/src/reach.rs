//! Which registry is meant: one of a gateway's configuration, or an address.
//!
//! Of a configuration only `[[registry]]` is read. A password is in a file or a variable, never an argument.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use chassis::Mistakes;
use clap::Args;
use serde::Deserialize;
use zk_bridge::{RegistryConfig, RegistrySettings};

/// What of a gateway's file is asked for; the rest is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    registry: Vec<RegistryConfig>,
}

/// The arguments that say it.
#[derive(Debug, Args)]
pub struct Registry {
    /// The configuration of an egress gateway: its [[registry]] is asked.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which registry of the configuration, by its name; without --config the address of one, such as zk1:2181,zk2:2181/chroot.
    #[arg(long, global = true, value_name = "NAME|ADDRESS")]
    registry: Option<String>,
    /// As whom to log in, with an address.
    #[arg(long, global = true, conflicts_with = "config")]
    username: Option<String>,
    /// The file with the password, readable by its owner alone.
    #[arg(long, global = true, conflicts_with = "config", value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The name of the environment variable with the password.
    #[arg(long, global = true, conflicts_with = "config", value_name = "VARIABLE")]
    password_env: Option<String>,
}

impl Registry {
    /// The registry that is meant, with what else is said of it.
    pub fn settings(&self, change: impl Fn(&mut RegistryConfig)) -> Result<RegistrySettings> {
        match (&self.config, &self.registry) {
            (Some(file), name) => {
                let settle = |raw, mistakes: &mut Mistakes| settle(raw, &change, mistakes);
                let registries = chassis::config::settle_file(file, &chassis::config::variables(), settle)?.config;
                one_of(registries, name.as_deref())
            }
            (None, Some(address)) => self.at(address, change),
            (None, None) => bail!(
                "found no registry, wanted --config with the configuration of an egress gateway, or --registry with an address"
            ),
        }
    }

    fn at(&self, address: &str, change: impl Fn(&mut RegistryConfig)) -> Result<RegistrySettings> {
        let mut config = RegistryConfig {
            username: self.username.clone(),
            password_file: self.password_file.clone(),
            password_env: self.password_env.clone(),
            ..RegistryConfig::at(address)
        };
        change(&mut config);
        config.settle(Path::new("")).map_err(|mistakes| {
            let said = mistakes.iter().map(|mistake| {
                let argument = if mistake.key == "address" { "registry".into() } else { mistake.key.replace('_', "-") };
                format!("--{argument}: {}", mistake.what)
            });
            anyhow!("{}", said.collect::<Vec<_>>().join("; "))
        })
    }
}

fn settle(
    mut raw: Raw,
    change: impl Fn(&mut RegistryConfig),
    mistakes: &mut Mistakes,
) -> Option<Vec<RegistrySettings>> {
    raw.registry.iter_mut().for_each(change);
    let (registries, wrong) = zk_bridge::settle_all(&raw.registry, &mistakes.resolve(Path::new("")));
    for (at, mistake) in wrong {
        mistakes.say(&format!("registry[{at}].{}", mistake.key), mistake.what);
    }
    if raw.registry.is_empty() {
        mistakes.missing("registry", "a section for a registry");
    }
    Some(registries)
}

fn one_of(mut registries: Vec<RegistrySettings>, name: Option<&str>) -> Result<RegistrySettings> {
    let names: Vec<String> = registries.iter().map(|registry| registry.name().to_owned()).collect();
    let at = match name {
        Some(name) => names.iter().position(|of| of == name),
        None if names.len() == 1 => Some(0),
        None => None,
    };
    match at {
        Some(at) => Ok(registries.swap_remove(at)),
        None => {
            let found = name.map_or_else(|| "none".to_owned(), |name| format!("{name:?}"));
            bail!("found {found} for --registry, wanted one of {}", names.join(", "))
        }
    }
}
