//! The names of the islands that this gateway has ever heard of, by offers and by rules about imports; they outlive a restart.
//!
//! They only become more. A tag that names an island is a word of the caller; if it were somebody's own tag again as soon as the island
//! is withdrawn, or until a hub has told of it after a start, its calls would go to another island.

use std::collections::BTreeSet;

use route::Imports;

/// Far more than there are; hubs tell names, so there is a bound.
const ISLANDS_MAX: usize = 10_000;

/// The names.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Islands(BTreeSet<String>);

impl Islands {
    /// These and the islands that offer something or that rules about imports name; `None` where all of them are known.
    #[must_use]
    pub fn with<'a>(&self, imports: &'a Imports, offering: impl Iterator<Item = &'a str>) -> Option<Self> {
        let new: BTreeSet<&str> = imports.named().chain(offering).filter(|island| !self.know(island)).collect();
        let room = ISLANDS_MAX.saturating_sub(self.0.len());
        let new: Vec<String> = new.into_iter().take(room).map(str::to_owned).collect();
        (!new.is_empty()).then(|| Self(self.0.iter().cloned().chain(new).collect()))
    }

    /// Whether an island of this name was ever heard of.
    #[must_use]
    pub fn know(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use route::{BesideLocal, ImportRule, Verdict};

    use super::*;

    #[test]
    fn names_stay_and_stay_within_their_bound() {
        let rule = |island: &str, verdict| ImportRule {
            island: island.parse().unwrap(),
            service: "*".parse().unwrap(),
            verdict,
            beside_local: BesideLocal::Never,
            idempotent: Vec::new(),
            plain: false,
        };
        let imports = Imports::new(vec![rule("beijing", Verdict::Leave), rule("west-*", Verdict::Import)]);
        let islands = Islands::default().with(&imports, ["shanghai", "shanghai"].into_iter()).unwrap();
        assert_eq!(islands.with(&imports, std::iter::empty()), None, "nothing is new, and nothing is forgotten");
        let known = ["shanghai", "beijing", "west-1", "west-*"].map(|name| islands.know(name));
        assert_eq!(known, [true, true, false, false]);
        let many: Vec<String> = (0..2 * ISLANDS_MAX).map(|number| format!("i{number}")).collect();
        let islands = islands.with(&imports, many.iter().map(String::as_str)).unwrap();
        assert_eq!(islands.0.len(), ISLANDS_MAX);
        assert_eq!(islands.with(&imports, many.iter().map(String::as_str)), None);
    }
}
