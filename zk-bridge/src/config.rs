//! The section `[[registry]]`: what was typed, and what is true of it. Every mistake is told, not the first only.
//!
//! Who logs in is in [`login`]. It reads no file but a password's.

mod login;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use self::login::Credentials;
pub(crate) use self::login::Login;

/// Dubbo's own default root, the `group` of a registry URL that says none.
const DEFAULT_ROOT: &str = "dubbo";
/// Where Dubbo's instances are while the registry URL says no `group`.
const DEFAULT_SERVICES_ROOT: &str = "services";
/// Where Dubbo's config center in ZooKeeper begins while its URL says no `namespace`: `dubbo` and `config`
/// (`ZookeeperDynamicConfiguration.java`).
const DEFAULT_CONFIG_ROOT: &str = "dubbo/config";
/// What is asked of the server; it grants 2 to 20 of its ticks (4 to 40 s by default).
const DEFAULT_SESSION_TIMEOUT: Duration = Duration::from_secs(15);
/// Sessions outside of this serve nobody.
const SESSION_TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);

/// One section `[[registry]]` as typed.
///
/// ```toml
/// [[registry]]
/// name = "main"                          # as it shows in logs and on the status page; the address if absent
/// address = "zk1:2181,zk2:2181/chroot"   # the servers of one ensemble; the chroot is optional and must exist
/// root = "dubbo"                         # the group of the applications' registry URL, if they set one
/// services_root = "services"             # instances; by default "services", or `root` where that is not "dubbo"
/// config_root = "dubbo/config"           # the config center; rule documents stand in its folder "highway"
/// username = "dubbo"                     # digest authentication
/// password_file = "zookeeper.password"   # mode 0600; relative to this file
/// password_env = "ZK_PASSWORD"           # or the name of a variable that holds it
/// acl = "auto"                           # of our nodes: auto, open, creator, readable
/// session_timeout = "15s"
/// server_version = "3.8.4"               # learnt from the server if absent
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryConfig {
    /// How logs and the status page call it; the address if absent.
    pub name: Option<String>,
    /// `host:port,host:port[/chroot]`, all of one ensemble. Required.
    pub address: Option<String>,
    /// The registry's group: the first folder of the tree, `dubbo` if absent.
    pub root: Option<String>,
    /// The folder of instances: `services` if absent, or `root` where that is not `dubbo`, as Dubbo 3 does.
    pub services_root: Option<String>,
    /// The folder of the config center, `dubbo/config` if absent: rule documents stand in its folder `highway`.
    pub config_root: Option<String>,
    /// The user of digest authentication.
    pub username: Option<String>,
    /// The file with the password, readable by its owner only; relative to the configuration's folder.
    pub password_file: Option<PathBuf>,
    /// The name of the environment variable with the password, instead of a file.
    pub password_env: Option<String>,
    /// Who may do what with the nodes we make.
    pub acl: Option<AclChoice>,
    /// Asked of the server, such as `"15s"`; the server may grant another.
    pub session_timeout: Option<String>,
    /// `"3.4.14"`; learnt from the server if absent.
    pub server_version: Option<String>,
}

/// Who may do what with the nodes we make.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AclChoice {
    /// With a username [`AclChoice::Creator`], as Dubbo's own client does ([`AclChoice::Readable`] for rule documents); else [`AclChoice::Open`].
    #[default]
    Auto,
    /// Everybody may do everything.
    Open,
    /// Whoever has our username may do everything, others nothing.
    Creator,
    /// Whoever has our username may do everything, everybody may read.
    Readable,
}

/// A ZooKeeper server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion {
    /// 3.
    pub major: u32,
    /// 4 to 9.
    pub minor: u32,
    /// Anything.
    pub patch: u32,
}

/// What is wrong with a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryMistake {
    /// The key in the section.
    pub key: &'static str,
    /// What was found and what was wanted.
    pub what: String,
}

/// A sound section.
#[derive(Clone)]
pub struct RegistrySettings {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) root: String,
    pub(crate) services_root: String,
    pub(crate) config_root: String,
    login: Option<Credentials>,
    pub(crate) acl: AclChoice,
    /// The same for rule documents: unless somebody said otherwise every gateway may read them, whoever it logs in as.
    pub(crate) acl_of_documents: AclChoice,
    pub(crate) session_timeout: Duration,
    pub(crate) server_version: Option<ServerVersion>,
}

impl fmt::Debug for RegistrySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrySettings")
            .field("name", &self.name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl RegistrySettings {
    /// How logs and the status page call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same for who writes rule documents.
    pub(crate) fn of_documents(&self) -> Self {
        Self { acl: self.acl_of_documents, ..self.clone() }
    }

    /// As who we log in now.
    ///
    /// # Errors
    /// Why the password cannot be read.
    pub(crate) fn login(&self) -> Result<Option<Login>, String> {
        self.login.as_ref().map(Credentials::read).transpose()
    }
}

impl ServerVersion {
    /// Reads `3.8.4`; what follows the third number is not looked at.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '.');
        let mut number = || {
            let part = parts.next()?;
            let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| &part[..end]);
            digits.parse().ok()
        };
        Some(Self { major: number()?, minor: number()?, patch: number()? })
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Settles all `[[registry]]` sections: those that are sound, and the mistakes of the others with the section's number.
/// Two registries of one name are a mistake of the second.
#[must_use]
pub fn settle_all(typed: &[RegistryConfig], folder: &Path) -> (Vec<RegistrySettings>, Vec<(usize, RegistryMistake)>) {
    let (mut settled, mut mistakes): (Vec<RegistrySettings>, Vec<_>) = (Vec::new(), Vec::new());
    for (at, registry) in typed.iter().enumerate() {
        match registry.settle(folder) {
            Ok(registry) if settled.iter().any(|other| other.name() == registry.name()) => {
                let what = format!("found {:?} again, wanted a name of its own for each registry", registry.name());
                mistakes.push((at, RegistryMistake { key: "name", what }));
            }
            Ok(registry) => settled.push(registry),
            Err(list) => mistakes.extend(list.into_iter().map(|mistake| (at, mistake))),
        }
    }
    (settled, mistakes)
}

impl RegistryConfig {
    /// A section with nothing but an address.
    #[must_use]
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), ..Self::default() }
    }

    /// Settles the section; `folder` is the one of the configuration file. Reads the password's file or variable.
    ///
    /// # Errors
    /// Every mistake of the section.
    pub fn settle(&self, folder: &Path) -> Result<RegistrySettings, Vec<RegistryMistake>> {
        let mut mistakes = Vec::new();
        let address = self.sound_address(&mut mistakes);
        let root = folder_name("root", self.root.as_deref().unwrap_or(DEFAULT_ROOT), &mut mistakes);
        let services = match &self.services_root {
            Some(typed) => folder_name("services_root", typed, &mut mistakes),
            None if root == DEFAULT_ROOT => DEFAULT_SERVICES_ROOT.to_owned(),
            None => root.clone(),
        };
        let config_root = self.sound_config_root(&root, &services, &mut mistakes);
        let login = Credentials::settle(self, folder, &mut mistakes);
        let typed = self.acl.unwrap_or_default();
        let is_left_open = typed == AclChoice::Auto && login.is_some();
        let acl_of_documents = if is_left_open { AclChoice::Readable } else { typed };
        let acl = match (typed, &login) {
            (AclChoice::Auto, Some(_)) => AclChoice::Creator,
            (AclChoice::Auto, None) => AclChoice::Open,
            (AclChoice::Creator | AclChoice::Readable, None) if self.username.is_none() => {
                mistakes.push(RegistryMistake {
                    key: "acl",
                    what: "found an acl for the creator, wanted a username with it".into(),
                });
                AclChoice::Open
            }
            (chosen, _) => chosen,
        };
        let session_timeout = self.sound_timeout(&mut mistakes);
        let server_version = self.server_version.as_deref().and_then(|typed| {
            let version = ServerVersion::parse(typed);
            if version.is_none() {
                let what = format!("found {typed:?}, wanted a version such as \"3.8.4\"");
                mistakes.push(RegistryMistake { key: "server_version", what });
            }
            version
        });
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let name = self.name.clone().unwrap_or_else(|| address.clone());
        Ok(RegistrySettings {
            name,
            address,
            root,
            services_root: services,
            config_root,
            login,
            acl,
            acl_of_documents,
            session_timeout,
            server_version,
        })
    }

    fn sound_address(&self, mistakes: &mut Vec<RegistryMistake>) -> String {
        let wanted = "wanted \"host:2181,host:2181\" with an optional \"/chroot\" at the end";
        let Some(typed) = self.address.as_deref().map(str::trim).filter(|typed| !typed.is_empty()) else {
            mistakes.push(RegistryMistake { key: "address", what: format!("found nothing, {wanted}") });
            return String::new();
        };
        let typed = typed.strip_prefix("zookeeper://").unwrap_or(typed).trim_end_matches('/');
        let (hosts, chroot) = typed.split_once('/').map_or((typed, None), |(hosts, chroot)| (hosts, Some(chroot)));
        let sound =
            hosts.split(',').all(is_host_and_port) && chroot.is_none_or(|path| path.split('/').all(is_sound_segment));
        if !sound {
            mistakes.push(RegistryMistake { key: "address", what: format!("found {typed:?}, {wanted}") });
        }
        typed.to_owned()
    }

    /// Never a folder of services: there `highway-history` would be an application of ours, and what is of ours is swept.
    fn sound_config_root(&self, root: &str, services: &str, mistakes: &mut Vec<RegistryMistake>) -> String {
        let key = "config_root";
        let typed = self.config_root.as_deref().unwrap_or(DEFAULT_CONFIG_ROOT);
        let config_root = folder_name(key, typed, mistakes);
        if config_root == root || config_root == services {
            let what = format!(
                "found {config_root:?}, where services stand, wanted a folder of its own such as \"dubbo/config\""
            );
            mistakes.push(RegistryMistake { key, what });
        }
        config_root
    }

    fn sound_timeout(&self, mistakes: &mut Vec<RegistryMistake>) -> Duration {
        let Some(typed) = &self.session_timeout else { return DEFAULT_SESSION_TIMEOUT };
        match crate::view::duration_with_unit(typed).filter(|time| SESSION_TIMEOUTS.contains(time)) {
            Some(time) => time,
            None => {
                let what = format!("found {typed:?}, wanted \"1s\" to \"600s\", such as \"15s\"");
                mistakes.push(RegistryMistake { key: "session_timeout", what });
                DEFAULT_SESSION_TIMEOUT
            }
        }
    }
}

/// `a/b` from `/a/b/`, `a/b`, …
fn folder_name(key: &'static str, typed: &str, mistakes: &mut Vec<RegistryMistake>) -> String {
    let name = typed.trim().trim_matches('/');
    if !name.split('/').all(is_sound_segment) {
        mistakes.push(RegistryMistake { key, what: format!("found {typed:?}, wanted a folder such as \"dubbo\"") });
    }
    name.to_owned()
}

fn is_sound_segment(segment: &str) -> bool {
    !segment.is_empty() && segment != "." && segment != ".." && !segment.contains(|c: char| c.is_control())
}

fn is_host_and_port(text: &str) -> bool {
    match text.rsplit_once(':') {
        Some((host, port)) => is_host(host) && port.parse::<u16>().is_ok_and(|port| port != 0),
        None => is_host(text),
    }
}

fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(config: &RegistryConfig) -> Vec<(&'static str, String)> {
        let found = config.settle(Path::new("/nowhere")).expect_err("a mistake");
        found.into_iter().map(|mistake| (mistake.key, mistake.what)).collect()
    }

    #[test]
    fn an_address_alone_is_enough() {
        let settings =
            RegistryConfig::at("zookeeper://zk1:2181,[::1]:2182,zk3/tenants/red/").settle(Path::new("/")).unwrap();
        assert_eq!(settings.address, "zk1:2181,[::1]:2182,zk3/tenants/red");
        assert_eq!((settings.root.as_str(), settings.services_root.as_str()), ("dubbo", "services"));
        assert_eq!(settings.config_root, "dubbo/config");
        assert_eq!((settings.acl, settings.session_timeout), (AclChoice::Open, DEFAULT_SESSION_TIMEOUT));
    }

    #[test]
    fn another_root_moves_the_instances_as_dubbo_does_unless_it_is_said() {
        let of = |root: &str, services: Option<&str>| {
            let config = RegistryConfig {
                root: Some(root.into()),
                services_root: services.map(str::to_owned),
                ..RegistryConfig::at("h")
            };
            config.settle(Path::new("/")).unwrap().services_root
        };
        assert_eq!(of("/prod/", None), "prod");
        assert_eq!(of("prod", Some("services")), "services");
        assert_eq!(of("dubbo", None), "services");
    }

    #[test]
    fn the_config_center_has_a_folder_of_its_own() {
        let of = |config: &str, root: &str| {
            let config =
                RegistryConfig { root: Some(root.into()), config_root: Some(config.into()), ..RegistryConfig::at("h") };
            config.settle(Path::new("/")).map(|settings| settings.config_root).map_err(|found| found[0].clone())
        };
        assert_eq!(of("/prod/config/", "dubbo").unwrap(), "prod/config");
        assert_eq!(of("dubbo/config", "dubbo/config").unwrap_err().key, "config_root");
        assert!(of("services", "dubbo").unwrap_err().what.contains("where services stand"));
        assert_eq!(of("a//b", "dubbo").unwrap_err().key, "config_root");
    }

    #[test]
    fn every_mistake_is_told() {
        let config: RegistryConfig = toml::from_str(
            r#"
            address = "host:0"
            root = "a//b"
            acl = "creator"
            session_timeout = "15"
            server_version = "new"
            password_env = "X"
            password_file = "x"
            "#,
        )
        .unwrap();
        let keys: Vec<&str> = mistakes(&config).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["address", "root", "password_env", "acl", "session_timeout", "server_version"]);
        assert!(toml::from_str::<RegistryConfig>("adress = \"h\"").is_err(), "an unknown key is refused");
        assert_eq!(mistakes(&RegistryConfig::default())[0].0, "address");
    }

    #[test]
    fn a_username_wants_a_password_and_the_other_way_round() {
        let named = RegistryConfig { username: Some("dubbo".into()), ..RegistryConfig::at("h") };
        assert!(mistakes(&named)[0].1.contains("password_file"));
        let nameless = RegistryConfig { password_file: Some("p".into()), ..RegistryConfig::at("h") };
        assert!(mistakes(&nameless)[0].1.contains("username"));
        let colon = RegistryConfig { username: Some("a:b".into()), ..nameless };
        assert_eq!(mistakes(&colon)[0].0, "username");
    }
}
