//! Which of the definitions of an interface is meant: by group, version and application the newest.
//!
//! One that cannot be read stands in nobody's way, unless it is the one that is meant.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use clap::Args;

use super::definition::Definition;
use super::java_name::is_class_name;
use crate::wrong::wrong;

/// Definitions that an error names at most.
const NAMED_MAX: usize = 16;

/// Which service is meant.
#[derive(Debug, Args)]
pub struct Which {
    /// The Java interface, such as com.example.GreetingService.
    pub service: String,
    /// Its group, where there are several; "" for none.
    #[arg(long)]
    group: Option<String>,
    /// Its version, where there are several; "" for none.
    #[arg(long)]
    version: Option<String>,
    /// The application whose definition is taken [default: the one that published last].
    #[arg(long)]
    application: Option<String>,
}

impl Which {
    /// # Errors
    /// The service has a name that no interface of Java's has.
    pub fn check(&self) -> Result<()> {
        if !is_class_name(&self.service) {
            bail!(
                "found the service {:?}, wanted the full name of a Java interface: com.example.GreetingService",
                self.service
            );
        }
        Ok(())
    }

    /// The definition that is meant, of those that are published in this registry.
    ///
    /// # Errors
    /// There is none, there are several, or it is none.
    pub fn of(&self, mut published: Vec<zk_bridge::Definition>, registry: &str) -> Result<Definition> {
        let service = &self.service;
        if published.is_empty() {
            bail!(
                "found no definition of {service} in {registry}, wanted one of a provider on Dubbo 2.7 or 3, in the registry of its own island. \
                 They publish it where their registry is their metadata center (`dubbo.registry.use-as-metadata-center`, which is so by default), \
                 or where `dubbo.metadata-report.address` is this registry and `dubbo.metadata-report.report-definition` is not off; 2.6 and \
                 dubbo-go publish none"
            );
        }
        published.sort_by_key(|one| Reverse(one.written));
        let is = |asked: &Option<String>, of: &str| asked.as_deref().is_none_or(|asked| asked == of);
        let (mut read, mut broken) = (Vec::new(), Vec::new());
        for one in published.iter() {
            match Definition::read(&one.application, &one.text) {
                Ok(definition) => read.push(definition),
                Err(what) if is(&self.application, &one.application) => broken.push((&one.path, what)),
                Err(_) => {}
            }
        }
        let all: BTreeSet<String> = read.iter().map(Definition::described).collect();
        read.retain(|one| {
            is(&self.group, one.group.as_deref().unwrap_or_default())
                && is(&self.version, one.version.as_deref().unwrap_or_default())
                && is(&self.application, &one.application)
        });
        let key = |one: &Definition| (one.group.clone(), one.version.clone());
        let several = |one: &Definition| read.iter().any(|other| key(other) != key(one));
        match (read.first(), broken.first()) {
            (None, Some((path, what))) => Err(anyhow!(
                "found {path} in {registry}, which is no definition that a client can be made of: {what}; its provider writes it anew when it starts"
            )),
            (None, None) => Err(wrong(format!(
                "found definitions of {service} alone that are of {}, wanted another; see --group, --version and --application",
                listed(&all)
            ))),
            (Some(newest), _) if several(newest) => Err(wrong(format!(
                "found several definitions of {service}, of {}, wanted one; say --group or --version, \"\" for none",
                listed(&all)
            ))),
            (Some(_), _) => Ok(read.swap_remove(0)),
        }
    }
}

fn listed(all: &BTreeSet<String>) -> String {
    let named: Vec<&str> = all.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = all.len() - named.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(application: &str, group: &str, version: &str, written: i64) -> zk_bridge::Definition {
        let text = format!(
            r#"{{"methods":[],"types":[],"parameters":{{"group":"{group}","version":"{version}","application":"{application}"}}}}"#
        );
        zk_bridge::Definition { path: format!("/{application}"), application: application.to_owned(), text, written }
    }

    fn which(group: Option<&str>, version: Option<&str>, application: Option<&str>) -> Which {
        let [group, version, application] = [group, version, application].map(|word| word.map(str::to_owned));
        Which { service: "a.B".to_owned(), group, version, application }
    }

    fn found(which: &Which, all: &[zk_bridge::Definition]) -> String {
        which.of(all.to_vec(), "zk:2181").map_or_else(|error| error.to_string(), |one| one.application)
    }

    #[test]
    fn the_newest_of_a_group_and_version_is_meant() {
        let all = [published("old", "", "", 1), published("new", "", "0.0.0", 3), published("mid", "", "", 2)];
        assert_eq!(found(&which(None, None, None), &all), "new");
        assert_eq!(found(&which(None, None, Some("old")), &all), "old");
        assert_eq!(found(&which(Some(""), None, None), &all), "new");
    }

    #[test]
    fn of_several_groups_or_versions_one_has_to_be_said() {
        let all = [published("a", "eu", "1.0", 1), published("b", "eu", "2.0", 2), published("c", "", "", 3)];
        assert_eq!(found(&which(Some("eu"), Some("1.0"), None), &all), "a");
        assert_eq!(found(&which(Some(""), None, None), &all), "c");
        assert_eq!(
            found(&which(Some("eu"), None, None), &all),
            "found several definitions of a.B, of `a` (group eu, version 1.0), `b` (group eu, version 2.0), `c`, wanted one; say --group or \
             --version, \"\" for none"
        );
        let other = found(&which(Some("us"), None, None), &all);
        assert!(
            other.starts_with("found definitions of a.B alone that are of `a` (group eu, version 1.0), "),
            "{other}"
        );
    }

    #[test]
    fn what_is_no_definition_stands_in_nobodys_way() {
        let broken = zk_bridge::Definition { text: "127.0.0.1".to_owned(), ..published("broken", "", "", 9) };
        let all = [published("whole", "", "", 1), broken.clone()];
        assert_eq!(found(&which(None, None, None), &all), "whole");
        let alone = found(&which(None, None, Some("broken")), &all);
        assert!(
            alone.starts_with("found /broken in zk:2181, which is no definition that a client can be made of: "),
            "{alone}"
        );
        let another = found(&which(None, None, Some("gone")), &all);
        assert!(another.starts_with("found definitions of a.B alone that are of `whole`, "), "{another}");
        assert_eq!(found(&which(None, None, None), &[broken]), alone);
        let none = found(&which(None, None, None), &[]);
        assert!(
            none.starts_with("found no definition of a.B in zk:2181, wanted one of a provider on Dubbo 2.7 or 3"),
            "{none}"
        );
    }

    #[test]
    fn many_definitions_are_not_all_named() {
        let all: Vec<_> = (0..40).map(|at| published(&format!("app{at:02}"), &format!("g{at:02}"), "", at)).collect();
        let said = found(&which(None, None, None), &all);
        assert!(said.contains("`app15` (group g15) and 24 more, wanted one"), "{said}");
    }

    #[test]
    fn a_service_is_an_interface_by_its_full_name() {
        for service in ["", "a/b", "com..x", "com.example.List<String>", "1a"] {
            assert!(Which { service: service.to_owned(), ..which(None, None, None) }.check().is_err(), "{service}");
        }
        assert!(which(None, None, None).check().is_ok());
    }
}
