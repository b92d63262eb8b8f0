//! The command line of a program: a file, and whether only to check it.
//!
//! Small enough to need no parser crate. Secrets are never arguments.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::process::Program;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Run,
    Check,
    Help,
    Version,
}

/// A command line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) what: What,
    pub(super) file: PathBuf,
}

impl Arguments {
    /// Reads the arguments after the program's name; without a file it is `NAME.toml` in the current folder.
    pub(super) fn read(name: &str, arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut what = What::Run;
        let mut file = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let path = match argument.to_str() {
                Some("--help" | "-h") => return Ok(Self { what: What::Help, file: PathBuf::new() }),
                Some("--version" | "-V") => return Ok(Self { what: What::Version, file: PathBuf::new() }),
                Some("--check") => {
                    what = What::Check;
                    continue;
                }
                Some("--config" | "-c") => match arguments.next() {
                    Some(path) => PathBuf::from(path),
                    None => return Err("--config wants a file".to_owned()),
                },
                Some(text) if text.starts_with("--config=") => PathBuf::from(&text["--config=".len()..]),
                Some(text) if text.starts_with('-') => return Err(format!("unknown argument {text:?}")),
                _ => PathBuf::from(argument),
            };
            if let Some(first) = file.replace(path) {
                return Err(format!("two configuration files, the first is {}", first.display()));
            }
        }
        Ok(Self { what, file: file.unwrap_or_else(|| format!("{name}.toml").into()) })
    }
}

/// What `--help` says.
pub(super) fn usage<P: Program>() -> String {
    let name = P::NAME;
    format!(
        "{about}\n\n\
         usage: {name} [--check] [--config FILE | FILE]\n\n\
         \x20 FILE, --config FILE   the configuration (default: {name}.toml in the current folder)\n\
         \x20 --check               say whether the configuration is good and end: exit code 0, or 2 with every mistake\n\
         \x20 --version, --help\n\n\
         Environment variables override the file: HIGHWAY__ADMIN__LISTEN__0=127.0.0.1:9000 is admin.listen[0].\n\
         SIGTERM or SIGINT drains, a second one ends at once. SIGHUP or a changed file reloads.\n\
         Exit codes: 0 ended, 1 failed, 2 bad configuration.",
        about = P::ABOUT,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::read("egress-gw", arguments.iter().map(OsString::from))
    }

    #[test]
    fn without_arguments_the_file_has_the_programs_name() {
        assert_eq!(read(&[]).unwrap(), Arguments { what: What::Run, file: "egress-gw.toml".into() });
    }

    #[test]
    fn the_file_is_given_in_any_of_three_forms() {
        for form in [&["--config", "a.toml"][..], &["--config=a.toml"], &["a.toml"]] {
            assert_eq!(read(form).unwrap().file, PathBuf::from("a.toml"));
        }
        assert_eq!(read(&["--check", "a.toml"]).unwrap().what, What::Check);
        assert_eq!(read(&["a.toml", "--check"]).unwrap().what, What::Check);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert_eq!(read(&["--chekc"]).unwrap_err(), "unknown argument \"--chekc\"");
        assert_eq!(read(&["--config"]).unwrap_err(), "--config wants a file");
        assert_eq!(read(&["a", "b"]).unwrap_err(), "two configuration files, the first is a");
    }
}
