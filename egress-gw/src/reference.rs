//! What the parameters of a consumer's reference say of islands. They stand in its node in the registry and nowhere on the wire.
//!
//! ```text
//!  highway.shanghai = ALL             every method goes to shanghai
//!  highway.shanghai = sayHello, sum   these do, all others stay with the providers of the own island (`local`)
//!  sayHello.highway = shanghai        the same of one method
//! ```
//!
//! The prefix, here `highway.`, is the operator's: `ENV_` makes `ENV_SHANGHAI` an island's. Behind it capitals become small and `_`
//! becomes `-`, as islands are named. A name that no island can have is kept, so that calls are refused and go nowhere unnoticed. Pure.

use std::collections::BTreeMap;

use route::{LOCAL, Word};

/// What parameters that name islands begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes(Vec<String>);

/// Every method.
const ALL: &str = "all";

impl Default for Prefixes {
    fn default() -> Self {
        Self(vec![wire::dubbo::call::HIGHWAY.to_owned()])
    }
}

/// What one reference says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Words {
    /// Of every method that is not named; in the order of the parameters.
    all: Vec<String>,
    /// Of single methods.
    methods: BTreeMap<String, Vec<String>>,
}

impl Prefixes {
    /// These prefixes; none where parameters say nothing.
    #[must_use]
    pub fn new(prefixes: Vec<String>) -> Self {
        Self(prefixes)
    }

    /// What these parameters say; `None` where they name no island.
    #[must_use]
    pub fn read(&self, parameters: &BTreeMap<String, String>) -> Option<Box<Words>> {
        let mut words = Words::default();
        for (key, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
            for prefix in &self.0 {
                words.read(prefix, key, value);
            }
        }
        (words != Words::default()).then(|| Box::new(words))
    }
}

impl Words {
    fn read(&mut self, prefix: &str, key: &str, value: &str) {
        let of_method = || key.strip_suffix(bare(prefix))?.strip_suffix('.');
        if let Some(name) = key.strip_prefix(prefix).filter(|name| !name.is_empty()) {
            if value.trim().eq_ignore_ascii_case(ALL) {
                return add(&mut self.all, name);
            }
            for method in value.split(',').map(str::trim).filter(|method| !method.is_empty()) {
                add(self.methods.entry(method.to_owned()).or_default(), name);
            }
        } else if let Some(method) = of_method().filter(|method| !method.is_empty()) {
            // dubbo-go writes it behind a word of its own.
            let method = method.strip_prefix("methods.").unwrap_or(method);
            add(self.methods.entry(method.to_owned()).or_default(), value.trim());
        }
    }

    /// The names of where this method may be meant to go: one, or several that contradict each other.
    pub fn of(&self, method: &str) -> impl Iterator<Item = &str> {
        let named = self.methods.get(method).unwrap_or(&self.all);
        let local = named.is_empty().then_some(LOCAL);
        named.iter().map(String::as_str).chain(local)
    }
}

/// The prefix as the key of a single method: without what joins it to a name.
fn bare(prefix: &str) -> &str {
    prefix.trim_end_matches(['.', '_', '-'])
}

/// Adds an island by its name in a parameter.
fn add(islands: &mut Vec<String>, name: &str) {
    let island = name.to_ascii_lowercase().replace('_', "-");
    if !islands.contains(&island) {
        islands.push(island);
    }
}

/// One word of all that was said of a call; `None` where nothing was.
pub fn agreed<'a>(mut said: impl Iterator<Item = &'a str>) -> Option<Word<'a>> {
    let first = said.next()?;
    match said.find(|other| *other != first) {
        Some(second) => Some(Word::Contradiction([first, second])),
        None if first == LOCAL => Some(Word::Local),
        None => Some(Word::Island(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(prefixes: &[&str], parameters: &[(&str, &str)]) -> Option<Box<Words>> {
        let prefixes = Prefixes(prefixes.iter().map(|prefix| (*prefix).to_owned()).collect());
        prefixes.read(&parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    fn word(parameters: &[(&str, &str)], method: &str) -> Option<String> {
        let words = read(&["highway.", "ENV_"], parameters)?;
        agreed(words.of(method)).map(|word| format!("{word:?}"))
    }

    fn island(name: &str) -> Option<String> {
        Some(format!("{:?}", Word::Island(name)))
    }

    #[test]
    fn all_means_every_method() {
        for all in ["ALL", "all", " All "] {
            assert_eq!(word(&[("highway.shanghai", all), ("timeout", "3000")], "sayHello"), island("shanghai"));
        }
    }

    #[test]
    fn a_method_that_is_not_named_beside_others_stays_here() {
        let said = [("highway.shanghai", "sayHello, sum,"), ("highway.beijing", "pay")];
        assert_eq!(word(&said, "sum"), island("shanghai"));
        assert_eq!(word(&said, "pay"), island("beijing"));
        assert_eq!(word(&said, "other"), Some("Local".to_owned()));
        assert_eq!(word(&[("highway.local", "pay"), ("highway.shanghai", "ALL")], "pay"), Some("Local".to_owned()));
    }

    #[test]
    fn a_named_method_stands_over_all() {
        let said = [("highway.beijing", "pay"), ("highway.shanghai", "ALL")];
        assert_eq!((word(&said, "pay"), word(&said, "other")), (island("beijing"), island("shanghai")));
    }

    #[test]
    fn a_single_method_says_it_in_a_parameter_of_its_own() {
        let said = [("sayHello.highway", "shanghai"), ("methods.sum.ENV", "BEI_JING")];
        assert_eq!((word(&said, "sayHello"), word(&said, "sum")), (island("shanghai"), island("bei-jing")));
        assert_eq!(word(&said, "other"), Some("Local".to_owned()));
    }

    #[test]
    fn names_are_read_as_islands_are_named() {
        assert_eq!(word(&[("ENV_NORTH_2", "ALL")], "x"), island("north-2"));
        assert_eq!(
            word(&[("highway.Shanghai!", "ALL")], "x"),
            island("shanghai!"),
            "what is no island is not passed over"
        );
    }

    #[test]
    fn what_names_no_island_says_nothing() {
        for said in
            [&[("timeout", "3000")][..], &[("highway.", "ALL")], &[("highway.shanghai", "")], &[("env_x", "ALL")]]
        {
            assert_eq!(word(said, "sayHello"), None, "{said:?}");
        }
        assert_eq!(read(&[], &[("highway.shanghai", "ALL")]), None);
    }

    #[test]
    fn a_reference_that_contradicts_itself_says_both() {
        let both = format!("{:?}", Word::Contradiction(["beijing", "shanghai"]));
        assert_eq!(word(&[("highway.beijing", "ALL"), ("highway.shanghai", "ALL")], "x"), Some(both.clone()));
        assert_eq!(word(&[("highway.beijing", "x"), ("x.highway", "shanghai")], "x"), Some(both));
        assert_eq!(word(&[("highway.beijing", "x"), ("x.highway", "beijing")], "x"), island("beijing"));
    }
}
