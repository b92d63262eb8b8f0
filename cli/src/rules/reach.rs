//! Which registry's config center is meant, and who may do what with what is made there.
//!
//! Of a configuration only `[[registry]]` is read.

use anyhow::Result;
use clap::{Args, ValueEnum};
use zk_bridge::{AclChoice, RegistrySettings};

use crate::reach::Registry;

/// The arguments that say it.
#[derive(Debug, Args)]
pub struct Reach {
    #[command(flatten)]
    registry: Registry,
    /// The folder of the config center, with an address [default: dubbo/config].
    #[arg(long, global = true, conflicts_with = "config", value_name = "FOLDER")]
    config_root: Option<String>,
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
        self.registry.settings(|config| {
            config.acl = self.acl.map(AclChoice::from).or(config.acl);
            config.config_root = self.config_root.clone().or_else(|| config.config_root.take());
        })
    }
}
