//! Which registry's config center is meant: one of a gateway's configuration, or an address.
//!
//! Of a configuration only `[[registry]]` is read. A password is in a file or a variable, never an argument.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use chassis::Mistakes;
use clap::{Args, ValueEnum};
use serde::Deserialize;
use zk_bridge::{AclChoice, RegistryConfig, RegistrySettings};

/// What of a gateway's file is asked for; the rest is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    registry: Vec<RegistryConfig>,
}

/// The arguments that say it.
#[derive(Debug, Args)]
pub struct Reach {
    /// The configuration of an egress gateway: its [[registry]] is asked.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which registry of the configuration, by its name; without --config the address of one, such as zk1:2181,zk2:2181/chroot.
    #[arg(long, global = true, value_name = "NAME|ADDRESS")]
    registry: Option<String>,
    /// The folder of the config center, with an address [default: dubbo/config].
    #[arg(long, global = true, conflicts_with = "config", value_name = "FOLDER")]
    config_root: Option<String>,
    /// As whom to log in, with an address.
    #[arg(long, global = true, conflicts_with = "config")]
    username: Option<String>,
    /// The file with the password, readable by its owner alone.
    #[arg(long, global = true, conflicts_with = "config", value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The name of the environment variable with the password.
    #[arg(long, global = true, conflicts_with = "config", value_name = "VARIABLE")]
    password_env: Option<String>,
    /// Who may do what with documents that are made, and their histories [default: the configuration's acl; else everybody may read them, and
    /// with a login only its user change them]. Those that are there keep their rights.
    #[arg(long, global = true)]
    acl: Option<Rights>,
}

/// Rights of what is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rights {
    /// Everybody may do everything.
    Open,
    /// The user may do everything, everybody may read.
    Readable,
    /// The user may do everything, others nothing: gateways have to log in as the same user.
    Creator,
}

impl From<Rights> for AclChoice {
    fn from(rights: Rights) -> Self {
        match rights {
            Rights::Open => Self::Open,
            Rights::Readable => Self::Readable,
            Rights::Creator => Self::Creator,
        }
    }
}

impl Reach {
    /// The registry that is meant.
    pub fn registry(&self) -> Result<RegistrySettings> {
        match (&self.config, &self.registry) {
            (Some(file), name) => {
                let settle = |raw, mistakes: &mut Mistakes| settle(raw, self.acl, mistakes);
                let registries = chassis::config::settle_file(file, &chassis::config::variables(), settle)?.config;
                one_of(registries, name.as_deref())
            }
            (None, Some(address)) => self.at(address),
            (None, None) => bail!(
                "found no registry, wanted --config with the configuration of an egress gateway, or --registry with an address"
            ),
        }
    }

    fn at(&self, address: &str) -> Result<RegistrySettings> {
        let config = RegistryConfig {
            config_root: self.config_root.clone(),
            username: self.username.clone(),
            password_file: self.password_file.clone(),
            password_env: self.password_env.clone(),
            acl: self.acl.map(AclChoice::from),
            ..RegistryConfig::at(address)
        };
        config.settle(Path::new("")).map_err(|mistakes| {
            let said = mistakes.iter().map(|mistake| {
                let argument = if mistake.key == "address" { "registry".into() } else { mistake.key.replace('_', "-") };
                format!("--{argument}: {}", mistake.what)
            });
            anyhow!("{}", said.collect::<Vec<_>>().join("; "))
        })
    }
}

fn settle(mut raw: Raw, acl: Option<Rights>, mistakes: &mut Mistakes) -> Option<Vec<RegistrySettings>> {
    if let Some(acl) = acl {
        raw.registry.iter_mut().for_each(|registry| registry.acl = Some(acl.into()));
    }
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
