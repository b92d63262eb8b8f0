//! Who logs in at a registry: a username, and a password in a file or an environment variable.
//!
//! A password is kept out of `Debug` and never shows in a mistake.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{RegistryConfig, RegistryMistake};

/// The longest password that is read.
const PASSWORD_MAX_LEN: u64 = 4096;

/// Who logs in, and where the password is: it is read again for each session, since people change passwords.
#[derive(Clone)]
pub(super) struct Credentials {
    username: String,
    password: Password,
}

#[derive(Clone)]
enum Password {
    In(PathBuf),
    Of(String),
}

/// `user:password`, printed by nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login(Vec<u8>);

impl Login {
    /// As the scheme `digest` wants it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

impl Credentials {
    /// What a section says of it. Reads the password's file or variable, to see whether it can be read.
    pub(super) fn settle(config: &RegistryConfig, folder: &Path, mistakes: &mut Vec<RegistryMistake>) -> Option<Self> {
        let mut wrong = |key, what: String| mistakes.push(RegistryMistake { key, what });
        let (password, key) = match (&config.password_file, &config.password_env) {
            (Some(_), Some(_)) => {
                wrong("password_env", "found password_file as well, wanted one of them".into());
                return None;
            }
            (Some(file), None) => (Password::In(folder.join(file)), "password_file"),
            (None, Some(name)) => (Password::Of(name.clone()), "password_env"),
            (None, None) => {
                if config.username.is_some() {
                    wrong("username", "found no password_file and no password_env, wanted one with a username".into());
                }
                return None;
            }
        };
        let Some(username) = config.username.as_deref().filter(|name| !name.is_empty() && !name.contains(':')) else {
            wrong("username", "found a password, wanted a username without \":\" with it".into());
            return None;
        };
        let credentials = Self { username: username.to_owned(), password };
        match credentials.read() {
            Ok(_) => Some(credentials),
            Err(what) => {
                wrong(key, what);
                None
            }
        }
    }

    /// As who to log in now.
    ///
    /// # Errors
    /// Why the password cannot be read.
    pub(super) fn read(&self) -> Result<Login, String> {
        let password = match &self.password {
            Password::In(file) => password_in_file(file)?,
            Password::Of(name) => password_in_variable(name)?,
        };
        Ok(Login([self.username.as_bytes(), b":", &password].concat()))
    }
}

fn password_in_file(path: &Path) -> Result<Vec<u8>, String> {
    let place = path.display();
    let file = std::fs::File::open(path).map_err(|error| format!("cannot read {place}: {error}"))?;
    let about = file.metadata().map_err(|error| format!("cannot read {place}: {error}"))?;
    if about.mode() & 0o077 != 0 {
        let mode = about.mode() & 0o777;
        return Err(format!("{place} has mode {mode:03o}, wanted a file that only its owner can read (chmod 600)"));
    }
    let mut content = Vec::new();
    file.take(PASSWORD_MAX_LEN + 1)
        .read_to_end(&mut content)
        .map_err(|error| format!("cannot read {place}: {error}"))?;
    if content.len() as u64 > PASSWORD_MAX_LEN {
        return Err(format!("{place} has more than {PASSWORD_MAX_LEN} bytes, wanted a password"));
    }
    let password = content.trim_ascii();
    if password.is_empty() { Err(format!("{place} is empty, wanted a password")) } else { Ok(password.to_vec()) }
}

fn password_in_variable(name: &str) -> Result<Vec<u8>, String> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value.into_bytes()),
        _ => Err(format!("the environment variable {name} is absent or empty, wanted a password in it")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::AclChoice;

    #[test]
    fn a_password_is_read_from_a_file_that_is_ones_own_and_shows_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "top secret\n").unwrap();
        let config = RegistryConfig {
            username: Some("dubbo".into()),
            password_file: Some("password".into()),
            ..RegistryConfig::at("h")
        };
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = config.settle(folder.path()).unwrap_err();
        assert!(open[0].what.contains("chmod 600"), "{open:?}");

        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let settings = config.settle(folder.path()).unwrap();
        assert_eq!(settings.login().unwrap().unwrap().bytes(), b"dubbo:top secret");
        assert_eq!(settings.acl, AclChoice::Creator, "as Dubbo's own client");
        assert!(!format!("{settings:?}{:?}{open:?}", settings.login()).contains("secret"));

        std::fs::write(&file, "\n").unwrap();
        assert!(config.settle(folder.path()).unwrap_err()[0].what.contains("empty"));
        std::fs::write(&file, vec![b'x'; 5000]).unwrap();
        assert!(config.settle(folder.path()).unwrap_err()[0].what.contains("more than 4096 bytes"));
    }
}
